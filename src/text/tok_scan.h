/* SPDX-License-Identifier: MIT */
/* A scanner over JSON text for the two parts of a tokenizer that are large: the vocabulary and the
 * merges. A tree of half a million nodes would cost most of the time of opening a model; everything
 * else in the same file is cut out by rd_scan_skip and given to jansson. */
#ifndef RD_TOK_SCAN_H
#define RD_TOK_SCAN_H

#include "tok_bytes.h"

typedef struct rd_scan {
  const char *start, *at, *end;
  bool first; /* just after an opening bracket: no comma is due */
} rd_scan;

rd_scan rd_scan_of(rd_slice text);
/* Take the bracket '{' or '['. */
rd_code rd_scan_open(rd_scan *s, char bracket, rd_error *e);
/* Before each member: *more is false when `close` was there, and taken. */
rd_code rd_scan_more(rd_scan *s, char close, bool *more, rd_error *e);
/* A string, unescaped, appended to `out`. */
rd_code rd_scan_string(rd_scan *s, rd_bytes *out, rd_error *e);
/* A member's name, replacing what `out` held, and its colon. */
rd_code rd_scan_key(rd_scan *s, rd_bytes *out, rd_error *e);
rd_code rd_scan_integer(rd_scan *s, int64_t *value, rd_error *e);
/* A number that is finite. */
rd_code rd_scan_number(rd_scan *s, double *value, rd_error *e);
/* The next character that is not white space, not taken; 0 at the end. */
char rd_scan_peek(rd_scan *s);
/* Step over a value of any kind; `range` (may be NULL) gets its text. Its inside is not checked. */
rd_code rd_scan_skip(rd_scan *s, rd_slice *range, rd_error *e);
/* Behind the last value: nothing but white space may follow. */
rd_code rd_scan_end(rd_scan *s, rd_error *e);

#endif
