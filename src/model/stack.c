/* SPDX-License-Identifier: MIT */
/* Embed, layers, final norm; then logits for chosen rows in chunks. One arena holds all working
 * memory: the layout function runs once to measure and once to place. */
#include "stack.h"

#include "cpu.h"
#include "linear.h"
#include "ops.h"
#include "profile.h"

#include <stdlib.h>
#include <string.h>

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
                        .scale = (float)rd_config_attention_scale(c),
                        .cap = (float)c->attention_cap};
}

/* Activations: of all layers, of one that serves all, or of one with an input for each. */
static void take_acts(rd_stack *s, rd_arena *arena) {
  const rd_config *c = s->config;
  bool keep = s->sizes.keep != RD_STACK_NOTHING, all = s->sizes.keep == RD_STACK_ALL;
  rd_layer_acts shared = {0}, measured = {0};
  s->acts = RD_TAKE(arena, rd_layer_acts, keep ? c->layers : 1);
  for (int64_t l = 0; l < (keep ? c->layers : 1); l++) {
    rd_layer_acts *a = arena->base ? &s->acts[l] : &measured;
    if (all || l == 0) {
      rd_layer_acts_take(a, arena, c, s->weights, l, s->sizes.rows, keep, NULL);
      shared = *a;
    } else {
      *a = shared;
      a->x = RD_TAKE(arena, float, s->sizes.rows * c->width);
    }
  }
}

static void layout(rd_stack *s, rd_arena *arena) {
  const rd_config *c = s->config;
  rd_dtype t = s->weights->type;
  size_t element = rd_dtype_size(t), D = (size_t)c->width;
  size_t rows = (size_t)s->sizes.rows, chunk = (size_t)s->sizes.chunk;
  s->ids = RD_TAKE(arena, int32_t, rows);
  s->spans = RD_TAKE(arena, rd_span, rows);
  take_acts(s, arena);
  s->x = RD_TAKE(arena, float, rows * D);
  s->rstd = s->sizes.keep ? RD_TAKE(arena, float, rows) : NULL;
  s->hidden = rd_arena_take(arena, rows * D, element);
  s->gathered = rd_arena_take(arena, chunk * D, element);
  s->logits = RD_TAKE(arena, float, chunk * (size_t)c->vocab);
  s->head_mid = rd_arena_take(arena, chunk * (size_t)s->weights->head.a.rows, element);
  rd_angles_take(&s->angles[0], arena, &c->rope, rd_config_turned(c), s->sizes.longest,
                 s->sizes.rows);
  s->angles[1] = s->angles[0];
  if (c->has_local_rope)
    rd_angles_take(&s->angles[1], arena, &c->local_rope, rd_config_turned(c), s->sizes.longest,
                   s->sizes.rows);
  s->context = (rd_layer_context){
      .config = c, .type = t, .angles = s->angles, .attention = attention_of(c, t)};
  s->context.normed = c->post_norms ? RD_TAKE(arena, float, rows * D) : NULL;
  s->context.attention.spans = s->spans;
  s->context.unrotated = rd_layer_unrotated_take(arena, c, t, s->sizes.rows);
  s->context.workspace = rd_arena_take(
      arena, rd_attention_workspace(&s->context.attention, rd_threads_get(), s->sizes.longest), 1);
}

/* A layer's result is the next layer's input; where nothing is kept all is one stream. */
static void connect(rd_stack *s) {
  int64_t layers = s->config->layers;
  if (s->sizes.keep == RD_STACK_NOTHING)
    s->acts->x = s->acts->mid = s->acts->out = s->x;
  for (int64_t l = 0; l < layers && s->sizes.keep != RD_STACK_NOTHING; l++)
    s->acts[l].out = l + 1 < layers ? s->acts[l + 1].x : s->x;
}

static rd_stack stack_of(const rd_config *config, const rd_weights *weights,
                         const rd_stack_sizes *sizes) {
  rd_stack s = {.config = config, .weights = weights, .sizes = *sizes};
  int64_t chunk = ((int64_t)1 << 24) / config->vocab; /* 64 MB of f32 */
  chunk = chunk < 16 ? 16 : chunk > 256 ? 256 : chunk;
  chunk = sizes->chunk > 0 ? sizes->chunk : chunk;
  s.sizes.chunk = chunk < sizes->rows ? chunk : sizes->rows;
  return s;
}

