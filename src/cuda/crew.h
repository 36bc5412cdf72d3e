/* SPDX-License-Identifier: MIT */
/* The processor in place of a card: a crew runs the threads of one block, each up to where it waits
 * for the others, then the next, until all have come to the end. */
#ifndef RD_CREW_H
#define RD_CREW_H

#include "error.h"

#include <stdint.h>

/* The thread that is running, as device_grid.h asks for it. */
typedef struct rd_crew_place {
  int thread, threads;
  int64_t block, blocks, side, sides;
  void *shared;
} rd_crew_place;
extern _Thread_local const rd_crew_place *rd_crew_now;

/* Wait for all threads of the block. Each gives a number, and gets those of the 32 of its warp;
 * they are good until it waits again. */
const uint64_t *rd_crew_meet(uint64_t given);

typedef struct rd_crew rd_crew;

/* A kernel: called once for each thread. */
typedef void rd_crew_work(const void *args);

/* A crew for blocks of at most `threads` threads that share at most `shared` bytes. */
rd_code rd_crew_new(rd_crew **out, int threads, size_t shared, rd_error *e);
void rd_crew_free(rd_crew **crew);

/* Run one block, whose threads wait for each other only with `meets`. `backwards`: the last thread
 * first, which must make no difference; where it does, a barrier is missing. False: some threads
 * waited for others that had come to the end. */
bool rd_crew_run(rd_crew *crew, const rd_crew_place *place, rd_crew_work *work, const void *args,
                 bool meets, bool backwards);

#endif
