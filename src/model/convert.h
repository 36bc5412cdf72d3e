/* SPDX-License-Identifier: MIT */
/* Writing a model as a Hugging Face folder, in another precision or with an adapter merged in. */
#ifndef RD_CONVERT_H
#define RD_CONVERT_H

#include "model.h"
#include "table.h"
#include "tensors.h"

typedef struct rd_convert_options {
  const char *path;    /* a folder or a file: model_file.h */
  const char *adapter; /* a PEFT folder to merge into the matrices, or NULL */
  const char *to;      /* "f32", "f16", "bf16"; NULL: as stored (bf16 for block formats) */
  const char *out;     /* the folder to write; must not hold a model yet */
  const char *chat_template, *mask_token; /* chosen for the model, or NULL: as it is */
} rd_convert_options;

/* Writes config.json, generation_config.json, model.safetensors, and the tokenizer's files:
 * copies of a folder's own, or those that a GGUF's vocabulary makes. Matrices get the type wanted,
 * norms and biases too. Query and key rows that a GGUF keeps for interleaved rotation go back to
 * Hugging Face's order. Nothing is written unless the model and the adapter open. *tokenizer (or
 * NULL) says whether a tokenizer is there. */
rd_code rd_convert(const rd_convert_options *options, bool *tokenizer, rd_error *e);
/* What weights can be written as: "f32", "f16", "bf16"; and the format that one of them names. */
extern const rd_table rd_convert_type_table;
rd_code rd_convert_type(const rd_format **out, const char *to, rd_error *e);
/* Give `t` its numbers in the format `to`, made in `arena` (measuring, or placed). RD_NUMERIC: one
 * of them is infinite or NaN in F16, which ends at 65504. */
rd_code rd_convert_tensor(rd_tensor *t, const rd_format *to, rd_arena *arena, rd_error *e);
/* convert_adapter.c: the PEFT adapter in the folder `adapter` written to the folder `out`, which
 * must not hold one yet, with its factors in the type `to`. */
rd_code rd_convert_adapter(const char *adapter, const char *to, const char *out, rd_error *e);

#endif
