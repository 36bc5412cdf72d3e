/* SPDX-License-Identifier: MIT */
/* What the program has used: time and memory. */
#ifndef RD_CLOCK_H
#define RD_CLOCK_H

#include <stddef.h>
#include <time.h>

/* Seconds on a clock that only goes forward. */
double rd_seconds(void);
/* Seconds of processor time that the calling thread has used. */
double rd_thread_seconds(void);
/* The time of day so many seconds from now, until which pthread_cond_timedwait waits. */
struct timespec rd_seconds_ahead(double seconds);
/* Bytes of memory that the program has now; 0 where the system does not say. */
size_t rd_resident_bytes(void);

#endif
