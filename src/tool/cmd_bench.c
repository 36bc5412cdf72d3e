/* SPDX-License-Identifier: MIT */
/* redraft bench: the machine's own limits first, then iterations and training steps as a fraction
 * of them. */
#include "arena.h"
#include "commands.h"
#include "common.h"
#include "cpu.h"
#include "family.h"
#include "flops.h"
#include "gradient.h"
#include "peak.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

typedef struct settings {
  rd_common common;
  char *shape, *windows, *batches;
  bool train;
  int64_t rank, repeats;
} settings;

static const rd_option rows[] = {
    {"shape", 0, RD_TEXT, NULL, 0, 0, NULL, "Case", "NAME",
     "random weights of a named shape instead of a model: tini, llama-1b or llada-8b",
     offsetof(settings, shape)},
    {"windows", 0, RD_TEXT, "256", 0, 0, NULL, "Case", "N,N", "tokens in a sequence",
     offsetof(settings, windows)},
    {"batches", 0, RD_TEXT, "1", 0, 0, NULL, "Case", "N,N", "sequences in a pass",
     offsetof(settings, batches)},
    {"train", 0, RD_FLAG, "false", 0, 0, NULL, "Case", NULL,
     "a training step (forward, backward; every weight, or with --rank the adapter's)",
     offsetof(settings, train)},
    {"rank", 0, RD_INT, "0", 0, 4096, NULL, "Case", NULL,
     "adapter rank of a training step; 0: all weights", offsetof(settings, rank)},
    {"repeats", 0, RD_INT, "5", 1, 1000, NULL, "Case", NULL, "measurements; the best is reported",
     offsetof(settings, repeats)},
    RD_COMMON_OPTIONS(offsetof(settings, common))};

typedef struct shape {
  const char *name;
  int64_t layers, width, heads, kv_heads, head_dim, ff, vocab;
  bool tied;
} shape;

static const shape shapes[] = {{"tini", 6, 288, 6, 6, 48, 768, 8192, true},
                               {"llama-1b", 16, 2048, 32, 8, 64, 8192, 128256, true},
                               {"llada-8b", 32, 4096, 32, 32, 128, 12288, 126464, false}};

static rd_code find_shape(const char *name, rd_config *c, rd_error *e) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
    const shape *s = &shapes[i];
    if (strcmp(s->name, name) != 0)
      continue;
    *c = (rd_config){.layers = s->layers,
                     .width = s->width,
                     .heads = s->heads,
                     .kv_heads = s->kv_heads,
                     .ff = s->ff,
                     .vocab = s->vocab,
                     .head_dim = s->head_dim,
                     .positions = 8192,
                     .norm_eps = 1e-5,
                     .rope_theta = 500000,
                     .tied = s->tied,
                     .bos = -1,
                     .pad = -1,
                     .mask = -1};
    return rd_family_find(&c->family, "llama", e);
  }
  return rd_fail(e, RD_USAGE,
                 "--shape: there is no shape %s; tini, llama-1b and llada-8b are known", name);
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
    w->sequences[b] = (rd_sequence){w->ids + b * window, window, 0, NULL};
  return RD_OK;
}

static rd_code nothing(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  (void)context, (void)logits, (void)first, (void)count, (void)e;
  return RD_OK;
}

/* One iteration: the layers and the logits of every position. */
static rd_code time_passes(work *w, int64_t repeats, double *best, rd_error *e) {
  rd_pass *p = NULL;
  int64_t rows_count = w->window * w->batch;
  RD_TRY(rd_pass_new(&p, w->model, rows_count, w->window, 0, e));
  rd_code code = RD_OK;
  for (int64_t i = 0; i <= repeats && code == RD_OK; i++) { /* the first warms up */
    double start = rd_seconds();
    code = rd_pass_run(p, w->sequences, w->batch, 0, e);
    if (code == RD_OK)
      code = rd_pass_logits(p, w->wanted, rows_count, nothing, NULL, e);
    double seconds = rd_seconds() - start;
    if (i > 0 && (*best == 0 || seconds < *best))
      *best = seconds;
  }
  rd_pass_free(&p);
  return code;
}