size_t rd_stack_memory(const rd_config *config, const rd_weights *weights,
                       const rd_stack_sizes *sizes) {
  rd_stack s = stack_of(config, weights, sizes);
  rd_arena measure = rd_arena_measure();
  layout(&s, &measure);
  return measure.used;
}

rd_code rd_stack_new(rd_stack **out, const rd_config *config, const rd_weights *weights,
                     const rd_stack_sizes *sizes, rd_error *e) {
  *out = NULL;
  if (sizes->rows < 1 || sizes->longest < 1)
    return rd_fail(e, RD_USAGE, "a pass over %lld rows makes no sense", (long long)sizes->rows);
  if (sizes->longest > config->positions)
    return rd_fail(e, RD_USAGE, "a window of %lld tokens: the model knows %lld positions",
                   (long long)sizes->longest, (long long)config->positions);
  rd_stack *s = rd_calloc(1, sizeof *s, "a pass", e);
  if (!s)
    return RD_NO_MEMORY;
  *s = stack_of(config, weights, sizes);
  rd_code code = rd_arena_init(&s->arena, rd_stack_memory(config, weights, sizes),
                               "the working memory of a pass", e);
  if (code != RD_OK) {
    free(s);
    return code;
  }
  layout(s, &s->arena);
  connect(s);
  *out = s;
  return RD_OK;
}

void rd_stack_free(rd_stack **stack) {
  if (!stack || !*stack)
    return;
  rd_arena_drop(&(*stack)->arena);
  free(*stack);
  *stack = NULL;
}

/* Keys and values of a sequence of the pass go to their places. */
static void put(const rd_stack *s, int64_t i, int64_t l, const rd_layer_acts *a) {
  const rd_sequence *seq = &s->sequences[i];
  const int64_t from = s->spans[i].k * seq->cache->row;
  rd_cache_put(seq->cache, l, seq->first, seq->count, rd_at(a->k, s->context.type, from),
               rd_at(a->v, s->context.type, from));
}

/* Branches of one cache stand at positions that overlap one another, and what is clean there, so
 * that each has the cache to itself for a moment: the last one first, since what an earlier one
 * sees lies before all that later ones have overwritten. Then what is clean is put back. */
static rd_code attend_branches(const rd_stack *s, const rd_layer_context *c, int64_t l,
                               const rd_layer_acts *a, rd_error *e) {
  const int64_t first = c->attention.sequences - s->branches;
  rd_attention one = rd_layer_attention(c, l);
  one.block = 0;
  one.sequences = 1;
  for (int64_t i = c->attention.sequences; i-- > first;) {
    put(s, i, l, a);
    one.spans = &s->spans[i];
    RD_TRY(rd_attention_forward(&one, a->att, a->lse, a->q, a->k, a->v, c->workspace, e));
  }
  for (int64_t i = 0; i < first && s->branches > 0; i++)
    if (s->sequences[i].cache)
      put(s, i, l, a);
  return RD_OK;
}

/* Clean sequences look back; the others as the pass was asked; branches come last. */
static rd_code attend_halves(const rd_stack *s, const rd_layer_context *c, int64_t l,
                             const rd_layer_acts *a, rd_error *e) {
  rd_attention clean = rd_layer_attention(c, l), rest = clean;
  clean.block = 1;
  clean.sequences = s->clean;
  rest.spans += s->clean;
  rest.sequences -= s->clean + s->branches;
  if (clean.sequences > 0)
    RD_TRY(rd_attention_forward(&clean, a->att, a->lse, a->q, a->k, a->v, c->workspace, e));
  if (rest.sequences > 0)
    RD_TRY(rd_attention_forward(&rest, a->att, a->lse, a->q, a->k, a->v, c->workspace, e));
  return attend_branches(s, c, l, a, e);
}

/* Attention with caches: what is fresh goes to its place, then every position is read from there.
 */
static rd_code attend_cached(void *owner, int64_t l, const rd_layer_context *c,
                             const rd_layer_acts *a, rd_error *e) {
  rd_stack *s = owner;
  for (int64_t i = 0; i < c->attention.sequences; i++) {
    const rd_sequence *seq = &s->sequences[i];
    rd_span *span = &s->spans[i];
    if (!seq->cache)
      continue;
    if (!seq->branch)
      put(s, i, l, a);
    span->own_k = rd_cache_layer(seq->cache, seq->cache->k, l);
    span->own_v = rd_cache_layer(seq->cache, seq->cache->v, l);
  }
  return attend_halves(s, c, l, a, e);
}

