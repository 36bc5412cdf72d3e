/* SPDX-License-Identifier: MIT */
/* Matrix products against a reference in f64, and the promises about them: a row of the result is
 * bitwise the same for any number of rows and threads, and products may run in several threads at
 * once. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu.h"
#include "matmul.h"
#include "ops.h"
#include "product_cases.h"
#include "rng.h"

typedef struct buffer {
  void *data;
  rd_dtype type;
  int64_t n;
} buffer;

static buffer random_buffer(rd_dtype type, int64_t n, uint32_t stream) {
  rd_rng rng = rd_rng_at(7, RD_STREAM_INIT, stream, 0);
  float *values = malloc((size_t)n * sizeof *values);
  for (int64_t i = 0; i < n; i++)
    values[i] = (float)(rd_rng_uniform(&rng) * 2 - 1);
  buffer b = {malloc((size_t)n * rd_dtype_size(type) + 64), type, n};
  rd_cast(b.data, type, values, RD_F32, n);
  free(values);
  return b;
}

static double value(rd_mat m, int64_t i, int64_t j) {
  const void *x = rd_at_const(m.data, m.type, i * m.row_stride + j * m.col_stride);
  return (double)(m.type == RD_BF16 ? rd_f32_of_bf16(*(const rd_bf16 *)x) : *(const float *)x);
}

/* A view of `rows` x `cols` with padded lines, transposed in memory or not. */
static rd_mat view(buffer b, int64_t rows, int64_t cols, bool transposed, int64_t pad) {
  return transposed ? rd_mat_transposed(rd_mat_view(b.data, b.type, cols, rows, rows + pad))
                    : rd_mat_view(b.data, b.type, rows, cols, cols + pad);
}

static const struct {
  rd_dtype in, out;
} types[] = {{RD_F32, RD_F32}, {RD_BF16, RD_F32}, {RD_BF16, RD_BF16}};
enum { TYPES = sizeof types / sizeof *types };

static void check_product(int64_t m, int64_t n, int64_t k, int64_t pad, rd_dtype in, rd_dtype out,
                          int form, float beta) {
  buffer a = random_buffer(in, (m + pad) * (k + pad), 1);
  buffer b = random_buffer(in, (k + pad) * (n + pad), 2);
  buffer c = random_buffer(out, (m + pad) * (n + pad), 3);
  buffer before = random_buffer(out, (m + pad) * (n + pad), 3);
  const rd_mat am = view(a, m, k, form & 1, pad), bm = view(b, k, n, form & 2, pad);
  const rd_mat cm = view(c, m, n, false, pad), old = view(before, m, n, false, pad);
  rd_error e = {0};
  assert_int_equal(rd_matmul(cm, am, bm, beta, &e), RD_OK);
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      double sum = (double)beta * value(old, i, j), size = fabs(sum) + 1;
      for (int64_t x = 0; x < k; x++) {
        const double term = value(am, i, x) * value(bm, x, j);
        sum += term;
        size += fabs(term);
      }
      const double error = fabs(value(cm, i, j) - sum);
      const double bound = out == RD_BF16 ? fabs(sum) / 200 + size * 1e-6 : size * 1e-6;
      if (error > bound)
        fail_msg("%s -> %s (%ld,%ld,%ld) form %d beta %g at %ld,%ld: %g, wanted %g",
                 rd_dtype_name(in), rd_dtype_name(out), (long)m, (long)n, (long)k, form,
                 (double)beta, (long)i, (long)j, value(cm, i, j), sum);
    }
  for (int64_t i = 0; i < m; i++) /* what lies between the rows is left alone */
    for (int64_t j = n; j < n + pad; j++)
      assert_true(value(cm, i, j) == value(old, i, j));
  free(a.data), free(b.data), free(c.data), free(before.data);
}

static void products_match(void **state) {
  (void)state;
  for (int level = 0; level < RD_CPU_LEVELS; level += RD_CPU_LEVELS - 1) {
    rd_cpu_cap((rd_cpu)level);
    for (int i = 0; i < PRODUCTS; i++) {
      const product_case *p = &products[i];
      const double size = (double)p->m * (double)p->n * (double)p->k;
      for (int t = 0; t < TYPES; t++)
        for (int form = 0; form < 4; form++)
          if (size < 2e6 || (form == 2 && size < 1e7))
            check_product(p->m, p->n, p->k, p->pad, types[t].in, types[t].out, form,
                          (float)((form + i) % 2));
    }
  }
  rd_cpu_cap(RD_CPU_LEVELS - 1);
}

