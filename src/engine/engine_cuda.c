/* SPDX-License-Identifier: MIT */
/* The rows `cuda` and `emulated`: packed needs run by a device, from which proposals come back. The
 * two rows of a pair become one there. */
#include "ahead.h"
#include "device_stack.h"
#include "inspect.h"
#include "packed_engine.h"
#include "profile.h"

#include <math.h>
#include <stdlib.h>

typedef struct cuda_engine {
  rd_packed_engine base;
  rd_device *device;
  rd_device_stack *stack;
  rd_device_lane **lanes;    /* (rows) of a pass's sequences, or NULL */
  rd_device_choice *choices; /* (rows) of a chunk's rows */
  rd_device_told *told;      /* (rows) of words ahead */
  rd_device_pair *pairs;     /* (rows) */
  float *row;                /* (V) that somebody reads */
  float *logits;             /* (rows, V) for a sink; NULL until one asks */
} cuda_engine;

typedef struct cuda_lane {
  rd_lane base;
  rd_device_lane keys;
} cuda_lane;

static void take(rd_packed_engine *self, rd_arena *a) {
  cuda_engine *d = (cuda_engine *)self;
  const int64_t n = self->packing.rows;
  d->lanes = RD_TAKE(a, rd_device_lane *, n);
  d->choices = RD_TAKE(a, rd_device_choice, n);
  d->told = RD_TAKE(a, rd_device_told, n);
  d->pairs = RD_TAKE(a, rd_device_pair, n);
  d->row = RD_TAKE(a, float, self->model->config.vocab);
}

/* --- logits ----------------------------------------------------------------------------------- */

/* The rows of logits that count, a pair by its first: which may be held from the chunk before. */
static rd_code combine_pairs(cuda_engine *d, const rd_row_use *uses, int64_t count, int64_t *kept,
                             rd_error *e) {
  int64_t pairs = 0;
  *kept = 0;
  for (int64_t i = 0; i < count; i++) {
    const bool pair = uses[i].part == RD_USE_AGAINST;
    const int64_t half = i > 0 ? i - 1 : rd_device_stack_held(d->stack);
    if (uses[i].part == RD_USE_OF_PAIR)
      continue;
    if (pair)
      d->pairs[pairs++] = (rd_device_pair){(int32_t)half, (int32_t)i,
                                           (float)rd_packing_pull(&d->base.packing, &uses[i]) + 1};
    d->choices[*kept].row = pair ? half : i;
    d->base.chunk[(*kept)++] = uses[i];
  }
  return rd_device_stack_guide(d->stack, d->pairs, pairs, e);
}

static bool some_allowed(const rd_wanted *w, int64_t V) {
  for (int64_t v = 0; w->allowed && v < V; v += 64)
    if (V - v >= 64 ? w->allowed[v / 64] : w->allowed[v / 64] & (((uint64_t)1 << (V - v)) - 1))
      return true;
  return !w->allowed;
}

/* What is asked of a row before any choice is read here. */
static rd_code answer_query(cuda_engine *d, const rd_row_query *query, int64_t row, rd_error *e) {
  const rd_model *m = d->base.model;
  RD_TRY(rd_device_stack_fetch(d->stack, d->row, row, e));
  for (int64_t k = 0; k < m->wordless_count; k++)
    d->row[m->wordless[k]] = -INFINITY;
  rd_query_row(query, d->row, m->config.vocab);
  return RD_OK;
}

/* The row that a proposal was drawn from, to who wants to see it. */
static rd_code show_row(cuda_engine *d, const rd_row_use *use, const rd_device_choice *choice,
                        const rd_proposal *proposal, rd_error *e) {
  const rd_need *need = &d->base.packing.needs[use->need];
  if (!need->see)
    return RD_OK;
  RD_TRY(rd_device_stack_fetch(d->stack, d->row, choice->row, e));
  need->see(need->context, use->index, d->row, proposal);
  return RD_OK;
}

/* A proposal that came back. */
static rd_code take_proposal(const cuda_engine *d, rd_proposal *out, int64_t i, rd_error *e) {
  *out = d->base.proposals[i];
  if (out->id >= 0)
    return RD_OK;
  rd_propose_fail(&d->choices[i].draw, e);
  return rd_model_blame(d->base.model, e);
}

