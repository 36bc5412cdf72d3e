/* SPDX-License-Identifier: MIT */
/* The peak of 8-bit integers with 512-bit products of fours. */
#include "peak.h"

#include <immintrin.h>

#define NAME rd_peak_i8_avx512vnni
#define VECTOR __m512i
#define ZERO _mm512_setzero_si512()
#define ONES _mm512_set1_epi32(0x01010101)
#define STEP(a) _mm512_dpbusd_epi32((a), ONES, ONES)
#define SUM(a) (float)_mm512_reduce_add_epi32(a)
#include "peak_body.inc"
