/* SPDX-License-Identifier: MIT */
/* A text mended: words that the model finds unlikely are looked for, and rewritten where other
 * words make the text much likelier; all others are locked. For models that read from left to
 * right. */
#ifndef RD_MEND_H
#define RD_MEND_H

#include "request.h"

typedef struct rd_mend_rules {
  const int32_t *prompt; /* (prompt_count) what the text answers or goes on from; NULL: nothing */
  int64_t prompt_count;
  double unlikely;    /* a word is suspected below this probability */
  double gain;        /* and rewritten where the text gains at least so many nats */
  int64_t iterations; /* passes that a word's search may take */
  bool show;          /* suspect words, rewrite none */
} rd_mend_rules;

/* A word that was suspected. Places are bytes of the mended text. */
typedef struct rd_suspect {
  size_t first, size; /* what stands there now */
  char *was;          /* the word; the text's own bytes */
  double probability; /* of it, given the text before */
  double gain;        /* of what was written instead, in nats; 0: it stayed */
} rd_suspect;

typedef struct rd_mended {
  char *text;
  rd_suspect *suspects; /* (count) from left to right */
  int64_t count;
} rd_mended;

/* Mend one text, which must fit in the model's positions; engines are kept from call to call.
 * RD_USAGE: the model does not read from left to right, or the text is too long. *out is to be
 * dropped in any case. */
rd_code rd_mend(rd_mended *out, const rd_model *model, rd_kept *kept, const char *text,
                const rd_mend_rules *rules, atomic_int *cancelled, rd_error *e);
void rd_mended_drop(rd_mended *mended);

#endif
