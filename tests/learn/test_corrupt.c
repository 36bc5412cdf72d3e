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

enum { OTHER = 500, END = 1 };

/* Row `r` over an answer of `answer` ids (100, 101, ...) of the n, behind which END stands; the
 * other answer has N ids (500, 501, ...). Ids that are given stay. */
static double apply(const rd_corruption *r, int32_t *ids, int64_t n, int64_t answer, rd_rng *rng) {
  static int32_t scratch[2 * N], other[N];
  for (int i = 0; i < N; i++)
    other[i] = OTHER + i;
  for (int64_t i = answer; i < n; i++)
    ids[i] = END;
  return r->apply(&(rd_corruptible){.ids = ids,
                                    .n = n,
                                    .answer = answer,
                                    .other = other,
                                    .other_answer = N - 4,
                                    .mask = MASK,
                                    .eos = END,
                                    .rng = rng,
                                    .scratch = scratch});
}

static void structural_follows_its_chances(void **state) {
  (void)state;
  int32_t ids[N], masks[N + 1];
  for (int i = 0; i < N; i++)
    masks[i] = MASK;
  int all = 0, none = 0, most = 0;
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial);
    fill(ids, N);
    ids[N - 1] = 119;
    assert_true(apply(row("structural"), ids, N, N, &rng) == 0);
    int masked = count_masks(ids, N);
    if (memcmp(ids, masks, sizeof ids) == 0)
      all++;
    else
      most = masked > most ? masked : most;
    none += masked == 0;
    int32_t pair[2] = {1, 2};
    rng = rng_of(trial);
    apply(row("structural"), pair, 2, 2, &rng);
    for (int i = 0; i < 2; i++) /* n <= 2: masks or nothing */
      assert_true(pair[i] == MASK || pair[i] == i + 1);
  }
  assert_true(fabs(all / (double)TRIALS - 0.1) < 0.015);
  assert_true(none / (double)TRIALS > 0.44); /* half of the rest, and those with f < 1/20 */
  assert_true(most <= 14);                   /* at most half, and copies of masks */
}

static void mask_returns_its_rate(void **state) {
  (void)state;
  int32_t ids[N];
  double mean = 0, share = 0;
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial);
    fill(ids, N);
    double t = apply(row("mask"), ids, N, N, &rng);
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
  int32_t ids[N];
  int perturbed = 0;
  double share = 0;
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial);
    fill(ids, N);
    apply(row("mixed"), ids, N, N, &rng);
    for (int i = 0; i < N; i++)
      perturbed += ids[i] != MASK && ids[i] != 100 + i;
    share += count_masks(ids, N) / (double)N / TRIALS;
  }
  assert_true(fabs(share - 0.5) < 0.02);
  assert_true(perturbed > TRIALS);
}

static void all_masks_are_all_masks(void **state) {
  (void)state;
  int32_t ids[N];
  rd_rng rng = rng_of(0);
  fill(ids, N);
  assert_true(apply(row("mask_all"), ids, N, N - 1, &rng) == 1); /* a rate that weighs */
  assert_int_equal(count_masks(ids, N), N);
  assert_int_equal(rng.index, 0); /* nothing is drawn */
}

/* Runs of 1 to 4 from the one and the other, as the same draws say; both begin as often. */
static void mixtures_take_turns(void **state) {
  (void)state;
  int32_t ids[N];
  int begins = 0, lengths[5] = {0};
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial), again = rng;
    fill(ids, N);
    assert_true(apply(row("mix_answers"), ids, N, N - 2, &rng) == 0);
    bool other = rd_rng_uniform(&again) < 0.5;
    begins += other;
    for (int i = 0; i < N; other = !other) {
      int length = 1 + (int)rd_rng_below(&again, 4);
      lengths[length]++;
      for (; length > 0 && i < N; length--, i++)
        assert_int_equal(ids[i], other ? (i < N - 4 ? OTHER + i : END) : i < N - 2 ? 100 + i : END);
    }
    assert_int_equal(rng.index, again.index);
  }
  assert_true(abs(begins - TRIALS / 2) < 100); /* three standard deviations: 95 */
  for (int i = 1; i <= 4; i++)
    assert_true(lengths[i] > lengths[1 + i % 4] * 9 / 10);
}

