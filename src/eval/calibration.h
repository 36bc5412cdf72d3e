/* SPDX-License-Identifier: MIT */
/* Are probabilities as often right as they say? A temperature that makes them so, and how far they
 * are from it: expected calibration error, Brier score, the curve of reliability (Guo et al. 2017).
 */
#ifndef RD_CALIBRATION_H
#define RD_CALIBRATION_H

#include "error.h"

/* An answer that is known to be right or wrong. */
typedef struct rd_graded {
  const double *scores; /* (count) logarithms of shares, before any temperature */
  int64_t count;
  int64_t right; /* which of them */
} rd_graded;

enum { RD_CALIBRATION_BINS = 10 };

typedef struct rd_calibration {
  double nll;      /* mean -ln p of the right answers */
  double brier;    /* mean over answers of the squared distance of probabilities and truth */
  double error;    /* expected calibration error: mean distance of confidence and share right */
  double accuracy; /* share of answers whose likeliest alternative is right */
  struct rd_bin {
    int64_t count;     /* answers whose likeliest alternative has a probability in this tenth */
    double confidence; /* their mean probability */
    double right;      /* the share of them that is right */
  } bins[RD_CALIBRATION_BINS];
} rd_calibration;

/* Measure answers (n >= 1) at a temperature. `scratch` has room for the largest count. */
rd_calibration rd_calibration_at(const rd_graded *answers, size_t n, double temperature,
                                 double *scratch);
/* The temperature, from 0.05 to 20, at which the right answers are likeliest. */
double rd_calibration_fit(const rd_graded *answers, size_t n, double *scratch);
/* What a temperature is worth on answers that it was not fitted to: each half at the temperature of
 * the other half (every second answer; n >= 2). */
rd_calibration rd_calibration_crossed(const rd_graded *answers, size_t n, double *scratch);

#endif
