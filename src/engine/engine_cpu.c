/* SPDX-License-Identifier: MIT */
/* The CPU engine: needs packed into passes, and proposals from chunks of logits. Attention is one
 * kind a pass, so needs of one kind go together. A guided need is two sequences whose wanted rows
 * alternate: with the prompt, without; and so are a draft's rows and the base's reading of it. Each
 * pair is combined as it comes, a first half kept over from one chunk to the next. */
#include "arena.h"
#include "engine.h"
#include "inspect.h"
#include "profile.h"
#include "stack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a row of logits is for. */
typedef struct row_use {
  int64_t need, index; /* wanted[index] of needs[need] */
  enum {
    ALONE,
    OF_PAIR,
    AGAINST
  } part; /* a pair's first half is what its second is held against */
} row_use;

typedef struct cpu_engine {
  rd_engine base;
  const rd_model *model;
  rd_stack *stack;
  rd_arena arena;
  int64_t rows, longest;
  rd_sequence *sequences; /* (rows) */
  int32_t *indices;       /* (rows) into the packed pass */
  row_use *uses;          /* (rows) of those indices */
  int64_t sequence_count, use_count;
  row_use *chunk;         /* (rows) of a chunk, a pair as one */
  rd_propose_row *draws;  /* (rows) */
  rd_proposal *proposals; /* (rows) */
  float *half;            /* (V) the first of a pair */
  float *state;           /* (D) */
  void *workspace;
  /* of the call in progress */
  const rd_need *needs;
  rd_scores_sink *sink;   /* NULL: proposals are made */
  rd_states_sink *states; /* or NULL: the head is not asked then */
  void *context;
} cpu_engine;

typedef struct cpu_lane {
  rd_lane base;
  rd_cache *cache;
} cpu_lane;

static void layout(cpu_engine *d, rd_arena *a) {
  size_t n = (size_t)d->rows, V = (size_t)d->model->config.vocab;
  d->sequences = RD_TAKE(a, rd_sequence, n);
  d->indices = RD_TAKE(a, int32_t, n);
  d->uses = RD_TAKE(a, row_use, n);
  d->chunk = RD_TAKE(a, row_use, n);
  d->draws = RD_TAKE(a, rd_propose_row, n);
  d->proposals = RD_TAKE(a, rd_proposal, n);
  d->half = RD_TAKE(a, float, V);
  d->state = RD_TAKE(a, float, (size_t)d->model->config.width);
  d->workspace = RD_TAKE(a, unsigned char, rd_propose_workspace((int64_t)V));
}

/* --- logits ----------------------------------------------------------------------------------- */

/* How far a pair's first half goes from its second: beyond itself where it is guided, part of the
 * way to itself where the base has its say. */
static double pull(const rd_need *need) {
  return need->read ? -need->base_weight : need->guidance;
}

/* Pairs become one row each, moved together at the front of the chunk; returns how many are left.
 */
static int64_t combine_pairs(cpu_engine *d, float *logits, const row_use *uses, int64_t count) {
  int64_t V = d->model->config.vocab, kept = 0;
  size_t bytes = (size_t)V * sizeof *logits;
  for (int64_t i = 0; i < count; i++) {
    float *row = logits + i * V;
    if (uses[i].part == OF_PAIR) {
      memcpy(d->half, row, bytes);
      continue;
    }
    if (uses[i].part == AGAINST) {
      rd_propose_guide(d->half, row, pull(&d->needs[uses[i].need]), V);
      memcpy(logits + kept * V, d->half, bytes);
    } else if (kept != i) {
      memcpy(logits + kept * V, row, bytes);
    }
    d->chunk[kept++] = uses[i];
  }
  return kept;
}

static const rd_wanted *wanted_of(const cpu_engine *d, const row_use *use) {
  return &d->needs[use->need].wanted[use->index];
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
    const rd_wanted *w = wanted_of(d, &d->chunk[i]);
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
    const rd_need *need = &d->needs[d->chunk[i].need];
    need->out[d->chunk[i].index] = d->proposals[i];
    if (need->see)
      need->see(need->see_context, d->chunk[i].index, logits + i * V, &d->proposals[i]);
  }
  rd_profile_lap("proposal");
  return RD_OK;
}

/* Runs of rows of one need go to the sink. */
static rd_code give_scores(cpu_engine *d, float *logits, int64_t count, rd_error *e) {
  int64_t V = d->model->config.vocab;
  for (int64_t first = 0, end = 0; first < count; first = end) {
    while (end < count && d->chunk[end].need == d->chunk[first].need)
      end++;
    RD_TRY(d->sink(d->context, d->chunk[first].need, d->chunk[first].index, end - first,
                   logits + first * V, e));
  }
  return RD_OK;
}

