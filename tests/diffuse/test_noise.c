/* SPDX-License-Identifier: MIT */
/* Noises: LAD's draws with replacement, its split between EOS and text, permanent unmasking, the
 * weighted draws against their probabilities, and the three retentions. */
#include "fake_view.h"
#include "rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void plain_noise_draws_with_replacement(void **state) {
  (void)state;
  double distinct = 0;
  int hits[10] = {0};
  for (uint64_t seed = 0; seed < 5000; seed++) {
    fake_view f;
    fake_view_init(&f, 10);
    f.v.seed = seed;
    uint8_t wanted[VIEW_MOST] = {0};
    for (uint32_t k = 0; k < 6; k++) { /* the documented counters: draw k at position word k */
      rd_rng rng = rd_rng_at(seed, RD_STREAM_NOISE, 1, k);
      wanted[rd_rng_below(&rng, 10)] = RD_RENOISE;
    }
    rd_noise_lad(&f.v, 6.7, f.marks);
    assert_memory_equal(f.marks, wanted, 10);
    distinct += fake_view_count(&f, RD_RENOISE) / 5000.0;
    for (int p = 0; p < 10; p++)
      hits[p] += f.marks[p] == RD_RENOISE;
  }
  double expected = 10 * (1 - pow(0.9, 6)); /* 4.686 distinct of 6 draws */
  assert_true(fabs(distinct - expected) < 0.05);
  for (int p = 0; p < 10; p++)
    assert_in_range(hits[p], 5000 * expected / 10 - 180, 5000 * expected / 10 + 180);
}

static void fixed_positions_are_not_drawn(void **state) {
  (void)state;
  for (uint64_t seed = 0; seed < 300; seed++) {
    fake_view f;
    fake_view_init(&f, 8);
    f.v.seed = seed;
    f.fixed[0] = f.fixed[3] = f.fixed[7] = 1;
    f.p.confidence_noise = seed % 2;
    rd_noise_lad(&f.v, 50, f.marks);
    assert_true(f.marks[0] == RD_KEEP && f.marks[3] == RD_KEEP && f.marks[7] == RD_KEEP);
    assert_true(fake_view_count(&f, RD_RENOISE) == 5 || !f.p.confidence_noise);
  }
}

static void guided_noise_is_split_between_text_and_ends(void **state) {
  (void)state;
  static const struct {
    int ends, budget, of_words, of_ends;
  } cases[] = {{4, 5, 3, 2}, /* floor(5 * 6 / 10) = 3 to the six words */
               {5, 3, 1, 2}, /* floor(1.5) = 1 */
               {0, 4, 4, 0}, {10, 4, 0, 4}, {9, 5, 0, 5} /* floor(0.5) = 0 */,
               {2, 99, 8, 2}}; /* never more than there are */
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (uint64_t seed = 0; seed < 50; seed++) {
      fake_view f;
      fake_view_init(&f, 10);
      f.v.seed = seed;
      f.p.confidence_noise = true;
      for (int p = 10 - cases[i].ends; p < 10; p++)
        f.draft[p] = VIEW_EOS;
      rd_noise_lad(&f.v, cases[i].budget, f.marks);
      int words = 0, ends = 0;
      for (int p = 0; p < 10; p++)
        if (f.marks[p] == RD_RENOISE)
          (f.draft[p] == VIEW_EOS ? &ends : &words)[0]++;
      assert_int_equal(words, cases[i].of_words);
      assert_int_equal(ends, cases[i].of_ends);
    }
}

static void weighted_draws_follow_their_weights(void **state) {
  (void)state;
  /* Doubts 0.8, 0.4, 0.2 and one below the clip of 0.1: weights 8 : 4 : 2 : 1. */
  const double probability[] = {0.2, 0.6, 0.8, 0.99}, weight[] = {8, 4, 2, 1};
  int first[4] = {0}, pair[4][4] = {{0}};
  const int trials = 12000;
  for (int seed = 0; seed < trials; seed++) {
    fake_view f;
    fake_view_init(&f, 4);
    fake_view_confidence(&f, probability);
    f.v.seed = (uint64_t)seed;
    f.p.confidence_noise = true;
    f.p.noise_clip = 0.1;
    rd_noise_lad(&f.v, 1, f.marks);
    assert_int_equal(fake_view_count(&f, RD_RENOISE), 1);
    int one = 0;
    while (f.marks[one] != RD_RENOISE)
      one++;
    first[one]++;
    memset(f.marks, 0, sizeof f.marks);
    memset(f.settled, 0, sizeof f.settled);
    rd_noise_lad(&f.v, 2, f.marks); /* the same first draw, then one of the others */
    assert_int_equal(fake_view_count(&f, RD_RENOISE), 2);
    assert_int_equal(f.marks[one], RD_RENOISE);
    for (int p = 0; p < 4; p++)
      pair[one][p] += p != one && f.marks[p] == RD_RENOISE;
  }
  double chi = 0, chi_pair = 0;
  for (int a = 0; a < 4; a++) {
    double expected = trials * weight[a] / 15;
    chi += (first[a] - expected) * (first[a] - expected) / expected;
    for (int b = 0; b < 4; b++) {
      double of_rest = trials * weight[a] / 15 * weight[b] / (15 - weight[a]);
      if (a != b)
        chi_pair += (pair[a][b] - of_rest) * (pair[a][b] - of_rest) / of_rest;
    }
  }
  assert_true(chi < 16.3);      /* 3 degrees of freedom, one in a thousand */
  assert_true(chi_pair < 31.3); /* 11 */
}

