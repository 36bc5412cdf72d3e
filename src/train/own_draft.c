/* SPDX-License-Identifier: MIT */
/* One greedy reading of a corrupted batch, put where the noise was. */
#include "own_draft.h"

#include "rng.h"

/* The draw's place among the random numbers of corruption: behind every example slot. */
enum { BATCH_SLOT = INT32_MAX };

rd_code rd_batch_own_draft(rd_batch *b, const rd_batch_rules *r, int64_t number,
                           rd_trainer_pass *pass, rd_error *e) {
  rd_rng rng = rd_rng_at(r->seed, RD_STREAM_CORRUPT, (uint32_t)number, BATCH_SLOT);
  if (!(rd_rng_uniform(&rng) < r->own_drafts))
    return RD_OK;
  int64_t count = 0;
  for (int64_t s = 0; s < b->sequence_count; s++) {
    int64_t end = b->sequences[s].ids - b->ids + b->sequences[s].count;
    for (int64_t row = b->answers[s]; row < end; row++)
      b->scratch[count++] = (int32_t)row;
  }
  return rd_trainer_pass_guess(pass, b->sequences, b->sequence_count, r->objective->block,
                               b->scratch, count, b->ids, e);
}