static rd_code propose_chunk(cuda_engine *d, int64_t count, rd_error *e) {
  for (int64_t i = 0; i < count; i++) {
    const rd_wanted *w = rd_packing_wanted(&d->base.packing, &d->base.chunk[i]);
    d->choices[i].draw = w->draw;
    d->choices[i].allowed = w->allowed;
    if (!some_allowed(w, d->base.model->config.vocab))
      return rd_fail(e, RD_USAGE, "position %lld: no token is allowed", (long long)w->position);
    if (w->query)
      RD_TRY(answer_query(d, w->query, d->choices[i].row, e));
  }
  RD_TRY(rd_device_stack_choose(d->stack, d->base.proposals, d->choices, count, e));
  for (int64_t i = 0; i < count; i++) {
    RD_TRY(take_proposal(d, rd_packing_out(&d->base.packing, &d->base.chunk[i]), i, e));
    RD_TRY(show_row(d, &d->base.chunk[i], &d->choices[i], &d->base.proposals[i], e));
  }
  rd_profile_lap("proposal");
  return RD_OK;
}

/* Words ahead that follow each other in one branch. */
static bool follows(const rd_row_use *a, const rd_row_use *b) {
  return a->need == b->need && a->index + 1 == b->index;
}

/* The word of row `row` of the logits, of a use that counts, joins those that are to be chosen. */
static void add_word(cuda_engine *d, int64_t n, const rd_row_use *use, int64_t row, int32_t state) {
  rd_device_told told = {.row = row, .state = state, .before = -1};
  for (int64_t i = 0; i < n; i++)
    if (follows(&d->base.chunk[i], use))
      told.before = (int32_t)i;
  told.word = told.before < 0 ? rd_ahead_before(&d->base.packing, use) : 0;
  d->base.chunk[n] = *use;
  d->told[n] = told;
  d->choices[n] = (rd_device_choice){.row = row, .draw = rd_ahead_draw(&d->base.packing, use)};
}

/* Words of branches, which follow what was wanted: the first of each branch that counts, then the
 * second of each, so that all that are told of others come behind these. Rows `at` .. at + count of
 * the logits are uses first .. first + count. */
static rd_code look_ahead(cuda_engine *d, int64_t at, int64_t first, int64_t count, rd_error *e) {
  const rd_packing *p = &d->base.packing;
  int64_t n = 0, most = 1;
  for (int64_t step = 0; step < most; step++)
    for (int64_t i = 0; i < count; i++) {
      const rd_row_use *use = &p->uses[first + i];
      const int64_t masks = p->needs[use->need].branches->masks;
      most = masks > most ? masks : most;
      if (rd_ahead_counts(p, use) && use->index % masks == step)
        add_word(d, n++, use, at + i, p->indices[first + i]);
    }
  RD_TRY(d->base.model->sampler_head && n > 0
             ? rd_device_stack_ahead(d->stack, d->base.proposals, d->choices, d->told, n, e)
             : rd_device_stack_choose(d->stack, d->base.proposals, d->choices, n, e));
  for (int64_t i = 0; i < n; i++)
    RD_TRY(take_proposal(d, rd_ahead_out(p, &d->base.chunk[i]), i, e));
  rd_profile_lap("branches");
  return RD_OK;
}

/* Runs of rows of one need go to the sink. */
static rd_code give_scores(cuda_engine *d, int64_t count, rd_error *e) {
  const int64_t V = d->base.model->config.vocab;
  for (int64_t first = 0, n = 0; first < count; first += n) {
    const rd_row_use *use = &d->base.chunk[first];
    n = rd_packing_together(use, count - first);
    for (int64_t i = 0; i < n; i++)
      RD_TRY(rd_device_stack_fetch(d->stack, d->logits + i * V, d->choices[first + i].row, e));
    RD_TRY(d->base.sink(d->base.context, use->need, use->index, n, d->logits, e));
  }
  return RD_OK;
}

/* Rows of logits of uses first .. first + count, which are what is wanted of needs. */
static rd_code use_wanted(cuda_engine *d, int64_t first, int64_t count, rd_error *e) {
  const rd_packing *p = &d->base.packing;
  int64_t kept = 0;
  if (count == 0)
    return RD_OK;
  RD_TRY(combine_pairs(d, p->uses + first, count, &kept, e));
  RD_TRY(d->base.sink ? give_scores(d, kept, e) : propose_chunk(d, kept, e));
  return p->uses[first + count - 1].part == RD_USE_OF_PAIR /* its other half is in the next */
           ? rd_device_stack_hold(d->stack, count - 1, e)
           : RD_OK;
}

/* --- what is its own -------------------------------------------------------------------------- */

