/* SPDX-License-Identifier: MIT */
/* Unigram vocabularies: every piece has a score, the logarithm of its probability, and a word is
 * written as the pieces whose sum is highest. */
#ifndef RD_TOK_UNIGRAM_H
#define RD_TOK_UNIGRAM_H

#include "tok_vocab.h"

typedef struct rd_unigram {
  double *scores; /* (capacity) by id */
  size_t capacity;
  double least;   /* of all scores */
  bool narrow;    /* SentencePiece's: sums are rounded to float, and a character that is no piece
                     costs by the least of the pieces that spell; else by the least of all */
  int32_t *order; /* (count) pieces that spell, sorted by their bytes */
  size_t count;
  double unknown; /* of a character that is no piece */
} rd_unigram;

/* Where a best path that ends at a byte comes from. */
typedef struct rd_unigram_node {
  double score;
  uint32_t start, next;
  int32_t id; /* -1: a character without a piece; -2: no path ends here yet */
} rd_unigram_node;

/* The score of a piece of `v`. RD_BAD_INPUT: no number. */
rd_code rd_unigram_set(rd_unigram *u, const rd_vocab *v, int64_t id, double score, rd_error *e);
/* Sort; after rd_vocab_index. RD_UNSUPPORTED: a piece of more than 1024 bytes. */
rd_code rd_unigram_seal(rd_unigram *u, const rd_vocab *v, rd_error *e);
void rd_unigram_drop(rd_unigram *u);
/* The best path through `word`: from nodes[0] by `next` (the end of each part, whose id stands
 * there), to word.size. `nodes` has room for word.size + 1. */
void rd_unigram_path(const rd_unigram *u, const rd_vocab *v, rd_slice word, rd_unigram_node *nodes);

#endif
