/* SPDX-License-Identifier: MIT */
/* Every thread of a block has a stack of its own, on which it is left where it waits: ucontext
 * begins it, and jumps go on with it, since those ask nothing of the system. A round gives each its
 * turn; a number that is given for an exchange lies in one of two rows, since a thread may give the
 * next one while others still read the last. */
#undef _FORTIFY_SOURCE /* which takes a jump to another stack for a mistake */
#include "crew.h"

#include "arena.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { STACK = 1 << 16, WARP = 32 };

typedef struct member {
  ucontext_t context;
  sigjmp_buf waits; /* where it goes on, once it has begun */
  bool begun;
  rd_crew_place place;
  unsigned meetings; /* that it has waited at in this block */
  bool done;
} member;

struct rd_crew {
  int threads, started; /* members; of them have a context */
  member *members;
  uint64_t *given[2]; /* (threads) */
  void *shared;
  rd_crew_place alone;   /* where nobody waits */
  ucontext_t first_back; /* of a turn that began a member */
  sigjmp_buf back;       /* of every turn */
  int turn;              /* the member that runs */
  bool apart;
  rd_crew_work *work;
  const void *args;
  rd_arena arena;
  unsigned char *stacks; /* (threads, STACK) */
};

_Thread_local const rd_crew_place *rd_crew_now;
static _Thread_local rd_crew *crew_now;

static void layout(rd_crew *c, rd_arena *a, size_t shared) {
  const size_t n = (size_t)c->threads;
  c->members = RD_TAKE(a, member, n);
  c->given[0] = RD_TAKE(a, uint64_t, n);
  c->given[1] = RD_TAKE(a, uint64_t, n);
  c->shared = rd_arena_take(a, shared, 1);
  c->stacks = rd_arena_take(a, n, STACK);
}

rd_code rd_crew_new(rd_crew **out, int threads, size_t shared, rd_error *e) {
  *out = NULL;
  rd_crew *c = rd_calloc(1, sizeof *c, "a crew", e);
  if (!c)
    return RD_NO_MEMORY;
  c->threads = threads;
  rd_arena measure = rd_arena_measure();
  layout(c, &measure, shared);
  rd_code code = rd_arena_init(&c->arena, measure.used, "the threads of a block", e);
  if (code != RD_OK) {
    free(c);
    return code;
  }
  layout(c, &c->arena, shared);
  *out = c;
  return RD_OK;
}

void rd_crew_free(rd_crew **crew) {
  if (!crew || !*crew)
    return;
  rd_arena_drop(&(*crew)->arena);
  free(*crew);
  *crew = NULL;
}

#if defined(__SANITIZE_ADDRESS__)
#define JUMPS false /* AddressSanitizer takes a jump for the end of functions */
#elif defined(__has_feature)
#define JUMPS !__has_feature(address_sanitizer)
#else
#define JUMPS true
#endif

/* Back to whoever gave this member its turn. */
static void leave(rd_crew *c) {
  member *m = &c->members[c->turn];
  if (!JUMPS)
    swapcontext(&m->context, &c->first_back);
  else if (!sigsetjmp(m->waits, 0))
    siglongjmp(c->back, 1);
}

/* Let the member run up to where it leaves. */
static void give_turn(rd_crew *c, member *m) {
  if (JUMPS && sigsetjmp(c->back, 0))
    return;
  if (JUMPS && m->begun)
    siglongjmp(m->waits, 1);
  m->begun = true;
  swapcontext(&c->first_back, &m->context);
}

const uint64_t *rd_crew_meet(uint64_t given) {
  rd_crew *c = crew_now;
  member *m = &c->members[c->turn];
  const int thread = m->place.thread;
  uint64_t *row = c->given[m->meetings++ % 2];
  row[thread] = given;
  leave(c);
  return row + thread / WARP * WARP;
}

/* A member's life: a block's work, again and again. */
static void live(void) {
  for (;;) {
    rd_crew *c = crew_now;
    c->work(c->args);
    c->members[c->turn].done = true;
    leave(c);
  }
}

static void start(rd_crew *c, int thread) {
  member *m = &c->members[thread];
  getcontext(&m->context);
  m->context.uc_stack.ss_sp = c->stacks + (size_t)thread * STACK;
  m->context.uc_stack.ss_size = STACK;
  m->context.uc_link = NULL;
  m->begun = false;
  makecontext(&m->context, live, 0);
}

/* Every member runs up to its next meeting; returns how many came to the end. */
static int round_of(rd_crew *c, int threads, bool backwards) {
  int done = 0;
  for (int i = 0; i < threads; i++) {
    c->turn = backwards ? threads - 1 - i : i;
    member *m = &c->members[c->turn];
    rd_crew_now = &m->place;
    if (!m->done)
      give_turn(c, m);
    done += m->done;
  }
  return done;
}

/* Where nobody waits no stacks are needed. */
static void run_alone(rd_crew *c, rd_crew_work *work, const void *args, bool backwards) {
  rd_crew_place *place = &c->alone;
  rd_crew_now = place;
  for (int i = 0; i < place->threads; i++) {
    place->thread = backwards ? place->threads - 1 - i : i;
    work(args);
  }
}

bool rd_crew_run(rd_crew *c, const rd_crew_place *at, rd_crew_work *work, const void *args,
                 bool meets, bool backwards) {
  rd_crew_place place = *at;
  place.shared = c->shared;
  c->alone = place;
  if (!meets) {
    run_alone(c, work, args, backwards);
    return true;
  }
  crew_now = c;
  c->work = work;
  c->args = args;
  for (; c->started < place.threads; c->started++)
    start(c, c->started);
  for (int i = 0; i < place.threads; i++) {
    member *m = &c->members[i];
    m->place = place;
    m->place.thread = i;
    m->meetings = 0;
    m->done = false;
  }
  int done = 0;
  while (done == 0)
    done = round_of(c, place.threads, backwards);
  if (done == place.threads)
    return true;
  c->started = 0; /* those that wait are left where they are, and begin anew */
  return false;
}
