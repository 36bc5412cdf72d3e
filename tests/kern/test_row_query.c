/* SPDX-License-Identifier: MIT */
/* Reading rows: shares among all words, the likeliest in order, and words that cannot be. */
#include "row_query.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { V = 700, BEST = 9 };

static void fill(float *row) {
  for (int v = 0; v < V; v++)
    row[v] = (float)((v * 7919) % 997) / 100; /* no two alike */
}

static void scores_are_logarithms_of_shares(void **state) {
  float row[V], scores[3];
  const int32_t ids[3] = {0, 13, V - 1};
  double sum = 0;
  (void)state;
  fill(row);
  for (int v = 0; v < V; v++)
    sum += exp((double)row[v]);
  rd_query_row(&(rd_row_query){.ids = ids, .scores = scores, .count = 3}, row, V);
  for (int i = 0; i < 3; i++)
    assert_true(fabs((double)scores[i] - ((double)row[ids[i]] - log(sum))) < 1e-5);
  row[400] = NAN; /* says nothing of any word */
  rd_query_row(&(rd_row_query){.ids = ids, .scores = scores, .count = 3}, row, V);
  for (int i = 0; i < 3; i++)
    assert_true(isnan(scores[i]));
}

static void the_likeliest_come_in_order(void **state) {
  float row[V], scores[BEST];
  int32_t best[BEST];
  (void)state;
  fill(row);
  row[5] = row[600] = 20; /* a tie goes to the lower id */
  row[V - 1] = 30;
  row[7] = -INFINITY;
  const rd_row_query r = {.best = best, .best_scores = scores, .best_count = BEST};
  rd_query_row(&r, row, V);
  assert_int_equal(best[0], V - 1);
  assert_int_equal(best[1], 5);
  assert_int_equal(best[2], 600);
  for (int i = 3; i < BEST; i++) {
    int above = 0;
    for (int v = 0; v < V; v++)
      above += row[v] > row[best[i]];
    assert_int_equal(above, i);
    assert_true(scores[i] < scores[i - 1]);
  }
}

static void all_words_can_be_asked_for(void **state) {
  float row[3] = {1, -INFINITY, 2}, scores[3];
  int32_t best[3];
  (void)state;
  rd_query_row(&(rd_row_query){.best = best, .best_scores = scores, .best_count = 3}, row, 3);
  assert_int_equal(best[0], 2);
  assert_int_equal(best[1], 0);
  assert_int_equal(best[2], 1);
  assert_true(isinf(scores[2]));
  assert_true(fabs(exp((double)scores[0]) + exp((double)scores[1]) - 1) < 1e-6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(scores_are_logarithms_of_shares),
      cmocka_unit_test(the_likeliest_come_in_order),
      cmocka_unit_test(all_words_can_be_asked_for),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
