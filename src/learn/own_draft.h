/* SPDX-License-Identifier: MIT */
/* Corruption by the model itself: the noise of a batch is replaced by the draft that the model
 * makes of it, which is what later iterations of a generation are given. Masks and perturbations
 * alone never show the model a wrong word of its own choosing, so it would trust every word it
 * sees. */
#ifndef RD_OWN_DRAFT_H
#define RD_OWN_DRAFT_H

#include "batch.h"
#include "step.h"

/* Redraft the batch, up to three times (a forward pass each), or leave it, by draws keyed by (seed,
 * number). Prompts, targets and weights stay; every position behind a prompt (where the objective
 * aims at the base: every mask of a block) gets the most likely token, or one that is drawn, by
 * numbers keyed by (seed, number and reading, row of the batch). */
rd_code rd_batch_own_draft(rd_batch *batch, const rd_batch_rules *rules, int64_t number,
                           rd_step *step, rd_error *e);

#endif
