/* SPDX-License-Identifier: MIT */
/* Responses: headers that every one carries, errors of one shape, streams. */
#include "exchange.h"

#include "page.h"
#include "reply.h"
#include "said.h"
#include "unknown.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static void add(struct MHD_Response *r, const char *name, const char *value) {
  if (value)
    rd_mhd.MHD_add_response_header(r, name, value);
}

/* Headers that a page of the allowed site may send: all that it asks for, since clients have many
 * of their own (x-stainless-os, ..); what is no list of names is not repeated. */
static const char *asked_headers(const rd_exchange *x) {
  static const char usual[] = "Authorization, Content-Type";
  const char *asked = rd_mhd.MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND,
                                                         "Access-Control-Request-Headers");
  bool list = asked && *asked && strlen(asked) < 2000;
  for (const char *p = asked; list && *p; p++)
    list = isalnum((unsigned char)*p) || strchr("-_, ", *p);
  return list ? asked : usual;
}

static enum MHD_Result queue(rd_exchange *x, unsigned status, const char *type,
                             struct MHD_Response *r) {
  if (!r)
    return MHD_NO;
  add(r, "Content-Type", type);
  add(r, "X-Content-Type-Options", "nosniff");
  add(r, "X-Redraft-Warning", x->warning);
  if (strncmp(type, "text/html", 9) != 0)
    add(r, "Cache-Control", "no-store");
  if (x->server->origin) {
    add(r, "Access-Control-Allow-Origin", x->server->origin);
    add(r, "Access-Control-Allow-Headers", asked_headers(x));
    add(r, "Access-Control-Allow-Methods", "GET, POST, OPTIONS");
    add(r, "Access-Control-Expose-Headers", "X-Redraft-Warning, Retry-After");
    add(r, "Access-Control-Max-Age", "600");
    add(r, "Vary", "Origin, Access-Control-Request-Headers");
  }
  if (status == 429 || status == 503)
    add(r, "Retry-After", "2");
  if (status == 405)
    add(r, "Allow", strcmp(rd_route_method(x->path), "GET") == 0 ? "GET, HEAD" : "POST");
  if (status == 401)
    add(r, "WWW-Authenticate", "Bearer");
  x->status = status;
  enum MHD_Result result = rd_mhd.MHD_queue_response(x->connection, status, r);
  rd_mhd.MHD_destroy_response(r);
  return result;
}

enum MHD_Result rd_send(rd_exchange *x, unsigned status, const char *type, char *text, size_t size,
                        bool borrowed) {
  enum MHD_ResponseMemoryMode mode = borrowed ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE;
  struct MHD_Response *r = rd_mhd.MHD_create_response_from_buffer(size, text, mode);
  if (!r && !borrowed)
    free(text);
  if (r && strncmp(type, "text/html", 9) == 0) {
    char policy[2000];
    rd_page_policy(policy, sizeof policy);
    add(r, "Content-Security-Policy", policy);
    add(r, "Referrer-Policy", "no-referrer");
    add(r, "Cache-Control", "no-cache");
  }
  return queue(x, status, type, r);
}

enum MHD_Result rd_send_json(rd_exchange *x, unsigned status, char *text) {
  static char out[] = "{\"error\":{\"message\":\"out of memory\",\"type\":\"server_error\","
                      "\"param\":null,\"code\":null}}";
  if (!text)
    return rd_send(x, 503, "application/json", out, sizeof out - 1, true);
  return rd_send(x, status, "application/json", text, strlen(text), false);
}

/* Does an error go back as its words alone, as at all of Ollama's paths, those too that are not
 * here? */
static bool words_alone(const rd_exchange *x) {
  const char *method = rd_route_method(x->path);
  const rd_route *route = x->route || !method ? x->route : rd_route_find(method, x->path);
  return route ? route->words : strncmp(x->path, "/api/", 5) == 0;
}

enum MHD_Result rd_send_failure(rd_exchange *x, unsigned status, const char *type, const char *name,
                                const char *message) {
  if (words_alone(x))
    return rd_send_json(x, status, rd_reply_words(message));
  return rd_send_json(x, status, rd_reply_error(message, type, name));
}

enum MHD_Result rd_send_error(rd_exchange *x, const rd_error *e) {
  const rd_code_row *row = rd_code_describe(e->code);
  return rd_send_failure(x, (unsigned)row->http_status, row->http_type, NULL, e->message);
}

void rd_warn(rd_exchange *x, const char *format, const char *what) {
  char *said = rd_print(format, what);
  if (said)
    rd_said_fields(said);
  char *all = x->warning && said ? rd_print("%s; %s", x->warning, said) : said;
  if (all != said)
    free(said);
  free(x->warning);
  x->warning = all;
}

rd_code rd_exchange_json(rd_exchange *x, json_t **out, rd_error *e) {
  const char *name;
  json_t *value;
  void *next;
  rd_unknown unknown = {0};
  RD_TRY(rd_json_parse(out, x->body ? x->body : "", x->size, "the body", e));
  if (!json_is_object(*out))
    return rd_fail(e, RD_BAD_INPUT, "the body: expected an object");
  json_object_foreach_safe(*out, next, name, value) if (json_is_null(value))
      json_object_del(*out, name);
  rd_unknown_read(&unknown, *out, x->route->fields);
  if (unknown.names[0])
    rd_warn(x, "unknown fields: %s", unknown.names);
  return RD_OK;
}

int rd_exchange_socket(const rd_exchange *x) {
  const union MHD_ConnectionInfo *info =
      rd_mhd.MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

rd_code rd_exchange_errand(const rd_exchange *x, rd_scheduler *s, rd_errand *errand, void *context,
                           rd_error *e) {
  if (rd_socket_gone(rd_exchange_socket(x)))
    return rd_fail(e, RD_CANCELLED, "the client closed the connection");
  return rd_scheduler_do(s, errand, context, e);
}

void rd_set_timeout(rd_exchange *x, unsigned seconds) {
  rd_mhd.MHD_set_connection_option(x->connection, MHD_CONNECTION_OPTION_TIMEOUT, seconds);
}

/* While we wait for the scheduler the client is not idle: its time starts when bytes are there. */
static ssize_t more(void *context, uint64_t at, char *to, size_t most) {
  rd_exchange *x = context;
  (void)at;
  rd_set_timeout(x, 0);
  size_t n = rd_group_read(x->group, to, most);
  rd_set_timeout(x, RD_IDLE_SECONDS);
  rd_scheduler_wake(x->group->scheduler);
  return n > 0 ? (ssize_t)n : MHD_CONTENT_READER_END_OF_STREAM;
}

enum MHD_Result rd_send_stream(rd_exchange *x, rd_group *group) {
  x->group = group;
  struct MHD_Response *r =
      rd_mhd.MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 1 << 16, more, x, NULL);
  return queue(x, 200, group->reply->type, r);
}

enum MHD_Result rd_send_value(rd_exchange *x, json_t *value) {
  char *text = value ? rd_json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
  json_decref(value);
  return rd_send_json(x, 200, text);
}

const rd_service *rd_asked_service(rd_exchange *x, const char *name, enum MHD_Result *sent) {
  const rd_catalog *c = &x->server->setup.catalog;
  const rd_service *service = rd_catalog_find(c, name);
  rd_error e = {0};
  if (service)
    return service;
  rd_catalog_missing(c, name, &e);
  *sent = rd_send_failure(x, 404, "invalid_request_error", "model_not_found", e.message);
  return NULL;
}

rd_workers *rd_workers_of(const rd_server *server, const rd_service *service) {
  return &server->workers[service - server->setup.catalog.services];
}
