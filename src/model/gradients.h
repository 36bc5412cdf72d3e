/* SPDX-License-Identifier: MIT */
/* Where a backward pass puts the gradients of the weights: one struct beside each struct of
 * weights.h. */
#ifndef RD_GRADIENTS_H
#define RD_GRADIENTS_H

#include "weights.h"

/* Where gradients of one product go: f32, added to; NULL for what is frozen. */
typedef struct rd_linear_grad {
  float *w;     /* (out, in) */
  float *bias;  /* (out) */
  float *a, *b; /* (rank, in), (out, rank) */
} rd_linear_grad;

typedef struct rd_layer_grad {
  float *attention_norm, *mlp_norm;           /* (D) or NULL */
  float *attention_post_norm, *mlp_post_norm; /* (D) or NULL */
  float *q_norm, *k_norm;                     /* as the norms, or NULL */
  rd_linear_grad q, k, v, o, gate, up, down;
} rd_layer_grad;

typedef struct rd_gradient {
  float *embedding;      /* (V, D) or NULL */
  rd_linear_grad head;   /* a tied head's goes to the embedding's */
  float *norm;           /* (D) or NULL */
  rd_layer_grad *layers; /* (L) */
} rd_gradient;

/* Where a pass keeps the middle of each adapter, (T, rank), or NULL. */
typedef struct rd_layer_mids {
  void *q, *k, *v, *o, *gate, *up, *down;
} rd_layer_mids;

#endif
