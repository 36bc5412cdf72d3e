/* SPDX-License-Identifier: MIT */
/* The CPU engine: the stack over packed needs, and proposals from chunks of logits. The two rows
 * of a pair are combined as they come, a first half kept over from one chunk to the next. */
#include "ahead.h"
#include "inspect.h"
#include "packed_engine.h"
#include "profile.h"

#include <math.h>
#include <string.h>

typedef struct cpu_engine {
  rd_packed_engine base;
  rd_stack *stack;
  int32_t *chunk_rows;   /* (rows) of the pass, of those of a chunk */
  rd_propose_row *draws; /* (rows) */
  float *half;           /* (V) the first of a pair */
  rd_ahead ahead;
  void *workspace;
} cpu_engine;

typedef struct cpu_lane {
  rd_lane base;
  rd_cache *cache;
} cpu_lane;

static void take(rd_packed_engine *self, rd_arena *a) {
  cpu_engine *d = (cpu_engine *)self;
  const int64_t V = self->model->config.vocab;
  d->chunk_rows = RD_TAKE(a, int32_t, self->packing.rows);
  d->draws = RD_TAKE(a, rd_propose_row, self->packing.rows);
  d->half = RD_TAKE(a, float, V);
  d->workspace = RD_TAKE(a, unsigned char, rd_propose_workspace(V));
  d->ahead.model = self->model;
  rd_ahead_take(&d->ahead, a, d->workspace);
}

/* --- logits ----------------------------------------------------------------------------------- */

/* Pairs become one row each, moved together at the front of the chunk; returns how many are left.
 */
