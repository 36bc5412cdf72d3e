/* SPDX-License-Identifier: MIT */
/* The sweeps over a whole row of logits, one set for each instruction set: propose_sweeps.inc
 * compiled with different flags. They differ by rounding of sums alone. */
#ifndef RD_PROPOSE_SWEEPS_H
#define RD_PROPOSE_SWEEPS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* With y = (x - max) scale: S = sum e^y, W = sum y e^y. */
typedef struct rd_row_sums {
  double S, W;
} rd_row_sums;

/* Where the Gumbel noise of a row comes from: the words of rd_philox. */
typedef struct rd_gumbel_place {
  uint32_t counter[3], key[2]; /* the first three words of the counter; the fourth is the block */
  float best, inverse;         /* a score that is reached; 1 / T */
} rd_gumbel_place;

enum { RD_GUMBEL_CHUNK = 1024 }; /* tokens */

typedef struct rd_sweeps {
  float (*largest)(const float *x, int64_t n); /* -INFINITY for none; NaN is passed over */
  bool (*has_nan)(const float *x, int64_t n);
  rd_row_sums (*sums)(const float *x, int64_t n, float max, float scale);
  /* may[i] = 0 only where x[i] - T ln(-ln u) of token first + i stays below `best`, of a chunk of
   * tokens; `first` is even. */
  void (*gumbel)(uint8_t *may, const float *x, int64_t n, int64_t first,
                 const rd_gumbel_place *place);
} rd_sweeps;

extern const rd_sweeps rd_sweeps_scalar, rd_sweeps_avx2, rd_sweeps_avx512;

/* e^x for -87 <= x <= 0, relative error below 2e-7 (Cephes' polynomial): plain arithmetic without a
 * choice, which the compiler turns into vectors. */
static inline float rd_exp_inside(float x) {
  int32_t n = (int32_t)(x * 1.44269504f - 0.5f);
  float r = x - (float)n * 0.693359375f + (float)n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  int32_t bits = (n + 127) << 23; /* 2^n */
  float power;
  memcpy(&power, &bits, sizeof power);
  return p * power;
}

/* The same for all x <= 0: 0 below -87. */
static inline float rd_exp_below(float x) {
  return x < -87.0f ? 0.0f : rd_exp_inside(x);
}

#endif
