/* SPDX-License-Identifier: MIT */
/* One HTTP request and its response. */
#ifndef RD_EXCHANGE_H
#define RD_EXCHANGE_H

#include "group.h"
#include "guard.h"
#include "mhd.h"
#include "server_setup.h"

/* The threads that run one service's passes. */
typedef struct rd_workers {
  rd_scheduler *refining, *causal; /* causal NULL: the same for samplers from left to right */
} rd_workers;

struct rd_server {
  rd_server_setup setup;
  char *key, *origin, *url;
  struct MHD_Daemon *daemon;
  int socket;
  bool loopback;       /* listens where only this machine comes in */
  int64_t begun;       /* Unix time */
  rd_workers *workers; /* (catalog.count) */
  rd_guard *guard;
  rd_metrics metrics;
  atomic_bool closing;
  atomic_int answering; /* requests that have arrived and are not answered to the last byte */
};

typedef struct rd_exchange rd_exchange;
typedef struct rd_refusal rd_refusal;
typedef enum MHD_Result rd_handler(rd_exchange *x);

/* What a path does, and what the documents (openapi.h) say of it. */
typedef struct rd_route {
  const char *method, *path; /* a path that ends in "/" (but "/" itself) takes what follows it */
  rd_handler *handler;
  bool needs_key;
  const char *group;  /* whose interface it is */
  const char *answer; /* media types of what goes back, separated by spaces */
  /* Rows of rd_fields that its body may hold beside those of its shape, separated by spaces; NULL:
   * it takes no body. A name before "!" must be given. */
  const char *fields;
  const char *help;
  bool words; /* an error is {"error": "words"}, not OpenAI's object */
  bool query; /* ?model=NAME names another model than the first */
} rd_route;

/* Routes, rd_route_count of them. */
extern const rd_route rd_routes[];
extern const size_t rd_route_count;
/* The route of a method (HEAD as GET) and a path as rd_path_plain gives it, or NULL. */
const rd_route *rd_route_find(const char *method, const char *path);
/* The method of a route at this path, or NULL. */
const char *rd_route_method(const char *path);
/* A path as the table has it: one slash for several, none at the end, no scheme and host before it.
 * A new string, NULL when memory is out. */
char *rd_path_plain(const char *path);

struct rd_exchange {
  rd_server *server;
  struct MHD_Connection *connection;
  const rd_route *route; /* NULL: none */
  char *path;            /* as rd_path_plain has it */
  char *body;
  size_t size, room, swallowed;
  bool too_large, answering, ended; /* ended: the visit was refused, the rest is dropped */
  const rd_refusal *refusal;        /* by its head, or NULL */
  char *warning;                    /* for a header, or NULL */
  rd_group *group;                  /* streamed */
  rd_visit *visit;
  double begun;
  unsigned status;
};

/* The threads of a service. */
rd_workers *rd_workers_of(const rd_server *server, const rd_service *service);
/* The service of this name (NULL: the first); NULL: it was refused with 404, *sent says how. */
const rd_service *rd_asked_service(rd_exchange *x, const char *name, enum MHD_Result *sent);
/* The request's body as an object (*out is a new reference) without what is null, which is as not
 * given; RD_BAD_INPUT: it is none. Fields that the route does not have are warned of. For routes
 * without a shape: body.h reads the others. */
rd_code rd_exchange_json(rd_exchange *x, json_t **out, rd_error *e);
/* One more thing for the header X-Redraft-Warning. */
void rd_warn(rd_exchange *x, const char *format, const char *what);
/* Respond with a value, whose reference goes over; NULL: out of memory. */
enum MHD_Result rd_send_value(rd_exchange *x, json_t *value);
/* Respond with bytes; `text` is given over (malloc) unless `borrowed`. */
enum MHD_Result rd_send(rd_exchange *x, unsigned status, const char *type, char *text, size_t size,
                        bool borrowed);
/* Respond with a JSON text that is given over; NULL: out of memory. */
enum MHD_Result rd_send_json(rd_exchange *x, unsigned status, char *text);
/* One OpenAI-shaped error. `name`: its code, or NULL. */
enum MHD_Result rd_send_failure(rd_exchange *x, unsigned status, const char *type, const char *name,
                                const char *message);
enum MHD_Result rd_send_error(rd_exchange *x, const rd_error *e);
/* Respond with what the group's answers write, as they write; it is left when the exchange ends. */
enum MHD_Result rd_send_stream(rd_exchange *x, rd_group *group);
/* Its connection's socket, -1: unknown. */
int rd_exchange_socket(const rd_exchange *x);
/* An errand of the model's scheduler for who waits here. RD_CANCELLED: they are gone. */
rd_code rd_exchange_errand(const rd_exchange *x, rd_scheduler *s, rd_errand *errand, void *context,
                           rd_error *e);
/* Seconds without progress after which the connection is closed; 0: none, while we compute. */
void rd_set_timeout(rd_exchange *x, unsigned seconds);

enum { RD_IDLE_SECONDS = 60 };

#endif
