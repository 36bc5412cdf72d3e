/* SPDX-License-Identifier: MIT */
/* Checks that need no canvas, and the options of choice as a rule of proposals. */
#include "draft_setup.h"

#include <math.h>

rd_code rd_draft_setup_check(const rd_draft_setup *s, rd_error *e) {
  if (s->count < 1)
    return rd_fail(e, RD_USAGE, "there is no room for an answer: the prompt has %lld tokens",
                   (long long)s->prompt_count);
  if (s->mask < 0 && (!s->sampler->ahead || s->sampler->leads))
    return rd_fail(e, RD_USAGE,
                   "%s, and --sampler %s needs a mask token: name a word of its vocabulary with "
                   "--mask-token, or use --sampler ar",
                   s->lost_mask ? s->lost_mask : "the model has no mask token", s->sampler->name);
  if (s->sampler->sorts && (s->shift_logits || s->gate.answer))
    return rd_fail(e, RD_USAGE,
                   "--sampler %s asks masks for their own words, of a model without a gate: this "
                   "one %s; use its own sampler",
                   s->sampler->name,
                   s->gate.answer ? "has an adapter with a gate" : "predicts the next word");
  if (s->end_count > RD_MOST_ENDS)
    return rd_fail(e, RD_USAGE, "%d EOS ids, at most %d", s->end_count, RD_MOST_ENDS);
  for (int64_t i = 0; i < s->prompt_count; i++)
    if (s->prompt[i] < 0 || s->prompt[i] >= s->vocab)
      return rd_fail(e, RD_BAD_INPUT, "prompt token %lld: id %d is outside 0..%lld", (long long)i,
                     s->prompt[i], (long long)s->vocab - 1);
  for (int64_t i = 0; s->ids && i < s->count; i++)
    if (s->places[i] != RD_PLACE_MASKED && (s->ids[i] < 0 || s->ids[i] >= s->vocab))
      return rd_fail(e, RD_BAD_INPUT, "draft position %lld: id %d is outside 0..%lld", (long long)i,
                     s->ids[i], (long long)s->vocab - 1);
  return RD_OK;
}

rd_propose_rule rd_draft_rule(const rd_draft_setup *s) {
  const rd_params *p = s->params;
  rd_propose_rule r = {.temperature = p->temperature,
                       .top_k = p->top_k,
                       .top_p = p->top_p,
                       .eos_bias = p->no_eos ? -INFINITY : p->eos_bias,
                       .eos = s->end_count > 0 ? s->ends[0] : -1,
                       .gumbel = s->sampler->gumbel,
                       .nucleus_first = s->sampler->nucleus_first,
                       .seed = s->seed};
  if (!p->eos_last || !r.gumbel)
    return r;
  /* LLaDA's confidence_eos_eot_inf: the end of turn always, EOS at temperature 0 only, because its
     code writes into a copy of the logits otherwise. */
  if (rd_propose_greedy(p->temperature) && s->end_count > 0)
    r.unsure[r.unsure_count++] = s->ends[0];
  if (s->end_count > 1)
    r.unsure[r.unsure_count++] = s->ends[1];
  return r;
}
