/* SPDX-License-Identifier: MIT */
/* Parsing, help and model opening for every command. */
#include "common.h"

#include "cpu.h"
#include "file.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

rd_code rd_tool_parse(const rd_options *o, const rd_common *common, int argc, char **argv, int most,
                      char ***rest, int *rest_count, bool *stop, rd_error *e) {
  *stop = false;
  *rest = NULL;
  RD_TRY(rd_options_default(o, e));
  RD_TRY(rd_options_parse(o, argc, argv, rest, rest_count, e));
  if (common->help) {
    char *text = rd_options_help(o);
    if (!text)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: the list of options");
    fputs(text, stdout);
    free(text);
    *stop = true;
    return RD_OK;
  }
  if (most >= 0 && *rest_count > most)
    return rd_fail(e, RD_USAGE, "unexpected argument %s", (*rest)[most]);
  if (common->threads > 0)
    rd_threads_set((int)common->threads);
  return RD_OK;
}

/* "folder/../name" when there is such a file. */
static char *beside(const char *folder, const char *name) {
  char *path = rd_format("%s/../%s", folder, name);
  if (path && rd_path_exists(path))
    return path;
  free(path);
  return NULL;
}

char *rd_tool_builtin_model(void) {
  static const char *const places[] = {"models/stories260K/stories260K.gguf",
                                       "share/redraft/models/stories260K/stories260K.gguf"};
  char program[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  program[n > 0 ? n : 0] = '\0';
  const char *folder = dirname(program);
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    char *path = beside(folder, places[i]);
    if (path)
      return path;
  }
  return rd_format("%s", places[0]);
}

rd_code rd_tool_model_path(char **out, const rd_common *common, rd_error *e) {
  const char *environment = getenv("REDRAFT_MODEL");
  *out = common->model ? rd_strdup(common->model, e)
         : environment ? rd_strdup(environment, e)
                       : rd_tool_builtin_model();
  return *out ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: the name of the model");
}

rd_code rd_tool_open(rd_model **out, const rd_common *common, bool merge, rd_error *e) {
  char *path = NULL;
  RD_TRY(rd_tool_model_path(&path, common, e));
  static const struct {
    const char *name;
    rd_precision precision;
  } precisions[] = {{"auto", RD_AUTO}, {"f32", RD_PRECISION_F32}, {"bf16", RD_PRECISION_BF16}};
  rd_model_options options = {.path = path,
                              .adapter = common->adapter,
                              .merge = merge,
                              .chat_template = common->chat_template,
                              .mask_token = common->mask_token};
  for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++)
    if (strcmp(precisions[i].name, common->precision) == 0)
      options.precision = precisions[i].precision;
  rd_code code = rd_model_open(out, &options, e);
  free(path);
  return code;
}
