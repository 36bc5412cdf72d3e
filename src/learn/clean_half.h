/* SPDX-License-Identifier: MIT */
/* The clean half of a batch: behind a gate an adapter is trained on answers alone, which see
 * prompts as the base computes them. Those rows run first, without the adapter and without a way
 * back; what is left of the batch is the half that learns. */
#ifndef RD_CLEAN_HALF_H
#define RD_CLEAN_HALF_H

#include "halves.h"
#include "past.h"

typedef struct rd_clean_half {
  rd_stack *stack; /* of the plain weights */
  rd_past past;
  rd_halves halves;
  int32_t *targets, *listed; /* (rows) */
  float *weights, *losses;   /* (rows) */
  rd_arena arena;
} rd_clean_half;

/* For batches as in rd_step_new; `chunk` rows of the base's scores at a time. `weights` has its
 * plain form. */
rd_code rd_clean_half_new(rd_clean_half **out, const rd_config *config, const rd_weights *weights,
                          int64_t rows, int64_t longest, int64_t chunk, rd_error *e);
void rd_clean_half_free(rd_clean_half **half);
size_t rd_clean_half_memory(const rd_config *config, const rd_weights *weights, int64_t rows,
                            int64_t longest, int64_t chunk);
/* Cut a batch, and run what lies before its gates. */
rd_code rd_clean_half_run(rd_clean_half *half, const rd_sequence *sequences, int64_t n,
                          rd_error *e);

#endif
