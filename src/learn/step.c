/* SPDX-License-Identifier: MIT */
/* The training step of the processor: the stack forward, the loss fused with the head over chunks
 * of rows, and the way back layer by layer. */
#include "step.h"

#include "clean_half.h"
#include "linear.h"
#include "ops.h"
#include "parts.h"
#include "profile.h"
#include "step_kind.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct cpu_step {
  rd_step base;
  rd_stack *stack;
  float *dx;          /* (rows, D) the residual stream's gradient */
  float *dhidden;     /* (rows, D) */
  int32_t *loss_rows; /* (rows) rows that carry loss */
  void *dlogits;      /* (chunk, V); the logits themselves in f32 */
  float *dgathered;   /* (chunk, D) */
  int32_t *targets;   /* (chunk) */
  float *weights;     /* (chunk) */
  float *losses;      /* (chunk) */
  rd_proposal *proposals;
  rd_propose_row *proposed; /* (chunk) */
  void *workspace;          /* of proposals */
  rd_layer_scratch scratch;
  rd_clean_half *clean; /* NULL: without a gate */
  rd_aim aim;
  int32_t *parents;  /* (chunk) clean rows that say what those of a chunk aim at */
  float *goals;      /* (chunk, V) their scores */
  float *mine, *own; /* (D) a row's final hidden state, and its parent's */
  rd_arena arena;
} cpu_step;

static rd_stack_sizes sizes_of(const rd_config *c, int64_t rows, int64_t longest, bool recompute) {
  enum { CHUNK_ELEMENTS = 1 << 22 }; /* of logits: 16 MB of f32 */
  int64_t chunk = CHUNK_ELEMENTS / c->vocab;
  return (rd_stack_sizes){.rows = rows,
                          .longest = longest,
                          .chunk = chunk < 32 ? 32 : chunk,
                          .keep = recompute ? RD_STACK_INPUTS : RD_STACK_ALL};
}

/* May gradients of logits lie where the logits are? Those of capped ones follow from them. */
static bool in_place(const rd_config *c, const rd_weights *w) {
  return w->type == RD_F32 && !(c->final_cap > 0);
}

static void layout(cpu_step *p, rd_arena *arena, const rd_config *c, const rd_weights *w,
                   const rd_stack_sizes *sizes) {
  size_t rows = (size_t)sizes->rows, D = (size_t)c->width;
  size_t chunk = (size_t)(sizes->chunk < sizes->rows ? sizes->chunk : sizes->rows);
  p->dx = RD_TAKE(arena, float, rows * D);
  p->dhidden = RD_TAKE(arena, float, rows * D);
  p->loss_rows = RD_TAKE(arena, int32_t, rows);
  p->dlogits = in_place(c, w)
                 ? NULL
                 : rd_arena_take(arena, chunk * (size_t)c->vocab, rd_dtype_size(w->type));
  p->dgathered = RD_TAKE(arena, float, chunk * D);
  p->targets = RD_TAKE(arena, int32_t, chunk);
  p->weights = RD_TAKE(arena, float, chunk);
  p->losses = RD_TAKE(arena, float, chunk);
  p->proposals = RD_TAKE(arena, rd_proposal, chunk);
  p->proposed = RD_TAKE(arena, rd_propose_row, chunk);
  p->workspace = rd_arena_take(arena, rd_propose_workspace(c->vocab), 1);
  if (w->plain) {
    p->parents = RD_TAKE(arena, int32_t, chunk);
    p->goals = RD_TAKE(arena, float, chunk *(size_t)c->vocab);
    p->mine = RD_TAKE(arena, float, D);
    p->own = RD_TAKE(arena, float, D);
  }
  rd_layer_scratch_take(&p->scratch, arena, c, w->type, sizes->rows, rd_weights_rank(w, c));
}

size_t rd_step_cpu_memory(const rd_step_plan *plan) {
  const rd_config *config = plan->config;
  const rd_weights *weights = plan->weights;
  const rd_stack_sizes sizes = sizes_of(config, plan->rows, plan->longest, plan->recompute);
  cpu_step p = {0};
  rd_arena measure = rd_arena_measure();
  layout(&p, &measure, config, weights, &sizes);
  size_t clean = weights->plain
                   ? rd_clean_half_memory(config, weights, plan->rows, plan->longest, sizes.chunk)
                   : 0;
  return measure.used + clean + rd_stack_memory(config, weights, &sizes);
}

