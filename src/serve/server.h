/* SPDX-License-Identifier: MIT */
/* The HTTP server: the page, OpenAI's interface, and drafts as they happen. */
#ifndef RD_SERVER_H
#define RD_SERVER_H

#include "model.h"

typedef struct rd_server rd_server;

typedef struct rd_server_setup {
  const rd_model *model;  /* borrowed */
  const rd_model *causal; /* for samplers from left to right; NULL: the same; borrowed */
  const char *host;       /* name or address */
  int64_t port;           /* 0: any */
  const char *key;        /* NULL: none is asked for */
  int64_t most_jobs, pass_rows, most_body;
  double patience;                                   /* seconds for a request to arrive whole */
  const char *certificate, *private_key;             /* PEM text for TLS, or both NULL; borrowed */
  const char *origin;                                /* allowed by CORS, or NULL */
  void (*log)(void *context, const char *json_line); /* a line a request, any thread; or NULL */
  void *context;
} rd_server_setup;

/* Listens and answers from threads of its own. RD_IO names address and port when they are taken.
 * RD_USAGE: no tokenizer. */
rd_code rd_server_open(rd_server **out, const rd_server_setup *setup, rd_error *e);
/* "http://127.0.0.1:8080/"; lives as long as the server. */
const char *rd_server_url(const rd_server *server);
/* Takes no more connections, lets drafts finish for `grace` seconds, then stops them. */
void rd_server_close(rd_server **server, double grace);

#endif
