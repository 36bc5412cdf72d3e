/* SPDX-License-Identifier: MIT */
/* redraft plot: loss curves of runs, speeds from bench's CSV or results of eval, in the terminal
 * and, where one is named, as an SVG file. */
#include "curves.h"
#include "frame.h"

#include <stdlib.h>
#include <string.h>

typedef struct settings {
  rd_common common; /* help alone has a row */
  char *output;
  int64_t columns, rows;
} settings;

static const rd_option rows[] = {
    {"output", RD_OPTION_AT(settings, output), .letter = 'o', .group = "Plot", .value = "FILE",
     .help = "draw the same as an SVG; without it in the terminal alone"},
    {"columns", RD_OPTION_AT(settings, columns), .fallback = "72", .min = 10, .max = 1000,
     .group = "Plot", .help = "width of the drawing in the terminal"},
    {"rows", RD_OPTION_AT(settings, rows), .fallback = "16", .min = 4, .max = 1000, .group = "Plot",
     .help = "its height"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_plot_parts[] = {
    {&own_rows, 0}, {&rd_help_rows, offsetof(settings, common)}, {NULL, 0}};

/* What is read how; a name with no ending of the table is the folder of a run. */
static const struct {
  const char *ending;
  rd_code (*read)(rd_curves *curves, const char *path, rd_error *e);
  rd_path (*file)(const char *folder); /* what is read in it; NULL: it is the file */
} kinds[] = {{".csv", rd_curves_read_bench, NULL},
             {".jsonl", rd_curves_read_eval, NULL},
             {"", rd_curves_read, rd_curves_metrics}};

static size_t kind_of(const char *name) {
  size_t kind = 0, n = strlen(name);
  for (;; kind++) {
    size_t m = strlen(kinds[kind].ending);
    if (n >= m && strcmp(name + n - m, kinds[kind].ending) == 0)
      return kind;
  }
}

/* Its curves; the drawing will not take the place of what they are read from. */
static rd_code read_any(rd_curves *curves, const char *name, const char *output, rd_error *e) {
  const size_t kind = kind_of(name);
  rd_path inside = {""};
  if (kinds[kind].file)
    inside = kinds[kind].file(name);
  RD_TRY(rd_path_apart(output, kinds[kind].file ? inside.text : name, e));
  return kinds[kind].read(curves, name, e);
}

static rd_code plot(void *context, char **names, rd_error *e) {
  const settings *s = context;
  rd_curves curves = {0};
  rd_code code = RD_OK;
  if (!names[0])
    return rd_fail(e, RD_USAGE, "name at least one run, CSV of bench or JSONL of eval");
  for (; *names && code == RD_OK; names++)
    code = read_any(&curves, *names, s->output, e);
  if (code == RD_OK)
    code = rd_curves_text(&curves, stdout, (int)s->columns, (int)s->rows, e);
  if (code == RD_OK && s->output)
    code = rd_curves_svg(&curves, s->output, e);
  rd_curves_drop(&curves);
  return code;
}

rd_code rd_cmd_plot(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, -1, argc, argv, plot, e);
}
