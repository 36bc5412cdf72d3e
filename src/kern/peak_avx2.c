/* SPDX-License-Identifier: MIT */
/* The f32 peak with 256-bit multiply-adds. */
#include "peak.h"

#include <immintrin.h>

static float sum8(__m256 a) {
  float v[8], s = 0;
  _mm256_storeu_ps(v, a);
  for (int i = 0; i < 8; i++)
    s += v[i];
  return s;
}

#define NAME rd_peak_f32_avx2
#define VECTOR __m256
#define ZERO _mm256_set1_ps(0.5f)
#define STEP(a) _mm256_fmadd_ps((a), _mm256_set1_ps(0.999f), _mm256_set1_ps(0.001f))
#define SUM(a) sum8(a)
#include "peak_body.inc"
