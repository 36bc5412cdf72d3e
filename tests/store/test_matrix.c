/* SPDX-License-Identifier: MIT */
/* Every format that is made and multiplied, by its row: a matrix packed from numbers gives products
 * near those of the numbers, the same bits whatever the threads and the rows beside; blocks become
 * integer groups with the same products; and the rows that fail first name the error. */
#include "cpu.h"
#include "distance.h"
#include "matrix.h"
#include "rng.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 330, COLS = 512, T = 19 }; /* more than one chunk of rows, and blocks of any size */

static float weights[ROWS * COLS], inputs[T * COLS];

static void draw(float *x, int64_t n, uint32_t which) {
  rd_rng rng = rd_rng_at(3, RD_STREAM_INIT, 0, which);
  for (int64_t i = 0; i < n; i++)
    x[i] = (float)rd_rng_normal(&rng);
}

static int make_numbers(void **state) {
  (void)state;
  draw(weights, ROWS * COLS, 0);
  draw(inputs, T * COLS, 1);
  return 0;
}

static rd_code numbers(void *context, float *out, float *room, int64_t first, int64_t count,
                       rd_error *e) {
  const int64_t *bad = context; /* a row that cannot be given, or NULL */
  memset(room, 0, (size_t)(count * COLS) * sizeof *room);
  if (bad && first + count > *bad)
    return rd_fail(e, RD_NUMERIC, "rows from %lld", (long long)first);
  memcpy(out, weights + first * COLS, (size_t)(count * COLS) * sizeof *out);
  return RD_OK;
}

/* The matrix in a format, in an arena of its own. */
static rd_matrix made(const rd_format *format, rd_arena *arena) {
  rd_arena measure = rd_arena_measure();
  rd_error e = {0};
  rd_matrix_take(format, ROWS, COLS, &measure);
  assert_int_equal(rd_arena_init(arena, measure.used, "a matrix", &e), RD_OK);
  rd_matrix m = rd_matrix_take(format, ROWS, COLS, arena);
  if (rd_matrix_fill(&m, numbers, NULL, &e))
    fail_msg("%s: %s", format->name, e.message);
  return m;
}

/* y (rows, ROWS) of the last `rows` inputs, which are given in the type that the format multiplies.
 */
static void multiply(float *y, const rd_matrix *m, int64_t rows) {
  rd_dtype type = m->format->dtype >= 0 ? (rd_dtype)m->format->dtype : RD_F32;
  void *x = calloc((size_t)(rows * COLS), rd_dtype_size(type));
  rd_cast(x, type, inputs + (T - rows) * COLS, RD_F32, rows * COLS);
  const rd_rounding *rounding = m->format->rounding;
  rd_input in = {.x = rd_mat_rows(x, type, rows, COLS),
                 .room = rounding ? aligned_alloc(64, (rounding->room(rows, COLS) + 63) / 64 * 64)
                                  : NULL};
  rd_error e = {0};
  if (rd_matrix_multiply(rd_mat_rows(y, RD_F32, rows, ROWS), m, &in, false, &e))
    fail_msg("%s: %s", m->format->name, e.message);
  assert_true(in.rounding == rounding);
  free(in.room);
  free(x);
}

static void products_are_near_and_the_same_for_every_split(void **state) {
  (void)state;
  static float expected[T * ROWS], y[T * ROWS], again[T * ROWS];
  for (int64_t t = 0; t < T; t++)
    for (int64_t r = 0; r < ROWS; r++) {
      double sum = 0;
      for (int64_t k = 0; k < COLS; k++)
        sum += (double)inputs[t * COLS + k] * (double)weights[r * COLS + k];
      expected[t * ROWS + r] = (float)sum;
    }
  size_t count = 0, multiplied = 0;
  const rd_format *formats = rd_formats(&count);
  int before = rd_threads_get();
  for (size_t i = 0; i < count; i++) {
    if (!formats[i].multiply || !formats[i].pack)
      continue;
    rd_arena arena;
    rd_matrix m = made(&formats[i], &arena);
    multiply(y, &m, T);
    double off = distance(y, expected, T * ROWS);
    print_message("%s: off by %.2g\n", formats[i].name, off);
    assert_true(off < 3e-2);
    for (int threads = 1; threads <= 3; threads += 2) {
      rd_arena other;
      rd_threads_set(threads);
      rd_matrix same = made(&formats[i], &other);
      assert_memory_equal(same.data, m.data, ROWS * rd_matrix_row(&m));
      multiply(again, &same, 2);
      assert_memory_equal(again, y + (T - 2) * ROWS, 2 * ROWS * sizeof *y);
      rd_arena_drop(&other);
    }
    rd_threads_set(before);
    rd_arena_drop(&arena);
    multiplied++;
  }
  assert_true(multiplied >= 3);
}

