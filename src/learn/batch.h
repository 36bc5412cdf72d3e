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

#include "batch_rules.h"
#include "order.h"

/* Room for `rows` tokens. */
rd_code rd_batch_init(rd_batch *batch, int64_t rows, rd_error *e);
void rd_batch_drop(rd_batch *batch);

/* The next batch of the order; `number` = 0, 1, ... keys its random numbers. */
rd_code rd_batch_next(rd_batch *batch, const rd_batch_rules *rules, const rd_examples *examples,
                      rd_order *order, int64_t number, rd_error *e);
/* Batches from number 0 on until the order has gone through the data so many times: *count of them,
 * the last of which may take some of the next time. They are packed to see, nothing is corrupted.
 */
rd_code rd_batch_passes(int64_t *count, rd_batch *batch, const rd_batch_rules *rules,
                        const rd_examples *examples, rd_order *order, double epochs, rd_error *e);
/* Validation: examples from *next on while they fit, corruption a function of (seed, example)
 * alone; *next moves on. The batch may be smaller than `rows`. */
rd_code rd_batch_fixed(rd_batch *batch, const rd_batch_rules *rules, const rd_examples *examples,
                       int64_t *next, rd_error *e);

#endif
