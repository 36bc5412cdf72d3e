/* SPDX-License-Identifier: MIT */
/* bench's CSV becomes curves: later rows replace earlier ones, answers are left out, other files
 * are refused. */
#include "bench_report.h"
#include "curves.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void rows_become_curves(void **state) {
  (void)state;
  char path[] = "/tmp/redraft-bench-XXXXXX.csv";
  rd_error e = {0};
  close(mkstemps(path, 4));
  static const rd_bench_row rows[] = {
      {.kind = "iteration",
       .shape = "tini",
       .precision = "bf16",
       .machine = "one, two",
       .window = 64,
       .batch = 1,
       .fraction = 0.25,
       .commit = "a"},
      {.kind = "iteration",
       .shape = "tini",
       .precision = "bf16",
       .machine = "one",
       .window = 256,
       .batch = 1,
       .fraction = 0.5,
       .commit = "a"},
      {.kind = "answer",
       .shape = "tini",
       .precision = "bf16",
       .machine = "one",
       .window = 64,
       .batch = 1,
       .useful_rate = 10,
       .commit = "a"},
      {.kind = "iteration",
       .shape = "tini",
       .precision = "int8",
       .machine = "one",
       .window = 64,
       .batch = 4,
       .fraction = 0.125,
       .commit = "a"},
      {.kind = "iteration",
       .shape = "tini",
       .precision = "bf16",
       .machine = "one",
       .window = 64,
       .batch = 1,
       .fraction = 0.375,
       .commit = "b"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    assert_int_equal(rd_bench_csv(path, &rows[i], &e), RD_OK);
  rd_curves curves = {0};
  assert_int_equal(rd_curves_read_bench(&curves, path, &e), RD_OK);
  assert_int_equal(curves.count, 2);
  assert_string_equal(curves.items[0].label, "tini bf16 batch 1");
  assert_int_equal(curves.items[0].count, 2);
  assert_true(curves.items[0].x[0] == 6 && curves.items[0].y[0] == 37.5);
  assert_true(curves.items[0].x[1] == 8 && curves.items[0].y[1] == 50);
  assert_string_equal(curves.items[1].label, "tini int8 batch 4");
  FILE *out = tmpfile();
  assert_int_equal(rd_curves_svg(&curves, out, &e), RD_OK);
  fclose(out);
  rd_curves_drop(&curves);
  unlink(path);
}

static void other_files_are_refused(void **state) {
  (void)state;
  char path[] = "/tmp/redraft-bench-XXXXXX.csv";
  int file = mkstemps(path, 4);
  static const char text[] = "a,b\n1,2\n";
  rd_error e = {0};
  rd_curves curves = {0};
  assert_int_equal(write(file, text, sizeof text - 1), (ssize_t)(sizeof text - 1));
  close(file);
  assert_int_equal(rd_curves_read_bench(&curves, path, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "not the CSV of bench"));
  rd_curves_drop(&curves);
  unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_become_curves),
      cmocka_unit_test(other_files_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
