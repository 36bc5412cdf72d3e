/* SPDX-License-Identifier: MIT */
/* linear.c's products there and back, and norms, on a device: all products are the device's own,
 * with operands across on the way back. */
#include "device_learn_pass.h"

float *rd_learn_gradient(const rd_device_learn *l, const float *here) {
  return here ? l->gradients + (here - l->plan.gradients) : NULL;
}

rd_code rd_learn_linear(rd_device_learn *l, const rd_learn_group *group, const rd_linear *p,
                        void *y, rd_dtype y_type, const void *added, const void *x, int64_t T,
                        void *mid, rd_error *e) {
  rd_device *d = l->device;
  const int64_t N = p->w.rows, K = p->w.cols, rank = p->a.rows;
  const rd_product whole = {.y = y,
                            .x = x,
                            .w = group ? rd_learn_rows_of(l, group, p) : p->w.data,
                            .from = added,
                            .T = T,
                            .N = N,
                            .K = rd_learn_stride(group, K),
                            .y_stride = N,
                            .alpha = 1,
                            .beta = added ? 1 : 0,
                            .type = l->type,
                            .y_type = y_type};
  RD_TRY(d->multiply(d, &whole, e));
  if (p->bias) {
    const rd_bias_args bias = {
        .x = y, .bias = p->bias, .n = T * N, .D = N, .type = (int32_t)y_type};
    const rd_blocks grid = rd_blocks_over(d, T * N);
    RD_TRY(RD_LAUNCH(l, bias, &grid, &bias, e));
  }
  if (rank == 0 || group)
    return RD_OK;
  rd_product down = whole, up = whole;
  down.from = up.from = NULL;
  down.y = mid;
  down.w = p->a.data;
  down.N = down.y_stride = rank;
  down.alpha = p->scale;
  down.beta = 0;
  down.y_type = l->type;
  up.x = mid;
  up.w = p->b.data;
  up.K = rank;
  up.beta = 1;
  RD_TRY(d->multiply(d, &down, e));
  return d->multiply(d, &up, e);
}

rd_code rd_learn_weight_gradient(rd_device_learn *l, const float *g, const void *dy,
                                 int64_t dy_stride, int64_t N, const void *x, int64_t x_stride,
                                 int64_t K, int64_t T, rd_error *e) {
  const rd_product p = {.y = rd_learn_gradient(l, g),
                        .x = dy,
                        .w = x,
                        .T = N,
                        .N = K,
                        .K = T,
                        .y_stride = K,
                        .x_stride = dy_stride,
                        .w_stride = x_stride,
                        .alpha = 1,
                        .beta = 1,
                        .type = l->type,
                        .y_type = RD_F32,
                        .x_across = true,
                        .w_across = true};
  return g ? l->device->multiply(l->device, &p, e) : RD_OK;
}

/* dx (T, K) = factor dy (T, N) w (N, K), or += with a factor of 1. */
static rd_code multiply_back(rd_device_learn *l, void *dx, rd_dtype dx_type, bool add, float factor,
                             const void *dy, const rd_matrix *w, int64_t T, rd_error *e) {
  const rd_product p = {.y = dx,
                        .x = dy,
                        .w = w->data,
                        .T = T,
                        .N = w->cols,
                        .K = w->rows,
                        .y_stride = w->cols,
                        .alpha = factor,
                        .beta = add ? 1 : 0,
                        .type = l->type,
                        .y_type = dx_type,
                        .w_across = true};
  return l->device->multiply(l->device, &p, e);
}

rd_code rd_learn_linear_back(rd_device_learn *l, const rd_learn_group *group, const rd_linear *p,
                             const rd_linear_grad *g, void *dx, rd_dtype dx_type, bool add,
                             const void *dy, const void *x, int64_t T, const void *mid,
                             rd_error *e) {
  const int64_t N = p->w.rows, K = p->w.cols, rank = p->a.rows;
  const int64_t stride = rd_learn_stride(group, K);
  void *dmid = l->scratch.dmid;
  RD_TRY(rd_learn_weight_gradient(l, g->w, dy, N, N, x, stride, K, T, e));
  RD_TRY(rd_learn_sum_rows(l, g->bias, dy, N, NULL, l->type, NULL, T, N, e));
  if (dx)
    RD_TRY(multiply_back(l, dx, dx_type, add, 1, dy, &p->w, T, e));
  if (rank == 0)
    return RD_OK;
  RD_TRY(rd_learn_weight_gradient(l, g->b, dy, N, N, group ? rd_learn_mid_of(l, group, p, x) : mid,
                                  group ? stride : rank, rank, T, e));
  RD_TRY(multiply_back(l, dmid, l->type, false, p->scale, dy, &p->b, T, e));
  RD_TRY(rd_learn_weight_gradient(l, g->a, dmid, rank, rank, x, stride, K, T, e));
  return dx ? multiply_back(l, dx, dx_type, true, 1, dmid, &p->a, T, e) : RD_OK;
}

rd_code rd_learn_sum_rows(rd_device_learn *l, float *sum, const void *dy, int64_t stride,
                          const void *x, rd_dtype type, const float *rstd, int64_t n, int64_t D,
                          rd_error *e) {
  const rd_sum_rows_args args = {.sum = rd_learn_gradient(l, sum),
                                 .dy = dy,
                                 .x = x,
                                 .rstd = rstd,
                                 .n = n,
                                 .D = D,
                                 .stride = stride,
                                 .type = (int32_t)type};
  const rd_blocks grid = {.blocks = (D + RD_WARP_SIZE - 1) / RD_WARP_SIZE,
                          .sides = 1,
                          .threads = l->device->threads,
                          .shared = rd_device_room(l->device)};
  return sum ? RD_LAUNCH(l, sum_rows, &grid, &args, e) : RD_OK;
}

rd_code rd_learn_norm(rd_device_learn *l, void *y, int64_t y_stride, rd_dtype type, float *rstd,
                      const float *x, const float *norm, int64_t n, int64_t D, rd_error *e) {
  const rd_norm_args args = {.y = y,
                             .rstd = rstd,
                             .x = x,
                             .plain = norm,
                             .norm = norm,
                             .D = D,
                             .eps = (float)l->config->norm_eps,
                             .type = (int32_t)type,
                             .y_stride = y_stride};
  const rd_blocks grid = rd_blocks_of_rows(l->device, n, D);
  return RD_LAUNCH(l, norm, &grid, &args, e);
}

rd_code rd_learn_norm_back(rd_device_learn *l, void *dx, rd_dtype dx_type, bool add, int64_t row,
                           int64_t dx_stride, const void *dy, const void *x, rd_dtype type,
                           const float *norm, float *dnorm, const float *rstd, int64_t n, int64_t D,
                           rd_error *e) {
  const rd_norm_back_args args = {.dx = dx,
                                  .dy = dy,
                                  .x = x,
                                  .norm = norm,
                                  .rstd = rstd,
                                  .D = D,
                                  .beside = row / D,
                                  .stride = dx_stride,
                                  .dx_type = (int32_t)dx_type,
                                  .type = (int32_t)type,
                                  .add = add};
  const rd_blocks grid = rd_blocks_of_rows(l->device, n, D);
  RD_TRY(rd_learn_sum_rows(l, dnorm, dy, D, x, type, rstd, n, D, e)); /* dx may be dy */
  return RD_LAUNCH(l, norm_back, &grid, &args, e);
}
