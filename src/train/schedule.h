/* SPDX-License-Identifier: MIT */
/* Learning rate schedules: rows of a table, each a pure function of the share of the run done. */
#ifndef RD_SCHEDULE_H
#define RD_SCHEDULE_H

#include "table.h"

typedef struct rd_rate_schedule {
  const char *name;
  double (*factor)(double done); /* of the peak rate, done in [0, 1] after the warm-up */
  const char *help;
} rd_rate_schedule;

extern const rd_rate_schedule rd_rate_schedules[];
extern const size_t rd_rate_schedule_count;
extern const rd_table rd_rate_schedule_table; /* the same */

/* The rate of update 1, 2, ... `updates`: rises linearly to `peak` over `warmup` updates, then peak
 * times the row's factor of what is done before the update. So none is 0: the first behind the
 * warm-up has the peak, and the row's end would be the rate of the update after the last. */
double rd_rate_at(const rd_rate_schedule *schedule, double peak, int64_t update, int64_t warmup,
                  int64_t updates);

#endif
