/* SPDX-License-Identifier: MIT */
/* y = x w' + b + s (x a') b': the low-rank part adds into the product's own destination, so an
 * adapter costs two thin products and no pass over memory. The scale is applied to the (T, rank)
 * middle. */
#include "linear.h"

#include "ops.h"

static void scale_rows(rd_mat mid, float scale) {
  if (scale != 1.0f)
    rd_scale(mid.data, mid.type, scale, mid.rows * mid.cols);
}

/* Where the rounding of the rows behind the first ones lies: behind theirs. */
static void *room_behind(const rd_linear *l, const rd_input *x, int64_t clean) {
  const rd_rounding *before = l->plain->format->rounding;
  const size_t bytes = before ? before->room(clean, x->x.cols) : 0;
  return x->room ? (char *)x->room + (bytes + RD_ALIGNMENT - 1) / RD_ALIGNMENT * RD_ALIGNMENT
                 : NULL;
}

/* x w' where the first rows have another w than the rest. All products of one place are cut at the
 * same row, so that each part is rounded once for them all. */
static rd_code two_products(const rd_linear *l, rd_mat y, bool add, rd_input *x, int64_t clean,
                            rd_error *e) {
  int64_t rest = y.rows - clean;
  rd_input before = {.x = rd_mat_part(x->x, 0, clean), .room = x->room, .rounding = x->halves};
  rd_input behind = {
      .x = rd_mat_part(x->x, clean, rest), .room = room_behind(l, x, clean), .rounding = x->halves};
  x->rounding = NULL; /* the room is used for parts */
  RD_TRY(rd_matrix_multiply(rd_mat_part(y, 0, clean), l->plain, &before, add, e));
  if (rest > 0)
    RD_TRY(rd_matrix_multiply(rd_mat_part(y, clean, rest), &l->w, &behind, add, e));
  x->halves = rest == 0 || before.rounding == behind.rounding ? before.rounding : NULL;
  return RD_OK;
}

rd_code rd_linear_forward(const rd_linear *l, rd_mat y, bool add, rd_input *x, int64_t clean,
                          void *mid, rd_error *e) {
  if (l->plain && clean > 0)
    RD_TRY(two_products(l, y, add, x, clean, e));
  else
    RD_TRY(rd_matrix_multiply(y, &l->w, x, add, e));
  if (l->bias)
    rd_bias(y.data, y.type, l->bias, y.rows, y.cols, y.row_stride);
  if (l->a.rows == 0 || clean == y.rows)
    return RD_OK;
  rd_mat adapted = rd_mat_part(y, clean, y.rows - clean);
  rd_input input = {.x = rd_mat_part(x->x, clean, adapted.rows)};
  rd_input middle = {.x = rd_mat_rows(mid, x->x.type, adapted.rows, l->a.rows)};
  RD_TRY(rd_matrix_multiply(middle.x, &l->a, &input, false, e));
  scale_rows(middle.x, l->scale);
  return rd_matrix_multiply(adapted, &l->b, &middle, true, e);
}

/* g += dy' x for one weight (out, in) of a product y = x w'. */
static rd_code weight_gradient(float *g, rd_mat dy, rd_mat x, rd_error *e) {
  if (!g)
    return RD_OK;
  return rd_matmul(rd_mat_rows(g, RD_F32, dy.cols, x.cols), rd_mat_transposed(dy), x, 1, e);
}

rd_code rd_linear_backward(const rd_linear *l, const rd_linear_grad *grad, rd_mat dx, bool add,
                           rd_mat dy, rd_mat x, const void *mid, void *dmid, rd_error *e) {
  RD_TRY(weight_gradient(grad->w, dy, x, e));
  if (grad->bias)
    rd_bias_backward(grad->bias, dy.data, dy.type, dy.rows, dy.cols, dy.row_stride);
  if (dx.data)
    RD_TRY(rd_matrix_multiply_back(dx, &l->w, dy, add, e));
  if (l->a.rows == 0)
    return RD_OK;
  rd_mat middle = rd_mat_rows(mid, x.type, x.rows, l->a.rows);
  rd_mat dmiddle = rd_mat_rows(dmid, x.type, x.rows, l->a.rows);
  RD_TRY(weight_gradient(grad->b, dy, middle, e));
  RD_TRY(rd_matrix_multiply_back(dmiddle, &l->b, dy, false, e));
  scale_rows(dmiddle, l->scale);
  RD_TRY(weight_gradient(grad->a, dmiddle, x, e));
  return dx.data ? rd_matrix_multiply_back(dx, &l->a, dmiddle, true, e) : RD_OK;
}
