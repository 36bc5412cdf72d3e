/* SPDX-License-Identifier: MIT */
/* bf16 matrices in 12 bits a number, without loss: a step of one row reads a quarter less.
 *
 * Of the 256 exponents of bf16 a row of trained weights uses few. A row has a window of 16 of them,
 * those that most of its numbers have; a number is a byte (sign, mantissa) and four bits (exponent
 * less the window's first). Numbers with other exponents (outliers, tiny ones, most zeros) are
 * listed beside. Every bit comes back, of whatever number. */
#ifndef RD_TIGHT_H
#define RD_TIGHT_H

#include <stdbool.h>

#include "dtype.h"
#include "error.h"

enum {
  RD_TIGHT_PANEL = 32, /* rows that lie together, number by number */
  RD_TIGHT_STEP = 8    /* columns of them that fill whole words */
};

/* A number that is outside its row's window. */
typedef struct rd_tight_number {
  uint32_t at;     /* its place in the panel: pair of columns, row, which of the two */
  rd_bf16 is;      /* what it is */
  uint16_t unused; /* 0 */
} rd_tight_number;

/* What a panel has beside its planes. */
typedef struct rd_tight_panel {
  uint8_t least[RD_TIGHT_PANEL]; /* the first exponent of each row's window */
  rd_tight_number *listed;       /* (count) by rising places */
  int64_t count;
} rd_tight_panel;

typedef struct rd_tight {
  unsigned char *planes;  /* (rd_tight_bytes) aligned to 64 */
  rd_tight_panel *panels; /* (rows / RD_TIGHT_PANEL, rounded up) */
  int64_t rows, cols;     /* cols < 2^27 */
} rd_tight;

/* Whether this processor multiplies such matrices (AVX512-BF16): else none are to be made. */
bool rd_tight_fast(void);

/* Bytes of the planes and of the panels of a matrix. */
size_t rd_tight_bytes(int64_t rows, int64_t cols);
size_t rd_tight_panel_bytes(int64_t rows);

/* The two steps of packing w (rows, cols), each by all threads, only where rd_tight_fast(). First
 * windows are chosen, which fills t->panels but for `listed`; gives how many numbers are to be
 * listed. Then, with room for so many, all of t is filled. */
int64_t rd_tight_survey(const rd_tight *t, const rd_bf16 *w);
void rd_tight_pack(const rd_tight *t, const rd_bf16 *w, rd_tight_number *listed);

/* Row `row` as f32, whose upper halves are what was packed, bit for bit: out (cols). */
void rd_tight_row(float *out, const rd_tight *t, int64_t row);

/* y (M, rows), f32 or bf16, rows `stride` elements apart, = x w' (or is added to: `add`, in f32),
 * with x (M, cols), rows `x_stride` elements apart. Bit for bit rd_matmul's and
 * rd_mapped_multiply's product of the numbers that were packed, whatever M and the number of
 * threads. Only where rd_tight_fast(). Errors: RD_NO_MEMORY. */
rd_code rd_tight_multiply(void *y, rd_dtype type, int64_t stride, const rd_bf16 *x,
                          int64_t x_stride, int64_t M, const rd_tight *t, bool add, rd_error *e);

#endif
