/* SPDX-License-Identifier: MIT */
/* Proposals of a device beside the processor's: every kind of rule over rows of several lengths,
 * ties, ids that are not allowed or have no word, and rows that are no numbers. */
#include "on_device.h"

#include "rng.h"
#include "row_query.h"

enum { MOST_V = 5000, SLICES = 3, TRIALS = 6 };

static const rd_propose_rule rules[] = {
    {.temperature = 1, .top_k = 3, .top_p = 1, .eos = -1},
    {.temperature = 1, .top_k = 1000, .top_p = 1, .eos = -1},
    {.temperature = 0.6, .top_k = 16, .top_p = 0.8, .eos = -1},
    {.temperature = 0.7, .top_k = 20, .top_p = 0.9, .eos = 0, .eos_bias = 3},
    {.temperature = 1, .top_p = 0.5, .eos = 0, .eos_bias = -5},
    {.temperature = 1.5, .top_p = 0.97, .eos = -1},
    {.temperature = 0.3, .top_p = 1, .eos = -1},
    {.temperature = 1, .top_k = 5000, .top_p = 1, .eos = 0, .eos_bias = -INFINITY},
    {.temperature = 2, .top_k = 1, .top_p = 1, .eos = -1},
    {.temperature = 0, .top_p = 1, .eos = -1},
    {.temperature = 0, .top_k = 17, .top_p = 0.9, .eos = -1},
    {.temperature = 0, .top_k = 10, .top_p = 0.8, .eos = 0, .eos_bias = 5},
    {.temperature = 0, .top_p = 0.6, .eos = -1},
    {.temperature = 0, .top_k = 10, .top_p = 0.6, .eos = -1, .nucleus_first = true},
    {.temperature = 0, .top_k = 30, .top_p = 0.8, .eos = -1, .nucleus_first = true},
    {.temperature = 0.7, .top_k = 10, .top_p = 0.5, .eos = -1, .nucleus_first = true},
    {.temperature = 0.7, .top_k = 100, .top_p = 0.9, .eos = -1, .nucleus_first = true},
    {.temperature = 1, .top_p = 1, .eos = -1, .gumbel = true},
    {.temperature = 0.2,
     .top_p = 1,
     .eos = -1,
     .gumbel = true,
     .unsure = {0, 1},
     .unsure_count = 2},
    {.temperature = 0, .top_p = 1, .eos = 0, .gumbel = true, .unsure = {0}, .unsure_count = 1},
};
enum { RULES = sizeof rules / sizeof *rules };

static rd_device_draw draw_of(const rd_propose_rule *r, uint32_t position) {
  rd_device_draw d = {.temperature = r->temperature,
                      .top_p = r->top_p,
                      .eos_bias = r->eos_bias,
                      .seed = r->seed,
                      .top_k = r->top_k,
                      .eos = r->eos,
                      .gumbel = r->gumbel,
                      .nucleus_first = r->nucleus_first,
                      .unsure_count = r->unsure_count,
                      .iteration = 5,
                      .position = position};
  memcpy(d.unsure, r->unsure, sizeof d.unsure);
  return d;
}

/* One row of V logits, which are written over. */
static rd_proposal choose(rd_device *d, float *logits, int64_t V, const rd_device_draw *draw,
                          const int32_t *wordless, int64_t wordless_count) {
  static struct {
    rd_proposal p;
    float logits[MOST_V];
    uint64_t keys[MOST_V + 256];
    rd_device_slice slices[SLICES];
  } all, *out = &all;
  memset(out, 0, sizeof *out);
  memcpy(out->logits, logits, (size_t)V * sizeof *logits);
  const rd_choose_args args = {&out->p, out->logits, out->keys,      out->slices,
                               draw,    wordless,    wordless_count, V};
  const int64_t wanted = (V / 4 + 31) / 32 * 32;
  const int threads = wanted < 32 ? 32 : wanted < 128 ? (int)wanted : 128;
  const rd_blocks slices = {(V + RD_CHOOSE_SLICE - 1) / RD_CHOOSE_SLICE, 1, threads, 128 * 8 + 512};
  const rd_blocks grid = {1, 1, threads, 128 * 8 + 512};
  launch_both_ways(d, &d->kernels->survey, &slices, &args, out, sizeof *out);
  launch_both_ways(d, &d->kernels->choose, &grid, &args, out, sizeof *out);
  const rd_proposal p = out->p;
  return p;
}

static void fill(float *x, int64_t V, uint32_t which, double spread) {
  rd_rng rng = rd_rng_at(9, RD_STREAM_EVAL, 1, which);
  for (int64_t i = 0; i < V; i++)
    x[i] = (float)(rd_rng_normal(&rng) * spread);
}

