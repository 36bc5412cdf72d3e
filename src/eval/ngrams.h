/* SPDX-License-Identifier: MIT */
/* How much texts repeat themselves, in words between white space. */
#ifndef RD_NGRAMS_H
#define RD_NGRAMS_H

#include "error.h"

/* Runs of `n` neighbouring words in texts taken one after another; none reaches over two texts. */
typedef struct rd_ngrams {
  size_t n, count, capacity;
  uint64_t *hashes; /* (count) */
} rd_ngrams;

rd_code rd_ngrams_add(rd_ngrams *g, const char *text, rd_error *e);
/* How many different ones there are. Sorts what was gathered. */
size_t rd_ngrams_distinct(rd_ngrams *g);
void rd_ngrams_drop(rd_ngrams *g);
/* Share of a text's runs of `n` words that repeat an earlier one; 0 where there are none. */
rd_code rd_repetition(double *share, const char *text, size_t n, rd_error *e);

#endif
