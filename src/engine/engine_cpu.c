/* SPDX-License-Identifier: MIT */
/* The CPU engine: the stack over packed needs, and proposals from chunks of logits. The two rows
 * of a pair are combined as they come, a first half kept over from one chunk to the next. */
#include "ahead.h"
#include "arena.h"
#include "engine.h"
#include "inspect.h"
#include "packing.h"
#include "profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct cpu_engine {
  rd_engine base;
  const rd_model *model;
  rd_stack *stack;
  rd_arena arena;
  rd_packing packing;
  rd_row_use *chunk;      /* (rows) of a chunk, a pair as one */
  rd_propose_row *draws;  /* (rows) */
  rd_proposal *proposals; /* (rows) */
  float *half;            /* (V) the first of a pair */
  float *state;           /* (D) */
  rd_ahead ahead;
  void *workspace;
  /* of the call in progress */
  rd_scores_sink *sink;   /* NULL: proposals are made */
  rd_states_sink *states; /* or NULL: the head is not asked then */
  void *context;
} cpu_engine;

typedef struct cpu_lane {
  rd_lane base;
  rd_cache *cache;
} cpu_lane;

static void layout(cpu_engine *d, rd_arena *a) {
  size_t n = (size_t)d->packing.rows, V = (size_t)d->model->config.vocab;
  rd_packing_take(&d->packing, a);
  d->chunk = RD_TAKE(a, rd_row_use, n);
  d->draws = RD_TAKE(a, rd_propose_row, n);
  d->proposals = RD_TAKE(a, rd_proposal, n);
  d->half = RD_TAKE(a, float, V);
  d->state = RD_TAKE(a, float, (size_t)d->model->config.width);
  d->workspace = RD_TAKE(a, unsigned char, rd_propose_workspace((int64_t)V));
  d->ahead.model = d->model;
  rd_ahead_take(&d->ahead, a, d->workspace);
}

/* --- logits ----------------------------------------------------------------------------------- */

/* Pairs become one row each, moved together at the front of the chunk; returns how many are left.
 */
static int64_t combine_pairs(cpu_engine *d, float *logits, const rd_row_use *uses, int64_t count) {
  int64_t V = d->model->config.vocab, kept = 0;
  size_t bytes = (size_t)V * sizeof *logits;
  for (int64_t i = 0; i < count; i++) {
    float *row = logits + i * V;
    if (uses[i].part == RD_USE_OF_PAIR) {
      memcpy(d->half, row, bytes);
      continue;
    }
    if (uses[i].part == RD_USE_AGAINST) {
      rd_propose_guide(d->half, row, rd_packing_pull(&d->packing, &uses[i]), V);
      memcpy(logits + kept * V, d->half, bytes);
    } else if (kept != i) {
      memcpy(logits + kept * V, row, bytes);
    }
    d->chunk[kept++] = uses[i];
  }
  return kept;
}

/* Ids whose bit is not set cannot be chosen. */
static rd_code forbid(float *row, const rd_wanted *w, int64_t V, rd_error *e) {
  int64_t left = 0;
  for (int64_t v = 0; v < V; v++) {
    bool may = w->allowed[v / 64] >> (v % 64) & 1;
    left += may;
    row[v] = may ? row[v] : -INFINITY;
  }
  return left > 0
           ? RD_OK
           : rd_fail(e, RD_USAGE, "position %lld: no token is allowed", (long long)w->position);
}

