/* SPDX-License-Identifier: MIT */
/* Gaps of unknown length for models that see both sides of them (DAEDAL, arXiv 2508.00819): a gap
 * begins short, and a mask of which the model is least sure becomes several. */
#ifndef RD_GROWTH_H
#define RD_GROWTH_H

#include "arena.h"
#include "draft_setup.h"

/* A gap, or an answer behind which nothing stands. */
typedef struct rd_stretch {
  int64_t most, had; /* places that it may have; that it had so far, those that went counted */
  bool open;         /* nothing stands behind it */
} rd_stretch;

typedef struct rd_growth {
  rd_stretch *stretches;          /* (count) */
  int32_t *of;                    /* (count) by place: its stretch, -1 where text is fixed */
  uint8_t *spaced;                /* (count) 1: the stretch's first word brings a space */
  uint64_t *words, *spaced_words; /* (ceil(V / 64)) as in rd_draft_setup; or NULL */
  bool moved;     /* places since the last pass: what was kept of them is of no use */
  bool measuring; /* the open stretch is made as long as the answer, and nothing is written yet */
} rd_growth;

void rd_growth_layout(rd_draft *d, rd_arena *a);
/* Gaps as short as they begin, once canvas and region are known. RD_USAGE: a gate with blocks. */
rd_code rd_growth_begin(rd_draft *d, rd_error *e);
/* The first word of a gap is no end, and brings its space. */
void rd_growth_need(rd_draft *d);
/* Is the answer still being measured, so that a pass writes nothing? */
bool rd_growth_measures(rd_draft *d);
/* What was written: an end word in a gap is a place too many, and goes. */
void rd_growth_take(rd_draft *d);
/* The next canvas, with more masks; returns how many there are (list). */
int64_t rd_growth_next(rd_draft *d);

#endif
