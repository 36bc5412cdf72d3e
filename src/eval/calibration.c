/* SPDX-License-Identifier: MIT */
/* Sums over answers, so that halves can be added. The mean of -ln p has one minimum in 1 / T (it is
 * convex there), which golden section on ln T finds. */
#include "calibration.h"

#include "decide.h"

#include <math.h>

/* Add the answers first, first + step, .. of n at a temperature; sums, not means. */
static void add(rd_calibration *c, const rd_graded *answers, size_t n, size_t first, size_t step,
                double temperature, double *shares) {
  for (size_t i = first; i < n; i += step) {
    const rd_graded *a = &answers[i];
    int64_t best = 0;
    rd_shares_at(shares, a->scores, a->count, temperature);
    for (int64_t k = 0; k < a->count; k++) {
      double off = shares[k] - (k == a->right);
      best = shares[k] > shares[best] ? k : best;
      c->brier += off * off;
    }
    c->nll -= log(fmax(shares[a->right], 1e-300));
    c->accuracy += best == a->right;
    int bin = (int)(shares[best] * RD_CALIBRATION_BINS);
    bin = bin < RD_CALIBRATION_BINS ? bin : RD_CALIBRATION_BINS - 1;
    c->bins[bin].count++;
    c->bins[bin].confidence += shares[best];
    c->bins[bin].right += best == a->right;
  }
}

/* Sums over n answers become means. */
static void settle(rd_calibration *c, size_t n) {
  const double all = (double)n;
  for (int i = 0; i < RD_CALIBRATION_BINS; i++) {
    const double count = (double)c->bins[i].count;
    if (c->bins[i].count == 0)
      continue;
    c->error += fabs(c->bins[i].confidence - c->bins[i].right) / all;
    c->bins[i].confidence /= count;
    c->bins[i].right /= count;
  }
  c->nll /= all;
  c->brier /= all;
  c->accuracy /= all;
}

rd_calibration rd_calibration_at(const rd_graded *answers, size_t n, double temperature,
                                 double *scratch) {
  rd_calibration c = {0};
  add(&c, answers, n, 0, 1, temperature, scratch);
  settle(&c, n);
  return c;
}

/* -ln p of the right ones among first, first + step, .. at exp(log_temperature). */
static double loss(const rd_graded *answers, size_t n, size_t first, size_t step,
                   double log_temperature, double *scratch) {
  rd_calibration c = {0};
  add(&c, answers, n, first, step, exp(log_temperature), scratch);
  return c.nll;
}

static double fit(const rd_graded *answers, size_t n, size_t first, size_t step, double *scratch) {
  const double ratio = (sqrt(5) - 1) / 2;
  double low = log(0.05), high = log(20);
  double a = high - ratio * (high - low), b = low + ratio * (high - low);
  double at_a = loss(answers, n, first, step, a, scratch);
  double at_b = loss(answers, n, first, step, b, scratch);
  while (high - low > 1e-4) {
    if (at_a <= at_b) {
      high = b;
      b = a;
      at_b = at_a;
      a = high - ratio * (high - low);
      at_a = loss(answers, n, first, step, a, scratch);
    } else {
      low = a;
      a = b;
      at_a = at_b;
      b = low + ratio * (high - low);
      at_b = loss(answers, n, first, step, b, scratch);
    }
  }
  return exp((low + high) / 2);
}

double rd_calibration_fit(const rd_graded *answers, size_t n, double *scratch) {
  return fit(answers, n, 0, 1, scratch);
}

rd_calibration rd_calibration_crossed(const rd_graded *answers, size_t n, double *scratch) {
  rd_calibration c = {0};
  for (size_t half = 0; half < 2; half++)
    add(&c, answers, n, half, 2, fit(answers, n, 1 - half, 2, scratch), scratch);
  settle(&c, n);
  return c;
}