static rd_code propose_chunk(cpu_engine *d, float *logits, int64_t count, rd_error *e) {
  int64_t V = d->model->config.vocab;
  for (int64_t i = 0; i < count; i++) {
    const rd_wanted *w = rd_packing_wanted(&d->packing, &d->chunk[i]);
    d->draws[i] = w->draw;
    for (int64_t k = 0; k < d->model->wordless_count; k++)
      logits[i * V + d->model->wordless[k]] = -INFINITY;
    if (w->query)
      rd_query_row(w->query, logits + i * V, V);
    if (w->allowed)
      RD_TRY(forbid(logits + i * V, w, V, e));
  }
  rd_code code = rd_propose(d->proposals, logits, count, V, d->draws, d->workspace, e);
  if (code != RD_OK)
    return code == RD_NUMERIC ? rd_model_blame(d->model, e) : code;
  for (int64_t i = 0; i < count; i++) {
    const rd_row_use *use = &d->chunk[i];
    const rd_need *need = &d->packing.needs[use->need];
    *rd_packing_out(&d->packing, use) = d->proposals[i];
    if (need->see)
      need->see(need->see_context, use->index, logits + i * V, &d->proposals[i]);
  }
  rd_profile_lap("proposal");
  return RD_OK;
}

/* Runs of rows of one need go to the sink. */
static rd_code give_scores(cpu_engine *d, float *logits, int64_t count, rd_error *e) {
  int64_t V = d->model->config.vocab;
  for (int64_t first = 0, n = 0; first < count; first += n) {
    const rd_row_use *use = &d->chunk[first];
    n = rd_packing_together(use, count - first);
    RD_TRY(d->sink(d->context, use->need, use->index, n, logits + first * V, e));
  }
  return RD_OK;
}

/* Words of branches, which follow what was wanted. */
static rd_code look_ahead(cpu_engine *d, float *logits, int64_t first, int64_t count, rd_error *e) {
  const rd_packing *p = &d->packing;
  const rd_dtype type = d->model->weights.type;
  const int64_t D = d->model->config.width, V = d->model->config.vocab;
  for (int64_t i = 0; i < count; i++) {
    const void *state = rd_at_const(d->stack->hidden, type, p->indices[first + i] * D);
    RD_TRY(rd_ahead_row(&d->ahead, p, &p->uses[first + i], logits + i * V, state, e));
  }
  rd_profile_lap("branches");
  return RD_OK;
}

static rd_code use_logits(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  cpu_engine *d = context;
  const int64_t left = d->packing.use_count - first, V = d->model->config.vocab;
  const int64_t wanted = left > count ? count : left > 0 ? left : 0;
  const int64_t kept = combine_pairs(d, logits, d->packing.uses + first, wanted);
  if (kept > 0)
    RD_TRY(d->sink ? give_scores(d, logits, kept, e) : propose_chunk(d, logits, kept, e));
  return wanted < count ? look_ahead(d, logits + wanted * V, first + wanted, count - wanted, e)
                        : RD_OK;
}

/* The rows that are used, before the head. */
static rd_code give_states(cpu_engine *d, rd_error *e) {
  int64_t D = d->model->config.width;
  rd_dtype type = d->model->weights.type;
  const rd_packing *p = &d->packing;
  for (int64_t i = 0; i < p->use_count; i++) {
    const void *row = rd_at_const(d->stack->hidden, type, p->indices[i] * D);
    rd_cast(d->state, RD_F32, row, type, D);
    RD_TRY(d->states(d->context, p->uses[i].need, p->uses[i].index, d->state, e));
  }
  return RD_OK;
}

/* --- passes ----------------------------------------------------------------------------------- */

static rd_code run_pass(void *context, int64_t attention, rd_error *e) {
  cpu_engine *d = context;
  const rd_packing *p = &d->packing;
  for (int64_t i = 0; i < p->sequence_count; i++)
    p->sequences[i].cache = p->lanes[i] ? ((const cpu_lane *)p->lanes[i])->cache : NULL;
  RD_TRY(rd_stack_run(d->stack, p->sequences, p->sequence_count, attention, e));
  const int64_t rows = p->use_count + (d->sink ? 0 : p->branch_rows);
  return d->states ? give_states(d, e)
                   : rd_stack_logits(d->stack, p->indices, rows, use_logits, d, e);
}

