/* SPDX-License-Identifier: MIT */
/* Writing a model as a Hugging Face folder, in another precision or with an adapter merged in. */
#ifndef RD_CONVERT_H
#define RD_CONVERT_H

#include "model.h"
#include "table.h"
#include "written.h"

typedef struct rd_convert_options {
  const char *path;    /* a folder or a file: model_file.h */
  const char *adapter; /* a PEFT folder to merge into the matrices, or NULL */
  const char *to; /* "f32", "f16", "bf16", in GGUF "q8_0", "q4_0"; NULL: each tensor as it is stored
                     (rd_written_type) */
  const char *out; /* the folder to write, which must hold no file of a model's yet; or the file */
  bool gguf;       /* one GGUF file instead of a folder */
  const char *chat_template, *mask_token; /* chosen for the model, or NULL: as it is */
} rd_convert_options;

/* What there is to say of a conversion. */
typedef struct rd_converted {
  bool tokenizer; /* one is there */
  rd_types_written types;
} rd_converted;

/* Writes config.json, generation_config.json, model.safetensors, and the tokenizer's files:
 * copies of a folder's own, or those that a GGUF's vocabulary makes; matrices get the type wanted,
 * norms and biases too. Or one GGUF file (rd_convert_gguf). Query and key rows lie in the order
 * that the kind of file wants. Nothing is written unless the model and the adapter open, and no
 * file is written over. RD_NUMERIC: a number of theirs is not finite, or would not be in the type
 * wanted. `done` may be NULL. */
rd_code rd_convert(const rd_convert_options *options, rd_converted *done, rd_error *e);
/* convert_gguf.c: an open model as one GGUF file with its configuration, vocabulary, chat template,
 * the ids that end answers, and what is remembered. Norms and biases are f32, matrices `format`
 * (those whose rows are no whole blocks f32), or, where that is NULL, as they are stored. Refused,
 * before anything is written: a family without a name in GGUF, and what would not be the same when
 * the file is opened. */
rd_code rd_convert_gguf(const rd_model *m, const rd_format *format, const char *path,
                        rd_types_written *types, rd_error *e);
/* What weights can be written as: "f32", "f16", "bf16", "q8_0", "q4_0" (embedding and head as
 * q8_0); and the format that one of them names. RD_USAGE: a format of blocks where only plain ones
 * are, or none of these. */
extern const rd_table rd_convert_type_table;
rd_code rd_convert_type(const rd_format **out, const char *to, bool blocks, rd_error *e);
/* RD_USAGE names the first file of `names` (NULL behind the last), or of those that go where
 * weights go, which the folder `out` holds already; `what` is whose they are. */
rd_code rd_convert_free(const char *out, const char *what, const char *const *names, rd_error *e);
/* After a failure: none of these files is left, all of which rd_convert_free found not to be there,
 * and no folder where there was none (`made`). The same conversion can then be made again. */
void rd_convert_take_back(const char *out, bool made, const char *const *names);
/* convert_adapter.c: the PEFT adapter in the folder `adapter` written to the folder `out`, which
 * must hold no file of one yet, with its factors in the type `to`. RD_NUMERIC as in rd_convert. */
rd_code rd_convert_adapter(const char *adapter, const char *to, const char *out, rd_error *e);

#endif
