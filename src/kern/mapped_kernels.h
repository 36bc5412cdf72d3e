/* SPDX-License-Identifier: MIT */
/* The parts of rd_mapped_multiply that need AVX512-BF16. */
#ifndef RD_MAPPED_KERNELS_H
#define RD_MAPPED_KERNELS_H

#include "dtype.h"

enum {
  RD_MAPPED_PANEL = 32, /* outputs at a time */
  RD_MAPPED_FEW = 8,    /* rows whose products are made straight from the transposition */
  RD_MAPPED_ROWS = 12   /* rows at a time over an arranged panel */
};

/* Some numbers along K of a panel: w points to the first output's; further ones are `stride`
 * numbers apart; those from `valid` on are read as the last valid one. */
typedef struct rd_mapped_block {
  const rd_bf16 *w;
  int64_t stride, valid;
  int64_t length; /* numbers; where it is no multiple of 32, what follows counts as zero */
} rd_mapped_block;

/* sums (rows <= RD_MAPPED_FEW, 32) += the block's products with rows of x, `x_stride` apart, which
 * are zero from `length` to the next multiple of 32. */
void rd_mapped_few(float *sums, const rd_mapped_block *b, const rd_bf16 *x, int64_t x_stride,
                   int rows);
/* The block as (length / 2 rounded up to 16, 32) pairs. */
void rd_mapped_arrange(uint32_t *out, const rd_mapped_block *b);
/* sums (rows <= RD_MAPPED_ROWS, 32) += the products of arranged pairs with rows of x. */
void rd_mapped_tile(float *sums, const uint32_t *arranged, int64_t pairs, const rd_bf16 *x,
                    int64_t x_stride, int rows);

#endif
