/* SPDX-License-Identifier: MIT */
/* y = x w' + b + s (x a') b': the low-rank part adds into the product's own destination, so an
 * adapter costs two thin products and no pass over memory. The scale is applied to the (T, rank)
 * middle. */
#include "linear.h"

#include "ops.h"

static rd_mat lora_a(const rd_linear *l, rd_dtype type) {
  return rd_mat_rows(l->lora_a, type, l->rank, l->in);
}

static rd_mat lora_b(const rd_linear *l, rd_dtype type) {
  return rd_mat_rows(l->lora_b, type, l->out, l->rank);
}

static void scale_rows(const rd_linear *l, rd_dtype type, void *mid, int64_t T) {
  if (l->scale != 1.0f)
    rd_scale(mid, type, l->scale, T * l->rank);
}

rd_code rd_linear_forward(const rd_linear *l, rd_dtype type, void *y, rd_dtype y_type, bool add,
                          const rd_input *x, void *mid, int64_t T, rd_error *e) {
  rd_mat in = rd_mat_rows(x->x, type, T, l->in), out = rd_mat_rows(y, y_type, T, l->out);
  float beta = add ? 1.0f : 0.0f;
  if (l->w8.q)
    RD_TRY(rd_matmul_i8(out, rd_mat_rows(x->q, RD_I8, T, l->in), x->scale,
                        rd_mat_transposed(rd_mat_rows(l->w8.q, RD_I8, l->out, l->in)), l->w8.scale,
                        beta, e));
  else
    RD_TRY(rd_matmul(out, in, rd_mat_transposed(rd_mat_rows(l->w, type, l->out, l->in)), beta, e));
  if (l->bias)
    rd_bias(y, y_type, l->bias, T, l->out, l->out);
  if (l->rank == 0)
    return RD_OK;
  rd_mat middle = rd_mat_rows(mid, type, T, l->rank);
  RD_TRY(rd_matmul(middle, in, rd_mat_transposed(lora_a(l, type)), 0, e));
  scale_rows(l, type, mid, T);
  return rd_matmul(out, middle, rd_mat_transposed(lora_b(l, type)), 1, e);
}

/* g += dy' x for one weight (out, in) of a product y = x w'. */
static rd_code weight_gradient(float *g, rd_mat dy, rd_mat x, rd_error *e) {
  if (!g)
    return RD_OK;
  return rd_matmul(rd_mat_rows(g, RD_F32, dy.cols, x.cols), rd_mat_transposed(dy), x, 1, e);
}

rd_code rd_linear_backward(const rd_linear *l, const rd_linear_grad *grad, rd_dtype type, void *dx,
                           rd_dtype dx_type, bool add, const void *dy, const void *x,
                           const void *mid, void *dmid, int64_t T, rd_error *e) {
  rd_mat out = rd_mat_rows(dy, type, T, l->out), in = rd_mat_rows(x, type, T, l->in);
  rd_mat din = rd_mat_rows(dx, dx_type, T, l->in);
  RD_TRY(weight_gradient(grad->w, out, in, e));
  if (grad->bias)
    rd_bias_backward(grad->bias, dy, type, T, l->out, l->out);
  if (dx)
    RD_TRY(rd_matmul(din, out, rd_mat_rows(l->w, type, l->out, l->in), add ? 1.0f : 0.0f, e));
  if (l->rank == 0)
    return RD_OK;
  rd_mat dmiddle = rd_mat_rows(dmid, type, T, l->rank);
  RD_TRY(weight_gradient(grad->lora_b, out, rd_mat_rows(mid, type, T, l->rank), e));
  RD_TRY(rd_matmul(dmiddle, out, lora_b(l, type), 0, e));
  scale_rows(l, type, dmid, T);
  RD_TRY(weight_gradient(grad->lora_a, dmiddle, in, e));
  return dx ? rd_matmul(din, dmiddle, lora_a(l, type), 1, e) : RD_OK;
}
