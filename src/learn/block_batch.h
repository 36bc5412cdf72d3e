/* SPDX-License-Identifier: MIT */
/* Batches of two halves, for adapters that refine blocks behind a gate. An example is a clean
 * sequence, its whole text, and blocks of its answer, twice: of what is masked in one copy the
 * other shows. A block begins at its position of the text, sees what lies before it there
 * (clean_half.h), and with a shift begins with a word that is never masked, since the base says it.
 *
 * The length of an example's blocks is drawn from those of the rules, and where the first one ends,
 * so that every position is at every place of a block. In each block a share of the masks is drawn
 * evenly from 0 to 1, or, for `all_masked` of them, is 1. Rows count that predict a mask, and the
 * last of a shifted block, which predicts the word behind it: an example counts as the mean of its
 * rows. Copies of a block without a mask are left out.
 *
 * Of the examples a share, `branches` of the rules, comes once and in branches: blocks of 1 to
 * RD_LONGEST_BRANCH masks, the first position too. So --verify drafts behind each place where its
 * check may end: what stands there, the base says in that same pass, and no row of the branch can
 * know it. Rules with branches have shift 1. */
#ifndef RD_BLOCK_BATCH_H
#define RD_BLOCK_BATCH_H

#include "batch_rules.h"

/* "8,16,32" into lengths (RD_MOST_BLOCKS) and their number; 0 is the whole answer. RD_USAGE. */
enum { RD_LONGEST_BRANCH = 6 };

rd_code rd_block_lengths_read(int64_t *lengths, int64_t *count, const char *text, rd_error *e);

/* Whatever is drawn, each example fits into a batch with its copies; RD_USAGE names one that may
 * not. */
rd_code rd_block_batch_fits(const rd_batch_rules *rules, const rd_examples *examples, rd_error *e);
/* An example behind what is in the batch; false, and nothing, where it does not fit any more. Its
 * random numbers are those of `rng`. */
bool rd_block_batch_add(rd_batch *batch, const rd_batch_rules *rules, const rd_examples *examples,
                        int32_t index, rd_rng *rng);

#endif
