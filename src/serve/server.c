/* SPDX-License-Identifier: MIT */
/* Listening, and every request's way: headers, key, body, route, log. Each connection has a thread
 * of its own, so that handlers may wait. */
#include "server.h"

#include "entrance.h"
#include "reserve.h"
#include "trial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct rd_mhd rd_mhd;
static rd_late late =
    RD_LATE(RD_LATE_MICROHTTPD, "libmicrohttpd12", "a server", RD_MHD_FUNCTIONS, &rd_mhd);

enum {
  MOST_SWALLOWED = 16 << 20,
  MOST_DROPPED = 64 << 20,
  LAST_SECONDS = 2,
  STACK_BYTES = 2 << 20
};
enum { LEAVING = 256 }; /* connections beyond the limit, until those that were closed have gone */

/* --- the body ----------------------------------------------------------------------------------
 */

static const char *too_large_message(const rd_exchange *x, char *out, size_t room) {
  snprintf(out, room, "the body is larger than %lld bytes", (long long)x->server->setup.most_body);
  return out;
}

/* Say no at once, whatever is still to come; it is dropped. */
static void turn_away(rd_exchange *x) {
  char message[100];
  const rd_refusal *r = x->refusal;
  x->ended = true;
  x->status = r ? r->status : 413;
  if (r)
    rd_visit_refuse(x->visit, r->status, r->type, r->name, r->message);
  else
    rd_visit_refuse(x->visit, 413, "invalid_request_error", "body_too_large",
                    too_large_message(x, message, sizeof message));
}

/* Bytes that nobody will look at are read and dropped, so that the client hears why; where there
 * are many it hears it before their end, and an endless body ends the connection. */
static enum MHD_Result drop_body(rd_exchange *x, size_t size) {
  x->swallowed += size;
  if (x->swallowed > MOST_SWALLOWED && !x->ended)
    turn_away(x);
  return x->swallowed <= MOST_DROPPED ? MHD_YES : MHD_NO;
}

static enum MHD_Result take_body(rd_exchange *x, const char *bytes, size_t size) {
  size_t most = (size_t)x->server->setup.most_body;
  if (x->ended || x->refusal || !x->route || x->too_large || size > most - x->size) {
    x->too_large = x->too_large || size > most - x->size;
    return drop_body(x, size);
  }
  if (rd_grow((void **)&x->body, &x->room, x->size + size, 1, NULL) != RD_OK)
    return MHD_NO;
  memcpy(x->body + x->size, bytes, size);
  x->size += size;
  return MHD_YES;
}

/* --- dispatch ----------------------------------------------------------------------------------
 */

static enum MHD_Result no_route(rd_exchange *x, const char *method) {
  char message[300];
  const char *other = rd_route_method(x->path);
  if (other) {
    snprintf(message, sizeof message, "%.20s is not for %.200s: use %s", method, x->path, other);
    return rd_send_failure(x, 405, "invalid_request_error", "method_not_allowed", message);
  }
  snprintf(message, sizeof message, "/v1%.200s", x->path);
  bool based = rd_route_method(message) != NULL; /* the client's base URL lacks its end */
  snprintf(message, sizeof message, "there is nothing at %.200s%s", x->path,
           based ? ": the base URL of OpenAI's clients ends in /v1 here" : "");
  return rd_send_failure(x, 404, "invalid_request_error", "not_found", message);
}

static enum MHD_Result respond(rd_exchange *x, const char *method) {
  x->answering = true;
  atomic_fetch_add(&x->server->answering, 1);
  const rd_refusal *r = x->refusal;
  if (r)
    return rd_send_failure(x, r->status, r->type, r->name, r->message);
  if (x->server->origin && strcmp(method, "OPTIONS") == 0)
    return rd_send(x, 204, "text/plain", (char[]){""}, 0, true);
  if (!x->route)
    return no_route(x, method);
  char message[100];
  if (atomic_load(&x->server->closing) && strcmp(method, "POST") == 0)
    return rd_send_failure(x, 503, "server_error", NULL, "the server is stopping");
  if (x->too_large)
    return rd_send_failure(x, 413, "invalid_request_error", "body_too_large",
                           too_large_message(x, message, sizeof message));
  return x->route->handler(x);
}

