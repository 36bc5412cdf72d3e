/* SPDX-License-Identifier: MIT */
/* Frozen matrices copied beside their factors: what adapters add is then part of the matrix's own
 * product, which otherwise has to read and write its result once more for it; and the gradients of
 * what several matrices read come of one product instead of two for each.
 *
 * The copy takes as much memory as the matrices. What it saves, beside the product, falls with
 * their width, since a result costs the same to read however many numbers each of its numbers is
 * made of: about 800 / width of a product on a card that does 200 operations while it reads a
 * number. So wide matrices stand alone. */
#include "device_learn_pass.h"

#include <stddef.h>

enum { WIDEST = 2048 };

/* The linears that have their input in common, and how many there are. */
static const struct group_row {
  size_t count, linears[RD_GROUP_MOST]; /* of rd_layer */
  size_t gradients[RD_GROUP_MOST];      /* of rd_layer_grad */
} rows[RD_BESIDES] = {
    [RD_BESIDE_HEADS] = {3,
                         {offsetof(rd_layer, q), offsetof(rd_layer, k), offsetof(rd_layer, v)},
                         {offsetof(rd_layer_grad, q), offsetof(rd_layer_grad, k),
                          offsetof(rd_layer_grad, v)}},
    [RD_BESIDE_O] = {1, {offsetof(rd_layer, o)}, {offsetof(rd_layer_grad, o)}},
    [RD_BESIDE_GATES] = {2,
                         {offsetof(rd_layer, gate), offsetof(rd_layer, up)},
                         {offsetof(rd_layer_grad, gate), offsetof(rd_layer_grad, up)}},
    [RD_BESIDE_DOWN] = {1, {offsetof(rd_layer, down)}, {offsetof(rd_layer_grad, down)}},
};

static const rd_linear *linear_at(const rd_layer *layer, const struct group_row *row, size_t i) {
  return (const rd_linear *)(const void *)((const char *)layer + row->linears[i]);
}
static const rd_linear_grad *gradient_at(const rd_layer_grad *g, const struct group_row *row,
                                         size_t i) {
  return (const rd_linear_grad *)(const void *)((const char *)g + row->gradients[i]);
}

/* The ranks of a layer's group together; 0: it does not go that way. Rows have to begin where cards
 * read them fast: at 16 bytes. */
static int64_t ranks_of(const rd_step_plan *plan, int64_t layer, const struct group_row *row) {
  const int64_t straight = 16 / (int64_t)rd_dtype_size(plan->weights->type);
  const rd_layer *w = &plan->weights->layers[layer];
  const int64_t K = linear_at(w, row, 0)->w.cols;
  int64_t ranks = 0;
  for (size_t i = 0; i < row->count; i++) {
    const rd_linear *p = linear_at(w, row, i);
    const bool trained = plan->gradient && gradient_at(&plan->gradient->layers[layer], row, i)->w;
    if (trained || p->a.rows == 0 || p->scale != linear_at(w, row, 0)->scale ||
        p->w.rows % straight != 0)
      return 0;
    ranks += p->a.rows;
  }
  return K % straight == 0 && ranks % straight == 0 && K <= WIDEST ? ranks : 0;
}

void rd_learn_plan_groups(rd_device_learn *l) {
  for (int kind = 0; kind < RD_BESIDES; kind++) {
    l->beside[kind] = ranks_of(&l->plan, 0, &rows[kind]);
    for (int64_t i = 1; i < l->config->layers; i++)
      if (ranks_of(&l->plan, i, &rows[kind]) != l->beside[kind])
        l->beside[kind] = 0;
  }
}

