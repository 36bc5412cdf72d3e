/* SPDX-License-Identifier: MIT */
/* How likely a model finds given answers: log p(answer | prompt), several in one packed pass.
 *
 * A denoiser is asked with masks (LLaDA's estimate, Nie et al. 2025): -E over k uniform in 1..n of
 * sum CE(masked) n / k, k of the n answer tokens masked. The k's are stratified over the draws; an
 * answer so short that all its masks are no more than the draws gets all of them, each with its
 * probability, and its expectation is exact. A causal model is asked once: the chain rule.
 *
 * An adapter with a gate is asked as it writes: block by block, behind what the base has computed
 * of all before, and where its rows are shifted a block's first word counts as the base finds it.
 * From left to right such a model is its base. */
#ifndef RD_LIKELIHOOD_H
#define RD_LIKELIHOOD_H

#include "model.h"

typedef struct rd_answer_ids {
  int32_t *ids;          /* (prompt + answer) owned */
  int64_t prompt, count; /* prompt >= 1 tokens given; all of them */
  uint32_t key;          /* answers with the same key share their random numbers */
} rd_answer_ids;

typedef struct rd_likelihood_rules {
  const rd_model *model;
  bool causal;
  int64_t draws; /* >= 1; not for causal ones */
  uint64_t seed;
  bool *greedy; /* one for each answer: does the best token stand at each place that was asked
                   for? Or NULL */
  void (*progress)(void *context, size_t done, size_t of); /* answers; or NULL */
  void *context;
} rd_likelihood_rules;

/* out[i] = log p of answer i, in nats. RD_USAGE: longer than the model's positions. */
rd_code rd_likelihoods(double *out, const rd_answer_ids *answers, size_t n,
                       const rd_likelihood_rules *rules, rd_error *e);

/* Ids of an answer behind messages, in the model's chat template; with none known, or `raw`, behind
 * the text of the only one, with a space between the two. Raw, they are encoded as one text, of
 * which the answer is what lies behind as many tokens as the prompt has alone, without white space
 * at its end: other harnesses count so. RD_BAD_INPUT: no UTF-8, or no token of either. */
rd_code rd_answer_ids_encode(rd_answer_ids *out, const rd_model *model, const rd_message *messages,
                             size_t n, bool raw, const char *answer, rd_error *e);
void rd_answer_ids_drop(rd_answer_ids *answer);

#endif
