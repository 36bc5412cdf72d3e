/* SPDX-License-Identifier: MIT */
/* Arenas: one block, a bump pointer, and a counting mode. */
#include "arena.h"

#include "reserve.h"

#include <assert.h>
#include <sys/mman.h>

rd_arena rd_arena_measure(void) {
  return (rd_arena){.base = NULL, .size = SIZE_MAX, .used = 0};
}

/* Anonymous pages come zeroed and are only real once touched; huge pages spare the page table on
 * activations of hundreds of megabytes. */
rd_code rd_arena_init(rd_arena *arena, size_t size, const char *what, rd_error *e) {
  *arena = (rd_arena){.base = NULL, .size = 0, .used = 0};
  if (size == 0)
    size = RD_ALIGNMENT;
  rd_reserve_lock();
  void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  rd_reserve_unlock();
  if (base == MAP_FAILED)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: %s needs %.1f MB", what, (double)size / 1e6);
  madvise(base, size, MADV_HUGEPAGE);
  arena->base = base;
  arena->size = size;
  return RD_OK;
}

void rd_arena_drop(rd_arena *arena) {
  if (arena && arena->base)
    munmap(arena->base, arena->size);
  if (arena)
    *arena = (rd_arena){.base = NULL, .size = 0, .used = 0};
}

void rd_arena_let_go(const rd_arena *arena, const void *from, size_t size) {
  enum { PAGE = 4096 };
  const uintptr_t base = (uintptr_t)arena->base, at = (uintptr_t)from;
  if (!arena->base || at < base || at + size > base + arena->size)
    return;
  const size_t first = (at - base + PAGE - 1) / PAGE * PAGE, end = (at - base + size) / PAGE * PAGE;
  if (first < end)
    madvise(arena->base + first, end - first, MADV_DONTNEED);
}

void *rd_arena_take(rd_arena *arena, size_t count, size_t size) {
  size_t bytes = 0, end = 0;
  bool overflow = __builtin_mul_overflow(count, size, &bytes) ||
                  __builtin_add_overflow(bytes, (size_t)RD_ALIGNMENT - 1, &bytes);
  bytes &= ~((size_t)RD_ALIGNMENT - 1);
  overflow = overflow || __builtin_add_overflow(arena->used, bytes, &end);
  if (overflow) { /* only while measuring absurd sizes: the init that follows fails with a message
                   */
    arena->used = SIZE_MAX & ~((size_t)RD_ALIGNMENT - 1);
    return NULL;
  }
  assert(arena->base == NULL || end <= arena->size);
  void *p = arena->base ? arena->base + arena->used : NULL;
  arena->used = end;
  return p;
}
