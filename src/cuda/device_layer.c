/* SPDX-License-Identifier: MIT */
/* A layer on a device, line by line as layer.c has it. */
#include "device_pass.h"

#include "activation.h"

#include <stddef.h>

/* The curves of activation.h, by where their functions lie. */
static const size_t curves[] = {[RD_CURVE_SILU] = offsetof(rd_kernels, silu),
                                [RD_CURVE_GELU] = offsetof(rd_kernels, gelu),
                                [RD_CURVE_GELU_TANH] = offsetof(rd_kernels, gelu_tanh),
                                [RD_CURVE_GELU_SIGMOID] = offsetof(rd_kernels, gelu_sigmoid),
                                [RD_CURVE_RELU] = offsetof(rd_kernels, relu),
                                [RD_CURVE_RELU_SQUARED] = offsetof(rd_kernels, relu_squared)};
enum { CURVES = sizeof curves / sizeof *curves };

int32_t rd_device_curve(const rd_activation *f) {
  int32_t curve = 0;
  while (f && curve + 1 < CURVES && curves[curve] != f->kernels)
    curve++;
  return curve;
}

/* The norm of a row before the gate, and of one behind it. */
#define PLAIN_NORM(layer, norm) ((layer)->plain ? (layer)->plain->norm : (layer)->norm)

rd_code rd_device_norm(rd_device_stack *s, void *y, rd_dtype type, const float *x,
                       const float *plain, const float *norm, int64_t n, int64_t clean, int64_t D,
                       rd_error *e) {
  const rd_norm_args args = {.y = y,
                             .x = x,
                             .plain = plain,
                             .norm = norm,
                             .clean = clean,
                             .D = D,
                             .eps = (float)s->config->norm_eps,
                             .type = (int32_t)type};
  const rd_blocks grid = rd_blocks_of_rows(s->device, n, D);
  return RD_LAUNCH(s, norm, &grid, &args, e);
}

/* Queries, keys and values side by side, turned, to where attention reads them. */
static rd_code turn(rd_device_stack *s, int64_t l, rd_error *e) {
  enum { PAIRS = 512 }; /* of a block */
  const rd_config *c = s->config;
  const uint8_t kind = c->layer_kinds[l];
  const int local = kind & RD_LAYER_LOCAL && c->has_local_rope;
  const int64_t turned = kind & RD_LAYER_UNTURNED ? 0 : rd_config_turned(c);
  const int64_t pairs = (c->heads + 2 * c->kv_heads) * c->head_dim / 2;
  const rd_turn_args args = {.q = s->q,
                             .k = s->k,
                             .v = s->v,
                             .x = s->joined,
                             .rows = s->there.rows,
                             .cosines = s->cosines[local],
                             .sines = s->sines[local],
                             .layer = l,
                             .heads = (int32_t)c->heads,
                             .kv_heads = (int32_t)c->kv_heads,
                             .hd = (int32_t)c->head_dim,
                             .turned = (int32_t)turned,
                             .interleaved = c->rope_interleaved,
                             .type = (int32_t)s->type};
  const rd_blocks grid = {
      .blocks = s->T, .sides = (pairs + PAIRS - 1) / PAIRS, .threads = s->device->threads};
  return RD_LAUNCH(s, turn, &grid, &args, e);
}

/* Heads among those that lie side by side become their norms. */
static rd_code norm_heads(rd_device_stack *s, const rd_linear *p, int64_t at, const float *plain,
                          const float *norm, rd_error *e) {
  const rd_config *c = s->config;
  const int64_t beside = c->wide_norms ? 1 : p->w.rows / c->head_dim;
  const rd_norm_args args = {.y = s->joined + at,
                             .x = s->joined + at,
                             .plain = plain,
                             .norm = norm,
                             .clean = s->clean * beside,
                             .D = p->w.rows / beside,
                             .eps = (float)c->norm_eps,
                             .type = RD_F32,
                             .beside = beside,
                             .stride = (c->heads + 2 * c->kv_heads) * c->head_dim};
  const rd_blocks grid = rd_blocks_of_rows(s->device, s->T * beside, args.D);
  return norm ? RD_LAUNCH(s, norm, &grid, &args, e) : RD_OK;
}

