/* SPDX-License-Identifier: MIT */
/* What a draft takes of an engine: rows of a pass, and lanes. */
#include "attention.h"
#include "base_say.h"
#include "branched.h"
#include "draft.h"
#include "draft_state.h"

/* Of the base's reading of n places, which begins with the last rows of what was there before:
 * where nothing is kept these are in the pass a second time. */
static int64_t rows_read(const rd_draft *d, int64_t n) {
  const int64_t known = d->setup.prompt_count + d->given;
  if (!rd_base_say_wanted(d))
    return 0;
  return n + (d->reuse->range ? 0 : known - rd_draft_tail(known));
}

int64_t rd_draft_rows(const rd_draft *d) {
  return (d->setup.prompt_count + d->setup.count) * (d->params->cfg_scale > 0 ? 2 : 1) +
         rows_read(d, d->setup.count);
}

int64_t rd_draft_rows_now(const rd_draft *d) {
  enum { STEP = 64 };
  int64_t most = rd_draft_rows(d);
  int64_t now = (d->setup.prompt_count + d->n + rows_read(d, d->n) + STEP - 1) / STEP * STEP;
  return d->roomy && now < most ? now : most;
}

bool rd_draft_keeps(const rd_draft *d) {
  bool guided = d->params->cfg_scale > 0;
  return !guided && d->reuse->range && (d->setup.gate.answer || d->grid.attention == RD_CAUSAL);
}

int64_t rd_draft_tail(int64_t end) {
  int64_t first = end - RD_ATTENTION_FEW - 1;
  return first > 0 ? first : 0;
}

int64_t rd_draft_lend_lane(rd_draft *d, rd_lane *lane) {
  int64_t P = d->setup.prompt_count;
  rd_lane_forget(lane, rd_draft_tail(P), lane->positions);
  rd_lane_renew(lane, P + d->setup.count);
  d->lane = lane;
  d->lent = true;
  return P > RD_ATTENTION_FEW ? P : 0; /* so few rows have other bits than among more */
}

rd_code rd_draft_open_lanes(rd_draft *d, rd_engine *engine, rd_error *e) {
  int64_t length = d->setup.prompt_count + d->setup.count;
  bool wanted = d->reuse->range || d->setup.gate.answer || d->sampler->checks;
  if (wanted && !d->lane)
    RD_TRY(rd_lane_open(&d->lane, engine, length, e));
  if (wanted && d->params->cfg_scale > 0 && !d->unguided_lane)
    RD_TRY(rd_lane_open(&d->unguided_lane, engine, length, e));
  if (rd_base_say_wanted(d) && !d->say.lane)
    RD_TRY(rd_lane_open(&d->say.lane, engine, length, e));
  if (d->sampler->checks && d->drafts == 0)
    rd_branched_begin(d, engine);
  return RD_OK;
}
