/* SPDX-License-Identifier: MIT */
/* One generation as a state machine: it says what the next pass must compute, takes the proposals,
 * moves on, and tells its observer. rd_draft_run is the loop around one; a server runs many,
 * packing what they need into one pass. Nothing is allocated between rd_draft_new and the end. */
#ifndef RD_DRAFT_H
#define RD_DRAFT_H

#include "draft_setup.h"

#include <stdatomic.h>

/* Emits start and the initial noise. RD_USAGE: no mask token, nothing to write, iterations fewer
 * than blocks, a reuse that does not fit. RD_BAD_INPUT: ids outside the vocabulary. An observer's
 * refusal is returned. */
rd_code rd_draft_new(rd_draft **out, const rd_draft_setup *setup, rd_error *e);
void rd_draft_free(rd_draft **draft);
/* Rows that a pass for this draft takes at most (guided ones twice their canvas, those that the
 * base reads once more their answer). */
int64_t rd_draft_rows(const rd_draft *draft);
/* Those that it takes until its canvas grows (--room), rounded up. */
int64_t rd_draft_rows_now(const rd_draft *draft);
/* The seed in use. */
uint64_t rd_draft_seed(const rd_draft *draft);
/* Open the lanes that the draft's reuse needs, once; without them everything is computed at every
 * pass. They are closed with the draft, which must go before the engine. */
rd_code rd_draft_open_lanes(rd_draft *draft, rd_engine *engine, rd_error *e);

/* Is what it keeps of a canvas good for the next one too? Where rows are the base's own and look
 * back, all that a lane knows is a function of the ids before. */
bool rd_draft_keeps(const rd_draft *draft);
/* Use a lane that may know something already and stays the caller's, before the first pass. Returns
 * how many rows of the prompt the next one may begin with: all, or none where they are so few that
 * attention goes through them one by one. */
int64_t rd_draft_lend_lane(rd_draft *draft, rd_lane *lane);

/* What the next pass must compute; false: done. Stays valid until rd_draft_advance. */
bool rd_draft_need(rd_draft *draft, rd_need *need);
/* The needed proposals are filled in: move on. Emits draft, then noise or done. */
rd_code rd_draft_advance(rd_draft *draft, rd_error *e);
/* Stop before the next pass: emits done, marked `why` ("cancelled", "deadline"). */
rd_code rd_draft_stop(rd_draft *draft, const char *why, rd_error *e);

/* Why a draft is the last one: the first row that is due, in the order of importance. */
typedef struct rd_stop {
  const char *name, *reason;                     /* the reason is what the event `done` says */
  bool (*due)(const rd_draft *draft, bool late); /* late: the deadline is over */
} rd_stop;

extern const rd_stop rd_stops[];
extern const size_t rd_stop_count;

typedef struct rd_draft_result {
  const int32_t *region; /* (count) the last draft */
  int64_t count, most;   /* places; those of them that the answer may have */
  const int32_t *answer; /* (tokens) what stands before the first EOS, trailing masks stripped */
  int64_t tokens, iterations, passes;
  const char *stopped; /* NULL: not done */
  double seconds;
  bool converged;      /* as in rd_event */
  const char *warning; /* as in rd_event; NULL before it is done */
} rd_draft_result;
/* The result so far. Pointers live as long as the draft. */
rd_draft_result rd_draft_so_far(const rd_draft *draft);
/* The answer's text so far: new string, NULL when memory is out. */
char *rd_draft_text(const rd_draft *draft);

/* The loop for one draft, lanes opened first. `cancelled` (or NULL) is looked at before every pass.
 * RD_CANCELLED when it was set; the result is then the last draft. */
rd_code rd_draft_run(rd_draft *draft, rd_engine *engine, atomic_int *cancelled, rd_error *e);

#endif
