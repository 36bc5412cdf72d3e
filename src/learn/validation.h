/* SPDX-License-Identifier: MIT */
/* The loss of held-out examples under corruption that is a function of (seed, example) alone: for
 * training's validations and for measuring a model. */
#ifndef RD_VALIDATION_H
#define RD_VALIDATION_H

#include "batch.h"
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

/* One pass: the examples from *next on that fit into the batch; losses[their numbers] are filled
 * and *next moves on. `row_loss` has room for the rows of the batch. */
rd_code rd_validation_pass(rd_example_loss *losses, int64_t *next, rd_step *step, rd_batch *batch,
                           const rd_batch_rules *rules, const rd_examples *examples,
                           float *row_loss, rd_error *e);
/* Sums over examples. */
void rd_validation_sum(rd_validation *v, const rd_example_loss *losses, int64_t count);
/* The noise level an example belongs to. */
int rd_noise_level(double noise);

#endif
