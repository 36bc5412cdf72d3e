/* SPDX-License-Identifier: MIT */
/* w + scale b a, in f32, some rows at a time. */
#include "factors.h"

#include "ops.h"

rd_code rd_factors_add(const rd_factors *f, float *sum, float *room, int64_t first, int64_t count,
                       int64_t in, rd_error *e) {
  RD_TRY(rd_matmul(rd_mat_rows(room, RD_F32, count, in),
                   rd_mat_rows(f->b + first * f->rank, RD_F32, count, f->rank),
                   rd_mat_rows(f->a, RD_F32, f->rank, in), 0, e));
  rd_add(sum, room, RD_F32, f->scale, count * in);
  return RD_OK;
}

bool rd_factors_thick(int64_t rank, int64_t out, int64_t in) {
  return 4 * rank * (in + out) > in * out;
}

bool rd_factors_fold(int64_t rank, int64_t out, int64_t in, rd_dtype type) {
  return type == RD_F32 && 3 * rank * (in + out) > in * out;
}
