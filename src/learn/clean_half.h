/* SPDX-License-Identifier: MIT */
/* The clean half of a batch: behind a gate an adapter is trained on answers alone, which see
 * prompts as the base computes them. Those rows run first, without the adapter and without a way
 * back; what is left of the batch is the half that learns. A sequence whose first position is not
 * 0 is a block of the last one that began at 0, and sees that one's rows before its own position.
 */
#ifndef RD_CLEAN_HALF_H
#define RD_CLEAN_HALF_H

#include "past.h"
#include "stack.h"

typedef struct rd_clean_half {
  rd_stack *stack; /* of the plain weights */
  rd_past past;
  rd_sequence *clean, *noisy; /* (rows) sequences of the two halves */
  int64_t noisy_count;        /* sequences that learn */
  int64_t rows;               /* of them */
  int64_t *before;            /* (rows) where each one's past begins */
  int32_t *batch_rows;        /* (rows) of the batch, by row of the half that learns */
  int32_t *places;            /* (rows) the other way; -1: a clean row */
  int32_t *same;              /* (rows) the clean row of the same position, for blocks */
  int32_t *targets, *listed;  /* (rows) */
  float *weights, *losses;    /* (rows) */
  rd_arena arena;
} rd_clean_half;

/* For batches as in rd_step_new; `chunk` rows of the base's scores at a time. `weights` has its
 * plain form. */
rd_code rd_clean_half_new(rd_clean_half **out, const rd_config *config, const rd_weights *weights,
                          int64_t rows, int64_t longest, int64_t chunk, rd_error *e);
void rd_clean_half_free(rd_clean_half **half);
size_t rd_clean_half_memory(const rd_config *config, const rd_weights *weights, int64_t rows,
                            int64_t longest, int64_t chunk);
/* Run what lies before each sequence's gate, and lay out the rest. */
rd_code rd_clean_half_run(rd_clean_half *half, const rd_sequence *sequences, int64_t n,
                          rd_error *e);

#endif
