/* SPDX-License-Identifier: MIT */
/* A layer forward, and below it the same layer backward, in the reverse order of its lines. */
#include "layer.h"

#include "linear.h"
#include "ops.h"
#include "parts.h"
#include "profile.h"

#include <string.h>

static void *take(rd_arena *arena, rd_dtype type, int64_t rows, int64_t cols) {
  return rd_arena_take(arena, (size_t)(rows * cols), rd_dtype_size(type));
}

/* The middles of a layer's adapters: each its own, or all the same. */
static void take_mids(rd_layer_acts *a, rd_arena *arena, const rd_config *c, const rd_weights *w,
                      int64_t l, int64_t T, bool keep) {
  void *shared = keep ? NULL : take(arena, w->type, T, rd_weights_rank(w, c));
  rd_walk p = rd_parts_of_layer(c, w, l);
  while (rd_parts_next(&p))
    if (p.linear)
      *(void **)((char *)&a->lora + p.part->mid) =
          keep ? take(arena, w->type, T, p.linear->a.rows) : shared;
}

void rd_layer_acts_take(rd_layer_acts *a, rd_arena *arena, const rd_config *c, const rd_weights *w,
                        int64_t l, int64_t T, bool keep) {
  rd_dtype type = w->type;
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
  take_mids(a, arena, c, w, l, T, keep);
  size_t room = rd_weights_room(w, c, T);
  a->room = room ? rd_arena_take(arena, room, 1) : NULL;
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
  return type == RD_F32 ? NULL : RD_TAKE(arena, float, T * most * c->head_dim);
}

/* A matrix of activations of the context's type; the rows that a product is given. */
static rd_mat rows_of(const rd_layer_context *c, const void *x, int64_t cols) {
  return rd_mat_rows(x, c->type, c->T, cols);
}

static rd_input input_of(const rd_layer_context *c, const rd_layer_acts *a, const void *x,
                         int64_t cols) {
  return (rd_input){.x = rows_of(c, x, cols), .room = a->room};
}

/* The norm of a row before the gate, and of one behind it: `norm` of the layer, or of its plain
 * form. */
#define RD_PLAIN_NORM(layer, norm) ((layer)->plain ? (layer)->plain->norm : (layer)->norm)

/* y = norm(x) with two vectors of weights: `plain` before the gate, `norm` behind it. */
static void normalise(const rd_layer_context *c, void *y, float *rstd, const float *x,
                      const float *plain, const float *norm) {
  int64_t D = c->config->width, clean = norm == plain ? 0 : c->clean;
  float eps = (float)c->config->norm_eps;
  if (clean > 0)
    rd_rmsnorm(y, c->type, rstd, x, plain, clean, D, eps);
  rd_rmsnorm(rd_at(y, c->type, clean * D), c->type, rstd ? rstd + clean : NULL, x + clean * D, norm,
             c->T - clean, D, eps);
}

/* The same for heads (T, heads, hd), in place. */
static void normalise_heads(const rd_layer_context *c, float *x, float *rstd, int64_t heads,
                            const float *plain, const float *norm) {
  int64_t hd = c->config->head_dim, row = heads * hd, clean = norm == plain ? 0 : c->clean;
  float eps = (float)c->config->norm_eps;
  if (clean > 0)
    rd_headnorm(x, RD_F32, rstd, plain, clean, heads, hd, row, eps);
  rd_headnorm(x + clean * row, RD_F32, rstd ? rstd + clean * heads : NULL, norm, c->T - clean,
              heads, hd, row, eps);
}

/* y = rope(norm(x w')) for queries or keys: in f32 up to the end and rounded once, since what is
 * lost here grows with the scores. raw, rstd: what the backward pass of the norm reads, or NULL. */
static rd_code rotated_heads(const rd_linear *p, const rd_layer_context *c, void *y, rd_input *x,
                             void *lora, void *raw, float *rstd, const float *plain,
                             const float *norm, rd_error *e) {
  int64_t hd = c->config->head_dim, row = p->w.rows, heads = row / hd, n = c->T * row;
  float *heads_f32 = c->type == RD_F32 ? y : c->unrotated;
  RD_TRY(
      rd_linear_forward(p, rd_mat_rows(heads_f32, RD_F32, c->T, row), false, x, c->clean, lora, e));
  rd_profile_lap("q, k, v");
  if (raw)
    rd_cast(raw, c->type, heads_f32, RD_F32, n);
  if (norm)
    normalise_heads(c, heads_f32, rstd, heads, plain, norm);
  rd_rope(heads_f32, RD_F32, c->T, heads, hd, row, c->cosines, c->sines,
          c->config->rope_interleaved, false);
  if (heads_f32 != y)
    rd_cast(y, c->type, heads_f32, RD_F32, n);
  rd_profile_lap("rope");
  return RD_OK;
}

static rd_code project(const rd_linear *p, const rd_layer_context *c, void *y, rd_input *x,
                       void *lora, rd_error *e) {
  return rd_linear_forward(p, rows_of(c, y, p->w.rows), false, x, c->clean, lora, e);
}

/* y = x + projection: into the stream when they are the same buffer, else from a copy of it. */
static rd_code add_to_stream(const rd_linear *p, const rd_layer_context *c, const rd_layer_acts *a,
                             float *y, const float *x, const void *input, void *lora, rd_error *e) {
  int64_t D = c->config->width;
  if (y != x)
    memcpy(y, x, (size_t)(c->T * D) * sizeof *y);
  rd_input in = input_of(c, a, input, p->w.cols);
  return rd_linear_forward(p, rd_mat_rows(y, RD_F32, c->T, D), true, &in, c->clean, lora, e);
}

