/* SPDX-License-Identifier: MIT */
/* The training pass: forward keeping activations, fused loss over row chunks, backward layer by
 * layer. */
#include "step.h"

#include "cpu.h"
#include "layer.h"
#include "linear.h"
#include "ops.h"
#include "parallel.h"
#include "parts.h"
#include "profile.h"
#include "rope.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rd_trainer_pass {
  const rd_config *config;
  const rd_weights *weights;
  int64_t rows, longest, chunk;
  bool recompute;
  float *table_cos, *table_sin;      /* (longest, hd/2) */
  float *cosines, *sines;            /* (rows, hd/2) */
  int32_t *ids;                      /* (rows) */
  rd_span *spans;                    /* (rows) */
  rd_layer_acts *acts;               /* (L) */
  float *x;                          /* (rows, D) what enters the final norm */
  float *rstd;                       /* (rows) */
  void *hidden;                      /* (rows, D) after the final norm */
  float *dx;                         /* (rows, D) the residual stream's gradient */
  float *dhidden;                    /* (rows, D) */
  int32_t *loss_rows;                /* (rows) rows that carry loss */
  void *gathered;                    /* (chunk, D) */
  float *logits;                     /* (chunk, V) */
  void *dlogits;                     /* (chunk, V) */
  float *dgathered;                  /* (chunk, D) */
  void *lora;                        /* (chunk, rank) of the head's adapter */
  int32_t *chunk_targets;            /* (chunk) */
  float *chunk_weights, *chunk_loss; /* (chunk) */
  rd_layer_scratch scratch;
  rd_layer_context context;
  rd_arena arena;
};

enum { CHUNK_ELEMENTS = 1 << 22 }; /* of logits: 16 MB of f32 */

static void *take(rd_arena *arena, rd_dtype type, int64_t rows, int64_t cols) {
  return rd_arena_take(arena, (size_t)(rows * cols), rd_dtype_size(type));
}

/* With recomputation every layer keeps its input alone and the rest is one shared set. */
static void take_acts(rd_trainer_pass *p, rd_arena *arena) {
  const rd_config *c = p->config;
  rd_layer_acts shared = {0}, measured = {0};
  for (int64_t l = 0; l < c->layers; l++) {
    rd_layer_acts *a = p->acts && arena->base ? &p->acts[l] : &measured;
    if (!p->recompute || l == 0) {
      rd_layer_acts_take(a, arena, c, p->weights, l, p->rows, true);
      shared = *a;
    } else {
      *a = shared;
      a->x = RD_TAKE(arena, float, p->rows * c->width);
    }
  }
}

static void layout(rd_trainer_pass *p, rd_arena *arena) {
  const rd_config *c = p->config;
  rd_dtype t = p->weights->type;
  int64_t rows = p->rows, D = c->width, half = c->head_dim / 2;
  p->acts = RD_TAKE(arena, rd_layer_acts, c->layers);
  p->table_cos = RD_TAKE(arena, float, p->longest *half);
  p->table_sin = RD_TAKE(arena, float, p->longest *half);
  p->cosines = RD_TAKE(arena, float, rows *half);
  p->sines = RD_TAKE(arena, float, rows *half);
  p->ids = RD_TAKE(arena, int32_t, rows);
  p->spans = RD_TAKE(arena, rd_span, rows);
  take_acts(p, arena);
  p->x = RD_TAKE(arena, float, rows *D);
  p->rstd = RD_TAKE(arena, float, rows);
  p->hidden = take(arena, t, rows, D);
  p->dx = RD_TAKE(arena, float, rows *D);
  p->dhidden = RD_TAKE(arena, float, rows *D);
  p->loss_rows = RD_TAKE(arena, int32_t, rows);
  p->gathered = take(arena, t, p->chunk, D);
  p->logits = RD_TAKE(arena, float, p->chunk * c->vocab);
  p->dlogits = t == RD_F32 ? p->logits : take(arena, t, p->chunk, c->vocab);
  p->dgathered = RD_TAKE(arena, float, p->chunk *D);
  p->lora = take(arena, t, p->chunk, p->weights->head.a.rows);
  p->chunk_targets = RD_TAKE(arena, int32_t, p->chunk);
  p->chunk_weights = RD_TAKE(arena, float, p->chunk);
  p->chunk_loss = RD_TAKE(arena, float, p->chunk);
  rd_layer_scratch_take(&p->scratch, arena, c, t, rows, rd_weights_rank(p->weights, c));
  p->context.unrotated = rd_layer_unrotated_take(arena, c, t, rows);
  p->context.workspace = rd_arena_take(
      arena, rd_attention_workspace(&p->context.attention, rd_threads_get(), p->longest), 1);
}

