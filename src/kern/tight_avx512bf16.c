/* SPDX-License-Identifier: MIT */
/* Numbers of 12 bits on their way: a byte is widened so that its sign reaches the top, four bits of
 * exponent are moved under it and get the window's first added, and one logic instruction joins
 * both: five instructions for 32 numbers, where a mapped matrix takes two loads and four shuffles.
 * Listed numbers are put into place afterwards; a loop runs from the step of one to the next, so
 * that steps without any, nearly all, ask nothing. */
#include "pairs_avx512.h"
#include "tight_kernels.h"

enum { HALVES = 2, PAIRS = RD_TIGHT_STEP / 2, LINE = 64 };
enum { MANTISSA = 128 * HALVES /* bytes of a step before its exponents */ };
/* Planes are read from start to end; the hardware's own fetching stops at every page. */
enum { AHEAD = 4096 };

typedef struct windows {
  __m512i least[HALVES]; /* the first exponent in place, for each number of a pair */
} windows;

static inline __attribute__((always_inline)) windows windows_of(const rd_tight_panel *panel) {
  windows w;
  for (int h = 0; h < HALVES; h++) {
    const __m128i bytes = _mm_loadu_si128((const void *)(panel->least + 16 * h));
    const __m512i one = _mm512_slli_epi32(_mm512_cvtepu8_epi32(bytes), 7);
    w.least[h] = _mm512_or_si512(one, _mm512_slli_epi32(one, 16));
  }
  return w;
}

/* Pair q of both halves, a constant in every call; `fours` are the step's. */
static inline __attribute__((always_inline)) void unpack_pair(__m512i out[HALVES],
                                                              const unsigned char *planes,
                                                              const __m512i fours[HALVES],
                                                              const windows *w, const int q) {
  const __m512i kept = _mm512_set1_epi16((short)0x807f), four = _mm512_set1_epi16(0x0780);
  enum { A_AND_B_OR_C = 0xea };
#pragma GCC unroll 2
  for (int h = 0; h < HALVES; h++) {
    const __m256i bytes = _mm256_loadu_si256((const void *)(planes + 128 * h + 32 * q));
    const __m512i moved = q < 2 ? _mm512_slli_epi16(fours[h], 7 - 4 * (q & 1))
                                : _mm512_srli_epi16(fours[h], 4 * (q & 1) + 1);
    const __m512i exponent = _mm512_add_epi16(_mm512_and_si512(moved, four), w->least[h]);
    out[h] = _mm512_ternarylogic_epi32(_mm512_cvtepi8_epi16(bytes), kept, exponent, A_AND_B_OR_C);
  }
}

static inline __attribute__((always_inline)) void load_fours(__m512i fours[HALVES],
                                                             const unsigned char *planes) {
  fours[0] = _mm512_loadu_si512(planes + MANTISSA);
  fours[1] = _mm512_loadu_si512(planes + MANTISSA + LINE);
}

static inline __attribute__((always_inline)) void step(rd_bf16 *out, const unsigned char *planes,
                                                       const windows *w) {
  __m512i fours[HALVES];
  load_fours(fours, planes);
#pragma GCC unroll 4
  for (int q = 0; q < PAIRS; q++, out += 64) {
    __m512i pair[HALVES];
    unpack_pair(pair, planes, fours, w, q);
    _mm512_storeu_si512(out, pair[0]);
    _mm512_storeu_si512(out + 32, pair[1]);
  }
}

static inline __attribute__((always_inline)) void fetch(const unsigned char *planes) {
#pragma GCC unroll 6
  for (int i = 0; i < RD_TIGHT_STEP_BYTES; i += LINE)
    _mm_prefetch((const char *)planes + AHEAD + i, _MM_HINT_T0);
}

/* Columns before the step of a listed number; the end of the stretch where none is left. */
static inline int64_t until(const rd_tight_number *next, const rd_tight_number *end, int64_t last) {
  const int64_t at = next < end ? next->at / (32 * RD_TIGHT_STEP) * RD_TIGHT_STEP : last;
  return at < last ? at : last;
}

/* --- few rows --------------------------------------------------------------------------------- */

