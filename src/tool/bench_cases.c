/* SPDX-License-Identifier: MIT */
/* What bench measures: an iteration, a training step, whole answers. */
#include "bench_cases.h"

#include "arena.h"
#include "clock.h"
#include "cpu.h"
#include "engine.h"
#include "family.h"
#include "packed.h"
#include "parts.h"
#include "redraft.h"
#include "step.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct shape {
  const char *name;
  int64_t layers, width, heads, kv_heads, head_dim, ff, vocab;
  bool tied;
} shape;

static const shape shapes[] = {{"tini", 6, 288, 6, 6, 48, 768, 8192, true},
                               {"smollm2-135m", 30, 576, 9, 3, 64, 1536, 49152, true},
                               {"llama-1b", 16, 2048, 32, 8, 64, 8192, 128256, true},
                               {"llada-8b", 32, 4096, 32, 32, 128, 12288, 126464, false}};

const rd_table rd_bench_shapes = RD_TABLE("shape", shapes);

rd_code rd_bench_config(rd_config *c, const char *name, rd_error *e) {
  const shape *s = rd_table_find(&rd_bench_shapes, name, e);
  if (!s)
    return RD_USAGE;
  *c = (rd_config){.layers = s->layers,
                   .width = s->width,
                   .heads = s->heads,
                   .kv_heads = s->kv_heads,
                   .ff = s->ff,
                   .vocab = s->vocab,
                   .head_dim = s->head_dim,
                   .positions = 8192,
                   .norm_eps = 1e-5,
                   .rope = {.theta = 500000},
                   .tied = s->tied,
                   .bos = -1,
                   .pad = -1,
                   .mask = -1};
  return rd_family_find(&c->family, "llama", e);
}

rd_code rd_bench_shape(rd_model **out, const char *name, const char *precision, rd_error *e) {
  rd_config c;
  RD_TRY(rd_bench_config(&c, name, e));
  return rd_model_random(out, &c, precision, 1, e);
}

/* What is measured, one sequence list of equal lengths. */
typedef struct work {
  const rd_model *model;
  int64_t window, batch;
  rd_sequence *sequences; /* (batch) */
  int32_t *ids;           /* (window * batch) */
  int32_t *wanted;        /* (window * batch) rows, then targets */
  float *weights;         /* (window * batch) */
} work;

static void work_drop(work *w) {
  free(w->sequences);
  free(w->ids);
  free(w->wanted);
  free(w->weights);
}

static rd_code work_init(work *w, const rd_model *m, int64_t window, int64_t batch, rd_error *e) {
  size_t n = (size_t)(window * batch);
  *w = (work){m,
              window,
              batch,
              rd_calloc((size_t)batch, sizeof(rd_sequence), "sequences", e),
              rd_calloc(n, sizeof(int32_t), "ids", e),
              rd_calloc(n, sizeof(int32_t), "rows", e),
              rd_calloc(n, sizeof(float), "weights", e)};
  if (!w->sequences || !w->ids || !w->wanted || !w->weights)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < n; i++) {
    w->ids[i] = (int32_t)((int64_t)(i * 7919) % m->config.vocab);
    w->wanted[i] = (int32_t)i;
    w->weights[i] = 1;
  }
  for (int64_t b = 0; b < batch; b++)
    w->sequences[b] = (rd_sequence){.ids = w->ids + b * window, .count = window};
  return RD_OK;
}

static rd_code nothing(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  (void)context, (void)logits, (void)first, (void)count, (void)e;
  return RD_OK;
}

/* Times of one case: the first warms up and counts only where it is very long. */
typedef struct timing {
  int64_t wanted, left; /* measurements; still to be made */
  bool warm;
  double spent, sum;
  rd_bench_time best, started;
} timing;

static rd_bench_time now(void) {
  return (rd_bench_time){.seconds = rd_seconds(), .cpu_seconds = (double)clock() / CLOCKS_PER_SEC};
}

static bool wants(timing *t) {
  enum { ENOUGH = 12 }; /* seconds: after as many one measurement will do */
  t->started = now();
  return t->left > 0 && !(t->best.seconds > 0 && t->spent > ENOUGH);
}

