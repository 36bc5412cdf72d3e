/* SPDX-License-Identifier: MIT */
/* vdpbf16ps adds the products of two neighbours along K into each of 16 outputs, so pairs of 16
 * outputs must lie side by side: a transposition of 16 x 16 words of 32 bits, 64 shuffles for 1
 * KiB. That is less time than a core takes to read it from memory. */
#include "mapped_kernels.h"

#include <immintrin.h>

/* Numbers are fetched before they are needed, into the second cache, as rows that lie a power of
 * two apart share one set of the first: those of the row 16 further on, or, where rows are so long
 * that these would not stay, some further on in the same row. */
enum { AHEAD = 512, LONG = 8192 };

/* Pairs k .. k + 16 of 16 outputs: out[p] holds pair p of all of them. In four rounds words,
 * doubles, then quarters of registers change places. */
static inline __attribute__((always_inline)) void
transposed(__m512i out[16], const rd_bf16 *const rows[16], int64_t k, __mmask32 m, int64_t ahead) {
  __m512i a[16], b[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++) {
    a[i] = _mm512_maskz_loadu_epi16(m, rows[i] + k);
    _mm_prefetch((const char *)(rows[i] + k + ahead), _MM_HINT_T1);
  }
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
    a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
    a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
    a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    b[i] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0x88);
    b[i + 4] = _mm512_shuffle_i32x4(a[i], a[i + 4], 0xdd);
    b[i + 8] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0x88);
    b[i + 12] = _mm512_shuffle_i32x4(a[i + 8], a[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; i++) {
    out[i] = _mm512_shuffle_i32x4(b[i], b[i + 8], 0x88);
    out[i + 8] = _mm512_shuffle_i32x4(b[i], b[i + 8], 0xdd);
    out[i + 4] = _mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0x88);
    out[i + 12] = _mm512_shuffle_i32x4(b[i + 4], b[i + 12], 0xdd);
  }
}

static inline __mmask32 present(int64_t length, int64_t k) {
  return length - k >= 32 ? 0xffffffffu : (1u << (length - k)) - 1;
}

static void rows_of(const rd_bf16 *rows[16], const rd_mapped_block *b, int64_t first) {
  for (int64_t i = 0; i < 16; i++)
    rows[i] = b->w + (first + i < b->valid ? first + i : b->valid - 1) * b->stride;
}

static inline __m512bh pair(const rd_bf16 *x) {
  int32_t v;
  memcpy(&v, x, sizeof v);
  return (__m512bh)_mm512_set1_epi32(v);
}

/* `rows` is a constant in every call. */
static inline __attribute__((always_inline)) void few(float *sums, const rd_mapped_block *b,
                                                      const rd_bf16 *x, const int rows) {
  for (int64_t half = 0; half < RD_MAPPED_PANEL && half < b->valid; half += 16) {
    const rd_bf16 *from[16];
    const int64_t ahead = b->stride < LONG ? 16 * b->stride : AHEAD;
    __m512 sum[RD_MAPPED_MOST];
    rows_of(from, b, half);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
      sum[r] = _mm512_setzero_ps();
    for (int64_t k = 0; k < b->length; k += 32) {
      __m512i w[16];
      transposed(w, from, k, present(b->length, k), ahead);
#pragma GCC unroll 16
      for (int p = 0; p < 16; p++)
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
          sum[r] = _mm512_dpbf16_ps(sum[r], (__m512bh)w[p], pair(x + r * b->x_stride + k + 2 * p));
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
      _mm512_storeu_ps(sums + r * RD_MAPPED_PANEL + half, sum[r]);
  }
}

/* Each number of rows is compiled for itself, so that the sums stay in registers. */
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

void rd_mapped_sums(float *sums, const rd_mapped_block *b, const rd_bf16 *x, int rows) {
  static void (*const each[RD_MAPPED_MOST])(float *, const rd_mapped_block *, const rd_bf16 *) = {
      few_1, few_2, few_3, few_4, few_5, few_6, few_7, few_8};
  each[rows - 1](sums, b, x);
}
