/* SPDX-License-Identifier: MIT */
/* Folded factors, there and back. */
#include "fold.h"

#include "matmul.h"
#include "ops.h"

bool rd_fold_pays(int64_t rank, int64_t out, int64_t in, rd_dtype type) {
  return type == RD_F32 && 3 * rank * (in + out) > in * out;
}

static rd_mat f32(const float *data, int64_t rows, int64_t cols) {
  return rd_mat_rows(data, RD_F32, rows, cols);
}

rd_code rd_fold_refresh(rd_fold *f, rd_error *e) {
  rd_mat sum = f32(f->sum, f->out, f->in);
  RD_TRY(rd_matmul(sum, f32(f->b, f->out, f->rank), f32(f->a, f->rank, f->in), 0, e));
  if (f->scale != 1.0f)
    rd_scale(f->sum, RD_F32, f->scale, f->out * f->in);
  rd_add(f->sum, f->base, RD_F32, 1.0f, f->out * f->in);
  return RD_OK;
}

rd_code rd_fold_gradients(rd_fold *f, rd_error *e) {
  rd_mat dsum = f32(f->dsum, f->out, f->in);
  rd_mat a = f32(f->a, f->rank, f->in), b = f32(f->b, f->out, f->rank);
  RD_TRY(rd_matmul(f32(f->db, f->out, f->rank), dsum, rd_mat_transposed(a), 0, e));
  RD_TRY(rd_matmul(f32(f->da, f->rank, f->in), rd_mat_transposed(b), dsum, 0, e));
  if (f->scale != 1.0f) {
    rd_scale(f->db, RD_F32, f->scale, f->out * f->rank);
    rd_scale(f->da, RD_F32, f->scale, f->rank * f->in);
  }
  return RD_OK;
}
