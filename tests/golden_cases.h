/* SPDX-License-Identifier: MIT */
/* The golden logits as cases: a tiny model, an adapter or none, a kind of attention, ids, and what
 * the float64 reference gives for some rows (tests/golden). One list for whatever makes logits:
 * test_golden runs the stack over it, test_devices every engine. */
#ifndef GOLDEN_CASES_H
#define GOLDEN_CASES_H

#include "json.h"
#include "model.h"

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

/* f32 within 1e-4 relative, norm of the difference over norm; bf16 within 2e-2 with the same argmax
 * on 98% of the rows; int8 within 1e-1, and 5e-2 over all, with the same argmax on 90%. */
typedef struct limits {
  const char *precision;
  double one, all, same; /* relative error of a case and of all, and share of rows */
} limits;
static const limits golden_f32 = {"f32", 1e-4, 1e-4, 0.98},
                    golden_bf16 = {"bf16", 2e-2, 2e-2, 0.98},
                    golden_int8 = {"int8", 1e-1, 5e-2, 0.9};

typedef struct golden_case {
  const char *file; /* of the expected logits */
  char *path, *adapter;
  int32_t ids[MOST_ROWS], rows[MOST_ROWS];
  int32_t count, wanted;
  int64_t block;
  rd_model *model;
  /* what comes out, row by row, beside what should */
  double *expected; /* (wanted, V) */
  double difference, norm;
  int64_t compared, same;
} golden_case;

static inline int32_t golden_numbers(const json_t *array, int32_t *out) {
  int32_t n = 0;
  size_t i = 0;
  json_t *item = NULL;
  json_array_foreach((json_t *)(uintptr_t)array, i, item) {
    assert_true(n < MOST_ROWS);
    out[n++] = (int32_t)json_integer_value(item);
  }
  return n;
}

static inline const char *golden_text(const json_t *o, const char *key) {
  return json_string_value(json_object_get(o, key));
}

static inline void golden_open(golden_case *c, const json_t *test, const char *precision,
                               bool merge) {
  rd_error e = {0};
  *c = (golden_case){.file = golden_text(test, "file")};
  c->path = rd_print(GOLDEN "%s", golden_text(test, "model"));
  if (golden_text(test, "adapter"))
    c->adapter = rd_print(GOLDEN "%s", golden_text(test, "adapter"));
  rd_model_options options = {.path = c->path,
                              .adapter = c->adapter,
                              .precision = precision,
                              .use = merge ? RD_ADAPTER_MERGED : RD_ADAPTER_BESIDE};
  if (rd_model_open(&c->model, &options, &e))
    fail_msg("%s", e.message);
  c->count = golden_numbers(json_object_get(test, "ids"), c->ids);
  c->wanted = golden_numbers(json_object_get(test, "rows"), c->rows);
  const char *kind = golden_text(test, "attention");
  c->block = strcmp(kind, "causal") == 0 ? 1 : strncmp(kind, "block:", 6) ? 0 : atoi(kind + 6);
  size_t n = 0;
  c->expected = read_npy(GOLDEN, c->file, &n);
  assert_int_equal(n, (size_t)(c->wanted * c->model->config.vocab));
}

static inline void golden_drop(golden_case *c) {
  rd_model_close(&c->model);
  free(c->expected);
  free(c->path);
  free(c->adapter);
}

/* Logits of wanted rows first .. first + count. */
static inline void golden_compare(golden_case *c, const float *logits, int64_t first,
                                  int64_t count) {
  const int64_t V = c->model->config.vocab;
  for (int64_t r = 0; r < count; r++) {
    const double *x = c->expected + (first + r) * V;
    const float *y = logits + r * V;
    int64_t best_x = 0, best_y = 0;
    for (int64_t i = 0; i < V; i++) {
      double d = (double)y[i] - x[i];
      c->difference += d * d;
      c->norm += x[i] * x[i];
      best_x = x[i] > x[best_x] ? i : best_x;
      best_y = y[i] > y[best_y] ? i : best_y;
    }
    c->compared++;
    c->same += best_x == best_y;
  }
}

typedef void golden_run(golden_case *c);

/* Makes all rows of a case be compared. */
static inline size_t golden_list(const char *list, const limits *l, bool merge, golden_run *run,
                                 golden_case *total) {
  json_t *cases = NULL, *test = NULL;
  rd_error e = {0};
  size_t i = 0, ran = 0;
  assert_int_equal(rd_json_open(&cases, list, &e), RD_OK);
  json_array_foreach(cases, i, test) {
    golden_case c;
    if (merge && !golden_text(test, "adapter"))
      continue;
    golden_open(&c, test, l->precision, merge);
    run(&c);
    assert_int_equal(c.compared, c.wanted);
    const double relative = sqrt(c.difference / c.norm);
    if (!(relative <= l->one))
      fail_msg("%s with %s: off by %g of the norm, at most %g is right", c.file,
               c.adapter ? c.adapter : "no adapter", relative, l->one);
    total->difference += c.difference;
    total->norm += c.norm;
    total->compared += c.compared;
    total->same += c.same;
    golden_drop(&c);
    ran++;
  }
  json_decref(cases);
  return ran;
}

/* All cases in a precision; with `merge` those that have an adapter, added into the weights. */
static inline void golden_all(const limits *l, bool merge, golden_run *run) {
  golden_case total = {0};
  size_t ran = golden_list(GOLDEN "logits.json", l, merge, run, &total);
  ran += golden_list(GOLDEN "block_logits.json", l, merge, run, &total);
  assert_true(ran > 10);
  const double relative = sqrt(total.difference / total.norm);
  const double same = (double)total.same / (double)total.compared;
  print_message("relative error %.2g, same choice on %.1f%%\n", relative, 100 * same);
  assert_true(relative < l->all);
  assert_true(same >= l->same);
}

#endif
