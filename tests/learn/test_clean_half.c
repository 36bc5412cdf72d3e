/* SPDX-License-Identifier: MIT */
/* Training behind a gate: the loss is that of gated passes over a cache, gradients agree with
 * central differences, and a batch is what its sequences are alone. */
#include "model.h"
#include "parts.h"
#include "rng.h"
#include "scratch_files.h"
#include "step.h"

#include <math.h>

enum { T1 = 14, T2 = 9, T3 = 6, T = T1 + T2 + T3, GATE1 = 6, GATE2 = 2, MOST = 64, V = 288 };

static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors",
                                    "redraft.json"};

/* A gated golden model whose adapter lies in memory of its own, a gradient beside each tensor. */
typedef struct world {
  rd_model *model;
  rd_gradient gradient;
  float *values[MOST], *grads[MOST];
  int64_t sizes[MOST];
  const char *names[MOST];
  int count;
} world;

static float *own(world *w, const char *name, const float *from, int64_t n, float **grad) {
  float *copy = malloc((size_t)n * sizeof *copy);
  memcpy(copy, from, (size_t)n * sizeof *copy);
  assert_true(w->count < MOST);
  w->values[w->count] = copy;
  w->sizes[w->count] = n;
  w->names[w->count] = name;
  *grad = w->grads[w->count++] = calloc((size_t)n, sizeof(float));
  return copy;
}

