/* SPDX-License-Identifier: MIT */
/* The ten rounds of Philox4x32-10 (rng.h), for code that is compiled for processors and for cards:
 * whoever includes this may say with RD_PHILOX_CODE what a function of a device looks like. */
#ifndef RD_PHILOX_H
#define RD_PHILOX_H

#include <stdint.h>

#ifndef RD_PHILOX_CODE
#define RD_PHILOX_CODE static inline
#endif

RD_PHILOX_CODE void rd_philox_rounds(const uint32_t counter[4], const uint32_t key[2],
                                     uint32_t out[4]) {
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

#endif