static void rows_at(rd_cpu level) {
  static const int64_t shapes[][2] = {{288, 288},  {96, 768},  {257, 77}, {768, 288}, {48, 256},
                                      {512, 33},   {256, 48},  {2, 300},  {64, 4096}, {2048, 64},
                                      {8192, 288}, {517, 300}, {1089, 77}};
  static const int64_t rows[] = {1,   2,   3,   4,   5,   7,   8,   12,  16,  17,
                                 31,  33,  48,  63,  64,  65,  96,  100, 127, 128,
                                 129, 160, 191, 200, 255, 256, 257, 288, 300};
  enum { MOST = 300 };
  const bool best = level == rd_cpu_highest();
  rd_cpu_cap(level);
  for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
    for (int t = 0; t < (best ? TYPES : 1); t++)
      for (int transposed = 0; transposed < 2; transposed++) {
        const int64_t n = shapes[s][0], k = shapes[s][1];
        if (n * k > (best ? 1000000 : 100000) && (t > 1 || !best))
          continue;
        const size_t row = (size_t)n * rd_dtype_size(types[t].out);
        buffer a = random_buffer(types[t].in, MOST * k, 1),
               b = random_buffer(types[t].in, k * n, 2);
        buffer all = random_buffer(types[t].out, MOST * n, 3);
        buffer part = random_buffer(types[t].out, MOST * n, 3);
        const rd_mat bm = view(b, k, n, transposed, 0);
        rd_threads_set(1);
        assert_int_equal(rd_matmul(rd_mat_rows(all.data, all.type, MOST, n),
                                   rd_mat_rows(a.data, a.type, MOST, k), bm, 0, NULL),
                         RD_OK);
        for (int threads = 1; threads <= 3; threads++) {
          rd_threads_set(threads);
          for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
            const int64_t first = (MOST - rows[r]) / 2;
            assert_int_equal(
                rd_matmul(rd_mat_rows(part.data, part.type, rows[r], n),
                          rd_mat_part(rd_mat_rows(a.data, a.type, MOST, k), first, rows[r]), bm, 0,
                          NULL),
                RD_OK);
            if (memcmp(part.data, (char *)all.data + (size_t)first * row, (size_t)rows[r] * row) !=
                0)
              fail_msg("%s: %s -> %s N %ld K %ld transposed %d: %ld rows, %d threads differ",
                       rd_cpu_name(level), rd_dtype_name(types[t].in), rd_dtype_name(types[t].out),
                       (long)n, (long)k, transposed, (long)rows[r], threads);
          }
        }
        free(a.data), free(b.data), free(all.data), free(part.data);
      }
  rd_cpu_cap(RD_CPU_LEVELS - 1);
}

static void rows_do_not_depend_on_batch_or_threads(void **state) {
  (void)state;
  for (int level = 0; level <= (int)rd_cpu_highest(); level++)
    rows_at((rd_cpu)level);
}

typedef struct worker {
  pthread_t thread;
  uint32_t seed;
  bool same;
} worker;

static void *multiply(void *context) {
  worker *w = context;
  rd_threads_set(1);
  w->same = true;
  for (int64_t round = 0; round < 40; round++) {
    const int64_t m = 3 + round % 5, n = 40, k = 24;
    const rd_dtype type = round % 2 == 0 ? RD_F32 : RD_BF16;
    buffer a = random_buffer(type, m * k, w->seed), b = random_buffer(type, k * n, w->seed + 9);
    buffer c = random_buffer(RD_F32, m * n, 3);
    if (rd_matmul(rd_mat_rows(c.data, RD_F32, m, n), rd_mat_rows(a.data, type, m, k),
                  rd_mat_rows(b.data, type, k, n), 0, NULL) != RD_OK)
      w->same = false;
    double sum = 0;
    for (int64_t x = 0; x < k; x++)
      sum += value(rd_mat_rows(a.data, type, m, k), m - 1, x) *
             value(rd_mat_rows(b.data, type, k, n), x, n - 1);
    w->same = w->same && fabs(value(rd_mat_rows(c.data, RD_F32, m, n), m - 1, n - 1) - sum) < 1e-4;
    free(a.data), free(b.data), free(c.data);
  }
  return NULL;
}

static void threads_multiply_at_once(void **state) {
  (void)state;
  worker workers[4];
  for (uint32_t i = 0; i < 4; i++) {
    workers[i] = (worker){.seed = 20 + i};
    assert_int_equal(pthread_create(&workers[i].thread, NULL, multiply, &workers[i]), 0);
  }
  for (int i = 0; i < 4; i++) {
    pthread_join(workers[i].thread, NULL);
    assert_true(workers[i].same);
  }
}

