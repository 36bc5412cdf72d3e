/* SPDX-License-Identifier: MIT */
/* Group products with AVX-512 and VNNI: vpdpbusd multiplies 64 unsigned bytes of weights by signed
 * bytes of one row, broadcast by fours, into 16 outputs. A tile of 4 rows x 32 outputs keeps three
 * sets of 8 sums in registers: integers of a group, f32 of the groups that share a step, and f32 of
 * all. On Zen 4 the products of four groups take 256 cycles and their scaling 40, the conversions
 * run beside them. */
#include "groups_kernels.h"

#include <immintrin.h>
#include <string.h>

static inline __m512i four(const int8_t *p) {
  int32_t v;
  memcpy(&v, p, sizeof v);
  return _mm512_set1_epi32(v);
}

/* What a tile is made for; constants in every call. */
typedef struct form {
  int rows;
  bool minimum, packed; /* packed: nibbles, read as they are */
} form;

/* 16 outputs of step t of a group: the nibbles of steps 4..7 are the upper halves of 0..3. */
static inline __attribute__((always_inline)) __m512i weights(const uint8_t *w, int t, form f) {
  if (!f.packed)
    return _mm512_loadu_si512(w + t * 128);
  const __m512i v = _mm512_loadu_si512(w + t % 4 * 128);
  return _mm512_and_si512(t < 4 ? v : _mm512_srli_epi16(v, 4), _mm512_set1_epi8(15));
}

/* Step t of a group: 4 numbers of all rows of the tile. */
static inline __attribute__((always_inline)) void step(__m512i sum[][2], const uint8_t *w,
                                                       const int8_t *x, int t, form f) {
  const __m512i w0 = weights(w, t, f), w1 = weights(w + 64, t, f);
#pragma GCC unroll 8
  for (int r = 0; r < f.rows; r++) {
    const __m512i v = four(x + r * RD_PIECE + 4 * t);
    sum[r][0] = _mm512_dpbusd_epi32(sum[r][0], w0, v);
    sum[r][1] = _mm512_dpbusd_epi32(sum[r][1], w1, v);
  }
}

/* The row's offset for the bytes that are multiplied: nibbles read as they are lack the bias that
 * they were given by widening, 120 or (with a minimum) 128. */
static inline __attribute__((always_inline)) __m512i offset_of(const rd_group_slice *a, int r,
                                                               int64_t g, form f) {
  const __m512i offset = _mm512_set1_epi32(a->offset[r * RD_TILE_GROUPS + g]);
  if (!f.packed)
    return offset;
  return f.minimum ? _mm512_setzero_si512() : _mm512_srai_epi32(offset, 4);
}

/* Group g of all rows: its products, exact, times the weights' scales are added to `part`. */
static inline __attribute__((always_inline)) void group(__m512 part[][2], const rd_group_block *b,
                                                        const rd_group_slice *a, unsigned spill,
                                                        int64_t g, const form f) {
  const uint8_t *w = b->quants + g * (f.packed ? RD_GROUP_BYTES / 2 : RD_GROUP_BYTES);
  __m512i sum[RD_TILE_ROWS][2];
  if (spill == 0) {
    __asm__ volatile("" ::: "memory"); /* or gcc keeps the offsets of both branches in registers */
#pragma GCC unroll 8
    for (int r = 0; r < f.rows; r++)
      sum[r][0] = sum[r][1] = offset_of(a, r, g, f);
  } else {
#pragma GCC unroll 8
    for (int r = 0; r < f.rows; r++)
      sum[r][0] = sum[r][1] = _mm512_setzero_si512();
    do {
      step(sum, w, a->high + g * RD_GROUP, __builtin_ctz(spill), f);
#pragma GCC unroll 8
      for (int r = 0; r < f.rows; r++)
        __asm__("" : "+v"(sum[r][0]), "+v"(sum[r][1])); /* or gcc copies them all */
      spill &= spill - 1;
    } while (spill != 0);
    __asm__ volatile("" ::: "memory");
#pragma GCC unroll 8
    for (int r = 0; r < f.rows; r++) {
      const __m512i offset = offset_of(a, r, g, f);
      sum[r][0] = _mm512_add_epi32(_mm512_slli_epi32(sum[r][0], 8), offset);
      sum[r][1] = _mm512_add_epi32(_mm512_slli_epi32(sum[r][1], 8), offset);
    }
  }
#pragma GCC unroll 8
  for (int t = 0; t < 8; t++)
    step(sum, w, a->low + g * RD_GROUP, t, f);
  const __m512 s0 = _mm512_loadu_ps(b->scales + g * RD_PANEL),
               s1 = _mm512_loadu_ps(b->scales + g * RD_PANEL + 16);
#pragma GCC unroll 8
  for (int r = 0; r < f.rows; r++) {
    part[r][0] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[r][0]), s0, part[r][0]);
    part[r][1] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum[r][1]), s1, part[r][1]);
  }
  if (f.minimum) {
    const __m512 m0 = _mm512_loadu_ps(b->minima + g * RD_PANEL),
                 m1 = _mm512_loadu_ps(b->minima + g * RD_PANEL + 16);
#pragma GCC unroll 8
    for (int r = 0; r < f.rows; r++) {
      const __m512 x = _mm512_cvtepi32_ps(_mm512_set1_epi32(a->offset[r * RD_TILE_GROUPS + g]));
      part[r][0] = _mm512_fmadd_ps(x, m0, part[r][0]);
      part[r][1] = _mm512_fmadd_ps(x, m1, part[r][1]);
    }
  }
}

