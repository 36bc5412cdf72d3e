/* SPDX-License-Identifier: MIT */
/* Messages as clients read them. They are written for the command line, where an option is --top-k;
 * in a body it is the field top_k. What only the server was started with (--max-queue) stays. */
#ifndef RD_SAID_H
#define RD_SAID_H

#include "json.h"

/* Options of generation and of decisions become fields, in place: the text gets no longer. */
void rd_said_fields(char *text);
/* A message so, as JSON, whatever bytes of a request were cut for it. New reference; NULL when
 * memory is out. */
json_t *rd_said(const char *message);

#endif
