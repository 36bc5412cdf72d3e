/* SPDX-License-Identifier: MIT */
/* Proposals of a device beside the processor's: every kind of rule over rows of several lengths,
 * ties, ids that are not allowed or have no word, and rows that are no numbers. */
#include "on_device.h"

#include "rng.h"

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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rules_agree_with_the_processors),
      cmocka_unit_test(what_is_not_allowed_is_never_chosen),
      cmocka_unit_test(rows_that_are_no_numbers_are_seen),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
