/* SPDX-License-Identifier: MIT */
/* The ids that Hugging Face's library gives to added tokens of tokenizer.json: the model's own
 * where the text is a piece of it, else the next one behind all so far. */
#ifndef RD_TOK_NUMBERING_H
#define RD_TOK_NUMBERING_H

#include "tok_model.h"

typedef struct rd_numbering {
  rd_ids hidden; /* the model's pieces that rd_vocab_find does not see; the caller drops them */
  int64_t next, compared;
} rd_numbering;

/* Behind all pieces that are there. */
rd_code rd_numbering_begin(rd_numbering *n, const rd_tokenizer *t, rd_error *e);
/* Is `id` the one that the next added token gets? RD_UNSUPPORTED: another, which is named. */
rd_code rd_numbering_check(rd_numbering *n, const rd_tokenizer *t, rd_slice text, int64_t id,
                           rd_error *e);

#endif