static void assert_alike(rd_proposal is, rd_proposal should, int rule, int64_t V, uint32_t trial) {
  if (is.id != should.id || fabsf(is.probability - should.probability) > 1e-5f ||
      fabsf(is.margin - should.margin) > 1e-5f || fabsf(is.entropy - should.entropy) > 1e-4f)
    fail_msg("rule %d, %lld logits, row %u: %d %f %f %f, not %d %f %f %f", rule, (long long)V,
             trial, is.id, (double)is.probability, (double)is.margin, (double)is.entropy, should.id,
             (double)should.probability, (double)should.margin, (double)should.entropy);
}

static void rules_agree_with_the_processors(void **state) {
  (void)state;
  static const int64_t lengths[] = {2, 3, 33, 300, 2100, MOST_V};
  static float logits[MOST_V], copy[MOST_V];
  rd_device *d = device_of_test();
  void *workspace = malloc(rd_propose_workspace(MOST_V));
  for (int r = 0; r < RULES; r++)
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
      for (uint32_t trial = 0; trial < TRIALS; trial++) {
        const int64_t V = lengths[l];
        rd_propose_rule rule = rules[r];
        rd_proposal should;
        rd_error e = {0};
        rule.seed = 0x123456789abcdefu;
        const rd_propose_row row = {&rule, 5, trial};
        const rd_device_draw draw = draw_of(&rule, trial);
        fill(logits, V, trial, trial % 3 == 0 ? 0.5 : 3);
        for (int64_t i = 0; trial == 4 && i < V; i++) /* many are alike */
          logits[i] = roundf(logits[i]);
        if (rule.unsure_count >= V) /* nothing would be left */
          continue;
        memcpy(copy, logits, sizeof copy);
        if (rd_propose(&should, copy, 1, V, &row, workspace, &e) != RD_OK)
          fail_msg("%s", e.message);
        assert_alike(choose(d, logits, V, &draw, NULL, 0), should, r, V, trial);
      }
  free(workspace);
  rd_device_close(&d);
}

static void what_is_not_allowed_is_never_chosen(void **state) {
  (void)state;
  enum { V = 300 };
  static float logits[V], copy[V];
  static const int32_t wordless[] = {130, 131, 5};
  uint64_t bits[(V + 63) / 64] = {0};
  rd_device *d = device_of_test();
  void *workspace = malloc(rd_propose_workspace(V));
  for (int i = 3; i < V; i += 5)
    bits[i / 64] |= (uint64_t)1 << (i % 64);
  bits[131 / 64] |= (uint64_t)1 << (131 % 64); /* allowed, but no word */
  for (int r = 0; r < RULES; r++)
    for (uint32_t trial = 0; trial < TRIALS; trial++) {
      rd_propose_rule rule = rules[r];
      rd_proposal should;
      rd_error e = {0};
      const rd_propose_row row = {&rule, 5, trial};
      rd_device_draw draw = draw_of(&rule, trial);
      draw.allowed = bits;
      fill(logits, V, 40 + trial, 2);
      logits[131] = logits[5] = logits[0] = 50;
      for (int i = 0; i < V; i++)
        copy[i] = i % 5 == 3 ? logits[i] : -INFINITY;
      if (rd_propose(&should, copy, 1, V, &row, workspace, &e) != RD_OK)
        fail_msg("%s", e.message);
      assert_alike(choose(d, logits, V, &draw, wordless, 3), should, r, V, trial);
      assert_int_equal(should.id % 5, 3);
    }
  free(workspace);
  rd_device_close(&d);
}

static void rows_that_are_no_numbers_are_seen(void **state) {
  (void)state;
  enum { V = 70 };
  static const float bad[] = {NAN, INFINITY};
  float logits[V];
  rd_device *d = device_of_test();
  for (int r = 0; r < RULES; r++) {
    const rd_device_draw draw = draw_of(&rules[r], 1);
    for (int i = 0; i < 2; i++) {
      fill(logits, V, 3, 1);
      logits[V - 1 - 30 * i] = bad[i];
      assert_int_equal(choose(d, logits, V, &draw, NULL, 0).id, -1);
    }
    for (int i = 0; i < V; i++)
      logits[i] = -INFINITY;
    assert_int_equal(choose(d, logits, V, &draw, NULL, 0).id, -1);
  }
  rd_device_close(&d);
}

/* --- words ahead, told of the ones before ----------------------------------------------------- */

enum { AHEAD = 3, D = 24, R = 8, WORDS = 301 };

typedef struct ahead_scene {
  float logits[AHEAD * WORDS], before[AHEAD * WORDS]; /* (AHEAD, V) */
  uint64_t keys[AHEAD * WORDS], likely[AHEAD][RD_AHEAD_LIKELY];
  float matrix[WORDS][D], states[AHEAD][D], sums[AHEAD][R], shift[AHEAD][D];
  uint16_t both[AHEAD][2 * D], middle[AHEAD][R];
  rd_device_told told[AHEAD];
  rd_proposal chosen[AHEAD];
} ahead_scene;

