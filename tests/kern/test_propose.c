/* SPDX-License-Identifier: MIT */
/* Proposals against a plain reference that sorts everything in double; ties, bias, threads, bad
 * rows. */
#include "cpu.h"
#include "propose.h"
#include "rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { V = 1500, ROWS = 24 };

/* --- the reference
 * -------------------------------------------------------------------------------- */

static const float *sorted_by;

static int by_logit(const void *a, const void *b) {
  int x = *(const int *)a, y = *(const int *)b;
  if (sorted_by[x] != sorted_by[y])
    return sorted_by[x] < sorted_by[y] ? 1 : -1;
  return x - y;
}

typedef struct expected {
  int id;
  double probability, margin, entropy, slack; /* slack: how near u came to another choice */
} expected;

static expected reference(const float *logits, const rd_propose_rule *rule, double u) {
  static float x[V];
  static int order[V];
  static double p[V];
  memcpy(x, logits, sizeof x);
  if (rule->eos >= 0)
    x[rule->eos] += (float)rule->eos_bias;
  for (int i = 0; i < V; i++)
    order[i] = i;
  sorted_by = x;
  qsort(order, V, sizeof *order, by_logit);
  double T = rule->temperature > 0 ? rule->temperature : 1, sum = 0, before = 0;
  int n = rule->top_k > 0 && rule->top_k < V ? (int)rule->top_k : V;
  for (int i = 0; i < V; i++) {
    p[i] = exp(((double)x[order[i]] - (double)x[order[0]]) / T);
    sum += i < n || rule->nucleus_first ? p[i] : 0;
  }
  int kept = 0;
  for (; kept < n && (kept == 0 || before < rule->top_p); kept++)
    before += p[kept] / sum;
  expected want = {.id = order[0], .slack = 1};
  double kept_sum = 0;
  for (int i = 0; i < kept; i++)
    kept_sum += p[i];
  want.margin = (p[0] - (kept > 1 ? p[1] : 0)) / kept_sum;
  for (int i = 0; i < kept; i++)
    want.entropy -= p[i] / kept_sum * log(p[i] / kept_sum);
  if (rule->temperature == 0) {
    double all = 0;
    for (int i = 0; i < V; i++)
      all += exp((double)x[i] - (double)x[order[0]]);
    want.probability = 1 / (rule->nucleus_first ? kept_sum : all);
    return want;
  }
  bool limited = n < V || rule->top_p < 1;
  double reached = 0;
  for (int k = 0; k < (limited ? kept : V); k++) {
    int i = k;
    if (!limited) /* in order of id */
      for (i = 0; order[i] != k;)
        i++;
    reached += p[i] / kept_sum;
    want.slack = fmin(want.slack, fabs(reached - u));
    if (u < reached) {
      want.id = order[i];
      want.probability = p[i] / kept_sum;
      break;
    }
  }
  return want;
}

/* --- tests
 * ---------------------------------------------------------------------------------------- */

static void fill(float *logits, uint32_t which, double spread) {
  rd_rng rng = rd_rng_at(9, RD_STREAM_EVAL, 0, which);
  for (int i = 0; i < V; i++)
    logits[i] = (float)(rd_rng_normal(&rng) * spread);
}

