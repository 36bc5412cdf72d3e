/* SPDX-License-Identifier: MIT */
/* Schedules: numbers by hand from the formulas, and how they add up. */
#include "fake_view.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_near(double is, double want) {
  if (fabs(is - want) > 1e-9 * (1 + fabs(want)))
    fail_msg("%.12f is not %.12f", is, want);
}

static double at(fake_view *f, rd_schedule *schedule, int64_t iteration) {
  f->v.iteration = iteration;
  return schedule(&f->v);
}

static void lad_decays_from_noise_start_to_nothing(void **state) {
  (void)state;
  fake_view f;
  fake_view_init(&f, 10);
  f.v.iterations = 4;
  f.p.noise_start = 0.9;
  assert_near(at(&f, rd_schedule_lad, 1), 9); /* f(0) = 1 */
  /* f(2) with s = 1: (e^-0.5 - e^-1) / (1 - e^-1) = 0.3775406687981454 */
  assert_near(at(&f, rd_schedule_lad, 3), 9 * 0.3775406687981454);
  assert_near(at(&f, rd_schedule_lad, 5), 0); /* f(N) = 0 */
  f.p.sharpness = 5;
  /* (e^-1.25 - e^-5) / (1 - e^-5) = 0.2816600290 */
  double sharp = (exp(-1.25) - exp(-5)) / (1 - exp(-5));
  assert_near(at(&f, rd_schedule_lad, 2), 9 * sharp);
  assert_true(sharp > 0.2816 && sharp < 0.2817);
  f.fixed[2] = f.fixed[3] = 1; /* the answer is what may change */
  assert_near(at(&f, rd_schedule_lad, 1), 0.9 * 8);
  f.p.no_noise = true;
  assert_near(at(&f, rd_schedule_lad, 1), 0);
}

static void lad_is_floored_by_its_noise(void **state) {
  (void)state;
  fake_view f;
  fake_view_init(&f, 7);
  rd_noise_lad(&f.v, 0.999, f.marks);
  assert_int_equal(fake_view_count(&f, RD_RENOISE), 0);
  rd_noise_lad(&f.v, 1.999, f.marks);
  assert_int_equal(fake_view_count(&f, RD_RENOISE), 1);
}

static void generic_falls_in_a_line(void **state) {
  (void)state;
  fake_view f;
  fake_view_init(&f, 20);
  for (int64_t i = 1; i <= 8; i++)
    assert_near(at(&f, rd_schedule_falling, i), 0.5 * (1 - (double)i / 8) * 20);
}

static void blocks_share_their_places_or_their_masks(void **state) {
  (void)state;
  fake_view f;
  fake_view_init(&f, 10);
  const double whole[] = {3, 3, 2}, rounded[] = {3, 4, 3}, few[] = {1, 1};
  f.v.block_size = 8; /* whatever masks it has */
  f.v.block_masks = 10;
  f.v.block_steps = 3;
  for (f.v.block_step = 0; f.v.block_step < 3; f.v.block_step++) {
    assert_near(rd_schedule_block(&f.v), whole[f.v.block_step]);
    assert_near(rd_schedule_rounded(&f.v), rounded[f.v.block_step]); /* 10/3, 7/2 to even, 3/1 */
  }
  f.v.block_masks = 2; /* 2/8, 2/7, 2/6, 2/5 and 2/4 round to 0: passes that are left out */
  f.v.block_steps = 8;
  for (f.v.block_step = 0; f.v.block_step < 2; f.v.block_step++)
    assert_near(rd_schedule_rounded(&f.v), few[f.v.block_step]);
}

static void even_shares_give_the_remainder_to_the_first(void **state) {
  (void)state;
  static const struct {
    int64_t masks, steps, first, last;
  } cases[] = {{16, 8, 2, 2}, {18, 8, 3, 2}, {7, 8, 1, 0},
               {8, 3, 3, 2},  {5, 1, 5, 5},  {9, 0, 9, 9}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    fake_view f;
    fake_view_init(&f, 20);
    f.v.block_masks = cases[i].masks;
    f.v.block_steps = cases[i].steps;
    int64_t steps = cases[i].steps ? cases[i].steps : 1;
    double sum = 0;
    for (f.v.block_step = 0; f.v.block_step < steps; f.v.block_step++) {
      double quota = rd_schedule_even(&f.v);
      sum += quota;
      if (f.v.block_step == 0)
        assert_near(quota, (double)cases[i].first);
      if (f.v.block_step == steps - 1)
        assert_near(quota, (double)cases[i].last);
    }
    assert_near(sum, (double)cases[i].masks);
  }
}

static void linear_takes_shares_of_what_is_left_and_all_at_last(void **state) {
  (void)state;
  fake_view f;
  fake_view_init(&f, 10);
  f.v.iterations = 3; /* t = 1, 0.667, 0.334, 0.001 */
  assert_near(at(&f, rd_schedule_linear, 1), 10 * (1 - 0.667));
  assert_near(at(&f, rd_schedule_linear, 2), 10 * (1 - 0.334 / 0.667));
  assert_near(at(&f, rd_schedule_linear, 3), 10);
  f.proposed[0] = f.proposed[1] = 0;
  assert_near(at(&f, rd_schedule_linear, 3), 8);
  assert_near(rd_schedule_none(&f.v), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lad_decays_from_noise_start_to_nothing),
      cmocka_unit_test(lad_is_floored_by_its_noise),
      cmocka_unit_test(generic_falls_in_a_line),
      cmocka_unit_test(blocks_share_their_places_or_their_masks),
      cmocka_unit_test(even_shares_give_the_remainder_to_the_first),
      cmocka_unit_test(linear_takes_shares_of_what_is_left_and_all_at_last),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
