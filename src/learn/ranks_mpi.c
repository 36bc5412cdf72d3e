/* SPDX-License-Identifier: MIT */
/* MPI: the one file that knows it. Only its thread that began calls it, so that the plainest level
 * of thread support will do. MPI's errors come back as codes; a rank that dies is noticed by the
 * launcher, which ends the others. */
#include "ranks_way.h"

#include <mpi.h>
#include <sched.h>
#include <stdlib.h>

static rd_code failed(int status, const char *what, rd_error *e) {
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  MPI_Error_string(status, text, &length);
  return rd_fail(e, RD_IO, "MPI, %s: %.*s", what, length, text);
}

#define CALL(what, call)                                                                           \
  do {                                                                                             \
    const int called = (call);                                                                     \
    if (called != MPI_SUCCESS)                                                                     \
      return failed(called, what, e);                                                              \
  } while (0)

static void end(void) {
  int over = 0;
  if (MPI_Finalized(&over) == MPI_SUCCESS && !over)
    MPI_Finalize();
}

/* A launcher may give each rank processors of its own, or leave all of them to all: those that this
 * one may run on, divided among the ranks of this machine that may run there too. */
static rd_code count_threads(int *threads, MPI_Comm machine, rd_error *e) {
  cpu_set_t mine;
  int size = 1, sharing = 0;
  if (sched_getaffinity(0, sizeof mine, &mine) != 0)
    return RD_OK;
  CALL("their number", MPI_Comm_size(machine, &size));
  cpu_set_t *all = rd_calloc((size_t)size, sizeof *all, "the ranks of a machine", e);
  if (!all)
    return RD_NO_MEMORY;
  int status = MPI_Allgather(&mine, sizeof mine, MPI_BYTE, all, sizeof mine, MPI_BYTE, machine);
  for (int i = 0; i < size && status == MPI_SUCCESS; i++) {
    cpu_set_t both;
    CPU_AND(&both, &mine, &all[i]);
    sharing += CPU_COUNT(&both) > 0;
  }
  free(all);
  CALL("their processors", status);
  *threads = CPU_COUNT(&mine) / sharing;
  *threads = *threads < 1 ? 1 : *threads;
  return RD_OK;
}

/* What is shared with the other ranks of this machine. */
static rd_code meet_neighbours(rd_ranks *r, rd_error *e) {
  MPI_Comm machine;
  CALL("the ranks of a machine",
       MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &machine));
  const int status = MPI_Comm_rank(machine, &r->local);
  rd_code code = count_threads(&r->threads, machine, e);
  MPI_Comm_free(&machine);
  CALL("the ranks of a machine", status);
  return code;
}

rd_code rd_ranks_mpi_begin(rd_ranks *r, rd_error *e) {
  int level = 0;
  CALL("begin", MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level));
  atexit(end);
  CALL("begin", MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN));
  CALL("begin", MPI_Comm_rank(MPI_COMM_WORLD, &r->rank));
  CALL("begin", MPI_Comm_size(MPI_COMM_WORLD, &r->count));
  return meet_neighbours(r, e);
}

rd_code rd_ranks_mpi_share(int from, void *bytes, size_t size, rd_error *e) {
  const size_t most = (size_t)1 << 30; /* MPI counts in int */
  for (size_t at = 0; at < size; at += most) {
    const size_t n = size - at < most ? size - at : most;
    CALL("share", MPI_Bcast((char *)bytes + at, (int)n, MPI_BYTE, from, MPI_COMM_WORLD));
  }
  return RD_OK;
}

rd_code rd_ranks_mpi_swap(const rd_ranks *r, float *const *send, const int *send_counts,
                          float *const *receive, int receive_count, rd_error *e) {
  MPI_Request requests[2 * RD_MOST_RANKS];
  int n = 0, status = MPI_SUCCESS;
  for (int i = 0; i < r->count && status == MPI_SUCCESS; i++)
    if (receive[i] != NULL && receive_count > 0)
      status =
          MPI_Irecv(receive[i], receive_count, MPI_FLOAT, i, 0, MPI_COMM_WORLD, &requests[n++]);
  for (int i = 0; i < r->count && status == MPI_SUCCESS; i++)
    if (send[i] != NULL && send_counts[i] > 0)
      status = MPI_Isend(send[i], send_counts[i], MPI_FLOAT, i, 0, MPI_COMM_WORLD, &requests[n++]);
  if (status == MPI_SUCCESS)
    status = MPI_Waitall(n, requests, MPI_STATUSES_IGNORE);
  CALL("swap", status);
  return RD_OK;
}
