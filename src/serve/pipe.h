/* SPDX-License-Identifier: MIT */
/* Bytes of one response on their way: schedulers' threads write, the connection's thread reads.
 * Several answers may go through one pipe, a whole piece at a time. Those who hold it each let it
 * go; the last one frees it. */
#ifndef RD_PIPE_H
#define RD_PIPE_H

#include "error.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct rd_pipe {
  pthread_mutex_t lock; /* of the members below, and of who waits for `changed` */
  pthread_cond_t changed;
  atomic_int holders;
  char *out; /* bytes [read, size) wait */
  size_t size, read, room;
  int socket;        /* -1: the client is gone */
  int64_t under_way; /* answers that may still write */
} rd_pipe;

/* Held once. NULL when memory is out. */
rd_pipe *rd_pipe_new(int socket, rd_error *e);
rd_pipe *rd_pipe_hold(rd_pipe *pipe);
void rd_pipe_release(rd_pipe *pipe); /* NULL is fine */

rd_code rd_pipe_write(rd_pipe *pipe, const char *bytes, size_t size, rd_error *e);
/* More waits for the client than a slow reader may leave lying. */
bool rd_pipe_full(rd_pipe *pipe);
/* Has the client of this socket closed its side? -1: nobody knows. */
bool rd_socket_gone(int socket);
/* The same of the pipe's, and true where it was left. */
bool rd_pipe_gone(rd_pipe *pipe);
/* The connection is going away: nobody reads any more. */
void rd_pipe_leave(rd_pipe *pipe);
/* Waits for bytes; 0: there are none and no answer is under way. */
size_t rd_pipe_read(rd_pipe *pipe, char *to, size_t most);

#endif
