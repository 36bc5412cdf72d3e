/* SPDX-License-Identifier: MIT */
/* The weights of one model as plain pointers with their shapes, and where each comes from.
 *
 * Matrices are row-major (out, in) of type `type`, which is the arithmetic of the pass (RD_F32 or
 * RD_BF16); norms and biases are f32. Beside them, or instead, stand 8-bit integers. Whoever fills
 * the struct owns the memory: a model (mapped files and an arena), or the trainer (working copies
 * of what it trains). */
#ifndef RD_WEIGHTS_H
#define RD_WEIGHTS_H

#include "config.h"
#include "dtype.h"

/* The seven projections of a layer: indices of rd_layer.p, and of the table of names. */
typedef enum rd_projection {
  RD_Q,
  RD_K,
  RD_V,
  RD_O,
  RD_GATE,
  RD_UP,
  RD_DOWN,
  RD_PROJECTIONS
} rd_projection;

/* "q_proj", "k_proj", ... as PEFT and Hugging Face name them. */
extern const char *const rd_projection_names[RD_PROJECTIONS];

/* A matrix in integers: row i is scale[i] * q[i]. */
typedef struct rd_integers {
  const int8_t *q;    /* (out, in), or NULL: none */
  const float *scale; /* (out) */
} rd_integers;

/* y = x w' + b + scale (x a') b_lora'. */
typedef struct rd_linear {
  int64_t in, out;
  const void *w;      /* (out, in) */
  rd_integers w8;     /* what inference multiplies when there */
  const float *bias;  /* (out), or NULL */
  int64_t rank;       /* 0: no adapter */
  float scale;        /* alpha / rank, or alpha / sqrt(rank) */
  const void *lora_a; /* (rank, in) */
  const void *lora_b; /* (out, rank) */
} rd_linear;

typedef struct rd_layer {
  const float *attention_norm;  /* (D) */
  const float *mlp_norm;        /* (D) */
  const float *q_norm, *k_norm; /* (hd) each, or NULL */
  rd_linear p[RD_PROJECTIONS];  /* q (H*hd,D) k,v (K*hd,D) o (D,H*hd) gate,up (F,D) down (D,F) */
} rd_layer;

typedef struct rd_weights {
  rd_dtype type;         /* of every matrix, and of the activations */
  const void *embedding; /* (V, D) */
  const void *head;      /* (V, D); the embedding when tied */
  rd_integers head8;     /* of the head; there when those of all projections are */
  const float *norm;     /* (D) */
  rd_layer *layers;      /* (L) */
} rd_weights;

/* (out, in) of a projection. */
void rd_projection_shape(const rd_config *c, rd_projection p, int64_t *out, int64_t *in);
/* Number of parameters without adapters. */
int64_t rd_parameter_count(const rd_config *c);

#endif