void rd_learn_take_groups(rd_device_learn *l, rd_arena *a) {
  const size_t element = rd_dtype_size(l->type);
  int64_t widest = 0;
  for (int64_t i = 0; i < l->config->layers * RD_BESIDES; i++) {
    const struct group_row *row = &rows[i % RD_BESIDES];
    const rd_layer *w = &l->plan.weights->layers[i / RD_BESIDES];
    rd_learn_group *g = &l->groups[i];
    *g = (rd_learn_group){.K = linear_at(w, row, 0)->w.cols,
                          .R = l->beside[i % RD_BESIDES],
                          .count = (int)row->count};
    if (g->R == 0)
      continue;
    for (size_t k = 0, at = 0; k < row->count; k++) {
      const rd_linear *p = linear_at(w, row, k);
      g->rows[k] = g->N;
      g->ats[k] = (int64_t)at;
      g->N += p->w.rows;
      at += (size_t)p->a.rows;
    }
    g->w = rd_arena_take(a, (size_t)((g->N + g->R) * (g->K + g->R)), element);
    if (g->count > 1 && g->N + g->R > widest)
      widest = g->N + g->R;
  }
  l->joined = widest > 0 ? rd_arena_take(a, (size_t)(l->rows * widest), element) : NULL;
}

/* Rows of w from (row, at) on = those of x (rows, cols). */
static rd_code copy_into(rd_device_learn *l, const rd_learn_group *g, int64_t row, int64_t at,
                         const rd_matrix *x, rd_error *e) {
  const int64_t stride = g->K + g->R;
  const rd_beside_args args = {.y = rd_at(g->w, l->type, row * stride + at),
                               .x = x->data,
                               .rows = x->rows,
                               .cols = x->cols,
                               .y_stride = stride,
                               .x_stride = x->cols,
                               .type = (int32_t)l->type};
  const rd_blocks grid = rd_blocks_over(l->device, x->rows * x->cols);
  return RD_LAUNCH(l, beside, &grid, &args, e);
}

static rd_code copy_factors(rd_device_learn *l, const rd_learn_group *g, rd_error *e) {
  for (int i = 0; i < g->count; i++) {
    RD_TRY(copy_into(l, g, g->rows[i], g->K + g->ats[i], &g->linears[i]->b, e));
    RD_TRY(copy_into(l, g, g->N + g->ats[i], 0, &g->linears[i]->a, e));
  }
  return RD_OK;
}

rd_code rd_learn_begin_groups(rd_device_learn *l, rd_error *e) {
  for (int64_t n = 0; n < l->config->layers * RD_BESIDES; n++) {
    rd_learn_group *g = &l->groups[n];
    if (!g->w)
      continue;
    const size_t numbers = (size_t)((g->N + g->R) * (g->K + g->R));
    const rd_clear_args none = {g->w, (int64_t)(numbers * rd_dtype_size(l->type) / sizeof(float))};
    const rd_blocks grid = rd_blocks_over(l->device, none.n);
    RD_TRY(RD_LAUNCH(l, clear, &grid, &none, e));
    for (int i = 0; i < g->count; i++) {
      g->linears[i] =
          linear_at(&l->sent->own.layers[n / RD_BESIDES], &rows[n % RD_BESIDES], (size_t)i);
      RD_TRY(copy_into(l, g, g->rows[i], 0, &g->linears[i]->w, e));
    }
    RD_TRY(copy_factors(l, g, e));
  }
  return RD_OK;
}

rd_code rd_learn_follow_groups(rd_device_learn *l, rd_error *e) {
  for (int64_t n = 0; n < l->config->layers * RD_BESIDES; n++)
    if (l->groups[n].w)
      RD_TRY(copy_factors(l, &l->groups[n], e));
  return RD_OK;
}

rd_learn_place rd_learn_place_of(const rd_device_learn *l, const void *matrix) {
  for (int64_t n = 0; n < l->config->layers * RD_BESIDES; n++) {
    const rd_learn_group *g = &l->groups[n];
    const int64_t stride = g->K + g->R;
    for (int i = 0; g->w && i < g->count; i++) {
      if (g->linears[i]->b.data == matrix)
        return (rd_learn_place){rd_at(g->w, l->type, g->rows[i] * stride + g->K + g->ats[i]),
                                g->linears[i]->b.cols, stride};
      if (g->linears[i]->a.data == matrix)
        return (rd_learn_place){rd_at(g->w, l->type, (g->N + g->ats[i]) * stride), g->K, stride};
    }
  }
  return (rd_learn_place){NULL, 0, 0};
}

