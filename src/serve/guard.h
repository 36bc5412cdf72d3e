/* SPDX-License-Identifier: MIT */
/* How long a request may take to arrive. libmicrohttpd only knows time without any byte, so that a
 * client that sends one now and then could hold its place for ever; here a thread looks at when the
 * whole of it is due. */
#ifndef RD_GUARD_H
#define RD_GUARD_H

#include "error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

typedef struct rd_guard rd_guard;
typedef struct rd_visit rd_visit; /* one connection */

/* `plain`: connections carry no TLS, so that the guard may write why it closes one. At most `most`
 * visits at a time, `most_each` of them from one address: for a new one that for which the server
 * has waited longest is closed; where it waits for none, the new one is refused with 503. */
rd_code rd_guard_open(rd_guard **out, bool plain, size_t most, size_t most_each, rd_error *e);
/* After the last rd_visit_end. */
void rd_guard_close(rd_guard **guard);

/* A connection came; its socket is closed only after rd_visit_end. Its first request is due in
 * `seconds`. NULL when memory is out. */
rd_visit *rd_visit_begin(rd_guard *guard, int socket, const struct sockaddr *from, double seconds);
/* Was it refused? Then nothing that arrives on it is answered. */
bool rd_visit_refused(rd_visit *visit);
/* Where the address of the request that arrives ends; for the connection's own thread. */
void rd_visit_see(rd_visit *visit, const char *end);
const char *rd_visit_address(const rd_visit *visit);
/* Something is due in `seconds`, or nothing (0). Late: 408, and the connection is shut. NULL is
 * fine. */
void rd_visit_expect(rd_visit *visit, double seconds);
void rd_visit_end(rd_visit *visit);

/* Write a whole JSON error beside libmicrohttpd, which answers only what has arrived, and end our
 * side of the connection: what the client still sends is to be read, or it would not see this. */
void rd_visit_refuse(rd_visit *visit, unsigned status, const char *type, const char *name,
                     const char *message);

#endif
