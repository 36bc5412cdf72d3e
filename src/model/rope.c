/* SPDX-License-Identifier: MIT */
/* Rotary tables. The llama3 scaling keeps high frequencies, divides low ones by the factor, and
 * blends between (Meta's reference code for LLaMA 3.1; "llama3" in transformers). */
#include "rope.h"

#include <math.h>
#include <string.h>

static const double two_pi = 6.283185307179586;

static double llama3_scaled(const rd_config *c, double frequency) {
  double wavelength = two_pi / frequency;
  double original = (double)c->rope_original;
  if (wavelength < original / c->rope_high)
    return frequency;
  if (wavelength > original / c->rope_low)
    return frequency / c->rope_factor;
  double smooth = (original / wavelength - c->rope_low) / (c->rope_high - c->rope_low);
  return (1 - smooth) * frequency / c->rope_factor + smooth * frequency;
}

void rd_rope_frequencies(const rd_config *c, double *out) {
  for (int64_t i = 0; i < c->head_dim / 2; i++) {
    double frequency = pow(c->rope_theta, -2.0 * (double)i / (double)c->head_dim);
    if (c->rope_scaling == RD_ROPE_LINEAR)
      frequency /= c->rope_factor;
    else if (c->rope_scaling == RD_ROPE_LLAMA3)
      frequency = llama3_scaled(c, frequency);
    out[i] = frequency;
  }
}

void rd_rope_tables(const rd_config *c, int64_t first, int64_t count, float *cosines,
                    float *sines) {
  enum { MOST_HALF = 512 };
  double frequencies[MOST_HALF];
  int64_t half = c->head_dim / 2;
  rd_rope_frequencies(c, frequencies);
  for (int64_t p = 0; p < count; p++)
    for (int64_t i = 0; i < half; i++) {
      double angle = (double)(first + p) * frequencies[i];
      cosines[p * half + i] = (float)cos(angle);
      sines[p * half + i] = (float)sin(angle);
    }
}

void rd_rope_reorder(void *out, const void *in, int64_t rows, int64_t hd, size_t size,
                     bool interleave) {
  for (int64_t r = 0; r < rows; r++) {
    int64_t i = r % hd, pair = r - i + (i < hd / 2 ? 2 * i : 2 * (i - hd / 2) + 1);
    memcpy((char *)out + (size_t)(interleave ? pair : r) * size,
           (const char *)in + (size_t)(interleave ? r : pair) * size, size);
  }
}
