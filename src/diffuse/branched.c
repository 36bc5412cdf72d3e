/* SPDX-License-Identifier: MIT */
/* Samragh et al. 2025 (arXiv 2507.11851): where a check will end is not known before its pass, so
 * masks follow every position where it may end, and one pass does what takes two where drafts and
 * checks alternate. It pays where a pass costs about the same for one row and for (1 + m)^2.
 *
 * At any temperature a branch drafts its best words x. The base then draws its own word with the
 * random number of the place: that is x with p(x), and else one of the others, so that this is
 * speculative sampling from a draft q that is all on x, accepted with min(1, p/q), and the answer
 * is that of the seed however many words were drafted. */
#include "branched.h"

#include "draft_state.h"
#include "pace.h"
#include "whole.h"

void rd_branched_begin(rd_draft *d, rd_engine *engine) {
  rd_checked *c = &d->checked;
  c->branching = d->sampler->drafts && d->setup.gate.shift && !d->formed;
  c->pace = &engine->pace;
  c->likeliest = d->rule;
  c->likeliest.temperature = 0;
  for (int64_t i = 0; i < RD_AHEAD_MOST; i++)
    c->blanks[i] = d->setup.mask;
  c->unchosen = true; /* the pace is the engine's: it is asked when the pass is made */
}

void rd_branched_need(rd_draft *d, rd_need *need) {
  rd_checked *c = &d->checked;
  if (c->unchosen)
    rd_branched_choose(d);
  if (c->masks == 0)
    return;
  const int64_t next = c->final + 1;
  c->branches = (rd_branches){
      .count = c->drafted + 1,
      .masks = c->masks,
      .ids = c->blanks,
      .draw = {&c->likeliest, (uint32_t)(next - c->lead + 1), (uint32_t)next},
      .out = c->ahead,
  };
  need->branches = &c->branches;
}

int64_t rd_branched_take(rd_draft *d, int64_t right) {
  rd_checked *c = &d->checked;
  if (c->masks == 0 || c->branches.taken != right)
    return 0;
  for (int64_t i = 0; i < c->masks; i++) {
    d->draft[c->final + i] = c->ahead[i].id;
    d->confidence[c->final + i] = c->ahead[i].probability;
  }
  return c->masks;
}

void rd_branched_learn(rd_draft *d, int64_t drafted, int64_t right, double seconds) {
  const bool asked = d->params->block_length > 0;
  rd_pace_learn(d->checked.pace, drafted, right, d->checked.masks, seconds, !asked);
}

/* As many as pay, or as are asked for; no more than there is room for, in the answer and in the
 * pass. */
void rd_branched_choose(rd_draft *d) {
  rd_checked *c = &d->checked;
  const int64_t P = d->setup.prompt_count, asked = d->params->block_length;
  const int64_t again =
      d->reuse->range ? 0 : P + c->final + c->drafted; /* rows that are not kept */
  const int64_t room = P + d->setup.count - again;
  const int64_t left = d->setup.count - c->final - c->drafted - 1;
  c->masks = 0;
  c->unchosen = false;
  if (!c->branching || left < 1)
    return;
  c->masks = rd_least(asked > 0 ? asked : rd_pace_choose(c->pace), left);
  while (c->masks > 0 && rd_pace_rows(c->drafted, c->masks) > room)
    c->masks--;
}
