/* SPDX-License-Identifier: MIT */
/* One transformer layer over packed sequences, forward and backward: what inference and training
 * share.
 *
 *   n1 = norm(x); q, k, v = rope(heads of n1 Wq', Wk', Wv'); x += m norm(attention(q, k, v) Wo')
 *   n2 = norm(x); x += m norm((f(n2 Wg') * (n2 Wu')) Wd')
 *
 * Most families have no norms behind, and m = 1. */
#ifndef RD_LAYER_H
#define RD_LAYER_H

#include "angles.h"
#include "attention.h"
#include "gradients.h"

/* What attention or the MLP gives, before its norm and multiplier; NULL where it goes straight into
 * the stream. */
typedef struct rd_branch {
  float *made; /* (T,D) */
  float *rstd; /* (T) of its norm, or NULL */
} rd_branch;

/* The activations of one layer, T rows. Inference uses one set for every layer, with x, mid and out
 * the same buffer and much of the rest shared; training keeps one set a layer. */
typedef struct rd_layer_acts {
  float *x;               /* (T,D) residual stream on entry */
  float *mid;             /* (T,D) after attention */
  float *out;             /* (T,D) on return */
  float *rstd1, *rstd2;   /* (T), or NULL */
  void *n1, *n2;          /* (T,D) */
  void *q, *k, *v;        /* (T,H*hd), (T,K*hd), (T,K*hd), rotated */
  void *q_raw, *k_raw;    /* q and k before their norms, or NULL */
  float *q_rstd, *k_rstd; /* (T*H), (T*K), or NULL */
  void *att;              /* (T,H*hd) attention's result */
  float *lse;             /* (T,H), or NULL */
  void *gate, *up, *h;    /* (T,F); h = silu(gate) * up */
  rd_dtype wide;          /* of gate and up: f32 unless they are kept for the way back */
  rd_branch branch1, branch2;
  rd_layer_mids lora; /* of the adapter */
  void *room;         /* for what a product's format makes of its input, or NULL */
} rd_layer_acts;

struct rd_past;
struct rd_layer_scratch;

/* What every layer of a pass shares. */
typedef struct rd_layer_context {
  const rd_config *config;
  rd_dtype type;           /* of matrices and activations */
  int64_t T;               /* rows */
  int64_t clean;           /* of them go without the adapter: the first */
  const rd_angles *angles; /* (2) of all layers; of local ones */
  rd_attention attention;  /* for rd_layer_attention */
  float *unrotated;        /* (T, H*hd) queries or keys before their rounding; NULL in f32 */
  float *normed;           /* (T,D) a branch behind its norm; NULL where no family norms it */
  void *workspace;         /* attention's */
  /* What the first positions of sequences are read from, and attention's way back over it (past.h);
   * or NULL. */
  struct rd_past *past;
  rd_code (*past_back)(struct rd_past *past, const struct rd_layer_context *c,
                       const rd_layer_acts *a, const struct rd_layer_scratch *s, rd_error *e);
} rd_layer_context;

/* The attention of layer l: with its window. */
static inline rd_attention rd_layer_attention(const rd_layer_context *c, int64_t l) {
  rd_attention a = c->attention;
  a.window = c->config->layer_kinds[l] & RD_LAYER_LOCAL ? c->config->window : 0;
  return a;
}

/* Where attention's keys and values come from, when not from the same rows: called with the layer's
 * fresh k and v. NULL: attention over the spans of the context. */
typedef rd_code rd_layer_attend(void *owner, int64_t layer, const rd_layer_context *c,
                                const rd_layer_acts *a, rd_error *e);

/* What is multiplied with matrices: n1 with those of q, k and v, att, n2 with gate and up, h. */
enum { RD_BESIDE_HEADS, RD_BESIDE_O, RD_BESIDE_GATES, RD_BESIDE_DOWN, RD_BESIDES };

/* Take the activations of layer l for T rows. `keep`: everything a backward pass reads gets a
 * buffer of its own; else buffers are shared, serve every layer, and x, mid, out are left for the
 * caller to set. `beside` (RD_BESIDES), or NULL: so many numbers have room behind each row of these
 * four; where there are some, the middles of adapters belong there. */
void rd_layer_acts_take(rd_layer_acts *a, rd_arena *arena, const rd_config *c, const rd_weights *w,
                        int64_t l, int64_t T, bool keep, const int64_t *beside);
/* What context.unrotated points at, NULL for f32. */
float *rd_layer_unrotated_take(rd_arena *arena, const rd_config *c, rd_dtype type, int64_t T);

rd_code rd_layer_forward(const rd_layer *layer, int64_t index, const rd_layer_context *c,
                         const rd_layer_acts *a, rd_layer_attend *attend, void *owner, rd_error *e);

/* Scratch of the backward pass, shared by all layers. */
typedef struct rd_layer_scratch {
  void *dy;          /* (T,D) the stream's gradient as an activation */
  void *dh;          /* (T,F) */
  void *dgate, *dup; /* (T,F) */
  float *dn;         /* (T,D) */
  void *datt, *dq;   /* (T,H*hd) */
  void *dk, *dv;     /* (T,K*hd) */
  void *dmid;        /* (T, rank) */
  float *dbranch;    /* (T,D); NULL where branches go straight into the stream */
  float *wide[3];    /* (T,H*hd) of norms over all heads, or NULL */
} rd_layer_scratch;

void rd_layer_scratch_take(rd_layer_scratch *s, rd_arena *arena, const rd_config *c, rd_dtype type,
                           int64_t T, int64_t rank);

/* dx (T,D): on entry dL/d out, on return dL/d x; the layer's gradients are added to `grad`. */
rd_code rd_layer_backward(const rd_layer *layer, int64_t index, const rd_layer_grad *grad,
                          const rd_layer_context *c, const rd_layer_acts *a,
                          const rd_layer_scratch *s, float *dx, rd_error *e);

#endif
