/* SPDX-License-Identifier: MIT */
/* redraft convert: a model written anew as a Hugging Face folder, or an adapter in another type. */
#include "commands.h"
#include "common.h"
#include "convert.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct settings {
  rd_common common;
  char *to, *output;
  bool merge;
} settings;

static const rd_option rows[] = {
    {"to", 0, RD_CHOICE, NULL, 0, 0, "f32|f16|bf16", "Result", NULL,
     "type of the weights; without it as they are stored (bf16 for block formats)",
     offsetof(settings, to)},
    {"merge", 0, RD_FLAG, "false", 0, 0, NULL, "Result", NULL,
     "add the adapter into the weights; without it --adapter is itself written, in the type --to",
     offsetof(settings, merge)},
    {"output", 'o', RD_TEXT, NULL, 0, 0, NULL, "Result", "DIR", "the folder to write",
     offsetof(settings, output)},
    RD_COMMON_OPTIONS(offsetof(settings, common))};

static rd_code run(void *context, char **names, rd_error *e) {
  const settings *s = context;
  (void)names;
  bool tokenizer = false;
  if (!s->output)
    return rd_fail(e, RD_USAGE, "-o DIR is needed: where to write; --help says more");
  if (s->merge && !s->common.adapter)
    return rd_fail(e, RD_USAGE, "--merge needs --adapter DIR: what to add into the weights");
  if (s->common.adapter && !s->merge && (!s->to || s->common.model))
    return rd_fail(e, RD_USAGE,
                   "--adapter DIR takes --merge, to be added into a model's weights, or --to TYPE "
                   "without -m, to be written itself");
  if (s->common.adapter && !s->merge)
    return rd_convert_adapter(s->common.adapter, s->to, s->output, e);
  char *path = NULL;
  RD_TRY(rd_tool_model_path(&path, NULL, &s->common, e));
  const rd_convert_options o = {path, s->common.adapter, s->to, s->output};
  rd_code code = rd_convert(&o, &tokenizer, e);
  free(path);
  if (code == RD_OK && !tokenizer && !s->common.quiet)
    fprintf(stderr,
            "redraft convert: no tokenizer files were there to copy; put the model's "
            "tokenizer.json into %s\n",
            s->output);
  return code;
}

rd_code rd_cmd_convert(int argc, char **argv, rd_error *e) {
  settings s = {0};
  const rd_options o = {rows, sizeof rows / sizeof *rows, &s, NULL};
  return rd_tool_command(&o, 0, argc, argv, run, e);
}
