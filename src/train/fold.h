/* SPDX-License-Identifier: MIT */
/* Thick factors, folded: where rank is no longer small beside the matrix, one product with
 * w + scale B A costs less than three thin ones beside it. The pass then reads a folded matrix and
 * adds to the gradient of that; the gradients of A and B follow from it once an update (Hu 2021,
 * "LoRA": the chain rule over w + scale B A). f32 arithmetic only: in bf16 the sum would round
 * small factors away. */
#ifndef RD_FOLD_H
#define RD_FOLD_H

#include "step.h"
#include "weights.h"

typedef struct rd_fold {
  int64_t rank; /* 0: the factors stand beside the matrix */
  float scale;
  const float *base;  /* (out, in) the frozen matrix */
  const float *a, *b; /* (rank, in), (out, rank): masters */
  float *da, *db;     /* their gradients */
  float *sum, *dsum;  /* (out, in) base + scale b a, and its gradient */
  int64_t out, in;
} rd_fold;

/* Is folding the cheaper way for factors of this rank? Per token: three products of rank (in + out)
 * against the one more that the gradient of (out, in) takes. */
bool rd_fold_pays(int64_t rank, int64_t out, int64_t in, rd_dtype type);
/* sum = base + scale b a. */
rd_code rd_fold_refresh(rd_fold *f, rd_error *e);
/* da, db from dsum: what they held is overwritten. */
rd_code rd_fold_gradients(rd_fold *f, rd_error *e);

#endif