static void set_sizes(rd_trainer_pass *p, const rd_config *c, const rd_weights *weights,
                      int64_t rows, int64_t longest, bool recompute) {
  int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
  int64_t chunk = CHUNK_ELEMENTS / c->vocab;
  p->config = c;
  p->weights = weights;
  p->rows = rows;
  p->longest = longest;
  p->recompute = recompute;
  p->chunk = chunk < 32 ? 32 : chunk;
  p->chunk = p->chunk > rows ? rows : p->chunk;
  p->context = (rd_layer_context){.config = c,
                                  .type = weights->type,
                                  .attention = {.type = weights->type,
                                                .heads = c->heads,
                                                .kv_heads = c->kv_heads,
                                                .head_dim = c->head_dim,
                                                .q_stride = q,
                                                .k_stride = kv,
                                                .v_stride = kv,
                                                .o_stride = q,
                                                .scale = 1.0f / sqrtf((float)c->head_dim)}};
}

size_t rd_trainer_pass_memory(const rd_config *config, const rd_weights *weights, int64_t rows,
                              int64_t longest, bool recompute) {
  rd_trainer_pass p = {0};
  rd_arena measure = rd_arena_measure();
  set_sizes(&p, config, weights, rows, longest, recompute);
  layout(&p, &measure);
  return measure.used;
}

rd_code rd_trainer_pass_new(rd_trainer_pass **out, const rd_config *config,
                            const rd_weights *weights, int64_t rows, int64_t longest,
                            bool recompute, rd_error *e) {
  *out = NULL;
  rd_trainer_pass *p = rd_calloc(1, sizeof *p, "a training pass", e);
  if (!p)
    return RD_NO_MEMORY;
  size_t size = rd_trainer_pass_memory(config, weights, rows, longest, recompute);
  rd_code code = rd_arena_init(&p->arena, size, "the activations of a training batch", e);
  if (code != RD_OK) {
    free(p);
    return code;
  }
  set_sizes(p, config, weights, rows, longest, recompute);
  layout(p, &p->arena);
  /* a layer's result is the next layer's input */
  for (int64_t l = 0; l < config->layers; l++)
    p->acts[l].out = l + 1 < config->layers ? p->acts[l + 1].x : p->x;
  rd_rope_tables(config, 0, longest, p->table_cos, p->table_sin);
  p->context.cosines = p->cosines;
  p->context.sines = p->sines;
  p->context.attention.spans = p->spans;
  *out = p;
  return RD_OK;
}

void rd_trainer_pass_free(rd_trainer_pass **pass) {
  if (!pass || !*pass)
    return;
  rd_arena_drop(&(*pass)->arena);
  free(*pass);
  *pass = NULL;
}

