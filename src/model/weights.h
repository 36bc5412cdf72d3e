/* SPDX-License-Identifier: MIT */
/* The weights of one model with their shapes, and where each comes from.
 *
 * Matrices know their format (format.h); norms and biases are f32. Whoever fills the struct owns
 * the memory: a model (mapped files and an arena), or the trainer (working copies of what it
 * trains). parts.h lists what is here, for everyone who goes through all of it. */
#ifndef RD_WEIGHTS_H
#define RD_WEIGHTS_H

#include "config.h"
#include "matrix.h"

/* y = x w' + bias + scale (x a') b'. Where an adapter counts from a gate on, rows before it are
 * multiplied without it. */
typedef struct rd_linear {
  rd_matrix w;            /* (out, in) */
  const rd_matrix *plain; /* (out, in) before a gate, where an adapter was added into w; NULL: w */
  const float *bias;      /* (out), or NULL */
  rd_matrix a, b; /* (rank, in), (out, rank) of the activations' type; a.rows 0: no adapter */
  float scale;    /* alpha / rank, or alpha / sqrt(rank) */
} rd_linear;

typedef struct rd_layer {
  const float *attention_norm, *mlp_norm;           /* (D), or NULL */
  const float *attention_post_norm, *mlp_post_norm; /* (D), or NULL */
  const float *q_norm, *k_norm; /* (hd), or (H*hd) and (K*hd) where norms are wide, or NULL */
  rd_linear q, k, v, o;         /* (H*hd, D), (K*hd, D), (K*hd, D), (D, H*hd) */
  rd_linear gate, up, down;     /* (F, D), (F, D), (D, F) */
  const struct rd_layer *plain; /* whose norms count before a gate; NULL: these */
} rd_layer;

/* Of the bytes of the matrices that are made when a model is opened, so many are. */
typedef void rd_weights_made(void *context, size_t done, size_t of);

typedef struct rd_weights {
  rd_dtype type;       /* of activations: RD_F32 or RD_BF16 */
  rd_matrix embedding; /* (V, D), read row by row; of that type where it is trained */
  rd_linear head;      /* (V, D); the same numbers when tied */
  const float *norm;   /* (D) */
  rd_layer *layers;    /* (L) */
  const struct rd_weights
      *plain; /* the same without the adapter, for what lies before a gate; what
                 the adapter leaves alone is shared. NULL: it counts everywhere */
} rd_weights;

#endif
