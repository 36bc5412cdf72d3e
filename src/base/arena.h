/* SPDX-License-Identifier: MIT */
/* Arenas: memory whose size is known before it is taken.
 *
 * The same layout function runs twice: once on an arena from rd_arena_measure, where every take
 * returns NULL and only counts, and once on one made by rd_arena_init with that count. Layout code
 * therefore must not read through what it takes. */
#ifndef RD_ARENA_H
#define RD_ARENA_H

#include "error.h"

enum { RD_ALIGNMENT = 64 }; /* bytes: a cache line, and a full vector register */

typedef struct rd_arena {
  unsigned char *base; /* NULL while measuring */
  size_t size, used;   /* bytes */
} rd_arena;

/* An arena that only counts. */
rd_arena rd_arena_measure(void);
/* Take `size` bytes from the system (zeroed); `what` names the use in the error. */
rd_code rd_arena_init(rd_arena *arena, size_t size, const char *what, rd_error *e);
/* Give the memory back; NULL and an empty arena are fine. */
void rd_arena_drop(rd_arena *arena);

/* The whole pages in `size` bytes at `from`, where these lie in the arena, go back to the system;
 * what they hold is lost. */
void rd_arena_let_go(const rd_arena *arena, const void *from, size_t size);

/* `count` elements of `size` bytes, aligned to RD_ALIGNMENT, not cleared on reuse. NULL while
 * measuring. Both runs take the same things, so running past the end cannot happen; it is asserted.
 */
void *rd_arena_take(rd_arena *arena, size_t count, size_t size);
#define RD_TAKE(arena, type, count) ((type *)rd_arena_take((arena), (size_t)(count), sizeof(type)))

#endif
