/* SPDX-License-Identifier: MIT */
/* Work shared over threads: each item once, whoever takes it; a thread that is held up holds up one
 * piece alone; workers sleep when nothing comes, and are woken again; a child has its own. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "clock.h"
#include "cpu.h"
#include "parallel.h"

enum { MOST = 1000, THREADS = 5 };
static const double TOO_LONG = 120; /* seconds, after which something hangs */

typedef struct count {
  atomic_int times[MOST];   /* that an item was worked on */
  atomic_int busy[THREADS]; /* ranges under way with a thread's number */
  atomic_int wrong, calls;
  int64_t n, grain; /* grain 0: each for itself */
} count;

static void add_up(void *context, int thread, int64_t first, int64_t last) {
  count *c = context;
  atomic_fetch_add(&c->calls, 1);
  if (thread < 0 || thread >= THREADS || first < 0 || first >= last || last > c->n ||
      (c->grain == 0 && last != first + 1) || atomic_fetch_add(&c->busy[thread], 1) != 0) {
    atomic_fetch_add(&c->wrong, 1);
    return;
  }
  for (int64_t i = first; i < last; i++)
    atomic_fetch_add(&c->times[i], 1);
  sched_yield();
  atomic_fetch_sub(&c->busy[thread], 1);
}

/* Whether every item of `n` was worked on once. */
static bool once_each(int64_t n, int64_t grain, int *calls) {
  count c = {.n = n, .grain = grain};
  if (grain == 0)
    rd_parallel_each(n, add_up, &c);
  else
    rd_parallel(n, grain, add_up, &c);
  *calls = atomic_load(&c.calls);
  for (int64_t i = 0; i < MOST; i++)
    if (atomic_load(&c.times[i]) != (i < n))
      return false;
  return atomic_load(&c.wrong) == 0;
}

static void items_are_taken_once(void **state) {
  (void)state;
  static const int64_t sizes[] = {0, 1, 2, 3, 7, 64, 999, MOST}, grains[] = {0, 1, 2, 50, 2000};
  int calls = 0;
  for (int threads = 1; threads <= THREADS; threads++)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
      for (size_t g = 0; g < sizeof grains / sizeof *grains; g++)
        for (int round = 0; round < 20; round++) {
          rd_threads_set(threads);
          if (!once_each(sizes[s], grains[g], &calls))
            fail_msg("%d threads, %ld items, grain %ld: not each once", threads, (long)sizes[s],
                     (long)grains[g]);
          if (grains[g] > 0 && sizes[s] > 0 && (threads == 1 || sizes[s] < 2 * grains[g]))
            assert_int_equal(calls, 1);
          if (grains[g] == 2 && sizes[s] == MOST && threads > 1)
            assert_true(calls >= threads);
        }
}

typedef struct held {
  atomic_int done, rest; /* items that are done; all but the first */
  bool late;
} held;

/* The first item does not end before all others have, which it can only see if others take them. */
static void hold(void *context, int thread, int64_t first, int64_t last) {
  held *h = context;
  (void)thread;
  const double start = rd_seconds();
  if (first == 0) {
    while (atomic_load(&h->done) < atomic_load(&h->rest) && !h->late) {
      h->late = rd_seconds() - start > TOO_LONG;
      sched_yield();
    }
    return;
  }
  atomic_fetch_add(&h->done, (int)(last - first));
}

static void who_is_held_up_holds_up_one_piece(void **state) {
  (void)state;
  for (int threads = 2; threads <= THREADS; threads++) {
    rd_threads_set(threads);
    held h = {.rest = 63};
    rd_parallel_each(64, hold, &h);
    assert_false(h.late);
    assert_int_equal(atomic_load(&h.done), 63);
    /* four pieces a thread: the first of them is held */
    held pieces = {.rest = MOST - MOST / threads / 4};
    if (MOST % (4 * threads) == 0)
      rd_parallel(MOST, 1, hold, &pieces);
    assert_false(pieces.late);
  }
}

static bool all_asleep(int workers) {
  const double start = rd_seconds();
  while (rd_parallel_asleep() != workers && rd_seconds() - start < TOO_LONG)
    usleep(1000);
  return rd_parallel_asleep() == workers;
}

/* In a thread of its own, whose workers are counted. */
static void *sleepers(void *context) {
  int calls = 0;
  bool *good = context;
  rd_threads_set(4);
  *good = rd_parallel_asleep() == 0;
  for (int i = 0; i < 3; i++)
    *good = *good && once_each(MOST, 0, &calls) && all_asleep(3);
  return NULL;
}

static void workers_sleep_when_nothing_comes(void **state) {
  (void)state;
  pthread_t threads[3];
  bool good[3] = {false};
  for (int i = 0; i < 3; i++) /* each caller has its own workers */
    assert_int_equal(pthread_create(&threads[i], NULL, sleepers, &good[i]), 0);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_true(good[i]);
  }
}

static void inside(void *context, int thread, int64_t first, int64_t last) {
  atomic_int *wrong = context;
  int calls = 0;
  (void)thread, (void)first, (void)last;
  if (rd_threads_get() != 1 || !once_each(MOST, 1, &calls) || calls != 1)
    atomic_fetch_add(wrong, 1);
}

static void inside_a_range_one_thread_works(void **state) {
  (void)state;
  atomic_int wrong = 0;
  rd_threads_set(3);
  rd_parallel_each(12, inside, &wrong);
  assert_int_equal(atomic_load(&wrong), 0);
  assert_int_equal(rd_threads_get(), 3);
}

static void a_child_has_workers_of_its_own(void **state) {
  (void)state;
  int calls = 0, status = -1;
  rd_threads_set(3);
  assert_true(once_each(MOST, 0, &calls));
  const pid_t child = fork();
  if (child == 0) {
    alarm((unsigned)TOO_LONG);
    _exit(once_each(MOST, 0, &calls) && all_asleep(2) ? 0 : 1);
  }
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_true(once_each(MOST, 0, &calls));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(items_are_taken_once),
      cmocka_unit_test(who_is_held_up_holds_up_one_piece),
      cmocka_unit_test(workers_sleep_when_nothing_comes),
      cmocka_unit_test(inside_a_range_one_thread_works),
      cmocka_unit_test(a_child_has_workers_of_its_own),
  };
  return cmocka_run_group_tests_name("parallel", tests, NULL, NULL);
}
