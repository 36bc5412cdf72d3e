/* SPDX-License-Identifier: MIT */
/* A template's text as tokens: text outside of tags, and what is inside. White space around tags
 * is dropped here, as the signs at the tags and trim_blocks and lstrip_blocks ask. */
#ifndef RD_JINJA_LEX_H
#define RD_JINJA_LEX_H

#include "tok_bytes.h"

typedef enum rd_jtoken_kind {
  RD_J_DATA,
  RD_J_BLOCK_BEGIN, /* {% */
  RD_J_BLOCK_END,
  RD_J_PRINT_BEGIN, /* {{ */
  RD_J_PRINT_END,
  RD_J_NAME,
  RD_J_STRING, /* with its quotes and escapes */
  RD_J_DIGITS, /* an integer */
  RD_J_DECIMAL,
  RD_J_OPERATOR,
  RD_J_END,
} rd_jtoken_kind;

typedef struct rd_jtoken {
  rd_jtoken_kind kind;
  unsigned line;
  rd_slice text; /* points into the source */
} rd_jtoken;

typedef struct rd_jtokens {
  rd_jtoken *tokens; /* (count), an END last */
  size_t count, capacity;
  unsigned line; /* of the place that could not be read */
} rd_jtokens;

/* `source` with every line ending in \n, without one at the end, goes to *clean (add a drop). */
rd_code rd_jclean(rd_slice source, rd_bytes *clean, rd_error *e);
/* The tokens of clean text, which must outlive them; out->tokens is the caller's to free. */
rd_code rd_jlex(rd_slice source, rd_jtokens *out, rd_error *e);

#endif