/* Queries and keys stay in f32 until they are turned. */
static rd_code heads(rd_device_stack *s, int64_t l, rd_error *e) {
  const rd_layer *w = &s->weights->layers[l];
  const rd_linear *const set[] = {&w->q, &w->k, &w->v};
  RD_TRY(rd_device_linears(s, set, 3, s->joined, RD_F32, false, s->n, s->T, s->clean, e));
  RD_TRY(norm_heads(s, &w->q, 0, PLAIN_NORM(w, q_norm), w->q_norm, e));
  RD_TRY(norm_heads(s, &w->k, w->q.w.rows, PLAIN_NORM(w, k_norm), w->k_norm, e));
  return turn(s, l, e);
}

/* x += m norm(input w'): straight into the stream where there is neither norm nor multiplier. */
static rd_code add_to_stream(rd_device_stack *s, const rd_linear *p, const void *input,
                             const float *plain, const float *norm, rd_error *e) {
  const rd_config *c = s->config;
  if (!s->made)
    return rd_device_linear(s, p, s->x, RD_F32, true, input, s->T, s->clean, e);
  RD_TRY(rd_device_linear(s, p, s->made, RD_F32, false, input, s->T, s->clean, e));
  if (norm)
    RD_TRY(rd_device_norm(s, s->normed, RD_F32, s->made, plain, norm, s->T, s->clean, c->width, e));
  const rd_add_args args = {.y = s->x,
                            .x = norm ? s->normed : s->made,
                            .scale =
                                c->residual_multiplier > 0 ? (float)c->residual_multiplier : 1.0f,
                            .n = s->T * c->width};
  const rd_blocks grid = rd_blocks_over(s->device, args.n);
  return RD_LAUNCH(s, add, &grid, &args, e);
}

static rd_code gated(rd_device_stack *s, rd_error *e) {
  const rd_config *c = s->config;
  const rd_gated_args args = {.y = s->h,
                              .gate = s->joined,
                              .up = s->joined + c->ff,
                              .n = s->T * c->ff,
                              .y_type = (int32_t)s->type,
                              .type = RD_F32,
                              .curve = rd_device_curve(c->activation),
                              .D = c->ff,
                              .stride = 2 * c->ff};
  const rd_blocks grid = rd_blocks_over(s->device, args.n);
  return RD_LAUNCH(s, gated, &grid, &args, e);
}

rd_code rd_device_layer(rd_device_stack *s, int64_t l, rd_error *e) {
  const rd_config *c = s->config;
  const rd_layer *w = &s->weights->layers[l];
  const rd_linear *const set[] = {&w->gate, &w->up};
  const rd_dtype t = s->type;
  const int64_t T = s->T, clean = s->clean, D = c->width;
  RD_TRY(rd_device_norm(s, s->n, t, s->x, PLAIN_NORM(w, attention_norm), w->attention_norm, T,
                        clean, D, e));
  RD_TRY(heads(s, l, e));
  RD_TRY(rd_device_attend(s, l, e));
  RD_TRY(add_to_stream(s, &w->o, s->att, PLAIN_NORM(w, attention_post_norm), w->attention_post_norm,
                       e));
  RD_TRY(rd_device_norm(s, s->n, t, s->x, PLAIN_NORM(w, mlp_norm), w->mlp_norm, T, clean, D, e));
  RD_TRY(rd_device_linears(s, set, 2, s->joined, RD_F32, false, s->n, T, clean, e));
  RD_TRY(gated(s, e));
  return add_to_stream(s, &w->down, s->h, PLAIN_NORM(w, mlp_post_norm), w->mlp_post_norm, e);
}
