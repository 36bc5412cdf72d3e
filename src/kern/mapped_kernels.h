/* SPDX-License-Identifier: MIT */
/* The part of rd_mapped_multiply that needs AVX512-BF16, and what tight.c has of it. */
#ifndef RD_MAPPED_KERNELS_H
#define RD_MAPPED_KERNELS_H

#include "mapped.h"

enum { RD_MAPPED_PANEL = 16 /* outputs at a time */ };

/* Some numbers along K of a panel: w points to the first output's; further ones are `stride`
 * numbers apart; those from `valid` on are read as the last valid one. */
typedef struct rd_mapped_block {
  const rd_bf16 *w;
  int64_t stride, valid;
  int64_t before; /* numbers of the same rows that lie before these and are done */
  int64_t length; /* numbers */
} rd_mapped_block;

enum { RD_MAPPED_FEW = 16 /* rows of x whose sums stay in registers */ };

/* sums (rows <= RD_MAPPED_FEW, 16) = the block's products with rows of x, pair by pair. x holds
 * (length / 2, rows) pairs of neighbours along K, the pairs of all rows side by side, and a zero
 * behind the last number where `length` is odd. */
void rd_mapped_sums(float *sums, const rd_mapped_block *b, const rd_bf16 *x, int rows);

/* Numbers along K whose products are added up before they are added to others': a part of the bits
 * of a product. */
int64_t rd_mapped_block_of(int64_t K);

/* out (K / 2 rounded up, rows) = pairs of neighbours of x (rows, K), a zero behind the last number
 * where K is odd. */
void rd_rows_in_pairs(rd_bf16 *out, const rd_bf16 *x, int64_t x_stride, int64_t rows, int64_t K);

#endif
