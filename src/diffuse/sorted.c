/* SPDX-License-Identifier: MIT */
/* The order is made anew for every pass: prompt, what is written, masks, each by position. What
 * stands before the first mask is in its own place, and stays there; its keys are those of a causal
 * model over the finished text, so that nothing has to be computed again when it is done. */
#include "draft_state.h"

#include <string.h>

void rd_sorted_layout(rd_draft *d, rd_arena *arena) {
  const int64_t all = d->setup.prompt_count + d->setup.count;
  d->sorted = RD_TAKE(arena, int32_t, all);
  d->positions = RD_TAKE(arena, int32_t, all);
}

static bool is_open(const rd_draft *d, int64_t p) {
  return !d->fixed[p] && d->view.ids[p] == d->blank;
}

void rd_sorted_need(rd_draft *d, rd_need *need) {
  const int64_t P = d->setup.prompt_count;
  int64_t at[2] = {P, P}, wanted = 0; /* the next place of what is written, of a mask */
  for (int64_t p = 0; p < d->n; p++)
    at[1] += !is_open(d, p);
  memcpy(d->sorted, d->canvas, (size_t)P * sizeof *d->canvas);
  for (int64_t i = 0; i < P; i++)
    d->positions[i] = (int32_t)i;
  for (int64_t p = 0; p < d->n; p++) {
    const int64_t place = at[is_open(d, p)]++;
    d->sorted[place] = d->view.ids[p];
    d->positions[place] = (int32_t)(P + p);
    if (d->proposed[p])
      d->wanted[wanted++].position = place;
  }
  need->canvas = d->sorted;
  need->positions = d->positions;
}
