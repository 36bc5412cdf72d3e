/* SPDX-License-Identifier: MIT */
/* A layer forward, and below it the same layer backward, in the reverse order of its lines. */
#include "layer.h"

#include "linear.h"
#include "ops.h"
#include "profile.h"

#include <string.h>

int64_t rd_layer_rank(const rd_layer *layer) {
  int64_t rank = 0;
  for (int p = 0; p < RD_PROJECTIONS; p++)
    if (layer->p[p].rank > rank)
      rank = layer->p[p].rank;
  return rank;
}

static void *take(rd_arena *arena, rd_dtype type, int64_t rows, int64_t cols) {
  return rd_arena_take(arena, (size_t)(rows * cols), rd_dtype_size(type));
}

void rd_layer_acts_take(rd_layer_acts *a, rd_arena *arena, const rd_config *c,
                        const rd_layer *layer, rd_dtype type, int64_t T, bool keep) {
  int64_t D = c->width, F = c->ff, Q = c->heads * c->head_dim, KV = c->kv_heads * c->head_dim;
  memset(a, 0, sizeof *a);
  a->n1 = take(arena, type, T, D);
  a->n2 = keep ? take(arena, type, T, D) : a->n1;
  a->q = take(arena, type, T, Q);
  a->k = take(arena, type, T, KV);
  a->v = take(arena, type, T, KV);
  a->att = take(arena, type, T, Q);
  a->gate = take(arena, type, T, F);
  a->up = take(arena, type, T, F);
  a->h = keep ? take(arena, type, T, F) : a->gate;
  void *shared = keep ? NULL : take(arena, type, T, rd_layer_rank(layer));
  for (int p = 0; p < RD_PROJECTIONS; p++)
    if (layer->p[p].rank > 0)
      a->lora[p] = keep ? take(arena, type, T, layer->p[p].rank) : shared;
  if (layer->p[0].w8.q) {
    int64_t widest = D > F ? D : F;
    a->q8 = RD_TAKE(arena, int8_t, T * (widest > Q ? widest : Q));
    a->q8_scale = RD_TAKE(arena, float, T);
  }
  if (!keep)
    return;
  a->x = RD_TAKE(arena, float, T *D);
  a->mid = RD_TAKE(arena, float, T *D);
  a->rstd1 = RD_TAKE(arena, float, T);
  a->rstd2 = RD_TAKE(arena, float, T);
  a->lse = RD_TAKE(arena, float, T * c->heads);
  if (c->qk_norm) {
    a->q_raw = take(arena, type, T, Q);
    a->k_raw = take(arena, type, T, KV);
    a->q_rstd = RD_TAKE(arena, float, T * c->heads);
    a->k_rstd = RD_TAKE(arena, float, T * c->kv_heads);
  }
}

float *rd_layer_unrotated_take(rd_arena *arena, const rd_config *c, rd_dtype type, int64_t T) {
  int64_t most = c->heads > c->kv_heads ? c->heads : c->kv_heads;
  return type == RD_F32 ? NULL : RD_TAKE(arena, float, T *most * c->head_dim);
}

/* y = rope(norm(x w')) for queries or keys: in f32 up to the end and rounded once, since what is
 * lost here grows with the scores. raw, rstd: what the backward pass of the norm reads, or NULL. */
static rd_code rotated_heads(const rd_linear *p, const rd_layer_context *c, void *y,
                             const rd_input *x, void *lora, void *raw, float *rstd,
                             const float *norm, rd_error *e) {
  int64_t hd = c->config->head_dim, row = p->out, heads = row / hd, n = c->T * row;
  float *heads_f32 = c->type == RD_F32 ? y : c->unrotated;
  RD_TRY(rd_linear_forward(p, c->type, heads_f32, RD_F32, false, x, lora, c->T, e));
  rd_profile_lap("q, k, v");
  if (raw)
    rd_cast(raw, c->type, heads_f32, RD_F32, n);
  if (norm)
    rd_headnorm(heads_f32, RD_F32, rstd, norm, c->T, heads, hd, row, (float)c->config->norm_eps);
  rd_rope(heads_f32, RD_F32, c->T, heads, hd, row, c->cosines, c->sines,
          c->config->rope_interleaved, false);
  if (heads_f32 != y)
    rd_cast(y, c->type, heads_f32, RD_F32, n);
  rd_profile_lap("rope");
  return RD_OK;
}

