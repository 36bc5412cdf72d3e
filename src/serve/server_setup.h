/* SPDX-License-Identifier: MIT */
/* What a server is told when it is opened. */
#ifndef RD_SERVER_SETUP_H
#define RD_SERVER_SETUP_H

#include "service.h"

typedef struct rd_server rd_server;

typedef struct rd_server_setup {
  rd_catalog catalog; /* one service at least, all with tokenizers */
  const char *host;   /* name or address */
  int64_t port;       /* 0: any */
  const char *key;    /* NULL: none is asked for */
  int64_t most_jobs, pass_rows, most_body;
  double patience;                                   /* seconds for a request to arrive whole */
  const char *certificate, *private_key;             /* PEM text for TLS, or both NULL; borrowed */
  const char *origin;                                /* allowed by CORS, or NULL */
  void (*log)(void *context, const char *json_line); /* a line a request, any thread; or NULL */
  void *context;
} rd_server_setup;

#endif