/* Gradients for every weight, or factors of `rank` on every projection; one arena. */
typedef struct step {
  rd_weights weights;
  rd_gradient gradient;
  rd_arena arena;
} step;

static void step_layout(step *s, const rd_model *m, int64_t rank, rd_arena *arena) {
  const rd_config *c = &m->config;
  rd_layer *layers = RD_TAKE(arena, rd_layer, c->layers);
  rd_layer_grad *grads = RD_TAKE(arena, rd_layer_grad, c->layers);
  size_t element = rd_dtype_size(m->weights.type);
  s->weights = m->weights;
  s->weights.layers = layers;
  s->gradient = (rd_gradient){.layers = grads};
  if (rank == 0)
    s->gradient.embedding = RD_TAKE(arena, float, c->vocab * c->width);
  if (rank == 0 && !c->tied)
    s->gradient.head = RD_TAKE(arena, float, c->vocab * c->width);
  for (int64_t l = 0; l < c->layers; l++) {
    if (arena->base)
      layers[l] = m->weights.layers[l];
    for (int p = 0; p < RD_PROJECTIONS; p++) {
      const rd_linear *x = &m->weights.layers[l].p[p];
      float *w = rank == 0 ? RD_TAKE(arena, float, x->out * x->in) : NULL;
      float *da = rank > 0 ? RD_TAKE(arena, float, rank * x->in) : NULL;
      float *db = rank > 0 ? RD_TAKE(arena, float, rank * x->out) : NULL;
      void *a = rd_arena_take(arena, (size_t)(rank * x->in), element);
      void *b = rd_arena_take(arena, (size_t)(rank * x->out), element);
      if (!arena->base)
        continue;
      grads[l].p[p] = (rd_linear_grad){.w = w, .lora_a = da, .lora_b = db};
      if (rank > 0) {
        layers[l].p[p].rank = rank;
        layers[l].p[p].scale = 1;
        layers[l].p[p].lora_a = a;
        layers[l].p[p].lora_b = b;
      }
    }
  }
}

static rd_code time_steps(work *w, int64_t rank, int64_t repeats, double *best, rd_error *e) {
  step s = {0};
  rd_arena measure = rd_arena_measure();
  rd_trainer_pass *p = NULL;
  step_layout(&s, w->model, rank, &measure);
  rd_code code = rd_arena_init(&s.arena, measure.used, "gradients", e);
  if (code != RD_OK)
    return code;
  step_layout(&s, w->model, rank, &s.arena);
  code = rd_trainer_pass_new(&p, &w->model->config, &s.weights, w->window * w->batch, w->window,
                             false, e);
  for (int64_t i = 0; i <= repeats && code == RD_OK; i++) {
    double loss = 0, start = rd_seconds();
    code = rd_trainer_pass_run(p, w->sequences, w->batch, 0, w->ids, w->weights, &s.gradient, &loss,
                               NULL, e);
    double seconds = rd_seconds() - start;
    if (i > 0 && (*best == 0 || seconds < *best))
      *best = seconds;
  }
  rd_trainer_pass_free(&p);
  rd_arena_drop(&s.arena);
  return code;
}

static size_t peak_memory(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (size_t)usage.ru_maxrss * 1024;
}

static void report(const settings *s, const work *w, double seconds, double peak) {
  const rd_config *c = &w->model->config;
  int64_t tokens = w->window * w->batch;
  double flops = s->train ? rd_flops_step(c, w->window, w->batch, tokens, s->rank)
                          : rd_flops_pass(c, w->window, w->batch, tokens);
  const char *name = s->train ? (s->rank > 0 ? "train-lora" : "train") : "iteration";
  const char *type = rd_model_precision(w->model);
  if (!s->common.json) {
    printf("%-11s %-10s %-5s %7lld %6lld %11.5f %13.0f %9.1f %9.1f%% %9.0f\n", name,
           s->shape ? s->shape : w->model->name, type, (long long)w->window, (long long)w->batch,
           seconds, (double)tokens / seconds, flops / seconds / 1e9, 100 * flops / seconds / peak,
           (double)peak_memory() / 1e6);
    return;
  }
  json_t *row =
      json_pack("{s:s, s:s, s:s, s:I, s:I, s:i, s:f, s:f, s:f, s:f, s:f, s:I}", "case", name,
                "shape", s->shape ? s->shape : w->model->name, "precision", type, "window",
                (json_int_t)w->window, "batch", (json_int_t)w->batch, "threads", rd_threads_get(),
                "seconds", seconds, "canvas_tokens_per_second", (double)tokens / seconds,
                "flops_per_second", flops / seconds, "peak_flops_per_second", peak, "peak_fraction",
                flops / seconds / peak, "peak_memory_bytes", (json_int_t)peak_memory());
  json_dumpf(row, stdout, 0);
  putchar('\n');
  json_decref(row);
}

