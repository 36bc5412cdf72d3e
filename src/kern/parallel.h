/* SPDX-License-Identifier: MIT */
/* Work split over threads: the one place of the kernels where threads start. Each thread that calls
 * has workers of its own, which wait for its next call and sleep when none comes for some time. */
#ifndef RD_PARALLEL_H
#define RD_PARALLEL_H

#include <stdint.h>

/* Work on items first <= i < last. `thread` counts from 0 and is below rd_threads_get() of the
 * caller; no two threads with one number work at the same time. */
typedef void rd_range(void *context, int thread, int64_t first, int64_t last);

/* Call `work` on ranges that cover 0..n-1 once: some contiguous ranges for each thread, none but
 * the ends of shares shorter than `grain` items (so small inputs stay on the calling thread). A
 * thread that the system holds up leaves what it has not begun to the others. Returns when all are
 * done. Inside a range: one call with everything. */
void rd_parallel(int64_t n, int64_t grain, rd_range *work, void *context);

/* The same for items of unequal cost: `work` gets ranges of one item. */
void rd_parallel_each(int64_t n, rd_range *work, void *context);

/* How many of the calling thread's workers are asleep. */
int rd_parallel_asleep(void);

#endif
