/* SPDX-License-Identifier: MIT */
/* Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011).
 *
 * A number is a pure function of (seed, stream, iteration, position, index), so it does not depend
 * on the number of threads, on the batch, or on the order of asking. The counter words are
 * {position, iteration, stream, block}, the key is {low, high} of the seed. */
#ifndef RD_RNG_H
#define RD_RNG_H

#include <stdint.h>

/* What a number is for, so that two uses never share a counter. */
typedef enum rd_stream {
  RD_STREAM_SAMPLE = 0,  /* the token chosen at a position */
  RD_STREAM_NOISE = 1,   /* which positions are re-masked */
  RD_STREAM_UNMASK = 2,  /* which positions are transferred (random policies) */
  RD_STREAM_CORRUPT = 3, /* training corruption */
  RD_STREAM_SHUFFLE = 4, /* order of training examples */
  RD_STREAM_INIT = 5,    /* weight initialisation */
  RD_STREAM_EVAL = 6,    /* Monte Carlo likelihood, bootstrap */
} rd_stream;

/* The ten-round block function: out = Philox(counter, key). */
void rd_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* A place in the sequence of numbers of one (seed, stream, iteration, position). `index` counts the
 * 32-bit words given so far: word i is lane i % 4 of block i / 4. */
typedef struct rd_rng {
  uint64_t seed;
  uint32_t stream, iteration, position;
  uint32_t index;
} rd_rng;

static inline rd_rng rd_rng_at(uint64_t seed, rd_stream stream, uint32_t iteration,
                               uint32_t position) {
  return (rd_rng){seed, (uint32_t)stream, iteration, position, 0};
}

/* The next 32 random bits (one word). */
uint32_t rd_rng_u32(rd_rng *rng);
/* Uniform in [0, 1), 53 bits, from two words a, then b: ((a >> 5) * 2^26 + (b >> 6)) / 2^53. */
double rd_rng_uniform(rd_rng *rng);
/* Uniform integer in [0, n), n >= 1: floor(uniform * n); takes two words. */
uint32_t rd_rng_below(rd_rng *rng, uint32_t n);
/* Standard normal by Box-Muller, takes four words: sqrt(-2 ln(1 - u1)) cos(2 pi u2). */
double rd_rng_normal(rd_rng *rng);

#endif
