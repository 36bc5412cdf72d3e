/* SPDX-License-Identifier: MIT */
/* Learning rates by hand-written numbers. */
#include "schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void rates(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int64_t update, warmup, updates;
    double want;
  } cases[] = {
      {"constant", 1, 4, 10, 0.5}, {"constant", 4, 4, 10, 2.0}, {"constant", 10, 4, 10, 2.0},
      {"linear", 2, 4, 10, 1.0},   {"linear", 8, 4, 10, 1.0},   {"linear", 10, 4, 10, 1.0 / 3},
      {"cosine", 5, 4, 10, 2.0},   {"cosine", 7, 4, 10, 1.5},   {"cosine", 8, 4, 10, 1.0},
      {"cosine", 11, 4, 10, 0.0},  {"cosine", 12, 4, 10, 0.0},  {"linear", 2, 0, 4, 1.5},
      {"cosine", 5, 4, 4, 2.0},    {"cosine", 1, 0, 1, 2.0},    {"linear", 1, 0, 1, 2.0},
      {"cosine", 2, 0, 2, 1.0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const rd_rate_schedule *row = rd_table_row(&rd_rate_schedule_table, cases[i].name);
    assert_non_null(row);
    double got = rd_rate_at(row, 2.0, cases[i].update, cases[i].warmup, cases[i].updates);
    assert_float_equal(got, cases[i].want, 1e-12);
  }
  assert_null(rd_table_row(&rd_rate_schedule_table, "steps"));
}

/* Every row starts at the peak and stays within it. */
static void rows(void **state) {
  (void)state;
  for (size_t i = 0; i < rd_rate_schedule_count; i++) {
    assert_float_equal(rd_rate_schedules[i].factor(0.0), 1.0, 1e-12);
    for (double done = 0; done <= 1.0; done += 0.125) {
      double f = rd_rate_schedules[i].factor(done);
      assert_true(f >= 0.0 && f <= 1.0);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(rates), cmocka_unit_test(rows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
