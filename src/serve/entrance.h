/* SPDX-License-Identifier: MIT */
/* What a request must be before anything of it is kept: a head that can be read in one way only,
 * meant for this server, from a page that may ask, with the key. */
#ifndef RD_ENTRANCE_H
#define RD_ENTRANCE_H

#include "exchange.h"

/* How libmicrohttpd is told to read heads. */
#if MHD_VERSION < 0x00097701
#define RD_STRICT MHD_OPTION_STRICT_FOR_CLIENT, 0 /* it would answer some heads twice */
#else
#define RD_STRICT MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1
#endif

struct rd_refusal {
  unsigned status;
  const char *type, *name, *message; /* of OpenAI's error */
  bool fatal; /* where the next request begins cannot be told: the connection ends */
};

/* RD_USAGE: a key that no client could send, or an origin that is none. */
rd_code rd_entrance_check(const rd_server_setup *setup, rd_error *e);
/* The first reason to refuse the request by its head, whose HTTP version ("HTTP/1.1") is where
 * libmicrohttpd read it; NULL: none. */
const rd_refusal *rd_entrance_refusal(const rd_exchange *x, const char *version);
/* For MHD_OPTION_UNESCAPE_CALLBACK: %00 stays as it is, so that no text ends early. */
size_t rd_entrance_unescape(void *context, struct MHD_Connection *connection, char *text);
/* For MHD_OPTION_URI_LOG_CALLBACK: remembers where the address ends. */
void *rd_entrance_see(void *context, const char *address, struct MHD_Connection *connection);

#endif
