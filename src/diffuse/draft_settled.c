/* SPDX-License-Identifier: MIT */
/* Reuse settled: which places of the region stand still. A distribution is compared by its margin
 * and entropy, which a draw does not move; a token by its id. */
#include "draft_state.h"

#include <math.h>

void rd_draft_find_moving(rd_draft *d) {
  enum { EVERY = 4 };
  const int64_t P = d->setup.prompt_count;
  d->moving_first = 0;
  d->moving_end = d->n;
  if (!d->reuse->settles || !d->lane || d->grid.attention != RD_BIDIRECTIONAL ||
      d->setup.gate.answer || d->drafts % EVERY == 0)
    return;
  int64_t first = d->n, end = 0;
  for (int64_t p = 0; p < d->n; p++)
    if (!d->still[p] || d->lane->ids[P + p] != d->view.ids[p]) {
      first = p < first ? p : first;
      end = p + 1;
    }
  if (first < end) {
    d->moving_first = first;
    d->moving_end = end;
  }
}

bool rd_draft_stands_still(const rd_draft *d, int64_t p) {
  return d->sampler->revises && (p < d->moving_first || p >= d->moving_end);
}

bool rd_draft_same_proposal(const rd_proposal *a, const rd_proposal *b) {
  const float bound = 0.02f;
  return a->id == b->id && fabsf(a->margin - b->margin) < bound &&
         fabsf(a->entropy - b->entropy) < bound;
}
