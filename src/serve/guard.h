/* SPDX-License-Identifier: MIT */
/* How long a request may take to arrive. libmicrohttpd only knows time without any byte, so that a
 * client that sends one now and then could hold its place for ever; here a thread looks at when the
 * whole of it is due. */
#ifndef RD_GUARD_H
#define RD_GUARD_H

#include "error.h"

#include <stdbool.h>

typedef struct rd_guard rd_guard;
typedef struct rd_visit rd_visit; /* one connection */

/* `plain`: connections carry no TLS, so that the guard may write why it closes one. */
rd_code rd_guard_open(rd_guard **out, bool plain, rd_error *e);
/* After the last rd_visit_end. */
void rd_guard_close(rd_guard **guard);

/* A connection came; its socket is closed only after rd_visit_end. NULL when memory is out. */
rd_visit *rd_visit_begin(rd_guard *guard, int socket);
/* Something is due in `seconds`, or nothing (0). Late: 408, and the connection is shut. NULL is
 * fine. */
void rd_visit_expect(rd_visit *visit, double seconds);
void rd_visit_end(rd_visit *visit);

/* Write a whole JSON response beside libmicrohttpd, which answers only what has arrived; nothing
 * more may be sent on this connection. `status`: "413 Content Too Large". */
void rd_visit_refuse(rd_visit *visit, const char *status, const char *message, const char *name);

#endif
