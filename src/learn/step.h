/* SPDX-License-Identifier: MIT */
/* The training pass: loss and gradients of one packed batch, by the processor or by a device: a row
 * a kind.
 *
 *   rd_step *step;
 *   RD_TRY(rd_step_open(&step, NULL, &plan, e));
 *   for (..) {
 *     RD_TRY(rd_step_clear(step, e));
 *     RD_TRY(rd_step_run(step, sequences, n, block, targets, weights, &gradient, &loss, NULL, e));
 *     RD_TRY(rd_step_gather(step, e));      // gradients are where the plan has them
 *     ..                                    // weights change
 *     RD_TRY(rd_step_refresh(step, e));
 *   }
 *   rd_step_free(&step);
 *
 * Forward keeps what the backward pass needs (or, with `recompute`, only each layer's input). The
 * loss is computed in row chunks fused with the output matrix: T x V logits or their gradient never
 * exist. */
#ifndef RD_STEP_H
#define RD_STEP_H

#include "adamw.h"
#include "propose.h"
#include "stack.h"
#include "step_plan.h"
#include "table.h"

typedef struct rd_step rd_step;

/* A row of the table of what runs training passes. */
typedef struct rd_step_kind {
  const char *name, *help;
  bool (*able)(void); /* can this machine run it? */
  bool asked;         /* it is taken only where it is named */
  bool device;        /* weights and gradients lie elsewhere */
  rd_code (*open)(rd_step **out, const rd_step_plan *plan, rd_error *e);
  size_t (*memory)(const rd_step_plan *plan); /* bytes there; 0: the plan is refused */
  /* Operations a second of one large product of a type, by trying; and the share of that which a
   * step of a very wide model reaches, about, and the width that reaches half of it: narrow
   * products wait for memory. 0: all do. */
  rd_code (*speed)(double *flops, rd_dtype type, rd_error *e);
  double share, narrow;
} rd_step_kind;

extern const rd_step_kind rd_step_kinds[];
extern const size_t rd_step_kind_count;
extern const rd_table rd_step_table; /* the same */

/* The row of that name; NULL: the first that this machine can run and that need not be asked for.
 * RD_USAGE lists the names. */
rd_code rd_step_kind_find(const rd_step_kind **out, const char *name, rd_error *e);

/* Working memory for the batches of a plan. Where the weights have their plain form an adapter has
 * a gate: the rows of a sequence before its `gate` are the base's own, causal, and carry no loss;
 * the others see them and one another. Without a name what the first kind cannot run goes to the
 * next one; RD_UNSUPPORTED: what the one that is named does not compute. */
rd_code rd_step_open(rd_step **out, const char *name, const rd_step_plan *plan, rd_error *e);
/* The processor's, whose gradients are added to wherever they lie. */
rd_code rd_step_new(rd_step **out, const rd_config *config, const rd_weights *weights, int64_t rows,
                    int64_t longest, bool recompute, rd_error *e);
void rd_step_free(rd_step **pass);

/* From the next batch on; an aim needs a gate, and batches of blocks (clean_half.h). */
void rd_step_aim(rd_step *pass, const rd_aim *aim);
/* All gradients of the plan are zero; what passes added to them is in the plan's arrays; the
 * weights that are trained have changed. */
rd_code rd_step_clear(rd_step *pass, rd_error *e);
rd_code rd_step_gather(rd_step *pass, rd_error *e);
rd_code rd_step_refresh(rd_step *pass, rd_error *e);
/* Does the kind change what the plan lists as trained, where its gradients are? Then nothing has to
 * be gathered and refreshed between passes: the norm of all gradients, each times `scale`; a step
 * of AdamW, whose decay is that of what decays; and masters and moments as they are now, brought to
 * the plan's arrays. */
bool rd_step_updates(const rd_step *pass);
rd_code rd_step_norm(rd_step *pass, double scale, double *norm, rd_error *e);
rd_code rd_step_update(rd_step *pass, const rd_adamw_step *how, rd_error *e);
/* Does such a kind sum the passes of an update, apart? What a pass left is added to the sum; the
 * sum is the gradients. Where somebody else sums them: the gradients are what the plan's arrays
 * hold.
 */
bool rd_step_sums(const rd_step *pass);
rd_code rd_step_add(rd_step *pass, rd_error *e);
rd_code rd_step_sum(rd_step *pass, rd_error *e);
rd_code rd_step_spread(rd_step *pass, rd_error *e);
rd_code rd_step_bring(rd_step *pass, rd_error *e);

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
