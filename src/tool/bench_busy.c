/* SPDX-License-Identifier: MIT */
#include "bench_busy.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

rd_code rd_busy_start(rd_busy *b, int count, rd_error *e) {
  const pid_t parent = getpid();
  *b = (rd_busy){0};
  while (b->count < count) {
    const pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (getppid() == parent)
        for (volatile long i = 0; i < 100000000; i++)
          ;
      _exit(0);
    }
    if (child < 0) {
      rd_busy_stop(b);
      return rd_fail(e, RD_IO, "no busy process beside: %s", strerror(errno));
    }
    b->processes[b->count++] = child;
  }
  return RD_OK;
}

void rd_busy_stop(rd_busy *b) {
  for (int i = 0; i < b->count; i++) {
    kill(b->processes[i], SIGKILL);
    while (waitpid(b->processes[i], NULL, 0) < 0 && errno == EINTR)
      ;
  }
  b->count = 0;
}
