/* SPDX-License-Identifier: MIT */
/* Regular expressions as automata: literals, ., classes, \d \w \s and their opposites, groups,
 * alternatives, * + ? {m,n}, ^ and $. What a finite automaton cannot say (references back), and
 * looking around and word boundaries, are refused by name and place.
 *
 * The opposites of \d, \w and \s, and negated classes with these in them, stay within ASCII, where
 * all readers of such expressions agree; "." is any character but the ends of lines. */
#ifndef RD_PATTERN_H
#define RD_PATTERN_H

#include "nfa.h"

enum { RD_LONGEST_PATTERN = 1 << 16 /* bytes */, RD_MOST_GROUPS_DEEP = 100 };

typedef struct rd_pattern_use {
  const char *what; /* stands before errors: "regex" */
  bool whole;       /* classes are of all characters, as for what is to be left out; else of ASCII,
                       which leaves fewer texts and no wrong ones */
  bool quoted;      /* the text stands in a JSON string */
  bool search; /* it may stand anywhere in the text, unless ^ and $ say otherwise; else it is all of
                  the text */
} rd_pattern_use;

/* The node where the expression begins, `next` behind it, in *start. RD_BAD_INPUT with the place;
 * RD_UNSUPPORTED for what is not here. */
rd_code rd_pattern_build(int32_t *start, rd_nfa *n, const char *text, size_t size,
                         const rd_pattern_use *use, int32_t next, rd_error *e);

#endif
