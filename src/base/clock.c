/* SPDX-License-Identifier: MIT */
/* Clocks and memory as the system tells them. */
#include "clock.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static double seconds_on(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double rd_seconds(void) {
  return seconds_on(CLOCK_MONOTONIC);
}

double rd_thread_seconds(void) {
  return seconds_on(CLOCK_THREAD_CPUTIME_ID);
}

struct timespec rd_seconds_ahead(double seconds) {
  double at = seconds_on(CLOCK_REALTIME) + seconds;
  return (struct timespec){(time_t)at, (long)((at - (double)(time_t)at) * 1e9)};
}

size_t rd_resident_bytes(void) {
  unsigned long long all = 0, resident = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  if (file && fscanf(file, "%llu %llu", &all, &resident) != 2)
    resident = 0;
  if (file)
    fclose(file);
  return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}
