/* SPDX-License-Identifier: MIT */
/* The forward pass: token ids in, final hidden states and logits out.
 *
 * One pass takes several packed sequences of different lengths; a sequence's results do not depend
 * on what it is packed with. Working memory is taken once, for a largest number of rows; nothing is
 * allocated while running. A pass belongs to one thread at a time; the model is shared. */
#ifndef RD_PASS_H
#define RD_PASS_H

#include "model.h"

typedef struct rd_pass rd_pass;
typedef struct rd_cache rd_cache; /* keys and values of one sequence, by position */

/* One sequence of a pass: `count` consecutive ids at positions `first`, first + 1, ... */
typedef struct rd_sequence {
  const int32_t *ids; /* (count) */
  int64_t count;
  int64_t first;   /* position of ids[0]; with a cache any, else 0 */
  rd_cache *cache; /* or NULL. The keys and values of these ids are put into it, at their positions;
                      those of all other positions are read from it as they are */
  int64_t length;  /* with a cache: positions there are in all, first + count or more */
} rd_sequence;

/* Working memory for passes of at most `rows` tokens in all and `longest` in one sequence.
 * `logits_rows` is the size of a chunk in rd_pass_logits (0: a default that stays in the cache). */
rd_code rd_pass_new(rd_pass **out, const rd_model *model, int64_t rows, int64_t longest,
                    int64_t logits_rows, rd_error *e);
void rd_pass_free(rd_pass **pass);
/* Bytes rd_pass_new takes for these sizes. */
size_t rd_pass_memory(const rd_model *model, int64_t rows, int64_t longest, int64_t logits_rows);

/* Run the layers over `n` sequences. `block`: 0 bidirectional, 1 causal, N blocks (-1: the model's
 * own). Errors: RD_USAGE for too many rows or positions beyond the model's, RD_BAD_INPUT for ids
 * outside the vocabulary. */
rd_code rd_pass_run(rd_pass *pass, const rd_sequence *sequences, int64_t n, int64_t block,
                    rd_error *e);

/* Called with logits (count, V) of rows[first .. first+count) of the list given; may write into
 * them. */
typedef rd_code rd_logits_sink(void *context, float *logits, int64_t first, int64_t count,
                               rd_error *e);

/* Logits of chosen rows of the last run (rows counted over the packed sequences), in chunks: memory
 * does not grow with rows x V. */
rd_code rd_pass_logits(rd_pass *pass, const int32_t *rows, int64_t count, rd_logits_sink *sink,
                       void *context, rd_error *e);

/* Room for `positions` tokens of one sequence. */
rd_code rd_cache_new(rd_cache **out, const rd_model *model, int64_t positions, rd_error *e);
void rd_cache_free(rd_cache **cache);

#endif