static int64_t combine_pairs(cpu_engine *d, float *logits, int64_t first, int64_t count) {
  const rd_row_use *uses = d->base.packing.uses + first;
  int64_t V = d->base.model->config.vocab, kept = 0;
  size_t bytes = (size_t)V * sizeof *logits;
  for (int64_t i = 0; i < count; i++) {
    float *row = logits + i * V;
    if (uses[i].part == RD_USE_OF_PAIR) {
      memcpy(d->half, row, bytes);
      continue;
    }
    if (uses[i].part == RD_USE_AGAINST) {
      rd_propose_guide(d->half, row, rd_packing_pull(&d->base.packing, &uses[i]), V);
      memcpy(logits + kept * V, d->half, bytes);
    } else if (kept != i) {
      memcpy(logits + kept * V, row, bytes);
    }
    d->chunk_rows[kept] = d->base.packing.indices[first + i];
    d->base.chunk[kept++] = uses[i];
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

/* Is a row of the chunk to be told the word before it? */
static bool listens(const cpu_engine *d, int64_t row) {
  const rd_row_use *use = &d->base.chunk[row];
  return d->base.model->sampler_head && d->base.packing.needs[use->need].before &&
         use->part == RD_USE_ALONE;
}

static rd_code tell(cpu_engine *d, float *logits, int64_t row, rd_error *e) {
  const rd_model *m = d->base.model;
  const rd_need *need = &d->base.packing.needs[d->base.chunk[row].need];
  const int32_t word = need->before(need->context, d->base.chunk[row].index);
  const void *state =
      rd_at_const(d->stack->hidden, m->weights.type, d->chunk_rows[row] * m->config.width);
  return word < 0 ? RD_OK : rd_ahead_tell(&d->ahead, logits, state, word, e);
}

/* Proposals from logits (count, V) of a chunk's rows from `first` on. */
static rd_code propose_rows(cpu_engine *d, float *logits, int64_t first, int64_t count,
                            rd_error *e) {
  int64_t V = d->base.model->config.vocab;
  for (int64_t i = 0; i < count; i++) {
    const rd_wanted *w = rd_packing_wanted(&d->base.packing, &d->base.chunk[first + i]);
    d->draws[i] = w->draw;
    for (int64_t k = 0; k < d->base.model->wordless_count; k++)
      logits[i * V + d->base.model->wordless[k]] = -INFINITY;
    if (w->query)
      rd_query_row(w->query, logits + i * V, V);
    if (w->allowed)
      RD_TRY(forbid(logits + i * V, w, V, e));
  }
  rd_code code = rd_propose(d->base.proposals, logits, count, V, d->draws, d->workspace, e);
  if (code != RD_OK)
    return code == RD_NUMERIC ? rd_model_blame(d->base.model, e) : code;
  for (int64_t i = 0; i < count; i++) {
    const rd_row_use *use = &d->base.chunk[first + i];
    const rd_need *need = &d->base.packing.needs[use->need];
    *rd_packing_out(&d->base.packing, use) = d->base.proposals[i];
    if (need->see)
      need->see(need->context, use->index, logits + i * V, &d->base.proposals[i]);
  }
  return RD_OK;
}

/* Rows that are told of others wait for them; the rest goes together. */
static rd_code propose_chunk(cpu_engine *d, float *logits, int64_t count, rd_error *e) {
  const int64_t V = d->base.model->config.vocab;
  for (int64_t first = 0, n = 0; first < count; first += n) {
    if (listens(d, first))
      RD_TRY(tell(d, logits + first * V, first, e));
    for (n = 1; first + n < count && !listens(d, first + n);)
      n++;
    RD_TRY(propose_rows(d, logits + first * V, first, n, e));
  }
  rd_profile_lap("proposal");
  return RD_OK;
}

/* Runs of rows of one need go to the sink. */
static rd_code give_scores(cpu_engine *d, float *logits, int64_t count, rd_error *e) {
  int64_t V = d->base.model->config.vocab;
  for (int64_t first = 0, n = 0; first < count; first += n) {
    const rd_row_use *use = &d->base.chunk[first];
    n = rd_packing_together(use, count - first);
    RD_TRY(d->base.sink(d->base.context, use->need, use->index, n, logits + first * V, e));
  }
  return RD_OK;
}

/* Words of branches, which follow what was wanted. */
static rd_code look_ahead(cpu_engine *d, float *logits, int64_t first, int64_t count, rd_error *e) {
  const rd_packing *p = &d->base.packing;
  const rd_dtype type = d->base.model->weights.type;
  const int64_t D = d->base.model->config.width, V = d->base.model->config.vocab;
  for (int64_t i = 0; i < count; i++) {
    const void *state = rd_at_const(d->stack->hidden, type, p->indices[first + i] * D);
    RD_TRY(rd_ahead_row(&d->ahead, p, &p->uses[first + i], logits + i * V, state, e));
  }
  rd_profile_lap("branches");
  return RD_OK;
}

static rd_code use_chunk(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  cpu_engine *d = context;
  const int64_t wanted = rd_packed_wanted(&d->base, first, count), V = d->base.model->config.vocab;
  const int64_t kept = combine_pairs(d, logits, first, wanted);
  if (kept > 0)
    RD_TRY(d->base.sink ? give_scores(d, logits, kept, e) : propose_chunk(d, logits, kept, e));
  return wanted < count ? look_ahead(d, logits + wanted * V, first + wanted, count - wanted, e)
                        : RD_OK;
}

/* --- what is its own -------------------------------------------------------------------------- */

static rd_code use_logits(rd_packed_engine *self, int64_t rows, rd_error *e) {
  return rd_stack_logits(((cpu_engine *)self)->stack, self->packing.indices, rows, use_chunk, self,
                         e);
}

static rd_code give_state(rd_packed_engine *self, int64_t row, rd_error *e) {
  const int64_t D = self->model->config.width;
  const rd_dtype type = self->model->weights.type;
  (void)e;
  rd_cast(self->state, RD_F32, rd_at_const(((cpu_engine *)self)->stack->hidden, type, row * D),
          type, D);
  return RD_OK;
}

static rd_code run(rd_packed_engine *self, int64_t attention, rd_error *e) {
  const rd_packing *p = &self->packing;
  for (int64_t i = 0; i < p->sequence_count; i++)
    p->sequences[i].cache = p->lanes[i] ? ((const cpu_lane *)p->lanes[i])->cache : NULL;
  return rd_stack_run(((cpu_engine *)self)->stack, p->sequences, p->sequence_count, attention, e);
}

static rd_code lane_copy(rd_lane *to, const rd_lane *from, int64_t first, int64_t count,
                         rd_error *e) {
  (void)e;
  rd_cache_copy(((cpu_lane *)to)->cache, ((const cpu_lane *)from)->cache, first, count);
  return RD_OK;
}

static rd_code lane_open(rd_lane *lane, rd_error *e) {
  const rd_model *m = ((rd_packed_engine *)lane->engine)->model;
  return rd_cache_new(&((cpu_lane *)lane)->cache, &m->config, m->weights.type, lane->positions, e);
}

static void lane_close(rd_lane *lane) {
  rd_cache_free(&((cpu_lane *)lane)->cache);
}

static rd_code open_stack(rd_packed_engine *self, rd_error *e) {
  const rd_stack_sizes sizes = {.rows = self->packing.rows, .longest = self->packing.longest};
  return rd_stack_new(&((cpu_engine *)self)->stack, &self->model->config, &self->model->weights,
                      &sizes, e);
}

static void close_stack(rd_packed_engine *self) {
  rd_stack_free(&((cpu_engine *)self)->stack);
}

static const rd_packed_calls calls = {.size = sizeof(cpu_engine),
                                      .lane_size = sizeof(cpu_lane),
                                      .widens = true,
                                      .take = take,
                                      .open = open_stack,
                                      .close = close_stack,
                                      .lane_open = lane_open,
                                      .lane_close = lane_close,
                                      .lane_copy = lane_copy,
                                      .run = run,
                                      .give_state = give_state,
                                      .use_logits = use_logits};

rd_code rd_engine_cpu_open(rd_engine **out, const rd_model *model, int64_t rows, int64_t longest,
                           rd_error *e) {
  cpu_engine *d = rd_packed_new(&calls, model, rows, longest, e);
  return d ? rd_packed_open(out, &d->base, e) : RD_NO_MEMORY;
}

size_t rd_engine_cpu_memory(const rd_model *model, int64_t rows, int64_t longest) {
  cpu_engine d = {.base = {.calls = &calls, .model = model, .packing.rows = rows}};
  return rd_packed_memory(&d.base) +
         rd_stack_memory(&model->config, &model->weights,
                         &(rd_stack_sizes){.rows = rows, .longest = longest});
}
