/* SPDX-License-Identifier: MIT */
/* Jinja, as published chat templates use it: a template is opened once and rendered for each
 * conversation, with the result of transformers' own environment (trim_blocks, lstrip_blocks, loop
 * controls, its tojson, raise_exception and strftime_now; a sandbox in which values do not change).
 *
 * Every byte of the result is known to come from the template or from the data, through
 * concatenation, slices, filters and macros: a special token that a user writes is not one that the
 * template writes.
 *
 * Steps, memory and nesting are bounded, and errors say the template's line. What is not supported
 * (doc/MODEL.md has the list) is refused when the template is opened. An opened template is shared
 * freely by threads. */
#ifndef RD_JINJA_H
#define RD_JINJA_H

#include "json.h"

#include <time.h>

typedef struct rd_jinja rd_jinja;

/* RD_BAD_INPUT: no UTF-8, or not Jinja. RD_UNSUPPORTED: a tag, filter, test or function that is not
 * here, by name and line. The text may go afterwards. */
rd_code rd_jinja_open(rd_jinja **out, const char *text, size_t size, rd_error *e);
/* NULL is fine; *t becomes NULL. */
void rd_jinja_close(rd_jinja **t);

/* What a template sees. All borrowed. */
typedef struct rd_jinja_input {
  const json_t *data;       /* variables: messages, tools, .. */
  const json_t *own;        /* variables that count as the template's text: bos_token, .. */
  const char *word_key;     /* data under this key ("role") that equals ... */
  const char *const *words; /* ... one of these (NULL after the last) counts so too */
  const struct tm *now;     /* for strftime_now; NULL: the machine's clock */
} rd_jinja_input;

/* `from_data` has a byte for each of `text`: 0 from the template, 1 from the data. */
typedef struct rd_rendered {
  char *text, *from_data; /* (size); a NUL follows */
  size_t size;
} rd_rendered;

/* RD_BAD_INPUT: what the template's raise_exception says, what Python would refuse, a limit. */
rd_code rd_jinja_render(rd_rendered *out, const rd_jinja *t, const rd_jinja_input *input,
                        rd_error *e);
void rd_rendered_drop(rd_rendered *r);

#endif