static void close_step(rd_step *step) {
  cpu_step *p = (cpu_step *)step;
  rd_stack_free(&p->stack);
  rd_clean_half_free(&p->clean);
  rd_arena_drop(&p->arena);
  free(p);
}

static void set_aim(rd_step *step, const rd_aim *aim) {
  ((cpu_step *)step)->aim = *aim;
}

/* Gradients lie where the caller wants them. */
static rd_code clear_gradients(rd_step *step, rd_error *e) {
  (void)e;
  if (step->plan.gradient_count > 0)
    memset(step->plan.gradients, 0, (size_t)step->plan.gradient_count * sizeof(float));
  return RD_OK;
}

static rd_code nothing_to_do(rd_step *step, rd_error *e) {
  (void)step, (void)e;
  return RD_OK;
}

/* What the chunks of logits of a call are for. */
typedef struct losses {
  cpu_step *step;
  const int32_t *targets; /* (rows of the batch) */
  const float *weights;
  rd_gradient *gradient;
  double *loss;
  float *row_loss;
} losses;

static rd_code keep_goals(void *context, float *logits, int64_t first, int64_t n, rd_error *e) {
  cpu_step *p = context;
  int64_t V = p->stack->config->vocab;
  (void)e;
  memcpy(p->goals + first * V, logits, (size_t)(n * V) * sizeof *logits);
  return RD_OK;
}

/* The clean row that predicts what row `row` of the half that learns does. */
static int32_t parent_of(const cpu_step *p, int32_t row) {
  return p->clean->halves.same[row] - !p->aim.shift;
}

/* 1 - cosine of a row's final hidden state and its parent's; `slope` times its derivative is added
 * to dhidden (D), unless that is NULL. */
static double misaligned(cpu_step *p, int32_t row, double slope, float *dhidden) {
  const rd_stack *s = p->stack, *parent = p->clean->stack;
  int64_t D = s->config->width;
  rd_dtype t = s->weights->type;
  double aa = 0, bb = 0, ab = 0;
  rd_cast(p->mine, RD_F32, rd_at(s->hidden, t, row * D), t, D);
  rd_cast(p->own, RD_F32, rd_at(parent->hidden, t, parent_of(p, row) * D), t, D);
  for (int64_t i = 0; i < D; i++) {
    aa += (double)p->mine[i] * (double)p->mine[i];
    bb += (double)p->own[i] * (double)p->own[i];
    ab += (double)p->mine[i] * (double)p->own[i];
  }
  if (aa <= 0 || bb <= 0)
    return 1;
  double lengths = sqrt(aa) * sqrt(bb), cosine = ab / lengths;
  for (int64_t i = 0; dhidden && i < D; i++)
    dhidden[i] -= (float)(slope * ((double)p->own[i] / lengths - cosine * (double)p->mine[i] / aa));
  return 1 - cosine;
}

/* Loss of a chunk whose rows aim at the base. */
static rd_code aimed_loss(losses *l, float *logits, const int32_t *rows, int64_t n, rd_error *e) {
  cpu_step *p = l->step;
  for (int64_t i = 0; i < n; i++)
    p->parents[i] = parent_of(p, rows[i]);
  RD_TRY(rd_stack_logits(p->clean->stack, p->parents, n, keep_goals, p, e));
  rd_cross_entropy_soft(l->loss, p->losses, l->gradient ? p->dlogits : NULL,
                        p->stack->weights->type, logits, p->goals, p->weights, n,
                        p->stack->config->vocab);
  return RD_OK;
}

