/* SPDX-License-Identifier: MIT */
/* w + scale b a, in f32, some rows at a time. */
#include "factors.h"

#include "cpu.h"
#include "ops.h"

#include <math.h>
#include <stdlib.h>

rd_code rd_factors_add(const rd_factors *f, float *sum, float *room, int64_t first, int64_t count,
                       int64_t in, rd_error *e) {
  RD_TRY(
      rd_matmul(rd_mat_rows(room, RD_F32, count, in),
                rd_mat_rows(rd_at_const(f->b, f->type, first * f->rank), f->type, count, f->rank),
                rd_mat_rows(f->a, f->type, f->rank, in), 0, e));
  rd_add(sum, room, RD_F32, f->scale, count * in);
  return RD_OK;
}

rd_dtype rd_factors_type(int a, int b) {
  return a == RD_BF16 && b == RD_BF16 && rd_bf16_fast() ? RD_BF16 : RD_F32;
}

bool rd_factors_thick(int64_t rank, int64_t out, int64_t in) {
  return 4 * rank * (in + out) > in * out;
}

bool rd_factors_fold(int64_t rank, int64_t out, int64_t in, rd_dtype type) {
  return type == RD_F32 && 3 * rank * (in + out) > in * out;
}

rd_code rd_column_factors(float *out, const float *lengths, int64_t rows, int64_t cols,
                          rd_row_source *rows_of, void *context, rd_error *e) {
  enum { STEP = 64 };
  double *squares = rd_calloc((size_t)cols, sizeof *squares, "lengths of columns", e);
  float *x = squares ? rd_calloc((size_t)(2 * STEP * cols), sizeof *x, "rows of a sum", e) : NULL;
  rd_code code = x ? RD_OK : RD_NO_MEMORY;
  for (int64_t first = 0; first < rows && code == RD_OK; first += STEP) {
    const int64_t count = rows - first < STEP ? rows - first : STEP;
    code = rows_of(context, x, x + STEP * cols, first, count, e);
    for (int64_t i = 0; i < count * cols && code == RD_OK; i++)
      squares[i % cols] += (double)x[i] * (double)x[i];
  }
  for (int64_t j = 0; j < cols && code == RD_OK; j++)
    out[j] = (float)((double)lengths[j] / sqrt(squares[j]));
  free(squares);
  free(x);
  return code;
}