static void open_world(world *w, const char *model, const char *adapter) {
  char folder[64], path[400];
  rd_error e = {0};
  memset(w, 0, sizeof *w);
  temporary(folder, sizeof folder);
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, GOLDEN "adapters/%s/%s", adapter, files[i]);
    copy_file(path, in(folder, files[i]));
  }
  write_bytes(in(folder, files[2]), "{\"gate\":\"answer\"}", 17);
  snprintf(path, sizeof path, GOLDEN "models/%s", model);
  rd_model_options o = {
      .path = path, .adapter = folder, .precision = "f32", .use = RD_ADAPTER_BESIDE};
  if (rd_model_open(&w->model, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  sweep(folder, files, 3);
  const rd_config *c = &w->model->config;
  w->gradient.layers = calloc((size_t)c->layers, sizeof *w->gradient.layers);
  rd_walk at = rd_parts_of(c, NULL, &w->model->weights, &w->gradient);
  while (rd_parts_next(&at)) {
    if (at.kind == RD_NORM && at.layer >= 0)
      *at.vector = own(w, at.part->name, *at.vector, at.cols, at.gradient);
    if (!at.linear || at.linear->a.rows == 0)
      continue;
    rd_matrix *a = &at.linear->a, *b = &at.linear->b;
    a->data = own(w, "lora_a", a->data, a->rows * a->cols, &at.grad->a);
    b->data = own(w, "lora_b", b->data, b->rows * b->cols, &at.grad->b);
  }
}

static void close_world(world *w) {
  for (int i = 0; i < w->count; i++) {
    free(w->values[i]);
    free(w->grads[i]);
  }
  free(w->gradient.layers);
  rd_model_close(&w->model);
}

/* Three packed sequences: with a gate, with another, and without a prompt. */
typedef struct batch {
  int32_t ids[T], targets[T];
  float weights[T];
  rd_sequence sequences[3];
} batch;

static void fill(batch *b) {
  rd_rng rng = rd_rng_at(5, RD_STREAM_CORRUPT, 0, 0);
  for (int i = 0; i < T; i++) {
    b->ids[i] = (int32_t)rd_rng_below(&rng, V);
    b->targets[i] = i % 4 == 3 ? -1 : (int32_t)rd_rng_below(&rng, V);
    b->weights[i] = i % 5 == 4 ? 0 : 0.5f + (float)rd_rng_uniform(&rng);
  }
  b->sequences[0] = (rd_sequence){.ids = b->ids, .count = T1, .gate = GATE1};
  b->sequences[1] = (rd_sequence){.ids = b->ids + T1, .count = T2, .gate = GATE2};
  b->sequences[2] = (rd_sequence){.ids = b->ids + T1 + T2, .count = T3};
}

static double loss_of(rd_step *p, const batch *b, rd_gradient *g, float *row_loss) {
  double loss = 0;
  rd_error e = {0};
  if (rd_step_run(p, b->sequences, 3, 0, b->targets, b->weights, g, &loss, row_loss, &e) != RD_OK)
    fail_msg("%s", e.message);
  return loss;
}

static rd_step *step_of(const world *w, bool recompute) {
  rd_step *p;
  rd_error e = {0};
  if (rd_step_new(&p, &w->model->config, &w->model->weights, T, T1, recompute, &e) != RD_OK)
    fail_msg("%s", e.message);
  return p;
}

static const struct pair {
  const char *model, *adapter;
} pairs[] = {
    {"train-tiny", "train-tiny-seven"}, {"llama-mha", "llama-mha-norms"}, {"qwen3", "qwen3-seven"}};
enum { PAIRS = sizeof pairs / sizeof *pairs };

typedef struct row_losses {
  const batch *b;
  int64_t at;
  float out[T];
} row_losses;

static rd_code cross_entropy(void *context, float *logits, int64_t first, int64_t count,
                             rd_error *e) {
  row_losses *r = context;
  (void)e;
  for (int64_t i = 0; i < count; i++) {
    double sum = 0;
    int64_t row = r->at + first + i;
    for (int v = 0; v < V; v++)
      sum += exp((double)logits[i * V + v]);
    if (r->b->targets[row] >= 0 && r->b->weights[row] != 0)
      r->out[row] = (float)(log(sum) - (double)logits[i * V + r->b->targets[row]]);
  }
  return RD_OK;
}

/* A sequence as inference runs it: both halves in one pass, over a cache. */
static void score(const world *w, rd_stack *stack, const rd_sequence *q, row_losses *want) {
  rd_cache *cache;
  rd_error e = {0};
  int32_t rows[T];
  int64_t n = 0, behind = q->count - q->gate;
  rd_sequence halves[2];
  assert_int_equal(rd_cache_new(&cache, &w->model->config, RD_F32, T, &e), RD_OK);
  if (q->gate > 0)
    halves[n++] = (rd_sequence){
        .ids = q->ids, .count = q->gate, .cache = cache, .length = q->gate, .clean = true};
  halves[n++] = (rd_sequence){.ids = q->ids + q->gate,
                              .count = behind,
                              .first = q->gate,
                              .cache = cache,
                              .length = q->count};
  for (int64_t i = 0; i < behind; i++)
    rows[i] = (int32_t)(q->gate + i);
  want->at = q->ids - want->b->ids + q->gate;
  if (rd_stack_run(stack, halves, n, 0, &e) ||
      rd_stack_logits(stack, rows, behind, cross_entropy, want, &e))
    fail_msg("%s", e.message);
  rd_cache_free(&cache);
}

static void the_loss_is_that_of_gated_passes(void **state) {
  (void)state;
  for (int i = 0; i < PAIRS; i++) {
    world w;
    batch b;
    float rows[T];
    row_losses want = {.b = &b};
    rd_error e = {0};
    rd_stack *stack;
    double sum = 0;
    open_world(&w, pairs[i].model, pairs[i].adapter);
    fill(&b);
    rd_step *p = step_of(&w, false);
    double loss = loss_of(p, &b, NULL, rows);
    assert_int_equal(rd_stack_new(&stack, &w.model->config, &w.model->weights,
                                  &(rd_stack_sizes){.rows = T, .longest = T}, &e),
                     RD_OK);
    for (int s = 0; s < 3; s++)
      score(&w, stack, &b.sequences[s], &want);
    for (int r = 0; r < T; r++) {
      assert_true(fabs((double)rows[r] - (double)want.out[r]) < 1e-4);
      sum += (double)b.weights[r] * (double)want.out[r];
    }
    assert_true(fabs(loss - sum) < 1e-4 * sum && sum > 1);
    rd_stack_free(&stack);
    rd_step_free(&p);
    close_world(&w);
  }
}

/* For every tensor: the derivative along its own gradient's direction. */
static void gradients_agree_with_central_differences(void **state) {
  (void)state;
  for (int i = 0; i < 2 * PAIRS; i++) {
    world w;
    batch b;
    open_world(&w, pairs[i / 2].model, pairs[i / 2].adapter);
    fill(&b);
    rd_step *p = step_of(&w, i % 2);
    loss_of(p, &b, &w.gradient, NULL);
    for (int k = 0; k < w.count; k++) {
      double norm = 0, side[2];
      size_t bytes = (size_t)w.sizes[k] * sizeof(float);
      for (int64_t j = 0; j < w.sizes[k]; j++)
        norm += (double)w.grads[k][j] * (double)w.grads[k][j];
      norm = sqrt(norm);
      assert_true(norm > 1e-6);
      double h = 2e-2 / (1 + norm);
      float *saved = malloc(bytes);
      memcpy(saved, w.values[k], bytes);
      for (int s = 0; s < 2; s++) {
        for (int64_t j = 0; j < w.sizes[k]; j++)
          w.values[k][j] = (float)((double)saved[j] + (s ? h : -h) * (double)w.grads[k][j] / norm);
        side[s] = loss_of(p, &b, NULL, NULL);
      }
      memcpy(w.values[k], saved, bytes);
      free(saved);
      double numeric = (side[1] - side[0]) / (2 * h);
      if (fabs(numeric - norm) > 3e-3 * norm + 3e-3)
        fail_msg("%s: %s (tensor %d): slope %g, gradient norm %g", pairs[i / 2].model, w.names[k],
                 k, numeric, norm);
    }
    rd_step_free(&p);
    close_world(&w);
  }
}

/* A reading of the model's own: rows of the batch, wherever they lie in the half that learns. */
static void guesses_are_those_of_each_row_alone(void **state) {
  (void)state;
  world w;
  batch b;
  rd_error e = {0};
  static const rd_propose_rule best = {.top_p = 1, .eos = -1};
  int32_t together[T], alone[T], rows[T];
  open_world(&w, pairs[0].model, pairs[0].adapter);
  fill(&b);
  memset(together, -1, sizeof together);
  memset(alone, -1, sizeof alone);
  rd_step *p = step_of(&w, false);
  int64_t count = 0;
  for (int s = 0; s < 3; s++)
    for (int64_t k = b.sequences[s].gate; k < b.sequences[s].count; k++)
      rows[count++] = (int32_t)(b.sequences[s].ids - b.ids + k);
  assert_int_equal(rd_step_guess(p, b.sequences, 3, 0, rows, count, &best, 1, together, &e), RD_OK);
  for (int s = 0; s < 3; s++) {
    int32_t own_rows[T];
    int64_t n = 0;
    for (int64_t k = b.sequences[s].gate; k < b.sequences[s].count; k++)
      own_rows[n++] = (int32_t)k;
    assert_int_equal(rd_step_guess(p, &b.sequences[s], 1, 0, own_rows, n, &best, 1,
                                   alone + (b.sequences[s].ids - b.ids), &e),
                     RD_OK);
  }
  assert_memory_equal(together, alone, sizeof alone);
  rd_step_free(&p);
  close_world(&w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_loss_is_that_of_gated_passes),
      cmocka_unit_test(gradients_agree_with_central_differences),
      cmocka_unit_test(guesses_are_those_of_each_row_alone),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