static void kept_positions_leave_the_draw_for_good(void **state) {
  (void)state;
  fake_view f;
  fake_view_init(&f, 12);
  f.p.keep = true;
  uint8_t ever_kept[12] = {0};
  int before = 12;
  for (int64_t i = 1; i <= 8; i++) {
    f.v.iteration = i;
    memset(f.marks, 0, sizeof f.marks);
    rd_noise_lad(&f.v, 6, f.marks);
    for (int p = 0; p < 12; p++) {
      if (ever_kept[p])
        assert_int_equal(f.marks[p], RD_KEEP);
      ever_kept[p] |= f.marks[p] == RD_KEEP;
    }
    int now = fake_view_count(&f, RD_RENOISE);
    assert_true(now <= before); /* those noised are a shrinking set */
    before = now;
  }
  memset(f.settled, RD_SETTLED, 12); /* nobody left: nothing drawn, no endless search */
  memset(f.marks, 0, sizeof f.marks);
  rd_noise_lad(&f.v, 6, f.marks);
  assert_int_equal(fake_view_count(&f, RD_RENOISE), 0);
}

/* Permanent unmasking draws without replacement: 115, 112, 109, 106 masks after drafts 1 to 4 of
 * 230 positions at 64 iterations, as in the author's functions. */
static void kept_positions_are_drawn_without_replacement(void **state) {
  (void)state;
  static const int masks[] = {115, 112, 109, 106};
  fake_view f;
  fake_view_init(&f, 230);
  f.p.keep = true;
  f.p.noise_start = 0.5;
  f.p.sharpness = 1;
  f.v.iterations = 64;
  for (int64_t i = 1; i <= 4; i++) {
    f.v.iteration = i;
    memset(f.marks, 0, 230);
    rd_noise_lad(&f.v, rd_schedule_lad(&f.v), f.marks);
    assert_int_equal(fake_view_count(&f, RD_RENOISE), masks[i - 1]);
  }
}

static void no_noise_is_no_noise(void **state) {
  (void)state;
  fake_view f;
  fake_view_init(&f, 12);
  f.p.no_noise = true;
  rd_noise_lad(&f.v, 6, f.marks);
  assert_int_equal(fake_view_count(&f, RD_RENOISE), 0);
}

/* Ten positions of rising confidence; text before position 6, EOS from there. */
static void generic_view(fake_view *f, char *retention) {
  fake_view_init(f, 10);
  f->p.retention = retention;
  f->p.confidence_noise = true;
  f->p.proportional = false;
  for (int p = 0; p < 10; p++) {
    f->proposals[p].probability = 0.05f + 0.1f * (float)p;
    if (p >= 6)
      f->draft[p] = f->proposals[p].id = VIEW_EOS;
  }
}

static void retentions_by_hand(void **state) {
  (void)state;
  fake_view f;
  generic_view(&f, "none"); /* the least sure 4 */
  rd_noise_generic(&f.v, 4, f.marks);
  assert_string_equal(fake_view_marks(&f), "2222000000");

  generic_view(&f, "none"); /* EOS decided last: they go first, the surest words stay */
  f.p.eos_last = true;
  rd_noise_generic(&f.v, 5, f.marks);
  assert_string_equal(fake_view_marks(&f), "2000002222");

  generic_view(&f, "none"); /* too few to mask all EOS: the earliest go first */
  f.p.eos_last = true;
  rd_noise_generic(&f.v, 3, f.marks);
  assert_string_equal(fake_view_marks(&f), "0000002220");

  generic_view(&f, "none"); /* deciding the length last makes confidence guide */
  f.p.eos_last = true;
  f.p.confidence_noise = false;
  rd_noise_generic(&f.v, 6, f.marks);
  assert_string_equal(fake_view_marks(&f), "2200002222");

  generic_view(&f, "retained"); /* 6 are retained, and stay so */
  rd_noise_generic(&f.v, 4, f.marks);
  assert_string_equal(fake_view_marks(&f), "2222000000");
  f.proposals[9].probability = 0;
  memset(f.marks, 0, sizeof f.marks);
  rd_noise_generic(&f.v, 3, f.marks);
  assert_string_equal(fake_view_marks(&f), "2220000000");
  assert_int_equal(f.settled[9], RD_SETTLED);

  generic_view(&f, "locked"); /* the same, and locked (3) */
  rd_noise_generic(&f.v, 4, f.marks);
  assert_string_equal(fake_view_marks(&f), "2222333333");

  generic_view(&f, "retained"); /* target 5: 3 of the 6 before the first EOS, 2 of the 4 after */
  f.p.proportional = true;
  rd_noise_generic(&f.v, 5, f.marks);
  assert_string_equal(fake_view_marks(&f), "2220002200");
}

static void chance_noises_at_its_rate(void **state) {
  (void)state;
  int hits = 0;
  for (uint64_t seed = 0; seed < 2000; seed++) {
    fake_view f;
    generic_view(&f, "none");
    f.p.confidence_noise = false;
    f.v.seed = seed;
    rd_noise_generic(&f.v, 3, f.marks);
    hits += fake_view_count(&f, RD_RENOISE);
  }
  assert_in_range(hits, 5800, 6200); /* 20,000 draws of 3/10: sd 65 */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(plain_noise_draws_with_replacement),
      cmocka_unit_test(fixed_positions_are_not_drawn),
      cmocka_unit_test(guided_noise_is_split_between_text_and_ends),
      cmocka_unit_test(weighted_draws_follow_their_weights),
      cmocka_unit_test(kept_positions_leave_the_draw_for_good),
      cmocka_unit_test(kept_positions_are_drawn_without_replacement),
      cmocka_unit_test(no_noise_is_no_noise),
      cmocka_unit_test(retentions_by_hand),
      cmocka_unit_test(chance_noises_at_its_rate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
