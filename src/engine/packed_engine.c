/* SPDX-License-Identifier: MIT */
/* A call is needs and where their rows go: one road for proposals, scores and states. */
#include "packed_engine.h"

#include <stdlib.h>
#include <string.h>

/* --- passes ----------------------------------------------------------------------------------- */

/* The rows that are used, before the head. */
static rd_code give_states(rd_packed_engine *d, rd_error *e) {
  const rd_packing *p = &d->packing;
  for (int64_t i = 0; i < p->use_count; i++) {
    RD_TRY(d->calls->give_state(d, p->indices[i], e));
    RD_TRY(d->states(d->context, p->uses[i].need, p->uses[i].index, d->state, e));
  }
  return RD_OK;
}

static rd_code run_pass(void *context, int64_t attention, rd_error *e) {
  rd_packed_engine *d = context;
  RD_TRY(d->calls->run(d, attention, e));
  if (d->states)
    return give_states(d, e);
  return d->calls->use_logits(d, d->packing.use_count + (d->sink ? 0 : d->packing.branch_rows), e);
}

static rd_code run(rd_engine *self, const rd_need *needs, int64_t n, rd_scores_sink *sink,
                   rd_states_sink *states, void *context, rd_error *e) {
  rd_packed_engine *d = (rd_packed_engine *)self;
  const rd_pass_runner runner = {run_pass, d->calls->lane_copy};
  d->sink = sink;
  d->states = states;
  d->context = context;
  return rd_packing_run(&d->packing, needs, n, &runner, d, e);
}

static rd_code scores(rd_engine *self, const rd_need *needs, int64_t n, rd_scores_sink *sink,
                      void *context, rd_error *e) {
  return run(self, needs, n, sink, NULL, context, e);
}

static rd_code states(rd_engine *self, const rd_need *needs, int64_t n, rd_states_sink *sink,
                      void *context, rd_error *e) {
  return run(self, needs, n, NULL, sink, context, e);
}

static rd_code propose(rd_engine *self, const rd_need *needs, int64_t n, rd_error *e) {
  return run(self, needs, n, NULL, NULL, NULL, e);
}

/* --- opening ---------------------------------------------------------------------------------- */

static void lane_close(rd_lane *lane) {
  ((rd_packed_engine *)lane->engine)->calls->lane_close(lane);
  rd_lane_drop(lane);
  free(lane);
}

static rd_code lane_open(rd_engine *self, rd_lane **out, int64_t positions, rd_error *e) {
  const rd_packed_calls *calls = ((rd_packed_engine *)self)->calls;
  rd_lane *lane = rd_calloc(1, calls->lane_size, "a lane", e);
  if (!lane)
    return RD_NO_MEMORY;
  rd_code code = rd_lane_init(lane, self, positions, e);
  lane->config = &((rd_packed_engine *)self)->model->config;
  if (code == RD_OK)
    code = calls->lane_open(lane, e);
  if (code == RD_OK)
    *out = lane;
  else
    lane_close(lane);
  return code;
}

static void close_engine(rd_engine *self) {
  rd_packed_engine *d = (rd_packed_engine *)self;
  d->calls->close(d);
  rd_arena_drop(&d->arena);
  free(d);
}

static void take(rd_packed_engine *d, rd_arena *a) {
  rd_packing_take(&d->packing, a);
  d->chunk = RD_TAKE(a, rd_row_use, d->packing.rows);
  d->proposals = RD_TAKE(a, rd_proposal, d->packing.rows);
  d->state = RD_TAKE(a, float, d->model->config.width);
  d->calls->take(d, a);
}

static size_t measure(rd_packed_engine *d) {
  rd_arena lists = rd_arena_measure();
  take(d, &lists);
  return lists.used;
}

/* Its own parts and the lists; nothing is left where one of them fails. */
static rd_code open_parts(rd_packed_engine *d, rd_error *e) {
  rd_code code = d->calls->open(d, e);
  if (code == RD_OK)
    code = rd_arena_init(&d->arena, measure(d), "proposals", e);
  if (code == RD_OK)
    take(d, &d->arena);
  else
    d->calls->close(d);
  return code;
}

/* A wider one is opened beside it, and takes its place. */
static rd_code widen(rd_engine *self, int64_t rows, rd_error *e) {
  rd_packed_engine *d = (rd_packed_engine *)self;
  const size_t size = d->calls->size;
  if (rows <= d->packing.rows)
    return RD_OK;
  rd_packed_engine *wide = rd_calloc(1, size, "an engine", e);
  if (!wide)
    return RD_NO_MEMORY;
  memcpy(wide, d, size);
  wide->packing.rows = rows;
  rd_code code = open_parts(wide, e);
  if (code == RD_OK) {
    d->calls->close(d);
    rd_arena_drop(&d->arena);
    memcpy(d, wide, size);
  }
  free(wide);
  return code;
}

/* A guided need has two sequences of its length; none of them is longer than the model goes. */
void *rd_packed_new(const rd_packed_calls *calls, const rd_model *model, int64_t rows,
                    int64_t longest, rd_error *e) {
  const int64_t positions = model->config.positions;
  rd_packed_engine *d = rd_calloc(1, calls->size, "an engine", e);
  if (!d)
    return NULL;
  d->base = (rd_engine){.propose = propose,
                        .scores = scores,
                        .states = states,
                        .lane_open = lane_open,
                        .lane_close = lane_close,
                        .widen = calls->widens ? widen : NULL,
                        .close = close_engine};
  d->calls = calls;
  d->model = model;
  d->packing = (rd_packing){.model = model,
                            .rows = rows,
                            .longest = positions > 0 && longest > positions ? positions : longest};
  return d;
}

rd_code rd_packed_open(rd_engine **out, rd_packed_engine *d, rd_error *e) {
  rd_code code = open_parts(d, e);
  if (code == RD_OK)
    *out = &d->base;
  else
    free(d);
  return code;
}

size_t rd_packed_memory(rd_packed_engine *d) {
  return d->calls->size + measure(d);
}
