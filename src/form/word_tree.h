/* SPDX-License-Identifier: MIT */
/* The words of a tokenizer as a tree: what each id adds to a text, words that begin alike on one
 * branch, so that an automaton reads what they have in common once.
 *
 * Made once for a model and shared by threads. What a JSON string's inside makes of every word is
 * worked out with it, since it is the same in every form. */
#ifndef RD_WORD_TREE_H
#define RD_WORD_TREE_H

#include "string_body.h"
#include "tokenizer.h"

enum { RD_LONGEST_WORD = 512 /* bytes; longer ones are not used */, RD_MOST_WORD_ENDS = 8 };

/* The tree in the order of its bytes: a node, then all below it. */
typedef struct rd_word_node {
  uint32_t end; /* the node behind all that are below */
  int32_t word; /* the first id that is spelled so; -1: none */
  uint16_t depth;
  uint8_t byte; /* the last */
} rd_word_node;

/* Ids that lead to the same place: of a body, or of an automaton. */
typedef struct rd_word_group {
  int32_t place;         /* of a string's inside; RD_INSIDE_SHUT: behind its closing quote */
  int32_t characters;    /* that they complete on the way */
  uint32_t first, count; /* of the list of ids */
} rd_word_group;

/* Words that close the string and go on: the node of the quote. */
typedef struct rd_word_exit {
  uint32_t node;
  int32_t characters;
} rd_word_exit;

/* What words make of one place of a string's inside. */
typedef struct rd_word_fan {
  rd_word_group *groups; /* (group_count) */
  size_t group_count;
  rd_word_group
      *wholes; /* (whole_count) those of one place as one, where characters do not count */
  size_t whole_count;
  int32_t *ids;
  rd_word_exit *exits; /* (exit_count) */
  size_t exit_count;
} rd_word_fan;

typedef struct rd_words {
  const rd_tokenizer *tokenizer;
  int64_t vocab;                   /* V, of the model */
  int32_t ends[RD_MOST_WORD_ENDS]; /* ids that end a text */
  int end_count;
  rd_word_node *nodes; /* (count); [0] is the root, which is no word */
  size_t count;
  int32_t *twins;                      /* (V) another id with the same text, -1 after the last */
  bool *writes;                        /* (V) is it in the tree? */
  int32_t longest;                     /* bytes of the longest word */
  bool drops_space;                    /* the first word of a text loses a space in front */
  rd_word_fan inside[RD_PLAIN_PLACES]; /* of any string */
} rd_words;

/* All ids but `mask`, the ends, and special ones. RD_UNSUPPORTED: a tokenizer whose text is not
 * what its words are one after the other (WordPiece). */
rd_code rd_words_open(rd_words **out, const rd_tokenizer *tokenizer, int64_t vocab,
                      const int32_t *ends, int end_count, int32_t mask, rd_error *e);
/* NULL is fine; *w becomes NULL. */
void rd_words_close(rd_words **w);
/* What the id writes; its twins write the same. */
const char *rd_words_text(const rd_words *w, int32_t id, size_t *size);
bool rd_words_ends(const rd_words *w, int32_t id);

/* What words make of a place of an inside. *steps counts nodes of the tree. */
rd_code rd_words_fan(rd_word_fan *out, const rd_words *w, const rd_inside *in, int32_t place,
                     size_t *steps, rd_error *e);
void rd_word_fan_drop(rd_word_fan *fan);

#endif