static void mixtures_need_another_answer(void **state) {
  (void)state;
  int32_t ids[N], same[N];
  rd_rng rng = rng_of(5);
  fill(ids, N);
  fill(same, N);
  for (size_t i = 0; i < rd_corruption_count; i++)
    if (rd_corruptions[i].mixes)
      rd_corruptions[i].apply(&(rd_corruptible){.ids = ids, .n = N, .answer = N, .rng = &rng});
  assert_memory_equal(ids, same, sizeof ids);
}

/* One or two tokens twice or not at all; all others once, in order, moved by as many places. */
static void stutters_move_the_rest(void **state) {
  (void)state;
  enum { ANSWER = 16 };
  int32_t ids[N];
  int kinds[2][3] = {{0}};
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial), again = rng;
    fill(ids, ANSWER);
    assert_true(apply(row("stutter"), ids, N, ANSWER, &rng) == 0);
    int length = 1 + (int)rd_rng_below(&again, 2);
    int start = (int)rd_rng_below(&again, (uint32_t)(ANSWER - length + 1));
    bool doubled = rd_rng_uniform(&again) < 0.5;
    kinds[doubled][length]++;
    for (int i = 0; i < N; i++) {
      int from = doubled ? (i < start + length ? i : i - length) : i < start ? i : i + length;
      assert_int_equal(ids[i], from < ANSWER ? 100 + from : END);
    }
  }
  for (int doubled = 0; doubled < 2; doubled++)
    for (int length = 1; length <= 2; length++)
      assert_true(abs(kinds[doubled][length] - TRIALS / 4) < 83); /* three standard deviations */
  int32_t one[2] = {100};
  for (uint32_t trial = 0; trial < 20; trial++) { /* a single token, doubled or lost */
    rd_rng rng = rng_of(trial);
    one[0] = 100;
    apply(row("stutter"), one, 2, 1, &rng);
    assert_true((one[0] == 100 && one[1] == 100) || (one[0] == END && one[1] == END));
  }
}

static void beginnings_are_another_answers(void **state) {
  (void)state;
  int32_t ids[N];
  int counts[3] = {0};
  for (uint32_t trial = 0; trial < TRIALS; trial++) {
    rd_rng rng = rng_of(trial), again = rng;
    fill(ids, N);
    assert_true(apply(row("first_wrong"), ids, N, N - 1, &rng) == 0);
    int count = 1 + (int)rd_rng_below(&again, 2);
    counts[count]++;
    for (int i = 0; i < N; i++)
      assert_int_equal(ids[i], i < count ? OTHER + i : i < N - 1 ? 100 + i : END);
  }
  assert_true(abs(counts[1] - counts[2]) < 190);
  int32_t one[2] = {100};
  rd_rng rng = rng_of(1);
  apply(row("first_wrong"), one, 2, 1, &rng);
  assert_true(one[0] == OTHER && one[1] == END); /* the closing EOS stays */
}

/* Every row is a function of its counter, writes only its own ids, and needs no other example
 * unless it says so. */
static void same_counter_same_corruption(void **state) {
  (void)state;
  int32_t a[N], b[N];
  for (size_t i = 0; i < rd_corruption_count; i++)
    for (uint32_t trial = 0; trial < 200; trial++) {
      const rd_corruption *r = &rd_corruptions[i];
      rd_rng one = rng_of(trial), two = rng_of(trial);
      int64_t n = 1 + trial % (N - 1), answer = n - trial % 2;
      fill(a, N);
      fill(b, N);
      assert_true(apply(r, a, n, answer, &one) >= 0);
      apply(r, b, n, answer, &two);
      assert_memory_equal(a, b, sizeof a);
      assert_int_equal(one.index, two.index);
      for (int64_t k = n; k < N; k++)
        assert_int_equal(a[k], 100 + k);
      for (int64_t k = 0; k < n; k++) {
        assert_true(!r->words || a[k] != MASK);
        assert_true(r->mixes || a[k] < OTHER || a[k] == MASK);
      }
      assert_non_null(r->help);
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
      cmocka_unit_test(all_masks_are_all_masks),
      cmocka_unit_test(mixtures_take_turns),
      cmocka_unit_test(mixtures_need_another_answer),
      cmocka_unit_test(stutters_move_the_rest),
      cmocka_unit_test(beginnings_are_another_answers),
      cmocka_unit_test(same_counter_same_corruption),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
