/* SPDX-License-Identifier: MIT */
/* What every precision keeps: logits of a sequence are the same bits alone or packed with others,
 * with one thread or several. And what integers lose is small on weights of an ordinary spread. */
#include "cpu.h"
#include "family.h"
#include "model.h"
#include "precision.h"
#include "stack.h"
#include "tight.h"
#include "tighten.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VOCAB = 640, LONG = 150, SHORT = 37 };

static rd_model *random_model(const char *precision, int64_t width, bool tied) {
  rd_config c = {.layers = 2,
                 .width = width,
                 .tied = tied,
                 .heads = 4,
                 .kv_heads = 2,
                 .head_dim = 24,
                 .ff = 200,
                 .vocab = VOCAB,
                 .positions = 256,
                 .norm_eps = 1e-5,
                 .rope = {.theta = 10000},
                 .bos = -1,
                 .pad = -1,
                 .mask = -1};
  rd_error e = {0};
  rd_model *m = NULL;
  assert_int_equal(rd_family_find(&c.family, "llama", &e), RD_OK);
  if (rd_model_random(&m, &c, precision, 3, &e))
    fail_msg("%s", e.message);
  return m;
}

static rd_model *model_of(const char *precision) {
  return random_model(precision, 96, false);
}

static rd_code keep(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  (void)e;
  memcpy((float *)context + first * VOCAB, logits, (size_t)(count * VOCAB) * sizeof *logits);
  return RD_OK;
}

/* Logits of the first sequence given. */
static void logits_of(float *out, const rd_model *m, const rd_sequence *s, int64_t n,
                      int64_t wanted) {
  rd_stack *p = NULL;
  rd_error e = {0};
  int32_t rows[LONG];
  for (int32_t i = 0; i < LONG; i++)
    rows[i] = i;
  if (rd_stack_new(&p, &m->config, &m->weights,
                   &(rd_stack_sizes){.rows = 2 * LONG, .longest = LONG, .chunk = 64}, &e) ||
      rd_stack_run(p, s, n, 0, &e) || rd_stack_logits(p, rows, wanted, keep, out, &e))
    fail_msg("%s", e.message);
  rd_stack_free(&p);
}

static void bits_do_not_depend_on_packing_or_threads(void **state) {
  (void)state;
  static const char *const types[] = {"f32", "bf16", "int8"};
  int32_t ids[LONG], other[LONG];
  for (int i = 0; i < LONG; i++) {
    ids[i] = i * 7919 % VOCAB;
    other[i] = i * 31 % VOCAB;
  }
  float *alone = malloc(2 * sizeof *alone * LONG * VOCAB), *packed = alone + LONG * VOCAB;
  int before = rd_threads_get();
  for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
    rd_model *m = model_of(types[t]);
    for (int threads = 1; threads <= 3; threads++) {
      const rd_sequence s[] = {{.ids = ids, .count = LONG}, {.ids = other, .count = SHORT}};
      rd_threads_set(threads);
      logits_of(threads == 1 ? alone : packed, m, s, threads == 1 ? 1 : threads - 1, LONG);
      if (threads > 1 && memcmp(alone, packed, sizeof *alone * LONG * VOCAB) != 0)
        fail_msg("%s: other logits with %d threads and %d sequences", types[t], threads,
                 threads - 1);
    }
    rd_model_close(&m);
  }
  rd_threads_set(before);
  free(alone);
}

/* Logits of many rows, of a few and of one, with and without 12 bits; a tied embedding's rows are
 * still looked up. */
static void twelve_bits_change_nothing(void **state) {
  (void)state;
  if (!rd_tight_fast())
    skip();
  int32_t ids[LONG];
  for (int i = 0; i < LONG; i++)
    ids[i] = i * 7919 % VOCAB;
  float *before = malloc(2 * sizeof *before * LONG * VOCAB), *after = before + LONG * VOCAB;
  for (int tied = 0; tied < 2; tied++)
    for (int64_t count = LONG; count > 0; count /= 5) {
      const rd_sequence s = {.ids = ids, .count = count};
      rd_model *m = random_model("bf16", 336, tied);
      rd_error e = {0};
      logits_of(before, m, &s, 1, count);
      assert_int_equal(rd_model_tighten(m, SIZE_MAX, NULL, NULL, &e), RD_OK);
      assert_string_equal(m->weights.layers[0].up.w.format->name, "BF16");
      assert_int_equal(rd_model_tighten(m, 0, NULL, NULL, &e), RD_OK);
      assert_string_equal(m->weights.layers[0].up.w.format->name, "tight");
      assert_string_equal(m->weights.layers[1].down.w.format->name, "tight");
      assert_string_equal(m->weights.head.w.format->name, "tight");
      assert_string_equal(m->weights.embedding.format->name, "BF16");
      logits_of(after, m, &s, 1, count);
      assert_memory_equal(before, after, sizeof *before * (size_t)(count * VOCAB));
      assert_int_equal(m->loose, 0);
      rd_model_close(&m);
    }
  free(before);
}

