/* SPDX-License-Identifier: MIT */
/* An engine that is kept from one answer to the next, and with it what it remembers of a
 * conversation: where rows only look back, the next prompt begins as the last one did, and that
 * part of it is not computed again. */
#ifndef RD_KEPT_H
#define RD_KEPT_H

#include "draft.h"

/* Zeroed before the first use; of one thread. */
typedef struct rd_kept {
  struct rd_model *unmade; /* or NULL: what is left of it is made before the engine is opened */
  rd_engine *engine;
  rd_lane *lane;   /* of the base's own rows */
  int64_t rows;    /* of a pass, that the engine was made for at least */
  int64_t longest; /* canvas that both were made for */
  int64_t prompt;  /* rows of the last prompt: what the lane knows behind them is forgotten */
} rd_kept;

/* Run a draft of a model to its end, as rd_draft_run, on the engine that is kept or a larger one.
 * The same model each time. `window`: how long its conversation may become. */
rd_code rd_kept_run(rd_kept *kept, const rd_model *model, int64_t window, rd_draft *draft,
                    atomic_int *cancelled, rd_error *e);
/* An engine for passes of `rows` positions: the one that is kept, or a larger one in its place. */
rd_code rd_kept_room(rd_kept *kept, const rd_model *model, int64_t rows, rd_error *e);
/* Every draft that ran is freed before. */
void rd_kept_drop(rd_kept *kept);

#endif