const rd_learn_group *rd_learn_group_of(const rd_device_learn *l, const rd_learn_half *h,
                                        int64_t layer, int kind) {
  const rd_learn_group *g = &l->groups[layer * RD_BESIDES + kind];
  return h == &l->own && g->w ? g : NULL;
}

/* --- products --------------------------------------------------------------------------------- */

rd_code rd_learn_mids(rd_device_learn *l, const rd_learn_group *g, void *x, int64_t T,
                      rd_error *e) {
  if (!g)
    return RD_OK;
  const int64_t stride = g->K + g->R;
  const rd_product p = {.y = rd_at(x, l->type, g->K),
                        .x = x,
                        .w = rd_at(g->w, l->type, g->N * stride),
                        .T = T,
                        .N = g->R,
                        .K = g->K,
                        .y_stride = stride,
                        .x_stride = stride,
                        .w_stride = stride,
                        .alpha = g->linears[0]->scale,
                        .type = l->type,
                        .y_type = l->type};
  return l->device->multiply(l->device, &p, e);
}

/* The number of a linear in its group. */
static int number_of(const rd_learn_group *g, const rd_linear *p) {
  int i = 0;
  while (g->linears[i] != p)
    i++;
  return i;
}

const void *rd_learn_rows_of(const rd_device_learn *l, const rd_learn_group *g,
                             const rd_linear *p) {
  return rd_at_const(g->w, l->type, g->rows[number_of(g, p)] * (g->K + g->R));
}

const void *rd_learn_mid_of(const rd_device_learn *l, const rd_learn_group *g, const rd_linear *p,
                            const void *x) {
  return rd_at_const(x, l->type, g->K + g->ats[number_of(g, p)]);
}

/* Of linear i: gradients of its bias and factors, and dmid, which goes behind dy. */
static rd_code factors_back(rd_device_learn *l, const rd_learn_group *g, int i,
                            const rd_linear_grad *grad, void *dy, const void *x, int64_t T,
                            rd_error *e) {
  const rd_linear *p = g->linears[i];
  const int64_t N = p->w.rows, rank = p->a.rows, stride = g->K + g->R, wide = g->N + g->R;
  const void *own = rd_at_const(dy, l->type, g->rows[i]);
  void *dmid = rd_at(dy, l->type, g->N + g->ats[i]);
  const rd_product back = {.y = dmid,
                           .x = own,
                           .w = rd_at_const(g->w, l->type, g->rows[i] * stride + g->K + g->ats[i]),
                           .T = T,
                           .N = rank,
                           .K = N,
                           .y_stride = wide,
                           .x_stride = wide,
                           .w_stride = stride,
                           .alpha = p->scale,
                           .type = l->type,
                           .y_type = l->type,
                           .w_across = true};
  RD_TRY(rd_learn_sum_rows(l, grad->bias, own, wide, NULL, l->type, NULL, T, N, e));
  RD_TRY(rd_learn_weight_gradient(l, grad->b, own, wide, N, rd_learn_mid_of(l, g, p, x), stride,
                                  rank, T, e));
  RD_TRY(l->device->multiply(l->device, &back, e));
  return rd_learn_weight_gradient(l, grad->a, dmid, wide, rank, x, stride, g->K, T, e);
}

rd_code rd_learn_group_back(rd_device_learn *l, const rd_learn_group *g, int kind,
                            const rd_layer_grad *grads, float *dx, void *dy, const void *x,
                            int64_t T, rd_error *e) {
  const rd_product p = {.y = dx,
                        .x = dy,
                        .w = g->w,
                        .T = T,
                        .N = g->K,
                        .K = g->N + g->R,
                        .y_stride = g->K,
                        .w_stride = g->K + g->R,
                        .alpha = 1,
                        .type = l->type,
                        .y_type = RD_F32,
                        .w_across = true};
  for (int i = 0; i < g->count; i++)
    RD_TRY(factors_back(l, g, i, gradient_at(grads, &rows[kind], (size_t)i), dy, x, T, e));
  return l->device->multiply(l->device, &p, e);
}
