/* SPDX-License-Identifier: MIT */
/* Parsing, help and model opening for every command. */
#include "common.h"

#include "cpu.h"
#include "file.h"
#include "help.h"
#include "profile.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const rd_option common_rows[] = {RD_COMMON_OPTIONS(0)};
const rd_option *const rd_common_options = common_rows;
const size_t rd_common_option_count = sizeof common_rows / sizeof *common_rows;

rd_code rd_tool_parse(const rd_options *o, const rd_common *common, int argc, char **argv, int most,
                      char ***rest, int *rest_count, bool *stop, rd_error *e) {
  *stop = false;
  *rest = NULL;
  RD_TRY(rd_options_default(o, e));
  RD_TRY(rd_options_parse(o, argc, argv, rest, rest_count, e));
  if (common->help) {
    *stop = true;
    return rd_help_show("", NULL, o, e);
  }
  if (most >= 0 && *rest_count > most)
    return rd_fail(e, RD_USAGE, "unexpected argument %s", (*rest)[most]);
  if (common->threads > 0)
    rd_threads_set((int)common->threads);
  if (common->profile)
    rd_profile_start();
  return RD_OK;
}

rd_code rd_tool_command(const rd_options *o, int most, int argc, char **argv, rd_tool_work *work,
                        rd_error *e) {
  char **rest = NULL;
  int count = 0;
  bool stop = false;
  rd_code code = rd_tool_parse(o, o->params, argc, argv, most, &rest, &count, &stop, e);
  if (code == RD_OK && !stop)
    code = work(o->params, rest, e);
  free(rest);
  rd_options_drop(o);
  return code;
}

/* Built-in models, best first; an adapter belongs to its model. */
static const struct builtin {
  const char *path, *file, *adapter;
} builtins[] = {
    {"models/tini", "models/tini/config.json", "models/tini/adapter"},
    {"models/stories260K/stories260K.gguf", "models/stories260K/stories260K.gguf", NULL}};

/* Where models/ lies, seen from the program: where it was built, or installed. */
static const char *const roots[] = {"..", "../share/redraft"};

/* Looks for the built-in model; *model stays NULL when there is none. */
static void find_builtin(char **model, char **adapter) {
  char program[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  program[n > 0 ? n : 0] = '\0';
  const char *folder = dirname(program);
  for (size_t i = 0; i < sizeof builtins / sizeof *builtins; i++)
    for (size_t r = 0; r < sizeof roots / sizeof *roots; r++) {
      const struct builtin *b = &builtins[i];
      char *file = rd_print("%s/%s/%s", folder, roots[r], b->file);
      bool found = file && rd_path_exists(file);
      free(file);
      if (!found)
        continue;
      *model = rd_print("%s/%s/%s", folder, roots[r], b->path);
      *adapter = b->adapter ? rd_print("%s/%s/%s", folder, roots[r], b->adapter) : NULL;
      return;
    }
}

rd_code rd_tool_model_path(char **out, char **adapter, const rd_common *common, rd_error *e) {
  const char *named = common->model ? common->model : getenv("REDRAFT_MODEL");
  char *own = NULL;
  *out = named ? rd_strdup(named, e) : NULL;
  if (!named)
    find_builtin(out, &own);
  if (!*out && !named)
    return rd_fail(e, RD_USAGE,
                   "no model: name one with -m or in $REDRAFT_MODEL; the built-in one is "
                   "not where the program was built or installed");
  if (adapter && common->adapter) {
    free(own);
    own = rd_strdup(common->adapter, e);
  }
  if (adapter)
    *adapter = own;
  else
    free(own);
  return *out ? RD_OK : RD_NO_MEMORY;
}

bool rd_tool_builtin(const rd_common *c) {
  return !c->model && !c->adapter && !getenv("REDRAFT_MODEL");
}

rd_code rd_tool_name_causal(rd_common *c, rd_error *e) {
  return rd_tool_builtin(c) ? rd_tool_model_path(&c->model, NULL, c, e) : RD_OK;
}

rd_code rd_tool_open(rd_model **out, const rd_common *common, rd_error *e) {
  char *path = NULL, *adapter = NULL;
  RD_TRY(rd_tool_model_path(&path, &adapter, common, e));
  rd_model_options options = {.path = path,
                              .adapter = adapter,
                              .precision = common->precision,
                              .chat_template = common->chat_template,
                              .mask_token = common->mask_token};
  rd_code code = rd_model_open(out, &options, e);
  free(path);
  free(adapter);
  return code;
}