/* A matrix with numbers all over is left as it is. */
static void strange_matrices_stay(void **state) {
  (void)state;
  if (!rd_tight_fast())
    skip();
  rd_model *m = random_model("bf16", 336, false);
  rd_error e = {0};
  rd_matrix *w = &m->weights.layers[1].up.w;
  rd_bf16 *numbers = w->data;
  for (int64_t i = 0; i < w->rows * w->cols; i += 97)
    numbers[i] = (rd_bf16)(i * 40503);
  assert_int_equal(rd_model_tighten(m, 0, NULL, NULL, &e), RD_OK);
  assert_ptr_equal(w->data, numbers);
  assert_string_equal(w->format->name, "BF16");
  assert_int_equal(m->loose, 1);
  assert_true(m->tight > 3);
  rd_model_close(&m);
}

static void integers_lose_little(void **state) {
  (void)state;
  int32_t ids[LONG];
  for (int i = 0; i < LONG; i++)
    ids[i] = i * 7919 % VOCAB;
  const rd_sequence s = {.ids = ids, .count = LONG};
  rd_model *m = model_of("f32"), *rounded = model_of("int8");
  float *exact = malloc(2 * sizeof *exact * LONG * VOCAB), *near = exact + LONG * VOCAB;
  assert_string_equal(m->precision->name, "f32");
  assert_string_equal(rounded->precision->name, "int8");
  logits_of(exact, m, &s, 1, LONG);
  logits_of(near, rounded, &s, 1, LONG);
  double difference = 0, norm = 0;
  for (int i = 0; i < LONG * VOCAB; i++) {
    double d = (double)near[i] - (double)exact[i];
    difference += d * d;
    norm += (double)exact[i] * (double)exact[i];
  }
  print_message("relative error %.2g\n", sqrt(difference / norm));
  assert_true(difference > 0 && sqrt(difference / norm) < 2e-2);
  rd_model_close(&m);
  rd_model_close(&rounded);
  free(exact);
}

static void names_are_found(void **state) {
  (void)state;
  const rd_precision *p = NULL;
  rd_error e = {0};
  assert_int_equal(rd_precision_find(&p, "int8", &e), RD_OK);
  assert_string_equal(p->name, "int8");
  assert_int_equal(rd_precision_find(&p, NULL, &e), RD_OK);
  assert_string_equal(p->name, "auto");
  assert_int_equal(rd_precision_find(&p, "int4", &e), RD_USAGE);
  assert_non_null(strstr(e.message, "there are auto, f32, bf16"));
}

/* What training knows has a way back. */
static void trained_ones_have_a_way_back(void **state) {
  (void)state;
  const rd_table *t = &rd_train_precision_table;
  for (size_t i = 0; i < t->count; i++) {
    const rd_precision *p = rd_table_row(t, rd_table_name(t, i));
    assert_true(!p->format || rd_format_named(p->format)->multiply_back);
    assert_ptr_equal(rd_table_row(&rd_precision_table, p->name), p);
  }
  assert_null(rd_table_row(t, "int8"));
  assert_null(rd_table_row(t, "q4"));
}

/* What a file of one matrix in each format gets, with and without vector instructions. */
static void auto_goes_by_file_and_machine(void **state) {
  (void)state;
  const char *plain = rd_bf16_fast() ? "bf16" : "f32";
  const struct {
    const char *stored, *automatic, *scalar, *format;
  } cases[] = {{"F32", "f32", "f32", "F32"},   {"BF16", plain, "f32", NULL},
               {"F16", plain, "f32", NULL},    {"Q6_K", plain, "f32", NULL},
               {"Q8_0", "int8", "f32", "i8"},  {"Q4_0", "int8", "f32", "i4"},
               {"Q4_1", "int8", "f32", "i4m"}, {"Q4_K", "int8", "f32", "i4k"}};
  const rd_cpu most = rd_cpu_level();
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_tensor t = {.format = rd_format_named(cases[i].stored), .dims = 2, .shape = {64, 256}};
    const rd_tensors stored = {.items = &t, .count = 1};
    rd_precision_choice choice;
    rd_error e = {0};
    rd_cpu_cap(RD_CPU_SCALAR);
    assert_int_equal(rd_precision_choose(&choice, "auto", &stored, &e), RD_OK);
    assert_string_equal(choice.row->name, cases[i].scalar);
    rd_cpu_cap(most);
    if (most < RD_CPU_AVX2)
      continue;
    assert_int_equal(rd_precision_choose(&choice, NULL, &stored, &e), RD_OK);
    assert_string_equal(choice.row->name, cases[i].automatic);
    assert_non_null(choice.why);
    if (cases[i].format)
      assert_string_equal(rd_precision_format(choice.row, t.format)->name, cases[i].format);
  }
  rd_cpu_cap(RD_CPU_LEVELS - 1);
}