static rd_code attend_recorded(void *owner, int64_t l, const rd_layer_context *c,
                               const rd_layer_acts *a, rd_error *e) {
  const rd_stack *s = owner;
  const rd_attention attention = rd_layer_attention(c, l);
  rd_past_keep(s->record, l, c->T, a->k, a->v);
  return rd_attention_forward(&attention, a->att, a->lse, a->q, a->k, a->v, c->workspace, e);
}

static rd_code attend_past(void *owner, int64_t l, const rd_layer_context *c,
                           const rd_layer_acts *a, rd_error *e) {
  (void)owner;
  c->past->layer = l;
  return rd_past_forward(c->past, c, a, e);
}

static int64_t length_of(const rd_sequence *seq) {
  return seq->cache ? seq->length : seq->first + seq->count;
}

rd_code rd_sequence_check(const rd_sequence *seq, const rd_config *c, int64_t at, int64_t rows,
                          rd_error *e) {
  if (seq->count < 1 || at + seq->count > rows)
    return rd_fail(e, RD_USAGE, "a pass for %lld rows was given more", (long long)rows);
  for (int64_t i = 0; i < seq->count; i++)
    if (seq->ids[i] < 0 || seq->ids[i] >= c->vocab)
      return rd_fail(e, RD_BAD_INPUT, "token id %d is outside the vocabulary of %lld", seq->ids[i],
                     (long long)c->vocab);
  return RD_OK;
}

static rd_code check(const rd_stack *s, const rd_sequence *seq, int64_t at, rd_error *e) {
  int64_t end = seq->first + seq->count, length = length_of(seq);
  RD_TRY(rd_sequence_check(seq, s->config, at, s->sizes.rows, e));
  if (seq->first < 0 || length < end || length > s->sizes.longest ||
      (seq->first > 0 && !seq->cache && !s->context.past))
    return rd_fail(e, RD_USAGE, "a sequence reaches position %lld; this pass was made for %lld",
                   (long long)length, (long long)s->sizes.longest);
  if (seq->clean && at > s->context.clean)
    return rd_fail(e, RD_USAGE, "clean sequences come before the others of a pass");
  if (seq->branch ? !seq->cache : s->branches > 0)
    return rd_fail(e, RD_USAGE, "branches have a cache, and come behind the others of a pass");
  if (seq->cache && length > seq->cache->positions)
    return rd_fail(e, RD_USAGE, "a sequence of %lld positions; its key/value cache holds %lld",
                   (long long)length, (long long)seq->cache->positions);
  return RD_OK;
}

/* Copy ids, spans and rotary rows of sequence i to its rows. */
static void place(rd_stack *s, const rd_sequence *seq, int64_t i, int64_t at) {
  int64_t length = length_of(seq);
  memcpy(s->ids + at, seq->ids, (size_t)seq->count * sizeof *s->ids);
  s->spans[i] = (rd_span){.q = at,
                          .queries = seq->count,
                          .k = at,
                          .keys = length,
                          .first = seq->first,
                          .origin = seq->origin,
                          .led = seq->led};
  const int64_t step = seq->positions ? 1 : seq->count;
  for (int k = 0; k < (s->config->has_local_rope ? 2 : 1); k++)
    for (int64_t n = 0; n < seq->count; n += step)
      rd_angles_place(&s->angles[k], at + n, seq->positions ? seq->positions[n] : seq->first, step,
                      length);
}

/* Is attention over the rows of the pass alone, and of one kind? */
static bool simple(const rd_stack *s) {
  for (int64_t i = 0; i < s->context.attention.sequences; i++)
    if (s->sequences[i].cache || s->sequences[i].clean)
      return false;
  return true;
}

/* Where keys and values come from, and go to. */
static rd_layer_attend *attend_of(const rd_stack *s) {
  return s->record       ? attend_recorded
       : s->context.past ? attend_past
       : simple(s)       ? NULL
                         : attend_cached;
}

rd_code rd_stack_layer(rd_stack *s, int64_t l, rd_error *e) {
  const rd_layer_acts *a = &s->acts[s->sizes.keep == RD_STACK_NOTHING ? 0 : l];
  return rd_layer_forward(&s->weights->layers[l], l, &s->context, a, attend_of(s), s, e);
}