static void agrees_with_sorting_everything(void **state) {
  (void)state;
  static const rd_propose_rule rules[] = {
      {.temperature = 1, .top_k = 3, .top_p = 1, .eos = -1},
      {.temperature = 1, .top_k = 1000, .top_p = 1, .eos = -1},
      {.temperature = 0.7, .top_k = 20, .top_p = 0.9, .eos = 7, .eos_bias = 3},
      {.temperature = 1, .top_k = 0, .top_p = 0.5, .eos = 7, .eos_bias = -5},
      {.temperature = 1.5, .top_k = 0, .top_p = 0.97, .eos = -1},
      {.temperature = 0.3, .top_k = 0, .top_p = 1, .eos = -1},
      {.temperature = 1, .top_k = 5000, .top_p = 1, .eos = -1},
      {.temperature = 0, .top_k = 0, .top_p = 1, .eos = -1},
      {.temperature = 0, .top_k = 10, .top_p = 0.8, .eos = 7, .eos_bias = 5},
      {.temperature = 0, .top_k = 10, .top_p = 0.8, .eos = -1, .nucleus_first = true},
      {.temperature = 0, .top_k = 0, .top_p = 0.6, .eos = -1, .nucleus_first = true},
      {.temperature = 0.7, .top_k = 20, .top_p = 0.5, .eos = -1, .nucleus_first = true},
  };
  static float logits[V], copy[V];
  void *workspace = malloc(rd_propose_workspace(V));
  rd_error e;
  int compared = 0;
  for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
    for (uint32_t trial = 0; trial < 60; trial++) {
      rd_propose_rule rule = rules[r];
      rule.seed = 77;
      rd_propose_row row = {&rule, 3, trial};
      rd_proposal is;
      fill(logits, trial, trial % 3 == 0 ? 0.5 : 3);
      memcpy(copy, logits, sizeof copy);
      assert_int_equal(rd_propose(&is, copy, 1, V, &row, workspace, &e), RD_OK);
      rd_rng rng = rd_rng_at(77, RD_STREAM_SAMPLE, 3, trial);
      expected want = reference(logits, &rule, rd_rng_uniform(&rng));
      if (want.slack < 1e-5)
        continue;
      compared++;
      if (is.id != want.id || fabs((double)is.probability - want.probability) > 1e-5 ||
          fabs((double)is.margin - want.margin) > 1e-5 ||
          fabs((double)is.entropy - want.entropy) > 1e-4)
        fail_msg("rule %zu, row %u: %d %f %f %f, not %d %f %f %f", r, trial, is.id,
                 (double)is.probability, (double)is.margin, (double)is.entropy, want.id,
                 want.probability, want.margin, want.entropy);
    }
  assert_true(compared > 500);
  free(workspace);
}

static void ties_go_to_the_lowest_id(void **state) {
  (void)state;
  float logits[300];
  unsigned char workspace[300 * 64];
  rd_error e;
  static const rd_propose_rule rules[] = {
      {.temperature = 0, .top_p = 1, .eos = -1},
      {.temperature = 1, .top_k = 1, .top_p = 1, .eos = -1},
      {.temperature = 1, .top_k = 2, .top_p = 0.4, .eos = -1},
      {.temperature = 0, .top_p = 1, .eos = -1, .gumbel = true}};
  for (size_t r = 0; r < sizeof rules / sizeof *rules; r++) {
    for (int i = 0; i < 300; i++)
      logits[i] = i == 40 || i == 130 || i == 290 ? 5.0f : 1.0f;
    rd_propose_row row = {&rules[r], 1, 0};
    rd_proposal is;
    rd_threads_set(1);
    assert_int_equal(rd_propose(&is, logits, 1, 300, &row, workspace, &e), RD_OK);
    assert_int_equal(is.id, 40);
  }
  int count[300] = {0}; /* of equal logits, top-k keeps the lowest ids */
  rd_propose_rule rule = {.temperature = 1, .top_k = 5, .top_p = 1, .eos = -1};
  for (uint32_t p = 0; p < 400; p++) {
    for (int i = 0; i < 300; i++)
      logits[i] = 2;
    rd_propose_row row = {&rule, 1, p};
    rd_proposal is;
    assert_int_equal(rd_propose(&is, logits, 1, 300, &row, workspace, &e), RD_OK);
    count[is.id]++;
    assert_true(fabsf(is.probability - 0.2f) < 1e-6f);
  }
  for (int i = 0; i < 300; i++)
    assert_true(i < 5 ? count[i] > 40 : count[i] == 0);
}

static void gumbel_follows_the_softmax_and_keeps_its_confidence(void **state) {
  (void)state;
  const float base[4] = {0, 0.6931472f, 1.0986123f, 1.3862944f}; /* 1 : 2 : 3 : 4 */
  int hits[4] = {0};
  unsigned char workspace[4096];
  rd_error e;
  rd_propose_rule rule = {.temperature = 1, .top_p = 1, .eos = -1, .gumbel = true, .seed = 4};
  for (uint32_t p = 0; p < 8000; p++) {
    float logits[4];
    memcpy(logits, base, sizeof logits);
    rd_propose_row row = {&rule, 1, p};
    rd_proposal is;
    assert_int_equal(rd_propose(&is, logits, 1, 4, &row, workspace, &e), RD_OK);
    hits[is.id]++;
    assert_true(fabsf(is.probability - 0.1f * (float)(is.id + 1)) < 1e-5f);
  }
  double chi = 0;
  for (int i = 0; i < 4; i++)
    chi += (hits[i] - 800.0 * (i + 1)) * (hits[i] - 800.0 * (i + 1)) / (800.0 * (i + 1));
  assert_true(chi < 16.3);
}

