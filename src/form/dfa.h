/* SPDX-License-Identifier: MIT */
/* Automata over bytes that go one way: made of an rd_nfa, whole, so that threads may share it.
 *
 * A state is a number. The first `table_count` have a row of a table; behind them come the states
 * inside of JSON strings, which are worked out: for each body the places of its inside, each
 * with every count of characters. */
#ifndef RD_DFA_H
#define RD_DFA_H

#include "nfa.h"

enum {
  RD_MOST_TABLE_STATES = 1 << 15,
  RD_MOST_STATES = 1 << 20,
  RD_ENOUGH_STATES = 1 << 18, /* bounds of lengths that lead beyond these are lowered */
  RD_NOWHERE = -1,            /* no text goes on here */
  RD_FORM_NEVER = 1 << 30     /* more words than any text has: an end is out of reach */
};

/* A body's states are first + place * (cap + 1) + count: counts rise within a place. */
typedef struct rd_dfa_body {
  const rd_inside *in;
  int32_t inside_places; /* places of the insides before its own, counted once each */
  int32_t body_places;   /* places of the bodies before it */
  int32_t first, cap;    /* a count of `cap` stands for more too, where there is no most */
  int32_t least, most;
  int32_t exit; /* the state behind the closing quote */
} rd_dfa_body;

typedef struct rd_dfa {
  uint8_t class_of[256];
  int class_count;
  int32_t *table; /* (table_count, class_count) */
  bool *accepts;  /* (table_count) */
  int32_t table_count, count, start;
  rd_dfa_body *bodies; /* (body_count) by rising `first` */
  size_t body_count;
  rd_inside *insides; /* (inside_count) */
  size_t inside_count;
  size_t inside_places, body_places; /* of all of them */
} rd_dfa;

/* Takes over what strings may hold. RD_BAD_INPUT: it would be too large, or no text is accepted. */
rd_code rd_dfa_open(rd_dfa *out, rd_nfa *n, int32_t start, rd_error *e);
void rd_dfa_drop(rd_dfa *d);

/* The body that a state behind the table belongs to. */
const rd_dfa_body *rd_dfa_body_of(const rd_dfa *d, int32_t state);
/* The state of a body at a place with so many characters; RD_NOWHERE: too many of them. */
int32_t rd_dfa_inside(const rd_dfa_body *b, int place, int64_t characters);
/* A state behind the table, as place and count. */
static inline void rd_dfa_where(const rd_dfa_body *b, int32_t state, int *place, int32_t *count) {
  *place = (state - b->first) / (b->cap + 1);
  *count = (state - b->first) % (b->cap + 1);
}
/* The state behind a body with so many characters; RD_NOWHERE: too few or too many. */
static inline int32_t rd_dfa_exit(const rd_dfa_body *b, int64_t characters) {
  bool fits = characters >= b->least && (b->most < 0 || characters <= b->most);
  return fits ? b->exit : RD_NOWHERE;
}
/* After a byte; RD_NOWHERE stays RD_NOWHERE. */
int32_t rd_dfa_next(const rd_dfa *d, int32_t state, uint8_t byte);
static inline bool rd_dfa_accepts(const rd_dfa *d, int32_t state) {
  return state >= 0 && state < d->table_count && d->accepts[state];
}

#endif
