/* SPDX-License-Identifier: MIT */
/* The three corruptions as combinations of five steps. */
#include "corrupt.h"

#include <string.h>

enum { LONGEST_SPAN = 3, FARTHEST_SHIFT = 4 };
static const double ALL_MASKED = 0.1;       /* structural: chance that every token is masked */
static const double PERTURBED_SHARE = 0.25; /* p/4: rate of swaps, duplications and shifts */
static const double LEAST_RATE = 1e-3;      /* LLaDA's t_min */

void rd_corrupt_mask_count(int32_t *ids, int64_t n, int64_t count, int32_t mask, rd_rng *rng,
                           int32_t *scratch) {
  for (int64_t i = 0; i < n; i++)
    scratch[i] = (int32_t)i;
  for (int64_t i = 0; i < count && i < n; i++) {
    int64_t j = i + rd_rng_below(rng, (uint32_t)(n - i));
    int32_t position = scratch[j];
    scratch[j] = scratch[i];
    scratch[i] = position;
    ids[position] = mask;
  }
}

int64_t rd_corrupt_mask_rate(int32_t *ids, int64_t n, double t, bool at_least_one, int32_t mask,
                             rd_rng *rng) {
  int64_t masked = 0;
  for (int64_t i = 0; i < n; i++)
    if (rd_rng_uniform(rng) < t) {
      ids[i] = mask;
      masked++;
    }
  if (masked == 0 && at_least_one && n > 0) {
    ids[rd_rng_below(rng, (uint32_t)n)] = mask;
    masked = 1;
  }
  return masked;
}

void rd_corrupt_swap(int32_t *ids, int64_t n, double rate, rd_rng *rng) {
  for (int64_t i = 0; i + 1 < n; i++)
    if (rd_rng_uniform(rng) < rate) {
      int32_t left = ids[i];
      ids[i] = ids[i + 1];
      ids[i + 1] = left;
    }
}

void rd_corrupt_duplicate(int32_t *ids, int64_t n, double rate, rd_rng *rng, int32_t *scratch) {
  int32_t *before = scratch, *from = scratch + n; /* from: -1 left, 1 right, 0 none */
  for (int64_t i = 0; i < n; i++) {
    from[i] = rd_rng_uniform(rng) < rate ? (rd_rng_uniform(rng) < 0.5 ? -1 : 1) : 0;
    if (i + from[i] < 0 || i + from[i] >= n)
      from[i] = 0;
  }
  for (int32_t side = -1; side <= 1; side += 2) {
    memcpy(before, ids, (size_t)n * sizeof *ids);
    for (int64_t i = 0; i < n; i++)
      if (from[i] == side)
        ids[i] = before[i + side];
  }
}

void rd_corrupt_shift(int32_t *ids, int64_t n, double rate, rd_rng *rng, int32_t *scratch) {
  if (n < 1 || rd_rng_uniform(rng) >= rate)
    return;
  int64_t length = 1 + rd_rng_below(rng, LONGEST_SPAN);
  length = length < n ? length : n;
  int64_t start = rd_rng_below(rng, (uint32_t)(n - length + 1));
  int64_t to = 1 + rd_rng_below(rng, FARTHEST_SHIFT);
  to = rd_rng_uniform(rng) < 0.5 ? start - to : start + to;
  to = to < 0 ? 0 : to > n - length ? n - length : to;
  memcpy(scratch, ids + start, (size_t)length * sizeof *ids);
  memcpy(ids + to, scratch, (size_t)length * sizeof *ids);
}

static void perturb(int32_t *ids, int64_t n, double p, rd_rng *rng, int32_t *scratch) {
  double rate = p * PERTURBED_SHARE;
  rd_corrupt_swap(ids, n, rate, rng);
  rd_corrupt_duplicate(ids, n, rate, rng, scratch);
  rd_corrupt_shift(ids, n, rate, rng, scratch);
}

/* Draws: all?, p, mask at all?, f if so, the positions, then the perturbations when n > 2. */
static double structural(int32_t *ids, int64_t n, int32_t mask, rd_rng *rng, int32_t *scratch) {
  if (rd_rng_uniform(rng) < ALL_MASKED) {
    for (int64_t i = 0; i < n; i++)
      ids[i] = mask;
    return 0;
  }
  double p = rd_rng_uniform(rng);
  if (rd_rng_uniform(rng) < 0.5) {
    double f = rd_rng_uniform(rng) * 0.5;
    rd_corrupt_mask_count(ids, n, (int64_t)((double)n * f), mask, rng, scratch);
  }
  if (n > 2)
    perturb(ids, n, p, rng, scratch);
  return 0;
}

/* Draws: t = t_min + (1 - t_min) u, then one u a position. */
static double mask_only(int32_t *ids, int64_t n, int32_t mask, rd_rng *rng, int32_t *scratch) {
  (void)scratch;
  double t = LEAST_RATE + (1 - LEAST_RATE) * rd_rng_uniform(rng);
  rd_corrupt_mask_rate(ids, n, t, true, mask, rng);
  return t;
}

/* Draws: t, p, the perturbations when n > 2, then one u a position. */
static double mixed(int32_t *ids, int64_t n, int32_t mask, rd_rng *rng, int32_t *scratch) {
  double t = rd_rng_uniform(rng), p = rd_rng_uniform(rng);
  if (n > 2)
    perturb(ids, n, p, rng, scratch);
  rd_corrupt_mask_rate(ids, n, t, false, mask, rng);
  return 0;
}

const rd_corruption rd_corruptions[] = {
    {"structural", "LAD: masks, swaps, duplications and shifted spans", structural},
    {"mask", "LLaDA: a uniform share of masks, loss weighted by 1/t", mask_only},
    {"mixed", "a uniform share of masks over structural perturbations", mixed},
};
const size_t rd_corruption_count = sizeof rd_corruptions / sizeof *rd_corruptions;

const rd_table rd_corruption_table = RD_TABLE("corruption", rd_corruptions);

rd_code rd_corruption_find(const rd_corruption **out, const char *name, rd_error *e) {
  *out = rd_table_find(&rd_corruption_table, name, e);
  return *out ? RD_OK : RD_USAGE;
}