static rd_code use_logits(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  cpu_engine *d = context;
  int64_t kept = combine_pairs(d, logits, d->uses + first, count);
  return d->sink ? give_scores(d, logits, kept, e) : propose_chunk(d, logits, kept, e);
}

/* The rows that are used, before the head. */
static rd_code give_states(cpu_engine *d, rd_error *e) {
  int64_t D = d->model->config.width;
  rd_dtype type = d->model->weights.type;
  for (int64_t i = 0; i < d->use_count; i++) {
    const void *row = rd_at_const(d->stack->hidden, type, d->indices[i] * D);
    rd_cast(d->state, RD_F32, row, type, D);
    RD_TRY(d->states(d->context, d->uses[i].need, d->uses[i].index, d->state, e));
  }
  return RD_OK;
}

/* --- passes ----------------------------------------------------------------------------------- */

/* The positions of a need on one side of its gate. */
typedef struct side {
  int64_t first, end;
  bool clean;
} side;

static side side_of(const rd_need *need, bool clean) {
  int64_t gate = rd_need_clean(need);
  return clean ? (side){need->first, gate, true} : (side){gate, need->end, false};
}

static void add_sequence(cpu_engine *d, const rd_need *need, side s, const int32_t *canvas,
                         const rd_lane *lane) {
  d->sequences[d->sequence_count++] =
      (rd_sequence){.ids = canvas + s.first,
                    .count = s.end - s.first,
                    .first = s.first,
                    .cache = lane ? ((const cpu_lane *)lane)->cache : NULL,
                    .length = rd_need_sees(need, s.end - 1),
                    .origin = need->origin,
                    .led = need->led,
                    .clean = s.clean};
}

/* The rows of a side over one of the need's canvases, as one sequence: or, from `stepwise` on, as
 * some of so few rows that attention goes through them one by one. */
static void add_side(cpu_engine *d, const rd_need *need, side s, const int32_t *canvas,
                     const rd_lane *lane) {
  bool looks_back = s.clean || need->attention == RD_CAUSAL;
  int64_t few = need->stepwise > 0 && looks_back ? need->stepwise : s.end;
  for (side part = s; part.first < s.end; part.first = part.end) {
    part.end = part.first < few ? few : part.first + RD_ATTENTION_FEW;
    part.end = part.end < s.end ? part.end : s.end;
    add_sequence(d, need, part, canvas, lane);
  }
}

/* What the base reads is as clean as a prompt, and no longer than what it reads. */
static void add_read(cpu_engine *d, const rd_need *need) {
  d->sequences[d->sequence_count++] =
      (rd_sequence){.ids = need->read + need->read_first,
                    .count = need->read_end - need->read_first,
                    .first = need->read_first,
                    .cache = ((const cpu_lane *)need->read_lane)->cache,
                    .length = need->read_end,
                    .clean = true};
}

/* What a draft's lane does not know of what comes before the rows that the base reads. */
static void copy_known(const rd_need *need) {
  int64_t first = rd_lane_changed(need->read_lane, need->read, need->read_first);
  int64_t count = need->read_first - first;
  if (count == 0)
    return;
  rd_cache_copy(((cpu_lane *)need->read_lane)->cache, ((const cpu_lane *)need->lane)->cache, first,
                count);
  memcpy(need->read_lane->ids + first, need->read + first, (size_t)count * sizeof *need->read);
}

static int64_t rows_read(const rd_need *need) {
  return need->read ? need->read_end - need->read_first : 0;
}

/* Sequences of one side of a need; returns their rows. What the base reads is of the clean one, and
 * comes last. */
static int64_t pack_side(cpu_engine *d, const rd_need *need, bool clean) {
  side s = side_of(need, clean);
  add_side(d, need, s, need->canvas, need->lane);
  if (need->unguided)
    add_side(d, need, s, need->unguided, need->unguided_lane);
  if (clean && need->read) {
    copy_known(need);
    add_read(d, need);
  }
  return (s.end - s.first) * (need->unguided ? 2 : 1) + (clean ? rows_read(need) : 0);
}

static void want_row(cpu_engine *d, int64_t row, row_use use) {
  d->indices[d->use_count] = (int32_t)row;
  d->uses[d->use_count++] = use;
}

/* Wanted rows of needs[number], whose sides begin at rows at[0] (clean) and at[1]: one after the
 * other, since what is wanted rises. */
static void pack_wanted(cpu_engine *d, int64_t number, const int64_t at[2], const int64_t rows[2]) {
  const rd_need *need = &d->needs[number];
  int64_t gate = need->first + rows[0], read = at[0] + rows[0] - need->read_first;
  for (int64_t i = 0; i < need->count; i++) {
    int64_t position = rd_wanted_row(need, i), behind = position >= gate;
    int64_t row = at[behind] + position - (behind ? gate : need->first);
    bool reads = rd_need_reads(need, i), paired = need->unguided || reads;
    want_row(d, row, (row_use){number, i, paired ? OF_PAIR : ALONE});
    if (paired)
      want_row(d, reads ? read + need->wanted[i].position - 1 : row + rows[behind],
               (row_use){number, i, AGAINST});
  }
}

