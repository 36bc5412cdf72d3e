/* SPDX-License-Identifier: MIT */
/* OpenMP behind one function. libgomp's barriers are invisible to ThreadSanitizer, so the start and
 * the end of a region are also ordered by an atomic counter, and the function with the region
 * itself (whose hidden argument block is what the workers read first) is not instrumented. */
#include "parallel.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdbool.h>

typedef struct job {
  rd_range *work;
  void *context;
  int64_t n;
  atomic_llong next; /* the next item, when each is taken for itself */
  bool each;
  atomic_int fence;
} job;

__attribute__((noinline)) static void run(job *j, int thread, int threads) {
  atomic_load_explicit(&j->fence, memory_order_acquire);
  if (j->each) {
    for (int64_t i; (i = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed)) < j->n;)
      j->work(j->context, thread, i, i + 1);
  } else {
    const int64_t first = j->n * thread / threads, last = j->n * (thread + 1) / threads;
    if (first < last)
      j->work(j->context, thread, first, last);
  }
  atomic_fetch_add_explicit(&j->fence, 1, memory_order_acq_rel);
}

__attribute__((noinline, no_sanitize("thread"))) static void fork_join(job *j, int threads) {
#pragma omp parallel num_threads(threads)
  run(j, omp_get_thread_num(), omp_get_num_threads());
}

static void start(job *j, int64_t most) {
  int64_t threads = omp_in_parallel() ? 1 : omp_get_max_threads();
  if (threads > most)
    threads = most;
  if (threads <= 1) {
    run(j, 0, 1);
    return;
  }
  atomic_fetch_add_explicit(&j->fence, 1, memory_order_acq_rel);
  fork_join(j, (int)threads);
  atomic_load_explicit(&j->fence, memory_order_acquire);
}

void rd_parallel(int64_t n, int64_t grain, rd_range *work, void *context) {
  job j = {.work = work, .context = context, .n = n};
  start(&j, n / (grain > 0 ? grain : 1));
}

void rd_parallel_each(int64_t n, rd_range *work, void *context) {
  job j = {.work = work, .context = context, .n = n, .each = true};
  start(&j, n);
}
