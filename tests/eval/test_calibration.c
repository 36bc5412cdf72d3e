/* SPDX-License-Identifier: MIT */
/* Calibration of numbers by hand: what a bin holds, that the fitted temperature is the one by which
 * scores were made too sure, and that halves are measured by each other. */
#include "calibration.h"

#include "rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { N = 4000, K = 3 };

static void two_answers_by_hand(void **state) {
  const double sure[2] = {log(0.95), log(0.05)}, unsure[2] = {log(0.55), log(0.45)};
  const rd_graded answers[2] = {{sure, 2, 0}, {unsure, 2, 1}};
  double scratch[2];
  (void)state;
  rd_calibration c = rd_calibration_at(answers, 2, 1, scratch);
  assert_true(fabs(c.accuracy - 0.5) < 1e-12);
  assert_true(fabs(c.brier - (2 * 0.05 * 0.05 + 2 * 0.55 * 0.55) / 2) < 1e-12);
  assert_true(fabs(c.nll + (log(0.95) + log(0.45)) / 2) < 1e-12);
  assert_true(fabs(c.error - (0.05 + 0.55) / 2) < 1e-12);
  assert_int_equal(c.bins[9].count, 1);
  assert_int_equal(c.bins[5].count, 1);
  assert_true(c.bins[9].right == 1 && c.bins[5].right == 0);
}

/* Right answers drawn by the softmax of scores, which are then made three times too sure. */
static void a_known_temperature_is_found(void **state) {
  static double scores[N][K], scratch[K];
  static rd_graded answers[N];
  (void)state;
  for (uint32_t i = 0; i < N; i++) {
    rd_rng rng = rd_rng_at(5, RD_STREAM_EVAL, 0, i);
    double share[K], sum = 0, u, below = 0;
    for (int k = 0; k < K; k++)
      sum += share[k] = exp(scores[i][k] = rd_rng_normal(&rng));
    u = rd_rng_uniform(&rng) * sum;
    int64_t right = 0;
    for (; right < K - 1 && (below += share[right]) < u;)
      right++;
    for (int k = 0; k < K; k++)
      scores[i][k] *= 3;
    answers[i] = (rd_graded){scores[i], K, right};
  }
  double t = rd_calibration_fit(answers, N, scratch);
  assert_true(t > 2.7 && t < 3.3);
  rd_calibration before = rd_calibration_at(answers, N, 1, scratch),
                 after = rd_calibration_crossed(answers, N, scratch);
  assert_true(before.error > 0.1);
  assert_true(after.error < 0.04 && after.nll < before.nll && after.brier < before.brier);
  assert_true(fabs(before.accuracy - after.accuracy) < 1e-12); /* the order stays */
}

/* What is always right and wants to be surer ends at the bound, not beyond. */
static void the_range_is_kept(void **state) {
  const double scores[2] = {1, 0}, wrong[2] = {0, 1};
  rd_graded answers[2] = {{scores, 2, 0}, {scores, 2, 0}};
  double scratch[2];
  (void)state;
  assert_true(fabs(rd_calibration_fit(answers, 2, scratch) - 0.05) < 0.001);
  answers[0].scores = answers[1].scores = wrong;
  assert_true(fabs(rd_calibration_fit(answers, 2, scratch) - 20) < 0.01);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_answers_by_hand),
      cmocka_unit_test(a_known_temperature_is_found),
      cmocka_unit_test(the_range_is_kept),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
