/* SPDX-License-Identifier: MIT */
/* Products of few rows with bf16 matrices in place. Panels of 16 outputs are shared out over the
 * threads, each read once from start to end, its 16 rows side by side. */
#include "mapped.h"

#include <assert.h>

#include "cpu.h"
#include "kernels.h"
#include "mapped_kernels.h"
#include "matmul.h"
#include "parallel.h"
#include "whole.h"

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
  const rd_bf16 *x, *w; /* x: as rd_rows_in_pairs leaves it */
  int64_t M, N, K, padded, few, block;
  bool add;
  const rd_kernels *plain;
} product;

int64_t rd_mapped_block_of(int64_t K) {
  enum { LONGEST = 1024 };
  return K <= LONGEST ? LONGEST / 2 : LONGEST;
}

static const float ones[RD_MAPPED_PANEL] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* A step of the kernel reads the pairs of all rows one after the other, at distances that are known
 * when it is compiled. */
void rd_rows_in_pairs(rd_bf16 *out, const rd_bf16 *x, int64_t x_stride, int64_t rows, int64_t K) {
  for (int64_t r = 0; r < rows; r++, x += x_stride) {
    for (int64_t k = 0; k + 1 < K; k += 2)
      memcpy(out + k * rows + 2 * r, x + k, 2 * sizeof *x);
    if (K % 2 == 1) {
      out[(K - 1) * rows + 2 * r] = x[K - 1];
      out[(K - 1) * rows + 2 * r + 1] = 0;
    }
  }
}

/* Items: panels. */
static void multiply(void *context, int thread, int64_t first, int64_t last) {
  (void)thread;
  const product *j = context;
  for (int64_t n = first * RD_MAPPED_PANEL; n < rd_least(last * RD_MAPPED_PANEL, j->N);
       n += RD_MAPPED_PANEL) {
    /* the first M rows: clearing all of them took longer than a thin product */
    float sums[RD_MAPPED_MOST * RD_MAPPED_PANEL], part[RD_MAPPED_MOST * RD_MAPPED_PANEL];
    const int64_t valid = rd_least(j->N - n, RD_MAPPED_PANEL);
    for (int64_t k = 0; k < j->K; k += j->block) {
      const rd_mapped_block b = {.w = j->w + n * j->K + k,
                                 .stride = j->K,
                                 .valid = valid,
                                 .before = k,
                                 .length = rd_least(j->K - k, j->block)};
      float *to = k == 0 ? sums : part;
      for (int64_t r = 0; r < j->M; r += j->few) { /* all but the first find it in a cache */
        const int64_t rows = rd_least(j->M - r, j->few);
        rd_mapped_sums(to + r * RD_MAPPED_PANEL, &b, j->x + r * j->padded + k * rows, (int)rows);
      }
      for (int64_t i = 0; k > 0 && i < j->M * RD_MAPPED_PANEL; i++)
        sums[i] += part[i];
    }
    for (int64_t r = 0; r < j->M; r++)
      j->plain->unquantize[j->type](rd_at(j->y, j->type, r * j->stride + n),
                                    sums + r * RD_MAPPED_PANEL, 1, ones, j->add, valid);
  }
}

rd_code rd_mapped_multiply(void *y, rd_dtype type, int64_t stride, const rd_bf16 *x,
                           int64_t x_stride, const rd_bf16 *w, int64_t M, int64_t N, int64_t K,
                           bool add, rd_error *e) {
  assert(rd_mapped_fast() && M <= RD_MAPPED_MOST && (type == RD_F32 || type == RD_BF16));
  const int64_t block = rd_mapped_block_of(K), padded = rd_over(K, 2) * 2;
  if (M == 0 || N == 0)
    return RD_OK;
  const int64_t few = rd_over(M, rd_over(M, RD_MAPPED_FEW)); /* parts of one size */
  rd_bf16 *copy = rd_matmul_scratch((size_t)(M * padded) * sizeof *copy, e);
  if (copy == NULL)
    return RD_NO_MEMORY;
  for (int64_t r = 0; r < M; r += few)
    rd_rows_in_pairs(copy + r * padded, x + r * x_stride, x_stride, rd_least(M - r, few), K);
  product j = {y, type, stride, copy, w, M, N, K, padded, few, block, add, rd_kernels_get()};
  /* a hand-off to another thread is worth some 2^17 numbers */
  rd_parallel(rd_over(N, RD_MAPPED_PANEL), rd_over(1 << 17, RD_MAPPED_PANEL * (K + 1)), multiply,
              &j);
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
