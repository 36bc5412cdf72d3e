/* SPDX-License-Identifier: MIT */
/* Corruption of answers for training: rows of one table, pure functions over ids.
 *
 * "structural" is LAD's forward process (Kuiper et al., EMNLP 2025), "mask" is LLaDA's, "mixed"
 * masks a uniform share of an answer that the structural perturbations went over first. All numbers
 * come from the caller's rd_rng, in the order documented at each function, so that an example's
 * corruption is a function of the counter it was given. Prompts are never passed here, so never
 * touched. The rows that are `shared` make what a refinement meets: nothing but masks, two answers
 * in one, a token too many or too few, a wrong beginning. */
#ifndef RD_CORRUPT_H
#define RD_CORRUPT_H

#include "rng.h"
#include "table.h"

/* What is corrupted in place, and what it may be corrupted with. */
typedef struct rd_corruptible {
  int32_t *ids;         /* (n) an answer, its closing EOS, and perhaps padding */
  int64_t n, answer;    /* of the n, the answer's: the others are EOS */
  const int32_t *other; /* (other_answer) the answer of another example; NULL: there is none */
  int64_t other_answer;
  int32_t mask, eos;
  rd_rng *rng;
  int32_t *scratch; /* (2 n) */
} rd_corruptible;

/* Returns the rate t in (0,1] at which the tokens were masked, which the weight 1/t of the loss
 * needs, or 0 when the corruption has none. */
typedef double rd_corrupt_fn(const rd_corruptible *x);

typedef struct rd_corruption {
  const char *name, *help;
  rd_corrupt_fn *apply;
  bool shared; /* taken for a share of the examples, by the training key of its name; else an
                  objective's own (objective.h) */
  bool words;  /* leaves wrong words where others leave masks, so that no rate can weigh them */
  bool mixes;  /* wants the answer of another example */
} rd_corruption;

enum { RD_MOST_CORRUPTIONS = 16 };
extern const rd_corruption rd_corruptions[];
extern const size_t rd_corruption_count;
extern const rd_table rd_corruption_table; /* the same */

/* The row called `name`; RD_USAGE lists the names. */
rd_code rd_corruption_find(const rd_corruption **out, const char *name, rd_error *e);

/* The steps. Each draws uniforms u from the rng in the order given. */

/* `count` distinct positions become `mask`: for i = 0 .. count-1, a position is drawn from those
 * left (Fisher-Yates over 0..n-1: j = i + below(n - i), swap places i and j). scratch: n. */
void rd_corrupt_mask_count(int32_t *ids, int64_t n, int64_t count, int32_t mask, rd_rng *rng,
                           int32_t *scratch);
/* Each position becomes `mask` with probability t: one u a position, masked when u < t. When none
 * was and `at_least_one`, position below(n). Returns how many are masked. */
int64_t rd_corrupt_mask_rate(int32_t *ids, int64_t n, double t, bool at_least_one, int32_t mask,
                             rd_rng *rng);
/* Each neighbouring pair, left to right, is swapped when u < rate: n - 1 draws. */
void rd_corrupt_swap(int32_t *ids, int64_t n, double rate, rd_rng *rng);
/* Each position with u < rate takes a neighbour's token; a second u < 1/2 says the left one. All
 * copies from the left, read before any is written, then all from the right. A missing neighbour:
 * no copy. scratch: 2 n. */
void rd_corrupt_duplicate(int32_t *ids, int64_t n, double rate, rd_rng *rng, int32_t *scratch);
/* When u < rate: a span of 1 + below(3) tokens (at most n) from start below(n - length + 1) is
 * copied 1 + below(4) positions away, to the left when a last u < 1/2, clamped to the answer.
 * scratch: n. */
void rd_corrupt_shift(int32_t *ids, int64_t n, double rate, rd_rng *rng, int32_t *scratch);

#endif
