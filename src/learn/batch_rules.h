/* SPDX-License-Identifier: MIT */
/* How batches are made, and what one holds. */
#ifndef RD_BATCH_RULES_H
#define RD_BATCH_RULES_H

#include "examples.h"
#include "objective.h"
#include "stack.h"

enum { RD_MOST_BLOCKS = 8 };

typedef struct rd_batch_rules {
  const rd_objective *objective;
  const rd_corruption *corruption; /* of the objective, or NULL */
  const rd_loss_on *loss_on;
  bool eos_padding_loss, pad_to_window, pad_short;
  int64_t shift; /* 1: row i-1 of a denoising sequence predicts the token at i (Dream); else 0 */
  double shares[RD_MOST_CORRUPTIONS]; /* share of the examples that each row of rd_corruptions gets
                                         in place of `corruption`; 0 but for the `shared` */
  double own_drafts;                  /* share of the batches that own_draft.h redrafts, ... */
  double draft_temperature, draft_drawn; /* ... of which this share draws words so, ... */
  int64_t draft_top_k; /* ... from so many (0: all); the others take the most likely ones */
  /* Of batches of two halves (block_batch.h): the lengths of blocks, how many of these are all
   * masks, and the share of the examples that come as branches. */
  int64_t block_lengths[RD_MOST_BLOCKS], block_count;
  double all_masked, branches;
  int64_t window, rows; /* tokens of a sequence at most; tokens of a batch */
  int32_t mask, eos;
  uint64_t seed;
} rd_batch_rules;

typedef struct rd_batch {
  rd_sequence *sequences; /* (sequence_count) pointing into ids */
  int64_t sequence_count;
  int32_t *ids, *targets; /* (rows) targets -1: left out */
  float *weights;         /* (rows) */
  int32_t *examples;      /* (sequence_count) which example each sequence is */
  float *noise;           /* (sequence_count) share of the corruptible positions that changed */
  int32_t *answers;       /* (sequence_count) row where the answer begins */
  double total;           /* what the summed loss is divided by */
  int32_t *scratch;       /* (2 rows) */
  float *draws;           /* (rows) uniform numbers of an answer */
  int64_t rows;           /* used */
  rd_arena arena;         /* of all these */
} rd_batch;

#endif