static rd_code copy_lane(rd_lane *to, const rd_lane *from, int64_t first, int64_t count,
                         rd_error *e) {
  (void)e;
  rd_cache_copy(((cpu_lane *)to)->cache, ((const cpu_lane *)from)->cache, first, count);
  return RD_OK;
}

static const rd_pass_runner runner = {run_pass, copy_lane};

static rd_code run(cpu_engine *d, const rd_need *needs, int64_t n, rd_scores_sink *sink,
                   rd_states_sink *states, void *context, rd_error *e) {
  d->sink = sink;
  d->states = states;
  d->context = context;
  return rd_packing_run(&d->packing, needs, n, &runner, d, e);
}

static rd_code scores(rd_engine *self, const rd_need *needs, int64_t n, rd_scores_sink *sink,
                      void *context, rd_error *e) {
  return run((cpu_engine *)self, needs, n, sink, NULL, context, e);
}

static rd_code states(rd_engine *self, const rd_need *needs, int64_t n, rd_states_sink *sink,
                      void *context, rd_error *e) {
  return run((cpu_engine *)self, needs, n, NULL, sink, context, e);
}

static rd_code propose(rd_engine *self, const rd_need *needs, int64_t n, rd_error *e) {
  return run((cpu_engine *)self, needs, n, NULL, NULL, NULL, e);
}

/* --- opening ---------------------------------------------------------------------------------- */

static void lane_close(rd_lane *lane) {
  cpu_lane *l = (cpu_lane *)lane;
  rd_cache_free(&l->cache);
  rd_lane_drop(lane);
  free(l);
}

static rd_code lane_open(rd_engine *self, rd_lane **out, int64_t positions, rd_error *e) {
  cpu_engine *d = (cpu_engine *)self;
  cpu_lane *l = rd_calloc(1, sizeof *l, "a lane", e);
  if (!l)
    return RD_NO_MEMORY;
  rd_code code = rd_lane_init(&l->base, self, positions, e);
  if (code == RD_OK)
    code = rd_cache_new(&l->cache, &d->model->config, d->model->weights.type, positions, e);
  if (code != RD_OK) {
    lane_close(&l->base);
    return code;
  }
  *out = &l->base;
  return RD_OK;
}

static void close_engine(rd_engine *self) {
  cpu_engine *d = (cpu_engine *)self;
  rd_stack_free(&d->stack);
  rd_arena_drop(&d->arena);
  free(d);
}

rd_code rd_engine_cpu_open(rd_engine **out, const rd_model *model, int64_t rows, int64_t longest,
                           rd_error *e) {
  int64_t positions = model->config.positions;
  if (positions > 0 && longest > positions) /* a guided need has two sequences of its length */
    longest = positions;
  cpu_engine *d = rd_calloc(1, sizeof *d, "an engine", e);
  if (!d)
    return RD_NO_MEMORY;
  d->base = (rd_engine){.propose = propose,
                        .scores = scores,
                        .states = states,
                        .lane_open = lane_open,
                        .lane_close = lane_close,
                        .close = close_engine};
  d->model = model;
  d->packing = (rd_packing){.model = model, .rows = rows, .longest = longest};
  rd_arena measure = rd_arena_measure();
  layout(d, &measure);
  rd_code code = rd_arena_init(&d->arena, measure.used, "proposals", e);
  if (code == RD_OK) {
    layout(d, &d->arena);
    code = rd_stack_new(&d->stack, &model->config, &model->weights,
                        &(rd_stack_sizes){.rows = rows, .longest = longest}, e);
  }
  if (code != RD_OK) {
    close_engine(&d->base);
    return code;
  }
  *out = &d->base;
  return RD_OK;
}

size_t rd_engine_cpu_memory(const rd_model *model, int64_t rows, int64_t longest) {
  cpu_engine d = {.model = model, .packing.rows = rows};
  rd_arena measure = rd_arena_measure();
  layout(&d, &measure);
  return measure.used + sizeof d +
         rd_stack_memory(&model->config, &model->weights,
                         &(rd_stack_sizes){.rows = rows, .longest = longest});
}
