/* SPDX-License-Identifier: MIT */
/* An example's rows are laid out from its draws alone; what does not fit is taken back. */
#include "block_batch.h"

#include "whole.h"

#include <stdlib.h>
#include <string.h>

rd_code rd_block_lengths_read(int64_t *lengths, int64_t *count, const char *text, rd_error *e) {
  const char *at = text;
  *count = 0;
  while (*at) {
    char *end;
    long long n = strtoll(at, &end, 10);
    if (end == at || n < 0 || n == 1 || n > INT32_MAX || (*end && *end != ',' && *end != ' '))
      return rd_fail(e, RD_USAGE,
                     "block_lengths: expected numbers from 2 on (or 0, the whole answer) with "
                     "commas between, found %.20s",
                     at);
    if (*count == RD_MOST_BLOCKS)
      return rd_fail(e, RD_USAGE, "block_lengths: %d at most", RD_MOST_BLOCKS);
    lengths[(*count)++] = n;
    at = end + strspn(end, ", ");
  }
  return *count ? RD_OK : rd_fail(e, RD_USAGE, "block_lengths: name at least one");
}

/* An example's answer: its ids, with what closes it, behind `prompt` of the text. */
typedef struct answer {
  const int32_t *ids; /* (n) */
  int64_t n, prompt;
} answer;

/* Where a copy of a block has masks: where u is below `share`, or (`other`) where it is not, from
 * the block's row `known` on. */
typedef struct masking {
  const float *u; /* (positions of the answer) */
  double share;
  int64_t known;
  bool other;
} masking;

/* The block of answer positions first .. end - 1 of a copy, behind the batch. Returns how many of
 * its rows count; -1: no room. */
static int64_t add_block(rd_batch *b, const rd_batch_rules *r, const answer *a, int64_t first,
                         int64_t end, const masking *m) {
  int64_t at = b->rows, n = end - first, masks = 0, counted = 0;
  if (n > r->rows - at)
    return -1;
  for (int64_t i = 0; i < n; i++) {
    bool masked = i >= m->known && ((double)m->u[first + i] < m->share) != m->other;
    b->ids[at + i] = masked ? r->mask : a->ids[first + i];
    masks += masked;
  }
  if (masks == 0)
    return 0;
  for (int64_t i = 0; i < n; i++) {
    int64_t next = i + r->shift;
    bool counts = next < n ? b->ids[at + next] == r->mask && a->ids[first + next] != r->mask
                           : first + next < a->n;
    counts = counts && r->shift + a->prompt + first + i > 0; /* else no row says what it aims at */
    b->targets[at + i] = counts ? a->ids[first + next] : -1;
    b->weights[at + i] = counts;
    counted += counts;
  }
  int64_t s = b->sequence_count++;
  b->sequences[s] = (rd_sequence){.ids = b->ids + at, .count = n, .first = a->prompt + first};
  b->answers[s] = (int32_t)at;
  b->rows += n;
  return counted;
}

/* All blocks of both copies, or all branches; returns how many rows count, -1: no room. Without
 * branches in the rules no number is drawn for them, so that such batches stay what they were. */
static int64_t add_copies(rd_batch *b, const rd_batch_rules *r, const answer *a, rd_rng *rng) {
  bool branches = r->branches > 0 && rd_rng_uniform(rng) < r->branches;
  int64_t length = branches ? 1 + rd_rng_below(rng, RD_LONGEST_BRANCH)
                            : r->block_lengths[rd_rng_below(rng, (uint32_t)r->block_count)];
  int64_t all = 0;
  length = length > 0 && length < a->n ? length : a->n;
  int64_t end = length - (length < a->n ? rd_rng_below(rng, (uint32_t)length) : 0);
  float *u = b->draws;
  for (int64_t i = 0; i < a->n; i++)
    u[i] = (float)rd_rng_uniform(rng);
  for (int64_t first = 0; first < a->n; first = end, end += length) {
    int64_t stop = end < a->n ? end : a->n;
    bool whole = branches || rd_rng_uniform(rng) < r->all_masked;
    double drawn = rd_rng_uniform(rng), share = whole ? 1 : drawn;
    for (int copy = 0; copy < 2; copy++) {
      const masking m = {u, share, branches ? 0 : r->shift, copy};
      int64_t counted = add_block(b, r, a, first, stop, &m);
      if (counted < 0)
        return -1;
      all += counted;
    }
  }
  return all;
}

rd_code rd_block_batch_fits(const rd_batch_rules *r, const rd_examples *x, rd_error *e) {
  for (int64_t i = 0; i < x->count; i++) {
    const rd_example *example = &x->items[i];
    int64_t rows = example->prompt + 3 * (example->answer + !example->open);
    if (rows > r->rows)
      return rd_fail(e, RD_USAGE,
                     "an example of %d tokens and its blocks, twice, may take %lld rows, and a "
                     "batch has %lld: a larger batch, of %lld",
                     example->prompt + example->answer, (long long)rows, (long long)r->rows,
                     (long long)rd_over(rows, r->window));
  }
  return RD_OK;
}

bool rd_block_batch_add(rd_batch *b, const rd_batch_rules *r, const rd_examples *x, int32_t index,
                        rd_rng *rng) {
  const rd_example *example = &x->items[index];
  const int32_t *ids = x->pool + example->offset;
  int64_t at = b->rows, before = b->sequence_count, n = example->prompt + example->answer;
  n += !example->open; /* the EOS behind it in the pool */
  const answer a = {ids + example->prompt, n - example->prompt, example->prompt};
  if (n > r->rows - at)
    return false;
  for (int64_t i = 0; i < n; i++) {
    b->ids[at + i] = ids[i];
    b->targets[at + i] = -1;
    b->weights[at + i] = 0;
  }
  b->sequences[b->sequence_count++] = (rd_sequence){.ids = b->ids + at, .count = n, .gate = n};
  b->answers[before] = (int32_t)(at + n);
  b->rows += n;
  int64_t counted = add_copies(b, r, &a, rng);
  if (counted < 0) {
    b->rows = at;
    b->sequence_count = before;
    return false;
  }
  for (int64_t row = at; row < b->rows; row++)
    b->weights[row] /= (float)(counted > 0 ? counted : 1);
  for (int64_t s = before; s < b->sequence_count; s++) {
    b->examples[s] = index;
    b->noise[s] = 0.5f;
  }
  b->total += counted > 0;
  return true;
}