static rd_code numbers(const char *text, const char *name, int64_t *out, int *count, rd_error *e) {
  enum { MOST = 16 };
  *count = 0;
  for (const char *at = text; *at && *count < MOST;) {
    char *end = NULL;
    long n = strtol(at, &end, 10);
    if (end == at || n < 1 || n > 1 << 20 || (*end && *end != ','))
      return rd_fail(e, RD_USAGE, "--%s: expected numbers with commas between, found %s", name,
                     text);
    out[(*count)++] = n;
    at = *end ? end + 1 : end;
  }
  return RD_OK;
}

static rd_code open_model(const settings *s, rd_model **out, rd_error *e) {
  if (!s->shape)
    return rd_tool_open(out, &s->common, false, e);
  rd_config c;
  RD_TRY(find_shape(s->shape, &c, e));
  rd_precision precision;
  RD_TRY(rd_precision_find(&precision, s->common.precision, e));
  static const rd_dtype types[] = {
      [RD_PRECISION_F32] = RD_F32, [RD_PRECISION_BF16] = RD_BF16, [RD_PRECISION_INT8] = RD_I8};
  if (precision == RD_AUTO)
    precision = rd_bf16_fast() ? RD_PRECISION_BF16 : RD_PRECISION_F32;
  return rd_model_random(out, &c, types[precision], 1, e);
}

static rd_code measure_all(const settings *s, const rd_model *m, double peak, rd_error *e) {
  int64_t windows[16], batches[16];
  int window_count = 0, batch_count = 0;
  RD_TRY(numbers(s->windows, "windows", windows, &window_count, e));
  RD_TRY(numbers(s->batches, "batches", batches, &batch_count, e));
  for (int i = 0; i < window_count * batch_count; i++) {
    work w;
    double seconds = 0;
    rd_code code = work_init(&w, m, windows[i / batch_count], batches[i % batch_count], e);
    if (code == RD_OK)
      code = s->train ? time_steps(&w, s->rank, s->repeats, &seconds, e)
                      : time_passes(&w, s->repeats, &seconds, e);
    if (code == RD_OK)
      report(s, &w, seconds, peak);
    work_drop(&w);
    RD_TRY(code);
  }
  return RD_OK;
}

static rd_code run(void *context, const char *argument, rd_error *e) {
  const settings *s = context;
  (void)argument;
  rd_model *m = NULL;
  RD_TRY(open_model(s, &m, e));
  double f32 = rd_peak_flops(RD_F32), bf16 = rd_peak_flops(RD_BF16);
  double peak = m->weights.type == RD_BF16 && bf16 > 0 ? bf16 : f32;
  if (!s->common.json) {
    printf(
        "this machine, %d threads, %s: f32 %.0f GFLOP/s, bf16 %.0f GFLOP/s, memory %.1f GB/s\n\n",
        rd_threads_get(), rd_cpu_name(rd_cpu_level()), f32 / 1e9, bf16 / 1e9,
        rd_peak_bandwidth() / 1e9);
    printf("%-11s %-10s %-5s %7s %6s %11s %13s %9s %10s %9s\n", "case", "shape", "type", "window",
           "batch", "seconds", "canvas tok/s", "GFLOP/s", "of peak", "MB");
  }
  rd_code code = measure_all(s, m, peak, e);
  rd_model_close(&m);
  return code;
}

rd_code rd_cmd_bench(int argc, char **argv, rd_error *e) {
  settings s = {0};
  const rd_options o = {rows, sizeof rows / sizeof *rows, &s, NULL};
  return rd_tool_command(&o, 0, argc, argv, run, e);
}