static void took(timing *t) {
  enum {
    LONG = 60
  }; /* seconds of a case whose first, cold time counts: that of a training step of
        1.6 GB holds a second of touching fresh memory */
  rd_bench_time end = now(), *best = &t->best;
  double seconds = end.seconds - t->started.seconds;
  double cpu_seconds = end.cpu_seconds - t->started.cpu_seconds;
  double worked = cpu_seconds / rd_threads_get(); /* waiting for others makes no case long */
  t->spent += worked;
  if (t->warm || worked > LONG) {
    best->seconds = t->left == t->wanted || seconds < best->seconds ? seconds : best->seconds;
    best->cpu_seconds =
        t->left == t->wanted || cpu_seconds < best->cpu_seconds ? cpu_seconds : best->cpu_seconds;
    t->left--;
    t->sum += seconds;
    best->mean = t->sum / (double)(t->wanted - t->left);
  }
  t->warm = true;
}

/* One iteration: the layers, and the logits of the last positions of each sequence. */
static rd_code time_passes(work *w, int64_t logits, timing *t, rd_error *e) {
  rd_stack *p = NULL;
  RD_TRY(rd_stack_new(&p, &w->model->config, &w->model->weights,
                      &(rd_stack_sizes){.rows = w->window * w->batch, .longest = w->window}, e));
  for (int64_t i = 0; i < logits * w->batch; i++)
    w->wanted[i] = (int32_t)((i / logits + 1) * w->window - logits + i % logits);
  rd_code code = RD_OK;
  while (code == RD_OK && wants(t)) {
    code = rd_stack_run(p, w->sequences, w->batch, 0, e);
    if (code == RD_OK)
      code = rd_stack_logits(p, w->wanted, logits * w->batch, nothing, NULL, e);
    took(t);
  }
  rd_stack_free(&p);
  return code;
}

/* Passes over what a lane of each sequence remembers. */
typedef struct lanes {
  int64_t known, length; /* positions remembered, and all */
  rd_engine *engine;
  rd_lane **lanes; /* (batch) */
  rd_need *needs;  /* (batch) */
  int32_t *canvas; /* (length) of every sequence */
  rd_wanted *wanted;
  rd_proposal *out; /* (batch, window) */
} lanes;

static void lanes_drop(lanes *l, int64_t batch) {
  for (int64_t b = 0; l->lanes && b < batch; b++)
    rd_lane_close(&l->lanes[b]);
  rd_engine_close(&l->engine);
  free(l->lanes);
  free(l->needs);
  free(l->canvas);
  free(l->wanted);
  free(l->out);
}

/* For `behind` positions behind those remembered, of which a pass has at most `rows`. */
static rd_code lanes_init(lanes *l, const work *w, int64_t reuse, int64_t behind, int64_t rows,
                          const rd_propose_rule *rule, rd_error *e) {
  const int64_t longest = reuse > rows ? reuse : rows;
  *l = (lanes){.known = reuse,
               .length = reuse + behind,
               .lanes = rd_calloc((size_t)w->batch, sizeof(rd_lane *), "lanes", e),
               .needs = rd_calloc((size_t)w->batch, sizeof(rd_need), "needs", e),
               .canvas = rd_calloc((size_t)(reuse + behind), sizeof(int32_t), "ids", e),
               .wanted = rd_calloc((size_t)w->window, sizeof(rd_wanted), "positions", e),
               .out =
                   rd_calloc((size_t)(w->window * w->batch), sizeof(rd_proposal), "proposals", e)};
  if (!l->lanes || !l->needs || !l->canvas || !l->wanted || !l->out)
    return RD_NO_MEMORY;
  for (int64_t i = 0; i < l->length; i++)
    l->canvas[i] = (int32_t)(i * 7919 % w->model->config.vocab);
  for (int64_t i = 0; i < w->window; i++)
    l->wanted[i] = (rd_wanted){.position = reuse + i, .draw = {.rule = rule}};
  RD_TRY(rd_engine_open(&l->engine, NULL, w->model, longest * w->batch, l->length, e));
  for (int64_t b = 0; b < w->batch; b++) {
    RD_TRY(rd_lane_open(&l->lanes[b], l->engine, l->length, e));
    l->needs[b] = (rd_need){.lane = l->lanes[b],
                            .canvas = l->canvas,
                            .length = l->length,
                            .end = reuse,
                            .attention = reuse > 0 ? RD_CAUSAL : RD_BIDIRECTIONAL,
                            .wanted = l->wanted,
                            .out = l->out + b * w->window};
  }
  if (reuse > 0)
    RD_TRY(l->engine->propose(l->engine, l->needs, w->batch, e));
  for (int64_t b = 0; b < w->batch; b++) {
    l->needs[b].first = reuse;
    l->needs[b].end = l->length;
    l->needs[b].count = w->window;
  }
  return RD_OK;
}

