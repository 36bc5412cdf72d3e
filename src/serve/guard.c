/* SPDX-License-Identifier: MIT */
/* A list of connections and a thread that looks through it four times a second while there are any.
 * The lock is held while a socket is written and shut: it cannot be closed and given to another
 * connection meanwhile. */
#include "guard.h"

#include "job.h"
#include "reply.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct rd_visit {
  rd_guard *guard;
  rd_visit *next, *previous;
  int socket;
  double due; /* 0: nothing is */
};

struct rd_guard {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  rd_visit *first;
  bool plain, closing;
};

static void refuse(const rd_visit *v, const char *status, const char *message, const char *name) {
  char *json = rd_reply_error(message, "invalid_request_error", name);
  char *text = json ? rd_print("HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
                               "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                               status, strlen(json), json)
                    : NULL;
  /* What does not fit in the socket's buffer is lost: nobody waits for a client that is late. */
  if (text && v->guard->plain)
    (void)!send(v->socket, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
  free(text);
  free(json);
}

static void close_late(rd_guard *g) {
  double now = rd_seconds();
  for (rd_visit *v = g->first; v; v = v->next) {
    if (v->due == 0 || now < v->due)
      continue;
    v->due = 0;
    refuse(v, "408 Request Timeout", "the request did not arrive in time", "request_timeout");
    shutdown(v->socket, SHUT_RDWR);
  }
}

static void *work(void *context) {
  rd_guard *g = context;
  pthread_mutex_lock(&g->lock);
  while (!g->closing) {
    if (!g->first) {
      pthread_cond_wait(&g->changed, &g->lock);
      continue;
    }
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 250000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_cond_timedwait(&g->changed, &g->lock, &until);
    close_late(g);
  }
  pthread_mutex_unlock(&g->lock);
  return NULL;
}

rd_code rd_guard_open(rd_guard **out, bool plain, rd_error *e) {
  *out = NULL;
  rd_guard *g = rd_calloc(1, sizeof *g, "a guard", e);
  if (!g)
    return RD_NO_MEMORY;
  g->plain = plain;
  pthread_mutex_init(&g->lock, NULL);
  pthread_cond_init(&g->changed, NULL);
  if (pthread_create(&g->thread, NULL, work, g) != 0) {
    pthread_mutex_destroy(&g->lock);
    pthread_cond_destroy(&g->changed);
    free(g);
    return rd_fail(e, RD_IO, "the system gives no thread for the server");
  }
  *out = g;
  return RD_OK;
}

void rd_guard_close(rd_guard **out) {
  rd_guard *g = *out;
  if (!g)
    return;
  pthread_mutex_lock(&g->lock);
  g->closing = true;
  pthread_cond_signal(&g->changed);
  pthread_mutex_unlock(&g->lock);
  pthread_join(g->thread, NULL);
  pthread_mutex_destroy(&g->lock);
  pthread_cond_destroy(&g->changed);
  free(g);
  *out = NULL;
}

rd_visit *rd_visit_begin(rd_guard *g, int socket) {
  rd_visit *v = rd_calloc(1, sizeof *v, "a connection", NULL);
  if (!v)
    return NULL;
  v->guard = g;
  v->socket = socket;
  pthread_mutex_lock(&g->lock);
  v->next = g->first;
  if (g->first)
    g->first->previous = v;
  g->first = v;
  pthread_cond_signal(&g->changed);
  pthread_mutex_unlock(&g->lock);
  return v;
}

void rd_visit_expect(rd_visit *v, double seconds) {
  if (!v)
    return;
  pthread_mutex_lock(&v->guard->lock);
  v->due = seconds > 0 ? rd_seconds() + seconds : 0;
  pthread_mutex_unlock(&v->guard->lock);
}

void rd_visit_refuse(rd_visit *v, const char *status, const char *message, const char *name) {
  if (!v)
    return;
  pthread_mutex_lock(&v->guard->lock);
  refuse(v, status, message, name);
  pthread_mutex_unlock(&v->guard->lock);
}

void rd_visit_end(rd_visit *v) {
  if (!v)
    return;
  rd_guard *g = v->guard;
  pthread_mutex_lock(&g->lock);
  if (v->previous)
    v->previous->next = v->next;
  else
    g->first = v->next;
  if (v->next)
    v->next->previous = v->previous;
  pthread_mutex_unlock(&g->lock);
  free(v);
}