/* Loss of one chunk of rows and, with a gradient, dL/d hidden of those rows. */
static rd_code chunk_loss(void *context, float *logits, int64_t first, int64_t n, rd_error *e) {
  losses *l = context;
  cpu_step *p = l->step;
  const rd_stack *s = p->stack;
  const rd_config *c = s->config;
  const int32_t *rows = p->loss_rows + first;
  rd_dtype t = s->weights->type;
  int64_t D = c->width;
  for (int64_t i = 0; i < n; i++) {
    p->targets[i] = l->targets[rows[i]];
    p->weights[i] = l->weights[rows[i]];
  }
  if (p->aim.parent)
    RD_TRY(aimed_loss(l, logits, rows, n, e));
  else
    rd_cross_entropy(l->loss, p->losses, l->gradient ? p->dlogits : NULL, t, logits, p->targets,
                     p->weights, n, c->vocab);
  for (int64_t i = 0; p->aim.align > 0 && i < n; i++)
    *l->loss += p->aim.align * (double)p->weights[i] * misaligned(p, rows[i], 0, NULL);
  rd_profile_lap("cross-entropy");
  for (int64_t i = 0; l->row_loss && i < n; i++)
    l->row_loss[rows[i]] = p->losses[i];
  if (!l->gradient)
    return RD_OK;
  if (c->final_cap > 0)
    rd_cap_backward(p->dlogits, t, logits, (float)(1 / c->final_cap), (float)c->final_cap,
                    n * c->vocab);
  if (c->logits_scaling > 0)
    rd_scale(p->dlogits, t, (float)(1 / c->logits_scaling), n * c->vocab);
  RD_TRY(rd_linear_backward(&s->weights->head, &l->gradient->head,
                            rd_mat_rows(p->dgathered, RD_F32, n, D), false,
                            rd_mat_rows(p->dlogits, t, n, c->vocab),
                            rd_mat_rows(s->gathered, t, n, D), s->head_mid, p->scratch.dmid, e));
  for (int64_t i = 0; i < n; i++)
    memcpy(p->dhidden + rows[i] * D, p->dgathered + i * D, (size_t)D * sizeof(float));
  for (int64_t i = 0; p->aim.align > 0 && i < n; i++)
    misaligned(p, rows[i], p->aim.align * (double)p->weights[i], p->dhidden + rows[i] * D);
  rd_profile_lap("head, backward");
  return RD_OK;
}

static rd_code backward(cpu_step *p, rd_gradient *g, rd_error *e) {
  rd_stack *s = p->stack;
  const rd_config *c = s->config;
  int64_t T = s->context.T, D = c->width;
  memset(p->dx, 0, (size_t)(T * D) * sizeof *p->dx);
  rd_rmsnorm_backward(p->dx, g->norm, p->dhidden, s->x, s->weights->norm, s->rstd, T, D);
  rd_profile_lap("norm, backward");
  for (int64_t l = c->layers - 1; l >= 0; l--) {
    if (s->context.past)
      s->context.past->layer = l;
    if (s->sizes.keep == RD_STACK_INPUTS && l + 1 < c->layers)
      RD_TRY(rd_stack_layer(s, l, e));
    RD_TRY(rd_layer_backward(&s->weights->layers[l], l, &g->layers[l], &s->context, &s->acts[l],
                             &p->scratch, p->dx, e));
  }
  if (g->embedding && c->embedding_scale > 0)
    rd_scale(p->dx, RD_F32, (float)c->embedding_scale, T * D);
  if (g->embedding)
    rd_embed_backward(g->embedding, p->dx, s->ids, T, D);
  return RD_OK;
}

static rd_code run_rows(cpu_step *p, const rd_sequence *sequences, int64_t n, int64_t block,
                        const int32_t *targets, const float *weights, rd_gradient *gradient,
                        double *loss, float *row_loss, rd_error *e) {
  RD_TRY(rd_stack_run(p->stack, sequences, n, block, e));
  int64_t T = p->stack->context.T, D = p->stack->config->width, count = 0;
  for (int64_t r = 0; r < T; r++) {
    if (row_loss)
      row_loss[r] = 0;
    if (targets[r] >= 0 && weights[r] != 0)
      p->loss_rows[count++] = (int32_t)r;
  }
  *loss = 0;
  if (gradient)
    memset(p->dhidden, 0, (size_t)(T * D) * sizeof *p->dhidden);
  losses l = {p, targets, weights, gradient, loss, row_loss};
  RD_TRY(rd_stack_logits(p->stack, p->loss_rows, count, chunk_loss, &l, e));
  return gradient ? backward(p, gradient, e) : RD_OK;
}

/* The half behind the gates alone, whose rows find their targets in those of the batch. */
static rd_code run_gated(cpu_step *p, const rd_sequence *sequences, int64_t n, int64_t block,
                         const int32_t *targets, const float *weights, rd_gradient *gradient,
                         double *loss, float *row_loss, rd_error *e) {
  rd_clean_half *h = p->clean;
  RD_TRY(rd_clean_half_run(h, sequences, n, e));
  for (int64_t i = 0; i < h->halves.rows; i++) {
    h->targets[i] = targets[h->halves.batch_rows[i]];
    h->weights[i] = weights[h->halves.batch_rows[i]];
  }
  RD_TRY(run_rows(p, h->halves.noisy, h->halves.noisy_count, block, h->targets, h->weights,
                  gradient, loss, row_loss ? h->losses : NULL, e));
  for (int64_t r = 0; row_loss && r < h->halves.batch; r++)
    row_loss[r] = h->halves.places[r] >= 0 ? h->losses[h->halves.places[r]] : 0;
  return RD_OK;
}

