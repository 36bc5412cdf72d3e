/* SPDX-License-Identifier: MIT */
/* A list of connections and a thread that looks through it four times a second while there are any.
 * The lock is held while a socket is written and shut: it cannot be closed and given to another
 * connection meanwhile. */
#include "guard.h"

#include "clock.h"
#include "job.h"
#include "mhd.h"
#include "reply.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct rd_visit {
  rd_guard *guard;
  rd_visit *next, *previous;
  int socket;
  double due, since;       /* 0: nothing is due; else since when we wait for it */
  unsigned char from[16];  /* the client's address, or zeros */
  bool lost;               /* refused or shut: counts no more */
  const char *address_end; /* the connection's thread's own */
};

struct rd_guard {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  rd_visit *first;
  size_t count, most, most_each;
  bool plain, closing;
};

/* --- refusals ----------------------------------------------------------------------------------
 */

static void lose(rd_visit *v) {
  if (!v->lost)
    v->guard->count--;
  v->lost = true;
}

static void refuse(rd_visit *v, unsigned status, const char *type, const char *name,
                   const char *message) {
  char *json = v->lost ? NULL : rd_reply_error(message, type, name);
  char *text = json ? rd_print("HTTP/1.1 %u %s\r\nContent-Type: application/json\r\n%s"
                               "Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
                               status, rd_mhd.MHD_get_reason_phrase_for(status),
                               status == 503 ? "Retry-After: 2\r\n" : "", strlen(json), json)
                    : NULL;
  /* What does not fit in the socket's buffer is lost: nobody waits for a client that is late. */
  if (text && v->guard->plain)
    (void)!send(v->socket, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
  free(text);
  free(json);
  lose(v);
}

static void shut(rd_visit *v, unsigned status, const char *type, const char *name,
                 const char *message) {
  v->due = v->since = 0;
  refuse(v, status, type, name, message);
  shutdown(v->socket, SHUT_RDWR);
}

/* The client's side stays open, so that it reads what we wrote before it is told to stop. */
static void turn_away(rd_visit *v, unsigned status, const char *type, const char *name,
                      const char *message) {
  refuse(v, status, type, name, message);
  shutdown(v->socket, v->guard->plain ? SHUT_WR : SHUT_RDWR);
}

static void close_late(rd_guard *g) {
  double now = rd_seconds();
  for (rd_visit *v = g->first; v; v = v->next) {
    if (v->due == 0 || now < v->due)
      continue;
    shut(v, 408, "invalid_request_error", "request_timeout", "the request did not arrive in time");
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
    const struct timespec until = rd_seconds_ahead(0.25);
    pthread_cond_timedwait(&g->changed, &g->lock, &until);
    close_late(g);
  }
  pthread_mutex_unlock(&g->lock);
  return NULL;
}

rd_code rd_guard_open(rd_guard **out, bool plain, size_t most, size_t most_each, rd_error *e) {
  *out = NULL;
  rd_guard *g = rd_calloc(1, sizeof *g, "a guard", e);
  if (!g)
    return RD_NO_MEMORY;
  g->plain = plain;
  g->most = most;
  g->most_each = most_each;
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

/* --- visits ------------------------------------------------------------------------------------
 */

static void copy_address(unsigned char *out, const struct sockaddr *from) {
  if (from && from->sa_family == AF_INET)
    memcpy(out, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
  if (from && from->sa_family == AF_INET6) /* one client has a whole network of 64 bits */
    memcpy(out, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 8);
}

/* Make room for a new visit: the longest awaited one goes, of this address or (NULL) of all. */
static bool evict(rd_guard *g, const unsigned char *from) {
  rd_visit *oldest = NULL;
  for (rd_visit *v = g->first; v; v = v->next)
    if (!v->lost && v->since > 0 && (!from || memcmp(v->from, from, sizeof v->from) == 0) &&
        (!oldest || v->since < oldest->since))
      oldest = v;
  if (oldest)
    shut(oldest, 503, "server_error", "too_many_connections",
         "the connections are all taken, and this one has waited longest");
  return oldest != NULL;
}

static bool has_room(rd_guard *g, const unsigned char *from) {
  size_t same = 0;
  for (const rd_visit *v = g->first; v; v = v->next)
    same += !v->lost && memcmp(v->from, from, sizeof v->from) == 0;
  if (g->most_each > 0 && same >= g->most_each)
    return evict(g, from);
  return g->count < g->most || evict(g, NULL);
}

rd_visit *rd_visit_begin(rd_guard *g, int socket, const struct sockaddr *from, double seconds) {
  rd_visit *v = rd_calloc(1, sizeof *v, "a connection", NULL);
  if (!v)
    return NULL;
  v->guard = g;
  v->socket = socket;
  v->since = rd_seconds();
  v->due = v->since + seconds;
  copy_address(v->from, from);
  pthread_mutex_lock(&g->lock);
  bool room = has_room(g, v->from);
  g->count++;
  v->next = g->first;
  if (g->first)
    g->first->previous = v;
  g->first = v;
  if (!room)
    turn_away(v, 503, "server_error", "too_many_connections",
              "the connections are all taken, each by a request under way; try again");
  pthread_cond_signal(&g->changed);
  pthread_mutex_unlock(&g->lock);
  return v;
}

void rd_visit_expect(rd_visit *v, double seconds) {
  if (!v)
    return;
  pthread_mutex_lock(&v->guard->lock);
  v->since = seconds > 0 ? rd_seconds() : 0;
  v->due = seconds > 0 ? v->since + seconds : 0;
  pthread_mutex_unlock(&v->guard->lock);
}

void rd_visit_refuse(rd_visit *v, unsigned status, const char *type, const char *name,
                     const char *message) {
  if (!v)
    return;
  pthread_mutex_lock(&v->guard->lock);
  turn_away(v, status, type, name, message);
  pthread_mutex_unlock(&v->guard->lock);
}

bool rd_visit_refused(rd_visit *v) {
  if (!v)
    return false;
  pthread_mutex_lock(&v->guard->lock);
  bool lost = v->lost;
  pthread_mutex_unlock(&v->guard->lock);
  return lost;
}

void rd_visit_see(rd_visit *v, const char *end) {
  if (v)
    v->address_end = end;
}

const char *rd_visit_address(const rd_visit *v) {
  return v ? v->address_end : NULL;
}

void rd_visit_end(rd_visit *v) {
  if (!v)
    return;
  rd_guard *g = v->guard;
  pthread_mutex_lock(&g->lock);
  lose(v);
  if (v->previous)
    v->previous->next = v->next;
  else
    g->first = v->next;
  if (v->next)
    v->next->previous = v->previous;
  pthread_mutex_unlock(&g->lock);
  free(v);
}
