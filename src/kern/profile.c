/* SPDX-License-Identifier: MIT */
/* Laps: a handful of names, so a list; under a lock, taken only while measuring. */
#include "profile.h"
#include "clock.h"

#include <pthread.h>
#include <string.h>

#include "peak.h"

enum { MOST = 32 };

atomic_bool rd_profile_on = false;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static rd_profile_row rows[MOST];
static size_t count;
static _Thread_local double last; /* 0: no lap yet in this thread */

void rd_profile_start(void) {
  last = rd_seconds();
  atomic_store(&rd_profile_on, true);
}

void rd_profile_add(const char *name) {
  const double now = rd_seconds(), seconds = last > 0 ? now - last : 0;
  last = now;
  pthread_mutex_lock(&lock);
  size_t i = 0;
  while (i < count && strcmp(rows[i].name, name) != 0)
    i++;
  if (i == count && count < MOST)
    rows[count++] = (rd_profile_row){.name = name};
  if (i < count) {
    rows[i].laps++;
    rows[i].seconds += seconds;
  }
  pthread_mutex_unlock(&lock);
}

size_t rd_profile_rows(rd_profile_row *out, size_t room) {
  pthread_mutex_lock(&lock);
  const size_t n = count < room ? count : room;
  memcpy(out, rows, n * sizeof *out);
  pthread_mutex_unlock(&lock);
  return n;
}
