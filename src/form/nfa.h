/* SPDX-License-Identifier: MIT */
/* Automata over bytes that may go several ways at once, built from the end to the beginning: every
 * builder takes the node that follows and gives the node where what it adds begins.
 *
 *   int32_t end = rd_nfa_accept(n);
 *   int32_t start = rd_nfa_text(n, "ab", 2, end);   accepts "ab"
 *
 * -1 as what follows gives -1 again, so that a builder may be called with the result of another;
 * rd_nfa_check says at the end whether the automaton became too large, or memory ran out.
 *
 * The inside of a JSON string is one node however long it may be: a body, whose states are counted
 * and never written down (string_body.h). */
#ifndef RD_NFA_H
#define RD_NFA_H

#include "charset.h"
#include "string_body.h"

enum {
  RD_MOST_NODES = 1 << 18,
  RD_MOST_BUILDING = 1 << 21,
  RD_MOST_INSIDES = 1 << 10,
  RD_SHORT_BODY = 64
};

typedef enum rd_nfa_kind {
  RD_NFA_RANGE,   /* one byte of [low, high], then a */
  RD_NFA_SPLIT,   /* a or b, without a byte; -1: no way */
  RD_NFA_ACCEPT,  /* the text may end */
  RD_NFA_NOTHING, /* no text goes on here */
  RD_NFA_BODY,    /* what stands in a JSON string, with its closing quote: bodies[a] */
} rd_nfa_kind;

typedef struct rd_nfa_node {
  uint8_t kind, low, high;
  int32_t a, b;
} rd_nfa_node;

/* The inside of a string of `least` to `most` characters (-1: any number), a quote, then `exit`. */
typedef struct rd_nfa_body {
  int32_t inside, least, most, exit;
} rd_nfa_body;

/* What strings may hold, each once, by a name that says what it is. */
typedef struct rd_nfa_inside {
  rd_inside is;
  char *name;     /* NULL: any string */
  int32_t before; /* places of those before it, where an automaton has taken them over */
} rd_nfa_inside;

typedef struct rd_nfa {
  rd_nfa_node *nodes; /* (count) */
  size_t count, capacity;
  rd_nfa_body *bodies; /* (body_count) */
  size_t body_count, body_capacity;
  rd_nfa_inside *insides; /* (inside_count) the first is that of any string */
  size_t inside_count, inside_capacity;
  int32_t *slots; /* (slot_mask + 1) nodes by what they are: equal ones are one */
  size_t slot_mask;
  size_t built;    /* calls of builders */
  bool deeper;     /* would less be built with fewer turns (rd_schema_build)? */
  int32_t longest; /* strings with a bound of their length beyond it are bounded by it; 0: they are
                      not */
  rd_code code;    /* of the first that failed */
  rd_error error;
} rd_nfa;

void rd_nfa_drop(rd_nfa *n);
/* RD_OK, or why building stopped: RD_NO_MEMORY; RD_BAD_INPUT: too large. */
rd_code rd_nfa_check(const rd_nfa *n, rd_error *e);

/* Count a step of building; false: building has stopped. The builders below do so themselves. */
bool rd_nfa_step(rd_nfa *n);

int32_t rd_nfa_accept(rd_nfa *n);
int32_t rd_nfa_range(rd_nfa *n, uint8_t low, uint8_t high, int32_t next);
/* Either; -1 on one side: the other. For what no text can be, see rd_nfa_nothing. */
int32_t rd_nfa_either(rd_nfa *n, int32_t a, int32_t b);
/* A node that leads nowhere. */
int32_t rd_nfa_nothing(rd_nfa *n);
/* A loop: make it, build what returns to it, then say its two ways. */
int32_t rd_nfa_loop(rd_nfa *n);
int32_t rd_nfa_close_loop(rd_nfa *n, int32_t loop, int32_t again, int32_t next);
int32_t rd_nfa_text(rd_nfa *n, const char *text, size_t size, int32_t next);
/* One character of the set, as UTF-8; `quoted`: as it is written in a JSON string. */
int32_t rd_nfa_set(rd_nfa *n, const rd_charset *set, bool quoted, int32_t next);
int32_t rd_nfa_string_body(rd_nfa *n, int32_t least, int32_t most, int32_t next);
/* The same of a string that holds what the inside of this number says. */
int32_t rd_nfa_body_of(rd_nfa *n, int32_t inside, int32_t least, int32_t most, int32_t next);
/* The number of an inside; -1: there is none of that name. */
int32_t rd_nfa_find_inside(const rd_nfa *n, const char *name);
/* Takes the inside over, on failure too; -1 on failure. */
int32_t rd_nfa_add_inside(rd_nfa *n, const char *name, rd_inside *inside);

#endif
