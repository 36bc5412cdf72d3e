/* SPDX-License-Identifier: MIT */
/* Few rows by bf16 matrices as they lie in a file: (N, K), row by row, used in place. oneDNN packs
 * such a matrix anew in every product and reads it at half of the memory's speed; here 16 x 16
 * pairs are transposed in registers on their way. */
#ifndef RD_MAPPED_H
#define RD_MAPPED_H

#include <stdbool.h>

#include "dtype.h"
#include "error.h"

enum { RD_MAPPED_MOST = 24 /* rows of x */ };

/* Whether this processor has the instructions (AVX512-BF16); where not, rd_matmul is the way. */
bool rd_mapped_fast(void);

/* y (M, N), f32 or bf16, rows `stride` elements apart, = x w' (or is added to: `add`, in f32), with
 * x (M <= RD_MAPPED_MOST, K), rows `x_stride` elements apart, and w (N, K). Each number of y is bit
 * for bit that of rd_matmul, whatever M, N and the number of threads: products are added pair by
 * pair along K, in blocks of 512 (K <= 1024) or 1024 that begin at zero, as oneDNN 2.6 does
 * (tests/kern/test_mapped.c guards it). So whoever calls may take this for few rows and rd_matmul
 * for more: bench/SPEED.md says from which sizes on. Only where rd_mapped_fast(). Errors:
 * RD_NO_MEMORY. */
rd_code rd_mapped_multiply(void *y, rd_dtype type, int64_t stride, const rd_bf16 *x,
                           int64_t x_stride, const rd_bf16 *w, int64_t M, int64_t N, int64_t K,
                           bool add, rd_error *e);

#endif