static rd_ahead_args ahead_of(ahead_scene *s, int64_t V) {
  const rd_device_matrix m = {.data = s->matrix, .rows = WORDS, .cols = D, .form = RD_FORM_F32};
  for (int i = 0; i < AHEAD; i++) {
    /* rows in another order; the last word is told of the first one's choice */
    s->told[i] = (rd_device_told){
        .row = (i + 1) % AHEAD, .state = 2 - i, .before = i == 2 ? 0 : -1, .word = 11 * i};
    s->chosen[i].id = 40 + i;
  }
  fill(s->logits, AHEAD * V, 7, 1);
  memcpy(s->before, s->logits, sizeof s->before);
  for (int i = 0; i < WORDS; i++)
    fill(s->matrix[i], D, 90 + (uint32_t)i, 1);
  for (int i = 0; i < AHEAD; i++) {
    fill(s->states[i], D, 20 + (uint32_t)i, 1);
    fill(s->sums[i], R, 30 + (uint32_t)i, 1);
    fill(s->shift[i], D, 40 + (uint32_t)i, 1);
  }
  return (rd_ahead_args){.logits = s->logits,
                         .keys = s->keys,
                         .likely = s->likely[0],
                         .both = s->both[0],
                         .sums = s->sums[0],
                         .middle = s->middle[0],
                         .shift = s->shift[0],
                         .told = s->told,
                         .chosen = s->chosen,
                         .states = s->states,
                         .embedding = m,
                         .head = m,
                         .n = AHEAD,
                         .V = V,
                         .D = D,
                         .R = R,
                         .scale = 0.5f,
                         .type = RD_F32};
}

static uint16_t narrow(float x) {
  uint16_t y;
  rd_cast(&y, RD_BF16, &x, RD_F32, 1);
  return y;
}

static void words_are_told_of_the_ones_before(void **state) {
  (void)state;
  static ahead_scene s;
  rd_device *d = device_of_test();
  const int64_t V = WORDS;
  const rd_ahead_args args = ahead_of(&s, V);
  const rd_blocks rows = {AHEAD, 1, 64, 1024}, numbers = {1, 1, 32, 0},
                  likely = {RD_AHEAD_LIKELY, AHEAD, 64, 1024};
  launch_both_ways(d, &d->kernels->likeliest, &rows, &args, s.likely, sizeof s.likely);
  launch_both_ways(d, &d->kernels->tell, &rows, &args, s.both, sizeof s.both);
  launch_both_ways(d, &d->kernels->soften, &numbers, &args, s.middle, sizeof s.middle);
  launch_both_ways(d, &d->kernels->correct, &likely, &args, s.logits, sizeof s.logits);
  for (int i = 0; i < AHEAD; i++) {
    const int64_t row = s.told[i].row;
    const int32_t word = i == 2 ? s.chosen[0].id : s.told[i].word;
    int32_t best[RD_AHEAD_LIKELY];
    float scores[RD_AHEAD_LIKELY], should[WORDS];
    const rd_row_query query = {.best = best, .best_scores = scores, .best_count = RD_AHEAD_LIKELY};
    memcpy(should, s.before + row * V, sizeof should);
    rd_query_row(&query, should, V);
    for (int j = 0; j < RD_AHEAD_LIKELY; j++)
      for (int k = 0; k < D; k++)
        should[best[j]] += 0.5f * s.shift[i][k] * s.matrix[best[j]][k];
    assert_near(s.logits + row * V, should, RD_F32, V, 1e-5, "told rows");
    for (int k = 0; k < D; k++) {
      assert_int_equal(s.both[i][k], narrow(s.states[2 - i][k]));
      assert_int_equal(s.both[i][D + k], narrow(s.matrix[word][k]));
    }
    for (int k = 0; k < R; k++) {
      const float silu = s.sums[i][k] / (1 + expf(-s.sums[i][k]));
      float is;
      rd_cast(&is, RD_F32, &s.middle[i][k], RD_BF16, 1);
      assert_true(fabsf(is - silu) <= 0.01f * fabsf(silu) + 1e-6f);
    }
  }
  rd_device_close(&d);
}

/* A vocabulary of fewer words than are looked at. */
static void all_words_of_few_are_likely(void **state) {
  (void)state;
  enum { FEW = 20 };
  static ahead_scene s;
  rd_device *d = device_of_test();
  const rd_ahead_args args = ahead_of(&s, FEW);
  const rd_blocks rows = {AHEAD, 1, 64, 1024};
  launch_both_ways(d, &d->kernels->likeliest, &rows, &args, s.likely, sizeof s.likely);
  for (int i = 0; i < AHEAD; i++)
    for (int j = 0; j < RD_AHEAD_LIKELY; j++)
      assert_int_equal(s.likely[i][j] != 0, j < FEW);
  rd_device_close(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_are_told_of_the_ones_before),
      cmocka_unit_test(all_words_of_few_are_likely),
      cmocka_unit_test(rules_agree_with_the_processors),
      cmocka_unit_test(what_is_not_allowed_is_never_chosen),
      cmocka_unit_test(rows_that_are_no_numbers_are_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
