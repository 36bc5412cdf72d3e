/* SPDX-License-Identifier: MIT */
/* Products with bf16 matrices in place, and with those that are held in 12 bits: bit for bit those
 * of rd_matmul, for every number of rows and threads, so that they may serve one model side by
 * side; and what is held in 12 bits comes back, whatever it is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cpu.h"
#include "mapped.h"
#include "matmul.h"
#include "rng.h"
#include "tight.h"

static rd_bf16 *random_numbers(int64_t n, uint32_t stream) {
  rd_rng rng = rd_rng_at(31, RD_STREAM_INIT, stream, 0);
  rd_bf16 *x = malloc((size_t)n * sizeof *x);
  for (int64_t i = 0; i < n; i++)
    x[i] = rd_bf16_of((float)(rd_rng_uniform(&rng) * 2 - 1));
  return x;
}

static const struct {
  int64_t N, K;
} shapes[] = {{2, 2},     {16, 32},   {33, 31},    {48, 288},  {100, 512}, {70, 513},  {64, 576},
              {31, 1024}, {48, 1026}, {257, 1536}, {40, 2048}, {33, 2816}, {65, 4096}, {20, 8200}};
static const int64_t counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 24};
/* where the matrix begins, in numbers from a cache line: files align to 32 bytes, and to less */
static const int64_t places[] = {0, 16, 3, 24, 30};

static void check(int64_t M, int64_t N, int64_t K, int64_t place, rd_dtype type, bool add) {
  const size_t size = (size_t)(M * N) * rd_dtype_size(type);
  rd_bf16 *x = random_numbers(M * K, 1), *drawn = random_numbers(N * K, 2);
  rd_bf16 *room = aligned_alloc(64, ((size_t)(N * K + place) * sizeof *room + 63) / 64 * 64);
  rd_bf16 *w = memcpy(room + place, drawn, (size_t)(N * K) * sizeof *w);
  rd_bf16 *before = random_numbers(M * N, 3);
  void *y = malloc(size), *wanted = malloc(size);
  rd_cast(y, type, before, RD_BF16, M * N);
  memcpy(wanted, y, size);
  assert_int_equal(rd_matmul(rd_mat_rows(wanted, type, M, N), rd_mat_rows(x, RD_BF16, M, K),
                             rd_mat_transposed(rd_mat_rows(w, RD_BF16, N, K)), add, NULL),
                   RD_OK);
  assert_int_equal(rd_mapped_multiply(y, type, N, x, K, w, M, N, K, add, NULL), RD_OK);
  if (memcmp(y, wanted, size) != 0)
    fail_msg("(%ld,%ld,%ld) at %ld to %s add %d with %d threads differs from rd_matmul", (long)M,
             (long)K, (long)N, (long)place, rd_dtype_name(type), add, rd_threads_get());
  free(x), free(drawn), free(room), free(before), free(y), free(wanted);
}

static void as_rd_matmul(void **state) {
  (void)state;
  if (!rd_mapped_fast()) {
    print_message("no AVX512-BF16 here\n");
    skip();
  }
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
      rd_threads_set(1 + (int)(s + c) % 3);
      check(counts[c], shapes[s].N, shapes[s].K, places[(s + c) % 5], c % 2 ? RD_BF16 : RD_F32,
            (s + c) % 2);
    }
  rd_threads_set(2);
}

/* w (rows, cols) in 12 bits; *listed of its numbers in lists. */
static rd_tight packed(const rd_bf16 *w, int64_t rows, int64_t cols, int64_t *listed) {
  const size_t planes = rd_tight_bytes(rows, cols);
  rd_tight t = {aligned_alloc(64, planes), malloc(rd_tight_panel_bytes(rows)), rows, cols};
  memset(t.planes, 0xff, planes); /* what is not written is seen */
  *listed = rd_tight_survey(&t, w);
  rd_tight_pack(&t, w, malloc((size_t)(*listed + 1) * sizeof(rd_tight_number)));
  return t;
}

static void drop(rd_tight *t) {
  free(t->panels[0].listed), free(t->panels), free(t->planes);
}

static void check_back(const rd_bf16 *w, const rd_tight *t) {
  float *row = malloc((size_t)t->cols * sizeof *row);
  uint32_t bits;
  for (int64_t r = 0; r < t->rows; r++) {
    rd_tight_row(row, t, r);
    for (int64_t k = 0; k < t->cols; k++)
      if (memcpy(&bits, &row[k], sizeof bits), bits != (uint32_t)w[r * t->cols + k] << 16)
        fail_msg("(%ld,%ld) of (%ld,%ld): %04x became %08x", (long)r, (long)k, (long)t->rows,
                 (long)t->cols, w[r * t->cols + k], bits);
  }
  free(row);
}