/* `rows` is a constant in every call. */
static inline __attribute__((always_inline)) void
add_pair(__m512 (*sum)[HALVES], const __m512i w[HALVES], const rd_bf16 *x, const int rows) {
#pragma GCC unroll 12
  for (int r = 0; r < rows; r++) {
    const __m512bh pair = rd_pair(x + 2 * r);
    sum[r][0] = _mm512_dpbf16_ps(sum[r][0], (__m512bh)w[0], pair);
    sum[r][1] = _mm512_dpbf16_ps(sum[r][1], (__m512bh)w[1], pair);
  }
}

/* A step with listed numbers, or one that the stretch ends in. */
static inline __attribute__((always_inline)) const rd_tight_number *
slow_step(__m512 (*sum)[HALVES], const unsigned char *planes, const windows *w, int64_t k,
          int64_t columns, const rd_tight_number *next, const rd_tight_number *end,
          const rd_bf16 *x, const int rows) {
  rd_bf16 copy[RD_TIGHT_STEP * RD_TIGHT_PANEL];
  step(copy, planes, w);
  for (; next < end && next->at < (k + RD_TIGHT_STEP) * 32; next++)
    copy[next->at - k * 32] = next->is;
  for (int q = 0; 2 * q < columns; q++) {
    const __m512i pair[HALVES] = {_mm512_loadu_si512(copy + 64 * q),
                                  _mm512_loadu_si512(copy + 64 * q + 32)};
    add_pair(sum, pair, x + 2 * q * rows, rows);
  }
  return next;
}

static inline __attribute__((always_inline)) const rd_tight_number *
few(float *sums, const rd_tight_stretch *s, const rd_bf16 *x, const int rows) {
  const windows w = windows_of(s->panel);
  const rd_tight_number *next = s->next, *end = s->panel->listed + s->panel->count;
  const unsigned char *planes = s->planes;
  const int64_t last = s->first + s->length, whole = last / RD_TIGHT_STEP * RD_TIGHT_STEP;
  __m512 sum[RD_TIGHT_FEW][HALVES];
#pragma GCC unroll 12
  for (int r = 0; r < rows; r++)
    sum[r][0] = sum[r][1] = _mm512_setzero_ps();
  for (int64_t k = s->first; k < last;) {
    const int64_t stop = until(next, end, whole);
    for (; k < stop; k += RD_TIGHT_STEP, planes += RD_TIGHT_STEP_BYTES, x += RD_TIGHT_STEP * rows) {
      __m512i fours[HALVES];
      load_fours(fours, planes);
      fetch(planes);
#pragma GCC unroll 4
      for (int q = 0; q < PAIRS; q++) {
        __m512i pair[HALVES];
        unpack_pair(pair, planes, fours, &w, q);
        add_pair(sum, pair, x + 2 * q * rows, rows);
      }
    }
    if (k < last) {
      const int64_t left = last - k < RD_TIGHT_STEP ? last - k : RD_TIGHT_STEP;
      next = slow_step(sum, planes, &w, k, left, next, end, x, rows);
      k += RD_TIGHT_STEP, planes += RD_TIGHT_STEP_BYTES, x += RD_TIGHT_STEP * rows;
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < rows; r++) {
    _mm512_storeu_ps(sums + RD_TIGHT_PANEL * r, sum[r][0]);
    _mm512_storeu_ps(sums + RD_TIGHT_PANEL * r + 16, sum[r][1]);
  }
  return next;
}

#define FEW(rows)                                                                                  \
  static const rd_tight_number *few_##rows(float *sums, const rd_tight_stretch *s,                 \
                                           const rd_bf16 *x) {                                     \
    return few(sums, s, x, rows);                                                                  \
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

const rd_tight_number *rd_tight_sums(float *sums, const rd_tight_stretch *s, const rd_bf16 *x,
                                     int rows) {
  static const rd_tight_number *(*const each[RD_TIGHT_FEW])(float *, const rd_tight_stretch *,
                                                            const rd_bf16 *) = {
      few_1, few_2, few_3, few_4, few_5, few_6, few_7, few_8, few_9, few_10, few_11, few_12};
  return each[rows - 1](sums, s, x);
}

/* --- many rows -------------------------------------------------------------------------------- */

const rd_tight_number *rd_tight_unpack(rd_bf16 *out, const rd_tight_stretch *s) {
  const windows w = windows_of(s->panel);
  const rd_tight_number *next = s->next, *end = s->panel->listed + s->panel->count;
  const unsigned char *planes = s->planes;
  rd_bf16 *to = out;
  for (int64_t k = 0; k < s->length; k += RD_TIGHT_STEP, planes += RD_TIGHT_STEP_BYTES) {
    step(to, planes, &w);
    to += RD_TIGHT_STEP * RD_TIGHT_PANEL;
  }
  const int64_t behind = (s->first + (s->length + 1) / 2 * 2) * 32; /* its last pair */
  for (; next < end && next->at < behind; next++)
    out[next->at - s->first * 32] = next->is;
  return next;
}

/* `rows` is a constant in every call. */
static inline __attribute__((always_inline)) void tile(float *sums, const rd_bf16 *w,
                                                       const rd_bf16 *x, int64_t pairs,
                                                       const char *ahead, const int rows,
                                                       bool fresh) {
  __m512 sum[RD_TIGHT_GROUP][HALVES];
#pragma GCC unroll 14
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int h = 0; h < HALVES; h++)
      sum[r][h] = fresh ? _mm512_setzero_ps() : _mm512_loadu_ps(sums + RD_TIGHT_PANEL * r + 16 * h);
  for (int64_t p = 0; p < pairs; p++, w += 64, x += 2 * RD_TIGHT_GROUP_ROOM) {
    const __m512i a = _mm512_loadu_si512(w), b = _mm512_loadu_si512(w + 32);
    if (ahead != NULL) {
      _mm_prefetch(ahead + p * (RD_TIGHT_STEP_BYTES / PAIRS), _MM_HINT_T1);
      _mm_prefetch(ahead + p * (RD_TIGHT_STEP_BYTES / PAIRS) + LINE, _MM_HINT_T1);
    }
#pragma GCC unroll 14
    for (int r = 0; r < rows; r++) {
      const __m512bh pair = rd_pair(x + 2 * r);
      sum[r][0] = _mm512_dpbf16_ps(sum[r][0], (__m512bh)a, pair);
      sum[r][1] = _mm512_dpbf16_ps(sum[r][1], (__m512bh)b, pair);
    }
  }
#pragma GCC unroll 14
  for (int r = 0; r < rows; r++)
#pragma GCC unroll 2
    for (int h = 0; h < HALVES; h++)
      _mm512_storeu_ps(sums + RD_TIGHT_PANEL * r + 16 * h, sum[r][h]);
}

