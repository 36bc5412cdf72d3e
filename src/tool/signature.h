/* SPDX-License-Identifier: MIT */
/* What a trace is signed by: the files of model and adapter, the arithmetic and every option, so
 * that whoever has the same can make the same drafts again (replay --check). */
#ifndef RD_SIGNATURE_H
#define RD_SIGNATURE_H

#include "common.h"
#include "json.h"

/* 16 hexadecimal digits over the files that make up a model or an adapter: one file, or those in a
 * folder that hold numbers, vocabulary or settings. Every byte counts, and is read. */
enum { RD_SIGN_SIZE = 17 };
rd_code rd_sign_files(char out[RD_SIGN_SIZE], const char *path, rd_error *e);

/* {"model", "name" (of the model), "adapter" (null: none), "precision", "options": {name: value},
 * "sign"}: a new reference. `options` holds the options of generation, resolved; `prompt_ids`
 * (count) are what was asked. */
rd_code rd_signature_make(json_t **out, const rd_common *common, const rd_model *model,
                          const rd_options *options, uint64_t seed, const int32_t *prompt_ids,
                          int64_t count, rd_error *e);
/* The digits that sign what stands in a signature, for this seed and prompt. */
rd_code rd_signature_sign(char out[RD_SIGN_SIZE], const json_t *signature, uint64_t seed,
                          const int32_t *prompt_ids, int64_t count, rd_error *e);

#endif
