/* SPDX-License-Identifier: MIT */
/* A layer forward, and below it the same layer backward, in the reverse order of its lines. */
#include "layer.h"

#include "linear.h"
#include "ops.h"
#include "parts.h"
#include "profile.h"

#include <stddef.h>
#include <string.h>

static void *take(rd_arena *arena, rd_dtype type, int64_t rows, int64_t cols) {
  return rd_arena_take(arena, (size_t)(rows * cols), rd_dtype_size(type));
}

/* Do attention and MLP give something that is not added as it is? */
static bool has_branches(const rd_config *c) {
  return c->post_norms || c->residual_multiplier > 0;
}

/* What the matrix whose middle has that offset is multiplied with. */
static int input_of_mid(size_t mid) {
  return mid < offsetof(rd_layer_mids, o)    ? RD_BESIDE_HEADS
       : mid < offsetof(rd_layer_mids, gate) ? RD_BESIDE_O
       : mid < offsetof(rd_layer_mids, down) ? RD_BESIDE_GATES
                                             : RD_BESIDE_DOWN;
}

/* The middles of a layer's adapters: each its own, or all the same. */
static void take_mids(rd_layer_acts *a, rd_arena *arena, const rd_config *c, const rd_weights *w,
                      int64_t l, int64_t T, bool keep, const int64_t *beside) {
  void *shared = keep ? NULL : take(arena, w->type, T, rd_weights_rank(w, c));
  rd_walk p = rd_parts_of_layer(c, w, l);
  while (rd_parts_next(&p))
    if (p.linear && beside[input_of_mid(p.part->mid)] == 0)
      *(void **)((char *)&a->lora + p.part->mid) =
          keep ? take(arena, w->type, T, p.linear->a.rows) : shared;
}

