/* SPDX-License-Identifier: MIT */
/* Needs packed into passes, for engines: which sequences a pass has, which of its rows are wanted,
 * and what a lane knows before and after it. What runs a pass is the engine's own.
 *
 *   rd_packing_take(&packing, arena);            // twice: to measure, and to place
 *   return rd_packing_run(&packing, needs, n, &runner, engine, e);
 */
#ifndef RD_PACKING_H
#define RD_PACKING_H

#include "arena.h"
#include "engine.h"
#include "stack.h"

/* What a wanted row of a pass is for. Guided needs have two for a position, one behind the other:
 * with the prompt and without; and so have drafts that the base reads: theirs and that of its
 * reading. */
typedef struct rd_row_use {
  int64_t need, index; /* wanted[index] of needs[need] */
  /* a pair's first half is what its second is held against */
  enum { RD_USE_ALONE, RD_USE_OF_PAIR, RD_USE_AGAINST } part;
} rd_row_use;

typedef struct rd_packing {
  const rd_model *model;
  int64_t rows, longest; /* of a pass; of a canvas */
  const rd_need *needs;  /* of the call in progress */
  /* the pass that is to be run */
  rd_sequence *sequences; /* (rows), without their caches */
  rd_lane **lanes;        /* (rows) of each sequence, or NULL */
  int64_t sequence_count;
  int32_t *indices; /* (2 rows) of the pass's rows that are wanted; some twice */
  rd_row_use *uses; /* (2 rows) of those */
  int64_t use_count;
  int64_t
      branch_rows; /* follow in both lists, need after need and branch after branch: all of them,
                      since which branch will count is not known. `index` counts them there */
} rd_packing;

/* What an engine does for it. */
typedef struct rd_pass_runner {
  /* Run the pass that is packed, and use the scores of its wanted rows. */
  rd_code (*run)(void *engine, int64_t attention, rd_error *e);
  /* A lane gets what another one of the same model knows of `count` positions from `first` on. */
  rd_code (*copy)(rd_lane *to, const rd_lane *from, int64_t first, int64_t count, rd_error *e);
} rd_pass_runner;

/* The lists of a packing whose model, rows and longest are set. */
void rd_packing_take(rd_packing *p, rd_arena *arena);
/* Check the needs, and run them in as many passes as it takes; attention is one kind a pass. */
rd_code rd_packing_run(rd_packing *p, const rd_need *needs, int64_t n, const rd_pass_runner *runner,
                       void *engine, rd_error *e);

static inline const rd_wanted *rd_packing_wanted(const rd_packing *p, const rd_row_use *use) {
  return &p->needs[use->need].wanted[use->index];
}
static inline rd_proposal *rd_packing_out(const rd_packing *p, const rd_row_use *use) {
  return &p->needs[use->need].out[use->index];
}

/* How far a pair's first half goes from its second: beyond itself where it is guided, part of the
 * way to itself where the base has its say. For rd_propose_guide. */
static inline double rd_packing_pull(const rd_packing *p, const rd_row_use *use) {
  const rd_need *need = &p->needs[use->need];
  return need->read ? -need->wanted[use->index].base_weight : need->guidance;
}

/* How many of uses (count), all of one need, can be given to a sink at once. */
static inline int64_t rd_packing_together(const rd_row_use *uses, int64_t count) {
  int64_t n = 0;
  while (n < count && uses[n].need == uses[0].need)
    n++;
  return n;
}

#endif
