/* SPDX-License-Identifier: MIT */
/* A time as RFC 3339 writes it: "2026-01-31T12:00:00Z". */
#ifndef RD_STAMP_H
#define RD_STAMP_H

#include <stdint.h>
#include <time.h>

enum { RD_STAMP = 32 };

/* A Unix time, written into `out`, which is returned. */
static inline const char *rd_stamp(char out[RD_STAMP], int64_t when) {
  time_t seconds = (time_t)when;
  struct tm parts;
  gmtime_r(&seconds, &parts);
  strftime(out, RD_STAMP, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return out;
}

#endif