static rd_code run(rd_step *step, const rd_sequence *sequences, int64_t n, int64_t block,
                   const int32_t *targets, const float *weights, rd_gradient *gradient,
                   double *loss, float *row_loss, rd_error *e) {
  cpu_step *p = (cpu_step *)step;
  return (p->clean ? run_gated : run_rows)(p, sequences, n, block, targets, weights, gradient, loss,
                                           row_loss, e);
}

/* What the chunks of logits of a reading are for. */
typedef struct guess {
  cpu_step *step;
  const int32_t *rows; /* of the call */
  const rd_propose_rule *rule;
  uint32_t iteration;
  int32_t *ids;
} guess;

static rd_code guess_chunk(void *context, float *logits, int64_t first, int64_t n, rd_error *e) {
  const guess *g = context;
  cpu_step *p = g->step;
  const int32_t *rows = g->rows + first;
  for (int64_t i = 0; i < n; i++)
    p->proposed[i] = (rd_propose_row){g->rule, g->iteration, (uint32_t)rows[i]};
  RD_TRY(
      rd_propose(p->proposals, logits, n, p->stack->config->vocab, p->proposed, p->workspace, e));
  for (int64_t i = 0; i < n; i++)
    g->ids[rows[i]] = p->proposals[i].id;
  return RD_OK;
}

static rd_code guess_rows(rd_step *step, const rd_sequence *sequences, int64_t n, int64_t block,
                          const int32_t *rows, int64_t count, const rd_propose_rule *rule,
                          uint32_t iteration, int32_t *ids, rd_error *e) {
  cpu_step *p = (cpu_step *)step;
  rd_clean_half *h = p->clean;
  guess g = {p, rows, rule, iteration, ids};
  if (!h) {
    RD_TRY(rd_stack_run(p->stack, sequences, n, block, e));
    return rd_stack_logits(p->stack, rows, count, guess_chunk, &g, e);
  }
  RD_TRY(rd_clean_half_run(h, sequences, n, e));
  for (int64_t i = 0; i < count; i++)
    h->listed[i] = h->halves.places[rows[i]];
  RD_TRY(rd_stack_run(p->stack, h->halves.noisy, h->halves.noisy_count, block, e));
  return rd_stack_logits(p->stack, h->listed, count, guess_chunk, &g, e);
}

static const rd_step_calls calls = {.run = run,
                                    .guess = guess_rows,
                                    .aim = set_aim,
                                    .clear = clear_gradients,
                                    .gather = nothing_to_do,
                                    .refresh = nothing_to_do,
                                    .close = close_step};

rd_code rd_step_cpu_open(rd_step **out, const rd_step_plan *plan, rd_error *e) {
  const rd_config *config = plan->config;
  const rd_weights *weights = plan->weights;
  const rd_stack_sizes sizes = sizes_of(config, plan->rows, plan->longest, plan->recompute);
  rd_arena measure = rd_arena_measure();
  *out = NULL;
  cpu_step *p = rd_calloc(1, sizeof *p, "a training step", e);
  if (!p)
    return RD_NO_MEMORY;
  p->base = (rd_step){.calls = &calls, .plan = *plan};
  layout(p, &measure, config, weights, &sizes);
  rd_code code = rd_arena_init(&p->arena, measure.used, "the gradients of a training batch", e);
  if (code == RD_OK) {
    layout(p, &p->arena, config, weights, &sizes);
    code = rd_stack_new(&p->stack, config, weights, &sizes, e);
  }
  if (code == RD_OK && weights->plain)
    code = rd_clean_half_new(&p->clean, config, weights, plan->rows, plan->longest, sizes.chunk, e);
  if (code == RD_OK && p->clean) {
    p->stack->context.past = &p->clean->past;
    p->stack->context.past_back = rd_past_backward;
  }
  if (code != RD_OK) {
    close_step(&p->base);
    return code;
  }
  if (in_place(config, weights))
    p->dlogits = p->stack->logits;
  *out = &p->base;
  return RD_OK;
}
