/* SPDX-License-Identifier: MIT */
/* A layer on a device that keeps what its way back reads, and below it the way back, line by line
 * as layer.c has both. */
#include "device_learn_pass.h"

static rd_code add_scaled(rd_device_learn *l, float *y, const float *x, float scale, int64_t n,
                          rd_error *e) {
  const rd_add_args args = {y, x, scale, n};
  const rd_blocks grid = rd_blocks_over(l->device, n);
  return RD_LAUNCH(l, add, &grid, &args, e);
}

static rd_code copy(rd_device_learn *l, void *to, const void *from, int64_t n, rd_dtype type,
                    rd_error *e) {
  return l->device->move(l->device, to, from, (size_t)n * rd_dtype_size(type), e);
}

static rd_code turn(rd_device_learn *l, const rd_learn_half *h, int64_t index, void *y,
                    int64_t y_stride, const void *x, rd_dtype x_type, int64_t row, bool back,
                    rd_error *e) {
  const rd_config *c = l->config;
  const uint8_t kind = c->layer_kinds[index];
  const int local = kind & RD_LAYER_LOCAL && c->has_local_rope;
  const int64_t turned = kind & RD_LAYER_UNTURNED ? 0 : rd_config_turned(c);
  const rd_rope_args_on args = {.y = y,
                                .x = x,
                                .rows = h->there.rows,
                                .cosines = l->cosines[local],
                                .sines = l->sines[local],
                                .heads = (int32_t)(row / c->head_dim),
                                .hd = (int32_t)c->head_dim,
                                .turned = (int32_t)turned,
                                .interleaved = c->rope_interleaved,
                                .type = (int32_t)l->type,
                                .x_type = (int32_t)x_type,
                                .back = back,
                                .y_stride = y_stride};
  const rd_blocks grid = rd_blocks_of_rows(l->device, h->T, row);
  return RD_LAUNCH(l, rope, &grid, &args, e);
}

/* y = rope(norm(x w')) for queries or keys, in f32 up to the end; raw: before the norm. */
static rd_code rotated_heads(rd_device_learn *l, const rd_learn_half *h, const rd_linear *p,
                             int64_t index, void *y, const void *x, void *mid, void *raw,
                             float *rstd, const float *norm, rd_error *e) {
  const rd_learn_group *g = rd_learn_group_of(l, h, index, RD_BESIDE_HEADS);
  const rd_config *c = l->config;
  const int64_t row = p->w.rows, D = c->wide_norms ? row : c->head_dim;
  float *heads = l->type == RD_F32 ? y : l->unrotated;
  RD_TRY(rd_learn_linear(l, g, p, heads, RD_F32, NULL, x, h->T, mid, e));
  if (raw)
    RD_TRY(rd_learn_norm(l, raw, 0, l->type, NULL, heads, NULL, h->T, row, e));
  if (norm)
    RD_TRY(rd_learn_norm(l, heads, 0, RD_F32, rstd, heads, norm, h->T * (row / D), D, e));
  return turn(l, h, index, y, row, heads, RD_F32, row, false, e);
}

/* Arguments of attention, there and back. */
static rd_learn_attend_args attention_of(const rd_device_learn *l, const rd_learn_half *h,
                                         int64_t index, const rd_layer_acts *a) {
  const rd_config *c = l->config;
  const int64_t past =
      index * l->rows * c->kv_heads * c->head_dim * (int64_t)rd_dtype_size(l->type);
  return (rd_learn_attend_args){
      .o = a->att,
      .lse = a->lse,
      .delta = l->delta,
      .q = a->q,
      .k = a->k,
      .v = a->v,
      .past_k = l->past_k ? l->past_k + past : NULL,
      .past_v = l->past_v ? l->past_v + past : NULL,
      .tiles = h->there.tiles,
      .spans = h->there.spans,
      .rows = h->there.rows,
      .T = h->T,
      .o_stride =
          rd_learn_stride(rd_learn_group_of(l, h, index, RD_BESIDE_O), c->heads * c->head_dim),
      .heads = (int32_t)c->heads,
      .kv_heads = (int32_t)c->kv_heads,
      .hd = (int32_t)c->head_dim,
      .window = c->layer_kinds[index] & RD_LAYER_LOCAL ? 1 : 0,
      .type = (int32_t)l->type,
      .scale = (float)rd_config_attention_scale(c),
      .cap = (float)c->attention_cap};
}

