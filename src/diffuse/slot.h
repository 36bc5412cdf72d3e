/* SPDX-License-Identifier: MIT */
/* The slot of a question: the one place of its answer in which one token tells the alternatives
 * apart, and the tokens that say them there.
 *
 * An alternative's own word is taken where the words differ in their first token ("Paris",
 * "Rome"); where they do not ("refund_full", "refund_part") a label stands for each: A, B, C ... */
#ifndef RD_SLOT_H
#define RD_SLOT_H

#include "question.h"
#include "tokenizer.h"

typedef struct rd_slot {
  int32_t *lead; /* (lead_count) what stands before the place */
  int64_t lead_count;
  int32_t *tokens; /* (the question's count) */
  char **labels;   /* (the question's count) that stand for the alternatives, or NULL */
  int64_t longest; /* tokens of the longest alternative */
  int64_t count;   /* of the question */
} rd_slot;

/* `before` is text that the answer's lead goes on from ("" : it begins), as "2: ". RD_USAGE: the
 * vocabulary has not as many labels as there are alternatives. Dropped in any case. */
rd_code rd_slot_find(rd_slot *out, const rd_tokenizer *t, const rd_question *q, const char *before,
                     rd_error *e);
void rd_slot_drop(rd_slot *slot);

#endif
