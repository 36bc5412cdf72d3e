/* SPDX-License-Identifier: MIT */
/* The forward pass: embed, layers, final norm; then logits for chosen rows in chunks. One arena
 * holds all working memory: the layout function runs once to measure and once to place. */
#include "pass.h"

#include "cpu.h"
#include "layer.h"
#include "linear.h"
#include "ops.h"
#include "profile.h"
#include "rope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rd_cache {
  int64_t positions, row; /* rows of room; elements of a row */
  rd_dtype type;
  unsigned char *k, *v; /* (L, positions, K*hd) */
  rd_arena arena;
};

struct rd_pass {
  const rd_model *model;
  int64_t rows, longest, logits_rows;
  int64_t T;                    /* rows of the last run */
  float *x;                     /* (rows, D) the residual stream */
  void *hidden;                 /* (rows, D) after the final norm */
  void *gathered;               /* (logits_rows, D) */
  float *logits;                /* (logits_rows, V) */
  float *table_cos, *table_sin; /* (longest, hd/2) */
  int64_t known;                /* positions whose rows of the tables are filled */
  float *cosines, *sines;       /* (rows, hd/2) */
  int32_t *ids;                 /* (rows) */
  rd_span *spans;               /* (rows) */
  const rd_sequence *sequences; /* of the run in progress, some with a cache; else NULL */
  rd_layer_acts acts;
  rd_layer_context context;
  rd_arena arena;
};

static int64_t default_logits_rows(const rd_config *c) {
  int64_t rows = ((int64_t)1 << 24) / c->vocab; /* 64 MB of f32 */
  return rows < 16 ? 16 : rows > 256 ? 256 : rows;
}

static rd_attention attention_of(const rd_config *c, rd_dtype type) {
  int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
  return (rd_attention){.type = type,
                        .heads = c->heads,
                        .kv_heads = c->kv_heads,
                        .head_dim = c->head_dim,
                        .q_stride = q,
                        .k_stride = kv,
                        .v_stride = kv,
                        .o_stride = q,
                        .scale = 1.0f / sqrtf((float)c->head_dim)};
}

static void layout(rd_pass *p, rd_arena *arena) {
  const rd_model *m = p->model;
  const rd_config *c = &m->config;
  rd_dtype t = m->weights.type;
  size_t rows = (size_t)p->rows, D = (size_t)c->width, half = (size_t)c->head_dim / 2;
  p->x = RD_TAKE(arena, float, rows *D);
  p->hidden = rd_arena_take(arena, rows * D, rd_dtype_size(t));
  p->gathered = rd_arena_take(arena, (size_t)p->logits_rows * D, rd_dtype_size(t));
  p->logits = RD_TAKE(arena, float, (size_t)(p->logits_rows * c->vocab));
  p->table_cos = RD_TAKE(arena, float, (size_t)p->longest *half);
  p->table_sin = RD_TAKE(arena, float, (size_t)p->longest *half);
  p->cosines = RD_TAKE(arena, float, rows *half);
  p->sines = RD_TAKE(arena, float, rows *half);
  p->ids = RD_TAKE(arena, int32_t, rows);
  p->spans = RD_TAKE(arena, rd_span, rows);
  rd_layer_acts_take(&p->acts, arena, c, &m->weights, 0, p->rows, false);
  p->acts.x = p->acts.mid = p->acts.out = p->x;
  p->context.unrotated = rd_layer_unrotated_take(arena, c, t, p->rows);
  rd_attention a = attention_of(c, t);
  p->context.workspace =
      rd_arena_take(arena, rd_attention_workspace(&a, rd_threads_get(), p->longest), 1);
}

static void set_sizes(rd_pass *p, const rd_model *model, int64_t rows, int64_t longest,
                      int64_t logits_rows) {
  p->model = model;
  p->rows = rows;
  p->longest = longest;
  p->logits_rows = logits_rows > 0 ? logits_rows : default_logits_rows(&model->config);
  if (p->logits_rows > rows)
    p->logits_rows = rows;
}

size_t rd_pass_memory(const rd_model *model, int64_t rows, int64_t longest, int64_t logits_rows) {
  rd_pass p = {0};
  rd_arena measure = rd_arena_measure();
  set_sizes(&p, model, rows, longest, logits_rows);
  layout(&p, &measure);
  return measure.used;
}