static rd_code time_reuse(work *w, const rd_bench_what *what, timing *t, rd_error *e) {
  const rd_propose_rule rule = {.top_p = 1, .eos = -1};
  lanes l;
  rd_code code = lanes_init(&l, w, what->reuse, w->window, w->window, &rule, e);
  for (int64_t b = 0; code == RD_OK && b < w->batch; b++) {
    l.needs[b].wanted = l.wanted + w->window - what->logits;
    l.needs[b].count = what->logits;
  }
  while (code == RD_OK && wants(t)) {
    code = l.engine->propose(l.engine, l.needs, w->batch, e);
    took(t);
  }
  lanes_drop(&l, w->batch);
  return code;
}

/* One pass of a block whose first position is `first`: all its tokens are proposed. The first pass
 * of a block computes the one before it once more, whose words are final then. */
static rd_code write_block(lanes *l, const work *w, int64_t first, int pass, rd_error *e) {
  const int64_t again = pass == 0 && first > l->known ? w->window : 0;
  for (int64_t i = 0; i < w->window; i++)
    l->wanted[i].position = first + i;
  for (int64_t b = 0; b < w->batch; b++) {
    l->needs[b].attention = w->window;
    l->needs[b].origin = l->known;
    l->needs[b].first = first - again;
    l->needs[b].end = first + w->window;
    l->needs[b].count = w->window;
  }
  return l->engine->propose(l->engine, l->needs, w->batch, e);
}

static rd_code time_answers(work *w, const rd_bench_what *what, timing *t, rd_error *e) {
  const rd_propose_rule rule = {.top_p = 1, .eos = -1};
  lanes l;
  rd_code code = lanes_init(&l, w, what->reuse, what->written, 2 * w->window, &rule, e);
  while (code == RD_OK && wants(t)) {
    for (int64_t i = 0; code == RD_OK && i < what->written / w->window * RD_BENCH_BLOCK; i++)
      code = write_block(&l, w, what->reuse + i / RD_BENCH_BLOCK * w->window,
                         (int)(i % RD_BENCH_BLOCK), e);
    took(t);
  }
  lanes_drop(&l, w->batch);
  return code;
}

double rd_bench_weights(const rd_model *m) {
  rd_weights weights = m->weights;
  double bytes = 0;
  rd_walk at = rd_parts_of(&m->config, NULL, &weights, NULL);
  for (bool head = false; !head;) {
    head = !rd_parts_next(&at); /* tied heads are no part of their own */
    const rd_linear *l = head ? &weights.head : at.linear;
    if (l == NULL || (!head && at.layer < 0))
      continue;
    const rd_matrix *x = &l->w;
    bytes += (double)(x->rows * (x->cols / x->format->block) * x->format->bytes);
    bytes += x->format->scales ? (double)x->format->scales(x) : 0;
  }
  return bytes;
}

/* Gradients for every weight, or factors of `rank` on every projection; one arena. */
typedef struct step {
  rd_weights weights;
  rd_gradient gradient;
  rd_arena arena, packed;
} step;

static void take_factors(step *s, int64_t rank, const rd_walk *at, rd_arena *arena) {
  const rd_format *format = rd_format_of(s->weights.type);
  rd_linear *l = at->linear;
  l->a = rd_matrix_take(format, rank, at->cols, arena);
  l->b = rd_matrix_take(format, at->rows, rank, arena);
  l->scale = 1;
  at->grad->a = RD_TAKE(arena, float, rank * at->cols);
  at->grad->b = RD_TAKE(arena, float, rank * at->rows);
}

