/* SPDX-License-Identifier: MIT */
/* Products with bf16 matrices in place. Panels of 32 outputs are shared out over the threads; a
 * block of 512 or 1024 numbers along K at a time. Up to 8 rows are multiplied as the transposed
 * pairs come out of the registers; for more, a panel's block is arranged once in the second cache
 * and all rows pass over it, 12 at a time. */
#include "mapped.h"

#include <assert.h>

#include "cpu.h"
#include "kernels.h"
#include "mapped_kernels.h"
#include "matmul.h"
#include "parallel.h"

enum { LONGEST = 1024, CHUNK = 256 /* rows whose sums wait at a time */ };

bool rd_mapped_fast(void) {
#if defined(__x86_64__)
  return rd_bf16_fast();
#else
  return false;
#endif
}

#if defined(__x86_64__)
typedef struct product {
  void *y;
  rd_dtype type;
  int64_t stride;
  const rd_bf16 *x, *w; /* x: (blocks, M, block), zeros after K */
  int64_t M, N, K, block;
  bool add;
  const rd_kernels *plain;
} product;

static int64_t over(int64_t n, int64_t size) {
  return (n + size - 1) / size;
}

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static void sum_panel(const product *j, float *sums, int64_t n, int64_t row, int64_t rows) {
  uint32_t arranged[LONGEST / 2 * RD_MAPPED_PANEL];
  const int64_t parts = over(rows, RD_MAPPED_ROWS);
  memset(sums, 0, (size_t)(rows * RD_MAPPED_PANEL) * sizeof *sums);
  for (int64_t k = 0; k < j->K; k += j->block) {
    const rd_mapped_block b = {j->w + n * j->K + k, j->K, least(j->N - n, RD_MAPPED_PANEL),
                               least(j->K - k, j->block)};
    const rd_bf16 *x = j->x + k * j->M + row * j->block;
    if (rows <= RD_MAPPED_FEW) {
      rd_mapped_few(sums, &b, x, j->block, (int)rows);
      continue;
    }
    rd_mapped_arrange(arranged, &b);
    for (int64_t i = 0; i < parts; i++) {
      const int64_t from = rows * i / parts, to = rows * (i + 1) / parts;
      rd_mapped_tile(sums + from * RD_MAPPED_PANEL, arranged, over(b.length, 32) * 16,
                     x + from * j->block, j->block, (int)(to - from));
    }
  }
}

static const float ones[RD_MAPPED_PANEL] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                            1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* Items: for each panel, the chunks of rows. */
static void multiply(void *context, int thread, int64_t first, int64_t last) {
  (void)thread;
  const product *j = context;
  const int64_t chunks = over(j->M, CHUNK);
  float sums[CHUNK * RD_MAPPED_PANEL];
  for (int64_t i = first; i < last; i++) {
    const int64_t row = i % chunks * CHUNK, n = i / chunks * RD_MAPPED_PANEL;
    const int64_t rows = least(j->M - row, CHUNK);
    sum_panel(j, sums, n, row, rows);
    for (int64_t r = 0; r < rows; r++)
      j->plain->unquantize[j->type](rd_at(j->y, j->type, (row + r) * j->stride + n),
                                    sums + r * RD_MAPPED_PANEL, 1, ones, j->add,
                                    least(j->N - n, RD_MAPPED_PANEL));
  }
}

rd_code rd_mapped_multiply(void *y, rd_dtype type, int64_t stride, const rd_bf16 *x,
                           int64_t x_stride, const rd_bf16 *w, int64_t M, int64_t N, int64_t K,
                           bool add, rd_error *e) {
  assert(rd_mapped_fast() && (type == RD_F32 || type == RD_BF16));
  const int64_t block = K <= LONGEST ? LONGEST / 2 : LONGEST, blocks = over(K, block);
  if (M == 0 || N == 0)
    return RD_OK;
  rd_bf16 *copy = rd_matmul_scratch((size_t)(blocks * block * M) * sizeof *copy + 64, e);
  if (copy == NULL)
    return RD_NO_MEMORY;
  for (int64_t b = 0; b < blocks; b++)
    for (int64_t r = 0; r < M; r++) {
      rd_bf16 *to = copy + (b * M + r) * block;
      const int64_t length = least(K - b * block, block);
      memcpy(to, x + r * x_stride + b * block, (size_t)length * sizeof *to);
      memset(to + length, 0, (size_t)(block - length) * sizeof *to);
    }
  product j = {y, type, stride, copy, w, M, N, K, block, add, rd_kernels_get()};
  /* a hand-off to another thread is worth some 2^17 products */
  const int64_t grain = over(1 << 17, RD_MAPPED_PANEL * (K + 1) * least(M, CHUNK));
  rd_parallel(over(N, RD_MAPPED_PANEL) * over(M, CHUNK), grain, multiply, &j);
  return RD_OK;
}
#else
rd_code rd_mapped_multiply(void *y, rd_dtype type, int64_t stride, const rd_bf16 *x,
                           int64_t x_stride, const rd_bf16 *w, int64_t M, int64_t N, int64_t K,
                           bool add, rd_error *e) {
  (void)y, (void)type, (void)stride, (void)x, (void)x_stride, (void)w, (void)M, (void)N, (void)K;
  (void)add;
  return rd_fail(e, RD_UNSUPPORTED, "this processor has no bf16 products: use rd_matmul");
}
#endif