#define TILE(rows)                                                                                 \
  static void tile_##rows(float *sums, const rd_bf16 *w, const rd_bf16 *x, int64_t pairs,          \
                          const char *ahead, bool fresh) {                                         \
    tile(sums, w, x, pairs, ahead, rows, fresh);                                                   \
  }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)
TILE(7)
TILE(8)
TILE(9)
TILE(10)
TILE(11)
TILE(12)
TILE(13)
TILE(14)

void rd_tight_tile(float *sums, const rd_bf16 *w, const rd_bf16 *x, int64_t pairs, int rows,
                   const void *ahead, bool fresh) {
  static void (*const each[RD_TIGHT_GROUP])(float *, const rd_bf16 *, const rd_bf16 *, int64_t,
                                            const char *, bool) = {
      tile_1, tile_2, tile_3,  tile_4,  tile_5,  tile_6,  tile_7,
      tile_8, tile_9, tile_10, tile_11, tile_12, tile_13, tile_14};
  each[rows - 1](sums, w, x, pairs, ahead, fresh);
}

/* --- packing ---------------------------------------------------------------------------------- */

/* Numbers k .. k + 32, those that there are. */
static __mmask32 some(int64_t k, int64_t cols) {
  return cols - k >= 32 ? 0xffffffffu : (__mmask32)(0xffffffffu >> (32 - (cols - k)));
}

