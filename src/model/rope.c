/* SPDX-License-Identifier: MIT */
/* Rotary tables. Scalings as transformers has them (modeling_rope_utils.py): linear divides all
 * frequencies (position interpolation); llama3 keeps high ones, divides low ones, and blends
 * between (Meta's reference code for LLaMA 3.1); yarn does so by dimension (Peng et al. 2023);
 * dynamic raises the base as the sequence grows (NTK-aware scaling); longrope has a divisor for
 * each frequency (Ding et al. 2024). */
#include "rope.h"

#include <math.h>
#include <string.h>

static const double two_pi = 6.283185307179586;

static void linear(double *f, const rd_rotary *r, int64_t turned, int64_t length) {
  (void)length;
  for (int64_t i = 0; i < turned / 2; i++)
    f[i] /= r->factor;
}

static void llama3(double *f, const rd_rotary *r, int64_t turned, int64_t length) {
  (void)length;
  double original = (double)r->original;
  for (int64_t i = 0; i < turned / 2; i++) {
    double wavelength = two_pi / f[i];
    double smooth = (original / wavelength - r->low) / (r->high - r->low);
    smooth = wavelength < original / r->high ? 1 : wavelength > original / r->low ? 0 : smooth;
    f[i] = smooth < 1 ? (1 - smooth) * f[i] / r->factor + smooth * f[i] : f[i];
  }
}

/* The pair whose angle makes `rotations` turns over the original positions. */
static double pair_of(const rd_rotary *r, int64_t turned, double rotations) {
  return (double)turned * log((double)r->original / (rotations * two_pi)) / (2 * log(r->theta));
}

static void yarn(double *f, const rd_rotary *r, int64_t turned, int64_t length) {
  (void)length;
  double low = pair_of(r, turned, r->high), high = pair_of(r, turned, r->low);
  low = fmax(r->exact_bounds ? low : floor(low), 0);
  high = fmin(r->exact_bounds ? high : ceil(high), (double)(turned - 1));
  high += low == high ? 0.001 : 0;
  for (int64_t i = 0; i < turned / 2; i++) {
    double divided = fmin(fmax(((double)i - low) / (high - low), 0), 1);
    f[i] = f[i] / r->factor * divided + f[i] * (1 - divided);
  }
}

static void dynamic(double *f, const rd_rotary *r, int64_t turned, int64_t length) {
  double grown = (double)length / (double)r->original, d = (double)turned;
  if (grown <= 1 || turned <= 2)
    return;
  double base = r->theta * pow(r->factor * grown - (r->factor - 1), d / (d - 2));
  for (int64_t i = 0; i < turned / 2; i++)
    f[i] = pow(base, -2.0 * (double)i / d);
}

static void longrope(double *f, const rd_rotary *r, int64_t turned, int64_t length) {
  const float *factors = length > r->original ? r->long_factors : r->short_factors;
  for (int64_t i = 0; i < turned / 2; i++)
    f[i] /= (double)factors[i];
}

static const rd_rope_kind kinds[] = {
    {"linear", linear, false, false},   {"llama3", llama3, false, false},
    {"yarn", yarn, false, false},       {"dynamic", dynamic, true, false},
    {"longrope", longrope, true, true},
};
const rd_table rd_rope_table = RD_TABLE("rotary scaling", kinds);

bool rd_rope_by_length(const rd_rotary *r, int64_t length) {
  return r->kind && r->kind->by_length && length > r->original;
}

void rd_rope_frequencies(double *out, const rd_rotary *r, int64_t turned, int64_t length) {
  for (int64_t i = 0; i < turned / 2; i++)
    out[i] = pow(r->theta, -2.0 * (double)i / (double)turned);
  if (r->kind)
    r->kind->change(out, r, turned, length);
}

void rd_rope_tables(float *cosines, float *sines, const rd_rotary *r, int64_t turned,
                    int64_t length, int64_t first, int64_t count) {
  double frequencies[RD_MOST_PAIRS], factor = r->attention > 0 ? r->attention : 1;
  int64_t half = turned / 2;
  rd_rope_frequencies(frequencies, r, turned, length);
  for (int64_t p = 0; p < count; p++)
    for (int64_t i = 0; i < half; i++) {
      double angle = (double)(first + p) * frequencies[i];
      cosines[p * half + i] = (float)(factor * cos(angle));
      sines[p * half + i] = (float)(factor * sin(angle));
    }
}

int64_t rd_rope_pair(int64_t r, int64_t hd) {
  int64_t i = r % hd;
  return r - i + (i < hd / 2 ? 2 * i : 2 * (i - hd / 2) + 1);
}

void rd_rope_reorder(void *out, const void *in, int64_t rows, int64_t hd, size_t size,
                     bool interleave) {
  for (int64_t r = 0; r < rows; r++) {
    int64_t pair = rd_rope_pair(r, hd);
    memcpy((char *)out + (size_t)(interleave ? pair : r) * size,
           (const char *)in + (size_t)(interleave ? r : pair) * size, size);
  }
}
