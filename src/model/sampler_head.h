/* SPDX-License-Identifier: MIT */
/* A head for words that are drafted one after the other (Samragh et al. 2025): a row that was
 * computed without the word before its own is told that word afterwards. Its scores are those of
 *
 *   head (h + fc2 silu(fc1 [h ; e]))
 *
 * for its state h behind the last norm and the embedding e of the word. It lies beside an adapter
 * as sampler_head.safetensors: fc1.weight (R, 2D) and fc2.weight (D, R), both BF16. */
#ifndef RD_SAMPLER_HEAD_H
#define RD_SAMPLER_HEAD_H

#include "tensors.h"

#define RD_SAMPLER_HEAD_FILE "sampler_head.safetensors"

typedef struct rd_sampler_head {
  rd_matrix fc1; /* (R, 2D); rows 0: there is none */
  rd_matrix fc2; /* (D, R) */
  rd_tensors tensors;
} rd_sampler_head;

/* The head in an adapter's folder for a model of this width; a folder without one is no error.
 * RD_BAD_INPUT names the tensor that is missing or of another shape or type. Drop in either case.
 */
rd_code rd_sampler_head_open(rd_sampler_head *h, const char *folder, int64_t width, rd_error *e);
void rd_sampler_head_drop(rd_sampler_head *h);
/* Copies the file from one adapter's folder to another's, where there is one. */
rd_code rd_sampler_head_copy(const char *from, const char *to, rd_error *e);

/* Bytes of `room` below. */
size_t rd_sampler_head_room(const rd_sampler_head *h);
/* What is added to a state (D) of `type` once the word before is known, whose embedding is given.
 */
rd_code rd_sampler_head_shift(float *shift /* (D) */, const rd_sampler_head *h, const void *state,
                              rd_dtype type, const float *embedding /* (D) */, void *room,
                              rd_error *e);

#endif
