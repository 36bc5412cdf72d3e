/* SPDX-License-Identifier: MIT */
/* What carries bytes between ranks. */
#ifndef RD_RANKS_WAY_H
#define RD_RANKS_WAY_H

#include "ranks.h"

enum { RD_MOST_RANKS = 1024 };

/* MPI's (ranks_mpi.c, where the program is built with it). */
rd_code rd_ranks_mpi_begin(rd_ranks *r, rd_error *e);
rd_code rd_ranks_mpi_share(int from, void *bytes, size_t size, rd_error *e);
/* To each rank i send_counts[i] floats from send[i]; from each receive_count to receive[i]. NULL:
 * nothing. */
rd_code rd_ranks_mpi_swap(const rd_ranks *r, float *const *send, const int *send_counts,
                          float *const *receive, int receive_count, rd_error *e);

#endif
