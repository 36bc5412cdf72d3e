/* SPDX-License-Identifier: MIT */
/* The parser's parts: expressions in one file, tags in another. */
#ifndef RD_JINJA_PARSE_H
#define RD_JINJA_PARSE_H

#include "jinja_lex.h"
#include "jinja_node.h"

typedef struct rd_jparser {
  rd_jinja *t;
  const rd_jtoken *at; /* the next token; the last one is an END */
  unsigned depth, uses, loops;
  unsigned conditions;      /* under which this is reached */
  const rd_jtoken *unknown; /* a filter or test that nobody knows, reached without one; or NULL */
  rd_error *e;
} rd_jparser;

rd_code rd_jrefuse(rd_jparser *p, rd_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
rd_code rd_jnode_new(rd_jparser *p, rd_jnode_kind kind, rd_jnode **out);
/* Is the next token that operator, that name? `take`: step over it if so; `expect`: fail if not. */
bool rd_jis_operator(const rd_jparser *p, const char *text);
bool rd_jis_name(const rd_jparser *p, const char *text);
bool rd_jtake_operator(rd_jparser *p, const char *text);
bool rd_jtake_name(rd_jparser *p, const char *text);
rd_code rd_jexpect_operator(rd_jparser *p, const char *text);
/* A name, as a text value. */
rd_code rd_jexpect_name(rd_jparser *p, rd_jvalue *out);
/* A filter or test that nobody knows is an error where it is reached: where no condition stands
 * before it, at once. */
rd_code rd_jcheck_known(rd_jparser *p);
/* Go into something that can hold itself; p->depth is the caller's to take back. */
rd_code rd_jenter(rd_jparser *p);

/* A text of the source as a value. */
rd_code rd_jcopy(rd_jparser *p, rd_slice text, rd_jvalue *out);
/* The value of the next token, a number; of the next ones, strings, which are one. */
rd_code rd_jdigits(rd_jparser *p, rd_jvalue *out);
rd_code rd_jstrings(rd_jparser *p, rd_jvalue *out);

/* An expression; without `choice` one that leaves "if" alone, as in "for x in y if z". */
rd_code rd_jexpression(rd_jparser *p, bool choice, rd_jnode **out);
/* One, or several with commas, which are a tuple. */
rd_code rd_jexpressions(rd_jparser *p, bool choice, rd_jnode **out);
/* What can be assigned to: names, a tuple of them, with `space` a namespace's attribute. */
rd_code rd_jtarget(rd_jparser *p, bool space, rd_jnode **out);
/* "| name(..) | .." behind `node`; with `inside` the first bar is left out. */
rd_code rd_jfilters(rd_jparser *p, bool inside, rd_jnode **node);

#endif
