/* SPDX-License-Identifier: MIT */
/* Pairs of neighbours along a row, of 16 rows side by side: what vdpbf16ps multiplies. Included by
 * files that are compiled for AVX-512. */
#ifndef RD_PAIRS_AVX512_H
#define RD_PAIRS_AVX512_H

#include <immintrin.h>
#include <string.h>

#include "dtype.h"

/* Pairs k .. k + 16 of 16 rows: out[p] holds pair p of all of them. In four rounds words, doubles,
 * then quarters of registers change places. */
static inline __attribute__((always_inline)) void
rd_pairs_turned(__m512i out[16], const rd_bf16 *const rows[16], int64_t k, __mmask32 m) {
  __m512i a[16], b[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i++)
    a[i] = _mm512_maskz_loadu_epi16(m, rows[i] + k);
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

/* A pair of x, for all 16 rows. */
static inline __attribute__((always_inline)) __m512bh rd_pair(const rd_bf16 *x) {
  int32_t v;
  memcpy(&v, x, sizeof v);
  return (__m512bh)_mm512_set1_epi32(v);
}

#endif