static rd_code place(rd_trainer_pass *p, const rd_sequence *sequences, int64_t n, int64_t block,
                     rd_error *e) {
  int64_t T = 0, half = p->config->head_dim / 2;
  for (int64_t s = 0; s < n; s++) {
    const rd_sequence *seq = &sequences[s];
    if (seq->count < 1 || seq->count > p->longest || T + seq->count > p->rows)
      return rd_fail(e, RD_USAGE, "a batch made for %lld rows, %lld in a sequence, was given more",
                     (long long)p->rows, (long long)p->longest);
    size_t bytes = (size_t)(seq->count * half) * sizeof(float);
    memcpy(p->ids + T, seq->ids, (size_t)seq->count * sizeof *p->ids);
    memcpy(p->cosines + T * half, p->table_cos, bytes);
    memcpy(p->sines + T * half, p->table_sin, bytes);
    p->spans[s] = (rd_span){.q = T, .queries = seq->count, .k = T, .keys = seq->count};
    T += seq->count;
  }
  for (int64_t r = 0; r < T; r++)
    if (p->ids[r] < 0 || p->ids[r] >= p->config->vocab)
      return rd_fail(e, RD_BAD_INPUT, "token id %d is outside the vocabulary of %lld", p->ids[r],
                     (long long)p->config->vocab);
  p->context.T = T;
  p->context.attention.block = block < 0 ? p->config->block : block;
  p->context.attention.sequences = n;
  return RD_OK;
}

static rd_code layer_forward(rd_trainer_pass *p, int64_t l, rd_error *e) {
  return rd_layer_forward(&p->weights->layers[l], l, &p->context, &p->acts[l], NULL, NULL, e);
}

/* Logits of n rows, at most a chunk, into p->logits. */
static rd_code chunk_logits(rd_trainer_pass *p, const int32_t *rows, int64_t n, rd_error *e) {
  const rd_config *c = p->config;
  rd_dtype t = p->weights->type;
  size_t row_bytes = (size_t)c->width * rd_dtype_size(t);
  for (int64_t i = 0; i < n; i++)
    memcpy((unsigned char *)p->gathered + (size_t)i * row_bytes,
           (unsigned char *)p->hidden + (size_t)rows[i] * row_bytes, row_bytes);
  rd_input in = {.x = rd_mat_rows(p->gathered, t, n, c->width)};
  return rd_linear_forward(&p->weights->head, rd_mat_rows(p->logits, RD_F32, n, c->vocab), false,
                           &in, p->lora, e);
}

/* Loss of one chunk of rows and, with a gradient, dL/d hidden of those rows into p->dhidden. */
static rd_code chunk_loss(rd_trainer_pass *p, const int32_t *rows, int64_t n,
                          const int32_t *targets, const float *weights, rd_gradient *g,
                          double *loss, float *row_loss, rd_error *e) {
  const rd_config *c = p->config;
  rd_dtype t = p->weights->type;
  int64_t D = c->width;
  for (int64_t i = 0; i < n; i++) {
    p->chunk_targets[i] = targets[rows[i]];
    p->chunk_weights[i] = weights[rows[i]];
  }
  RD_TRY(chunk_logits(p, rows, n, e));
  rd_profile_lap("head");
  rd_cross_entropy(loss, p->chunk_loss, g ? p->dlogits : NULL, t, p->logits, p->chunk_targets,
                   p->chunk_weights, n, c->vocab);
  rd_profile_lap("cross-entropy");
  for (int64_t i = 0; row_loss && i < n; i++)
    row_loss[rows[i]] = p->chunk_loss[i];
  if (!g)
    return RD_OK;
  RD_TRY(rd_linear_backward(&p->weights->head, &g->head, rd_mat_rows(p->dgathered, RD_F32, n, D),
                            false, rd_mat_rows(p->dlogits, t, n, c->vocab),
                            rd_mat_rows(p->gathered, t, n, D), p->lora, p->scratch.dmid, e));
  for (int64_t i = 0; i < n; i++)
    memcpy(p->dhidden + rows[i] * D, p->dgathered + i * D, (size_t)D * sizeof(float));
  rd_profile_lap("head, backward");
  return RD_OK;
}

