/* SPDX-License-Identifier: MIT */
/* Group products against sums in f64 over the very numbers that were packed and rounded; and the
 * promises: a row of the result is bitwise the same for any number of rows and threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu.h"
#include "group_cases.h"
#include "groups.h"
#include "rng.h"

static rd_rng at(uint32_t stream) {
  return rd_rng_at(11, RD_STREAM_INIT, stream, 0);
}

static float *random_rows(int64_t M, int64_t K, uint32_t stream, bool outliers) {
  rd_rng rng = at(stream);
  float *x = malloc((size_t)(M * K) * sizeof *x);
  for (int64_t i = 0; i < M * K; i++) {
    x[i] = (float)(rd_rng_uniform(&rng) * 2 - 1);
    if (outliers && rd_rng_uniform(&rng) < 0.02)
      x[i] *= 40;
  }
  return x;
}

/* A matrix of any bits, which are numbers whatever they are; scales as 0x2000 .. 0x24ff in f16. */
static rd_groups random_matrix(const rd_group_kind *kind, int64_t N, int64_t K) {
  const size_t quants = rd_groups_quant_bytes(kind, N, K),
               scales = rd_groups_scale_bytes(kind, N, K);
  rd_groups m = {kind, aligned_alloc(64, (quants + 63) / 64 * 64),
                 aligned_alloc(64, (scales + 63) / 64 * 64), N, K};
  rd_rng rng = at(5);
  for (size_t i = 0; i < quants; i++)
    ((uint8_t *)m.quants)[i] = (uint8_t)(rd_rng_uniform(&rng) * 256);
  for (size_t i = 0; i < scales; i++)
    ((uint8_t *)m.scales)[i] = (uint8_t)(i % 2 ? 0x20 + (int)(rd_rng_uniform(&rng) * 5)
                                               : (int)(rd_rng_uniform(&rng) * 256));
  return m;
}

static void drop(rd_groups m) {
  free(m.quants), free(m.scales);
}

static rd_group_rows rounded(const void *x, rd_dtype type, int64_t M, int64_t K, void **buffer) {
  const size_t bytes = (rd_group_rows_bytes(M, K) + 63) / 64 * 64;
  *buffer = aligned_alloc(64, bytes);
  memset(*buffer, 0, bytes);
  rd_group_rows rows = rd_group_rows_place(*buffer, M, K);
  rd_group_rows_round(&rows, x, type, K);
  return rows;
}

static float step_at(const rd_group_rows *x, int64_t row, int64_t k) {
  return x->step[(k / RD_PIECE * x->rows + row) * RD_STEPS + k % RD_PIECE / (RD_PIECE / RD_STEPS)];
}

static double number(const rd_group_rows *x, int64_t row, int64_t k) {
  const int64_t i = (k / RD_PIECE * x->rows + row) * RD_PIECE + k % RD_PIECE;
  return (double)step_at(x, row, k) * (x->low[i] + 256 * x->high[i]);
}

static const struct {
  int64_t M, N, K;
} sizes[] = {{1, 1, 1},    {1, 32, 32},   {2, 33, 31},   {3, 64, 100},    {5, 96, 288},
             {6, 70, 512}, {7, 40, 545},  {13, 31, 768}, {33, 100, 1056}, {1, 257, 2048},
             {4, 17, 513}, {300, 34, 96}, {64, 288, 288}};
enum { SIZES = sizeof sizes / sizeof *sizes };

/* Levels at which the kernels differ. */
static const rd_cpu levels[] = {RD_CPU_SCALAR, RD_CPU_AVX2, RD_CPU_AVX512, RD_CPU_LEVELS - 1};
enum { LEVELS = sizeof levels / sizeof *levels };

