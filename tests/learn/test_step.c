/* SPDX-License-Identifier: MIT */
/* The training pass of every kind that this machine has against central differences, the packed
 * pass against single ones, and the two passes against each other, on tiny random models made here:
 * every family switch, every kind of attention. */
#include "activation.h"
#include "model.h"
#include "parts.h"
#include "rng.h"
#include "step.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { L = 2, V = 37, T1 = 9, T2 = 5, T = T1 + T2, RANK = 3, MOST = 64, POOL = 1 << 16 };

/* A tiny model whose every tensor lies in one list, with a gradient beside each. */
typedef struct tiny {
  rd_model model;
  rd_layer layers[L];
  rd_layer_grad layer_grads[L];
  rd_gradient gradient;
  float pool[POOL]; /* where gradients lie */
  int64_t taken;
  float *values[MOST], *grads[MOST];
  int64_t sizes[MOST];
  const char *names[MOST];
  int count;
} tiny;

static float *add(tiny *t, const char *name, int64_t n, double mean, double sd, float **grad) {
  float *w = calloc((size_t)n, sizeof *w), *g = t->pool + t->taken;
  t->taken += n;
  assert_true(t->taken <= POOL);
  rd_rng rng = rd_rng_at(11, RD_STREAM_INIT, 0, (uint32_t)t->count);
  for (int64_t i = 0; i < n; i++)
    w[i] = (float)(mean + sd * rd_rng_normal(&rng));
  assert_true(t->count < MOST);
  t->values[t->count] = w;
  t->grads[t->count] = g;
  t->sizes[t->count] = n;
  t->names[t->count++] = name;
  *grad = g;
  return w;
}

static rd_matrix matrix(tiny *t, const char *name, int64_t rows, int64_t cols, double sd,
                        float **grad) {
  return rd_matrix_at(rd_format_of(RD_F32), add(t, name, rows * cols, 0, sd, grad), rows, cols);
}

typedef struct variant {
  const char *name;
  int64_t heads, kv_heads, head_dim, block;
  bool bias, qk_norm, tied, interleaved, lora, recompute;
  void (*more)(rd_config *c); /* or NULL */
} variant;

static void as_gemma(rd_config *c) {
  c->activation = rd_table_row(&rd_activation_table, "gelu_pytorch_tanh");
  c->post_norms = true;
  c->has_local_rope = true;
  c->local_rope.theta = 10;
  c->window = 3;
  c->layer_kinds[0] = RD_LAYER_LOCAL;
  c->embedding_scale = 1.5;
  c->attention_cap = 2;
  c->final_cap = 3;
}

static void as_olmo2(rd_config *c) {
  c->no_pre_norms = c->post_norms = c->wide_norms = true;
}

static void as_granite(rd_config *c) {
  c->activation = rd_table_row(&rd_activation_table, "gelu");
  c->embedding_scale = 0.8;
  c->residual_multiplier = 0.7;
  c->attention_multiplier = 0.4;
  c->logits_scaling = 1.6;
}

static void in_part(rd_config *c) {
  c->activation = rd_table_row(&rd_activation_table, "quick_gelu");
  c->turned = 4;
  c->rope.attention = 1.2;
  c->layer_kinds[1] = RD_LAYER_UNTURNED;
  c->window = 4;
  c->layer_kinds[0] = RD_LAYER_LOCAL;
}