void rd_tight_group(rd_bf16 *out, const rd_bf16 *x, int64_t x_stride, int64_t rows, int64_t cols) {
  const rd_bf16 *from[16];
  for (int64_t i = 0; i < 16; i++)
    from[i] = x + (i < rows ? i : rows - 1) * x_stride;
  for (int64_t k = 0; k < cols; k += 32) {
    __m512i pairs[16];
    rd_pairs_turned(pairs, from, k, some(k, cols));
    for (int p = 0; p < 16; p++, out += 2 * RD_TIGHT_GROUP_ROOM)
      _mm512_storeu_si512(out, pairs[p]);
  }
}

/* Pair q of a step, of half h: x, of which `real` are numbers of the matrix, those in the window as
 * byte and four bits. Gives which are in it. */
static inline __attribute__((always_inline)) __mmask32 pack_pair(unsigned char *planes,
                                                                 __m512i *fours, __m512i x,
                                                                 __m512i first, __mmask32 real,
                                                                 int h, int q) {
  const __m512i low = _mm512_set1_epi16(0x007f), sign = _mm512_set1_epi16(0x0080);
  const __m512i exponent = _mm512_set1_epi16(0x7f80), most = _mm512_set1_epi16(15 << 7);
  const __m512i above = _mm512_sub_epi16(_mm512_and_si512(x, exponent), first);
  const __mmask32 in = _mm512_mask_cmple_epu16_mask(real, above, most);
  const __m512i byte =
      _mm512_or_si512(_mm512_and_si512(x, low), _mm512_and_si512(_mm512_srli_epi16(x, 8), sign));
  const __m512i four = _mm512_maskz_srli_epi16(in, above, 7);
  _mm256_storeu_si256((void *)(planes + 128 * h + 32 * q), _mm512_maskz_cvtepi16_epi8(in, byte));
  *fours = _mm512_or_si512(*fours, _mm512_sll_epi16(four, _mm_cvtsi32_si128(4 * q)));
  return in;
}

/* Numbers of x from place `at` on, those of `out`, into the list; gives its end. */
static rd_tight_number *list(rd_tight_number *listed, __m512i x, int64_t at, uint32_t out) {
  rd_bf16 numbers[32];
  _mm512_storeu_si512(numbers, x);
  for (; out != 0; out &= out - 1) {
    const int i = __builtin_ctz(out);
    *listed++ = (rd_tight_number){.at = (uint32_t)(at + i), .is = numbers[i], .unused = 0};
  }
  return listed;
}

/* The numbers of a pair of columns that there are, of the 16 rows of a half of which `rows` are. */
static __mmask32 real_ones(int64_t rows, int64_t columns) {
  const uint64_t there = rows >= 16 ? 0xffffffffu : rows > 0 ? (1ull << (2 * rows)) - 1 : 0;
  return (__mmask32)there & (columns > 1 ? 0xffffffffu : 0x55555555u);
}

void rd_tight_pack_panel(const rd_tight_panel *panel, unsigned char *planes, const rd_bf16 *w,
                         int64_t stride, int64_t valid, int64_t cols) {
  const windows first = windows_of(panel);
  const rd_bf16 *from[HALVES][16];
  rd_tight_number *listed = panel->listed;
  __m512i fours[HALVES] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  for (int64_t i = 0; i < RD_TIGHT_PANEL; i++)
    from[i / 16][i % 16] = w + (i < valid ? i : valid - 1) * stride;
  for (int64_t k = 0; k < cols; k += 32) {
    __m512i turned[HALVES][16];
    for (int h = 0; h < HALVES; h++)
      rd_pairs_turned(turned[h], from[h], k, some(k, cols));
    for (int p = 0; p < 16 && k + 2 * p < cols; p++) {
      const int64_t left = cols - k - 2 * p;
      for (int h = 0; h < HALVES; h++) {
        const __mmask32 real = real_ones(valid - 16 * h, left);
        const __mmask32 in =
            pack_pair(planes, &fours[h], turned[h][p], first.least[h], real, h, p % PAIRS);
        if (in != real)
          listed = list(listed, turned[h][p], (k + 2 * p + h) * 32, real & ~in);
      }
      if (p % PAIRS + 1 < PAIRS && left > 2)
        continue;
      for (int h = 0; h < HALVES; h++) {
        _mm512_storeu_si512(planes + MANTISSA + LINE * h, fours[h]);
        fours[h] = _mm512_setzero_si512();
      }
      planes += RD_TIGHT_STEP_BYTES;
    }
  }
}
