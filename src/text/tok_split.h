/* SPDX-License-Identifier: MIT */
/* Cutting text into the words that merging never crosses. Every pre-tokenizer is a list of
 * patterns, each matched by PCRE2 and each with a behaviour: what becomes of the matches and of
 * what lies between them. Bytes that are not UTF-8 are words of their own. */
#ifndef RD_TOK_SPLIT_H
#define RD_TOK_SPLIT_H

#include "tok_regex.h"

typedef struct rd_split_step rd_split_step;

typedef struct rd_splitter {
  rd_split_step *steps; /* (count) */
  size_t count, capacity;
} rd_splitter;

void rd_splitter_drop(rd_splitter *s);
/* Add a pattern: a regular expression, or `literal` text. `behaviour` is one of tokenizers' names:
 * Isolated, Removed, MergedWithPrevious, MergedWithNext, Contiguous. `invert` swaps matches and
 * gaps. */
rd_code rd_splitter_add(rd_splitter *s, rd_slice pattern, bool literal, const char *behaviour,
                        bool invert, rd_error *e);

/* Do both cut by the same patterns, step by step? */
bool rd_splitter_same(const rd_splitter *a, const rd_splitter *b);

/* Call `emit` with every word of `text`, in order; none is empty. */
typedef rd_code (*rd_emit)(void *context, rd_slice word, rd_error *e);
rd_code rd_splitter_run(const rd_splitter *s, rd_regex_scratch *scratch, rd_slice text,
                        rd_emit emit, void *context, rd_error *e);

#endif
