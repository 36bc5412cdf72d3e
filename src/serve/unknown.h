/* SPDX-License-Identifier: MIT */
/* Fields of a body that mean nothing where it was sent: no mistake, but the header
 * X-Redraft-Warning names them. */
#ifndef RD_UNKNOWN_H
#define RD_UNKNOWN_H

#include "json.h"

typedef struct rd_unknown {
  char names[200]; /* with ", " between two, fit for a header; "": there are none */
  bool cut;        /* there are more */
} rd_unknown;

void rd_unknown_add(rd_unknown *u, const char *name);
/* The same, unless the value asks for nothing (idle.h). */
void rd_unknown_see(rd_unknown *u, const char *name, const json_t *value);
/* Every field of a body that none of these keys is (fields.h), seen so; null is as not given. */
void rd_unknown_read(rd_unknown *u, const json_t *body, const char *keys);

#endif
