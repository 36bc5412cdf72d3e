/* SPDX-License-Identifier: MIT */
/* One character of a pattern, or a class of characters. */
#ifndef RD_PATTERN_CLASS_H
#define RD_PATTERN_CLASS_H

#include "charset.h"

/* Classes of Unicode's (\p{L}) in one pattern: each is looked for among all characters. */
enum { RD_MOST_CATEGORIES = 64, RD_STEPS_OF_CATEGORY = 1 << 12 /* of building */ };

typedef struct rd_pattern_text {
  const char *data; /* (size) UTF-8 */
  size_t size, at;
  size_t categories; /* read so far */
  bool whole;        /* \s, and what is no \d, \w or \s, are of all characters; else of ASCII */
} rd_pattern_text;

/* Read what stands at text->at: a literal, an escape, ".", or a class in brackets. RD_BAD_INPUT and
 * RD_UNSUPPORTED say the place. */
rd_code rd_pattern_read_set(rd_charset *out, rd_pattern_text *text, rd_error *e);

#endif