static rd_exchange *exchange_new(rd_server *server, struct MHD_Connection *connection,
                                 const char *method, const char *path) {
  rd_exchange *x = rd_calloc(1, sizeof *x, "a request", NULL);
  if (!x)
    return NULL;
  x->server = server;
  x->connection = connection;
  const union MHD_ConnectionInfo *visit =
      rd_mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  x->visit = visit ? visit->socket_context : NULL;
  x->begun = rd_seconds();
  x->path = rd_path_plain(path);
  if (!x->path) {
    free(x);
    return NULL;
  }
  x->route = rd_route_find(method, x->path);
  atomic_fetch_add(&server->metrics.requests, 1);
  return x;
}

static const char *header(const rd_exchange *x, const char *name) {
  return rd_mhd.MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

/* What the head alone says. A client that asks first ("Expect: 100-continue") hears of a bad
 * request before it sends. Another hears it when its body has been read, so that the connection
 * stays of use; unless there is too much of that, or no telling where it ends. */
static enum MHD_Result look_at_head(rd_exchange *x, const char *method, const char *version) {
  const char *length = header(x, "Content-Length");
  unsigned long long size = length ? strtoull(length, NULL, 10) : 0;
  rd_visit_expect(x->visit, x->server->setup.patience);
  x->refusal = rd_entrance_refusal(x, version);
  x->ended = rd_visit_refused(x->visit);
  x->too_large = size > (unsigned long long)x->server->setup.most_body;
  if (x->ended || (!x->refusal && !x->too_large))
    return MHD_YES;
  bool now = size > MOST_SWALLOWED || (x->refusal && x->refusal->fatal);
  if (header(x, "Expect") || (now && x->server->setup.certificate))
    return respond(x, method);
  if (now)
    turn_away(x);
  return MHD_YES;
}

static enum MHD_Result access_request(void *context, struct MHD_Connection *connection,
                                      const char *path, const char *method, const char *version,
                                      const char *bytes, size_t *size, void **state) {
  rd_exchange *x = *state;
  if (!x) {
    x = *state = exchange_new(context, connection, method, path);
    return x ? look_at_head(x, method, version) : MHD_NO;
  }
  if (*size > 0) {
    enum MHD_Result result = take_body(x, bytes, *size);
    *size = 0;
    return result;
  }
  if (x->ended)
    return MHD_NO;
  rd_visit_expect(x->visit, 0);
  return respond(x, method);
}

static void log_line(const rd_exchange *x, struct MHD_Connection *connection) {
  const rd_server_setup *s = &x->server->setup;
  if (!s->log)
    return;
  char *line = rd_print("{\"route\":\"%s %s\",\"status\":%u,\"seconds\":%.6f,\"body\":%zu}",
                        x->route ? x->route->method : "-", x->route ? x->route->path : "-",
                        x->status, rd_seconds() - x->begun, x->size);
  (void)connection;
  if (line)
    s->log(s->context, line);
  free(line);
}

static void completed(void *context, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode why) {
  rd_exchange *x = *state;
  (void)context;
  (void)why;
  if (!x)
    return;
  log_line(x, connection);
  rd_visit_expect(x->visit, RD_IDLE_SECONDS + x->server->setup.patience);
  rd_group_leave(x->group);
  if (x->answering)
    atomic_fetch_sub(&x->server->answering, 1);
  free(x->warning);
  free(x->path);
  free(x->body);
  free(x);
  *state = NULL;
}

static void connected(void *context, struct MHD_Connection *connection, void **visit,
                      enum MHD_ConnectionNotificationCode what) {
  rd_server *server = context;
  if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
    rd_visit_end(*visit);
    *visit = NULL;
    return;
  }
  const union MHD_ConnectionInfo *info =
      rd_mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  const union MHD_ConnectionInfo *from =
      rd_mhd.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  if (info)
    *visit = rd_visit_begin(server->guard, info->connect_fd, from ? from->client_addr : NULL,
                            server->setup.patience);
}

