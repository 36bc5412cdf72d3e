/* SPDX-License-Identifier: MIT */
/* Schedules: how many positions an iteration noises or fills. */
#include "view.h"

#include <math.h>

static double open_positions(const rd_view *v) {
  int64_t open = 0;
  for (int64_t p = 0; p < v->n; p++)
    open += !v->fixed[p];
  return (double)open;
}

static double masks_left(const rd_view *v) {
  int64_t masks = 0;
  for (int64_t p = 0; p < v->n; p++)
    masks += v->proposed[p] != 0;
  return (double)masks;
}

/* This pass of the plan, from 0, and how many there are. */
static double pass_of(const rd_view *v) {
  return (double)(v->anew ? v->block_step : v->iteration - 1);
}

static double passes_of(const rd_view *v) {
  return (double)(v->anew ? v->block_steps : v->iterations);
}

double rd_schedule_none(const rd_view *v) {
  (void)v;
  return 0;
}

/* f(i) = (exp(-s i/N) - exp(-s)) / (1 - exp(-s)) with i from 0: from 1 down to 0, convex in s. */
double rd_schedule_lad(const rd_view *v) {
  double s = v->params->sharpness, end = exp(-s);
  double i = pass_of(v), N = passes_of(v);
  if (v->params->no_noise)
    return 0;
  return (exp(-s * i / N) - end) / (1 - end) * open_positions(v) * v->params->noise_start;
}

double rd_schedule_falling(const rd_view *v) {
  double left = 1 - (pass_of(v) + 1) / passes_of(v);
  return v->params->noise_level * left * open_positions(v);
}

double rd_schedule_even(const rd_view *v) {
  int64_t steps = v->block_steps > 0 ? v->block_steps : 1;
  return (double)(v->block_masks / steps + (v->block_step < v->block_masks % steps));
}

double rd_schedule_block(const rd_view *v) {
  int64_t steps = v->block_steps > 0 ? v->block_steps : 1;
  return (double)(v->block_size / steps + (v->block_step < v->block_size % steps));
}

/* Pass after pass from the first; halves go to the even number, as torch rounds. */
double rd_schedule_rounded(const rd_view *v) {
  int64_t left = v->block_masks, real = -1;
  for (int64_t rest = v->block_steps; rest > 0; rest--) {
    int64_t quota = (int64_t)nearbyint((double)left / (double)rest);
    left -= quota;
    real += quota > 0;
    if (quota > 0 && real == v->block_step)
      return (double)quota;
  }
  return (double)left;
}

double rd_schedule_linear(const rd_view *v) {
  const double last = 1e-3;
  double i = pass_of(v), N = passes_of(v), fall = (1 - last) / N;
  double t = 1 - fall * i, s = 1 - fall * (i + 1);
  return i + 1 >= N ? masks_left(v) : masks_left(v) * (1 - s / t);
}
