/* SPDX-License-Identifier: MIT */
/* Training behind a gate, by every kind of steps that this machine has: the loss is that of gated
 * passes over a cache, gradients agree with central differences, and a batch is what its sequences
 * are alone. */
#include "cpu.h"
#include "json.h"
#include "model.h"
#include "parts.h"
#include "rng.h"
#include "scratch_files.h"
#include "step.h"

#include <math.h>

enum {
  T1 = 14,
  T2 = 9,
  T3 = 6,
  T = T1 + T2 + T3,
  GATE1 = 6,
  GATE2 = 2,
  MOST = 64,
  V = 288,
  POOL = 1 << 17
};

static const rd_step_kind *kind_now;

static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors",
                                    "redraft.json"};

/* A gated golden model whose adapter lies in memory of its own, a gradient beside each tensor. */
typedef struct world {
  rd_model *model;
  rd_gradient gradient;
  float *pool; /* (POOL) where gradients lie */
  int64_t taken;
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
  assert_true(w->taken + n <= POOL);
  *grad = w->grads[w->count++] = w->pool + w->taken;
  w->taken += n;
  return copy;
}

static void open_world(world *w, const char *model, const char *adapter) {
  char folder[64], path[400];
  rd_error e = {0};
  memset(w, 0, sizeof *w);
  w->pool = calloc(POOL, sizeof *w->pool);
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
  for (int i = 0; i < w->count; i++)
    free(w->values[i]);
  free(w->pool);
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

/* Loss, and gradients unless NULL, with the weights as they are now. */
static double run_step(rd_step *p, const rd_sequence *sequences, int64_t n, const int32_t *targets,
                       const float *weights, rd_gradient *g, float *row_loss) {
  double loss = 0;
  rd_error e = {0};
  if (rd_step_refresh(p, &e) || (g && rd_step_clear(p, &e)) ||
      rd_step_run(p, sequences, n, 0, targets, weights, g, &loss, row_loss, &e) ||
      (g && rd_step_gather(p, &e)))
    fail_msg("%s", e.message);
  return loss;
}

static double loss_of(rd_step *p, const batch *b, rd_gradient *g, float *row_loss) {
  return run_step(p, b->sequences, 3, b->targets, b->weights, g, row_loss);
}

static rd_step *open_step(const world *w, int64_t rows, int64_t longest, bool recompute) {
  rd_step *p;
  rd_error e = {0};
  const rd_step_plan plan = {.config = &w->model->config,
                             .weights = &w->model->weights,
                             .gradient = &w->gradient,
                             .gradients = w->pool,
                             .gradient_count = w->taken,
                             .rows = rows,
                             .longest = longest,
                             .recompute = recompute};
  if (rd_step_open(&p, kind_now->name, &plan, &e) != RD_OK)
    fail_msg("%s", e.message);
  return p;
}

static rd_step *step_of(const world *w, bool recompute) {
  return open_step(w, T, T1, recompute);
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

/* The loss of some batch, and its gradients unless NULL. */
typedef double some_loss(rd_step *p, const void *batch, rd_gradient *g);

/* For every tensor: the derivative along its own gradient's direction. */
static void agree(world *w, rd_step *p, some_loss *loss, const void *b, const char *name) {
  loss(p, b, &w->gradient);
  for (int k = 0; k < w->count; k++) {
    double norm = 0, side[2];
    size_t bytes = (size_t)w->sizes[k] * sizeof(float);
    for (int64_t j = 0; j < w->sizes[k]; j++)
      norm += (double)w->grads[k][j] * (double)w->grads[k][j];
    norm = sqrt(norm);
    assert_true(norm > 1e-6);
    double h = 2e-2 / (1 + norm);
    float *saved = malloc(bytes);
    memcpy(saved, w->values[k], bytes);
    for (int s = 0; s < 2; s++) {
      for (int64_t j = 0; j < w->sizes[k]; j++)
        w->values[k][j] = (float)((double)saved[j] + (s ? h : -h) * (double)w->grads[k][j] / norm);
      side[s] = loss(p, b, NULL);
    }
    memcpy(w->values[k], saved, bytes);
    free(saved);
    double numeric = (side[1] - side[0]) / (2 * h);
    if (fabs(numeric - norm) > 3e-3 * norm + 3e-3)
      fail_msg("%s: %s (tensor %d): slope %g, gradient norm %g", name, w->names[k], k, numeric,
               norm);
  }
}

static double at_targets(rd_step *p, const void *b, rd_gradient *g) {
  return loss_of(p, b, g, NULL);
}

static void gradients_agree_with_central_differences(void **state) {
  (void)state;
  for (int i = 0; i < 2 * PAIRS; i++) {
    world w;
    batch b;
    open_world(&w, pairs[i / 2].model, pairs[i / 2].adapter);
    fill(&b);
    rd_step *p = step_of(&w, i % 2);
    agree(&w, p, at_targets, &b, pairs[i / 2].model);
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

/* --- blocks ----------------------------------------------------------------------------------- */

/* A text, and four blocks of it in two copies, packed behind it; then a shorter text with one. */
enum { TEXT = 16, SHORT = 7, ROWS = TEXT + 5 + 3 + 5 + 4 + SHORT + 3, BLOCKS = 7 };
static const struct {
  int64_t first, count; /* first 0: a text */
} laid[BLOCKS] = {{0, TEXT}, {4, 5}, {9, 3}, {4, 5}, {12, 4}, {0, SHORT}, {3, 3}};

typedef struct halves {
  int32_t ids[ROWS], targets[ROWS];
  float weights[ROWS];
  rd_sequence sequences[BLOCKS];
} halves;

static void fill_halves(halves *b) {
  rd_rng rng = rd_rng_at(6, RD_STREAM_CORRUPT, 0, 0);
  int at = 0;
  for (int i = 0; i < ROWS; i++)
    b->ids[i] = (int32_t)rd_rng_below(&rng, V);
  for (int s = 0; s < BLOCKS; s++) {
    b->sequences[s] = (rd_sequence){.ids = b->ids + at,
                                    .count = laid[s].count,
                                    .first = laid[s].first,
                                    .gate = laid[s].first ? 0 : laid[s].count};
    for (int i = 0; i < laid[s].count; i++, at++) {
      b->targets[at] = laid[s].first && at % 4 != 1 ? 1 : -1;
      b->weights[at] = b->targets[at] > 0 ? 0.5f + (float)rd_rng_uniform(&rng) : 0;
    }
  }
  assert_int_equal(at, ROWS);
}

static double loss_of_halves(rd_step *p, const halves *b, rd_gradient *g, float *row_loss) {
  return run_step(p, b->sequences, BLOCKS, b->targets, b->weights, g, row_loss);
}

static rd_step *step_of_halves(const world *w, const rd_aim *aim, bool recompute) {
  rd_step *p = open_step(w, ROWS, TEXT, recompute);
  rd_step_aim(p, aim);
  return p;
}

/* Scores and final hidden states of the last rows of a pass. */
enum { MOST_D = 96 };
typedef struct seen {
  float logits[TEXT][V], hidden[TEXT][MOST_D];
} seen;

static rd_code see(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  seen *s = context;
  (void)e;
  memcpy(s->logits[first], logits, (size_t)(count * V) * sizeof *logits);
  return RD_OK;
}

/* The text before `first` as the base reads it, and `count` ids behind with the adapter, or (clean)
 * without. */
static void look(const world *w, rd_stack *stack, const int32_t *text, int64_t first,
                 const int32_t *ids, int64_t count, bool clean, seen *out) {
  rd_cache *cache;
  rd_error e = {0};
  int32_t rows[TEXT];
  int64_t n = 0, D = w->model->config.width;
  rd_sequence parts[2];
  assert_int_equal(rd_cache_new(&cache, &w->model->config, RD_F32, TEXT, &e), RD_OK);
  if (first > 0)
    parts[n++] =
        (rd_sequence){.ids = text, .count = first, .cache = cache, .length = first, .clean = true};
  parts[n++] = (rd_sequence){.ids = ids,
                             .count = count,
                             .first = first,
                             .cache = cache,
                             .length = first + count,
                             .clean = clean};
  for (int64_t i = 0; i < count; i++)
    rows[i] = (int32_t)(first + i);
  if (rd_stack_run(stack, parts, n, 0, &e) || rd_stack_logits(stack, rows, count, see, out, &e))
    fail_msg("%s", e.message);
  for (int64_t i = 0; i < count; i++)
    memcpy(out->hidden[i], (const float *)stack->hidden + (first + i) * D,
           (size_t)D * sizeof(float));
  rd_cache_free(&cache);
}

/* Cross-entropy of one row's distribution under another's. */
static double soft(const float *goal, const float *row) {
  double all = 0, own = 0, sum = 0;
  for (int v = 0; v < V; v++) {
    all += exp((double)goal[v]);
    own += exp((double)row[v]);
  }
  for (int v = 0; v < V; v++)
    sum += exp((double)goal[v]) / all * (log(own) - (double)row[v]);
  return sum;
}

static double cosine(const float *a, const float *b, int64_t n) {
  double aa = 0, bb = 0, ab = 0;
  for (int64_t i = 0; i < n; i++) {
    aa += (double)a[i] * (double)a[i];
    bb += (double)b[i] * (double)b[i];
    ab += (double)a[i] * (double)b[i];
  }
  return ab / sqrt(aa * bb);
}

/* Rows of blocks, alone over a cache, against the base's row at the same position or before it. */
static void blocks_aim_at_the_base(void **state) {
  (void)state;
  for (int i = 0; i < 2 * PAIRS; i++) {
    const rd_aim aim = {.parent = true, .shift = i % 2, .align = 0.7};
    static seen base, own_rows;
    world w;
    halves b;
    float rows[ROWS];
    rd_error e = {0};
    rd_stack *stack;
    double sum = 0;
    const int32_t *text = NULL;
    open_world(&w, pairs[i / 2].model, pairs[i / 2].adapter);
    const int64_t D = w.model->config.width;
    assert_true(D <= MOST_D && w.model->config.vocab == V);
    fill_halves(&b);
    rd_step *p = step_of_halves(&w, &aim, false);
    double loss = loss_of_halves(p, &b, NULL, rows);
    assert_int_equal(rd_stack_new(&stack, &w.model->config, &w.model->weights,
                                  &(rd_stack_sizes){.rows = 2 * TEXT, .longest = TEXT}, &e),
                     RD_OK);
    for (int s = 0; s < BLOCKS; s++) {
      const rd_sequence *q = &b.sequences[s];
      int64_t at = q->ids - b.ids;
      if (q->first == 0) {
        text = q->ids;
        look(&w, stack, text, 0, text, q->count, true, &base);
        continue;
      }
      look(&w, stack, text, q->first, q->ids, q->count, false, &own_rows);
      for (int64_t k = 0; k < q->count; k++) {
        int64_t parent = q->first + k - !aim.shift;
        double expected = soft(base.logits[parent], own_rows.logits[k]);
        if (b.targets[at + k] < 0)
          continue;
        if (fabs((double)rows[at + k] - expected) > 1e-4)
          fail_msg("row %lld: %g, expected %g", (long long)(at + k), (double)rows[at + k],
                   expected);
        double apart = 1 - cosine(base.hidden[parent], own_rows.hidden[k], D);
        sum += (double)b.weights[at + k] * (expected + aim.align * apart);
      }
    }
    assert_true(fabs(loss - sum) < 1e-4 * sum && sum > 1);
    rd_stack_free(&stack);
    rd_step_free(&p);
    close_world(&w);
  }
}

/* Copies the ids of a list; returns how many. */
static int64_t take_ids(int32_t *out, const json_t *list) {
  for (size_t i = 0; i < json_array_size(list); i++)
    out[i] = (int32_t)json_integer_value(json_array_get(list, i));
  return (int64_t)json_array_size(list);
}

/* Rows of a golden batch, and their sum, as numpy computes them (make_block_loss.py). */
static void as_the_reference_says(void **state) {
  (void)state;
  rd_error e = {0};
  json_t *golden = NULL, *one;
  if (rd_json_open(&golden, GOLDEN "block_loss.json", &e) != RD_OK)
    fail_msg("%s", e.message);
  for (int shift = 0; shift < 2; shift++) {
    const rd_aim aim = {.parent = true, .shift = shift, .align = 0.7};
    int32_t ids[ROWS], targets[ROWS];
    float weights[ROWS], rows[ROWS];
    rd_sequence sequences[BLOCKS];
    world w;
    size_t i;
    double sum = 0, found = 0;
    int64_t at = take_ids(ids, json_object_get(golden, "text")), n = 1;
    sequences[0] = (rd_sequence){.ids = ids, .count = at, .gate = at};
    open_world(&w, json_string_value(json_object_get(golden, "model")),
               json_string_value(json_object_get(golden, "adapter")));
    for (int r = 0; r < ROWS; r++) {
      targets[r] = r < at ? -1 : 0;
      weights[r] = 1;
    }
    json_array_foreach(json_object_get(golden, "blocks"), i, one) {
      int64_t count = take_ids(ids + at, json_object_get(one, "ids"));
      sequences[n++] = (rd_sequence){.ids = ids + at,
                                     .count = count,
                                     .first = json_integer_value(json_object_get(one, "first"))};
      at += count;
    }
    rd_step *p = step_of_halves(&w, &aim, false);
    assert_int_equal(rd_step_run(p, sequences, n, 0, targets, weights, NULL, &found, rows, &e),
                     RD_OK);
    json_array_foreach(json_object_get(golden, "blocks"), i, one) {
      const json_t *loss = json_object_get(one, shift ? "loss_1" : "loss_0"),
                   *apart = json_object_get(one, shift ? "apart_1" : "apart_0");
      int64_t first = sequences[i + 1].ids - ids;
      for (size_t k = 0; k < json_array_size(loss); k++) {
        double expected = json_real_value(json_array_get(loss, k));
        assert_true(fabs((double)rows[first + (int64_t)k] - expected) < 1e-4 * expected);
        sum += expected + aim.align * json_real_value(json_array_get(apart, k));
      }
    }
    assert_true(fabs(found - sum) < 1e-4 * sum && sum > 1);
    rd_step_free(&p);
    close_world(&w);
  }
  json_decref(golden);
}

static double aimed(rd_step *p, const void *b, rd_gradient *g) {
  return loss_of_halves(p, b, g, NULL);
}

static void gradients_of_blocks_agree_too(void **state) {
  (void)state;
  for (int i = 0; i < 2 * PAIRS; i++) {
    const rd_aim aim = {.parent = true, .shift = i < PAIRS, .align = 3};
    world w;
    halves b;
    open_world(&w, pairs[i / 2].model, pairs[i / 2].adapter);
    fill_halves(&b);
    rd_step *p = step_of_halves(&w, &aim, i % 2);
    agree(&w, p, aimed, &b, pairs[i / 2].model);
    rd_step_free(&p);
    close_world(&w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_loss_is_that_of_gated_passes),
      cmocka_unit_test(gradients_agree_with_central_differences),
      cmocka_unit_test(blocks_aim_at_the_base),
      cmocka_unit_test(as_the_reference_says),
      cmocka_unit_test(gradients_of_blocks_agree_too),
      cmocka_unit_test(guesses_are_those_of_each_row_alone),
  };
  int failed = 0;
  rd_threads_set(2);
  for (size_t i = 0; i < rd_step_kind_count; i++) {
    kind_now = &rd_step_kinds[i];
    if (!kind_now->able())
      continue;
    print_message("%s\n", kind_now->name);
    failed += cmocka_run_group_tests(tests, NULL, NULL);
  }
  return failed;
}
