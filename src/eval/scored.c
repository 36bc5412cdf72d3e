/* SPDX-License-Identifier: MIT */
/* The public interface to likelihoods: answers whose ids the caller has. */
#include "likelihood.h"

#include <stdlib.h>
#include <string.h>

typedef struct lists {
  rd_answer_ids *answers; /* (n) */
  double *nats;           /* (n) */
  bool *greedy;           /* (n) */
} lists;

static rd_code fill(lists *l, const rd_scored *scored, size_t n, int64_t vocab, rd_error *e) {
  l->answers = rd_calloc(n + 1, sizeof *l->answers, "answers", e);
  l->nats = rd_calloc(n + 1, sizeof *l->nats, "likelihoods", e);
  l->greedy = rd_calloc(n + 1, sizeof *l->greedy, "answers", e);
  if (!l->answers || !l->nats || !l->greedy)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < n; i++) {
    const rd_scored *s = &scored[i];
    if (s->prompt < 1 || s->count <= s->prompt)
      return rd_fail(e, RD_USAGE,
                     "answer %zu: %lld ids, %lld of them the prompt's; both want one at least", i,
                     (long long)s->count, (long long)s->prompt);
    if (!s->ids)
      return rd_fail(e, RD_USAGE, "answer %zu: its ids are NULL, and must be given", i);
    for (int64_t k = 0; k < s->count; k++)
      if (s->ids[k] < 0 || s->ids[k] >= vocab)
        return rd_fail(e, RD_BAD_INPUT, "answer %zu: token id %d is outside 0..%lld", i, s->ids[k],
                       (long long)vocab - 1);
    l->answers[i] = (rd_answer_ids){.prompt = s->prompt, .count = s->count, .key = (uint32_t)i};
    l->answers[i].ids = rd_calloc((size_t)s->count, sizeof *s->ids, "ids of an answer", e);
    if (!l->answers[i].ids)
      return RD_NO_MEMORY;
    memcpy(l->answers[i].ids, s->ids, (size_t)s->count * sizeof *s->ids);
  }
  return RD_OK;
}

rd_code rd_model_likelihoods(const rd_model *model, rd_scored *answers, size_t n, int64_t draws,
                             uint64_t seed, rd_error *e) {
  lists l = {0};
  RD_GIVEN(model, e);
  if (n > 0)
    RD_GIVEN(answers, e);
  if (draws < 0)
    return rd_fail(e, RD_USAGE, "%lld draws of masks; 0 asks from left to right", (long long)draws);
  rd_code code = fill(&l, answers, n, model->config.vocab, e);
  const rd_likelihood_rules rules = {.model = model,
                                     .causal = draws == 0,
                                     .draws = draws,
                                     .seed = seed,
                                     .greedy = draws == 0 ? l.greedy : NULL};
  if (code == RD_OK)
    code = rd_likelihoods(l.nats, l.answers, n, &rules, e);
  for (size_t i = 0; code == RD_OK && i < n; i++) {
    answers[i].nats = l.nats[i];
    answers[i].greedy = l.greedy[i];
  }
  for (size_t i = 0; l.answers && i < n; i++)
    rd_answer_ids_drop(&l.answers[i]);
  free(l.answers);
  free(l.nats);
  free(l.greedy);
  return code;
}
