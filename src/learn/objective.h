/* SPDX-License-Identifier: MIT */
/* What is learnt: one row an objective, and rows for the positions that count. */
#ifndef RD_OBJECTIVE_H
#define RD_OBJECTIVE_H

#include "corrupt.h"

typedef struct rd_objective {
  const char *name;
  int64_t block;          /* attention: 0 bidirectional, 1 causal */
  const char *corruption; /* row of corrupt.h, or NULL: the row predicts the next token */
  bool covers_padding;    /* supervised EOS padding is corrupted like the answer; the closing EOS
                             always is */
  bool parent;  /* over two halves: blocks of the answer are refined behind the clean text, and aim
                   at  the base's own distribution (block_batch.h) */
  bool by_rate; /* LLaDA's weights: masked positions only, 1 / (rate x corruptible length) */
  const char *help;
} rd_objective;

extern const rd_objective rd_objectives[];
extern const size_t rd_objective_count;
extern const rd_table rd_objective_table; /* the same */
/* RD_USAGE lists the names. */
rd_code rd_objective_find(const rd_objective **out, const char *name, rd_error *e);

/* RD_BAD_INPUT, with the way out: it needs a mask token, and `mask` is none (-1). */
rd_code rd_objective_check_mask(const rd_objective *objective, int32_t mask, rd_error *e);

/* Does a position count? */
typedef struct rd_loss_on {
  const char *name;
  bool prompt;    /* the prompt's */
  bool answers;   /* of the prompt, the answers that the assistant gave before */
  bool unchanged; /* the answer's that were not corrupted */
} rd_loss_on;

extern const rd_loss_on rd_loss_ons[];
extern const size_t rd_loss_on_count;
extern const rd_table rd_loss_on_table; /* the same */
rd_code rd_loss_on_find(const rd_loss_on **out, const char *name, rd_error *e);

#endif