/* --- listening ---------------------------------------------------------------------------------
 */

static bool is_loopback(const struct sockaddr_storage *at) {
  const void *a = at;
  if (at->ss_family == AF_INET)
    return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
  return at->ss_family == AF_INET6 &&
         IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

static rd_code listen_on(rd_server *server, const struct addrinfo *a, rd_error *e) {
  const rd_server_setup *s = &server->setup;
  int yes = 1;
  server->socket = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
  if (server->socket < 0)
    return rd_fail(e, RD_IO, "%s: no socket: %s", s->host, strerror(errno));
  setsockopt(server->socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(server->socket, a->ai_addr, a->ai_addrlen) != 0 || listen(server->socket, 511) != 0) {
    if (errno == EADDRINUSE)
      return rd_fail(e, RD_IO, "port %lld of %s is in use: choose another with --port, or 0",
                     (long long)s->port, s->host);
    return rd_fail(e, RD_IO, "cannot listen on port %lld of %s: %s", (long long)s->port, s->host,
                   strerror(errno));
  }
  struct sockaddr_storage at = {0};
  socklen_t length = sizeof at;
  char number[16] = "";
  if (getsockname(server->socket, (struct sockaddr *)&at, &length) == 0)
    getnameinfo((struct sockaddr *)&at, length, NULL, 0, number, sizeof number, NI_NUMERICSERV);
  server->loopback = is_loopback(&at);
  bool six = strchr(s->host, ':') != NULL;
  server->url = rd_print("http%s://%s%s%s:%s/", s->certificate ? "s" : "", six ? "[" : "", s->host,
                         six ? "]" : "", number);
  return server->url ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: the address");
}

static rd_code open_socket(rd_server *server, rd_error *e) {
  const rd_server_setup *s = &server->setup;
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
  char port[16];
  snprintf(port, sizeof port, "%lld", (long long)s->port);
  int failed = getaddrinfo(s->host, port, &hints, &found);
  if (failed)
    return rd_fail(e, RD_USAGE, "--host %s: %s", s->host, gai_strerror(failed));
  rd_code code = listen_on(server, found, e);
  freeaddrinfo(found);
  return code;
}

static rd_code open_workers(rd_server *server, rd_error *e) {
  const rd_server_setup *s = &server->setup;
  server->workers = rd_calloc(s->catalog.count, sizeof *server->workers, "schedulers", e);
  if (!server->workers)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < s->catalog.count; i++) {
    const rd_service *service = &s->catalog.services[i];
    rd_workers *w = &server->workers[i];
    RD_TRY(rd_scheduler_open(&w->refining, service->model, s->pass_rows, s->most_jobs,
                             &server->metrics, e));
    if (service->causal)
      RD_TRY(rd_scheduler_open(&w->causal, service->causal, s->pass_rows, s->most_jobs,
                               &server->metrics, e));
  }
  return RD_OK;
}

/* All of them, each with what the others left of the grace. */
static void stop_workers(rd_server *server, double grace, const atomic_bool *hurry) {
  double until = rd_seconds() + grace;
  for (size_t i = 0; server->workers && i < server->setup.catalog.count; i++) {
    rd_scheduler_stop(server->workers[i].refining, fmax(0, until - rd_seconds()), hurry);
    rd_scheduler_stop(server->workers[i].causal, fmax(0, until - rd_seconds()), hurry);
  }
}

static void close_workers(rd_server *server) {
  for (size_t i = 0; server->workers && i < server->setup.catalog.count; i++) {
    rd_scheduler_close(&server->workers[i].refining);
    rd_scheduler_close(&server->workers[i].causal);
  }
  free(server->workers);
}

