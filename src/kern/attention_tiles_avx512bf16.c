/* SPDX-License-Identifier: MIT */
/* Tiles of 24 queries and 256 keys. bf16 instructions multiply pairs: a key group is 16 keys, pair
 * of dimensions by pair of dimensions, so that one broadcast pair of a query meets 16 keys; a value
 * group is 16 dimensions, pair of keys by pair of keys. Six rows by four groups fill the registers.
 * The softmax is the online one: when a tile raises a row's maximum, what was summed so far is
 * scaled down as it is loaded again. */
#include "attention_tiles.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

enum { LANES = 16, ROWS = 6, GROUPS = 4, STRIPE = LANES * GROUPS };

/* The first n lanes, n <= 16. */
static inline __mmask16 tail(int64_t n) {
  return (__mmask16)((1u << n) - 1);
}

static int64_t up(int64_t n, int64_t unit) {
  return (n + unit - 1) / unit * unit;
}

int64_t rd_tiles_elements(int64_t keys, int64_t hd) {
  return up(keys, STRIPE) * up(hd, LANES);
}

/* What a block of queries works on. */
typedef struct block {
  float *scores; /* (24, 256) */
  rd_bf16 *p;    /* (24, 256) */
  float *sums;   /* (24, hd rounded up to 16) */
  rd_bf16 *q;    /* (24, hd) */
  float top[RD_TILE_QUERIES], total[RD_TILE_QUERIES], shrink[RD_TILE_QUERIES];
} block;

enum { TILE = RD_TILE_QUERIES * RD_TILE_KEYS };

/* Numbers in one of the blocks of queries. */
static size_t query_room(int64_t hd) {
  return (size_t)(RD_TILE_QUERIES * up(hd, LANES));
}

static void place(block *b, char *memory, int64_t hd) {
  b->scores = (float *)(void *)memory;
  b->sums = b->scores + TILE;
  b->p = (rd_bf16 *)(void *)(b->sums + query_room(hd));
  b->q = b->p + TILE;
}

size_t rd_tiles_scratch(int64_t hd) {
  size_t bytes =
      TILE * (sizeof(float) + sizeof(rd_bf16)) + query_room(hd) * (sizeof(float) + sizeof(rd_bf16));
  return (bytes + 63) / 64 * 64;
}

/* 16 rows of 16 pairs to 16 rows of the other way round: blocks of 1, 2, 4 and 8 change places. */
static inline void transpose(__m512i x[LANES]) {
  __m512i y[LANES];
  for (int i = 0; i < LANES; i += 2) {
    y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
    y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
  }
  for (int i = 0; i < LANES; i += 4)
    for (int k = 0; k < 2; k++) {
      x[i + 2 * k] = _mm512_unpacklo_epi64(y[i + k], y[i + k + 2]);
      x[i + 2 * k + 1] = _mm512_unpackhi_epi64(y[i + k], y[i + k + 2]);
    }
  for (int i = 0; i < LANES; i += 8)
    for (int k = 0; k < 4; k++) {
      y[i + k] = _mm512_shuffle_i32x4(x[i + k], x[i + k + 4], 0x88);
      y[i + k + 4] = _mm512_shuffle_i32x4(x[i + k], x[i + k + 4], 0xdd);
    }
  for (int k = 0; k < 8; k++) {
    x[k] = _mm512_shuffle_i32x4(y[k], y[k + 8], 0x88);
    x[k + 8] = _mm512_shuffle_i32x4(y[k], y[k + 8], 0xdd);
  }
}

void rd_tiles_pack(const rd_tiles *t, const rd_bf16 *k, int64_t k_stride, const rd_bf16 *v,
                   int64_t v_stride) {
  const int64_t hd = t->hd, pairs = hd / 2, width = up(hd, LANES), keys = up(t->keys, STRIPE);
  for (int64_t j = 0; j < keys; j += LANES)
    for (int64_t d = 0; d < pairs; d += LANES) {
      const int64_t n = pairs - d < LANES ? pairs - d : LANES;
      const __mmask16 m = n < LANES ? tail(n) : 0xffff;
      __m512i x[LANES];
      for (int64_t i = 0; i < LANES; i++)
        x[i] = _mm512_maskz_loadu_epi32(j + i < t->keys ? m : 0, k + (j + i) * k_stride + 2 * d);
      transpose(x);
      for (int64_t i = 0; i < n; i++)
        _mm512_storeu_si512(t->k + j * hd + (d + i) * 2 * LANES, x[i]);
    }
  for (int64_t j = 0; j < keys; j += 2)
    for (int64_t d = 0; d < width; d += LANES) {
      const __mmask16 m = hd - d < LANES ? tail(hd - d) : 0xffff;
      const rd_bf16 *at = v + j * v_stride + d;
      const __m256i even = _mm256_maskz_loadu_epi16(j < t->keys ? m : 0, at);
      const __m256i odd = _mm256_maskz_loadu_epi16(j + 1 < t->keys ? m : 0, at + v_stride);
      const __m512i high = _mm512_slli_epi32(_mm512_cvtepu16_epi32(odd), 16);
      _mm512_storeu_si512(t->v + j * width + 2 * d,
                          _mm512_or_si512(_mm512_cvtepu16_epi32(even), high));
    }
}

