/* SPDX-License-Identifier: MIT */
/* Products in f32 whose rows do not depend on how many there are, for processors on which oneDNN's
 * do: its kernels for AVX2 and older add up in another order for few rows, and on AVX-512 in the
 * same. */
#ifndef RD_STEADY_H
#define RD_STEADY_H

#include "mat.h"

/* Whether this product is for rd_steady_multiply: f32, c by rows, b not packed, on such a
 * processor. */
bool rd_steady_wanted(rd_mat c, rd_mat a, rd_mat b);

/* c = a b + beta c, beta 0 or 1, on the calling thread, with c (M,N), a (M,K) by rows or turned,
 * b (K,N), K > 0. A number of c is the sum of spans of 256 products, each added up from its first
 * to its last. */
void rd_steady_multiply(rd_mat c, rd_mat a, rd_mat b, float beta);

#endif
