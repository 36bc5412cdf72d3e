/* SPDX-License-Identifier: MIT */
/* Products of a device: few rows by kernels that read the matrix as it lies, many by the device's
 * own products, for which groups of integers are decoded a stretch of rows at a time. */
#include "device_pass.h"

rd_blocks rd_blocks_over(const rd_device *d, int64_t n) {
  enum { EACH = 4, MOST = 1 << 16 };
  const int64_t wanted = (n + EACH * d->threads - 1) / (EACH * d->threads);
  return (rd_blocks){.blocks = wanted < MOST ? wanted : MOST, .sides = 1, .threads = d->threads};
}

rd_blocks rd_blocks_of_rows(const rd_device *d, int64_t n, int64_t D) {
  const int64_t wanted = (D / 4 + RD_WARP_SIZE - 1) / RD_WARP_SIZE * RD_WARP_SIZE;
  const int threads = wanted < d->threads ? (int)wanted : d->threads;
  return (rd_blocks){.blocks = n,
                     .sides = 1,
                     .threads = threads > 0 ? threads : RD_WARP_SIZE,
                     .shared = rd_device_room(d)};
}

static rd_code multiply_few(rd_device_stack *s, const rd_device_matrix *w, const rd_product *p,
                            rd_error *e) {
  const rd_device *d = s->device;
  const bool plain = w->form <= RD_FORM_BF16;
  const int64_t outputs = plain ? d->threads / RD_WARP_SIZE : RD_WARP_SIZE; /* of a block */
  const rd_few_args args = {.y = p->y,
                            .x = p->x,
                            .w = *w,
                            .T = p->T,
                            .alpha = p->alpha,
                            .add = p->beta != 0,
                            .y_type = (int32_t)p->y_type,
                            .x_type = (int32_t)p->type};
  const rd_blocks grid = {.blocks = (w->rows + outputs - 1) / outputs,
                          .sides = 1,
                          .threads = d->threads,
                          .shared = plain ? 0 : RD_FEW_SHARED};
  return plain ? RD_LAUNCH(s, few, &grid, &args, e) : RD_LAUNCH(s, few_groups, &grid, &args, e);
}

/* Rows first .. first + count of a matrix in groups, as numbers in the room. */
static rd_code ungroup(rd_device_stack *s, const rd_device_matrix *w, int64_t first, int64_t count,
                       rd_error *e) {
  enum { NUMBERS = 1 << 14 }; /* of a block */
  const rd_ungroup_args args = {s->room, *w, first, count, (int32_t)s->type};
  const rd_blocks grid = {.blocks = (count + 31) / 32,
                          .sides = 1 + 32 * w->cols / NUMBERS,
                          .threads = s->device->threads};
  return RD_LAUNCH(s, ungroup, &grid, &args, e);
}

static rd_code multiply(rd_device_stack *s, const rd_matrix *m, const rd_product *product,
                        rd_error *e) {
  rd_device *d = s->device;
  const rd_device_matrix w = rd_device_matrix_of(m);
  rd_product p = *product;
  p.N = p.y_stride = w.rows;
  p.K = w.cols;
  p.w = w.data;
  if (p.T == 0)
    return RD_OK;
  if (p.T <= d->few)
    return multiply_few(s, &w, &p, e);
  if (w.form <= RD_FORM_BF16)
    return d->multiply(d, &p, e);
  const int64_t step = s->room_numbers / w.cols / 32 * 32;
  for (int64_t first = 0; first < w.rows; first += step) {
    p.N = w.rows - first < step ? w.rows - first : step;
    p.w = s->room;
    p.y = rd_at(product->y, p.y_type, first);
    RD_TRY(ungroup(s, &w, first, p.N, e));
    RD_TRY(d->multiply(d, &p, e));
  }
  return RD_OK;
}

static rd_code add_bias(rd_device_stack *s, void *y, rd_dtype type, const float *bias, int64_t T,
                        int64_t D, rd_error *e) {
  const rd_bias_args args = {y, bias, T * D, D, (int32_t)type};
  const rd_blocks grid = rd_blocks_over(s->device, T * D);
  return RD_LAUNCH(s, bias, &grid, &args, e);
}

rd_code rd_device_linear(rd_device_stack *s, const rd_linear *l, void *y, rd_dtype y_type, bool add,
                         const void *x, int64_t T, int64_t clean, rd_error *e) {
  const int64_t first = l->plain ? clean : 0;
  rd_product p = {.y = y,
                  .x = x,
                  .T = first,
                  .alpha = 1,
                  .beta = add ? 1 : 0,
                  .type = s->type,
                  .y_type = y_type};
  if (first > 0)
    RD_TRY(multiply(s, l->plain, &p, e));
  p.y = rd_at(y, y_type, first * l->w.rows);
  p.x = rd_at_const(x, s->type, first * l->w.cols);
  p.T = T - first;
  RD_TRY(multiply(s, &l->w, &p, e));
  if (l->bias)
    RD_TRY(add_bias(s, y, y_type, l->bias, T, l->w.rows, e));
  if (l->a.rows == 0 || clean == T)
    return RD_OK;
  const rd_product down = {.y = s->mid,
                           .x = rd_at_const(x, s->type, clean * l->w.cols),
                           .T = T - clean,
                           .alpha = l->scale,
                           .type = s->type,
                           .y_type = s->type};
  const rd_product up = {.y = rd_at(y, y_type, clean * l->w.rows),
                         .x = s->mid,
                         .T = T - clean,
                         .alpha = 1,
                         .beta = 1,
                         .type = s->type,
                         .y_type = y_type};
  RD_TRY(multiply(s, &l->a, &down, e));
  return multiply(s, &l->b, &up, e);
}
