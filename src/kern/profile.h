/* SPDX-License-Identifier: MIT */
/* Where the time goes: laps between marked places. Off, a mark costs one load and a branch.
 *
 * A thread that works calls rd_profile_lap("what") after each piece of work; the time since its
 * last lap is added to that name. Names are string literals. */
#ifndef RD_PROFILE_H
#define RD_PROFILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rd_profile_row {
  const char *name;
  int64_t laps;
  double seconds;
} rd_profile_row;

extern atomic_bool rd_profile_on;

/* Begin to measure, from this moment on; laps of all threads are summed. */
void rd_profile_start(void);
/* The rows so far, in the order in which they were met; returns how many, at most `room`. */
size_t rd_profile_rows(rd_profile_row *rows, size_t room);

void rd_profile_add(const char *name);
static inline void rd_profile_lap(const char *name) {
  if (atomic_load_explicit(&rd_profile_on, memory_order_relaxed))
    rd_profile_add(name);
}

#endif