static rd_code use_logits(rd_packed_engine *self, int64_t rows, rd_error *e) {
  cuda_engine *d = (cuda_engine *)self;
  const int32_t *indices = self->packing.indices;
  if (self->sink && !d->logits) {
    const size_t numbers = (size_t)(self->packing.rows * self->model->config.vocab);
    d->logits = rd_calloc(numbers, sizeof *d->logits, "scores of a pass", e);
    if (!d->logits)
      return RD_NO_MEMORY;
  }
  for (int64_t first = 0, n = 0; first < rows; first += n) {
    n = rd_device_stack_chunk(d->stack, indices + first, rows - first);
    RD_TRY(rd_device_stack_logits(d->stack, indices + first, n, e));
    const int64_t wanted = rd_packed_wanted(self, first, n);
    RD_TRY(use_wanted(d, first, wanted, e));
    if (wanted < n)
      RD_TRY(look_ahead(d, wanted, first + wanted, n - wanted, e));
  }
  return RD_OK;
}

static rd_code give_state(rd_packed_engine *self, int64_t row, rd_error *e) {
  return rd_device_stack_state(((cuda_engine *)self)->stack, self->state, row, e);
}

static rd_code run(rd_packed_engine *self, int64_t attention, rd_error *e) {
  cuda_engine *d = (cuda_engine *)self;
  const rd_packing *p = &self->packing;
  for (int64_t i = 0; i < p->sequence_count; i++)
    d->lanes[i] = p->lanes[i] ? &((cuda_lane *)p->lanes[i])->keys : NULL;
  return rd_device_stack_run(d->stack, p->sequences, d->lanes, p->sequence_count, attention, e);
}

static rd_code lane_copy(rd_lane *to, const rd_lane *from, int64_t first, int64_t count,
                         rd_error *e) {
  const cuda_engine *d = (const cuda_engine *)to->engine;
  return rd_device_lane_copy(&((cuda_lane *)to)->keys, &((const cuda_lane *)from)->keys, d->device,
                             d->base.model, first, count, e);
}

static rd_code lane_open(rd_lane *lane, rd_error *e) {
  const cuda_engine *d = (const cuda_engine *)lane->engine;
  return rd_device_lane_new(&((cuda_lane *)lane)->keys, d->device, d->base.model, lane->positions,
                            e);
}

static void lane_close(rd_lane *lane) {
  rd_device_lane_drop(&((cuda_lane *)lane)->keys, ((const cuda_engine *)lane->engine)->device);
}

static rd_code open_stack(rd_packed_engine *self, rd_error *e) {
  cuda_engine *d = (cuda_engine *)self;
  return rd_device_stack_new(&d->stack, d->device, self->model, self->packing.rows,
                             self->packing.longest, e);
}

static void close_stack(rd_packed_engine *self) {
  cuda_engine *d = (cuda_engine *)self;
  rd_device_stack_free(&d->stack);
  rd_device_close(&d->device);
  free(d->logits);
}

static const rd_packed_calls calls = {.size = sizeof(cuda_engine),
                                      .lane_size = sizeof(cuda_lane),
                                      .take = take,
                                      .open = open_stack,
                                      .close = close_stack,
                                      .lane_open = lane_open,
                                      .lane_close = lane_close,
                                      .lane_copy = lane_copy,
                                      .run = run,
                                      .give_state = give_state,
                                      .use_logits = use_logits};

/* An engine on a device, which it closes; also where it fails. */
static rd_code open_on(rd_engine **out, rd_device *device, const rd_model *model, int64_t rows,
                       int64_t longest, rd_error *e) {
  cuda_engine *d = rd_packed_new(&calls, model, rows, longest, e);
  if (!d) {
    rd_device_close(&device);
    return RD_NO_MEMORY;
  }
  d->device = device;
  return rd_packed_open(out, &d->base, e);
}

rd_code rd_engine_cuda_open(rd_engine **out, const rd_model *model, int64_t rows, int64_t longest,
                            rd_error *e) {
  rd_device *device = NULL;
  RD_TRY(rd_device_card(&device, e));
  return open_on(out, device, model, rows, longest, e);
}

rd_code rd_engine_emulated_open(rd_engine **out, const rd_model *model, int64_t rows,
                                int64_t longest, rd_error *e) {
  rd_device *device = NULL;
  RD_TRY(rd_device_host(&device, e));
  return open_on(out, device, model, rows, longest, e);
}

size_t rd_engine_cuda_memory(const rd_model *model, int64_t rows, int64_t longest) {
  cuda_engine d = {.base = {.calls = &calls, .model = model, .packing.rows = rows}};
  return rd_packed_memory(&d.base) + rd_device_stack_memory(model, rows, longest);
}
