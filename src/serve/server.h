/* SPDX-License-Identifier: MIT */
/* The HTTP server: the page, OpenAI's interface, and drafts as they happen. */
#ifndef RD_SERVER_H
#define RD_SERVER_H

#include "server_setup.h"

#include <stdatomic.h>

/* Listens and answers from threads of its own. RD_IO names address and port when they are taken.
 * RD_USAGE: no tokenizer. Options with which no request could be answered (trial.h) are refused as
 * such a request is. */
rd_code rd_server_open(rd_server **out, const rd_server_setup *setup, rd_error *e);
/* "http://127.0.0.1:8080/"; lives as long as the server. */
const char *rd_server_url(const rd_server *server);
/* Takes no more connections, lets drafts finish for `grace` seconds, or until *hurry (NULL: never),
 * then stops them. */
void rd_server_close(rd_server **server, double grace, const atomic_bool *hurry);

#endif