static const variant variants[] = {
    {"mha causal", 4, 4, 6, 1, false, false, false, false, false, false, NULL},
    {"gqa bidirectional tied", 4, 2, 8, 0, false, false, true, false, false, false, NULL},
    {"bias interleaved blocks", 2, 1, 8, 4, true, false, false, true, false, false, NULL},
    {"q/k norms, lora, recomputed", 4, 2, 8, 0, false, true, true, false, true, true, NULL},
    {"lora bidirectional", 2, 2, 8, 0, false, false, false, false, true, false, NULL},
    {"as gemma", 4, 2, 8, 1, false, true, true, false, false, false, as_gemma},
    {"as gemma, recomputed, blocks", 4, 2, 8, 3, false, true, false, false, true, true, as_gemma},
    {"as olmo2", 4, 2, 8, 1, true, true, false, false, true, false, as_olmo2},
    {"as granite, recomputed", 4, 2, 8, 1, false, false, true, false, false, true, as_granite},
    {"turned in part", 2, 1, 8, 0, false, false, false, false, true, false, in_part},
};
enum { VARIANTS = sizeof variants / sizeof *variants };

static void make(tiny *t, const variant *v) {
  memset(t, 0, sizeof *t);
  rd_config *c = &t->model.config;
  *c = (rd_config){.layers = L,
                   .width = 20,
                   .heads = v->heads,
                   .kv_heads = v->kv_heads,
                   .ff = 28,
                   .vocab = V,
                   .head_dim = v->head_dim,
                   .positions = 32,
                   .norm_eps = 1e-5,
                   .rope = {.theta = 100},
                   .rope_interleaved = v->interleaved,
                   .qkv_bias = v->bias,
                   .qk_norm = v->qk_norm,
                   .tied = v->tied,
                   .block = v->block};
  if (v->more)
    v->more(c);
  rd_weights *w = &t->model.weights;
  *w = (rd_weights){.type = RD_F32, .layers = t->layers};
  t->gradient.layers = t->layer_grads;
  rd_walk at = rd_parts_of(c, NULL, w, &t->gradient);
  while (rd_parts_next(&at)) {
    const char *name = at.part->name;
    if (at.matrix)
      *at.matrix = matrix(t, name, at.rows, at.cols, at.linear ? 0.3 : 1, at.gradient);
    else if (at.kind == RD_NORM)
      *at.vector = add(t, name, at.cols, 1, 0.1, at.gradient);
    else if (at.needed)
      *at.vector = add(t, "bias", at.cols, 0, 0.3, at.gradient);
    if (!at.linear || !v->lora)
      continue;
    at.linear->scale = 1.5f;
    at.linear->a = matrix(t, "lora_a", RANK, at.cols, 0.3, &at.grad->a);
    at.linear->b = matrix(t, "lora_b", at.rows, RANK, 0.3, &at.grad->b);
  }
  if (v->tied) {
    w->head.w = w->embedding;
    t->gradient.head.w = t->gradient.embedding;
  }
}

static void drop(tiny *t) {
  for (int i = 0; i < t->count; i++)
    free(t->values[i]);
}

/* Two packed sequences, some rows without loss. */
typedef struct batch {
  int32_t ids[T], targets[T];
  float weights[T];
  rd_sequence sequences[2];
} batch;

static void fill(batch *b) {
  rd_rng rng = rd_rng_at(5, RD_STREAM_CORRUPT, 0, 0);
  for (int i = 0; i < T; i++) {
    b->ids[i] = (int32_t)rd_rng_below(&rng, V);
    b->targets[i] = i % 4 == 3 ? -1 : (int32_t)rd_rng_below(&rng, V);
    b->weights[i] = i % 5 == 4 ? 0 : 0.5f + (float)rd_rng_uniform(&rng);
  }
  b->sequences[0] = (rd_sequence){.ids = b->ids, .count = T1};
  b->sequences[1] = (rd_sequence){.ids = b->ids + T1, .count = T2};
}

static double loss_of(rd_step *p, const batch *b, rd_gradient *g) {
  double loss = 0;
  rd_error e = {0};
  if (rd_step_refresh(p, &e) || (g && rd_step_clear(p, &e)) ||
      rd_step_run(p, b->sequences, 2, -1, b->targets, b->weights, g, &loss, NULL, &e) ||
      (g && rd_step_gather(p, &e)))
    fail_msg("%s", e.message);
  return loss;
}

