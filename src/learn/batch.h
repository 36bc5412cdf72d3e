/* SPDX-License-Identifier: MIT */
/* From examples to what the training pass takes: packed sequences, targets and loss weights.
 *
 * A batch always has the same number of rows (batch x window), so that every product keeps its
 * shape. Next-token: each document, or piece of one, is a sequence of its own; the last is cut to
 * fill the batch. Denoising: prompt, answer and EOS padding, corrupted; examples are taken while
 * they fit and what is left over becomes padding. At generation the answer region reaches the end
 * of the canvas, whatever its size, and all behind the answer must be EOS: so the number of EOS is
 * drawn log-uniformly from 1 to what the window leaves (all lengths of padding are seen, at a fifth
 * of the cost of padding every row to the window); so in one row of eight and up to 16 in the
 * others (`pad: short`); or is all of it (`pad: window`). Where the model's rows predict the next
 * position (`shift`), target and weight of position i stand at row i-1; the first has none. */
#ifndef RD_BATCH_H
#define RD_BATCH_H

#include "examples.h"
#include "objective.h"
#include "order.h"
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
  /* Of batches of two halves (block_batch.h): the lengths of blocks, and how many of these are all
   * masks. */
  int64_t block_lengths[RD_MOST_BLOCKS], block_count;
  double all_masked;
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
} rd_batch;

/* EOS that a denoising row gets on average where the window leaves room for `most`. */
double rd_batch_padding(const rd_batch_rules *rules, double most);

/* Room for `rows` tokens. */
rd_code rd_batch_init(rd_batch *batch, int64_t rows, rd_error *e);
void rd_batch_drop(rd_batch *batch);

/* The next batch of the order; `number` = 0, 1, ... keys its random numbers. */
rd_code rd_batch_next(rd_batch *batch, const rd_batch_rules *rules, const rd_examples *examples,
                      rd_order *order, int64_t number, rd_error *e);
/* Validation: examples from *next on while they fit, corruption a function of (seed, example)
 * alone; *next moves on. The batch may be smaller than `rows`. */
rd_code rd_batch_fixed(rd_batch *batch, const rd_batch_rules *rules, const rd_examples *examples,
                       int64_t *next, rd_error *e);

#endif
