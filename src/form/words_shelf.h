/* SPDX-License-Identifier: MIT */
/* The place of a model's words: made when somebody first asks for them, once, so that a model that
 * never answers in a form pays nothing for them. Any thread may ask. */
#ifndef RD_WORDS_SHELF_H
#define RD_WORDS_SHELF_H

#include "word_tree.h"

typedef struct rd_words_shelf rd_words_shelf;

/* NULL: no memory. */
rd_words_shelf *rd_words_shelf_open(rd_error *e);
/* With the words; NULL is fine. */
void rd_words_shelf_close(rd_words_shelf **shelf);
/* The words, which are made now if they are not there: arguments and errors are those of
 * rd_words_open, and should be the same at each call. */
rd_code rd_words_shelf_take(const rd_words **out, rd_words_shelf *shelf,
                            const rd_tokenizer *tokenizer, int64_t vocab, const int32_t *ends,
                            int end_count, int32_t mask, rd_error *e);

#endif