static rd_code start(rd_server *server, rd_error *e) {
  const rd_server_setup *s = &server->setup;
  RD_TRY(rd_late_open(&late, e));
  RD_TRY(rd_entrance_check(s, e));
  for (size_t i = 0; i < s->catalog.count; i++)
    if (!s->catalog.services[i].model->tokenizer)
      return rd_fail(e, RD_USAGE, "%s has no tokenizer: there is no text to serve",
                     s->catalog.services[i].name);
  RD_TRY(rd_trial_check(&s->catalog, e));
  if ((s->key && !(server->key = rd_strdup(s->key, e))) ||
      (s->origin && !(server->origin = rd_strdup(s->origin, e))))
    return RD_NO_MEMORY;
  RD_TRY(rd_reserve_open(e));
  RD_TRY(open_socket(server, e));
  RD_TRY(open_workers(server, e));
  size_t most = 2 * (size_t)s->most_jobs + 64; /* each draft, and as many who look on */
  RD_TRY(rd_guard_open(&server->guard, !s->certificate, most, server->loopback ? 0 : most / 2, e));
  unsigned flags =
      MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL | MHD_USE_ITC;
  /* The last options: without a certificate the list ends at once. */
  struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)s->certificate},
                                 {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)s->private_key},
                                 {MHD_OPTION_END, 0, NULL}};
  if (s->certificate)
    flags |= MHD_USE_TLS;
  server->daemon = rd_mhd.MHD_start_daemon(
      flags, 0, NULL, NULL, access_request, server, MHD_OPTION_LISTEN_SOCKET, server->socket,
      MHD_OPTION_NOTIFY_COMPLETED, completed, NULL, MHD_OPTION_NOTIFY_CONNECTION, connected, server,
      MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
      (unsigned)RD_IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(64 << 10),
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)(most + LEAVING), MHD_OPTION_URI_LOG_CALLBACK,
      rd_entrance_see, NULL, MHD_OPTION_UNESCAPE_CALLBACK, rd_entrance_unescape, NULL, RD_STRICT,
      MHD_OPTION_ARRAY, s->certificate ? tls : &tls[2], MHD_OPTION_END);
  return server->daemon ? RD_OK
                        : rd_fail(e, RD_IO, "the server does not start%s",
                                  s->certificate ? "; is the certificate for this key?" : "");
}

rd_code rd_server_open(rd_server **out, const rd_server_setup *setup, rd_error *e) {
  *out = NULL;
  rd_server *server = rd_calloc(1, sizeof *server, "a server", e);
  if (!server)
    return RD_NO_MEMORY;
  server->setup = *setup;
  server->begun = (int64_t)time(NULL);
  server->socket = -1;
  rd_code code = start(server, e);
  if (code != RD_OK)
    rd_server_close(&server, 0, NULL);
  *out = server;
  return code;
}

const char *rd_server_url(const rd_server *server) {
  return server->url;
}

/* The drafts are over; their last bytes may still be on the way. */
static void await_answers(rd_server *server, double until, const atomic_bool *hurry) {
  const struct timespec tick = {.tv_nsec = 5000000};
  while (atomic_load(&server->answering) > 0 && rd_seconds() < until) {
    nanosleep(&tick, NULL);
    if (hurry && atomic_load(hurry))
      until = fmin(until, rd_seconds() + LAST_SECONDS);
  }
}

void rd_server_close(rd_server **out, double grace, const atomic_bool *hurry) {
  rd_server *server = *out;
  if (!server)
    return;
  atomic_store(&server->closing, true);
  if (server->daemon)
    rd_mhd.MHD_quiesce_daemon(server->daemon);
  /* Connections still refer to the scheduler: its thread ends here, its memory with the daemon. */
  double until = rd_seconds() + grace + LAST_SECONDS;
  stop_workers(server, grace, hurry);
  /* Stopping may have taken a long pass. */
  await_answers(server, fmax(until, rd_seconds() + LAST_SECONDS), hurry);
  if (server->daemon)
    rd_mhd.MHD_stop_daemon(server->daemon);
  rd_guard_close(&server->guard);
  close_workers(server);
  rd_reserve_close();
  if (server->socket >= 0)
    close(server->socket);
  free(server->key);
  free(server->origin);
  free(server->url);
  free(server);
  *out = NULL;
}