/* What is fetched while a tile is at work. */
typedef struct ahead {
  const char *next, *rows; /* weights; the next rows' part of the piece */
  int64_t lines;
} ahead;

/* `count` groups from g on, which share a step: added up before they are multiplied by it. The
 * count is a constant, so that the compiler may unroll what is short. */
static inline __attribute__((always_inline)) void
span(__m512 total[][2], const rd_group_block *b, const rd_group_slice *a, const uint8_t *spill,
     int64_t g, const int count, ahead *fetch, const form f) {
  __m512 part[RD_TILE_ROWS][2];
#pragma GCC unroll 8
  for (int r = 0; r < f.rows; r++)
    part[r][0] = part[r][1] = _mm512_setzero_ps();
  for (int i = 0; i < count; i++) {
    for (int64_t n = 0; n < fetch->lines; n++, fetch->next += 64)
      _mm_prefetch(fetch->next, _MM_HINT_T1);
    for (int n = 0; n < f.rows * RD_GROUP; n += 64, fetch->rows += 64)
      _mm_prefetch(fetch->rows, _MM_HINT_T0);
    group(part, b, a, spill[g + i], g + i, f);
  }
#pragma GCC unroll 8
  for (int r = 0; r < f.rows; r++) {
    const __m512 unit = _mm512_set1_ps(a->step[r * RD_STEPS + g / RD_STEP_GROUPS]);
    total[r][0] = _mm512_fmadd_ps(part[r][0], unit, total[r][0]);
    total[r][1] = _mm512_fmadd_ps(part[r][1], unit, total[r][1]);
  }
}

static inline __attribute__((always_inline)) void
tile(const rd_group_sums *s, const rd_group_block *b, const rd_group_slice *a, const form f) {
  ahead fetch = {a->next, (const char *)a->low + f.rows * RD_PIECE, a->lines};
  __m512 total[RD_TILE_ROWS][2];
  unsigned char spill[RD_TILE_GROUPS];
  __m128i some = _mm_setzero_si128();
  for (int r = 0; r < f.rows; r++)
    some = _mm_or_si128(some, _mm_loadu_si128((const __m128i *)(a->spill + r * RD_TILE_GROUPS)));
  _mm_storeu_si128((__m128i *)spill, some);
#pragma GCC unroll 8
  for (int r = 0; r < f.rows; r++) {
    total[r][0] = s->from ? _mm512_loadu_ps(s->from + r * RD_PANEL) : _mm512_setzero_ps();
    total[r][1] = s->from ? _mm512_loadu_ps(s->from + r * RD_PANEL + 16) : _mm512_setzero_ps();
  }
  int64_t g = 0;
  for (; g + RD_STEP_GROUPS <= b->groups; g += RD_STEP_GROUPS)
    span(total, b, a, spill, g, RD_STEP_GROUPS, &fetch, f);
  for (; g < b->groups; g++)
    span(total, b, a, spill, g, 1, &fetch, f);
#pragma GCC unroll 8
  for (int r = 0; r < f.rows; r++) {
    float *to = s->to + r * s->stride;
    if (s->add) {
      total[r][0] = _mm512_add_ps(total[r][0], _mm512_loadu_ps(to));
      total[r][1] = _mm512_add_ps(total[r][1], _mm512_loadu_ps(to + 16));
    }
    _mm512_storeu_ps(to, total[r][0]);
    _mm512_storeu_ps(to + 16, total[r][1]);
  }
}

