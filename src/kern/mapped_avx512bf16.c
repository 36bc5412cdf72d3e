/* SPDX-License-Identifier: MIT */
/* vdpbf16ps adds the products of two neighbours along K into each of 16 outputs, so pairs of 16
 * outputs must lie side by side: a transposition of 16 x 16 words of 32 bits, 64 shuffles for 1
 * KiB. That is less time than a core takes to read it from memory. */
#include "mapped_kernels.h"

#include "pairs_avx512.h"

/* What is read next, the panel behind this one, is fetched into the second cache a panel ahead:
 * there its rows follow each other, so four streams, each of four rows, let memory be read from
 * start to end. (Sixteen streams, a row each, are as far apart as the rows: where these are a power
 * of two long, a third is lost. One stream is less than memory can do.) */
enum { STREAMS = 4, LINES = 16 / STREAMS, LINE = 64 };

static inline __attribute__((always_inline)) void fetch(const char *next, int64_t apart) {
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++)
    _mm_prefetch(next + i / LINES * apart + i % LINES * LINE, _MM_HINT_T1);
}

/* Numbers from an odd place in a line to its end: vectors that begin a line read one, others two,
 * and files align their tensors to 32 bytes. 0: where rows begin at different places in theirs. */
static int64_t head_of(const rd_mapped_block *b) {
  const int64_t line = LINE / (int64_t)sizeof *b->w;
  const int64_t head = -(int64_t)((uintptr_t)b->w / sizeof *b->w) & (line - 1);
  return b->stride % line == 0 && head % 2 == 0 ? head : 0;
}

/* The panel's numbers k .. k + 32, by `rows` rows of x, whose pairs from k on lie at `x`. */
static inline __attribute__((always_inline)) void
step(__m512 *sum, const rd_bf16 *const *from, int64_t k, const rd_bf16 *x, const int rows) {
  __m512i w[16];
  rd_pairs_turned(w, from, k, 0xffffffffu);
#pragma GCC unroll 16
  for (int p = 0; p < 16; p++)
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
      sum[r] = _mm512_dpbf16_ps(sum[r], (__m512bh)w[p], rd_pair(x + 2 * (p * rows + r)));
}

/* The same for n < 32 numbers, at an end. Written out it would be half of what is to be compiled.
 */
static inline __attribute__((always_inline)) void part(__m512 *sum, const rd_bf16 *const *from,
                                                       int64_t k, int64_t n, const rd_bf16 *x,
                                                       const int rows) {
  __m512i w[16];
  rd_pairs_turned(w, from, k, (__mmask32)(0xffffffffu >> (32 - n)));
#pragma GCC unroll 1
  for (int p = 0; 2 * p < n; p++)
#pragma GCC unroll 16
    for (int r = 0; r < rows; r++)
      sum[r] = _mm512_dpbf16_ps(sum[r], (__m512bh)w[p], rd_pair(x + 2 * (p * rows + r)));
}

/* `rows` is a constant in every call. */
static inline __attribute__((always_inline)) void few(float *sums, const rd_mapped_block *b,
                                                      const rd_bf16 *x, const int rows) {
  const rd_bf16 *from[RD_MAPPED_PANEL];
  const int64_t apart = RD_MAPPED_PANEL / STREAMS * b->stride * (int64_t)sizeof *b->w;
  const int64_t head = head_of(b);
  const char *next = (const char *)(b->w - b->before + RD_MAPPED_PANEL * b->stride) +
                     b->before / 32 * LINES * LINE;
  __m512 sum[RD_MAPPED_FEW];
  for (int64_t i = 0; i < RD_MAPPED_PANEL; i++)
    from[i] = b->w + (i < b->valid ? i : b->valid - 1) * b->stride;
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
    sum[r] = _mm512_setzero_ps();
  for (int64_t k = 0, n; k < b->length; k += n, x += n * rows, next += LINES * LINE) {
    n = k == 0 && head > 0 ? head : 32;
    n = n < b->length - k ? n : b->length - k;
    fetch(next, apart);
    if (n == 32)
      step(sum, from, k, x, rows);
    else
      part(sum, from, k, n, x, rows);
  }
#pragma GCC unroll 16
  for (int r = 0; r < rows; r++)
    _mm512_storeu_ps(sums + r * RD_MAPPED_PANEL, sum[r]);
}

/* Each number of rows is compiled for itself, so that the sums stay in registers, all but
 * while pairs are transposed. */
#define FEW(rows)                                                                                  \
  static void few_##rows(float *sums, const rd_mapped_block *b, const rd_bf16 *x) {                \
    few(sums, b, x, rows);                                                                         \
  }
FEW(1)
FEW(2)
FEW(3)
FEW(4)
FEW(5)
FEW(6)
FEW(7)
FEW(8)
FEW(9)
FEW(10)
FEW(11)
FEW(12)
FEW(13)
FEW(14)
FEW(15)
FEW(16)

void rd_mapped_sums(float *sums, const rd_mapped_block *b, const rd_bf16 *x, int rows) {
  static void (*const each[RD_MAPPED_FEW])(float *, const rd_mapped_block *, const rd_bf16 *) = {
      few_1, few_2,  few_3,  few_4,  few_5,  few_6,  few_7,  few_8,
      few_9, few_10, few_11, few_12, few_13, few_14, few_15, few_16};
  each[rows - 1](sums, b, x);
}
