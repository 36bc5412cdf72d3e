/* SPDX-License-Identifier: MIT */
/* redraft convert: a model written anew as a Hugging Face folder or one GGUF file, or an adapter in
 * another type. */
#include "convert.h"
#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
  rd_common common;
  char *to, *output;
  bool merge, gguf;
} settings;

static const rd_option rows[] = {
    {"to", RD_OPTION_AT(settings, to), .choices = &rd_convert_type_table, .group = "Result",
     .help = "type of the weights; without it each as it is stored (f32 for f64, bf16 for blocks); "
             "q8_0 and q4_0 with --gguf alone"},
    {"gguf", RD_OPTION_AT(settings, gguf), .group = "Result",
     .help = "write one GGUF file, with the vocabulary and all settings in it"},
    {"merge", RD_OPTION_AT(settings, merge), .group = "Result",
     .help = "add the adapter into the weights; without it --adapter is itself written, in the "
             "type --to"},
    {"output", RD_OPTION_AT(settings, output), .letter = 'o', .group = "Result", .value = "PATH",
     .help = "the folder to write; with --gguf the file, FILE.gguf"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_convert_parts[] = {
    {&own_rows, 0}, RD_COMMON_PARTS(settings, common), {NULL, 0}};

/* What opens a path goes by how it ends (model_file.h). */
static rd_code check_name(const settings *s, rd_error *e) {
  static const char end[] = ".gguf";
  const size_t size = strlen(s->output), m = sizeof end - 1;
  const bool named = size > m && strcmp(s->output + size - m, end) == 0;
  if (s->gguf && !named)
    return rd_fail(e, RD_USAGE, "-o %s: a GGUF file opens by its ending alone: -o %s.gguf",
                   s->output, s->output);
  if (!s->gguf && named)
    return rd_fail(e, RD_USAGE,
                   "-o %s: without --gguf a folder is written: add it, or name a folder",
                   s->output);
  return RD_OK;
}

/* What became of types that cannot be had, a line each. */
static void tell_types(const rd_types_written *t) {
  if (t->narrowed > 0)
    fprintf(stderr,
            "redraft convert: %lld %s stored in types that are read and not written; they are "
            "narrowed (the first from %s to %s)\n",
            (long long)t->narrowed, t->narrowed == 1 ? "tensor is" : "tensors are", t->from->name,
            t->into->name);
  if (t->wide > 0)
    fprintf(stderr,
            "redraft convert: %lld of %lld matrices stay F32: their rows (%lld numbers in the "
            "first) are no whole blocks of %lld, as %s has them\n",
            (long long)t->wide, (long long)t->matrices, (long long)t->cols,
            (long long)t->blocks->block, t->blocks->name);
}

static rd_code run(void *context, char **names, rd_error *e) {
  const settings *s = context;
  rd_converted done = {0};
  (void)names;
  bool none = s->common.adapter && strcmp(s->common.adapter, "none") == 0;
  const char *adapter = none ? NULL : s->common.adapter;
  RD_TRY(rd_tool_refuse(&s->common, "precision engine", "to convert: --to is what is written", e));
  RD_TRY(rd_tool_refuse(&s->common, "json", "to convert, which prints nothing", e));
  if (!s->output)
    return rd_fail(e, RD_USAGE, "-o PATH is needed: where to write; --help says more");
  if (s->gguf && adapter && !s->merge)
    return rd_fail(e, RD_USAGE,
                   "--gguf writes a model: --merge adds the adapter into it; an adapter alone is "
                   "written as a folder");
  if (s->merge && !adapter)
    return rd_fail(e, RD_USAGE, "--merge needs --adapter DIR: what to add into the weights");
  if (adapter && !s->merge && (!s->to || s->common.model))
    return rd_fail(e, RD_USAGE,
                   "--adapter DIR takes --merge, to be added into a model's weights, or --to TYPE "
                   "without -m, to be written itself");
  if (adapter && !s->merge)
    RD_TRY(rd_tool_refuse(&s->common, "chat-template mask-token",
                          "to an adapter that is itself written: --merge makes a model of it", e));
  RD_TRY(check_name(s, e));
  if (adapter && !s->merge)
    return rd_convert_adapter(adapter, s->to, s->output, e);
  char *path = NULL;
  RD_TRY(rd_tool_model_path(&path, NULL, &s->common, e));
  const rd_convert_options o = {.path = path,
                                .adapter = adapter,
                                .to = s->to,
                                .out = s->output,
                                .gguf = s->gguf,
                                .chat_template = s->common.prompt.chat_template,
                                .mask_token = s->common.prompt.mask_token};
  rd_code code = rd_convert(&o, &done, e);
  free(path);
  if (code == RD_OK && !s->common.quiet)
    tell_types(&done.types);
  if (code == RD_OK && !done.tokenizer && !s->common.quiet)
    fprintf(stderr,
            s->gguf ? "redraft convert: the model has no tokenizer: %s holds no vocabulary\n"
                    : "redraft convert: no tokenizer files were there to copy; put the model's "
                      "tokenizer.json into %s\n",
            s->output);
  return code;
}

rd_code rd_cmd_convert(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 0, argc, argv, run, e);
}