static inline __m512bh load(const rd_bf16 *at) {
  return (__m512bh)_mm512_loadu_si512(at);
}

static inline __m512bh broadcast(const rd_bf16 *at) {
  int32_t pair;
  memcpy(&pair, at, sizeof pair);
  return (__m512bh)_mm512_set1_epi32(pair);
}

/* scores (6, 64) of six queries and a stripe of packed keys. */
static inline void multiply_keys(float *scores, const rd_bf16 *q, const rd_bf16 *k, int64_t hd) {
  __m512 sums[ROWS][GROUPS];
  for (int r = 0; r < ROWS; r++)
    for (int g = 0; g < GROUPS; g++)
      sums[r][g] = _mm512_setzero_ps();
  for (int64_t d = 0; d < hd; d += 2) {
    __m512bh keys[GROUPS];
    for (int g = 0; g < GROUPS; g++)
      keys[g] = load(k + (g * hd + d) * LANES);
    for (int r = 0; r < ROWS; r++) {
      const __m512bh query = broadcast(q + r * hd + d);
      for (int g = 0; g < GROUPS; g++)
        sums[r][g] = _mm512_dpbf16_ps(sums[r][g], query, keys[g]);
    }
  }
  for (int r = 0; r < ROWS; r++)
    for (int g = 0; g < GROUPS; g++)
      _mm512_storeu_ps(scores + r * RD_TILE_KEYS + g * LANES, sums[r][g]);
}

/* sums (6, 16 groups) = shrink * sums + p (6, keys) times `groups` groups of packed values. */
static inline __attribute__((always_inline)) void multiply_values(float *sums, const float *shrink,
                                                                  const rd_bf16 *p,
                                                                  const rd_bf16 *v, int64_t keys,
                                                                  int64_t width, const int groups) {
  __m512 s[ROWS][GROUPS];
  for (int r = 0; r < ROWS; r++)
    for (int g = 0; g < groups; g++)
      s[r][g] =
          _mm512_mul_ps(_mm512_set1_ps(shrink[r]), _mm512_loadu_ps(sums + r * width + g * LANES));
  for (int64_t j = 0; j < keys; j += 2) {
    __m512bh values[GROUPS];
    for (int g = 0; g < groups; g++)
      values[g] = load(v + j * width + 2 * g * LANES);
    for (int r = 0; r < ROWS; r++) {
      const __m512bh weight = broadcast(p + r * RD_TILE_KEYS + j);
      for (int g = 0; g < groups; g++)
        s[r][g] = _mm512_dpbf16_ps(s[r][g], weight, values[g]);
    }
  }
  for (int r = 0; r < ROWS; r++)
    for (int g = 0; g < groups; g++)
      _mm512_storeu_ps(sums + r * width + g * LANES, s[r][g]);
}

/* All dimensions, four groups at a time and then what is left. */
static void multiply_all_values(float *sums, const float *shrink, const rd_bf16 *p,
                                const rd_bf16 *v, int64_t keys, int64_t width) {
  int64_t d = 0;
  for (; d + STRIPE <= width; d += STRIPE)
    multiply_values(sums + d, shrink, p, v + 2 * d, keys, width, GROUPS);
  switch ((width - d) / LANES) {
  case 3:
    multiply_values(sums + d, shrink, p, v + 2 * d, keys, width, 3);
    break;
  case 2:
    multiply_values(sums + d, shrink, p, v + 2 * d, keys, width, 2);
    break;
  case 1:
    multiply_values(sums + d, shrink, p, v + 2 * d, keys, width, 1);
    break;
  default:
    break;
  }
}

/* 2^x within 3e-7: the integer part onto the exponent, the rest by the polynomial that meets 2^f at
 * the Chebyshev points of |f| <= 1/2. Weights become bf16: a finer exp would be lost. */
static inline __m512 power_of_two(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(-160.0f), x); /* NaN stays */
  const __m512 n = _mm512_roundscale_ps(x, 8), f = _mm512_sub_ps(x, n);
  __m512 p = _mm512_set1_ps(1.3390863e-3f);
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.6760319e-3f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.5503571e-2f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.4022107e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.9314719e-1f));
  p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0000001f));
  return _mm512_scalef_ps(p, n);
}