/* Rows for the projections of one place, rounded to integers once for all of them. */
static rd_input input_of(const rd_layer_context *c, const rd_layer_acts *a, const rd_linear *l,
                         const void *x) {
  if (l->w8.q) {
    rd_quantize_rows(a->q8, a->q8_scale, x, c->type, c->T, l->in);
    rd_profile_lap("quantize");
  }
  return (rd_input){x, a->q8, a->q8_scale};
}

/* y = x + projection: into the stream when they are the same buffer, else from a copy of it. */
static rd_code add_to_stream(const rd_layer *layer, rd_projection p, const rd_layer_context *c,
                             const rd_layer_acts *a, float *y, const float *x, const void *input,
                             rd_error *e) {
  if (y != x)
    memcpy(y, x, (size_t)(c->T * c->config->width) * sizeof *y);
  rd_input in = input_of(c, a, &layer->p[p], input);
  return rd_linear_forward(&layer->p[p], c->type, y, RD_F32, true, &in, a->lora[p], c->T, e);
}

rd_code rd_layer_forward(const rd_layer *layer, int64_t index, const rd_layer_context *c,
                         const rd_layer_acts *a, rd_layer_attend *attend, void *owner,
                         rd_error *e) {
  const rd_config *f = c->config;
  const rd_linear *p = layer->p;
  int64_t T = c->T;
  rd_dtype t = c->type;
  float eps = (float)f->norm_eps;
  rd_rmsnorm(a->n1, t, a->rstd1, a->x, layer->attention_norm, T, f->width, eps);
  rd_profile_lap("norm");
  rd_input in = input_of(c, a, &p[RD_Q], a->n1);
  RD_TRY(
      rotated_heads(&p[RD_Q], c, a->q, &in, a->lora[RD_Q], a->q_raw, a->q_rstd, layer->q_norm, e));
  RD_TRY(
      rotated_heads(&p[RD_K], c, a->k, &in, a->lora[RD_K], a->k_raw, a->k_rstd, layer->k_norm, e));
  RD_TRY(rd_linear_forward(&p[RD_V], t, a->v, t, false, &in, a->lora[RD_V], T, e));
  rd_profile_lap("q, k, v");
  RD_TRY(attend ? attend(owner, index, c, a, e)
                : rd_attention_forward(&c->attention, a->att, a->lse, a->q, a->k, a->v,
                                       c->workspace, e));
  rd_profile_lap("attention");
  RD_TRY(add_to_stream(layer, RD_O, c, a, a->mid, a->x, a->att, e));
  rd_profile_lap("o");
  rd_rmsnorm(a->n2, t, a->rstd2, a->mid, layer->mlp_norm, T, f->width, eps);
  rd_profile_lap("norm");
  in = input_of(c, a, &p[RD_GATE], a->n2);
  RD_TRY(rd_linear_forward(&p[RD_GATE], t, a->gate, t, false, &in, a->lora[RD_GATE], T, e));
  RD_TRY(rd_linear_forward(&p[RD_UP], t, a->up, t, false, &in, a->lora[RD_UP], T, e));
  rd_profile_lap("gate, up");
  rd_swiglu(a->h, a->gate, a->up, t, T, f->ff, f->ff);
  rd_profile_lap("swiglu");
  RD_TRY(add_to_stream(layer, RD_DOWN, c, a, a->out, a->mid, a->h, e));
  rd_profile_lap("down");
  return RD_OK;
}

void rd_layer_scratch_take(rd_layer_scratch *s, rd_arena *arena, const rd_config *c, rd_dtype type,
                           int64_t T, int64_t rank) {
  int64_t D = c->width, F = c->ff, Q = c->heads * c->head_dim, KV = c->kv_heads * c->head_dim;
  s->dy = take(arena, type, T, D);
  s->dh = take(arena, type, T, F);
  s->dgate = take(arena, type, T, F);
  s->dup = take(arena, type, T, F);
  s->dn = RD_TAKE(arena, float, T *D);
  s->datt = take(arena, type, T, Q);
  s->dq = take(arena, type, T, Q);
  s->dk = take(arena, type, T, KV);
  s->dv = take(arena, type, T, KV);
  s->dmid = take(arena, type, T, rank);
}