typedef void tile_function(const rd_group_sums *s, const rd_group_block *b,
                           const rd_group_slice *a);

#define TILE(name, rows, minimum, packed)                                                          \
  static void name##_##rows(const rd_group_sums *s, const rd_group_block *b,                       \
                            const rd_group_slice *a) {                                             \
    tile(s, b, a, (form){rows, minimum, packed});                                                  \
  }
#define TILES(name, minimum, packed)                                                               \
  TILE(name, 1, minimum, packed)                                                                   \
  TILE(name, 2, minimum, packed)                                                                   \
  TILE(name, 3, minimum, packed)                                                                   \
  TILE(name, 4, minimum, packed)                                                                   \
  static tile_function *const name[RD_TILE_ROWS] = {name##_1, name##_2, name##_3, name##_4};
TILES(bytes, false, false)
TILES(bytes_minimum, true, false)
TILES(nibbles, false, true)
TILES(nibbles_minimum, true, true)

static void tile_any(const rd_group_sums *s, const rd_group_block *b, const rd_group_slice *a,
                     int rows) {
  static tile_function *const *const tiles[2][2] = {{bytes, bytes_minimum},
                                                    {nibbles, nibbles_minimum}};
  tiles[b->packed][b->minima != NULL][rows - 1](s, b, a);
}

static void widen(uint8_t *out, const uint8_t *from, int64_t groups, int bias) {
  const __m512i half = _mm512_set1_epi8(15), add = _mm512_set1_epi8((char)bias);
  for (int64_t g = 0; g < groups; g++, from += 512, out += RD_GROUP_BYTES)
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) {
      const __m512i v = _mm512_loadu_si512(from + 64 * i);
      const __m512i high = _mm512_and_si512(_mm512_srli_epi16(v, 4), half);
      _mm512_storeu_si512(out + 64 * i, _mm512_add_epi8(_mm512_and_si512(v, half), add));
      _mm512_storeu_si512(out + 512 + 64 * i, _mm512_add_epi8(high, add));
    }
}

static void from_f16(float *out, const rd_f16 *from, float factor, int64_t n) {
  for (int64_t i = 0; i < n; i += 16)
    _mm512_storeu_ps(out + i,
                     _mm512_mul_ps(_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(from + i))),
                                   _mm512_set1_ps(factor)));
}

/* As groups_rows.inc has it, 16 numbers at a time: conversions round to even, and the lower plane
 * is the lower byte. */
static void round_piece(int8_t *low, int8_t *high, uint8_t *spill, int32_t *offset, float *step,
                        const float *x, float mean, int steps) {
  enum { SPAN = RD_STEP_GROUPS * RD_GROUP };
  for (int s = 0; s < steps; s++, x += SPAN) {
    __m512 top = _mm512_setzero_ps();
#pragma GCC unroll 4
    for (int i = 0; i < SPAN; i += 16)
      top = _mm512_max_ps(top, _mm512_abs_ps(_mm512_loadu_ps(x + i)));
    const __m512 inverse = _mm512_set1_ps(rd_group_step(step + s, _mm512_reduce_max_ps(top), mean));
#pragma GCC unroll 2
    for (int g = 0; g < RD_STEP_GROUPS; g++, low += RD_GROUP, high += RD_GROUP) {
      const float *from = x + g * RD_GROUP;
      const __m512i q0 = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(from), inverse));
      const __m512i q1 = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_loadu_ps(from + 16), inverse));
      const __m512i half = _mm512_set1_epi32(128);
      const __m512i h0 = _mm512_srai_epi32(_mm512_add_epi32(q0, half), 8);
      const __m512i h1 = _mm512_srai_epi32(_mm512_add_epi32(q1, half), 8);
      const __m256i upper = _mm256_set_m128i(_mm512_cvtepi32_epi8(h1), _mm512_cvtepi32_epi8(h0));
      _mm_storeu_si128((__m128i *)low, _mm512_cvtepi32_epi8(q0));
      _mm_storeu_si128((__m128i *)(low + 16), _mm512_cvtepi32_epi8(q1));
      _mm256_storeu_si256((__m256i *)high, upper);
      *spill++ = (uint8_t)_mm256_test_epi32_mask(upper, upper);
      *offset++ = -128 * _mm512_reduce_add_epi32(_mm512_add_epi32(q0, q1));
    }
  }
}

#define GROUPS_TILE tile_any
#define GROUPS_ROUND round_piece
#define GROUPS_PACKED true
#define GROUPS_TABLE rd_group_kernels_avx512vnni
#include "groups_rows.inc"
