/* SPDX-License-Identifier: MIT */
/* One lane serves answer after answer: it knows its rows by position and id, so that a draft finds
 * where its canvas departs from the last one. Answers are forgotten, and so are a prompt's last
 * rows: what is computed of a prompt then goes through the kernels of many rows, as the whole of it
 * would, and has the same bits. */
#include "kept.h"

#include "model_store.h"

void rd_kept_drop(rd_kept *kept) {
  rd_lane_close(&kept->lane);
  rd_engine_close(&kept->engine);
  kept->rows = kept->longest = kept->prompt = 0;
}

/* Wide passes where the engine cannot widen them later. */
static rd_code make_room(rd_kept *kept, const rd_model *model, int64_t rows, int64_t longest,
                         rd_error *e) {
  const rd_engine_kind *kind = rd_engine_kind_of(model);
  rows = kind && kind->device ? longest : rows;
  if (kept->engine && longest <= kept->longest && rows <= kept->rows)
    return RD_OK;
  if (kept->engine && longest <= kept->longest && kept->engine->widen) {
    kept->rows = rows;
    return kept->engine->widen(kept->engine, rows, e);
  }
  rd_kept_drop(kept);
  if (kept->unmade)
    RD_TRY(rd_model_make(kept->unmade, e));
  kept->rows = rows;
  kept->longest = longest;
  return rd_engine_open(&kept->engine, NULL, model, rows, longest, e);
}

rd_code rd_kept_room(rd_kept *kept, const rd_model *model, int64_t rows, rd_error *e) {
  return make_room(kept, model, rows, rows, e);
}

rd_code rd_kept_run(rd_kept *kept, const rd_model *model, int64_t window, rd_draft *draft,
                    atomic_int *cancelled, rd_error *e) {
  int64_t longest = rd_draft_rows(draft), positions = model->config.positions;
  bool keeps = rd_draft_keeps(draft);
  longest = keeps && longest < window ? window : longest;
  RD_TRY(make_room(kept, model, rd_draft_rows_now(draft), longest, e));
  longest = longest < positions ? longest : positions;
  if (kept->lane && kept->lane->positions < longest) {
    rd_lane_close(&kept->lane);
    kept->prompt = 0;
  }
  if (keeps && !kept->lane)
    RD_TRY(rd_lane_open(&kept->lane, kept->engine, longest, e));
  if (keeps) {
    rd_lane_forget(kept->lane, kept->prompt, kept->lane->positions);
    kept->prompt = rd_draft_lend_lane(draft, kept->lane);
  }
  return rd_draft_run(draft, kept->engine, cancelled, e);
}
