/* SPDX-License-Identifier: MIT */
/* Philox4x32-10 and the few distributions drawn from it. */
#include "rng.h"

#include "philox.h"

#include <math.h>

void rd_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  rd_philox_rounds(counter, key, out);
}

uint32_t rd_rng_u32(rd_rng *rng) {
  uint32_t counter[4] = {rng->position, rng->iteration, rng->stream, rng->index / 4};
  uint32_t key[2] = {(uint32_t)rng->seed, (uint32_t)(rng->seed >> 32)};
  uint32_t out[4];
  rd_philox(counter, key, out);
  return out[rng->index++ % 4];
}

double rd_rng_uniform(rd_rng *rng) {
  uint32_t a = rd_rng_u32(rng) >> 5;
  uint32_t b = rd_rng_u32(rng) >> 6;
  return ((double)a * 67108864.0 + (double)b) / 9007199254740992.0;
}

uint32_t rd_rng_below(rd_rng *rng, uint32_t n) {
  return (uint32_t)(rd_rng_uniform(rng) * n);
}

double rd_rng_normal(rd_rng *rng) {
  double u1 = rd_rng_uniform(rng);
  double u2 = rd_rng_uniform(rng);
  return sqrt(-2.0 * log(1.0 - u1)) * cos(6.283185307179586 * u2);
}
