/* SPDX-License-Identifier: MIT */
/* redraft plot: loss curves of runs, speeds from bench's CSV or results of eval, in the terminal
 * and as an SVG file. */
#include "commands.h"
#include "common.h"
#include "curves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
  rd_common common; /* help alone has a row */
  char *output;
  int64_t columns, rows;
} settings;

static const rd_option rows[] = {
    {"output", 'o', RD_TEXT, "loss.svg", 0, 0, NULL, "Plot", "FILE", "where the SVG is written",
     offsetof(settings, output)},
    {"columns", 0, RD_INT, "72", 10, 1000, NULL, "Plot", NULL,
     "width of the drawing in the terminal", offsetof(settings, columns)},
    {"rows", 0, RD_INT, "16", 4, 1000, NULL, "Plot", NULL, "its height", offsetof(settings, rows)},
    {"help", 'h', RD_FLAG, "false", 0, 0, NULL, "Plot", NULL, "this list",
     offsetof(settings, common.help)}};

/* What is read how; a name with no ending of the table is the folder of a run. */
static const struct {
  const char *ending;
  rd_code (*read)(rd_curves *curves, const char *path, rd_error *e);
} kinds[] = {{".csv", rd_curves_read_bench}, {".jsonl", rd_curves_read_eval}, {"", rd_curves_read}};

static rd_code read_any(rd_curves *curves, const char *name, rd_error *e) {
  size_t kind = 0, n = strlen(name);
  for (;; kind++) {
    size_t m = strlen(kinds[kind].ending);
    if (n >= m && strcmp(name + n - m, kinds[kind].ending) == 0)
      return kinds[kind].read(curves, name, e);
  }
}

static rd_code plot(void *context, char **names, rd_error *e) {
  const settings *s = context;
  rd_curves curves = {0};
  rd_code code = RD_OK;
  if (!names[0])
    return rd_fail(e, RD_USAGE, "name at least one run, CSV of bench or JSONL of eval");
  for (; *names && code == RD_OK; names++)
    code = read_any(&curves, *names, e);
  if (code == RD_OK)
    code = rd_curves_text(&curves, stdout, (int)s->columns, (int)s->rows, e);
  FILE *out = code == RD_OK ? fopen(s->output, "we") : NULL;
  if (code == RD_OK && !out)
    code = rd_fail(e, RD_IO, "%s: cannot write: %s", s->output, strerror(errno));
  if (code == RD_OK)
    code = rd_curves_svg(&curves, out, e);
  if (out && fclose(out) != 0 && code == RD_OK)
    code = rd_fail(e, RD_IO, "%s: cannot write: %s", s->output, strerror(errno));
  rd_curves_drop(&curves);
  return code;
}

rd_code rd_cmd_plot(int argc, char **argv, rd_error *e) {
  settings s = {0};
  const rd_options o = {rows, sizeof rows / sizeof *rows, &s, NULL};
  return rd_tool_command(&o, -1, argc, argv, plot, e);
}
