/* SPDX-License-Identifier: MIT */
/* Drafts that the base checks: what it would have written itself stays, and its own next word with
 * it, so that the answer is that of left-to-right decoding, to the word and at any temperature: a
 * place is drawn with the random numbers that it has there, whoever drafts it.
 *
 * Where the drafts come from is the sampler's: the base's own guesses of the pass before (Jacobi
 * iteration), or a pass of the gated adapter, as long as that pays. */
#ifndef RD_CHECKED_H
#define RD_CHECKED_H

#include "engine.h"

struct rd_draft;

/* The first pass: of what is given, for the first word. */
void rd_checked_begin(struct rd_draft *d);
/* The next pass, but for what of it is computed. */
void rd_checked_need(struct rd_draft *d, rd_need *need);
/* Proposals become the draft. */
void rd_checked_take(struct rd_draft *d);
/* The canvas of the pass after that; returns how many positions are masked in it (d->list). */
int64_t rd_checked_next(struct rd_draft *d);

#endif
