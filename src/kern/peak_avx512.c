/* SPDX-License-Identifier: MIT */
/* The f32 peak with 512-bit multiply-adds. */
#include "peak.h"

#include <immintrin.h>

#define NAME rd_peak_f32_avx512
#define VECTOR __m512
#define ZERO _mm512_set1_ps(0.5f)
#define STEP(a) _mm512_fmadd_ps((a), _mm512_set1_ps(0.999f), _mm512_set1_ps(0.001f))
#define SUM(a) _mm512_reduce_add_ps(a)
#include "peak_body.inc"
