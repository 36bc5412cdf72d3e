/* SPDX-License-Identifier: MIT */
/* Intervals: Wilson's in closed form, others from resamples keyed by counter. */
#include "stats.h"

#include "rng.h"

#include <math.h>
#include <stdlib.h>

enum { RESAMPLES = 1000, TAIL = 25 }; /* 2.5% on either side */

rd_interval rd_wilson(size_t right, size_t n) {
  const double z = 1.959963984540054;
  if (n == 0)
    return (rd_interval){0, 1};
  double m = (double)n, p = (double)right / m;
  double scale = 1 + z * z / m, centre = p + z * z / (2 * m);
  double width = z * sqrt(p * (1 - p) / m + z * z / (4 * m * m));
  return (rd_interval){fmax(0, (centre - width) / scale), fmin(1, (centre + width) / scale)};
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

rd_interval rd_bootstrap(const double *over, const double *under, size_t n, uint64_t seed) {
  double ratios[RESAMPLES];
  if (n == 0)
    return (rd_interval){NAN, NAN};
  for (uint32_t i = 0; i < RESAMPLES; i++) {
    /* Position UINT32_MAX: rows use theirs for draws of their own. */
    rd_rng rng = rd_rng_at(seed, RD_STREAM_EVAL, i, UINT32_MAX);
    double top = 0, bottom = 0;
    for (size_t k = 0; k < n; k++) {
      uint32_t row = rd_rng_below(&rng, (uint32_t)n);
      top += over[row];
      bottom += under ? under[row] : 1;
    }
    ratios[i] = bottom > 0 ? top / bottom : 0;
  }
  qsort(ratios, RESAMPLES, sizeof *ratios, by_size);
  return (rd_interval){ratios[TAIL], ratios[RESAMPLES - 1 - TAIL]};
}
