/* SPDX-License-Identifier: MIT */
/* What engines that run packed needs have in common: opening and closing, lanes, and the way from a
 * call to a pass. An engine's struct begins with rd_packed_engine, its lanes' with rd_lane, and a
 * const table says what is its own. */
#ifndef RD_PACKED_ENGINE_H
#define RD_PACKED_ENGINE_H

#include "packing.h"

typedef struct rd_packed_engine {
  rd_engine base;
  const struct rd_packed_calls *calls;
  const rd_model *model;
  rd_packing packing;
  rd_arena arena;
  rd_row_use *chunk;      /* (rows) of a chunk, a pair as one */
  rd_proposal *proposals; /* (rows) */
  float *state;           /* (D) */
  /* of the call in progress */
  rd_scores_sink *sink;   /* NULL: proposals are made */
  rd_states_sink *states; /* or NULL: the head is not asked then */
  void *context;
} rd_packed_engine;

typedef struct rd_packed_calls {
  size_t size, lane_size; /* bytes of the two structs */
  bool widens;            /* `open` may be called again, for more rows */
  /* Its lists, taken twice: to measure, and to place. */
  void (*take)(rd_packed_engine *self, rd_arena *arena);
  /* What it needs beside them. `close` is called in any case, also where nothing was opened. */
  rd_code (*open)(rd_packed_engine *self, rd_error *e);
  void (*close)(rd_packed_engine *self);
  /* The same of a lane, whose common part is there. */
  rd_code (*lane_open)(rd_lane *lane, rd_error *e);
  void (*lane_close)(rd_lane *lane);
  /* A lane gets what another one of the same model knows of `count` positions from `first` on. */
  rd_code (*lane_copy)(rd_lane *to, const rd_lane *from, int64_t first, int64_t count, rd_error *e);
  /* The layers over the pass that is packed. */
  rd_code (*run)(rd_packed_engine *self, int64_t attention, rd_error *e);
  /* Then the state of a row of the pass, into `state`; or the head over `rows` of the packing's
   * rows, chunk by chunk, and what is made of their logits. */
  rd_code (*give_state)(rd_packed_engine *self, int64_t row, rd_error *e);
  rd_code (*use_logits)(rd_packed_engine *self, int64_t rows, rd_error *e);
} rd_packed_calls;

/* An engine that is not open yet, for what it must be told; NULL without memory. */
void *rd_packed_new(const rd_packed_calls *calls, const rd_model *model, int64_t rows,
                    int64_t longest, rd_error *e);
/* Open it, or close it. */
rd_code rd_packed_open(rd_engine **out, rd_packed_engine *d, rd_error *e);
/* Bytes of its struct and lists, for one whose calls, model and packing.rows are set. */
size_t rd_packed_memory(rd_packed_engine *d);

/* Of `count` rows from `first` on, those that are wanted: words of branches follow them. */
static inline int64_t rd_packed_wanted(const rd_packed_engine *d, int64_t first, int64_t count) {
  const int64_t left = d->packing.use_count - first;
  return left > count ? count : left > 0 ? left : 0;
}

#endif