/* For every tensor: the derivative along its own gradient's direction, by central differences. */
static void gradients_agree(const char *kind) {
  for (size_t v = 0; v < VARIANTS; v++) {
    static tiny t;
    batch b;
    rd_step *p = NULL;
    make(&t, &variants[v]);
    fill(&b);
    rd_error e = {0};
    const rd_step_plan plan = {.config = &t.model.config,
                               .weights = &t.model.weights,
                               .gradient = &t.gradient,
                               .gradients = t.pool,
                               .gradient_count = t.taken,
                               .rows = T,
                               .longest = T1,
                               .recompute = variants[v].recompute};
    if (rd_step_open(&p, kind, &plan, &e) != RD_OK)
      fail_msg("%s", e.message);
    loss_of(p, &b, &t.gradient);
    for (int i = 0; i < t.count; i++) {
      double norm = 0, h = 0;
      for (int64_t j = 0; j < t.sizes[i]; j++)
        norm += (double)t.grads[i][j] * (double)t.grads[i][j];
      norm = sqrt(norm);
      assert_true(norm > 1e-6);
      h = 2e-2 / (1 + norm);
      float *saved = malloc((size_t)t.sizes[i] * sizeof *saved);
      memcpy(saved, t.values[i], (size_t)t.sizes[i] * sizeof *saved);
      double side[2];
      for (int s = 0; s < 2; s++) {
        for (int64_t j = 0; j < t.sizes[i]; j++)
          t.values[i][j] = (float)(saved[j] + (s ? h : -h) * t.grads[i][j] / norm);
        side[s] = loss_of(p, &b, NULL);
      }
      memcpy(t.values[i], saved, (size_t)t.sizes[i] * sizeof *saved);
      free(saved);
      double numeric = (side[1] - side[0]) / (2 * h);
      if (fabs(numeric - norm) > 2e-3 * norm + 2e-3)
        fail_msg("%s, %s: %s (tensor %d): slope %g, gradient norm %g", kind, variants[v].name,
                 t.names[i], i, numeric, norm);
    }
    rd_step_free(&p);
    drop(&t);
  }
}

static void gradients_agree_with_central_differences(void **state) {
  (void)state;
  for (size_t i = 0; i < rd_step_kind_count; i++)
    if (rd_step_kinds[i].able())
      gradients_agree(rd_step_kinds[i].name);
}

/* What --engine lists: a speed that an estimate can be made of; no name, the first that is able. */
static void every_kind_says_its_speed(void **state) {
  (void)state;
  const rd_step_kind *found = NULL;
  rd_error e = {0};
  for (size_t i = 0; i < rd_step_kind_count; i++) {
    const rd_step_kind *kind = &rd_step_kinds[i];
    double flops = 0;
    if (kind->able()) {
      assert_int_equal(kind->speed(&flops, RD_F32, &e), RD_OK);
      assert_true(flops > 1e6 && kind->share > 0 && kind->share < 1);
    } else {
      assert_int_equal(kind->speed(&flops, RD_F32, &e), RD_UNSUPPORTED);
    }
  }
  assert_int_equal(rd_step_kind_find(&found, NULL, &e), RD_OK);
  assert_true(found->able() && !found->asked);
  assert_int_equal(rd_step_kind_find(&found, "abacus", &e), RD_USAGE);
}

typedef struct kept {
  float logits[T][V];
} kept;

static rd_code keep(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  (void)e;
  memcpy(((kept *)context)->logits[first], logits, (size_t)(count * V) * sizeof *logits);
  return RD_OK;
}

static void run(const tiny *t, const rd_sequence *sequences, int64_t n, int64_t rows, kept *out) {
  rd_stack *p = NULL;
  rd_error e = {0};
  int32_t wanted[T];
  for (int i = 0; i < T; i++)
    wanted[i] = i;
  if (rd_stack_new(&p, &t->model.config, &t->model.weights,
                   &(rd_stack_sizes){.rows = rows, .longest = T1, .chunk = 4}, &e) ||
      rd_stack_run(p, sequences, n, -1, &e) || rd_stack_logits(p, wanted, rows, keep, out, &e))
    fail_msg("%s", e.message);
  rd_stack_free(&p);
}

