/* SPDX-License-Identifier: MIT */
/* The schedules: half a cosine (Loshchilov & Hutter 2017, without restarts), a line, no change. */
#include "schedule.h"

#include <math.h>

static double cosine(double done) {
  return 0.5 * (1.0 + cos(3.14159265358979323846 * done));
}
static double linear(double done) {
  return 1.0 - done;
}
static double constant(double done) {
  (void)done;
  return 1.0;
}

const rd_rate_schedule rd_rate_schedules[] = {
    {"cosine", cosine, "half a cosine from the peak to zero"},
    {"linear", linear, "a line from the peak to zero"},
    {"constant", constant, "the peak until the end"},
};
const size_t rd_rate_schedule_count = sizeof rd_rate_schedules / sizeof *rd_rate_schedules;
const rd_table rd_rate_schedule_table = RD_TABLE("schedule", rd_rate_schedules);

double rd_rate_at(const rd_rate_schedule *schedule, double peak, int64_t update, int64_t warmup,
                  int64_t updates) {
  if (update <= warmup)
    return peak * (double)update / (double)warmup;
  if (updates <= warmup)
    return peak;
  double done = (double)(update - 1 - warmup) / (double)(updates - warmup);
  return peak * schedule->factor(done < 1.0 ? done : 1.0);
}
