/* SPDX-License-Identifier: MIT */
/* Scoring: what counts as the same answer, the interval, damaged rows, and a whole run on a tiny
 * model. */
#include "exact.h"
#include "file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void answers_are_compared_by_their_words(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    bool same;
  } cases[] = {{"Paris.", " paris", true},
               {"It is Paris , France!", "It is Paris, France", true},
               {"Paris", "Paris France", false},
               {"", "", true},
               {"...", "", true},
               {"3.5", "35", false},
               {"a b", "ab", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(rd_exact_same(cases[i].a, cases[i].b), cases[i].same);
}

/* 8 of 10: 0.490 to 0.943 (Wilson 1927, as tabulated by Newcombe 1998). */
static void the_interval_is_wilsons(void **state) {
  (void)state;
  double low = 0, high = 0;
  rd_wilson_interval(8, 10, &low, &high);
  assert_true(low > 0.4901 && low < 0.4903 && high > 0.9432 && high < 0.9434);
  rd_wilson_interval(0, 0, &low, &high);
  assert_true(low <= 0 && high >= 1);
}

static char *file_of(const char *text) {
  char *path = strdup("/tmp/redraft-exact-XXXXXX");
  int fd = mkstemp(path);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  close(fd);
  return path;
}

static void bad_rows_are_named(void **state) {
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"{\"prompt\":\"a\",\"answer\":\"b\"}\n{\"prompt\":\"a\"}\n", ":2: a row needs prompt"},
      {"{", ":1: row: not valid JSON"},
      {"\n\n", "no rows"},
      {"{\"prompt\":1,\"answer\":\"b\"}", "prompt: expected a string"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *path = file_of(cases[i].text);
    rd_exact_rows rows;
    rd_error e = {0};
    assert_int_equal(rd_exact_read(&rows, path, 0, &e), RD_BAD_INPUT);
    if (!strstr(e.message, cases[i].message))
      fail_msg("expected \"%s\", found \"%s\"", cases[i].message, e.message);
    unlink(path);
    free(path);
  }
}

/* The model's own answer is right, another is not. */
static void a_run_counts_what_is_right(void **state) {
  (void)state;
  rd_model *m = NULL;
  rd_session *s = NULL;
  rd_error e = {0};
  if (rd_model_load(&m, RD_SOURCE_DIR "/tests/golden/models/llada", NULL, &e) ||
      rd_session_open(&s, m, "lad", &e) || rd_session_set(s, "window", "48", &e) ||
      rd_session_set(s, "iterations", "4", &e) || rd_session_set(s, "temperature", "0", &e) ||
      rd_session_set(s, "no-noise", "true", &e))
    fail_msg("%s", e.message);
  rd_result result;
  assert_int_equal(rd_generate(s, "Hello", NULL, NULL, &result, &e), RD_OK);
  rd_exact_row items[] = {{"Hello", result.text}, {"Hello", "certainly not this answer"}};
  rd_exact_rows rows = {items, 2};
  rd_exact_score score;
  if (rd_exact_run(&score, s, &rows, NULL, NULL, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_int_equal(score.rows, 2);
  assert_int_equal(score.right, 1);
  assert_true(score.iterations >= 1 && score.iterations <= 4);
  rd_result_drop(&result);
  rd_session_close(&s);
  rd_model_close(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_are_compared_by_their_words),
      cmocka_unit_test(the_interval_is_wilsons),
      cmocka_unit_test(bad_rows_are_named),
      cmocka_unit_test(a_run_counts_what_is_right),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