static void packing_changes_nothing_and_training_sees_the_same_logits(void **state) {
  (void)state;
  for (size_t v = 0; v < VARIANTS; v++) {
    static tiny t;
    batch b;
    kept packed, first, second;
    make(&t, &variants[v]);
    fill(&b);
    run(&t, b.sequences, 2, T, &packed);
    run(&t, &b.sequences[0], 1, T1, &first);
    run(&t, &b.sequences[1], 1, T2, &second);
    assert_memory_equal(packed.logits, first.logits, sizeof packed.logits[0] * T1);
    assert_memory_equal(packed.logits[T1], second.logits, sizeof packed.logits[0] * T2);
    rd_step *p = NULL;
    assert_int_equal(rd_step_new(&p, &t.model.config, &t.model.weights, T, T1, false, NULL), RD_OK);
    double expected = 0;
    for (int r = 0; r < T; r++) {
      double sum = 0;
      for (int i = 0; i < V; i++)
        sum += exp((double)packed.logits[r][i]);
      if (b.targets[r] >= 0)
        expected += (double)b.weights[r] * (log(sum) - (double)packed.logits[r][b.targets[r]]);
    }
    double loss = loss_of(p, &b, NULL);
    assert_true(fabs(loss - expected) < 1e-4 * fabs(expected));
    rd_step_free(&p);
    drop(&t);
  }
}

static void a_cache_gives_what_the_whole_pass_gives(void **state) {
  (void)state;
  static tiny t;
  batch b;
  kept whole, piece;
  make(&t, &variants[0]);
  fill(&b);
  run(&t, &b.sequences[0], 1, T1, &whole);
  rd_cache *cache = NULL;
  rd_stack *p = NULL;
  rd_error e = {0};
  assert_int_equal(rd_cache_new(&cache, &t.model.config, t.model.weights.type, T1, &e), RD_OK);
  assert_int_equal(rd_stack_new(&p, &t.model.config, &t.model.weights,
                                &(rd_stack_sizes){.rows = T1, .longest = T1}, &e),
                   RD_OK);
  static const int64_t cuts[] = {0, 4, 5, 6, T1};
  for (int i = 0; i + 1 < 5; i++) {
    rd_sequence s = {.ids = b.ids + cuts[i],
                     .count = cuts[i + 1] - cuts[i],
                     .first = cuts[i],
                     .cache = cache,
                     .length = cuts[i + 1]};
    int32_t last = (int32_t)s.count - 1;
    if (rd_stack_run(p, &s, 1, 1, &e) || rd_stack_logits(p, &last, 1, keep, &piece, &e))
      fail_msg("%s", e.message);
    for (int j = 0; j < V; j++)
      assert_true(fabsf(piece.logits[0][j] - whole.logits[cuts[i + 1] - 1][j]) < 1e-4f);
  }
  rd_sequence beyond = {.ids = b.ids, .count = 1, .first = T1, .cache = cache, .length = T1 + 1};
  assert_int_equal(rd_stack_run(p, &beyond, 1, 1, &e), RD_USAGE);
  int32_t wrong = V;
  rd_sequence outside = {.ids = &wrong, .count = 1};
  assert_int_equal(rd_stack_run(p, &outside, 1, 1, &e), RD_BAD_INPUT);
  assert_string_equal(e.message, "token id 37 is outside the vocabulary of 37");
  rd_stack_free(&p);
  rd_cache_free(&cache);
  drop(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gradients_agree_with_central_differences),
      cmocka_unit_test(every_kind_says_its_speed),
      cmocka_unit_test(packing_changes_nothing_and_training_sees_the_same_logits),
      cmocka_unit_test(a_cache_gives_what_the_whole_pass_gives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
