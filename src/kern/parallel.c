/* SPDX-License-Identifier: MIT */
/* Threads of our own, because a machine is seldom ours alone: OpenMP's spin for each other, and one
 * busy process beside them makes a pass of some hundred regions take fifty times as long.
 *
 * Whoever starts regions has a team of workers, which lives as long as that thread. A region is a
 * word that changes: its number, whether it is open, how many threads it may have and how many
 * workers are in it. A worker that sees it open joins by adding one; the caller works too, closes
 * the region when nothing is left to begin, and waits for those who joined. A worker that the
 * system woke too late finds it closed, and nobody has waited for it.
 *
 * Items are dealt out evenly, so that a thread comes back to the rows it had before, and each share
 * is taken in pieces; who has done with his own takes from the others. So a thread that the system
 * stops holds up one piece, not a share.
 *
 * Waiting is a bounded spin, then sleep: regions of a pass follow each other within microseconds,
 * and a wake-up costs tens of them. Where the system takes the processor away for others, the spin
 * would only use up the time that it gives us: then there is none to speak of. */
#include "parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "cpu.h"

enum {
  SHARES = 4,      /* pieces of a thread's share */
  PATIENCE = 4000, /* looks before sleep: some 50 to 150 microseconds */
  GLANCE = 100,    /* the same where others want the processor */
  WARY = 100       /* waits for which that is remembered */
};

/* What is left of a thread's share. */
typedef struct share {
  alignas(64) atomic_llong next;
  int64_t last;
} share;

/* state: workers inside (16 bits), threads that the region may have (15), open (1), its number. */
static const uint64_t INSIDE = 0xffff, OPEN = (uint64_t)1 << 31;
enum { THREADS_AT = 16, NUMBER_AT = 32, MOST = 0x7fff };

typedef struct team {
  alignas(64) atomic_ullong state;
  atomic_int asleep;         /* workers that wait for `called` */
  atomic_bool caller_asleep; /* the caller waits for `left` */
  atomic_bool over;
  pthread_mutex_t lock;
  pthread_cond_t called, left;
  int workers, room;  /* those that run; places in `threads` */
  pthread_t *threads; /* (room) */
  share *shares;      /* (room + 1) */
  /* the region */
  rd_range *work;
  void *context;
  int64_t piece;
  int count; /* of its threads */
} team;

typedef struct worker {
  team *team;
  int index; /* from 1: 0 is the caller */
} worker;

static _Thread_local team *ours;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool ready;

/* Whether others want the calling thread's processor: the system took it away since we looked last,
 * or not many waits ago. */
static bool crowded(void) {
  static _Thread_local long taken;
  static _Thread_local int wary;
  struct rusage used;
  if (getrusage(RUSAGE_THREAD, &used) == 0 && used.ru_nivcsw != taken) {
    taken = used.ru_nivcsw;
    wary = WARY;
  } else if (wary > 0) {
    wary--;
  }
  return wary > 0;
}

/* One look more, the i-th? Not for long where others could use the time. */
static bool patient(int i) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
  return i < PATIENCE && (i != GLANCE || !crowded());
}

/* Work until nothing is left to begin: the thread's own share first, then the others'. */
static void take(team *t, int thread) {
  for (int i = 0; i < t->count; i++) {
    share *s = &t->shares[(thread + i) % t->count];
    while (atomic_load_explicit(&s->next, memory_order_relaxed) < s->last) {
      const int64_t first = atomic_fetch_add_explicit(&s->next, t->piece, memory_order_relaxed);
      if (first < s->last)
        t->work(t->context, thread, first, s->last - first < t->piece ? s->last : first + t->piece);
    }
  }
}

/* Whether worker `index`, which was last in region `seen`, may join. */
static bool may_join(uint64_t state, uint64_t seen, int index) {
  return (state & OPEN) && state >> NUMBER_AT != seen && index < (int)(state >> THREADS_AT & MOST);
}

/* Until there is a region to join, or the team is over. */
static uint64_t await_call(team *t, uint64_t seen, int index) {
  uint64_t s = atomic_load(&t->state);
  for (int i = 0; !may_join(s, seen, index) && patient(i); i++)
    s = atomic_load(&t->state);
  if (may_join(s, seen, index))
    return s;
  pthread_mutex_lock(&t->lock);
  atomic_fetch_add(&t->asleep, 1);
  while (!may_join(s = atomic_load(&t->state), seen, index) && !atomic_load(&t->over))
    pthread_cond_wait(&t->called, &t->lock);
  atomic_fetch_sub(&t->asleep, 1);
  pthread_mutex_unlock(&t->lock);
  return s;
}

static void *serve(void *context) {
  const worker w = *(worker *)context;
  team *t = w.team;
  uint64_t seen = 0;
  free(context);
  rd_threads_alone(true);
  for (;;) {
    unsigned long long s = await_call(t, seen, w.index);
    if (atomic_load(&t->over))
      return NULL;
    if (!atomic_compare_exchange_strong(&t->state, &s, s + 1))
      continue; /* another joined, or it has closed */
    seen = s >> NUMBER_AT;
    take(t, w.index);
    s = atomic_fetch_sub(&t->state, 1) - 1;
    if ((s & (INSIDE | OPEN)) == 0 && atomic_load(&t->caller_asleep)) {
      pthread_mutex_lock(&t->lock);
      pthread_cond_signal(&t->left);
      pthread_mutex_unlock(&t->lock);
    }
  }
}

