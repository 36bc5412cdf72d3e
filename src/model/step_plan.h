/* SPDX-License-Identifier: MIT */
/* What training passes are made for: the processor's (step.h) and a device's (device_learn.h). */
#ifndef RD_STEP_PLAN_H
#define RD_STEP_PLAN_H

#include "gradients.h"

/* A tensor that is trained. */
typedef struct rd_trained {
  float *master, *gradient, *m, *v; /* (count) weights, and what AdamW keeps of each */
  int64_t count;
  bool decays;
} rd_trained;

/* Batches of at most `rows` tokens, sequences of at most `longest`. All is borrowed: a trainer
 * changes the weights between passes. */
typedef struct rd_step_plan {
  const rd_config *config;
  const rd_weights *weights;   /* with their plain form where an adapter has a gate */
  const rd_gradient *gradient; /* what is trained; NULL: nothing, or it is not known yet */
  float *gradients;            /* (gradient_count) all its arrays lie in this one */
  int64_t gradient_count;
  const rd_trained
      *trained;         /* (trained_count) whoever computes elsewhere changes them there, and */
  size_t trained_count; /* brings them when they are asked for; NULL: the caller does */
  int64_t rows, longest;
  bool apart;     /* several passes make an update, each with gradients of its own: rd_step_add */
  bool recompute; /* keep each layer's input alone, and compute the rest again */
} rd_step_plan;

/* What rows that learn aim at, in place of their targets. */
typedef struct rd_aim {
  bool parent;  /* the base's own distribution for the token that they predict, ... */
  bool shift;   /* ... the next one: that of the base's row at the same position, else before it */
  double align; /* and so much of 1 - the cosine of their final hidden state with that row's */
} rd_aim;

#endif