/* The sweep that rules tokens out never rules out the winner. */
static void gumbel_is_the_plain_maximum(void **state) {
  (void)state;
  enum { WORDS = 3001, PLACES = 40 };
  static unsigned char workspace[64 * WORDS];
  static float logits[WORDS];
  static const double temperatures[] = {0.001, 0.05, 0.5, 1, 3, 10};
  rd_error e;
  for (size_t t = 0; t < sizeof temperatures / sizeof *temperatures; t++)
    for (uint32_t p = 0; p < PLACES; p++) {
      rd_propose_rule rule = {.temperature = temperatures[t],
                              .top_p = 1,
                              .eos = -1,
                              .gumbel = true,
                              .seed = 0x123456789ull + t};
      rd_rng values = rd_rng_at(5, RD_STREAM_INIT, (uint32_t)t, p);
      rd_rng noise = rd_rng_at(rule.seed, RD_STREAM_SAMPLE, 3, p);
      double best = -INFINITY;
      int32_t winner = -1;
      for (int32_t v = 0; v < WORDS; v++) {
        logits[v] = (float)rd_rng_normal(&values) * (p % 2 ? 4.0f : 0.01f);
        if (v % 7 == 3)
          logits[v] = -INFINITY;
        double score = (double)logits[v] - rule.temperature * log(-log(rd_rng_uniform(&noise)));
        if (logits[v] > -INFINITY && score > best) {
          best = score;
          winner = v;
        }
      }
      rd_propose_row row = {&rule, 3, p};
      rd_proposal is;
      assert_true(sizeof workspace >= rd_propose_workspace(WORDS));
      assert_int_equal(rd_propose(&is, logits, 1, WORDS, &row, workspace, &e), RD_OK);
      assert_int_equal(is.id, winner);
    }
}

/* However small a temperature is: the largest logit, and numbers that are numbers. Below the
 * smallest normal float its inverse is none, so that there it is 0. */
static void tiny_temperatures_are_greedy(void **state) {
  (void)state;
  static const double tiny[] = {5e-324, 1e-300, 1e-45, 2.9e-39, 1.1e-38, 1.2e-38, 1e-30, 1e-12};
  static float logits[V];
  void *workspace = malloc(rd_propose_workspace(V));
  for (size_t t = 0; t < sizeof tiny / sizeof *tiny; t++)
    for (int kind = 0; kind < 4; kind++)
      for (uint32_t row = 0; row < 8; row++) {
        const rd_propose_rule rule = {.temperature = tiny[t],
                                      .top_k = kind == 1 ? 3 : 0,
                                      .top_p = kind == 2 ? 0.9 : 1,
                                      .gumbel = kind == 3,
                                      .eos = -1,
                                      .unsure = {-1, -1},
                                      .seed = 3};
        const rd_propose_row place = {&rule, 0, row};
        rd_proposal out;
        rd_error e = {0};
        fill(logits, row, 40);
        int32_t best = 0;
        for (int32_t v = 1; v < V; v++)
          best = logits[v] > logits[best] ? v : best;
        assert_int_equal(rd_propose(&out, logits, 1, V, &place, workspace, &e), RD_OK);
        assert_int_equal(out.id, best);
        if (!isfinite(out.probability) || !isfinite(out.margin) || !isfinite(out.entropy))
          fail_msg("temperature %g, kind %d: %g %g %g", tiny[t], kind, (double)out.probability,
                   (double)out.margin, (double)out.entropy);
      }
  free(workspace);
}

