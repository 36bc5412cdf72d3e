/* SPDX-License-Identifier: MIT */
/* Tokens that are found in the text as they are written: most before anything else is done to it,
 * some, in their normalised form, in what the normaliser makes of the rest. */
#ifndef RD_TOK_ADDED_H
#define RD_TOK_ADDED_H

#include "tok_vocab.h"

enum {
  RD_ADDED_SPECIAL = 1, /* found only where the caller asks for special tokens */
  RD_ADDED_LSTRIP = 2,  /* takes the white space before it */
  RD_ADDED_RSTRIP = 4,  /* takes the white space after it */
  RD_ADDED_WORD = 8,    /* not inside a word */
  RD_ADDED_LATER = 16,  /* found in normalised text only: in another list */
};

typedef struct rd_added {
  struct rd_added_token {
    const char *text; /* owned */
    size_t size;
    int32_t id;
    unsigned flags;
  } * tokens; /* (count), sorted by text once indexed */
  size_t count, capacity;
  unsigned named;   /* flags of tokens that are only named here: rd_added_find does not find them */
  bool starts[256]; /* some token starts with this byte */
} rd_added;

typedef struct rd_added_match {
  size_t start, end; /* in the text, white space that the token takes included */
  size_t from;       /* where the next search goes on: behind the token itself */
  int32_t id;        /* -1: none found, start is the text's size */
} rd_added_match;

void rd_added_drop(rd_added *a);
/* A token with the same text is replaced. */
rd_code rd_added_set(rd_added *a, rd_slice text, int32_t id, unsigned flags, rd_error *e);
/* Sort; call before finding. */
void rd_added_index(rd_added *a);
/* The token written exactly so, or NULL. Before indexing. */
const struct rd_added_token *rd_added_named(const rd_added *a, rd_slice text);
/* The id of the token written exactly so, or -1. */
int32_t rd_added_id(const rd_added *a, rd_slice text);
/* Texts in which no special token is found, and in which all are. */
extern const char rd_added_plain[], rd_added_special[];
/* The first token behind the one before (a zeroed match in front of all), the longest there; where
 * that one may not be (inside a word, a special one in plain text), the search goes on behind it.
 * White space that the one before took may hold tokens too: what a token does not take begins at
 * the end of the one before. Special ones are found where no byte of them is marked in `plain` (a
 * byte for each of the text, or one of the above). */
rd_added_match rd_added_find(const rd_added *a, rd_slice text, rd_added_match before,
                             const char *plain);

#endif