static void rotate_heads_backward(const rd_layer_context *c, void *dx, const void *raw,
                                  const float *rstd, const float *norm, float *dnorm,
                                  int64_t heads) {
  int64_t hd = c->config->head_dim, row = heads * hd;
  rd_rope(dx, c->type, c->T, heads, hd, row, c->cosines, c->sines, c->config->rope_interleaved,
          true);
  if (norm)
    rd_headnorm_backward(dx, dnorm, raw, c->type, norm, rstd, c->T, heads, hd, row, row);
}

rd_code rd_layer_backward(const rd_layer *layer, const rd_layer_grad *grad,
                          const rd_layer_context *c, const rd_layer_acts *a,
                          const rd_layer_scratch *s, float *dx, rd_error *e) {
  const rd_config *f = c->config;
  const rd_linear *p = layer->p;
  const rd_linear_grad *g = grad->p;
  int64_t T = c->T, D = f->width;
  rd_dtype t = c->type;
  /* out = mid + h Wd' */
  rd_cast(s->dy, t, dx, RD_F32, T * D);
  RD_TRY(rd_linear_backward(&p[RD_DOWN], &g[RD_DOWN], t, s->dh, t, false, s->dy, a->h,
                            a->lora[RD_DOWN], s->dmid, T, e));
  rd_profile_lap("down, backward");
  rd_swiglu_backward(s->dgate, s->dup, s->dh, a->gate, a->up, t, T, f->ff, f->ff);
  rd_profile_lap("swiglu, backward");
  RD_TRY(rd_linear_backward(&p[RD_GATE], &g[RD_GATE], t, s->dn, RD_F32, false, s->dgate, a->n2,
                            a->lora[RD_GATE], s->dmid, T, e));
  RD_TRY(rd_linear_backward(&p[RD_UP], &g[RD_UP], t, s->dn, RD_F32, true, s->dup, a->n2,
                            a->lora[RD_UP], s->dmid, T, e));
  rd_profile_lap("gate, up, backward");
  rd_rmsnorm_backward(dx, grad->mlp_norm, s->dn, a->mid, layer->mlp_norm, a->rstd2, T, D);
  rd_profile_lap("norm, backward");
  /* mid = x + att Wo' */
  rd_cast(s->dy, t, dx, RD_F32, T * D);
  RD_TRY(rd_linear_backward(&p[RD_O], &g[RD_O], t, s->datt, t, false, s->dy, a->att, a->lora[RD_O],
                            s->dmid, T, e));
  rd_profile_lap("o, backward");
  RD_TRY(rd_attention_backward(&c->attention, s->dq, s->dk, s->dv, s->datt, a->att, a->lse, a->q,
                               a->k, a->v, c->workspace, e));
  rd_profile_lap("attention, backward");
  rotate_heads_backward(c, s->dq, a->q_raw, a->q_rstd, layer->q_norm, grad->q_norm, f->heads);
  rotate_heads_backward(c, s->dk, a->k_raw, a->k_rstd, layer->k_norm, grad->k_norm, f->kv_heads);
  rd_profile_lap("rope, backward");
  RD_TRY(rd_linear_backward(&p[RD_Q], &g[RD_Q], t, s->dn, RD_F32, false, s->dq, a->n1,
                            a->lora[RD_Q], s->dmid, T, e));
  RD_TRY(rd_linear_backward(&p[RD_K], &g[RD_K], t, s->dn, RD_F32, true, s->dk, a->n1, a->lora[RD_K],
                            s->dmid, T, e));
  RD_TRY(rd_linear_backward(&p[RD_V], &g[RD_V], t, s->dn, RD_F32, true, s->dv, a->n1, a->lora[RD_V],
                            s->dmid, T, e));
  rd_profile_lap("q, k, v, backward");
  rd_rmsnorm_backward(dx, grad->attention_norm, s->dn, a->x, layer->attention_norm, a->rstd1, T, D);
  rd_profile_lap("norm, backward");
  return RD_OK;
}