static void unsure_and_suppressed_tokens(void **state) {
  (void)state;
  unsigned char workspace[4096];
  rd_error e;
  rd_proposal is;
  float logits[4] = {0, 3, 0, 0};
  rd_propose_rule rule = {.top_p = 1, .eos = -1, .gumbel = true, .unsure = {1}, .unsure_count = 1};
  rd_propose_row row = {&rule, 1, 0};
  assert_int_equal(rd_propose(&is, logits, 1, 4, &row, workspace, &e), RD_OK);
  assert_int_equal(is.id, 1); /* still chosen, but the last to be filled in */
  assert_true(is.probability == 0);
  float more[4] = {0, 3, 1, 0};
  rule = (rd_propose_rule){.top_p = 1, .eos = 1, .eos_bias = -INFINITY, .gumbel = true};
  assert_int_equal(rd_propose(&is, more, 1, 4, &row, workspace, &e), RD_OK);
  assert_int_equal(is.id, 2);
  assert_true(fabs((double)is.probability - exp(1) / (exp(1) + 2)) < 1e-6);
}

static void rows_do_not_depend_on_threads_or_company(void **state) {
  (void)state;
  static float logits[ROWS * V];
  rd_propose_rule rules[3] = {{.temperature = 1, .top_k = 3, .top_p = 1, .eos = 2, .seed = 1},
                              {.temperature = 0.8, .top_p = 0.9, .eos = -1, .seed = 2},
                              {.temperature = 0.5, .top_p = 1, .eos = -1, .gumbel = true}};
  rd_propose_row rows[ROWS];
  rd_proposal all[2][ROWS], one;
  rd_error e;
  for (int threads = 1; threads <= 2; threads++) {
    rd_threads_set(threads);
    void *workspace = malloc(rd_propose_workspace(V));
    for (uint32_t i = 0; i < ROWS; i++) {
      fill(logits + (size_t)i * V, i, 2);
      rows[i] = (rd_propose_row){&rules[i % 3], i, 5 + i};
    }
    assert_int_equal(rd_propose(all[threads - 1], logits, ROWS, V, rows, workspace, &e), RD_OK);
    for (uint32_t i = 0; i < ROWS; i++) {
      fill(logits, i, 2);
      assert_int_equal(rd_propose(&one, logits, 1, V, &rows[i], workspace, &e), RD_OK);
      assert_memory_equal(&one, &all[threads - 1][i], sizeof one);
    }
    free(workspace);
  }
  assert_memory_equal(all[0], all[1], sizeof all[0]);
}

static void rows_without_numbers_are_named(void **state) {
  (void)state;
  unsigned char workspace[8192];
  const float bad[] = {NAN, INFINITY, -INFINITY};
  for (int k = 0; k < 3; k++) {
    float logits[3 * 8];
    rd_propose_rule rule = {.temperature = 1, .top_k = 3, .top_p = 1, .eos = -1};
    rd_propose_row rows[3] = {{&rule, 4, 10}, {&rule, 4, 11}, {&rule, 4, 12}};
    rd_proposal out[3];
    rd_error e = {0};
    for (int i = 0; i < 24; i++)
      logits[i] = k == 2 && i >= 8 && i < 16 ? -INFINITY : (float)i;
    logits[9] = bad[k];
    rd_threads_set(2);
    assert_int_equal(rd_propose(out, logits, 3, 8, rows, workspace, &e), RD_NUMERIC);
    assert_non_null(strstr(e.message, "position 11 of iteration 4"));
  }
}

static void guidance_is_the_formula(void **state) {
  (void)state;
  float given[3] = {1, 2, 3}, u[3] = {0, 2, 5};
  rd_propose_guide(given, u, 1.5, 3); /* u + 2.5 (c - u) */
  assert_true(given[0] == 2.5f && given[1] == 2 && given[2] == 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agrees_with_sorting_everything),
      cmocka_unit_test(ties_go_to_the_lowest_id),
      cmocka_unit_test(gumbel_follows_the_softmax_and_keeps_its_confidence),
      cmocka_unit_test(gumbel_is_the_plain_maximum),
      cmocka_unit_test(tiny_temperatures_are_greedy),
      cmocka_unit_test(unsure_and_suppressed_tokens),
      cmocka_unit_test(rows_do_not_depend_on_threads_or_company),
      cmocka_unit_test(rows_without_numbers_are_named),
      cmocka_unit_test(guidance_is_the_formula),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
