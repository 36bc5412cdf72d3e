/* SPDX-License-Identifier: MIT */
/* Where a batch is cut at its gates: the clean rows before them, and the rows that learn, each of
 * which knows its place in the batch and the clean row of its position. */
#ifndef RD_HALVES_H
#define RD_HALVES_H

#include "stack.h"

typedef struct rd_halves {
  rd_sequence *clean, *noisy;       /* (rows) sequences of the two halves */
  int64_t clean_count, noisy_count; /* sequences */
  int64_t rows;                     /* of those that learn */
  int64_t batch;                    /* of the whole */
  int64_t *before;                  /* (rows) clean row of position 0 of each that learns */
  int32_t *batch_rows;              /* (rows) of the batch, by row of the half that learns */
  int32_t *places;                  /* (rows) the other way; -1: a clean row */
  int32_t *same;                    /* (rows) the clean row of the same position, for blocks */
} rd_halves;

/* Room for batches of `rows`. */
void rd_halves_take(rd_halves *h, rd_arena *a, int64_t rows);
/* Cut. Sequences without a gate behind one that is clean to its end are blocks of it, and see its
 * rows before their own position. */
void rd_halves_cut(rd_halves *h, const rd_sequence *sequences, int64_t n);

#endif
