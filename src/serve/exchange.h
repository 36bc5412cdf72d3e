/* SPDX-License-Identifier: MIT */
/* One HTTP request and its response; the one header that knows libmicrohttpd. */
#ifndef RD_EXCHANGE_H
#define RD_EXCHANGE_H

#include "guard.h"
#include "scheduler.h"
#include "server_setup.h"

#include <microhttpd.h>

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
  rd_workers *workers; /* (catalog.count) */
  rd_guard *guard;
  rd_metrics metrics;
  atomic_bool closing;
  atomic_int answering; /* requests that have arrived and are not answered to the last byte */
};

typedef struct rd_exchange rd_exchange;
typedef struct rd_refusal rd_refusal;
typedef enum MHD_Result rd_handler(rd_exchange *x);

typedef struct rd_route {
  const char *method, *path;
  rd_handler *handler;
  bool needs_key;
} rd_route;

/* Routes, rd_route_count of them. */
extern const rd_route rd_routes[];
extern const size_t rd_route_count;

struct rd_exchange {
  rd_server *server;
  struct MHD_Connection *connection;
  const rd_route *route; /* NULL: none */
  char *body;
  size_t size, room, swallowed;
  bool too_large, answering, ended; /* ended: the visit was refused, the rest is dropped */
  const rd_refusal *refusal;        /* by its head, or NULL */
  char *warning;                    /* for a header, or NULL */
  rd_scheduler *scheduler;          /* of its draft */
  rd_job *job;                      /* streamed */
  rd_visit *visit;
  double begun;
  unsigned status;
};

/* Respond with bytes; `text` is given over (malloc) unless `borrowed`. */
enum MHD_Result rd_send(rd_exchange *x, unsigned status, const char *type, char *text, size_t size,
                        bool borrowed);
/* Respond with a JSON text that is given over; NULL: out of memory. */
enum MHD_Result rd_send_json(rd_exchange *x, unsigned status, char *text);
/* One OpenAI-shaped error. `name`: its code, or NULL. */
enum MHD_Result rd_send_failure(rd_exchange *x, unsigned status, const char *type, const char *name,
                                const char *message);
enum MHD_Result rd_send_error(rd_exchange *x, const rd_error *e);
/* Respond with what the job writes, as it writes; the exchange's hold goes over. */
enum MHD_Result rd_send_stream(rd_exchange *x, rd_job *job);
/* Seconds without progress after which the connection is closed; 0: none, while we compute. */
void rd_set_timeout(rd_exchange *x, unsigned seconds);

enum { RD_IDLE_SECONDS = 60 };

#endif
