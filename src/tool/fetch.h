/* SPDX-License-Identifier: MIT */
/* Files over HTTP, taken up again where they were cut. The one place that knows libcurl. */
#ifndef RD_FETCH_H
#define RD_FETCH_H

#include "error.h"

typedef struct rd_fetch rd_fetch;

typedef struct rd_fetch_options {
  const char *base;  /* "https://huggingface.co": http or https, a host, perhaps a path */
  const char *token; /* sent to that host alone; NULL: none */
  void (*progress)(void *context, int64_t done, int64_t of); /* bytes; of -1: unknown. Or NULL */
  void *context;
} rd_fetch_options;

/* RD_USAGE: another scheme, no host, a user's name or a password in it. What it fetches is never of
 * another scheme than the base, wherever answers redirect to. The options are borrowed. */
rd_code rd_fetch_open(rd_fetch **out, const rd_fetch_options *options, rd_error *e);
void rd_fetch_close(rd_fetch **fetch);

/* The answer to base/path as a string with a NUL behind its `size` bytes, at most `limit`. */
rd_code rd_fetch_text(rd_fetch *fetch, const char *path, size_t limit, char **text, size_t *size,
                      rd_error *e);
/* base/path as the file `to`, of `size` bytes (-1: as many as come). What `to` holds already is its
 * beginning. A connection that is cut is made again while it brings something. After RD_IO `to`
 * holds what came. */
rd_code rd_fetch_file(rd_fetch *fetch, const char *path, const char *to, int64_t size, rd_error *e);

#endif
