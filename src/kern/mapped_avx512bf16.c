/* SPDX-License-Identifier: MIT */
/* vdpbf16ps adds the products of two neighbours along K into each of 16 outputs, so pairs of 16
 * outputs must lie side by side: a transposition of 16 x 16 words of 32 bits, 64 shuffles for 1
 * KiB. That is less time than a core takes to read it from memory. */
#include "mapped_kernels.h"

#include <immintrin.h>

enum { AHEAD = 1024 /* bytes of a row that are fetched before they are needed */ };

/* Pairs k .. k + 16 of 16 outputs: out[p] holds pair p of all of them. In four rounds words,
 * doubles, then quarters of registers change places. */
static inline __attribute__((always_inline)) void
transposed(__m512i out[16], const rd_bf16 *const rows[16], int64_t k, __mmask32 m) {
  __m512i a[16], b[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++) {
    a[i] = _mm512_maskz_loadu_epi16(m, rows[i] + k);
    _mm_prefetch((const char *)(rows[i] + k) + AHEAD, _MM_HINT_T0);
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
static inline __attribute__((always_inline)) void
few(float *sums, const rd_mapped_block *b, const rd_bf16 *x, int64_t x_stride, const int rows) {
  for (int64_t half = 0; half < RD_MAPPED_PANEL && half < b->valid; half += 16) {
    const rd_bf16 *from[16];
    __m512 sum[RD_MAPPED_FEW];
    rows_of(from, b, half);
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++)
      sum[r] = _mm512_setzero_ps();
    for (int64_t k = 0; k < b->length; k += 32) {
      __m512i w[16];
      transposed(w, from, k, present(b->length, k));
#pragma GCC unroll 16
      for (int p = 0; p < 16; p++)
#pragma GCC unroll 8
        for (int r = 0; r < rows; r++)
          sum[r] = _mm512_dpbf16_ps(sum[r], (__m512bh)w[p], pair(x + r * x_stride + k + 2 * p));
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; r++) {
      float *to = sums + r * RD_MAPPED_PANEL + half;
      _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), sum[r]));
    }
  }
}

static inline __attribute__((always_inline)) void tile(float *sums, const uint32_t *arranged,
                                                       int64_t pairs, const rd_bf16 *x,
                                                       int64_t x_stride, const int rows) {
  __m512 sum[RD_MAPPED_ROWS][2];
#pragma GCC unroll 12
  for (int r = 0; r < rows; r++)
    sum[r][0] = sum[r][1] = _mm512_setzero_ps();
  for (int64_t p = 0; p < pairs; p++) {
    const __m512bh w0 = (__m512bh)_mm512_loadu_si512(arranged + p * RD_MAPPED_PANEL),
                   w1 = (__m512bh)_mm512_loadu_si512(arranged + p * RD_MAPPED_PANEL + 16);
#pragma GCC unroll 12
    for (int r = 0; r < rows; r++) {
      const __m512bh v = pair(x + r * x_stride + 2 * p);
      sum[r][0] = _mm512_dpbf16_ps(sum[r][0], w0, v);
      sum[r][1] = _mm512_dpbf16_ps(sum[r][1], w1, v);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < rows; r++)
    for (int i = 0; i < 2; i++) {
      float *to = sums + r * RD_MAPPED_PANEL + 16 * i;
      _mm512_storeu_ps(to, _mm512_add_ps(_mm512_loadu_ps(to), sum[r][i]));
    }
}

/* Each number of rows is compiled for itself, so that the sums stay in registers. */
#define EACH_FEW(CASE) CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8)
#define EACH_TILE(CASE) EACH_FEW(CASE) CASE(9) CASE(10) CASE(11) CASE(12)

void rd_mapped_few(float *sums, const rd_mapped_block *b, const rd_bf16 *x, int64_t x_stride,
                   int rows) {
#define CASE(n)                                                                                    \
  case n:                                                                                          \
    few(sums, b, x, x_stride, n);                                                                  \
    break;
  switch (rows) { EACH_FEW(CASE) }
#undef CASE
}

void rd_mapped_arrange(uint32_t *out, const rd_mapped_block *b) {
  const rd_bf16 *from[2][16];
  rows_of(from[0], b, 0);
  rows_of(from[1], b, 16);
  for (int64_t k = 0; k < b->length; k += 32)
    for (int half = 0; half < 2; half++) {
      __m512i w[16];
      transposed(w, from[half], k, present(b->length, k));
#pragma GCC unroll 16
      for (int p = 0; p < 16; p++)
        _mm512_storeu_si512(out + (k / 2 + p) * RD_MAPPED_PANEL + 16 * half, w[p]);
    }
}

void rd_mapped_tile(float *sums, const uint32_t *arranged, int64_t pairs, const rd_bf16 *x,
                    int64_t x_stride, int rows) {
#define CASE(n)                                                                                    \
  case n:                                                                                          \
    tile(sums, arranged, pairs, x, x_stride, n);                                                   \
    break;
  switch (rows) { EACH_TILE(CASE) }
#undef CASE
}
