/* SPDX-License-Identifier: MIT */
/* Steady products with AVX2 and fused multiply-adds. */
#include <immintrin.h>

#define STEADY_TABLE rd_steady_avx2
#define FUSED(x, y, z) ((lanes)_mm256_fmadd_ps((__m256)(x), (__m256)(y), (__m256)(z)))
#include "steady_body.inc"
