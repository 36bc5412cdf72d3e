/* SPDX-License-Identifier: MIT */
/* Writing a model as a Hugging Face folder, in another precision or with an adapter merged in. */
#ifndef RD_CONVERT_H
#define RD_CONVERT_H

#include "model.h"
#include "table.h"

typedef struct rd_convert_options {
  const char *path;    /* a folder or a file: model_file.h */
  const char *adapter; /* a PEFT folder to merge into the matrices, or NULL */
  const char *to;  /* "f32", "f16", "bf16", in GGUF "q8_0", "q4_0"; NULL: as stored (bf16 for block
                      formats) */
  const char *out; /* the folder to write, which must not hold a model yet; or the file */
  bool gguf;       /* one GGUF file instead of a folder */
  const char *chat_template, *mask_token; /* chosen for the model, or NULL: as it is */
} rd_convert_options;

/* Writes config.json, generation_config.json, model.safetensors, and the tokenizer's files:
 * copies of a folder's own, or those that a GGUF's vocabulary makes; matrices get the type wanted,
 * norms and biases too. Or one GGUF file (rd_convert_gguf). Query and key rows lie in the order
 * that the kind of file wants. Nothing is written unless the model and the adapter open.
 * *tokenizer (or NULL) says whether a tokenizer is there. */
rd_code rd_convert(const rd_convert_options *options, bool *tokenizer, rd_error *e);
/* convert_gguf.c: an open model as one GGUF file with its configuration, vocabulary, chat template,
 * the ids that end answers, and what is remembered. Norms and biases are f32, matrices `format`
 * (those whose rows are no whole blocks f32). Refused, before anything is written: a family without
 * a name in GGUF, and what would not be the same when the file is opened. */
rd_code rd_convert_gguf(const rd_model *m, const rd_format *format, const char *path, rd_error *e);
/* What weights can be written as: "f32", "f16", "bf16", "q8_0", "q4_0" (embedding and head as
 * q8_0); and the format that one of them names. RD_USAGE: a format of blocks where only plain ones
 * are, or none of these. */
extern const rd_table rd_convert_type_table;
rd_code rd_convert_type(const rd_format **out, const char *to, bool blocks, rd_error *e);
/* convert_adapter.c: the PEFT adapter in the folder `adapter` written to the folder `out`, which
 * must not hold one yet, with its factors in the type `to`. */
rd_code rd_convert_adapter(const char *adapter, const char *to, const char *out, rd_error *e);

#endif
