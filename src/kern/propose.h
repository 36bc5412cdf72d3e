/* SPDX-License-Identifier: MIT */
/* Proposals: from rows of logits to a candidate token, its probability, margin and entropy, without
 * keeping the rows. EOS bias, temperature, top-k, then top-p, softmax and choice in one go; ties go
 * to the lowest id; nothing is sorted beyond the candidates that are needed.
 *
 * Random numbers: a choice takes the uniform at rd_rng_at(seed, RD_STREAM_SAMPLE, iteration,
 * position), words 0 and 1; Gumbel noise for token v takes words 2v and 2v + 1 of the same place.
 */
#ifndef RD_PROPOSE_H
#define RD_PROPOSE_H

#include "error.h"

#include <float.h>
#include <stdint.h>

typedef struct rd_proposal {
  int32_t id;
  float probability; /* of the chosen token, see rd_propose_rule */
  float margin;      /* largest minus second largest probability among the candidates */
  float entropy;     /* of the candidates' distribution, in nats */
} rd_proposal;

/* How one generation chooses. Candidates are the top_k largest logits, of which the shortest run of
 * the most probable (at this temperature) whose sum reaches top_p is kept.
 * - temperature 0: the largest logit; its probability is that of the plain softmax (1 if top_k is
 * 1), margin and entropy those of the candidates at temperature 1.
 * - else by inverse CDF: the candidates in falling order (in order of id when neither top_k nor
 * top_p limits them), the first whose cumulative probability exceeds u; probability among the
 * candidates.
 * - gumbel (LLaDA): argmax of logit - T ln(-ln u) in double; probability, margin and entropy of the
 *   plain softmax, from which `unsure` tokens are left out (they get 0). */
typedef struct rd_propose_rule {
  double temperature;
  int64_t top_k; /* 0: all */
  double top_p;
  double eos_bias; /* added to the logit of `eos`; -INFINITY suppresses it */
  int32_t eos;     /* -1: none */
  bool gumbel;
  bool nucleus_first; /* Dream: top_p of all tokens, then top_k; at temperature 0 too the
                         probability is that among the candidates */
  int32_t unsure[2];  /* gumbel only */
  int unsure_count;
  uint64_t seed;
} rd_propose_rule;

/* Is a temperature 0? One below the smallest normal float is: its inverse is no float. */
static inline bool rd_propose_greedy(double temperature) {
  return !(temperature >= (double)FLT_MIN);
}

/* Where a row belongs: the rule, and the counters of its random numbers. */
typedef struct rd_propose_row {
  const rd_propose_rule *rule;
  uint32_t iteration, position;
} rd_propose_row;

/* Bytes of workspace for rows of V logits with the threads of now (rd_threads_get). */
size_t rd_propose_workspace(int64_t V);

/* out[i] from logits row i (count, V), which is overwritten. Uses the threads of rd_threads_get,
 * which must not have risen since the workspace was measured; results do not depend on their number
 * nor on the other rows. RD_NUMERIC names a row without a finite maximum or with NaN. */
rd_code rd_propose(rd_proposal *out /* (count) */, float *logits /* (count, V) */, int64_t count,
                   int64_t V, const rd_propose_row *rows /* (count) */, void *workspace,
                   rd_error *e);

/* The logarithm of the sum of exponentials of a row: less it, a logit is a logarithm of
 * probability. NaN where rd_propose would name the row. */
double rd_propose_log_sum(const float *logits /* (V) */, int64_t V);
/* RD_NUMERIC: this row's logits are no finite numbers. */
rd_code rd_propose_fail(const rd_propose_row *row, rd_error *e);

/* Classifier-free guidance: given = u + (scale + 1) (given - u), the row without the prompt being
 * u. */
void rd_propose_guide(float *given /* (V) */, const float *u /* (V) */, double scale, int64_t V);

#endif
