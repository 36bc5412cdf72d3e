/* SPDX-License-Identifier: MIT */
/* Where a backward pass puts the gradients of the weights: one struct beside each struct of weights.h. */
#ifndef RD_GRADIENTS_H
#define RD_GRADIENTS_H

#include "weights.h"

/* Where gradients of one projection go: f32, added to; NULL for what is frozen. */
typedef struct rd_linear_grad {
  float *w;      /* (out, in) */
  float *bias;   /* (out) */
  float *lora_a; /* (rank, in) */
  float *lora_b; /* (out, rank) */
} rd_linear_grad;

typedef struct rd_layer_grad {
  float *attention_norm, *mlp_norm; /* (D) or NULL */
  float *q_norm, *k_norm;           /* (hd) or NULL */
  rd_linear_grad p[RD_PROJECTIONS];
} rd_layer_grad;

typedef struct rd_gradient {
  float *embedding;      /* (V, D) or NULL; a tied head adds to it */
  float *head;           /* (V, D) or NULL; unused when tied */
  float *norm;           /* (D) or NULL */
  rd_layer_grad *layers; /* (L) */
} rd_gradient;

#endif