static void check_product(const rd_group_kind *kind, int64_t M, int64_t N, int64_t K, rd_dtype type,
                          bool add) {
  void *buffer;
  float *x = random_rows(M, K, 1, true), *w = malloc((size_t)K * sizeof *w);
  float *before = random_rows(M, N + 1, 2, false);
  void *y = malloc((size_t)(M * (N + 1)) * rd_dtype_size(type));
  rd_cast(y, type, before, RD_F32, M * (N + 1));
  rd_cast(before, RD_F32, y, type, M * (N + 1));
  const rd_groups m = random_matrix(kind, N, K);
  const rd_group_rows rows = rounded(x, RD_F32, M, K, &buffer);
  rd_groups_multiply(y, type, N + 1, &rows, &m, add);
  for (int64_t n = 0; n <= N; n++) {
    if (n < N)
      rd_groups_row(w, &m, n);
    for (int64_t r = 0; r < M; r++) {
      double sum = add || n == N ? (double)before[r * (N + 1) + n] : 0, size = fabs(sum);
      for (int64_t k = 0; n < N && k < K; k++) {
        const double term = number(&rows, r, k) * (double)w[k];
        sum += term;
        size += fabs(term);
      }
      float got;
      rd_cast(&got, RD_F32, rd_at(y, type, r * (N + 1) + n), type, 1);
      const double bound = size * 1e-5 + (type == RD_BF16 ? fabs(sum) / 250 : 0);
      if (fabs((double)got - sum) > (n < N ? bound : 0)) /* what lies beside is left alone */
        fail_msg("%s %s (%ld,%ld,%ld) to %s add %d at %ld,%ld: %g, wanted %g", kind->name,
                 rd_cpu_name(rd_cpu_level()), (long)M, (long)K, (long)N, rd_dtype_name(type), add,
                 (long)r, (long)n, (double)got, sum);
    }
  }
  free(x), free(w), free(before), free(y), free(buffer), drop(m);
}

static void products_match(void **state) {
  (void)state;
  for (int l = 0; l < LEVELS; l++) {
    rd_cpu_cap(levels[l]);
    for (size_t kind = 0; kind < rd_group_kind_count; kind++)
      for (int s = 0; s < SIZES; s++)
        check_product(&rd_group_kinds[kind], sizes[s].M, sizes[s].N, sizes[s].K,
                      s % 2 ? RD_BF16 : RD_F32, s % 3 == 0);
  }
  rd_cpu_cap(RD_CPU_LEVELS - 1);
}

/* The integers of every level are the same; so are the scales of the rows. */
static void levels_round_alike(void **state) {
  (void)state;
  enum { M = 5, K = 1111 };
  float *x = random_rows(M, K, 3, true);
  void *first = NULL;
  for (int l = 0; l < LEVELS; l++) {
    void *buffer;
    rd_cpu_cap(levels[l]);
    const rd_group_rows rows = rounded(x, RD_F32, M, K, &buffer);
    if (first == NULL) {
      first = buffer;
      bool spilled = false;
      for (int64_t r = 0; r < M; r++)
        for (int64_t k = 0; k < K; k++) {
          const double error = fabs(number(&rows, r, k) - (double)x[r * K + k]);
          assert_true(error <= 0.501 * (double)step_at(&rows, r, k));
          spilled |= fabs((double)x[r * K + k]) > 128.5 * (double)step_at(&rows, r, k);
        }
      assert_true(spilled);
    } else {
      assert_memory_equal(buffer, first, rd_group_rows_bytes(M, K));
      free(buffer);
    }
  }
  rd_cpu_cap(RD_CPU_LEVELS - 1);
  free(first), free(x);
}

