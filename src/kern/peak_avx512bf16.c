/* SPDX-License-Identifier: MIT */
/* The bf16 peak with 512-bit pair products. */
#include "peak.h"

#include <immintrin.h>

#define NAME rd_peak_bf16_avx512bf16
#define VECTOR __m512
#define ZERO _mm512_set1_ps(0.5f)
#define ONES ((__m512bh)_mm512_set1_epi32(0x3f803f80))
#define STEP(a) _mm512_dpbf16_ps((a), ONES, ONES)
#define SUM(a) _mm512_reduce_add_ps(a)
#include "peak_body.inc"
