/* SPDX-License-Identifier: MIT */
/* The training pass: loss and gradients of one packed batch.
 *
 * Forward keeps what the backward pass needs (or, with `recompute`, only each layer's input). The
 * loss is computed in row chunks fused with the output matrix: T x V logits or their gradient never
 * exist. */
#ifndef RD_STEP_H
#define RD_STEP_H

#include "gradients.h"
#include "propose.h"
#include "stack.h"

typedef struct rd_step rd_step;

/* Where the weights have their plain form an adapter has a gate: the rows of a sequence before its
 * `gate` are the base's own, causal, and carry no loss; the others see them and one another.
 *
 * Working memory for batches of at most `rows` tokens, sequences of at most `longest`. `config`,
 * `weights` and the rotary tables are borrowed: the trainer changes the weights between steps. */
rd_code rd_step_new(rd_step **out, const rd_config *config, const rd_weights *weights, int64_t rows,
                    int64_t longest, bool recompute, rd_error *e);
void rd_step_free(rd_step **pass);
size_t rd_step_memory(const rd_config *config, const rd_weights *weights, int64_t rows,
                      int64_t longest, bool recompute);

/* What rows that learn aim at, in place of their targets. */
typedef struct rd_aim {
  bool parent;  /* the base's own distribution for the token that they predict, ... */
  bool shift;   /* ... the next one: that of the base's row at the same position, else before it */
  double align; /* and so much of 1 - the cosine of their final hidden state with that row's */
} rd_aim;
/* From the next batch on; needs a gate, and batches of blocks (clean_half.h). */
void rd_step_aim(rd_step *pass, const rd_aim *aim);

/* One batch. Row r (over the packed sequences) has loss weights[r] * CE(logits[r], targets[r]); a
 * target of -1 or a weight of 0 leaves the row out. For next-token training the caller passes
 * shifted targets. *loss is the weighted sum. `gradient` NULL: loss only. `row_loss` (rows) or NULL
 * receives the unweighted CE of each row (0 where left out). */
rd_code rd_step_run(rd_step *pass, const rd_sequence *sequences, int64_t n, int64_t block,
                    const int32_t *targets, const float *weights, rd_gradient *gradient,
                    double *loss, float *row_loss, rd_error *e);
/* One forward pass: ids[r] = the token that `rule` proposes at row r, for each r of rows (count);
 * its random numbers are those of (seed, iteration, r). RD_NUMERIC: scores that are no numbers. */
rd_code rd_step_guess(rd_step *pass, const rd_sequence *sequences, int64_t n, int64_t block,
                      const int32_t *rows, int64_t count, const rd_propose_rule *rule,
                      uint32_t iteration, int32_t *ids, rd_error *e);

#endif
