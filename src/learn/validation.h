/* SPDX-License-Identifier: MIT */
/* The loss of held-out examples under corruption that is a function of (seed, example) alone: for
 * training's validations and for measuring a model. */
#ifndef RD_VALIDATION_H
#define RD_VALIDATION_H

#include "batch.h"
#include "ranks.h"
#include "step.h"

enum { RD_NOISE_LEVELS = 4 }; /* quarters of the share of changed answer tokens */

/* What one example gave. */
typedef struct rd_example_loss {
  double loss, weight;         /* as the objective weighs it: their sums are divided */
  double answer, answer_count; /* plain cross-entropy of the answer's counted rows; how many */
  double noise;                /* share of the corruptible positions that changed */
} rd_example_loss;

typedef struct rd_validation {
  double loss;                      /* as the objective weighs it */
  double by_noise[RD_NOISE_LEVELS]; /* mean cross-entropy of counted answer rows, NaN: none */
} rd_validation;

typedef struct rd_validation_work {
  const rd_ranks *ranks;
  rd_step *step;
  rd_batch *batch;
  const rd_batch_rules *rules;
  const rd_examples *examples;
  float *row_loss, *others; /* (rows of the batch) this rank's, and another's */
} rd_validation_work;

/* A pass by each rank: the examples from *next on that fit into their batches; losses[their
 * numbers] are filled, by all ranks alike, and *next moves on. */
rd_code rd_validation_passes(rd_example_loss *losses, int64_t *next, const rd_validation_work *work,
                             rd_error *e);
/* Sums over examples. */
void rd_validation_sum(rd_validation *v, const rd_example_loss *losses, int64_t count);
/* The noise level an example belongs to. */
int rd_noise_level(double noise);

#endif
