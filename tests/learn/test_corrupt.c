/* SPDX-License-Identifier: MIT */
/* Training corruption: every rule of doc/METHOD.md, with numbers counted over many fixed seeds. */
#include "corrupt.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 20, MASK = 999, TRIALS = 4000 };

static rd_rng rng_of(uint32_t trial) {
  return rd_rng_at(7, RD_STREAM_CORRUPT, 0, trial);
}

static void fill(int32_t *ids, int n) {
  for (int i = 0; i < n; i++)
    ids[i] = 100 + i;
}

static int count_masks(const int32_t *ids, int n) {
  int masked = 0;
  for (int i = 0; i < n; i++)
    masked += ids[i] == MASK;
  return masked;
}

static void mask_count_is_exact_and_uniform(void **state) {
  (void)state;
  int32_t ids[N], scratch[2 * N];
  int hits[N] = {0};
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial);
    fill(ids, N);
    rd_corrupt_mask_count(ids, N, 5, MASK, &rng, scratch);
    assert_int_equal(count_masks(ids, N), 5);
    for (int i = 0; i < N; i++)
      hits[i] += ids[i] == MASK;
  }
  double chi = 0, expected = TRIALS * 5.0 / N;
  for (int i = 0; i < N; i++)
    chi += (hits[i] - expected) * (hits[i] - expected) / expected;
  assert_true(chi < 43.8); /* 19 degrees of freedom, one in a thousand */
}

static void mask_rate_masks_at_least_one(void **state) {
  (void)state;
  int32_t ids[N];
  double total = 0;
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial);
    fill(ids, N);
    int64_t masked = rd_corrupt_mask_rate(ids, N, 0.3, false, MASK, &rng);
    assert_int_equal(masked, count_masks(ids, N));
    total += (double)masked;
    fill(ids, N);
    assert_int_equal(rd_corrupt_mask_rate(ids, N, 0, true, MASK, &rng), 1);
    assert_int_equal(count_masks(ids, N), 1);
  }
  assert_true(fabs(total / TRIALS / N - 0.3) < 0.01);
}

static void swaps_go_left_to_right(void **state) {
  (void)state;
  int32_t ids[5] = {1, 2, 3, 4, 5}, carried[5] = {2, 3, 4, 5, 1};
  rd_rng rng = rng_of(0);
  rd_corrupt_swap(ids, 5, 1, &rng); /* every pair: the first travels to the end */
  assert_memory_equal(ids, carried, sizeof ids);
  rd_corrupt_swap(ids, 5, 0, &rng);
  assert_memory_equal(ids, carried, sizeof ids);
}

static void duplicates_read_before_they_write(void **state) {
  (void)state;
  int32_t ids[N], scratch[2 * N];
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial), again = rng;
    fill(ids, N);
    rd_corrupt_duplicate(ids, N, 0.5, &rng, scratch);
    int side[N];
    for (int i = 0; i < N; i++)
      side[i] = rd_rng_uniform(&again) < 0.5 ? (rd_rng_uniform(&again) < 0.5 ? -1 : 1) : 0;
    int32_t left[N];
    for (int i = 0; i < N; i++)
      left[i] = 100 + (side[i] < 0 && i > 0 ? i - 1 : i);
    for (int i = 0; i < N; i++)
      assert_int_equal(ids[i], side[i] > 0 && i + 1 < N ? left[i + 1] : left[i]);
  }
}

static void shifts_copy_one_short_span(void **state) {
  (void)state;
  int32_t ids[N], scratch[2 * N];
  int longest = 0;
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial);
    fill(ids, N);
    rd_corrupt_shift(ids, N, 1, &rng, scratch);
    int changed = 0, first = -1;
    for (int i = 0; i < N; i++)
      if (ids[i] != 100 + i) {
        int distance = ids[i] - (100 + i);
        assert_in_range(abs(distance), 1, 4);
        first = first < 0 ? i : first;
        assert_int_equal(ids[i] - ids[first], i - first); /* one run, in order */
        changed++;
      }
    assert_in_range(changed, 0, 3);
    longest = changed > longest ? changed : longest;
  }
  assert_int_equal(longest, 3);
  int32_t one[1] = {5};
  rd_rng rng = rng_of(3);
  rd_corrupt_shift(one, 1, 1, &rng, scratch);
  assert_int_equal(one[0], 5);
}