static void step_layout(step *s, const rd_model *m, int64_t rank, rd_layer *layers,
                        rd_layer_grad *grads, rd_arena *arena) {
  const rd_config *c = &m->config;
  memcpy(layers, m->weights.layers, (size_t)c->layers * sizeof *layers);
  s->weights = m->weights;
  s->weights.layers = layers;
  s->gradient = (rd_gradient){.layers = grads};
  rd_walk at = rd_parts_of(c, NULL, &s->weights, &s->gradient);
  while (rd_parts_next(&at))
    if (rank == 0 && at.matrix)
      *at.gradient = RD_TAKE(arena, float, at.rows * at.cols);
    else if (rank > 0 && at.linear && at.layer >= 0)
      take_factors(s, rank, &at, arena);
  if (c->tied)
    s->gradient.head.w = s->gradient.embedding;
}

static rd_code time_steps(work *w, int64_t rank, timing *t, rd_error *e) {
  step s = {0};
  rd_arena measure = rd_arena_measure();
  size_t count = (size_t)w->model->config.layers;
  const rd_step_kind *kind = NULL;
  RD_TRY(rd_step_kind_find(&kind, w->model->engine, e));
  rd_layer *layers = rd_calloc(count, sizeof *layers, "layers", e);
  rd_layer_grad *grads = rd_calloc(count, sizeof *grads, "gradients", e);
  rd_step *p = NULL;
  rd_code code = layers && grads ? RD_OK : RD_NO_MEMORY;
  if (code == RD_OK) {
    step_layout(&s, w->model, rank, layers, grads, &measure);
    code = rd_arena_init(&s.arena, measure.used, "gradients", e);
  }
  if (code == RD_OK) {
    step_layout(&s, w->model, rank, layers, grads, &s.arena);
    code = rank > 0 && !kind->device ? rd_weights_pack(&s.weights, &w->model->config, &s.packed, e)
                                     : RD_OK;
  }
  const rd_step_plan plan = {.config = &w->model->config,
                             .weights = &s.weights,
                             .gradient = &s.gradient,
                             .gradients = (float *)(void *)s.arena.base,
                             .gradient_count = (int64_t)(s.arena.used / sizeof(float)),
                             .rows = w->window * w->batch,
                             .longest = w->window};
  if (code == RD_OK)
    code = rd_step_open(&p, kind->name, &plan, e);
  while (code == RD_OK && wants(t)) {
    double loss = 0;
    code =
        rd_step_run(p, w->sequences, w->batch, 0, w->ids, w->weights, &s.gradient, &loss, NULL, e);
    took(t);
  }
  rd_step_free(&p);
  rd_arena_drop(&s.arena);
  rd_arena_drop(&s.packed);
  free(layers);
  free(grads);
  return code;
}

rd_code rd_bench_case(rd_bench_time *out, const rd_model *m, const rd_bench_what *what,
                      rd_error *e) {
  work w;
  timing t = {.wanted = what->repeats, .left = what->repeats};
  const rd_engine_kind *kind = rd_engine_kind_of(m);
  const bool asked = what->reuse > 0 || (kind && kind->device); /* of an engine */
  rd_code code = work_init(&w, m, what->window, what->batch, e);
  if (code == RD_OK)
    code = what->train       ? time_steps(&w, what->rank, &t, e)
         : what->written > 0 ? time_answers(&w, what, &t, e)
         : asked             ? time_reuse(&w, what, &t, e)
                             : time_passes(&w, what->logits, &t, e);
  *out = t.best;
  work_drop(&w);
  return code;
}

static const char *const prompts[] = {
    "What is the capital of France?",
    "Write a sentence about a dog.",
    "What is 7 + 5?",
    "Name three colours.",
    "What does a baker do?",
    "Say hello.",
};

static rd_code window_of(void *context, const rd_event *event) {
  if (event->kind == RD_EVENT_START)
    *(int64_t *)context = event->window;
  return RD_OK;
}

rd_code rd_bench_answers(rd_bench_answer *out, rd_model *m, int64_t count, rd_error *e) {
  rd_session *session = NULL;
  *out = (rd_bench_answer){0};
  RD_TRY(rd_session_open(&session, m, NULL, e));
  rd_code code = rd_session_set(session, "seed", "1", e);
  for (int64_t i = 0; i < count && code == RD_OK; i++) {
    rd_result result = {0};
    code = rd_generate(session, prompts[(size_t)i % (sizeof prompts / sizeof *prompts)], window_of,
                       &out->window, &result, e);
    out->answers++;
    out->tokens += result.tokens;
    out->passes += result.passes;
    out->seconds += result.seconds;
    rd_result_drop(&result);
  }
  rd_session_close(&session);
  return code;
}
