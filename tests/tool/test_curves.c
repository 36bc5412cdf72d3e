/* SPDX-License-Identifier: MIT */
/* bench's CSV becomes curves: later rows replace earlier ones, answers are left out; eval's rows
 * become one curve; other files are refused. */
#include "bench_report.h"
#include "csv.h"
#include "curves.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static off_t size_of(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 ? st.st_size : -1;
}

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
       .cpu_fraction = 0.25,
       .commit = "a"},
      {.kind = "iteration",
       .shape = "tini",
       .precision = "bf16",
       .machine = "one",
       .window = 256,
       .batch = 1,
       .cpu_fraction = 0.5,
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
       .cpu_fraction = 0.125,
       .commit = "a"},
      {.kind = "iteration",
       .shape = "tini",
       .precision = "bf16",
       .machine = "one",
       .window = 64,
       .batch = 1,
       .cpu_fraction = 0.375,
       .commit = "b"},
  };
  rd_csv table;
  assert_int_equal(rd_csv_open(&table, path, NULL, NULL, &e), RD_OK);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    json_t *row = rd_bench_object(&rows[i], true);
    assert_int_equal(rd_csv_append(&table, row, &e), RD_OK);
    json_decref(row);
  }
  rd_csv_close(&table);
  rd_curves curves = {0};
  assert_int_equal(rd_curves_read_bench(&curves, path, &e), RD_OK);
  assert_int_equal(curves.count, 2);
  assert_string_equal(curves.items[0].label, "tini bf16 batch 1");
  assert_int_equal(curves.items[0].count, 2);
  assert_true(curves.items[0].x[0] == 6 && curves.items[0].y[0] == 37.5);
  assert_true(curves.items[0].x[1] == 8 && curves.items[0].y[1] == 50);
  assert_string_equal(curves.items[1].label, "tini int8 batch 4");
  char drawn[200] = "";
  assert_int_equal(rd_curves_svg(&curves, path, &e), RD_OK);
  FILE *in = fopen(path, "r");
  assert_non_null(in);
  assert_true(fread(drawn, 1, sizeof drawn - 1, in) > 0);
  fclose(in);
  assert_int_equal(strncmp(drawn, "<svg xmlns=", 11), 0);
  assert_int_equal(rd_curves_svg(&curves, "/nowhere/drawn.svg", &e), RD_IO);
  assert_non_null(strstr(e.message, "/nowhere/drawn.svg: cannot write"));
  rd_curves_drop(&curves);
  assert_int_equal(rd_curves_svg(&curves, path, &e), RD_BAD_INPUT); /* the older one stays */
  assert_true(size_of(path) > 11);
  unlink(path);
}

static void write_text(const char *path, const char *text) {
  FILE *out = fopen(path, "w");
  assert_non_null(out);
  fputs(text, out);
  assert_int_equal(fclose(out), 0);
}

static void results_become_a_curve(void **state) {
  (void)state;
  char path[] = "/tmp/redraft-eval-XXXXXX.jsonl";
  rd_error e = {0};
  close(mkstemps(path, 6));
  write_text(path, "{\"task\":\"exact\",\"iterations\":2,\"exact\":0.25}\n"
                   "{\"task\":\"exact\",\"iterations\":8,\"exact\":0.5,\"mean_iterations\":5}\n"
                   "{\"task\":\"exact\",\"exact\":0.75,\"mean_iterations\":16}\n"
                   "{\"task\":\"loss\",\"loss\":1}\nnot a row\n");
  rd_curves curves = {0};
  assert_int_equal(rd_curves_read_eval(&curves, path, &e), RD_OK);
  assert_int_equal(curves.count, 1);
  assert_memory_equal(curves.items[0].label, path + 5, strlen(path) - 5 - 6);
  assert_int_equal(curves.items[0].count, 3);
  static const double x[] = {1, 3, 4}, y[] = {25, 50, 75};
  for (int i = 0; i < 3; i++)
    assert_true(curves.items[0].x[i] == x[i] && curves.items[0].y[i] == y[i]);
  assert_string_equal(curves.axes->y, "% right");
  rd_curves_drop(&curves);
  write_text(path, "{\"task\":\"perplexity\",\"iterations\":4,\"perplexity\":1}\n");
  assert_int_equal(rd_curves_read_eval(&curves, path, &e), RD_OK);
  assert_true(curves.items[0].x[0] == 2 && curves.items[0].y[0] == 0);
  assert_string_equal(curves.axes->y, "nats a token");
  rd_curves_drop(&curves);
  write_text(path, "{\"task\":\"loss\",\"loss\":1}\n");
  assert_int_equal(rd_curves_read_eval(&curves, path, &e), RD_BAD_INPUT);
  rd_curves_drop(&curves);
  unlink(path);
}

