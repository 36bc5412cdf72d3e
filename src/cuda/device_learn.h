/* SPDX-License-Identifier: MIT */
/* Training passes on a device: the stack with all that its way back reads, loss and gradients
 * (learn/step.c is the processor's). Weights, activations and gradients lie there; ids, targets and
 * weights of rows go to it, losses come back, and gradients when they are asked for. */
#ifndef RD_DEVICE_LEARN_H
#define RD_DEVICE_LEARN_H

#include "adamw.h"
#include "device.h"
#include "stack.h"
#include "step_plan.h"

typedef struct rd_device_learn rd_device_learn;

/* All memory is taken here, and the weights are sent; the device is closed by whoever opened it,
 * behind this. RD_NO_MEMORY: the device has less than it takes, with the numbers; RD_UNSUPPORTED
 * names what no kernel computes. */
rd_code rd_device_learn_new(rd_device_learn **out, rd_device *d, const rd_step_plan *plan,
                            rd_error *e);
void rd_device_learn_free(rd_device_learn **learn);
/* Bytes of the device, weights and working memory; 0 where the plan is refused. */
size_t rd_device_learn_memory(const rd_step_plan *plan);

/* The trained weights of the plan have changed here, and what the optimizer keeps of them. */
rd_code rd_device_learn_refresh(rd_device_learn *l, rd_error *e);
/* Where the plan lists what is trained: the sum of the gradients' squares; a step of AdamW, whose
 * decay is that of what decays; weights and moments as they are now, here. */
rd_code rd_device_learn_squares(rd_device_learn *l, double *sum, rd_error *e);
rd_code rd_device_learn_update(rd_device_learn *l, const rd_adamw_step *how, rd_error *e);
rd_code rd_device_learn_bring(rd_device_learn *l, rd_error *e);
/* All gradients are zero; they come to the plan's arrays; they become what the plan's arrays hold.
 */
rd_code rd_device_learn_clear(rd_device_learn *l, rd_error *e);
rd_code rd_device_learn_gather(rd_device_learn *l, rd_error *e);
rd_code rd_device_learn_spread(rd_device_learn *l, rd_error *e);
/* Of a plan whose passes are summed apart: the gradients are added to those of the passes before;
 * the sum becomes the gradients, and the next one begins. */
rd_code rd_device_learn_add(rd_device_learn *l, rd_error *e);
rd_code rd_device_learn_sum(rd_device_learn *l, rd_error *e);

/* Rows before gates: through the plain weights, looking back. What comes next sees them. */
rd_code rd_device_learn_clean(rd_device_learn *l, const rd_sequence *sequences, int64_t n,
                              rd_error *e);
/* Rows that learn. A sequence whose first position is not 0 sees rows of the last clean ones:
 * before[i] (n) is the one that has position 0 of sequence i; NULL where there are none. */
rd_code rd_device_learn_run(rd_device_learn *l, const rd_sequence *sequences, const int64_t *before,
                            int64_t n, int64_t block, rd_error *e);

/* What rows of the last run are to say. */
typedef struct rd_device_losses {
  const int32_t *rows;    /* (count) */
  const int32_t *targets; /* (count) */
  const int32_t *parents; /* (count) clean rows; NULL: nobody asks them */
  const float *weights;   /* (count) */
  int64_t count;
  bool parent;                 /* rows aim at what their parents say, not at targets */
  double align;                /* and so much of 1 - cosine of their states; 0: none */
  const rd_gradient *gradient; /* of the plan: is added to; or NULL */
  float *losses;               /* (count) come back, without weights, */
  double *apart;               /* (count) and 1 - cosine, where align is not 0 */
} rd_device_losses;
/* Losses and, with a gradient, the way back through all layers. */
rd_code rd_device_learn_losses(rd_device_learn *l, const rd_device_losses *w, rd_error *e);
/* ids[i] = the token that `rule` proposes at row rows[i] (count) of the last run, by the random
 * numbers of (seed, iteration, positions[i]). RD_NUMERIC: scores that are no numbers. */
rd_code rd_device_learn_guess(rd_device_learn *l, const int32_t *rows, const int32_t *positions,
                              int64_t count, const rd_propose_rule *rule, uint32_t iteration,
                              int32_t *ids, rd_error *e);

#endif