/* Of a kernel of attention the one for the heads of this model. */
static const rd_kernel *by_head(const rd_device_learn *l, const rd_kernel *f32,
                                const rd_kernel *small, const rd_kernel *middle,
                                const rd_kernel *large) {
  const int64_t hd = l->config->head_dim;
  return l->type == RD_F32 ? f32 : hd <= 64 ? small : hd <= 128 ? middle : large;
}
#define BY_HEAD(l, name)                                                                           \
  by_head((l), &(l)->device->kernels->name, &(l)->device->kernels->name##_64,                      \
          &(l)->device->kernels->name##_128, &(l)->device->kernels->name##_256)

static rd_blocks attention_grid(const rd_device_learn *l, const rd_learn_half *h, int64_t heads,
                                bool back) {
  return (rd_blocks){.blocks = h->tile_count,
                     .sides = heads,
                     .threads = RD_LEARN_WARPS * RD_WARP_SIZE,
                     .shared = rd_learn_shared(l->config->head_dim, l->type, back)};
}

/* y = x + m norm(projection): straight into the stream where there is neither norm nor multiplier;
 * y and x are the same buffer, or y becomes a copy first. */
static rd_code add_to_stream(rd_device_learn *l, const rd_learn_half *h, const rd_learn_group *g,
                             const rd_linear *p, float *y, const float *x, void *input, void *mid,
                             const rd_branch *branch, const float *norm, rd_error *e) {
  const rd_config *c = l->config;
  const int64_t D = c->width, n = h->T * D;
  RD_TRY(rd_learn_mids(l, g, input, h->T, e));
  if (!branch->made)
    return rd_learn_linear(l, g, p, y, RD_F32, x, input, h->T, mid, e);
  if (y != x)
    RD_TRY(copy(l, y, x, n, RD_F32, e));
  RD_TRY(rd_learn_linear(l, g, p, branch->made, RD_F32, NULL, input, h->T, mid, e));
  if (norm)
    RD_TRY(rd_learn_norm(l, l->normed, 0, RD_F32, branch->rstd, branch->made, norm, h->T, D, e));
  return add_scaled(l, y, norm ? l->normed : branch->made,
                    c->residual_multiplier > 0 ? (float)c->residual_multiplier : 1.0f, n, e);
}

static rd_code gated(rd_device_learn *l, const rd_learn_half *h, const rd_learn_group *down,
                     const rd_layer_acts *a, rd_error *e) {
  const rd_gated_args args = {.y = a->h,
                              .gate = a->gate,
                              .up = a->up,
                              .n = h->T * l->config->ff,
                              .y_type = (int32_t)l->type,
                              .type = (int32_t)a->wide,
                              .curve = rd_device_curve(l->config->activation),
                              .D = l->config->ff,
                              .y_stride = down ? rd_learn_stride(down, down->K) : 0};
  const rd_blocks grid = rd_blocks_over(l->device, args.n);
  return RD_LAUNCH(l, gated, &grid, &args, e);
}

rd_code rd_learn_forward(rd_device_learn *l, rd_learn_half *h, int64_t index, rd_error *e) {
  const rd_config *c = l->config;
  const rd_layer *w = &h->weights->layers[index];
  const rd_layer_acts *a = &h->acts[h->keep == RD_STACK_NOTHING ? 0 : index];
  const rd_learn_group *heads = rd_learn_group_of(l, h, index, RD_BESIDE_HEADS);
  const rd_learn_group *o = rd_learn_group_of(l, h, index, RD_BESIDE_O);
  const rd_learn_group *gates = rd_learn_group_of(l, h, index, RD_BESIDE_GATES);
  const rd_learn_group *down = rd_learn_group_of(l, h, index, RD_BESIDE_DOWN);
  const rd_dtype t = l->type;
  const int64_t T = h->T, D = c->width,
                bytes = c->kv_heads * c->head_dim * (int64_t)rd_dtype_size(t);
  RD_TRY(rd_learn_norm(l, a->n1, rd_learn_stride(heads, D), t, a->rstd1, a->x, w->attention_norm, T,
                       D, e));
  RD_TRY(rd_learn_mids(l, heads, a->n1, T, e));
  RD_TRY(
      rotated_heads(l, h, &w->q, index, a->q, a->n1, a->lora.q, a->q_raw, a->q_rstd, w->q_norm, e));
  RD_TRY(
      rotated_heads(l, h, &w->k, index, a->k, a->n1, a->lora.k, a->k_raw, a->k_rstd, w->k_norm, e));
  RD_TRY(rd_learn_linear(l, heads, &w->v, a->v, t, NULL, a->n1, T, a->lora.v, e));
  if (h == &l->clean) {
    RD_TRY(copy(l, l->past_k + index * l->rows * bytes, a->k, T * c->kv_heads * c->head_dim, t, e));
    RD_TRY(copy(l, l->past_v + index * l->rows * bytes, a->v, T * c->kv_heads * c->head_dim, t, e));
  }
  const rd_learn_attend_args attention = attention_of(l, h, index, a);
  const rd_blocks grid = attention_grid(l, h, c->heads, false);
  RD_TRY(l->device->launch(l->device, BY_HEAD(l, attend_keep), &grid, &attention, e));
  RD_TRY(add_to_stream(l, h, o, &w->o, a->mid, a->x, a->att, a->lora.o, &a->branch1,
                       w->attention_post_norm, e));
  RD_TRY(rd_learn_norm(l, a->n2, rd_learn_stride(gates, D), t, a->rstd2, a->mid, w->mlp_norm, T, D,
                       e));
  RD_TRY(rd_learn_mids(l, gates, a->n2, T, e));
  RD_TRY(rd_learn_linear(l, gates, &w->gate, a->gate, a->wide, NULL, a->n2, T, a->lora.gate, e));
  RD_TRY(rd_learn_linear(l, gates, &w->up, a->up, a->wide, NULL, a->n2, T, a->lora.up, e));
  RD_TRY(gated(l, h, down, a, e));
  return add_to_stream(l, h, down, &w->down, a->out, a->mid, a->h, a->lora.down, &a->branch2,
                       w->mlp_post_norm, e);
}

/* --- back ------------------------------------------------------------------------------------- */

/* Heads (T, row) that have come back, in dx, become their gradients before rotation and norm, whose
 * rows are `stride` apart; `to` may be dx where they lie together. */
static rd_code rotated_heads_back(rd_device_learn *l, int64_t index, void *to, int64_t stride,
                                  void *dx, const void *raw, const float *rstd, const float *norm,
                                  float *dnorm, int64_t row, rd_error *e) {
  const rd_config *c = l->config;
  const int64_t D = c->wide_norms ? row : c->head_dim;
  if (!norm)
    return turn(l, &l->own, index, to, stride, dx, l->type, row, true, e);
  RD_TRY(turn(l, &l->own, index, dx, row, dx, l->type, row, true, e));
  return rd_learn_norm_back(l, to, l->type, false, row, stride, dx, raw, l->type, norm, dnorm, rstd,
                            l->own.T * (row / D), D, e);
}

/* Rows (T, cols) to where rows are `stride` apart. */
static rd_code put_beside(rd_device_learn *l, void *to, int64_t stride, const void *from,
                          int64_t cols, rd_error *e) {
  const rd_beside_args args = {.y = to,
                               .x = from,
                               .rows = l->own.T,
                               .cols = cols,
                               .y_stride = stride,
                               .x_stride = cols,
                               .type = (int32_t)l->type};
  const rd_blocks grid = rd_blocks_over(l->device, args.rows * cols);
  return RD_LAUNCH(l, beside, &grid, &args, e);
}

/* scratch.dy = the gradient of a branch, from that of the stream that it was added to. */
static rd_code branch_back(rd_device_learn *l, const rd_branch *branch, const float *norm,
                           float *dnorm, rd_error *e) {
  const rd_config *c = l->config;
  const rd_layer_scratch *s = &l->scratch;
  const int64_t T = l->own.T, D = c->width;
  if (!branch->made)
    return rd_learn_norm(l, s->dy, 0, l->type, NULL, l->dx, NULL, T, D, e);
  RD_TRY(copy(l, s->dbranch, l->dx, T * D, RD_F32, e));
  if (c->residual_multiplier > 0) {
    const rd_bound_args args = {
        .x = s->dbranch, .factor = (float)c->residual_multiplier, .n = T * D};
    const rd_blocks grid = rd_blocks_over(l->device, args.n);
    RD_TRY(RD_LAUNCH(l, bound, &grid, &args, e));
  }
  return norm ? rd_learn_norm_back(l, s->dy, l->type, false, D, D, s->dbranch, branch->made, RD_F32,
                                   norm, dnorm, branch->rstd, T, D, e)
              : rd_learn_norm(l, s->dy, 0, l->type, NULL, s->dbranch, NULL, T, D, e);
}

/* dx += the gradient of n = norm(x), which is in scratch.dn. */
static rd_code norm_back(rd_device_learn *l, const float *x, const float *rstd, const float *norm,
                         float *dnorm, rd_error *e) {
  const int64_t T = l->own.T, D = l->config->width;
  return norm ? rd_learn_norm_back(l, l->dx, RD_F32, true, D, D, l->scratch.dn, x, RD_F32, norm,
                                   dnorm, rstd, T, D, e)
              : add_scaled(l, l->dx, l->scratch.dn, 1, T * D, e);
}

/* With a group of gate and up their gradients lie side by side. */
static rd_code gated_back(rd_device_learn *l, const rd_learn_group *g, const rd_layer_acts *a,
                          rd_error *e) {
  const rd_layer_scratch *s = &l->scratch;
  const int64_t F = l->config->ff;
  const rd_gated_back_args args = {.dgate = g ? l->joined : s->dgate,
                                   .dup = g ? rd_at(l->joined, l->type, F) : s->dup,
                                   .dy = s->dh,
                                   .gate = a->gate,
                                   .up = a->up,
                                   .n = l->own.T * F,
                                   .D = F,
                                   .stride = g ? g->N + g->R : 0,
                                   .type = (int32_t)l->type,
                                   .curve = rd_device_curve(l->config->activation)};
  const rd_blocks grid = rd_blocks_over(l->device, args.n);
  return RD_LAUNCH(l, gated_back, &grid, &args, e);
}

static rd_code attention_back(rd_device_learn *l, int64_t index, const rd_layer_acts *a,
                              rd_error *e) {
  const rd_config *c = l->config;
  const rd_layer_scratch *s = &l->scratch;
  enum { WARPS = 4 };
  rd_learn_attend_args args = attention_of(l, &l->own, index, a);
  args.d_o = s->datt;
  args.dq = s->dq;
  args.dk = s->dk;
  args.dv = s->dv;
  const rd_blocks every = {.blocks = (l->own.T * c->heads + WARPS - 1) / WARPS,
                           .sides = 1,
                           .threads = WARPS * RD_WARP_SIZE};
  const rd_blocks queries = attention_grid(l, &l->own, c->heads, true);
  const rd_blocks keys = attention_grid(l, &l->own, c->kv_heads, true);
  RD_TRY(RD_LAUNCH(l, attend_delta, &every, &args, e));
  RD_TRY(l->device->launch(l->device, BY_HEAD(l, attend_back_queries), &queries, &args, e));
  return l->device->launch(l->device, BY_HEAD(l, attend_back_keys), &keys, &args, e);
}

/* scratch.dn = the gradient of n1, from those of rotated heads. */
static rd_code heads_back(rd_device_learn *l, int64_t index, const rd_layer_grad *grad,
                          rd_error *e) {
  const rd_config *c = l->config;
  const rd_layer *w = &l->own.weights->layers[index];
  const rd_layer_acts *a = &l->own.acts[index];
  const rd_layer_scratch *s = &l->scratch;
  const rd_learn_group *g = rd_learn_group_of(l, &l->own, index, RD_BESIDE_HEADS);
  const int64_t T = l->own.T, Q = c->heads * c->head_dim, KV = c->kv_heads * c->head_dim;
  void *dq = g ? l->joined : s->dq, *dk = g ? rd_at(l->joined, l->type, Q) : s->dk;
  RD_TRY(rotated_heads_back(l, index, dq, g ? g->N + g->R : Q, s->dq, a->q_raw, a->q_rstd,
                            w->q_norm, grad->q_norm, Q, e));
  RD_TRY(rotated_heads_back(l, index, dk, g ? g->N + g->R : KV, s->dk, a->k_raw, a->k_rstd,
                            w->k_norm, grad->k_norm, KV, e));
  if (g) {
    RD_TRY(put_beside(l, rd_at(l->joined, l->type, Q + KV), g->N + g->R, s->dv, KV, e));
    return rd_learn_group_back(l, g, RD_BESIDE_HEADS, grad, s->dn, l->joined, a->n1, T, e);
  }
  RD_TRY(rd_learn_linear_back(l, NULL, &w->q, &grad->q, s->dn, RD_F32, false, s->dq, a->n1, T,
                              a->lora.q, e));
  RD_TRY(rd_learn_linear_back(l, NULL, &w->k, &grad->k, s->dn, RD_F32, true, s->dk, a->n1, T,
                              a->lora.k, e));
  return rd_learn_linear_back(l, NULL, &w->v, &grad->v, s->dn, RD_F32, true, s->dv, a->n1, T,
                              a->lora.v, e);
}

/* scratch.dn = the gradient of n2, from that of h. */
static rd_code gates_back(rd_device_learn *l, int64_t index, const rd_layer_grad *grad,
                          rd_error *e) {
  const rd_layer *w = &l->own.weights->layers[index];
  const rd_layer_acts *a = &l->own.acts[index];
  const rd_layer_scratch *s = &l->scratch;
  const rd_learn_group *g = rd_learn_group_of(l, &l->own, index, RD_BESIDE_GATES);
  RD_TRY(gated_back(l, g, a, e));
  if (g)
    return rd_learn_group_back(l, g, RD_BESIDE_GATES, grad, s->dn, l->joined, a->n2, l->own.T, e);
  RD_TRY(rd_learn_linear_back(l, NULL, &w->gate, &grad->gate, s->dn, RD_F32, false, s->dgate, a->n2,
                              l->own.T, a->lora.gate, e));
  return rd_learn_linear_back(l, NULL, &w->up, &grad->up, s->dn, RD_F32, true, s->dup, a->n2,
                              l->own.T, a->lora.up, e);
}

rd_code rd_learn_backward(rd_device_learn *l, int64_t index, const rd_layer_grad *grad,
                          rd_error *e) {
  const rd_layer *w = &l->own.weights->layers[index];
  const rd_layer_acts *a = &l->own.acts[index];
  const rd_layer_scratch *s = &l->scratch;
  const rd_learn_group *o = rd_learn_group_of(l, &l->own, index, RD_BESIDE_O);
  const rd_learn_group *down = rd_learn_group_of(l, &l->own, index, RD_BESIDE_DOWN);
  const rd_dtype t = l->type;
  const int64_t T = l->own.T;
  /* out = mid + h Wd' */
  RD_TRY(branch_back(l, &a->branch2, w->mlp_post_norm, grad->mlp_post_norm, e));
  RD_TRY(rd_learn_linear_back(l, down, &w->down, &grad->down, s->dh, t, false, s->dy, a->h, T,
                              a->lora.down, e));
  RD_TRY(gates_back(l, index, grad, e));
  RD_TRY(norm_back(l, a->mid, a->rstd2, w->mlp_norm, grad->mlp_norm, e));
  /* mid = x + att Wo' */
  RD_TRY(branch_back(l, &a->branch1, w->attention_post_norm, grad->attention_post_norm, e));
  RD_TRY(rd_learn_linear_back(l, o, &w->o, &grad->o, s->datt, t, false, s->dy, a->att, T, a->lora.o,
                              e));
  RD_TRY(attention_back(l, index, a, e));
  RD_TRY(heads_back(l, index, grad, e));
  return norm_back(l, a->x, a->rstd1, w->attention_norm, grad->attention_norm, e);
}
