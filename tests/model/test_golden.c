/* SPDX-License-Identifier: MIT */
/* Logits of every tiny model, attention kind and adapter against the float64 reference
 * (tests/golden): f32 within 1e-4 relative, norm of the difference over norm; bf16 within 2e-2 with
 * the same argmax on 98% of the rows; int8 within 1e-1, and 5e-2 over all, with the same argmax on
 * 90%. Adapters are applied beside the weights and merged. */
#include "json.h"
#include "model.h"
#include "stack.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "npy.h"

#define GOLDEN RD_SOURCE_DIR "/tests/golden/"

enum { MOST_ROWS = 64 };

typedef struct limits {
  const char *precision;
  double one, all, same; /* relative error of a case and of all, and share of rows */
} limits;
static const limits f32 = {"f32", 1e-4, 1e-4, 0.98}, bf16 = {"bf16", 2e-2, 2e-2, 0.98},
                    int8 = {"int8", 1e-1, 5e-2, 0.9};

typedef struct comparison {
  const double *expected;
  int64_t vocab;
  double difference, norm;
  int64_t rows, same;
} comparison;

static rd_code compare(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  (void)e;
  comparison *c = context;
  for (int64_t r = 0; r < count; r++) {
    const double *x = c->expected + (first + r) * c->vocab;
    const float *y = logits + r * c->vocab;
    int64_t best_x = 0, best_y = 0;
    for (int64_t i = 0; i < c->vocab; i++) {
      double d = (double)y[i] - x[i];
      c->difference += d * d;
      c->norm += x[i] * x[i];
      best_x = x[i] > x[best_x] ? i : best_x;
      best_y = y[i] > y[best_y] ? i : best_y;
    }
    c->rows++;
    c->same += best_x == best_y;
  }
  return RD_OK;
}

static int32_t numbers(const json_t *array, int32_t *out) {
  int32_t n = 0;
  size_t i = 0;
  json_t *item = NULL;
  json_array_foreach((json_t *)(uintptr_t)array, i, item) {
    assert_true(n < MOST_ROWS);
    out[n++] = (int32_t)json_integer_value(item);
  }
  return n;
}

static const char *text_of(const json_t *o, const char *key) {
  return json_string_value(json_object_get(o, key));
}

static void check_case(const json_t *test, const limits *l, bool merge, comparison *total) {
  rd_error e = {0};
  char *path = rd_print(GOLDEN "%s", text_of(test, "model"));
  char *adapter = text_of(test, "adapter") ? rd_print(GOLDEN "%s", text_of(test, "adapter")) : NULL;
  rd_model_options options = {.path = path,
                              .adapter = adapter,
                              .precision = l->precision,
                              .use = merge ? RD_ADAPTER_MERGED : RD_ADAPTER_BESIDE};
  rd_model *m = NULL;
  if (rd_model_open(&m, &options, &e))
    fail_msg("%s", e.message);
  int32_t ids[MOST_ROWS], rows[MOST_ROWS];
  int32_t count = numbers(json_object_get(test, "ids"), ids);
  int32_t wanted = numbers(json_object_get(test, "rows"), rows);
  const char *kind = text_of(test, "attention");
  int64_t block = strcmp(kind, "causal") == 0 ? 1 : strncmp(kind, "block:", 6) ? 0 : atoi(kind + 6);
  size_t n = 0;
  double *expected = read_npy(GOLDEN, text_of(test, "file"), &n);
  assert_int_equal(n, (size_t)(wanted * m->config.vocab));
  comparison c = {.expected = expected, .vocab = m->config.vocab};
  rd_stack *p = NULL;
  rd_sequence s = {.ids = ids, .count = count};
  if (rd_stack_new(&p, &m->config, &m->weights,
                   &(rd_stack_sizes){.rows = count, .longest = count, .chunk = 5}, &e) ||
      rd_stack_run(p, &s, 1, block, &e) || rd_stack_logits(p, rows, wanted, compare, &c, &e))
    fail_msg("%s: %s", path, e.message);
  double relative = sqrt(c.difference / c.norm), limit = l->one;
  if (relative > limit)
    fail_msg("%s with %s: off by %g of the norm, at most %g is right", text_of(test, "file"),
             adapter ? adapter : "no adapter", relative, limit);
  total->difference += c.difference;
  total->norm += c.norm;
  total->rows += c.rows;
  total->same += c.same;
  rd_stack_free(&p);
  rd_model_close(&m);
  free(expected);
  free(path);
  free(adapter);
}

static size_t check_list(const char *list, const limits *l, bool merge, comparison *total) {
  json_t *cases = NULL;
  rd_error e = {0};
  assert_int_equal(rd_json_open(&cases, list, &e), RD_OK);
  size_t i = 0, run = 0;
  json_t *test = NULL;
  json_array_foreach(cases, i, test) {
    if (merge && !text_of(test, "adapter"))
      continue;
    check_case(test, l, merge, total);
    run++;
  }
  json_decref(cases);
  return run;
}

static void check_all(const limits *l, bool merge) {
  comparison total = {0};
  size_t run = check_list(GOLDEN "logits.json", l, merge, &total);
  run += check_list(GOLDEN "block_logits.json", l, merge, &total);
  assert_true(run > 10);
  double relative = sqrt(total.difference / total.norm);
  double same = (double)total.same / (double)total.rows;
  print_message("relative error %.2g, same choice on %.1f%%\n", relative, 100 * same);
  assert_true(relative < l->all);
  assert_true(same >= l->same);
}

static void f32_agrees_with_the_reference(void **state) {
  (void)state;
  check_all(&f32, false);
}

static void bf16_agrees_with_the_reference(void **state) {
  (void)state;
  check_all(&bf16, false);
}

static void int8_stays_near_the_reference(void **state) {
  (void)state;
  check_all(&int8, false);
}

static void merged_adapters_agree_too(void **state) {
  (void)state;
  check_all(&f32, true);
  check_all(&int8, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(f32_agrees_with_the_reference),
      cmocka_unit_test(bf16_agrees_with_the_reference),
      cmocka_unit_test(int8_stays_near_the_reference),
      cmocka_unit_test(merged_adapters_agree_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
