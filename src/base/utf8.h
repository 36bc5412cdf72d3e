/* SPDX-License-Identifier: MIT */
/* UTF-8, read one character at a time by the well-formed sequences of Unicode's table 3-7: a wrong
 * character is told from an unfinished one. */
#ifndef RD_UTF8_H
#define RD_UTF8_H

#include "error.h"

/* What stands at the start of some bytes. */
typedef struct rd_utf8 {
  enum { RD_UTF8_GOOD, RD_UTF8_BAD, RD_UTF8_CUT } kind; /* CUT: well-formed so far, then the end */
  unsigned
      size; /* bytes of the character, or of the longest well-formed start of one (at least 1) */
  uint32_t point; /* the code point of a GOOD one */
} rd_utf8;

/* Read one character of `left` >= 1 bytes, by the well-formed sequences of Unicode's table 3-7. */
rd_utf8 rd_utf8_read(const char *text, size_t left);
/* Bytes of `text` before the first that is not well-formed UTF-8 (`size` when all is). */
size_t rd_utf8_valid(const char *text, size_t size);
/* Append `point` to out[4]; returns the bytes written. */
unsigned rd_utf8_write(uint32_t point, char out[4]);
/* Copy `text` to `out`, which has room for 3 * size bytes, with U+FFFD for every ill-formed part.
 * Returns the bytes written. */
size_t rd_utf8_clean(const char *text, size_t size, char *out);
/* The same as a new string; NULL when memory is out, which `e` says unless it is NULL. */
char *rd_utf8_copy(const char *text, rd_error *e);
/* RD_BAD_INPUT with `what` and the place of the first byte that is no UTF-8. */
rd_code rd_utf8_check(const char *text, size_t size, const char *what, rd_error *e);

#endif