static void four_bits_must_be_there(void **state) {
  (void)state;
  rd_tensor t[] = {{.format = rd_format_named("Q8_0"), .dims = 2, .shape = {64, 256}},
                   {.format = rd_format_named("Q4_K"), .dims = 2, .shape = {64, 256}}};
  rd_precision_choice choice;
  rd_error e = {0};
  assert_int_equal(rd_precision_choose(&choice, "q4", &(rd_tensors){.items = t, .count = 1}, &e),
                   RD_USAGE);
  assert_non_null(strstr(e.message, "precision q4"));
  assert_int_equal(rd_precision_choose(&choice, "q4", NULL, &e), RD_USAGE);
  assert_int_equal(rd_precision_choose(&choice, "q4", &(rd_tensors){.items = t, .count = 2}, &e),
                   RD_OK);
  assert_string_equal(rd_precision_format(choice.row, t[1].format)->name, "i4k");
  assert_string_equal(rd_precision_format(choice.row, t[0].format)->name, "i8");
}

typedef struct making {
  int calls;
  size_t done, of;
} making;

static void count_made(void *context, size_t done, size_t of) {
  making *m = context;
  assert_true(done > m->done && done <= of && (m->of == 0 || of == m->of));
  *m = (making){m->calls + 1, done, of};
}

/* Whoever opens hears of what is made, of nothing where a file is used as it lies. */
static void opening_is_told(void **state) {
  (void)state;
  static const struct {
    const char *path, *precision;
    bool makes;
  } cases[] = {{"tests/golden/gguf/llama-quant.gguf", "f32", true},
               {"tests/golden/gguf/llama-quant.gguf", "int8", true},
               {"tests/golden/models/llama-mha", "f32", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_error e = {0};
    rd_model *m = NULL;
    making made = {0};
    const rd_model_options o = {.path = cases[i].path,
                                .precision = cases[i].precision,
                                .made = count_made,
                                .context = &made};
    if (rd_model_open(&m, &o, &e))
      fail_msg("%s", e.message);
    assert_int_equal(made.calls >= 2 * m->config.layers, cases[i].makes);
    assert_int_equal(made.calls > 0, cases[i].makes);
    if (cases[i].makes)
      assert_true(made.done > made.of / 10 * 9 && made.of <= m->memory_bytes);
    rd_model_close(&m);
  }
}

/* What is faster on the processor says nothing of a device; what was asked for stays. */
static void training_takes_what_is_faster(void **state) {
  (void)state;
  rd_error e = {0};
  const rd_precision *automatic, *bf16;
  assert_int_equal(rd_precision_find(&automatic, "auto", &e), RD_OK);
  assert_int_equal(rd_precision_find(&bf16, "bf16", &e), RD_OK);
  assert_int_equal(rd_precision_trained(bf16, false), RD_BF16);
  assert_int_equal(rd_precision_trained(automatic, true), rd_bf16_fast() ? RD_BF16 : RD_F32);
  assert_int_equal(rd_precision_trained(automatic, false), rd_bf16_faster() ? RD_BF16 : RD_F32);
  rd_cpu_cap(RD_CPU_AVX512);
  assert_int_equal(rd_precision_trained(automatic, false), RD_F32);
  rd_cpu_cap(RD_CPU_LEVELS - 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(bits_do_not_depend_on_packing_or_threads),
      cmocka_unit_test(twelve_bits_change_nothing),
      cmocka_unit_test(strange_matrices_stay),
      cmocka_unit_test(integers_lose_little),
      cmocka_unit_test(names_are_found),
      cmocka_unit_test(auto_goes_by_file_and_machine),
      cmocka_unit_test(four_bits_must_be_there),
      cmocka_unit_test(trained_ones_have_a_way_back),
      cmocka_unit_test(opening_is_told),
      cmocka_unit_test(training_takes_what_is_faster),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