/* The drawing of a file of eval's, or of a run's folder; freed by the caller. */
static char *drawn(const char *path, bool run) {
  char svg[] = "/tmp/redraft-drawn-XXXXXX.svg";
  rd_error e = {0};
  rd_curves curves = {0};
  enum { MOST = 1 << 14 };
  close(mkstemps(svg, 4));
  assert_int_equal(run ? rd_curves_read(&curves, path, &e) : rd_curves_read_eval(&curves, path, &e),
                   RD_OK);
  assert_int_equal(rd_curves_svg(&curves, svg, &e), RD_OK);
  rd_curves_drop(&curves);
  char *text = calloc(1, MOST);
  FILE *in = fopen(svg, "r");
  assert_true(text && in && fread(text, 1, MOST - 1, in) > 0);
  fclose(in);
  unlink(svg);
  return text;
}

/* Where the mark of a number on the x axis stands; -1: there is none. */
static double mark_at(const char *svg, const char *number) {
  char end[64];
  snprintf(end, sizeof end, "text-anchor=\"middle\">%s</text>", number);
  const char *found = strstr(svg, end);
  while (found && strncmp(found, "<text x=\"", 9) != 0)
    found--;
  return found ? strtod(found + 9, NULL) : -1;
}

/* Where the point stands that is drawn as number `i`. */
static double point_at(const char *svg, int i) {
  const char *found = strstr(svg, "<circle cx=\"");
  for (; found && i > 0; i--)
    found = strstr(found + 1, "<circle cx=\"");
  assert_non_null(found);
  return strtod(found + 12, NULL);
}

/* Marks are whole numbers, and a point stands at its own. */
static void points_stand_at_their_marks(void **state) {
  (void)state;
  char path[] = "/tmp/redraft-eval-XXXXXX.jsonl", run[] = "/tmp/redraft-run-XXXXXX", metrics[64];
  close(mkstemps(path, 6));
  write_text(path, "{\"iterations\":1,\"exact\":0.1}\n{\"iterations\":4,\"exact\":0.2}\n"
                   "{\"iterations\":24,\"exact\":0.3}\n{\"iterations\":64,\"exact\":0.4}\n");
  char *svg = drawn(path, false);
  static const char *const marks[] = {"1", "2", "4", "8", "16", "32", "64"};
  for (int i = 0; i < 7; i++)
    assert_true(mark_at(svg, marks[i]) == 60 + 120 * i);
  assert_true(mark_at(svg, "0") < 0 && mark_at(svg, "3") < 0 && mark_at(svg, "5") < 0);
  assert_true(point_at(svg, 0) == mark_at(svg, "1") && point_at(svg, 1) == mark_at(svg, "4") &&
              point_at(svg, 3) == mark_at(svg, "64"));
  assert_true(point_at(svg, 2) > mark_at(svg, "16") && point_at(svg, 2) < mark_at(svg, "32"));
  free(svg);
  unlink(path);
  assert_non_null(mkdtemp(run));
  snprintf(metrics, sizeof metrics, "%s/metrics.jsonl", run);
  write_text(metrics, "{\"update\":3,\"loss\":2}\n{\"update\":5,\"loss\":1}\n"
                      "{\"update\":10,\"loss\":0.5}\n{\"update\":24,\"loss\":0.25}\n");
  svg = drawn(run, true);
  assert_true(point_at(svg, 1) == mark_at(svg, "5") && point_at(svg, 2) == mark_at(svg, "10"));
  assert_true(mark_at(svg, "15") > 0 && mark_at(svg, "20") > 0);
  assert_true(mark_at(svg, "3") < 0 && mark_at(svg, "7") < 0 && mark_at(svg, "24") < 0);
  free(svg);
  unlink(metrics);
  rmdir(run);
}

static void other_axes_are_refused(void **state) {
  (void)state;
  char path[] = "/tmp/redraft-eval-XXXXXX.jsonl", run[] = "/tmp/redraft-run-XXXXXX", metrics[64];
  rd_error e = {0};
  rd_curves curves = {0};
  close(mkstemps(path, 6));
  assert_non_null(mkdtemp(run));
  snprintf(metrics, sizeof metrics, "%s/metrics.jsonl", run);
  write_text(metrics, "{\"update\":3,\"loss\":2}\n");
  write_text(path, "{\"iterations\":1,\"exact\":0.1}\n{\"iterations\":2,\"right\":0.1}\n");
  assert_int_equal(rd_curves_read(&curves, run, &e), RD_OK);
  assert_int_equal(rd_curves_read_eval(&curves, path, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "% right against iterations, and those before are loss against "
                                    "updates"));
  rd_curves_drop(&curves);
  assert_int_equal(rd_curves_read_eval(&curves, path, &e), RD_OK);
  assert_int_equal(rd_curves_read_eval(&curves, path, &e), RD_OK);
  write_text(path, "{\"iterations\":1,\"perplexity\":3}\n");
  assert_int_equal(rd_curves_read_eval(&curves, path, &e), RD_USAGE);
  rd_curves_drop(&curves);
  unlink(metrics);
  rmdir(run);
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
      cmocka_unit_test(rows_become_curves),          cmocka_unit_test(results_become_a_curve),
      cmocka_unit_test(points_stand_at_their_marks), cmocka_unit_test(other_axes_are_refused),
      cmocka_unit_test(other_files_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
