/* SPDX-License-Identifier: MIT */
/* Other programs beside the one that is measured. */
#ifndef RD_BENCH_BUSY_H
#define RD_BENCH_BUSY_H

#include <sys/types.h>

#include "error.h"

enum { RD_BUSY_MOST = 64 };

/* Processes that do nothing but take processor time. */
typedef struct rd_busy {
  pid_t processes[RD_BUSY_MOST];
  int count;
} rd_busy;

/* Start `count` of them; they end with this process at the latest. */
rd_code rd_busy_start(rd_busy *b, int count, rd_error *e);
void rd_busy_stop(rd_busy *b);

#endif