/* needs[first .. end) of a kind of attention: clean sides first. */
static void pack(cpu_engine *d, int64_t first, int64_t end, int64_t attention) {
  int64_t at[2] = {0};
  d->sequence_count = d->use_count = 0;
  for (int behind = 0; behind < 2; behind++)
    for (int64_t i = first; i < end; i++)
      if (d->needs[i].attention == attention)
        at[1] += pack_side(d, &d->needs[i], !behind) * !behind;
  for (int64_t i = first; i < end; i++) {
    const rd_need *need = &d->needs[i];
    if (need->attention != attention)
      continue;
    side clean = side_of(need, true), rest = side_of(need, false);
    const int64_t rows[2] = {clean.end - clean.first, rest.end - rest.first};
    pack_wanted(d, i, at, rows);
    rd_need_forget(need);
    for (int behind = 0; behind < 2; behind++)
      at[behind] += rows[behind] * (need->unguided ? 2 : 1) + (behind ? 0 : rows_read(need));
  }
}

/* A product of a shape not met before costs a millisecond to prepare, and drafts of many lengths
 * come and go: passes over several are filled up to one of a few sizes in each doubling. */
static void pad(cpu_engine *d, int64_t rows) {
  enum { LEAST = 16, MOST = 256 };
  static const int32_t filler[MOST] = {0};
  int64_t step = LEAST;
  while (step < MOST && 16 * step <= rows)
    step *= 2;
  int64_t lacking = (step - rows % step) % step;
  if (lacking > 0 && lacking <= d->rows - rows && lacking <= d->longest)
    d->sequences[d->sequence_count++] = (rd_sequence){.ids = filler, .count = lacking};
}

/* One pass over needs[first..) of a kind, as many as fit; *next is the first one left. */
static rd_code run_pass(cpu_engine *d, int64_t n, int64_t first, int64_t *next, rd_error *e) {
  int64_t attention = d->needs[first].attention;
  int64_t rows = 0, end = first;
  for (; end < n; end++) {
    if (d->needs[end].attention != attention)
      continue;
    if (rd_need_rows(&d->needs[end]) > d->rows - rows)
      break;
    rows += rd_need_rows(&d->needs[end]);
  }
  if (rows == 0)
    return rd_fail(e, RD_USAGE, "%lld positions do not fit in a pass of %lld",
                   (long long)rd_need_rows(&d->needs[first]), (long long)d->rows);
  pack(d, first, end, attention);
  if (d->sequence_count > 1 && attention != RD_CAUSAL)
    pad(d, rows);
  RD_TRY(rd_stack_run(d->stack, d->sequences, d->sequence_count, attention, e));
  RD_TRY(d->states ? give_states(d, e)
                   : rd_stack_logits(d->stack, d->indices, d->use_count, use_logits, d, e));
  for (int64_t i = first; i < end; i++)
    if (d->needs[i].attention == attention)
      rd_need_keep(&d->needs[i]);
  *next = end;
  return RD_OK;
}

/* The next larger kind of attention among the needs; INT64_MAX: there is none. */
static int64_t next_kind(const rd_need *needs, int64_t n, int64_t after) {
  int64_t kind = INT64_MAX;
  for (int64_t i = 0; i < n; i++)
    if (needs[i].attention > after && needs[i].attention < kind)
      kind = needs[i].attention;
  return kind;
}

/* All needs, in passes of one kind of attention each. */
static rd_code run(cpu_engine *d, const rd_need *needs, int64_t n, rd_scores_sink *sink,
                   rd_states_sink *states, void *context, rd_error *e) {
  d->needs = needs;
  d->sink = sink;
  d->states = states;
  d->context = context;
  for (int64_t i = 0; i < n; i++)
    RD_TRY(rd_need_check(&needs[i], d->model, d->longest, e));
  for (int64_t kind = -1; (kind = next_kind(needs, n, kind)) < INT64_MAX;)
    for (int64_t at = 0; at < n;)
      if (needs[at].attention != kind)
        at++;
      else
        RD_TRY(run_pass(d, n, at, &at, e));
  return RD_OK;
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
  d->rows = rows;
  d->longest = longest;
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
  cpu_engine d = {.model = model, .rows = rows};
  rd_arena measure = rd_arena_measure();
  layout(&d, &measure);
  return measure.used + sizeof d +
         rd_stack_memory(&model->config, &model->weights,
                         &(rd_stack_sizes){.rows = rows, .longest = longest});
}
