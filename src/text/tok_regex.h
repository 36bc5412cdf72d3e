/* SPDX-License-Identifier: MIT */
/* Regular expressions of tokenizers: PCRE2 made to read them as the libraries that they were
 * written for do (\s and \w by Unicode's properties). */
#ifndef RD_TOK_REGEX_H
#define RD_TOK_REGEX_H

#include "tok_bytes.h"

typedef struct rd_regex rd_regex;

/* A regular expression, or `literal` text. `what` stands before the error. */
rd_code rd_regex_new(rd_regex **out, rd_slice pattern, bool literal, const char *what, rd_error *e);
void rd_regex_free(rd_regex *r);

/* One thread's matching memory, for texts of up to that size. */
typedef struct rd_regex_scratch rd_regex_scratch;
rd_code rd_regex_scratch_new(rd_regex_scratch **out, size_t text_size, rd_error *e);
void rd_regex_scratch_free(rd_regex_scratch *scratch);

typedef struct rd_regex_match {
  bool found;
  size_t start, end;
} rd_regex_match;

/* The match behind *m in well-formed UTF-8, the first one where *m is all zeros; it may be empty.
 * Where there is none, !m->found, and it lies at the end. */
rd_code rd_regex_next(const rd_regex *r, rd_regex_scratch *scratch, rd_slice text,
                      rd_regex_match *m, rd_error *e);

#endif
