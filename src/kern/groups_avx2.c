/* SPDX-License-Identifier: MIT */
/* Group products with AVX2. The byte products of maddubs would saturate, so bytes widen to pairs of
 * 16 bits: even and odd numbers of a step apart, which needs masks and shifts alone. */
#include "groups_kernels.h"

#include <immintrin.h>
#include <string.h>

enum { ROWS = 2 }; /* rows at a time: 8 accumulators of 8 outputs */

/* The even and odd numbers of a step of one row, in every lane. */
typedef struct pair {
  __m256i even, odd;
} pair;

static inline pair four(const int8_t *p) {
  int32_t v;
  memcpy(&v, p, sizeof v);
  const __m256i x = _mm256_set1_epi32(v);
  return (pair){_mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8), _mm256_srai_epi16(x, 8)};
}

static inline __attribute__((always_inline)) void step(__m256i sum[][4], const uint8_t *w,
                                                       const int8_t *x, int rows) {
  pair v[ROWS];
#pragma GCC unroll 2
  for (int r = 0; r < rows; r++)
    v[r] = four(x + r * RD_PIECE);
#pragma GCC unroll 4
  for (int j = 0; j < 4; j++) {
    const __m256i b = _mm256_loadu_si256((const __m256i *)(w + 32 * j));
    const __m256i even = _mm256_and_si256(b, _mm256_set1_epi16(255));
    const __m256i odd = _mm256_srli_epi16(b, 8);
#pragma GCC unroll 2
    for (int r = 0; r < rows; r++)
      sum[r][j] = _mm256_add_epi32(sum[r][j], _mm256_add_epi32(_mm256_madd_epi16(even, v[r].even),
                                                               _mm256_madd_epi16(odd, v[r].odd)));
  }
}

/* One group of `rows` rows, a constant in every call. */
static inline __attribute__((always_inline)) void group(__m256 part[][4], const rd_group_block *b,
                                                        const rd_group_slice *a, int64_t g,
                                                        const int rows) {
  const uint8_t *w = b->quants + g * RD_GROUP_BYTES;
  __m256i sum[ROWS][4];
  unsigned spill = 0;
  for (int r = 0; r < rows; r++)
    spill |= a->spill[r * RD_TILE_GROUPS + g];
#pragma GCC unroll 2
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
      sum[r][j] = _mm256_setzero_si256();
  for (unsigned left = spill; left != 0; left &= left - 1) {
    const int t = __builtin_ctz(left);
    step(sum, w + t * 128, a->high + g * RD_GROUP + 4 * t, rows);
  }
#pragma GCC unroll 2
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++)
      sum[r][j] = _mm256_add_epi32(_mm256_slli_epi32(sum[r][j], 8),
                                   _mm256_set1_epi32(a->offset[r * RD_TILE_GROUPS + g]));
  for (int t = 0; t < 8; t++)
    step(sum, w + t * 128, a->low + g * RD_GROUP + 4 * t, rows);
#pragma GCC unroll 2
  for (int r = 0; r < rows; r++) {
    const __m256 x = _mm256_set1_ps((float)a->offset[r * RD_TILE_GROUPS + g]);
#pragma GCC unroll 4
    for (int j = 0; j < 4; j++) {
      part[r][j] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[r][j]),
                                   _mm256_loadu_ps(b->scales + g * RD_PANEL + 8 * j), part[r][j]);
      if (b->minima != NULL)
        part[r][j] =
            _mm256_fmadd_ps(x, _mm256_loadu_ps(b->minima + g * RD_PANEL + 8 * j), part[r][j]);
    }
  }
}

/* All groups of `rows` rows: those that share a step are added up before they are multiplied by it.
 */
static inline __attribute__((always_inline)) void groups(float *sums, const rd_group_block *b,
                                                         const rd_group_slice *a, const int rows) {
  for (int64_t g = 0; g < b->groups;) {
    __m256 part[ROWS][4];
    const int64_t at = g / RD_STEP_GROUPS;
    const int64_t end = g + RD_STEP_GROUPS < b->groups ? g + RD_STEP_GROUPS : b->groups;
    for (int r = 0; r < rows; r++)
      for (int j = 0; j < 4; j++)
        part[r][j] = _mm256_setzero_ps();
    for (; g < end; g++)
      group(part, b, a, g, rows);
    for (int r = 0; r < rows; r++)
      for (int j = 0; j < 4; j++) {
        float *to = sums + r * RD_PANEL + 8 * j;
        _mm256_storeu_ps(to, _mm256_fmadd_ps(part[r][j], _mm256_set1_ps(a->step[r * RD_STEPS + at]),
                                             _mm256_loadu_ps(to)));
      }
  }
}

static void add_tile(float *sums, const rd_group_block *b, const rd_group_slice *a, int rows) {
  for (int r = 0; r < rows; r += ROWS) {
    rd_group_slice part = *a;
    part.low += r * RD_PIECE;
    part.high += r * RD_PIECE;
    part.spill += r * RD_TILE_GROUPS;
    part.offset += r * RD_TILE_GROUPS;
    part.step += r * RD_STEPS;
    if (rows - r >= ROWS)
      groups(sums + r * RD_PANEL, b, &part, ROWS);
    else
      groups(sums + r * RD_PANEL, b, &part, 1);
  }
}

static void widen(uint8_t *out, const uint8_t *from, int64_t groups, int bias) {
  const __m256i half = _mm256_set1_epi8(15), add = _mm256_set1_epi8((char)bias);
  for (int64_t g = 0; g < groups; g++, from += 512, out += RD_GROUP_BYTES)
    for (int i = 0; i < 512; i += 32) {
      const __m256i v = _mm256_loadu_si256((const __m256i *)(from + i));
      const __m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), half);
      _mm256_storeu_si256((__m256i *)(out + i), _mm256_add_epi8(_mm256_and_si256(v, half), add));
      _mm256_storeu_si256((__m256i *)(out + 512 + i), _mm256_add_epi8(high, add));
    }
}

static void from_f16(float *out, const rd_f16 *from, float factor, int64_t n) {
  for (int64_t i = 0; i < n; i += 8)
    _mm256_storeu_ps(out + i,
                     _mm256_mul_ps(_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(from + i))),
                                   _mm256_set1_ps(factor)));
}

#define GROUPS_PACKED false
#define GROUPS_TABLE rd_group_kernels_avx2
#include "groups_rows.inc"
