/* SPDX-License-Identifier: MIT */
/* Thick factors, folded: where rank is no longer small beside the matrix, one product with
 * w + scale B A costs less than three thin ones beside it (rd_factors_fold). The pass then reads a
 * folded matrix and adds to the gradient of that; the gradients of A and B follow from it once an
 * update (Hu 2021, "LoRA": the chain rule over w + scale B A). */
#ifndef RD_FOLD_H
#define RD_FOLD_H

#include "factors.h"
#include "gradients.h"

typedef struct rd_fold {
  rd_linear *linear; /* whose matrix is the sum */
  rd_matrix base;    /* (out, in) the frozen matrix */
  rd_matrix a, b;    /* (rank, in), (out, rank): masters */
  float scale;
  rd_linear_grad *grad; /* of the linear: of the sum */
  float *da, *db;       /* gradients of a and b */
} rd_fold;

/* sum = base + scale b a. */
rd_code rd_fold_refresh(rd_fold *f, rd_error *e);
/* da, db from the gradient of the sum: what they held is overwritten. */
rd_code rd_fold_gradients(rd_fold *f, rd_error *e);

#endif
