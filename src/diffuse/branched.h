/* SPDX-License-Identifier: MIT */
/* Drafting in the pass that checks: behind every draft the adapter drafts on, for whatever the base
 * will leave standing (quadratic decoding). For checked.c. */
#ifndef RD_BRANCHED_H
#define RD_BRANCHED_H

#include "engine.h"

struct rd_draft;

/* Before the first pass: can the adapter draft in passes that check? What that is
 * worth is remembered by the engine. */
void rd_branched_begin(struct rd_draft *d, rd_engine *engine);
/* The need of a check gets the branches of this pass, if it has any. */
void rd_branched_need(struct rd_draft *d, rd_need *need);
/* Of the drafts checked `right` stand, and the base's word behind them: what was drafted behind
 * that becomes the draft from there on. Returns the words. */
int64_t rd_branched_take(struct rd_draft *d, int64_t right);
/* A pass is over that took so long; its number of branches' rows, for the next. */
void rd_branched_learn(struct rd_draft *d, int64_t drafted, int64_t right, double seconds);
void rd_branched_choose(struct rd_draft *d);

#endif
