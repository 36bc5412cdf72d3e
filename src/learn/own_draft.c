/* SPDX-License-Identifier: MIT */
/* Readings of a corrupted batch, put where the noise was: a draft, and with the same chance each
 * time a draft of the draft, as generation makes them. */
#include "own_draft.h"

#include "rng.h"

/* The draw's place among the random numbers of corruption: behind every example slot. */
enum { BATCH_SLOT = INT32_MAX, MOST_READINGS = 3 };

/* Is this row of sequence s the model's to write: a row predicts it, in the answer, and where the
 * objective aims at the base a mask stood there? A branch is drafted from in one reading, and never
 * refined. */
static bool drafts(const rd_batch *b, const rd_batch_rules *r, int64_t s, int64_t row) {
  const rd_sequence *q = &b->sequences[s];
  bool branch = r->branches > 0 && q->ids[0] == r->mask;
  return !branch && row >= q->ids - b->ids + r->shift && row >= b->answers[s] &&
         (!r->objective->parent || b->targets[row - r->shift] >= 0);
}

rd_code rd_batch_own_draft(rd_batch *b, const rd_batch_rules *r, int64_t number, rd_step *step,
                           rd_error *e) {
  rd_rng rng = rd_rng_at(r->seed, RD_STREAM_CORRUPT, (uint32_t)number, BATCH_SLOT);
  int readings = 0;
  while (readings < MOST_READINGS && rd_rng_uniform(&rng) < r->own_drafts)
    readings++;
  if (readings == 0)
    return RD_OK;
  bool drawn = r->draft_temperature > 0 && rd_rng_uniform(&rng) < r->draft_drawn;
  const rd_propose_rule rule = {.temperature = drawn ? r->draft_temperature : 0,
                                .top_k = drawn ? r->draft_top_k : 1,
                                .top_p = 1,
                                .eos = -1,
                                .seed = r->seed};
  int64_t count = 0;
  for (int64_t s = 0; s < b->sequence_count; s++) {
    const int64_t end = b->sequences[s].ids - b->ids + b->sequences[s].count;
    for (int64_t row = b->sequences[s].ids - b->ids; row < end; row++)
      if (drafts(b, r, s, row))
        b->scratch[count++] = (int32_t)(row - r->shift);
  }
  for (int i = 0; i < readings && count > 0; i++)
    RD_TRY(rd_step_guess(step, b->sequences, b->sequence_count, r->objective->block, b->scratch,
                         count, &rule, (uint32_t)(number * MOST_READINGS + i), b->ids + r->shift,
                         e));
  return RD_OK;
}
