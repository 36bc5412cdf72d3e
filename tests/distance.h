/* SPDX-License-Identifier: MIT */
/* How far numbers are from others. */
#ifndef DISTANCE_H
#define DISTANCE_H

#include <math.h>
#include <stdint.h>

/* Norm of the difference over norm. */
static inline double distance(const float *x, const float *y, int64_t n) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < n; i++) {
    difference += (double)(x[i] - y[i]) * (double)(x[i] - y[i]);
    norm += (double)y[i] * (double)y[i];
  }
  return sqrt(difference / norm);
}

#endif
