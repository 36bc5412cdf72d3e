/* SPDX-License-Identifier: MIT */
/* Products with bf16 matrices in place: bit for bit those of rd_matmul, for every number of rows
 * and threads, so that the two may serve one model side by side. */
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

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(as_rd_matmul)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