rd_code rd_stack_run(rd_stack *s, const rd_sequence *sequences, int64_t n, int64_t block,
                     rd_error *e) {
  const rd_config *c = s->config;
  const rd_weights *w = s->weights;
  const rd_weights *plain = w->plain ? w->plain : w;
  int64_t T = 0, D = c->width, clean = 0;
  rd_profile_lap("between passes");
  s->clean = s->branches = s->context.clean = 0;
  for (int64_t i = 0; i < n; i++) {
    RD_TRY(check(s, &sequences[i], T, e));
    place(s, &sequences[i], i, T);
    T += sequences[i].count;
    s->clean += sequences[i].clean;
    s->branches += sequences[i].branch;
    s->context.clean = clean = sequences[i].clean ? T : clean;
  }
  s->sequences = sequences;
  s->context.T = T;
  s->context.attention.block = block < 0 ? c->block : block;
  s->context.attention.sequences = n;
  rd_matrix_gather(s->acts->x, &plain->embedding, s->ids, clean);
  rd_matrix_gather(s->acts->x + clean * D, &w->embedding, s->ids + clean, T - clean);
  if (c->embedding_scale > 0)
    rd_scale(s->acts->x, RD_F32, (float)c->embedding_scale, T * D);
  rd_profile_lap("embedding");
  for (int64_t l = 0; l < c->layers; l++)
    RD_TRY(rd_stack_layer(s, l, e));
  rd_rmsnorm(s->hidden, w->type, s->rstd, s->x, plain->norm, clean, D, (float)c->norm_eps);
  rd_rmsnorm(rd_at(s->hidden, w->type, clean * D), w->type, s->rstd ? s->rstd + clean : NULL,
             s->x + clean * D, w->norm, T - clean, D, (float)c->norm_eps);
  rd_profile_lap("norm");
  return RD_OK;
}

/* Logits are divided and capped where the family does so. */
static void bound_logits(const rd_config *c, float *logits, int64_t rows) {
  if (c->logits_scaling > 0)
    rd_scale(logits, RD_F32, (float)(1 / c->logits_scaling), rows * c->vocab);
  if (c->final_cap > 0)
    rd_cap(logits, (float)(1 / c->final_cap), (float)c->final_cap, rows * c->vocab);
}

/* Rows of the last chunk, filled up: each number of rows is a product to prepare. */
enum { STEP = 16 };
static int64_t round_up(int64_t n) {
  return (n + STEP - 1) / STEP * STEP;
}

/* How many of rows (count) make the next chunk: those on one side of the gate, where the head has
 * an adapter. */
static int64_t chunk_of(const rd_stack *s, const int32_t *rows, int64_t count) {
  const rd_linear *head = &s->weights->head;
  int64_t most = count < s->sizes.chunk ? count : s->sizes.chunk, n = 1;
  if (head->a.rows == 0 && !head->plain)
    return most;
  while (n < most && (rows[n] < s->context.clean) == (rows[0] < s->context.clean))
    n++;
  return n;
}

rd_code rd_stack_logits(rd_stack *s, const int32_t *rows, int64_t count, rd_logits_sink *sink,
                        void *context, rd_error *e) {
  const rd_config *c = s->config;
  const rd_weights *w = s->weights;
  size_t row_bytes = (size_t)c->width * rd_dtype_size(w->type);
  int64_t chunk = s->sizes.chunk;
  for (int64_t first = 0, n = 0; first < count; first += n) {
    n = chunk_of(s, rows + first, count - first);
    for (int64_t i = 0; i < n; i++) {
      int32_t row = rows[first + i];
      if (row < 0 || row >= s->context.T)
        return rd_fail(e, RD_USAGE, "row %d is not among the %lld of the pass", row,
                       (long long)s->context.T);
      memcpy((unsigned char *)s->gathered + (size_t)i * row_bytes,
             (unsigned char *)s->hidden + (size_t)row * row_bytes, row_bytes);
    }
    int64_t m = n > STEP && round_up(n) <= chunk ? round_up(n) : n;
    memset((unsigned char *)s->gathered + (size_t)n * row_bytes, 0, (size_t)(m - n) * row_bytes);
    rd_input in = {.x = rd_mat_rows(s->gathered, w->type, m, c->width), .room = s->acts->room};
    RD_TRY(rd_linear_forward(&w->head, rd_mat_rows(s->logits, RD_F32, m, c->vocab), false, &in,
                             rows[first] < s->context.clean ? m : 0, s->head_mid, e));
    bound_logits(c, s->logits, n);
    rd_profile_lap("head");
    RD_TRY(sink(context, s->logits, first, n, e));
  }
  return RD_OK;
}