/* Every bf16 that there is: where windows hold few numbers of a row, where they hold all of each,
 * and where rows are one number again and again. */
static void every_number_comes_back(void **state) {
  (void)state;
  enum { ALL = 1 << 16, ROWS = 72 };
  static rd_bf16 w[ROWS * 2048];
  int64_t listed = 0;
  if (!rd_tight_fast())
    skip();
  for (int i = 0; i < 40 * 1639; i++)
    w[i] = (rd_bf16)(i * 40503);
  rd_tight t = packed(w, 40, 1639, &listed);
  assert_true(listed > ALL * 8 / 10);
  check_back(w, &t);
  drop(&t);
  for (int i = 0; i < ALL; i++)
    w[i] = (rd_bf16)i; /* 2 or 4 exponents of one sign in a row of 256 or 512 */
  const struct { int64_t rows, cols; } whole[] = {{256, 256}, {128, 512}};
  for (size_t i = 0; i < 2; i++) {
    t = packed(w, whole[i].rows, whole[i].cols, &listed);
    assert_int_equal(listed, 0);
    check_back(w, &t);
    drop(&t);
  }
  const rd_bf16 special[] = {0, 0x8000, 1, 0x807f, 0x7f80, 0xff80, 0x7fff, 0x3f80, 0xc2c7};
  for (int r = 0; r < ROWS; r++)
    for (int k = 0; k < 2048; k++)
      w[r * 2048 + k] = special[(r + (k % 701 == r)) % 9];
  t = packed(w, ROWS, 2048, &listed);
  assert_in_range(listed, 1, 3 * ROWS);
  check_back(w, &t);
  drop(&t);
}

/* Numbers as models have them, a few far out; each of `strange` has such an exponent. */
static rd_bf16 *weights_with(int64_t n, int64_t strange) {
  rd_bf16 *w = random_numbers(n, 2);
  rd_rng rng = rd_rng_at(31, RD_STREAM_INIT, 4, 0);
  const rd_bf16 far[] = {0, 0x8000, 0x0001, 0x2123, 0xa0ff, 0x4780, 0xc8c8};
  for (int64_t i = 0; i < n; i++)
    if (rd_rng_below(&rng, (uint32_t)strange) == 0)
      w[i] = far[rd_rng_below(&rng, 7)];
  return w;
}

static void check_tight(int64_t M, int64_t N, int64_t K, int64_t strange, rd_dtype type, bool add) {
  const int64_t x_stride = K + 5, stride = N + 3;
  const size_t size = (size_t)(M * stride) * rd_dtype_size(type);
  int64_t listed = 0;
  rd_bf16 *x = random_numbers(M * x_stride, 1), *w = weights_with(N * K, strange);
  rd_bf16 *before = random_numbers(M * stride, 3);
  rd_tight t = packed(w, N, K, &listed);
  check_back(w, &t);
  void *y = malloc(size), *wanted = malloc(size);
  rd_cast(y, type, before, RD_BF16, M * stride);
  memcpy(wanted, y, size);
  for (int64_t r = 0; r < M; r += RD_MAPPED_MOST) /* a row's bits do not depend on others */
    assert_int_equal(rd_mapped_multiply(
                         rd_at(wanted, type, r * stride), type, stride, x + r * x_stride, x_stride,
                         w, M - r < RD_MAPPED_MOST ? M - r : RD_MAPPED_MOST, N, K, add, NULL),
                     RD_OK);
  assert_int_equal(rd_tight_multiply(y, type, stride, x, x_stride, M, &t, add, NULL), RD_OK);
  if (memcmp(y, wanted, size) != 0)
    fail_msg("(%ld,%ld,%ld), %ld listed, to %s add %d with %d threads differs", (long)M, (long)K,
             (long)N, (long)listed, rd_dtype_name(type), add, rd_threads_get());
  drop(&t);
  free(x), free(w), free(before), free(y), free(wanted);
}

static void in_12_bits_as_mapped(void **state) {
  (void)state;
  static const int64_t more[] = {1, 2, 3, 4, 5, 13, 14, 15, 28, 29, 64, 100, 505, 1010};
  static const int64_t strange[] = {1 << 20, 5000, 300, 7, 1};
  if (!rd_tight_fast())
    skip();
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (size_t c = 0; c < sizeof more / sizeof *more; c++) {
      if (more[c] * shapes[s].N * shapes[s].K > 1 << 26)
        continue;
      rd_threads_set(1 + (int)(s + c) % 3);
      check_tight(more[c], shapes[s].N, shapes[s].K, strange[(s + c) % 5], c % 2 ? RD_BF16 : RD_F32,
                  (s + c) % 2);
    }
  rd_threads_set(2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(as_rd_matmul),
                                     cmocka_unit_test(every_number_comes_back),
                                     cmocka_unit_test(in_12_bits_as_mapped)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
