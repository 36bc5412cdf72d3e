/* SPDX-License-Identifier: MIT */
/* Memory of one template or one rendering: taken piece by piece, given back at once, bounded.
 * Texts lie apart from everything else: each byte has a second one at the same place of a second
 * array that says where it comes from. */
#ifndef RD_JINJA_POOL_H
#define RD_JINJA_POOL_H

#include "error.h"

/* A text: bytes and, for each, its origin (0: the template, 1: the data). Never changed, but it may
 * be made longer in place while it is the last one of its pool: shorter ones stay as they are. */
typedef struct rd_jtext {
  const char *data, *origin; /* (size) */
  size_t size;
} rd_jtext;

typedef struct rd_jpool {
  struct rd_jblock *things, *texts; /* the newest of each first */
  size_t used, limit;               /* bytes taken from the system, and how many may be */
} rd_jpool;

void rd_jpool_drop(rd_jpool *p);
/* `size` bytes, zeroed, aligned for any type; NULL with e filled past the limit. */
void *rd_jpool_take(rd_jpool *p, size_t size, rd_error *e);
/* A copy of `text` with its origins, or with `origin` for all of them where text.origin is NULL. */
rd_code rd_jpool_text(rd_jpool *p, rd_jtext text, char origin, rd_jtext *out, rd_error *e);
/* `left` and `right` in one; made in place where `left` is the last text of the pool. */
rd_code rd_jpool_join(rd_jpool *p, rd_jtext left, rd_jtext right, rd_jtext *out, rd_error *e);

#endif