rd_code rd_pass_new(rd_pass **out, const rd_model *model, int64_t rows, int64_t longest,
                    int64_t logits_rows, rd_error *e) {
  *out = NULL;
  if (rows < 1 || longest < 1)
    return rd_fail(e, RD_USAGE, "a pass over %lld rows makes no sense", (long long)rows);
  if (longest > model->config.positions)
    return rd_fail(e, RD_USAGE, "a window of %lld tokens: the model knows %lld positions",
                   (long long)longest, (long long)model->config.positions);
  rd_pass *p = rd_calloc(1, sizeof *p, "a pass", e);
  if (!p)
    return RD_NO_MEMORY;
  set_sizes(p, model, rows, longest, logits_rows);
  rd_code code = rd_arena_init(&p->arena, rd_pass_memory(model, rows, longest, logits_rows),
                               "the working memory of a pass", e);
  if (code != RD_OK) {
    free(p);
    return code;
  }
  layout(p, &p->arena);
  *out = p;
  return RD_OK;
}

void rd_pass_free(rd_pass **pass) {
  if (!pass || !*pass)
    return;
  rd_arena_drop(&(*pass)->arena);
  free(*pass);
  *pass = NULL;
}

rd_code rd_cache_new(rd_cache **out, const rd_model *model, int64_t positions, rd_error *e) {
  *out = NULL;
  rd_cache *cache = rd_calloc(1, sizeof *cache, "a key/value cache", e);
  if (!cache)
    return RD_NO_MEMORY;
  const rd_config *c = &model->config;
  cache->positions = positions;
  cache->row = c->kv_heads * c->head_dim;
  cache->type = model->weights.type;
  size_t half = (size_t)(c->layers * positions * cache->row) * rd_dtype_size(cache->type);
  rd_code code =
      rd_arena_init(&cache->arena, 2 * half + 2 * RD_ALIGNMENT, "the key/value cache", e);
  if (code != RD_OK) {
    free(cache);
    return code;
  }
  cache->k = rd_arena_take(&cache->arena, half, 1);
  cache->v = rd_arena_take(&cache->arena, half, 1);
  *out = cache;
  return RD_OK;
}

void rd_cache_free(rd_cache **cache) {
  if (!cache || !*cache)
    return;
  rd_arena_drop(&(*cache)->arena);
  free(*cache);
  *cache = NULL;
}

/* Attention with caches: what is fresh goes to its place, then every position is read from there.
 */
static rd_code attend_cached(void *owner, int64_t layer, const rd_layer_context *c,
                             const rd_layer_acts *a, rd_error *e) {
  rd_pass *p = owner;
  for (int64_t s = 0; s < c->attention.sequences; s++) {
    const rd_sequence *seq = &p->sequences[s];
    rd_cache *cache = seq->cache;
    rd_span *span = &p->spans[s];
    if (!cache)
      continue;
    size_t row = (size_t)cache->row * rd_dtype_size(cache->type);
    unsigned char *k = cache->k + (size_t)(layer * cache->positions) * row;
    unsigned char *v = cache->v + (size_t)(layer * cache->positions) * row;
    size_t from = (size_t)span->k * row, to = (size_t)seq->first * row;
    memcpy(k + to, (unsigned char *)a->k + from, (size_t)seq->count * row);
    memcpy(v + to, (unsigned char *)a->v + from, (size_t)seq->count * row);
    span->own_k = k;
    span->own_v = v;
  }
  return rd_attention_forward(&c->attention, a->att, NULL, a->q, a->k, a->v, c->workspace, e);
}

static int64_t length_of(const rd_sequence *seq) {
  return seq->cache ? seq->length : seq->count;
}

static rd_code check(const rd_pass *p, const rd_sequence *seq, int64_t at, rd_error *e) {
  const rd_config *c = &p->model->config;
  if (seq->count < 1 || at + seq->count > p->rows)
    return rd_fail(e, RD_USAGE, "a pass for %lld rows was given more", (long long)p->rows);
  int64_t end = seq->first + seq->count, length = length_of(seq);
  if (seq->first < 0 || length < end || length > p->longest || (seq->first > 0 && !seq->cache))
    return rd_fail(e, RD_USAGE, "a sequence reaches position %lld; this pass was made for %lld",
                   (long long)length, (long long)p->longest);
  if (seq->cache && length > seq->cache->positions)
    return rd_fail(e, RD_USAGE, "a sequence of %lld positions; its key/value cache holds %lld",
                   (long long)length, (long long)seq->cache->positions);
  for (int64_t i = 0; i < seq->count; i++)
    if (seq->ids[i] < 0 || seq->ids[i] >= c->vocab)
      return rd_fail(e, RD_BAD_INPUT, "token id %d is outside the vocabulary of %lld", seq->ids[i],
                     (long long)c->vocab);
  return RD_OK;
}

