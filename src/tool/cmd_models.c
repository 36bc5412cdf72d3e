/* SPDX-License-Identifier: MIT */
/* redraft models: what was pulled, listed and removed. */
#include "frame.h"
#include "pulled.h"

#include <stdio.h>

typedef struct settings {
  rd_common common; /* --json and --help alone have rows */
  char *remove;
  int64_t count; /* of those that were listed */
} settings;

static const rd_option rows[] = {
    {"remove", RD_OPTION_AT(settings, remove), .group = "Models", .value = "OWNER/NAME",
     .help = "remove one, with all its files"},
    {"json", RD_OPTION_AT(settings, common.json), .group = "Models",
     .help = "one JSON object a line"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_models_parts[] = {
    {&own_rows, 0}, {&rd_help_rows, offsetof(settings, common)}, {NULL, 0}};

static rd_code print(void *context, const char *name, const char *folder, const json_t *pulled,
                     int64_t bytes, rd_error *e) {
  settings *s = context;
  s->count++;
  bool whole = json_object_get(pulled, "files") && !json_object_get(pulled, RD_PULLED_PART);
  if (!s->common.json) {
    if (whole)
      printf("%-40s %9.1f MB  %s\n", name, (double)bytes / 1e6, folder);
    else
      printf("%-40s %12s  %s\n", name, "in part", folder);
    return RD_OK;
  }
  json_t *row = json_pack("{s:s, s:I, s:b, s:s}", "name", name, "bytes", (json_int_t)bytes, "whole",
                          whole, "path", folder);
  int failed = !row || json_object_update_missing(row, (json_t *)(uintptr_t)pulled) != 0 ||
               json_dumpf(row, stdout, JSON_COMPACT) != 0;
  json_decref(row);
  (void)putchar('\n');
  return failed ? rd_fail(e, RD_IO, "cannot write JSON") : RD_OK;
}

static rd_code work(void *context, char **names, rd_error *e) {
  settings *s = context;
  rd_hub_name name;
  (void)names;
  if (!s->remove) {
    RD_TRY(rd_pulled_each(print, s, e));
    if (s->count == 0)
      fprintf(stderr, "redraft models: nothing was pulled yet; redraft pull OWNER/NAME does\n");
    return RD_OK;
  }
  RD_TRY(rd_hub_name_read(&name, s->remove, e));
  if (*name.file)
    return rd_fail(e, RD_USAGE, "--remove %s: a model goes with all its files; name it as %s",
                   s->remove, name.model);
  return rd_pulled_remove(&name, e);
}

rd_code rd_cmd_models(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 0, argc, argv, work, e);
}
