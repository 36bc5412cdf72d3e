/* SPDX-License-Identifier: MIT */
/* Matrices as views: a pointer, two sizes and two strides, one of which is 1, so that a transposed
 * matrix or a block of columns is passed in place. */
#ifndef RD_MAT_H
#define RD_MAT_H

#include <stdbool.h>

#include "dtype.h"

typedef struct rd_mat {
  void *data; /* element (i,j) lies at i * row_stride + j * col_stride; not written when an input */
  rd_dtype type;
  int64_t rows, cols;
  int64_t row_stride, col_stride; /* in elements; one of them is 1 */
} rd_mat;

/* A view of rows x cols elements, `row_stride` elements from row to row. */
static inline rd_mat rd_mat_view(const void *data, rd_dtype type, int64_t rows, int64_t cols,
                                 int64_t row_stride) {
  union {
    const void *in;
    void *out;
  } pointer = {.in = data};
  return (rd_mat){pointer.out, type, rows, cols, row_stride, 1};
}

/* A plain row-major matrix. */
static inline rd_mat rd_mat_rows(const void *data, rd_dtype type, int64_t rows, int64_t cols) {
  return rd_mat_view(data, type, rows, cols, cols);
}

static inline rd_mat rd_mat_transposed(rd_mat m) {
  return (rd_mat){m.data, m.type, m.cols, m.rows, m.col_stride, m.row_stride};
}

/* `count` rows of m from row `first`. */
static inline rd_mat rd_mat_part(rd_mat m, int64_t first, int64_t count) {
  m.data = rd_at(m.data, m.type, first * m.row_stride);
  m.rows = count;
  return m;
}

/* `count` columns of m from column `first`. */
static inline rd_mat rd_mat_columns(rd_mat m, int64_t first, int64_t count) {
  return rd_mat_transposed(rd_mat_part(rd_mat_transposed(m), first, count));
}

/* A matrix as rd_matmul_pack has written it: the right side of products only, never a part of it or
 * transposed. It has no strides. */
static inline rd_mat rd_mat_packed(const void *data, rd_dtype type, int64_t rows, int64_t cols) {
  return rd_mat_view(data, type, rows, cols, 0);
}

/* Packed matrices have no strides: blocks of 32 rows and 64 columns, two rows of a column side by
 * side, as bf16 instructions read them. A block of columns lies together. */
enum { RD_PACKED_ROWS = 32, RD_PACKED_COLS = 64 };

static inline bool rd_is_packed(int64_t row_stride, int64_t col_stride) {
  return row_stride == 0 && col_stride == 1;
}

#endif