static void what_is_packed_is_read_back(void **state) {
  (void)state;
  static float back[ROWS * COLS];
  size_t count = 0;
  const rd_format *formats = rd_formats(&count);
  for (size_t i = 0; i < count; i++) {
    if (!formats[i].pack || !(formats[i].decode || formats[i].read))
      continue;
    rd_arena arena;
    rd_matrix m = made(&formats[i], &arena);
    rd_matrix_decode(back, &m, 0, ROWS);
    const bool four = formats[i].block == 32 && formats[i].bytes == 18; /* bits a number */
    assert_true(distance(back, weights, ROWS * COLS) < (four ? 0.12 : 1e-2));
    const int32_t ids[] = {ROWS - 1, 0, 33, 33};
    static float rows[4 * COLS];
    rd_matrix_gather(rows, &m, ids, 4);
    for (int r = 0; r < 4; r++)
      assert_memory_equal(rows + r * COLS, back + ids[r] * COLS, COLS * sizeof *back);
    rd_arena_drop(&arena);
  }
}

/* Blocks of small integers at a scale of one: any bits, but every f16 is 1 or so. */
static void fill_blocks(unsigned char *blocks, const rd_format *f) {
  const int64_t n = ROWS * COLS / f->block;
  rd_rng rng = rd_rng_at(5, RD_STREAM_INIT, 0, (uint32_t)f->gguf);
  for (int64_t i = 0; i < n * f->bytes; i++)
    blocks[i] = (unsigned char)(rd_rng_uniform(&rng) * 256);
  for (int64_t i = 0; i < n; i++)
    for (int half = 0; half < 2; half++)
      blocks[i * f->bytes + 2 * half + 1] = 0x3c; /* 1 to 1.25; not all formats read the second */
}

static void blocks_become_groups(void **state) {
  (void)state;
  static const struct {
    const char *stored, *groups;
  } cases[] = {{"Q8_0", "i8"}, {"Q5_0", "i8"}, {"Q4_0", "i4"}, {"Q4_1", "i4m"}, {"Q4_K", "i4k"}};
  static unsigned char blocks[ROWS * COLS * 4];
  static float numbers_of[ROWS * COLS], back[ROWS * COLS], y[T * ROWS], expected[T * ROWS];
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const rd_format *stored = rd_format_named(cases[i].stored);
    rd_arena measure = rd_arena_measure(), arena;
    rd_error e = {0};
    fill_blocks(blocks, stored);
    const rd_matrix from = rd_matrix_at(stored, blocks, ROWS, COLS);
    assert_string_equal(rd_format_grouped(stored)->name, cases[i].groups);
    rd_matrix_take(rd_format_grouped(stored), ROWS, COLS, &measure);
    assert_int_equal(rd_arena_init(&arena, measure.used, "a matrix", &e), RD_OK);
    rd_matrix m = rd_matrix_take(rd_format_grouped(stored), ROWS, COLS, &arena);
    assert_true(m.format->regroup(&m, &from));
    rd_matrix_decode(numbers_of, &from, 0, ROWS);
    rd_matrix_decode(back, &m, 0, ROWS);
    assert_memory_equal(back, numbers_of, sizeof back);
    multiply(y, &m, T);
    for (int64_t t = 0; t < T; t++)
      for (int64_t r = 0; r < ROWS; r++) {
        double sum = 0;
        for (int64_t k = 0; k < COLS; k++)
          sum += (double)inputs[t * COLS + k] * (double)numbers_of[r * COLS + k];
        expected[t * ROWS + r] = (float)sum;
      }
    assert_true(distance(y, expected, T * ROWS) < 2e-2);
    rd_arena_drop(&arena);
  }
  assert_string_equal(rd_format_grouped(rd_format_named("Q6_K"))->name, "i8b");
  assert_string_equal(rd_format_grouped(rd_format_named("BF16"))->name, "i8b");
}

static void the_first_rows_that_fail_name_the_error(void **state) {
  (void)state;
  rd_arena arena;
  rd_matrix m = made(rd_format_of(RD_BF16), &arena);
  for (int i = 0; i < 20; i++) {
    int64_t bad = 0;
    rd_error e = {0};
    assert_int_equal(rd_matrix_fill(&m, numbers, &bad, &e), RD_NUMERIC);
    assert_string_equal(e.message, "rows from 0");
  }
  rd_arena_drop(&arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_are_near_and_the_same_for_every_split),
      cmocka_unit_test(what_is_packed_is_read_back),
      cmocka_unit_test(blocks_become_groups),
      cmocka_unit_test(the_first_rows_that_fail_name_the_error),
  };
  return cmocka_run_group_tests(tests, make_numbers, NULL);
}