static void rows_do_not_depend_on_batch_or_threads(void **state) {
  (void)state;
  enum { MOST = 300 };
  static const int64_t counts[] = {1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 25, 32, 255, 256, 257, MOST};
  for (int l = 0; l < LEVELS; l++)
    for (size_t kind = 0; kind < rd_group_kind_count; kind++) {
      const int64_t N = 70, K = l == LEVELS - 1 ? 1312 : 288;
      const rd_groups m = random_matrix(&rd_group_kinds[kind], N, K);
      float *x = random_rows(MOST, K, 4, true), *all = malloc(sizeof *all * MOST * 70),
            *part = malloc(sizeof *part * MOST * 70);
      void *buffer;
      rd_cpu_cap(levels[l]);
      rd_threads_set(1);
      const rd_group_rows every = rounded(x, RD_F32, MOST, K, &buffer);
      rd_groups_multiply(all, RD_F32, N, &every, &m, false);
      free(buffer);
      for (int threads = 1; threads <= 3; threads++)
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
          const int64_t first = (MOST - counts[c]) / 2;
          rd_threads_set(threads);
          const rd_group_rows some = rounded(x + first * K, RD_F32, counts[c], K, &buffer);
          rd_groups_multiply(part, RD_F32, N, &some, &m, false);
          if (memcmp(part, all + first * N, (size_t)(counts[c] * N) * sizeof *part) != 0)
            fail_msg("%s %s: %ld rows with %d threads differ", rd_cpu_name(rd_cpu_level()),
                     rd_group_kinds[kind].name, (long)counts[c], threads);
          free(buffer);
        }
      free(x), free(all), free(part), drop(m);
    }
  rd_cpu_cap(RD_CPU_LEVELS - 1);
  rd_threads_set(2);
}

/* Rows of zeros, tiny numbers, one huge number among small ones, infinities. */
static void odd_rows(void **state) {
  (void)state;
  enum { M = 5, N = 40, K = 600 };
  float x[M * K] = {0}, y[M * N];
  const rd_groups m = random_matrix(rd_group_kind_named("i8"), N, K);
  void *buffer;
  for (int k = 0; k < K; k++) {
    x[K + k] = 1e-38f;
    x[2 * K + k] = k == 7 ? 1e6f : 0.5f;
    x[4 * K + k] = 1;
  }
  x[3 * K + 599] = INFINITY;
  const rd_group_rows rows = rounded(x, RD_F32, M, K, &buffer);
  assert_true(fabs(number(&rows, 2, 7) - 1e6) <= 0.51 * (double)step_at(&rows, 2, 7));
  rd_groups_multiply(y, RD_F32, N, &rows, &m, false);
  for (int n = 0; n < N; n++) {
    assert_true(y[n] == 0);
    assert_true(fabsf(y[N + n]) < 1e-30f);
    assert_true(isfinite(y[2 * N + n]) && isfinite(y[4 * N + n]));
    assert_true(isnan(y[3 * N + n]));
  }
  free(buffer), drop(m);
}

static void bf16_rows_are_their_f32(void **state) {
  (void)state;
  enum { M = 4, K = 700 };
  float *x = random_rows(M, K, 6, true);
  rd_bf16 narrow[M * K];
  void *a, *b;
  rd_cast(narrow, RD_BF16, x, RD_F32, M * K);
  rd_cast(x, RD_F32, narrow, RD_BF16, M * K);
  rounded(x, RD_F32, M, K, &a);
  rounded(narrow, RD_BF16, M, K, &b);
  assert_memory_equal(a, b, rd_group_rows_bytes(M, K));
  free(a), free(b), free(x);
}

/* The sizes that are timed, a few rows and columns of each. */
static void timed_shapes(void **state) {
  (void)state;
  for (size_t s = 0; s < sizeof group_shapes / sizeof *group_shapes; s++)
    for (size_t kind = 0; kind < rd_group_kind_count; kind++)
      check_product(&rd_group_kinds[kind], group_counts[s], 45, group_shapes[s].K, RD_F32, false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_match),
      cmocka_unit_test(levels_round_alike),
      cmocka_unit_test(rows_do_not_depend_on_batch_or_threads),
      cmocka_unit_test(odd_rows),
      cmocka_unit_test(bf16_rows_are_their_f32),
      cmocka_unit_test(timed_shapes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
