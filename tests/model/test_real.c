/* SPDX-License-Identifier: MIT */
/* What integers lose on a model that was trained, whose activations have outliers: its logits
 * beside those of f32 on the same file, over 256 positions, or 2048 with RD_TEST_ALL=1. Skipped
 * where the file is not there. */
#include "file.h"
#include "model.h"
#include "precision.h"
#include "stack.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SHARED RD_SOURCE_DIR "/../shared/data/"
#define MODEL SHARED "models/smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf"
#define TEXT SHARED "text/aesop/aesop4children.json"

enum { LONG = 256, FEW = 1, ALL = 8 }; /* positions of a sequence; sequences */

typedef struct comparison {
  float *exact; /* (sequences, LONG, vocab): kept by the first run, compared with by the others */
  int64_t sequences, sequence; /* all, and the one at hand */
  int64_t vocab, rows, same;
  double difference, norm;
} comparison;

static rd_code keep(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  (void)e;
  comparison *c = context;
  memcpy(c->exact + (c->sequence * LONG + first) * c->vocab, logits,
         (size_t)(count * c->vocab) * sizeof *logits);
  return RD_OK;
}

static int64_t best_of(const float *x, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++)
    best = x[i] > x[best] ? i : best;
  return best;
}

static rd_code compare(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  (void)e;
  comparison *c = context;
  for (int64_t r = 0; r < count; r++) {
    const float *x = c->exact + (c->sequence * LONG + first + r) * c->vocab,
                *y = logits + r * c->vocab;
    for (int64_t i = 0; i < c->vocab; i++) {
      const double d = (double)y[i] - (double)x[i];
      c->difference += d * d;
      c->norm += (double)x[i] * (double)x[i];
    }
    c->same += best_of(x, c->vocab) == best_of(y, c->vocab);
    c->rows++;
  }
  return RD_OK;
}

static void run(const char *precision, comparison *c) {
  rd_model *m = NULL;
  rd_stack *p = NULL;
  rd_error e = {0};
  char *text = NULL;
  size_t size = 0, count = 0;
  int32_t *ids = NULL, rows[LONG];
  for (int32_t i = 0; i < LONG; i++)
    rows[i] = i;
  if (rd_file_read(TEXT, 1 << 20, &text, &size, &e) ||
      rd_model_open(&m, &(rd_model_options){.path = MODEL, .precision = precision}, &e) ||
      rd_tokenizer_encode(m->tokenizer, text, size, 0, &ids, &count, &e))
    fail_msg("%s", e.message);
  assert_true((int64_t)count >= c->sequences * LONG);
  if (!c->exact) {
    c->vocab = m->config.vocab;
    c->exact = malloc((size_t)(c->sequences * LONG * c->vocab) * sizeof *c->exact);
    assert_non_null(c->exact);
  }
  const bool first = strcmp(precision, "f32") == 0;
  c->difference = c->norm = 0;
  c->rows = c->same = 0;
  if (rd_stack_new(&p, &m->config, &m->weights,
                   &(rd_stack_sizes){.rows = LONG, .longest = LONG, .chunk = 64}, &e))
    fail_msg("%s", e.message);
  for (c->sequence = 0; c->sequence < c->sequences; c->sequence++) {
    const rd_sequence s = {.ids = ids + c->sequence * LONG, .count = LONG};
    if (rd_stack_run(p, &s, 1, -1, &e) ||
        rd_stack_logits(p, rows, LONG, first ? keep : compare, c, &e))
      fail_msg("%s: %s", precision, e.message);
  }
  rd_stack_free(&p);
  rd_model_close(&m);
  free(ids);
  free(text);
}

static void integers_keep_a_real_model(void **state) {
  (void)state;
  if (!rd_path_exists(MODEL) || !rd_path_exists(TEXT))
    skip();
  static const struct {
    const char *precision;
    double off, same;
  } bounds[] = {{"int8", 0.02, 0.96}, {"q4", 0.02, 0.96}};
  comparison c = {.sequences = getenv("RD_TEST_ALL") ? ALL : FEW};
  run("f32", &c);
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
    run(bounds[i].precision, &c);
    const double off = sqrt(c.difference / c.norm), same = (double)c.same / (double)c.rows;
    print_message("%s: relative error %.2g, best token the same in %.1f%%\n", bounds[i].precision,
                  off, 100 * same);
    assert_true(off > 0 && off < bounds[i].off && same >= bounds[i].same);
  }
  free(c.exact);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(integers_keep_a_real_model),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