static rd_code backward(rd_trainer_pass *p, rd_gradient *g, rd_error *e) {
  const rd_config *c = p->config;
  int64_t T = p->context.T, D = c->width;
  memset(p->dx, 0, (size_t)(T * D) * sizeof *p->dx);
  rd_rmsnorm_backward(p->dx, g->norm, p->dhidden, p->x, p->weights->norm, p->rstd, T, D);
  rd_profile_lap("norm, backward");
  for (int64_t l = c->layers - 1; l >= 0; l--) {
    if (p->recompute && l + 1 < c->layers)
      RD_TRY(layer_forward(p, l, e));
    RD_TRY(rd_layer_backward(&p->weights->layers[l], &g->layers[l], &p->context, &p->acts[l],
                             &p->scratch, p->dx, e));
  }
  if (g->embedding)
    rd_embed_backward(g->embedding, p->dx, p->ids, T, D);
  return RD_OK;
}

static rd_code forward(rd_trainer_pass *p, const rd_sequence *sequences, int64_t n, int64_t block,
                       rd_error *e) {
  const rd_config *c = p->config;
  const rd_weights *w = p->weights;
  rd_profile_lap("between passes");
  RD_TRY(place(p, sequences, n, block, e));
  int64_t T = p->context.T;
  rd_embed(p->acts[0].x, w->embedding.data, w->type, p->ids, T, c->width);
  rd_profile_lap("embedding");
  for (int64_t l = 0; l < c->layers; l++)
    RD_TRY(layer_forward(p, l, e));
  rd_rmsnorm(p->hidden, w->type, p->rstd, p->x, w->norm, T, c->width, (float)c->norm_eps);
  rd_profile_lap("norm");
  return RD_OK;
}

rd_code rd_trainer_pass_run(rd_trainer_pass *p, const rd_sequence *sequences, int64_t n,
                            int64_t block, const int32_t *targets, const float *weights,
                            rd_gradient *gradient, double *loss, float *row_loss, rd_error *e) {
  RD_TRY(forward(p, sequences, n, block, e));
  int64_t T = p->context.T, D = p->config->width, count = 0;
  for (int64_t r = 0; r < T; r++) {
    if (row_loss)
      row_loss[r] = 0;
    if (targets[r] >= 0 && weights[r] != 0)
      p->loss_rows[count++] = (int32_t)r;
  }
  *loss = 0;
  if (gradient)
    memset(p->dhidden, 0, (size_t)(T * D) * sizeof *p->dhidden);
  for (int64_t first = 0; first < count; first += p->chunk) {
    int64_t m = count - first < p->chunk ? count - first : p->chunk;
    RD_TRY(chunk_loss(p, p->loss_rows + first, m, targets, weights, gradient, loss, row_loss, e));
  }
  return gradient ? backward(p, gradient, e) : RD_OK;
}

typedef struct guess {
  const float *logits; /* (n, V) */
  const int32_t *rows; /* (n) */
  int32_t *ids;
  int64_t V;
} guess;

static void most_likely(void *context, int thread, int64_t first, int64_t last) {
  (void)thread;
  const guess *g = context;
  for (int64_t i = first; i < last; i++) {
    const float *row = g->logits + i * g->V;
    int64_t best = 0;
    for (int64_t v = 1; v < g->V; v++)
      best = row[v] > row[best] ? v : best;
    g->ids[g->rows[i]] = (int32_t)best;
  }
}

rd_code rd_trainer_pass_guess(rd_trainer_pass *p, const rd_sequence *sequences, int64_t n,
                              int64_t block, const int32_t *rows, int64_t count, int32_t *ids,
                              rd_error *e) {
  RD_TRY(forward(p, sequences, n, block, e));
  for (int64_t first = 0; first < count; first += p->chunk) {
    int64_t m = count - first < p->chunk ? count - first : p->chunk;
    RD_TRY(chunk_logits(p, rows + first, m, e));
    guess g = {p->logits, rows + first, ids, p->config->vocab};
    rd_parallel(m, 1, most_likely, &g);
  }
  return RD_OK;
}