rd_code rd_layer_forward(const rd_layer *layer, int64_t index, const rd_layer_context *c,
                         const rd_layer_acts *a, rd_layer_attend *attend, void *owner,
                         rd_error *e) {
  const rd_config *f = c->config;
  int64_t T = c->T, D = f->width;
  normalise(c, a->n1, a->rstd1, a->x, RD_PLAIN_NORM(layer, attention_norm), layer->attention_norm);
  rd_profile_lap("norm");
  rd_input in = input_of(c, a, a->n1, D);
  RD_TRY(rotated_heads(&layer->q, c, a->q, &in, a->lora.q, a->q_raw, a->q_rstd,
                       RD_PLAIN_NORM(layer, q_norm), layer->q_norm, e));
  RD_TRY(rotated_heads(&layer->k, c, a->k, &in, a->lora.k, a->k_raw, a->k_rstd,
                       RD_PLAIN_NORM(layer, k_norm), layer->k_norm, e));
  RD_TRY(project(&layer->v, c, a->v, &in, a->lora.v, e));
  rd_profile_lap("q, k, v");
  RD_TRY(attend ? attend(owner, index, c, a, e)
                : rd_attention_forward(&c->attention, a->att, a->lse, a->q, a->k, a->v,
                                       c->workspace, e));
  rd_profile_lap("attention");
  RD_TRY(add_to_stream(&layer->o, c, a, a->mid, a->x, a->att, a->lora.o, e));
  rd_profile_lap("o");
  normalise(c, a->n2, a->rstd2, a->mid, RD_PLAIN_NORM(layer, mlp_norm), layer->mlp_norm);
  rd_profile_lap("norm");
  in = input_of(c, a, a->n2, D);
  RD_TRY(project(&layer->gate, c, a->gate, &in, a->lora.gate, e));
  RD_TRY(project(&layer->up, c, a->up, &in, a->lora.up, e));
  rd_profile_lap("gate, up");
  rd_swiglu(a->h, a->gate, a->up, c->type, T, f->ff, f->ff);
  rd_profile_lap("swiglu");
  RD_TRY(add_to_stream(&layer->down, c, a, a->out, a->mid, a->h, a->lora.down, e));
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

/* Gradients through one projection whose input was x: dx is f32, or an activation. */
static rd_code project_backward(const rd_linear *p, const rd_linear_grad *g,
                                const rd_layer_context *c, const rd_layer_scratch *s, rd_mat dx,
                                bool add, const void *dy, const void *x, const void *lora,
                                rd_error *e) {
  return rd_linear_backward(p, g, dx, add, rows_of(c, dy, p->w.rows), rows_of(c, x, p->w.cols),
                            lora, s->dmid, e);
}

rd_code rd_layer_backward(const rd_layer *layer, const rd_layer_grad *grad,
                          const rd_layer_context *c, const rd_layer_acts *a,
                          const rd_layer_scratch *s, float *dx, rd_error *e) {
  const rd_config *f = c->config;
  int64_t T = c->T, D = f->width;
  rd_dtype t = c->type;
  rd_mat dn = rd_mat_rows(s->dn, RD_F32, T, D);
  /* out = mid + h Wd' */
  rd_cast(s->dy, t, dx, RD_F32, T * D);
  RD_TRY(project_backward(&layer->down, &grad->down, c, s, rows_of(c, s->dh, f->ff), false, s->dy,
                          a->h, a->lora.down, e));
  rd_profile_lap("down, backward");
  rd_swiglu_backward(s->dgate, s->dup, s->dh, a->gate, a->up, t, T, f->ff, f->ff);
  rd_profile_lap("swiglu, backward");
  RD_TRY(project_backward(&layer->gate, &grad->gate, c, s, dn, false, s->dgate, a->n2, a->lora.gate,
                          e));
  RD_TRY(project_backward(&layer->up, &grad->up, c, s, dn, true, s->dup, a->n2, a->lora.up, e));
  rd_profile_lap("gate, up, backward");
  rd_rmsnorm_backward(dx, grad->mlp_norm, s->dn, a->mid, layer->mlp_norm, a->rstd2, T, D);
  rd_profile_lap("norm, backward");
  /* mid = x + att Wo' */
  rd_cast(s->dy, t, dx, RD_F32, T * D);
  RD_TRY(project_backward(&layer->o, &grad->o, c, s, rows_of(c, s->datt, layer->o.w.cols), false,
                          s->dy, a->att, a->lora.o, e));
  rd_profile_lap("o, backward");
  RD_TRY(c->past ? c->past_back(c->past, c, a, s, e)
                 : rd_attention_backward(&c->attention, s->dq, s->dk, s->dv, s->datt, a->att,
                                         a->lse, a->q, a->k, a->v, c->workspace, e));
  rd_profile_lap("attention, backward");
  rotate_heads_backward(c, s->dq, a->q_raw, a->q_rstd, layer->q_norm, grad->q_norm, f->heads);
  rotate_heads_backward(c, s->dk, a->k_raw, a->k_rstd, layer->k_norm, grad->k_norm, f->kv_heads);
  rd_profile_lap("rope, backward");
  RD_TRY(project_backward(&layer->q, &grad->q, c, s, dn, false, s->dq, a->n1, a->lora.q, e));
  RD_TRY(project_backward(&layer->k, &grad->k, c, s, dn, true, s->dk, a->n1, a->lora.k, e));
  RD_TRY(project_backward(&layer->v, &grad->v, c, s, dn, true, s->dv, a->n1, a->lora.v, e));
  rd_profile_lap("q, k, v, backward");
  rd_rmsnorm_backward(dx, grad->attention_norm, s->dn, a->x, layer->attention_norm, a->rstd1, T, D);
  rd_profile_lap("norm, backward");
  return RD_OK;
}
