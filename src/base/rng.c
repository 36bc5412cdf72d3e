/* SPDX-License-Identifier: MIT */
/* Philox4x32-10 and the few distributions drawn from it. */
#include "rng.h"

#include <math.h>

void rd_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]) {
  uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < 10; round++) {
    uint64_t p0 = (uint64_t)0xD2511F53u * x0;
    uint64_t p1 = (uint64_t)0xCD9E8D57u * x2;
    uint32_t y0 = (uint32_t)(p1 >> 32) ^ x1 ^ k0;
    uint32_t y2 = (uint32_t)(p0 >> 32) ^ x3 ^ k1;
    x1 = (uint32_t)p1;
    x3 = (uint32_t)p0;
    x0 = y0;
    x2 = y2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
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
