/* SPDX-License-Identifier: MIT */
/* Confidence intervals, all at 95%. */
#ifndef RD_STATS_H
#define RD_STATS_H

#include <stddef.h>
#include <stdint.h>

typedef struct rd_interval {
  double low, high;
} rd_interval;

/* The share `right` / `n`: Wilson's score interval (1927); 0..1 for n = 0. */
rd_interval rd_wilson(size_t right, size_t n);
/* The ratio sum(over) / sum(under) of `n` independent rows, `under` NULL: the mean of `over`: the
 * percentile bootstrap (Efron 1979) of 1000 resamples, drawn by `seed`. NAN for n = 0. */
rd_interval rd_bootstrap(const double *over, const double *under, size_t n, uint64_t seed);

#endif