/* Fill the rotary tables as far as position `last`: a pass that could go far seldom does. */
static void extend_tables(rd_pass *p, int64_t last) {
  int64_t half = p->model->config.head_dim / 2;
  if (last <= p->known)
    return;
  rd_rope_tables(&p->model->config, p->known, last - p->known, p->table_cos + p->known * half,
                 p->table_sin + p->known * half);
  p->known = last;
}

/* Copy ids, spans and rotary rows of one sequence to its rows. */
static void place(rd_pass *p, const rd_sequence *seq, int64_t s, int64_t at) {
  int64_t half = p->model->config.head_dim / 2;
  memcpy(p->ids + at, seq->ids, (size_t)seq->count * sizeof *p->ids);
  p->spans[s] = (rd_span){
      .q = at, .queries = seq->count, .k = at, .keys = length_of(seq), .first = seq->first};
  size_t bytes = (size_t)(seq->count * half) * sizeof(float);
  extend_tables(p, seq->first + seq->count);
  memcpy(p->cosines + at * half, p->table_cos + seq->first * half, bytes);
  memcpy(p->sines + at * half, p->table_sin + seq->first * half, bytes);
}

rd_code rd_pass_run(rd_pass *p, const rd_sequence *sequences, int64_t n, int64_t block,
                    rd_error *e) {
  const rd_model *m = p->model;
  const rd_config *c = &m->config;
  bool cached = false;
  rd_profile_lap("between passes");
  int64_t T = 0;
  if (block < 0)
    block = c->block;
  for (int64_t s = 0; s < n; s++) {
    RD_TRY(check(p, &sequences[s], T, e));
    place(p, &sequences[s], s, T);
    cached = cached || sequences[s].cache;
    T += sequences[s].count;
  }
  p->T = T;
  p->sequences = sequences;
  rd_layer_context *context = &p->context;
  context->config = c;
  context->type = m->weights.type;
  context->T = T;
  context->cosines = p->cosines;
  context->sines = p->sines;
  context->attention = attention_of(c, m->weights.type);
  context->attention.block = block;
  context->attention.spans = p->spans;
  context->attention.sequences = n;
  rd_embed(p->x, m->weights.embedding.data, m->weights.type, p->ids, T, c->width);
  rd_profile_lap("embedding");
  for (int64_t l = 0; l < c->layers; l++)
    RD_TRY(rd_layer_forward(&m->weights.layers[l], l, context, &p->acts,
                            cached ? attend_cached : NULL, p, e));
  rd_rmsnorm(p->hidden, m->weights.type, NULL, p->x, m->weights.norm, T, c->width,
             (float)c->norm_eps);
  rd_profile_lap("norm");
  return RD_OK;
}

/* Rows of the last chunk, filled up: each number of rows is a product to prepare. */
enum { STEP = 16 };
static int64_t round_up(int64_t n) {
  return (n + STEP - 1) / STEP * STEP;
}

rd_code rd_pass_logits(rd_pass *p, const int32_t *rows, int64_t count, rd_logits_sink *sink,
                       void *context, rd_error *e) {
  const rd_config *c = &p->model->config;
  const rd_weights *w = &p->model->weights;
  size_t row_bytes = (size_t)c->width * rd_dtype_size(w->type);
  for (int64_t first = 0; first < count; first += p->logits_rows) {
    int64_t n = count - first < p->logits_rows ? count - first : p->logits_rows;
    for (int64_t i = 0; i < n; i++) {
      int32_t row = rows[first + i];
      if (row < 0 || row >= p->T)
        return rd_fail(e, RD_USAGE, "row %d is not among the %lld of the pass", row,
                       (long long)p->T);
      memcpy((unsigned char *)p->gathered + (size_t)i * row_bytes,
             (unsigned char *)p->hidden + (size_t)row * row_bytes, row_bytes);
    }
    int64_t m = n > STEP && round_up(n) <= p->logits_rows ? round_up(n) : n;
    memset((unsigned char *)p->gathered + (size_t)n * row_bytes, 0, (size_t)(m - n) * row_bytes);
    rd_input in = {.x = rd_mat_rows(p->gathered, w->type, m, c->width), .room = p->acts.room};
    RD_TRY(rd_linear_forward(&w->head, rd_mat_rows(p->logits, RD_F32, m, c->vocab), false, &in,
                             p->acts.lora.o, e));
    rd_profile_lap("head");
    RD_TRY(sink(context, p->logits, first, n, e));
  }
  return RD_OK;
}
