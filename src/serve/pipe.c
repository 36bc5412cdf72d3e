/* SPDX-License-Identifier: MIT */
/* A growing buffer with a lock and a condition; what has been read goes when it is half of it. */
#include "pipe.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WAITING = 1 << 20 };

rd_pipe *rd_pipe_new(int socket, rd_error *e) {
  rd_pipe *pipe = rd_calloc(1, sizeof *pipe, "a response", e);
  if (!pipe)
    return NULL;
  pthread_mutex_init(&pipe->lock, NULL);
  pthread_cond_init(&pipe->changed, NULL);
  pipe->holders = 1;
  pipe->socket = socket;
  return pipe;
}

rd_pipe *rd_pipe_hold(rd_pipe *pipe) {
  atomic_fetch_add(&pipe->holders, 1);
  return pipe;
}

void rd_pipe_release(rd_pipe *pipe) {
  if (!pipe || atomic_fetch_sub(&pipe->holders, 1) > 1)
    return;
  pthread_mutex_destroy(&pipe->lock);
  pthread_cond_destroy(&pipe->changed);
  free(pipe->out);
  free(pipe);
}

rd_code rd_pipe_write(rd_pipe *pipe, const char *bytes, size_t size, rd_error *e) {
  pthread_mutex_lock(&pipe->lock);
  size_t unread = pipe->size - pipe->read;
  if (pipe->read > 0 && pipe->read >= unread) {
    memmove(pipe->out, pipe->out + pipe->read, unread);
    pipe->read = 0;
    pipe->size = unread;
  }
  rd_code code = rd_grow((void **)&pipe->out, &pipe->room, pipe->size + size, 1, e);
  if (code == RD_OK) {
    memcpy(pipe->out + pipe->size, bytes, size);
    pipe->size += size;
  }
  pthread_cond_broadcast(&pipe->changed);
  pthread_mutex_unlock(&pipe->lock);
  return code;
}

bool rd_pipe_full(rd_pipe *pipe) {
  pthread_mutex_lock(&pipe->lock);
  bool full = pipe->size - pipe->read > MOST_WAITING;
  pthread_mutex_unlock(&pipe->lock);
  return full;
}

bool rd_socket_gone(int socket) {
  struct pollfd p = {.fd = socket, .events = POLLRDHUP};
  return poll(&p, 1, 0) > 0;
}

bool rd_pipe_gone(rd_pipe *pipe) {
  pthread_mutex_lock(&pipe->lock);
  bool gone = pipe->socket < 0 || rd_socket_gone(pipe->socket);
  pthread_mutex_unlock(&pipe->lock);
  return gone;
}

void rd_pipe_leave(rd_pipe *pipe) {
  pthread_mutex_lock(&pipe->lock);
  pipe->socket = -1;
  pthread_mutex_unlock(&pipe->lock);
}

size_t rd_pipe_read(rd_pipe *pipe, char *to, size_t most) {
  pthread_mutex_lock(&pipe->lock);
  while (pipe->read == pipe->size && pipe->under_way > 0)
    pthread_cond_wait(&pipe->changed, &pipe->lock);
  size_t n = pipe->size - pipe->read;
  n = n < most ? n : most;
  if (n > 0)
    memcpy(to, pipe->out + pipe->read, n);
  pipe->read += n;
  pthread_mutex_unlock(&pipe->lock);
  return n;
}