void rd_layer_acts_take(rd_layer_acts *a, rd_arena *arena, const rd_config *c, const rd_weights *w,
                        int64_t l, int64_t T, bool keep, const int64_t *beside) {
  static const int64_t nothing[RD_BESIDES];
  const int64_t *more = beside ? beside : nothing;
  rd_dtype type = w->type;
  int64_t D = c->width, F = c->ff, Q = c->heads * c->head_dim, KV = c->kv_heads * c->head_dim;
  memset(a, 0, sizeof *a);
  a->n1 = take(arena, type, T, D + more[RD_BESIDE_HEADS]);
  a->n2 = keep ? take(arena, type, T, D + more[RD_BESIDE_GATES]) : a->n1;
  a->q = take(arena, type, T, Q);
  a->k = take(arena, type, T, KV);
  a->v = take(arena, type, T, KV);
  a->att = take(arena, type, T, Q + more[RD_BESIDE_O]);
  a->wide = keep ? type : RD_F32;
  a->gate = take(arena, a->wide, T, F);
  a->up = take(arena, a->wide, T, F);
  a->h = keep || type != a->wide ? take(arena, type, T, F + more[RD_BESIDE_DOWN]) : a->gate;
  take_mids(a, arena, c, w, l, T, keep, more);
  size_t room = rd_weights_room(w, c, T);
  a->room = room ? rd_arena_take(arena, room, 1) : NULL;
  if (has_branches(c)) {
    a->branch1.made = RD_TAKE(arena, float, T *D);
    a->branch2.made = keep ? RD_TAKE(arena, float, T *D) : a->branch1.made;
  }
  if (!keep)
    return;
  a->x = RD_TAKE(arena, float, T *D);
  a->mid = RD_TAKE(arena, float, T *D);
  a->rstd1 = RD_TAKE(arena, float, T);
  a->rstd2 = RD_TAKE(arena, float, T);
  a->lse = RD_TAKE(arena, float, T * c->heads);
  if (c->post_norms) {
    a->branch1.rstd = RD_TAKE(arena, float, T);
    a->branch2.rstd = RD_TAKE(arena, float, T);
  }
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

/* y = norm(x) with two vectors of weights: `plain` before the gate, `norm` behind it; x itself
 * where the family has no norm there. */
static void normalise(const rd_layer_context *c, void *y, rd_dtype type, float *rstd,
                      const float *x, const float *plain, const float *norm) {
  int64_t D = c->config->width, clean = norm == plain ? 0 : c->clean;
  float eps = (float)c->config->norm_eps;
  if (!norm) {
    rd_cast(y, type, x, RD_F32, c->T * D);
    return;
  }
  if (clean > 0)
    rd_rmsnorm(y, type, rstd, x, plain, clean, D, eps);
  rd_rmsnorm(rd_at(y, type, clean * D), type, rstd ? rstd + clean : NULL, x + clean * D, norm,
             c->T - clean, D, eps);
}

/* Rows of heads in place: each head normed, or all heads of a row as one vector. */
static void norm_heads(const rd_layer_context *c, float *x, float *rstd, int64_t rows,
                       int64_t heads, const float *norm) {
  int64_t hd = c->config->head_dim, row = heads * hd;
  float eps = (float)c->config->norm_eps;
  if (c->config->wide_norms)
    rd_rmsnorm(x, RD_F32, rstd, x, norm, rows, row, eps);
  else
    rd_headnorm(x, RD_F32, rstd, norm, rows, heads, hd, row, eps);
}

/* The same with two vectors of weights. */
static void normalise_heads(const rd_layer_context *c, float *x, float *rstd, int64_t heads,
                            const float *plain, const float *norm) {
  int64_t row = heads * c->config->head_dim, clean = norm == plain ? 0 : c->clean;
  int64_t norms = c->config->wide_norms ? 1 : heads;
  if (clean > 0)
    norm_heads(c, x, rstd, clean, heads, plain);
  norm_heads(c, x + clean * row, rstd ? rstd + clean * norms : NULL, c->T - clean, heads, norm);
}

/* NULL: the layer does not turn. */
static const rd_angles *angles_of(const rd_layer_context *c, int64_t l) {
  uint8_t kind = c->config->layer_kinds[l];
  return kind & RD_LAYER_UNTURNED ? NULL : &c->angles[kind & RD_LAYER_LOCAL ? 1 : 0];
}

static void turn(const rd_layer_context *c, int64_t l, void *x, rd_dtype type, int64_t row,
                 bool back) {
  const rd_angles *g = angles_of(c, l);
  int64_t hd = c->config->head_dim;
  if (g)
    rd_rope(x, type, c->T, row / hd, hd, g->turned, row, g->cosines, g->sines,
            c->config->rope_interleaved, back);
}

/* y = rope(norm(x w')) for queries or keys: in f32 up to the end and rounded once, since what is
 * lost here grows with the scores. raw, rstd: what the backward pass of the norm reads, or NULL. */
static rd_code rotated_heads(const rd_linear *p, int64_t l, const rd_layer_context *c, void *y,
                             rd_input *x, void *lora, void *raw, float *rstd, const float *plain,
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
  turn(c, l, heads_f32, RD_F32, row, false);
  if (heads_f32 != y)
    rd_cast(y, c->type, heads_f32, RD_F32, n);
  rd_profile_lap("rope");
  return RD_OK;
}

static rd_code project(const rd_linear *p, const rd_layer_context *c, void *y, rd_dtype type,
                       rd_input *x, void *lora, rd_error *e) {
  return rd_linear_forward(p, rd_mat_rows(y, type, c->T, p->w.rows), false, x, c->clean, lora, e);
}

/* y = x + m norm(projection): straight into the stream where there is neither norm nor multiplier;
 * y and x are the same buffer, or y becomes a copy first. */
static rd_code add_to_stream(const rd_linear *p, const rd_layer_context *c, const rd_layer_acts *a,
                             float *y, const float *x, const void *input, void *lora,
                             const rd_branch *branch, const float *plain, const float *norm,
                             rd_error *e) {
  const rd_config *f = c->config;
  int64_t D = f->width;
  rd_input in = input_of(c, a, input, p->w.cols);
  if (y != x)
    memcpy(y, x, (size_t)(c->T * D) * sizeof *y);
  if (!branch->made)
    return rd_linear_forward(p, rd_mat_rows(y, RD_F32, c->T, D), true, &in, c->clean, lora, e);
  RD_TRY(rd_linear_forward(p, rd_mat_rows(branch->made, RD_F32, c->T, D), false, &in, c->clean,
                           lora, e));
  if (norm)
    normalise(c, c->normed, RD_F32, branch->rstd, branch->made, plain, norm);
  rd_add(y, norm ? c->normed : branch->made, RD_F32,
         f->residual_multiplier > 0 ? (float)f->residual_multiplier : 1.0f, c->T * D);
  return RD_OK;
}

rd_code rd_layer_forward(const rd_layer *layer, int64_t index, const rd_layer_context *c,
                         const rd_layer_acts *a, rd_layer_attend *attend, void *owner,
                         rd_error *e) {
  const rd_config *f = c->config;
  int64_t T = c->T, D = f->width;
  const rd_attention attention = rd_layer_attention(c, index);
  normalise(c, a->n1, c->type, a->rstd1, a->x, RD_PLAIN_NORM(layer, attention_norm),
            layer->attention_norm);
  rd_profile_lap("norm");
  rd_input in = input_of(c, a, a->n1, D);
  RD_TRY(rotated_heads(&layer->q, index, c, a->q, &in, a->lora.q, a->q_raw, a->q_rstd,
                       RD_PLAIN_NORM(layer, q_norm), layer->q_norm, e));
  RD_TRY(rotated_heads(&layer->k, index, c, a->k, &in, a->lora.k, a->k_raw, a->k_rstd,
                       RD_PLAIN_NORM(layer, k_norm), layer->k_norm, e));
  RD_TRY(project(&layer->v, c, a->v, c->type, &in, a->lora.v, e));
  rd_profile_lap("q, k, v");
  RD_TRY(attend
             ? attend(owner, index, c, a, e)
             : rd_attention_forward(&attention, a->att, a->lse, a->q, a->k, a->v, c->workspace, e));
  rd_profile_lap("attention");
  RD_TRY(add_to_stream(&layer->o, c, a, a->mid, a->x, a->att, a->lora.o, &a->branch1,
                       RD_PLAIN_NORM(layer, attention_post_norm), layer->attention_post_norm, e));
  rd_profile_lap("o");
  normalise(c, a->n2, c->type, a->rstd2, a->mid, RD_PLAIN_NORM(layer, mlp_norm), layer->mlp_norm);
  rd_profile_lap("norm");
  in = input_of(c, a, a->n2, D);
  RD_TRY(project(&layer->gate, c, a->gate, a->wide, &in, a->lora.gate, e));
  RD_TRY(project(&layer->up, c, a->up, a->wide, &in, a->lora.up, e));
  rd_profile_lap("gate, up");
  rd_gated(f->activation, a->wide == c->type ? a->h : a->gate, a->gate, a->up, a->wide, T, f->ff,
           f->ff);
  if (a->wide != c->type) /* rounded once */
    rd_cast(a->h, c->type, a->gate, a->wide, T * f->ff);
  rd_profile_lap("swiglu");
  RD_TRY(add_to_stream(&layer->down, c, a, a->out, a->mid, a->h, a->lora.down, &a->branch2,
                       RD_PLAIN_NORM(layer, mlp_post_norm), layer->mlp_post_norm, e));
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
  s->dbranch = has_branches(c) ? RD_TAKE(arena, float, T *D) : NULL;
  for (int i = 0; i < 3; i++)
    s->wide[i] = c->wide_norms ? RD_TAKE(arena, float, T *Q) : NULL;
}

/* The way back of a norm over all heads, in f32; dx is in place. */
static void wide_norm_backward(const rd_layer_context *c, const rd_layer_scratch *s, void *dx,
                               const void *raw, const float *rstd, const float *norm, float *dnorm,
                               int64_t row) {
  int64_t n = c->T * row;
  rd_cast(s->wide[0], RD_F32, raw, c->type, n);
  rd_cast(s->wide[1], RD_F32, dx, c->type, n);
  memset(s->wide[2], 0, (size_t)n * sizeof *s->wide[2]);
  rd_rmsnorm_backward(s->wide[2], dnorm, s->wide[1], s->wide[0], norm, rstd, c->T, row);
  rd_cast(dx, c->type, s->wide[2], RD_F32, n);
}

static void rotate_heads_backward(const rd_layer_context *c, int64_t l, const rd_layer_scratch *s,
                                  void *dx, const void *raw, const float *rstd, const float *norm,
                                  float *dnorm, int64_t heads) {
  int64_t hd = c->config->head_dim, row = heads * hd;
  turn(c, l, dx, c->type, row, true);
  if (norm && c->config->wide_norms)
    wide_norm_backward(c, s, dx, raw, rstd, norm, dnorm, row);
  else if (norm)
    rd_headnorm_backward(dx, dnorm, raw, c->type, norm, rstd, c->T, heads, hd, row, row);
}

/* dy = the gradient of a branch, from that of the stream that it was added to. */
static void branch_backward(const rd_layer_context *c, const rd_layer_scratch *s, const float *dx,
                            const rd_branch *branch, const float *norm, float *dnorm) {
  const rd_config *f = c->config;
  int64_t n = c->T * f->width;
  if (branch->made) {
    memcpy(s->dbranch, dx, (size_t)n * sizeof *dx);
    if (f->residual_multiplier > 0)
      rd_scale(s->dbranch, RD_F32, (float)f->residual_multiplier, n);
    dx = s->dbranch;
  }
  if (norm) {
    memset(s->dn, 0, (size_t)n * sizeof *s->dn);
    rd_rmsnorm_backward(s->dn, dnorm, s->dbranch, branch->made, norm, branch->rstd, c->T, f->width);
    dx = s->dn;
  }
  rd_cast(s->dy, c->type, dx, RD_F32, n);
}

/* dx += the gradient of n = norm(x), which is in s->dn. */
static void norm_backward(const rd_layer_context *c, const rd_layer_scratch *s, float *dx,
                          const float *x, const float *rstd, const float *norm, float *dnorm) {
  int64_t D = c->config->width;
  if (norm)
    rd_rmsnorm_backward(dx, dnorm, s->dn, x, norm, rstd, c->T, D);
  else
    rd_add(dx, s->dn, RD_F32, 1, c->T * D);
  rd_profile_lap("norm, backward");
}

/* Gradients through one projection whose input was x: dx is f32, or an activation. */
static rd_code project_backward(const rd_linear *p, const rd_linear_grad *g,
                                const rd_layer_context *c, const rd_layer_scratch *s, rd_mat dx,
                                bool add, const void *dy, const void *x, const void *lora,
                                rd_error *e) {
  return rd_linear_backward(p, g, dx, add, rows_of(c, dy, p->w.rows), rows_of(c, x, p->w.cols),
                            lora, s->dmid, e);
}

rd_code rd_layer_backward(const rd_layer *layer, int64_t index, const rd_layer_grad *grad,
                          const rd_layer_context *c, const rd_layer_acts *a,
                          const rd_layer_scratch *s, float *dx, rd_error *e) {
  const rd_config *f = c->config;
  int64_t T = c->T, D = f->width;
  rd_dtype t = c->type;
  rd_mat dn = rd_mat_rows(s->dn, RD_F32, T, D);
  /* out = mid + h Wd' */
  const rd_attention attention = rd_layer_attention(c, index);
  branch_backward(c, s, dx, &a->branch2, layer->mlp_post_norm, grad->mlp_post_norm);
  RD_TRY(project_backward(&layer->down, &grad->down, c, s, rows_of(c, s->dh, f->ff), false, s->dy,
                          a->h, a->lora.down, e));
  rd_profile_lap("down, backward");
  rd_gated_backward(f->activation, s->dgate, s->dup, s->dh, a->gate, a->up, t, T, f->ff, f->ff);
  rd_profile_lap("swiglu, backward");
  RD_TRY(project_backward(&layer->gate, &grad->gate, c, s, dn, false, s->dgate, a->n2, a->lora.gate,
                          e));
  RD_TRY(project_backward(&layer->up, &grad->up, c, s, dn, true, s->dup, a->n2, a->lora.up, e));
  rd_profile_lap("gate, up, backward");
  norm_backward(c, s, dx, a->mid, a->rstd2, layer->mlp_norm, grad->mlp_norm);
  /* mid = x + att Wo' */
  branch_backward(c, s, dx, &a->branch1, layer->attention_post_norm, grad->attention_post_norm);
  RD_TRY(project_backward(&layer->o, &grad->o, c, s, rows_of(c, s->datt, layer->o.w.cols), false,
                          s->dy, a->att, a->lora.o, e));
  rd_profile_lap("o, backward");
  RD_TRY(c->past ? c->past_back(c->past, c, a, s, e)
                 : rd_attention_backward(&attention, s->dq, s->dk, s->dv, s->datt, a->att, a->lse,
                                         a->q, a->k, a->v, c->workspace, e));
  rd_profile_lap("attention, backward");
  rotate_heads_backward(c, index, s, s->dq, a->q_raw, a->q_rstd, layer->q_norm, grad->q_norm,
                        f->heads);
  rotate_heads_backward(c, index, s, s->dk, a->k_raw, a->k_rstd, layer->k_norm, grad->k_norm,
                        f->kv_heads);
  rd_profile_lap("rope, backward");
  RD_TRY(project_backward(&layer->q, &grad->q, c, s, dn, false, s->dq, a->n1, a->lora.q, e));
  RD_TRY(project_backward(&layer->k, &grad->k, c, s, dn, true, s->dk, a->n1, a->lora.k, e));
  RD_TRY(project_backward(&layer->v, &grad->v, c, s, dn, true, s->dv, a->n1, a->lora.v, e));
  rd_profile_lap("q, k, v, backward");
  norm_backward(c, s, dx, a->x, a->rstd1, layer->attention_norm, grad->attention_norm);
  return RD_OK;
}
