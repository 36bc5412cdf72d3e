/* SPDX-License-Identifier: MIT */
/* Gaps filled by search: the words of a gap are those that make the text before, in and behind it
 * likeliest, as the base reads it from left to right. A gap has as many words as it needs, at least
 * one and at most as many as it has places.
 *
 * Every pass tries one beginning of a gap with the text that follows, and learns from the same rows
 * which words may come next. What cannot become better than the best that is known is not tried,
 * so that a search that comes to its end has found the best there is among the words that were
 * looked at: of each row the top-k best that make up top-p, at most RD_GAP_WORDS. At a temperature
 * above 0 what was tried is drawn from, by its probability. */
#ifndef RD_GAP_SEARCH_H
#define RD_GAP_SEARCH_H

#include "arena.h"
#include "engine.h"

struct rd_draft;

/* Place its arrays for a draft whose setup is known. */
void rd_gaps_layout(struct rd_draft *d, rd_arena *a);
/* The first gap. RD_USAGE: nothing stands before it, or fewer passes than gaps need. */
rd_code rd_gaps_begin(struct rd_draft *d, rd_error *e);
/* The next pass, but for what of it is computed. */
void rd_gaps_need(struct rd_draft *d, rd_need *need);
/* What the pass has shown; the draft is the best that is known. */
void rd_gaps_take(struct rd_draft *d);

#endif
