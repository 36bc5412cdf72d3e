/* SPDX-License-Identifier: MIT */
/* Values of a template, with Python's rules, and the state of one rendering that makes them. */
#ifndef RD_JINJA_VALUE_H
#define RD_JINJA_VALUE_H

#include "jinja.h"
#include "jinja_pool.h"
#include "tok_bytes.h"

typedef enum rd_jkind {
  RD_J_UNSET, /* no value at all: an argument that was not given */
  RD_J_UNDEFINED,
  RD_J_NONE,
  RD_J_BOOL,
  RD_J_INT,
  RD_J_REAL,
  RD_J_TEXT,
  RD_J_LIST,
  RD_J_DICT,
  RD_J_SPACE, /* namespace(): the one thing that changes */
  RD_J_LOOP,
  RD_J_MACRO,
  RD_J_NATIVE, /* a function or method of ours */
} rd_jkind;

/* What a list is to Python. */
typedef enum rd_jform {
  RD_J_SQUARE, /* [..] */
  RD_J_TUPLE,
  RD_J_RANGE, /* has a length and items by number, and no text */
  RD_J_VIEW,  /* of a dict: has a length, no items by number */
  RD_J_LAZY,  /* a generator: is gone once it was walked */
} rd_jform;

typedef struct rd_jvalue {
  rd_jkind kind;
  bool safe; /* of a text: |safe, so that + escapes what is joined to it */
  union {
    int64_t number; /* BOOL, INT */
    double real;
    rd_jtext text; /* TEXT; UNDEFINED: the name, for messages */
    struct rd_jlist *list;
    struct rd_jdict *dict; /* DICT, SPACE */
    struct rd_jloop *loop;
    const struct rd_jmacro *macro;
    struct rd_jbound *bound; /* NATIVE */
  } as;
} rd_jvalue;

typedef struct rd_jlist {
  rd_jform form;
  rd_jvalue *items; /* (count) */
  size_t count, capacity;
} rd_jlist;

/* In the order in which keys came. */
typedef struct rd_jdict {
  rd_jvalue *keys, *values; /* (count) */
  size_t count, capacity;
} rd_jdict;

typedef struct rd_jbound {
  const struct rd_jfunction *function;
  rd_jvalue self;
} rd_jbound;

/* One rendering. Its memory is given back at once at the end. */
typedef struct rd_jstate {
  const struct rd_jinja *program;
  const rd_jinja_input *input;
  rd_error *e;
  rd_jpool pool;
  rd_bytes out, origin;    /* text being written, and where each byte comes from */
  struct rd_jscope *scope; /* the innermost */
  uint64_t steps;
  unsigned depth;                                    /* of nodes and calls */
  unsigned line;                                     /* of the node being worked on */
  enum { RD_J_ON, RD_J_BREAK, RD_J_CONTINUE } leave; /* a loop, by break or continue */
} rd_jstate;

/* Fail with RD_BAD_INPUT (the line is put in front by the caller of all). */
rd_code rd_jfail(rd_jstate *j, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Count `n` units of work against the limit. */
rd_code rd_jstep(rd_jstate *j, size_t n);
/* One level deeper into nodes, calls or values: the caller takes it back from j->depth. */
rd_code rd_jdeeper(rd_jstate *j);

/* Making values. A literal is C text of ours, at most 64 bytes. */
rd_jtext rd_jliteral(const char *text);
static inline rd_jvalue rd_jnone(void) {
  return (rd_jvalue){.kind = RD_J_NONE};
}
static inline rd_jvalue rd_jbool(bool b) {
  return (rd_jvalue){.kind = RD_J_BOOL, .as.number = b};
}
static inline rd_jvalue rd_jint(int64_t n) {
  return (rd_jvalue){.kind = RD_J_INT, .as.number = n};
}
static inline rd_jvalue rd_jreal(double x) {
  return (rd_jvalue){.kind = RD_J_REAL, .as.real = x};
}
static inline rd_jvalue rd_jtext_value(rd_jtext text) {
  return (rd_jvalue){.kind = RD_J_TEXT, .as.text = text};
}
static inline rd_jvalue rd_jundefined(rd_jtext name) {
  return (rd_jvalue){.kind = RD_J_UNDEFINED, .as.text = name};
}
rd_code rd_jlist_new(rd_jstate *j, rd_jform form, rd_jvalue *out);
rd_code rd_jlist_add(rd_jstate *j, rd_jlist *list, rd_jvalue item);
rd_code rd_jdict_new(rd_jstate *j, rd_jkind kind, rd_jvalue *out);
/* Set or replace; RD_BAD_INPUT for a key that Python cannot hash. */
rd_code rd_jdict_set(rd_jstate *j, rd_jdict *dict, rd_jvalue key, rd_jvalue value);
/* NULL when there is none. */
rd_code rd_jdict_get(rd_jstate *j, const rd_jdict *dict, rd_jvalue key, rd_jvalue **out);
/* By a name of ours. */
rd_jvalue *rd_jdict_named(const rd_jdict *dict, rd_slice name);
/* Of JSON; `origin` for its texts (and see rd_jinja_input.words). */
rd_code rd_jvalue_of_json(rd_jstate *j, const json_t *json, char origin, const char *key,
                          rd_jvalue *out);

/* Python's rules. */
bool rd_jtruth(const rd_jvalue *v);
rd_code rd_jequal(rd_jstate *j, const rd_jvalue *a, const rd_jvalue *b, bool *out);
/* *out is below, at or above 0; RD_BAD_INPUT for kinds that have no order. */
rd_code rd_jorder(rd_jstate *j, const rd_jvalue *a, const rd_jvalue *b, int *out);
/* Whether `item` is in `all`. */
rd_code rd_jcontains(rd_jstate *j, const rd_jvalue *all, const rd_jvalue *item, bool *out);
/* The items of anything that can be walked: a list's own, a dict's keys, a text's characters. */
rd_code rd_jwalk(rd_jstate *j, const rd_jvalue *v, rd_jvalue **items, size_t *count);
rd_code rd_jlength(rd_jstate *j, const rd_jvalue *v, int64_t *out);
/* v.name and v[key]; what is not there is undefined. */
rd_code rd_jattribute(rd_jstate *j, const rd_jvalue *v, rd_jtext name, rd_jvalue *out);
rd_code rd_jitem(rd_jstate *j, const rd_jvalue *v, const rd_jvalue *key, rd_jvalue *out);
/* v[start:stop:step]; each bound an int, none or unset. */
rd_code rd_jcut(rd_jstate *j, const rd_jvalue *v, const rd_jvalue bounds[3], rd_jvalue *out);
/* How Python calls the type, for messages. */
const char *rd_jkind_name(const rd_jvalue *v);
bool rd_jis_number(const rd_jvalue *v); /* int, real or bool */
double rd_jnumber(const rd_jvalue *v);
#define RD_J_INT_END 0x1p63 /* the first float that is no int of ours */

#endif