/* Of the lanes from i on those in from <= j < n. */
static inline __mmask16 between(int64_t i, int64_t from, int64_t n) {
  const __mmask16 below = n - i < LANES ? tail(n - i) : 0xffff;
  return from <= i ? below : from - i >= LANES ? 0 : below & (__mmask16)~tail(from - i);
}

static float largest(const float *x, int64_t from, int64_t n) {
  __m512 top = _mm512_set1_ps(-INFINITY);
  for (int64_t i = 0; i < n; i += LANES)
    top = _mm512_mask_max_ps(top, between(i, from, n), top, _mm512_loadu_ps(x + i));
  return _mm512_reduce_max_ps(top);
}

/* A row of scores to weights: those from <= j < n, and zeros elsewhere up to `width`. */
static void soften(block *b, int row, float scale, int64_t from, int64_t n, int64_t width) {
  const float *scores = b->scores + row * RD_TILE_KEYS;
  rd_bf16 *p = b->p + row * RD_TILE_KEYS;
  int64_t i = 0;
  b->shrink[row] = 1;
  if (n > 0 && from < n) {
    const float here = largest(scores, from, n) * scale;
    const float top = here > b->top[row] ? here : b->top[row];
    const float base = 1.44269504f; /* log2(e) */
    const __m512 factor = _mm512_set1_ps(base * scale), shift = _mm512_set1_ps(-base * top);
    __m512 sum = _mm512_setzero_ps();
    for (; i < n; i += LANES) {
      const __mmask16 m = between(i, from, n);
      const __m512 x = power_of_two(_mm512_fmadd_ps(factor, _mm512_loadu_ps(scores + i), shift));
      const __m512 kept = _mm512_maskz_mov_ps(m, x);
      sum = _mm512_add_ps(sum, kept);
      _mm256_storeu_si256((__m256i *)(void *)(p + i), (__m256i)_mm512_cvtneps_pbh(kept));
    }
    b->shrink[row] = expf(b->top[row] - top);
    b->total[row] = b->total[row] * b->shrink[row] + _mm512_reduce_add_ps(sum);
    b->top[row] = top;
  }
  for (; i < width; i += LANES)
    _mm256_storeu_si256((__m256i *)(void *)(p + i), _mm256_setzero_si256());
}

static void tile(const rd_tiles *t, block *b, int64_t first, const int64_t *from,
                 const int64_t *seen, int64_t count, float scale) {
  const int64_t hd = t->hd, width = up(hd, LANES), left = seen[count - 1] - first;
  const int64_t keys = up(left < RD_TILE_KEYS ? left : RD_TILE_KEYS, LANES);
  for (int64_t r = 0; r < count; r += ROWS) {
    for (int64_t j = 0; j < keys; j += STRIPE)
      multiply_keys(b->scores + r * RD_TILE_KEYS + j, b->q + r * hd, t->k + (first + j) * hd, hd);
    for (int64_t i = r; i < r + ROWS; i++) {
      const int64_t n = i < count ? seen[i] - first : 0, skipped = i < count ? from[i] - first : 0;
      soften(b, (int)i, scale, skipped, n < keys ? n : keys, keys);
    }
    multiply_all_values(b->sums + r * width, b->shrink + r, b->p + r * RD_TILE_KEYS,
                        t->v + first * width, keys, width);
  }
}

void rd_tiles_attend(const rd_tiles *t, rd_bf16 *o, int64_t o_stride, float *lse, const rd_bf16 *q,
                     int64_t q_stride, const int64_t *from, const int64_t *seen, int64_t count,
                     float scale, void *scratch) {
  const int64_t hd = t->hd, width = up(hd, LANES);
  block b;
  place(&b, scratch, hd);
  memset(b.sums, 0, (size_t)(RD_TILE_QUERIES * width) * sizeof *b.sums);
  memset(b.q, 0, (size_t)(RD_TILE_QUERIES * hd) * sizeof *b.q);
  for (int i = 0; i < RD_TILE_QUERIES; i++) {
    b.top[i] = -INFINITY;
    b.total[i] = 0;
    if (i < count)
      memcpy(b.q + i * hd, q + i * q_stride, (size_t)hd * sizeof *q);
  }
  for (int64_t first = from[0] / RD_TILE_KEYS * RD_TILE_KEYS; first < seen[count - 1];
       first += RD_TILE_KEYS)
    tile(t, &b, first, from, seen, count, scale);
  for (int64_t i = 0; i < count; i++) {
    const __m512 factor = _mm512_set1_ps(1.0f / b.total[i]);
    for (int64_t d = 0; d < hd; d += LANES)
      _mm256_mask_storeu_epi16(o + i * o_stride + d, hd - d < LANES ? tail(hd - d) : 0xffff,
                               (__m256i)_mm512_cvtneps_pbh(
                                   _mm512_mul_ps(factor, _mm512_loadu_ps(b.sums + i * width + d))));
    lse[i] = b.top[i] + logf(b.total[i]);
  }
}