/* Right sides packed once give the bits of plain ones, for any number of rows and threads. */
static void packed_products_are_the_same(void **state) {
  (void)state;
  static const struct {
    int64_t n, k;
  } shapes[] = {{576, 96}, {96, 576}, {32, 48}, {100, 70}, {17, 33}, {1300, 900}};
  enum { MOST = 260 };
  const int64_t rows[] = {1, 5, 16, 130, MOST};
  const int before = rd_threads_get();
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    for (int form = 0; form < 8; form++) {
      const int64_t n = shapes[i].n, k = shapes[i].k;
      const rd_dtype out = form & 2 ? RD_BF16 : RD_F32;
      const float beta = form & 4 ? 1.0f : 0.0f;
      buffer a = random_buffer(RD_BF16, MOST * k, 1), b = random_buffer(RD_BF16, k * n, 2);
      buffer c = random_buffer(out, MOST * n, 3), d = random_buffer(out, MOST * n, 3);
      const rd_mat plain = view(b, k, n, form & 1, 0);
      const size_t size = rd_matmul_packed_size(plain);
      assert_int_equal(rd_bf16_fast(), size > 0);
      void *to = size ? aligned_alloc(64, size) : NULL;
      if (size)
        assert_int_equal(rd_matmul_pack(to, plain, NULL), RD_OK);
      for (size_t r = 0; size && r < sizeof rows / sizeof *rows; r++)
        for (int threads = 1; threads <= 3; threads += 2) {
          const rd_mat x = rd_mat_rows(a.data, RD_BF16, rows[r], k);
          rd_threads_set(threads);
          assert_int_equal(rd_matmul(rd_mat_rows(c.data, out, rows[r], n), x, plain, beta, NULL),
                           RD_OK);
          assert_int_equal(rd_matmul(rd_mat_rows(d.data, out, rows[r], n), x,
                                     rd_mat_packed(to, RD_BF16, k, n), beta, NULL),
                           RD_OK);
          assert_memory_equal(c.data, d.data, (size_t)(MOST * n) * rd_dtype_size(out));
        }
      free(to);
      free(a.data), free(b.data), free(c.data), free(d.data);
    }
  rd_threads_set(before);
  assert_int_equal(rd_matmul_packed_size(rd_mat_rows(NULL, RD_F32, 64, 64)), 0);
}

/* The gradient of weights: the left side turned. Whole products of one thread give the bits of
 * those that several share, where rows are added to and where they are not. */
static void turned_products_do_not_depend_on_threads(void **state) {
  (void)state;
  const int before = rd_threads_get();
  for (int i = 0; i < PRODUCTS; i++)
    for (int form = 0; form < 4 && products[i].k > 0; form++) {
      const int64_t m = products[i].m, n = products[i].n, k = products[i].k;
      const rd_dtype type = form & 1 ? RD_BF16 : RD_F32;
      const float beta = form & 2 ? 1.0f : 0.0f;
      buffer a = random_buffer(type, m * k, 1), b = random_buffer(type, k * n, 2);
      buffer one = random_buffer(RD_F32, m * n, 3), some = random_buffer(RD_F32, m * n, 3);
      for (int threads = 1; threads <= 4; threads++) {
        buffer *c = threads == 1 ? &one : &some;
        rd_threads_set(threads);
        free(c->data);
        *c = random_buffer(RD_F32, m * n, 3);
        assert_int_equal(rd_matmul(rd_mat_rows(c->data, RD_F32, m, n),
                                   rd_mat_transposed(rd_mat_rows(a.data, type, k, m)),
                                   rd_mat_rows(b.data, type, k, n), beta, NULL),
                         RD_OK);
        if (threads > 1 && memcmp(one.data, some.data, (size_t)(m * n) * sizeof(float)) != 0)
          fail_msg("%s (%ld,%ld,%ld) beta %g: %d threads differ", rd_dtype_name(type), (long)m,
                   (long)n, (long)k, (double)beta, threads);
      }
      free(a.data), free(b.data), free(one.data), free(some.data);
    }
  rd_threads_set(before);
}

/* What is added to stands first in the sum or last, whether threads have rows or columns: one has
 * all 600 rows of this product, two and more have columns. At levels where products are ours. */
static void sums_do_not_depend_on_threads(void **state) {
  enum { M = 600, N = 384, K = 600 };
  (void)state;
  const int before = rd_threads_get();
  buffer x = random_buffer(RD_F32, M * K, 1), w = random_buffer(RD_F32, N * K, 2);
  for (int level = 0; level <= (int)rd_cpu_highest() && level < RD_CPU_AVX512; level++) {
    buffer one = random_buffer(RD_F32, M * N, 3);
    rd_cpu_cap((rd_cpu)level);
    for (int threads = 1; threads <= 4; threads++) {
      buffer c = random_buffer(RD_F32, M * N, 3);
      rd_threads_set(threads);
      assert_int_equal(rd_matmul(rd_mat_rows(threads == 1 ? one.data : c.data, RD_F32, M, N),
                                 rd_mat_rows(x.data, RD_F32, M, K),
                                 rd_mat_transposed(rd_mat_rows(w.data, RD_F32, N, K)), 1, NULL),
                       RD_OK);
      if (threads > 1 && memcmp(one.data, c.data, M * N * sizeof(float)) != 0)
        fail_msg("%s: %d threads differ", rd_cpu_name((rd_cpu)level), threads);
      free(c.data);
    }
    free(one.data);
  }
  free(x.data), free(w.data);
  rd_cpu_cap(RD_CPU_LEVELS - 1);
  rd_threads_set(before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_match),
      cmocka_unit_test(rows_do_not_depend_on_batch_or_threads),
      cmocka_unit_test(threads_multiply_at_once),
      cmocka_unit_test(packed_products_are_the_same),
      cmocka_unit_test(turned_products_do_not_depend_on_threads),
      cmocka_unit_test(sums_do_not_depend_on_threads),
  };
  return cmocka_run_group_tests_name("matmul", tests, NULL, NULL);
}
