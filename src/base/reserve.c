/* SPDX-License-Identifier: MIT */
/* Two mappings that are never touched. The larger is undone while someone is inside, the smaller
 * when operator new has found nothing (std::set_new_handler: what it frees, operator new tries to
 * take again), which also happens where products are only run. Both are made again by whoever
 * begins next. */
#include "reserve.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { SPARE_MB = 16 };

typedef struct held {
  size_t size;
  void *_Atomic at; /* NULL: not held */
} held;

static held large = {.size = (size_t)(RD_RESERVE_MB - SPARE_MB) << 20};
static held spare = {.size = (size_t)SPARE_MB << 20};
static atomic_bool open;
static pthread_rwlock_t large_takers = PTHREAD_RWLOCK_INITIALIZER; /* readers are inside */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;           /* of the count */
static int inside;

static void let_go(held *h) {
  void *at = atomic_exchange(&h->at, NULL);
  if (at != NULL)
    munmap(at, h->size);
}

static bool take(held *h) {
  if (atomic_load(&h->at) != NULL)
    return true;
  void *at = mmap(NULL, h->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED)
    return false;
  void *none = NULL;
  if (!atomic_compare_exchange_strong(&h->at, &none, at))
    munmap(at, h->size);
  return true;
}

typedef void new_handler(void);
typedef new_handler *set_new_handler(new_handler *);

/* std::set_new_handler, where a C++ library has been loaded. */
static void handle_new(new_handler *handler) {
  set_new_handler *set;
  *(void **)&set = dlsym(RTLD_DEFAULT, "_ZSt15set_new_handlerPFvvE");
  if (set != NULL)
    set(handler);
}

/* Nothing left to free: operator new may give up. */
static void free_spare(void) {
  if (atomic_load(&spare.at) == NULL)
    handle_new(NULL);
  let_go(&spare);
}

static bool whole(void) {
  return take(&spare) && (inside > 0 || take(&large));
}

/* The heap keeps what was freed in it until it is asked. */
static bool whole_when_trimmed(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  return whole();
}

/* Under the lock. */
static rd_code make_whole(rd_error *e) {
  if (whole() || (atomic_load(&open) && whole_when_trimmed())) {
    handle_new(free_spare);
    return RD_OK;
  }
  return rd_fail(e, RD_NO_MEMORY,
                 "out of memory: the %d MB that are kept back for preparing matrix products are "
                 "not there; less at a time, or a higher limit",
                 RD_RESERVE_MB);
}

rd_code rd_reserve_check(rd_error *e) {
  if (!atomic_load(&open) || (atomic_load(&spare.at) != NULL && atomic_load(&large.at) != NULL))
    return RD_OK;
  pthread_mutex_lock(&lock);
  rd_code code = make_whole(e);
  pthread_mutex_unlock(&lock);
  return code;
}

/* glibc gives threads arenas of 64 MB of address space each; where there is none for that, every
 * small allocation becomes a mapping of its own, a hundred times as large and as slow. Under a
 * limit all threads share one, and what is large is given back when it is freed. */
static void share_heap(void) {
#ifdef M_ARENA_MAX
  struct rlimit limit;
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    mallopt(M_ARENA_MAX, 1), mallopt(M_MMAP_THRESHOLD, 256 << 10);
#endif
}

static void drop(void) {
  handle_new(NULL);
  let_go(&large);
  let_go(&spare);
}

rd_code rd_reserve_open(rd_error *e) {
  share_heap();
  pthread_mutex_lock(&lock);
  rd_code code = make_whole(e);
  atomic_store(&open, code == RD_OK);
  pthread_mutex_unlock(&lock);
  if (code != RD_OK)
    drop();
  return code;
}

void rd_reserve_close(void) {
  if (atomic_exchange(&open, false))
    drop();
}

rd_code rd_reserve_begin(rd_error *e) {
  if (!atomic_load(&open))
    return RD_OK;
  pthread_rwlock_rdlock(&large_takers);
  pthread_mutex_lock(&lock);
  rd_code code = make_whole(e);
  if (code == RD_OK && inside++ == 0)
    let_go(&large);
  pthread_mutex_unlock(&lock);
  if (code != RD_OK)
    pthread_rwlock_unlock(&large_takers);
  return code;
}

/* What cannot be taken back now is missed by whoever begins next. */
void rd_reserve_end(void) {
  if (!atomic_load(&open))
    return;
  pthread_mutex_lock(&lock);
  if (--inside == 0)
    take(&large);
  pthread_mutex_unlock(&lock);
  pthread_rwlock_unlock(&large_takers);
}

void rd_reserve_lock(void) {
  pthread_rwlock_wrlock(&large_takers);
}

void rd_reserve_unlock(void) {
  pthread_rwlock_unlock(&large_takers);
}
