/* SPDX-License-Identifier: MIT */
/* Calls: filters, tests, methods and functions are rows of the same kind; so is what a loop says of
 * itself. */
#ifndef RD_JINJA_CALL_H
#define RD_JINJA_CALL_H

#include "jinja_value.h"

enum { RD_J_PARAMETERS = 6 };

/* Arguments as they were bound to a row's parameters. */
typedef struct rd_jcall {
  rd_jvalue self;                   /* what is filtered or tested, whose method it is; or UNSET */
  rd_jvalue given[RD_J_PARAMETERS]; /* in the row's order; UNSET where not given */
  rd_jvalue *rest;                  /* (rest_count) further ones, of a row that takes them */
  size_t rest_count;
  rd_jdict *named; /* further named ones, of a row that takes them; else NULL */
} rd_jcall;

typedef struct rd_jfunction {
  const char *name;
  const char *parameters; /* names, separated by spaces, "!" behind one that must be given;
                             "*": further ones; "**": named ones too */
  rd_code (*run)(rd_jstate *j, const rd_jcall *call, rd_jvalue *out);
  unsigned kinds; /* of a method: 1 << the kinds that have it */
} rd_jfunction;

/* Arguments as they were written: a name for each, of size 0 where it has none. */
typedef struct rd_jarguments {
  rd_jvalue *values; /* (count) */
  rd_slice *names;   /* (count) */
  size_t count;
} rd_jarguments;

/* Bind and run. */
rd_code rd_jrun(rd_jstate *j, const rd_jfunction *row, const rd_jvalue *self,
                const rd_jarguments *arguments, rd_jvalue *out);
/* Call any value; `caller` is what {% call %} hands over, or NULL. */
rd_code rd_jcall_value(rd_jstate *j, const rd_jvalue *callee, const rd_jarguments *arguments,
                       const rd_jvalue *caller, rd_jvalue *out);

/* Rows by name, NULL where there is none. */
const rd_jfunction *rd_jfilter(rd_slice name);
const rd_jfunction *rd_jtest(rd_slice name);
const rd_jfunction *rd_jglobal(rd_slice name);
const rd_jfunction *rd_jmethod(const rd_jvalue *v, rd_slice name);
/* The row of `name` in a table of `count`, for a value of these kinds (0: any). */
const rd_jfunction *rd_jrow(const rd_jfunction *rows, size_t count, rd_slice name, unsigned kinds);
/* Filters are in three files; rd_jfilter looks through all. */
extern const rd_jfunction rd_jfilters_of_texts[], rd_jfilters_of_lists[];
extern const size_t rd_jfilters_of_texts_count, rd_jfilters_of_lists_count;

/* Filters that texts have as methods too. */
rd_code rd_jupper(rd_jstate *j, const rd_jcall *c, rd_jvalue *out);
rd_code rd_jlower(rd_jstate *j, const rd_jcall *c, rd_jvalue *out);
rd_code rd_jcapitalize(rd_jstate *j, const rd_jcall *c, rd_jvalue *out);
rd_code rd_jtrim(rd_jstate *j, const rd_jcall *c, rd_jvalue *out);

/* A loop under way: it looks no further ahead than it is asked to. */
typedef struct rd_jloop {
  rd_jvalue *items; /* (count) of what is walked */
  size_t count, next;
  const struct rd_jnode *node; /* with the condition under which items take part, if any */
  struct rd_jscope *outside;
  rd_jlist passed; /* the items that take part, as far as is known */
  size_t index;    /* of the current one in `passed` */
  unsigned depth;
  rd_jvalue changed; /* what loop.changed was last told */
} rd_jloop;
/* Learn of items until `wanted` are known or all are. */
rd_code rd_jloop_know(rd_jstate *j, rd_jloop *loop, size_t wanted);
rd_code rd_jloop_attribute(rd_jstate *j, rd_jloop *loop, rd_jtext name, rd_jvalue *out);

/* Argument `i` of a call as an int or a text, *out left as it was where it is not given. */
rd_code rd_jgiven_int(rd_jstate *j, const rd_jcall *call, size_t i, int64_t *out);
rd_code rd_jgiven_text(rd_jstate *j, const rd_jcall *call, size_t i, rd_jtext *out);
/* Whether argument `i` is given and not none. */
bool rd_jgiven(const rd_jcall *call, size_t i);
/* Whether argument `i` is given and true. */
bool rd_jgiven_true(const rd_jcall *call, size_t i);

/* "a.b.0" of a value, as the filters' attribute argument; an int is an item. */
rd_code rd_jpath(rd_jstate *j, const rd_jvalue *v, const rd_jvalue *path, rd_jvalue *out);
/* Arithmetic: + - * / % and "//", "**", by the operator's text. */
rd_code rd_jarithmetic(rd_jstate *j, const char *op, const rd_jvalue *a, const rd_jvalue *b,
                       rd_jvalue *out);
/* "%s .." % values: Python's old formatting; and "{} ..".format(..). */
rd_code rd_jformat_percent(rd_jstate *j, rd_jtext format, const rd_jvalue *values, rd_jvalue *out);
rd_code rd_jformat_braces(rd_jstate *j, rd_jtext format, const rd_jcall *call, rd_jvalue *out);

#endif