static const rd_corruption *row(const char *name) {
  const rd_corruption *found = NULL;
  rd_error e;
  assert_int_equal(rd_corruption_find(&found, name, &e), RD_OK);
  return found;
}

static void structural_follows_its_chances(void **state) {
  (void)state;
  int32_t ids[N], scratch[2 * N], masks[N + 1];
  for (int i = 0; i < N; i++)
    masks[i] = MASK;
  int all = 0, none = 0, most = 0;
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial);
    fill(ids, N);
    ids[N - 1] = 119;
    assert_true(row("structural")->apply(ids, N, MASK, &rng, scratch) == 0);
    int masked = count_masks(ids, N);
    if (memcmp(ids, masks, sizeof ids) == 0)
      all++;
    else
      most = masked > most ? masked : most;
    none += masked == 0;
    int32_t pair[2] = {1, 2};
    rng = rng_of(trial);
    row("structural")->apply(pair, 2, MASK, &rng, scratch);
    for (int i = 0; i < 2; i++) /* n <= 2: masks or nothing */
      assert_true(pair[i] == MASK || pair[i] == i + 1);
  }
  assert_true(fabs(all / (double)TRIALS - 0.1) < 0.015);
  assert_true(none / (double)TRIALS > 0.44); /* half of the rest, and those with f < 1/20 */
  assert_true(most <= 14);                   /* at most half, and copies of masks */
}

static void mask_returns_its_rate(void **state) {
  (void)state;
  int32_t ids[N], scratch[2 * N];
  double mean = 0, share = 0;
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial);
    fill(ids, N);
    double t = row("mask")->apply(ids, N, MASK, &rng, scratch);
    assert_true(t >= 1e-3 && t < 1);
    int masked = count_masks(ids, N);
    assert_true(masked >= 1);
    for (int i = 0; i < N; i++)
      assert_true(ids[i] == MASK || ids[i] == 100 + i);
    mean += t / TRIALS;
    share += masked / (double)N / TRIALS;
  }
  assert_true(fabs(mean - 0.5) < 0.02);
  assert_true(fabs(share - 0.5) < 0.03);
}

static void mixed_perturbs_what_it_leaves(void **state) {
  (void)state;
  int32_t ids[N], scratch[2 * N];
  int perturbed = 0;
  double share = 0;
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial);
    fill(ids, N);
    row("mixed")->apply(ids, N, MASK, &rng, scratch);
    for (int i = 0; i < N; i++)
      perturbed += ids[i] != MASK && ids[i] != 100 + i;
    share += count_masks(ids, N) / (double)N / TRIALS;
  }
  assert_true(fabs(share - 0.5) < 0.02);
  assert_true(perturbed > TRIALS);
}

static void same_counter_same_corruption(void **state) {
  (void)state;
  int32_t a[N], b[N], scratch[2 * N];
  for (size_t i = 0; i < rd_corruption_count; i++) {
    rd_rng one = rng_of(11), two = rng_of(11);
    fill(a, N);
    fill(b, N);
    rd_corruptions[i].apply(a, N, MASK, &one, scratch);
    rd_corruptions[i].apply(b, N, MASK, &two, scratch);
    assert_memory_equal(a, b, sizeof a);
    assert_non_null(rd_corruptions[i].help);
  }
  const rd_corruption *none;
  rd_error e;
  assert_int_equal(rd_corruption_find(&none, "noise", &e), RD_USAGE);
  assert_non_null(strstr(e.message, "structural"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(mask_count_is_exact_and_uniform),
      cmocka_unit_test(mask_rate_masks_at_least_one),
      cmocka_unit_test(swaps_go_left_to_right),
      cmocka_unit_test(duplicates_read_before_they_write),
      cmocka_unit_test(shifts_copy_one_short_span),
      cmocka_unit_test(structural_follows_its_chances),
      cmocka_unit_test(mask_returns_its_rate),
      cmocka_unit_test(mixed_perturbs_what_it_leaves),
      cmocka_unit_test(same_counter_same_corruption),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