static void wake(team *t) {
  pthread_mutex_lock(&t->lock);
  pthread_cond_broadcast(&t->called);
  pthread_mutex_unlock(&t->lock);
}

static void team_end(void *context) {
  team *t = context;
  atomic_store(&t->over, true);
  wake(t);
  for (int i = 0; i < t->workers; i++)
    pthread_join(t->threads[i], NULL);
  pthread_cond_destroy(&t->called);
  pthread_cond_destroy(&t->left);
  pthread_mutex_destroy(&t->lock);
  free(t->threads);
  free(t->shares);
  free(t);
  ours = NULL;
}

/* The main thread's key destructor does not run at exit. */
static void end_at_exit(void) {
  if (ours != NULL)
    team_end(ours);
}

/* Workers do not survive a fork: the child starts anew. */
static void forget(void) {
  pthread_setspecific(key, ours = NULL);
}

static void prepare(void) {
  ready = pthread_key_create(&key, team_end) == 0 && pthread_atfork(NULL, NULL, forget) == 0 &&
          atexit(end_at_exit) == 0;
}

static team *team_new(void) {
  pthread_once(&once, prepare);
  team *t = ready ? aligned_alloc(64, sizeof *t) : NULL;
  if (t == NULL)
    return NULL;
  *t = (team){.lock = PTHREAD_MUTEX_INITIALIZER,
              .called = PTHREAD_COND_INITIALIZER,
              .left = PTHREAD_COND_INITIALIZER};
  if (pthread_setspecific(key, t) != 0) {
    free(t);
    return NULL;
  }
  return ours = t;
}

/* Room for `workers`; the region is closed, so that nobody reads the old shares. */
static bool make_room(team *t, int workers) {
  if (workers <= t->room)
    return true;
  pthread_t *threads = realloc(t->threads, (size_t)workers * sizeof *threads);
  if (threads == NULL)
    return false;
  t->threads = threads;
  share *shares = aligned_alloc(64, (size_t)(workers + 1) * sizeof *shares);
  if (shares == NULL)
    return false;
  free(t->shares);
  t->shares = shares;
  t->room = workers;
  return true;
}

/* One more worker; signals are the business of the program's own threads. */
static bool hire(team *t) {
  worker *w = malloc(sizeof *w);
  sigset_t all, before;
  if (w == NULL)
    return false;
  *w = (worker){t, t->workers + 1};
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const bool hired = pthread_create(&t->threads[t->workers], NULL, serve, w) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (hired)
    t->workers++;
  else
    free(w);
  return hired;
}

/* The calling thread's team with `threads` of them, itself included, or as many as there can be. */
static team *team_of(int threads) {
  team *t = ours != NULL ? ours : team_new();
  if (t == NULL || !make_room(t, threads - 1))
    return NULL;
  while (t->workers < threads - 1 && hire(t))
    ;
  return t->workers > 0 ? t : NULL;
}

static void await_end(team *t) {
  for (int i = 0; patient(i); i++)
    if ((atomic_load(&t->state) & INSIDE) == 0)
      return;
  pthread_mutex_lock(&t->lock);
  atomic_store(&t->caller_asleep, true);
  while ((atomic_load(&t->state) & INSIDE) != 0)
    pthread_cond_wait(&t->left, &t->lock);
  atomic_store(&t->caller_asleep, false);
  pthread_mutex_unlock(&t->lock);
}

/* False: there is nobody to share the work with. */
static bool region(rd_range *work, void *context, int64_t n, int64_t piece, int threads) {
  team *t = team_of(threads);
  if (t == NULL)
    return false;
  t->work = work;
  t->context = context;
  t->piece = piece;
  t->count = threads;
  for (int64_t i = 0; i < threads; i++) {
    atomic_store_explicit(&t->shares[i].next, n * i / threads, memory_order_relaxed);
    t->shares[i].last = n * (i + 1) / threads;
  }
  const uint64_t number = (atomic_load(&t->state) >> NUMBER_AT) + 1;
  atomic_store(&t->state, number << NUMBER_AT | OPEN | (uint64_t)threads << THREADS_AT);
  if (atomic_load(&t->asleep) > 0)
    wake(t);
  rd_threads_alone(true);
  take(t, 0);
  rd_threads_alone(false);
  atomic_fetch_and(&t->state, ~OPEN);
  await_end(t);
  return true;
}

static int threads_for(int64_t most) {
  int64_t threads = rd_threads_get();
  threads = threads < most ? threads : most;
  return (int)(threads < MOST ? threads : MOST);
}

void rd_parallel(int64_t n, int64_t grain, rd_range *work, void *context) {
  grain = grain > 0 ? grain : 1;
  const int threads = threads_for(n / grain);
  const int64_t shared = threads > 1 ? (n + threads * SHARES - 1) / (threads * SHARES) : n;
  if (n > 0 &&
      (threads <= 1 || !region(work, context, n, grain > shared ? grain : shared, threads)))
    work(context, 0, 0, n);
}

void rd_parallel_each(int64_t n, rd_range *work, void *context) {
  const int threads = threads_for(n);
  if (threads <= 1 || !region(work, context, n, 1, threads))
    for (int64_t i = 0; i < n; i++)
      work(context, 0, i, i + 1);
}

int rd_parallel_asleep(void) {
  return ours != NULL ? atomic_load(&ours->asleep) : 0;
}
