/* SPDX-License-Identifier: MIT */
/* Several processes that do one thing together: ranks, in MPI's word. `mpirun -n 4 redraft train`
 * starts four; in a program built without MPI, or started alone, there is one, and all of this
 * costs nothing. Every rank calls the same functions in the same order; each waits for the others.
 *
 * What is summed is summed in the order of the passes, whatever their number: floating point sums
 * depend on their order, and a run must not depend on how many worked on it. */
#ifndef RD_RANKS_H
#define RD_RANKS_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rd_ranks {
  int rank, count; /* 0 is the one that writes and speaks */
  int threads;     /* for this rank, so that those of one machine do not fight; 0: as ever */
  int local;       /* its number among those of its machine: that of its card */
} rd_ranks;

/* The ranks of this process, the same for all who ask; valid until it ends. RD_UNSUPPORTED: it was
 * started as one of several, and was built without MPI. */
rd_code rd_ranks_join(const rd_ranks **out, rd_error *e);

/* Everybody learns of a failure: RD_OK if all say so; else the code of the first rank that failed,
 * whose message all get. `e` must not be NULL where mine is a failure. */
rd_code rd_ranks_agree(const rd_ranks *r, rd_code mine, rd_error *e);
/* Do all ranks have the same bytes (their hashes are compared)? RD_BAD_INPUT otherwise, with `what`
 * they are in the message. */
rd_code rd_ranks_same(const rd_ranks *r, const void *bytes, size_t size, const char *what,
                      rd_error *e);
/* The bytes of rank `from`, for all. */
rd_code rd_ranks_share(const rd_ranks *r, int from, void *bytes, size_t size, rd_error *e);

/* A sum of gradients over many passes, each by one of the ranks. */
typedef struct rd_ranks_sum {
  float *values; /* (count) what each pass leaves, and where the sum is found in the end */
  int64_t count;
  float *total;   /* (rd_ranks_sum_room) of this rank's share of them */
  float *pieces;  /* (rd_ranks_sum_pieces) of others, as they come */
  int64_t passes; /* in the sum so far */
} rd_ranks_sum;

int64_t rd_ranks_sum_room(const rd_ranks *r, int64_t count);
int64_t rd_ranks_sum_pieces(const rd_ranks *r);
/* Add the values of all ranks, the lowest rank's first: total = ((total + v0) + v1) + .. */
rd_code rd_ranks_sum_add(const rd_ranks *r, rd_ranks_sum *sum, rd_error *e);
/* The whole sum into the values of all. */
rd_code rd_ranks_sum_end(const rd_ranks *r, rd_ranks_sum *sum, rd_error *e);

#endif
