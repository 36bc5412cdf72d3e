/* SPDX-License-Identifier: MIT */
/* Folded factors, there and back. */
#include "fold.h"

#include "ops.h"

static rd_code summed_rows(void *context, float *out, float *room, int64_t first, int64_t count,
                           rd_error *e) {
  const rd_fold *f = context;
  const rd_factors factors = {f->a.data, f->b.data, RD_F32, f->a.rows, f->scale};
  rd_matrix_decode(out, &f->base, first, count);
  return rd_factors_add(&factors, out, room, first, count, f->base.cols, e);
}

rd_code rd_fold_refresh(rd_fold *f, rd_error *e) {
  return rd_matrix_fill(&f->linear->w, summed_rows, f, e);
}

static rd_mat view(const rd_matrix *m, const float *data) {
  return rd_mat_rows(data, RD_F32, m->rows, m->cols);
}

rd_code rd_fold_gradients(rd_fold *f, rd_error *e) {
  rd_mat dsum = view(&f->base, f->grad->w), a = view(&f->a, f->a.data), b = view(&f->b, f->b.data);
  RD_TRY(rd_matmul(view(&f->b, f->db), dsum, rd_mat_transposed(a), 0, e));
  RD_TRY(rd_matmul(view(&f->a, f->da), rd_mat_transposed(b), dsum, 0, e));
  if (f->scale != 1.0f) {
    rd_scale(f->db, RD_F32, f->scale, b.rows * b.cols);
    rd_scale(f->da, RD_F32, f->scale, a.rows * a.cols);
  }
  return RD_OK;
}
