/* SPDX-License-Identifier: MIT */
/* Work split over threads: the one place of the kernels where OpenMP threads start. */
#ifndef RD_PARALLEL_H
#define RD_PARALLEL_H

#include <stdint.h>

/* Work on items first <= i < last. `thread` counts from 0 and is below rd_threads_get(). */
typedef void rd_range(void *context, int thread, int64_t first, int64_t last);

/* Call `work` on ranges that cover 0..n-1 once: one contiguous range for each thread, none shorter
 * than `grain` items (so small inputs stay on the calling thread). Returns when all are done.
 * Inside a parallel region: one call with everything. */
void rd_parallel(int64_t n, int64_t grain, rd_range *work, void *context);

/* The same for items of unequal cost: each thread takes one item at a time. `work` gets ranges of
 * one item. */
void rd_parallel_each(int64_t n, rd_range *work, void *context);

#endif
