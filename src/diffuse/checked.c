/* SPDX-License-Identifier: MIT */
/* Checking is speculative decoding (Leviathan et al. 2023) with one change: base and drafter draw a
 * place with the same random number, so a draft is right when it is the very word that the base
 * draws. Jacobi iteration (Santilli et al. 2023) is the same check over the base's own guesses. */
#include "checked.h"

#include "branched.h"
#include "clock.h"
#include "draft_state.h"
#include "whole.h"

#include <string.h>

enum { FIRST_WIDTH = 2, MOST_WIDTH = 8, LEAST_WAIT = 16, MOST_WAIT = 1024 };

/* Places that are refined at a time without an adapter. In strides what was guessed is checked and
 * masks, one less than a stride, are guessed behind it. */
static int64_t width_ahead(const rd_draft *d) {
  enum { WIDTH = 8, STRIDE = 4 };
  int64_t asked = d->params->block_length;
  if (d->sampler->strides)
    return d->checked.guessed + (asked > 0 ? asked : STRIDE) - 1;
  return asked > 0 ? asked : WIDTH;
}

/* Places that the adapter drafts next, unless a number is asked for: as many as were right of the
 * last, and one more. */
static int64_t draft_width(const rd_draft *d, int64_t accepted) {
  return d->params->block_length > 0 ? d->params->block_length : rd_least(accepted + 1, MOST_WIDTH);
}

void rd_checked_begin(rd_draft *d) {
  rd_checked *c = &d->checked;
  const rd_draft_setup *s = &d->setup;
  while (c->lead < s->count && s->ids && s->places[c->lead] != RD_PLACE_MASKED)
    c->lead++;
  c->final = c->lead;
  c->width = draft_width(d, FIRST_WIDTH - 1);
  c->wait = LEAST_WAIT;
  c->drafted = d->sampler->drafts ? 0 : rd_least(width_ahead(d), s->count - c->final);
  d->n = d->previous_n = c->final + c->drafted;
  d->view.iterations = (d->sampler->drafts ? 2 : 1) * (s->count - c->lead);
}

/* Ask for the places [first, end), each with the numbers that left-to-right decoding draws. */
static void want(rd_draft *d, int64_t first, int64_t end) {
  d->wanted_count = 0;
  for (int64_t p = first; p < end; p++)
    d->wanted[d->wanted_count++] = (rd_wanted){
        .position = d->setup.prompt_count + p,
        .draw = {&d->rule, (uint32_t)(p - d->checked.lead + 1), (uint32_t)p},
    };
}

/* The adapter's pass. In blocks it begins with the last word, or behind it, and masks follow; over
 * the whole canvas what is written stands among masks. */
static void need_drafts(rd_draft *d, rd_need *need) {
  const rd_checked *c = &d->checked;
  const rd_gate *gate = &d->setup.gate;
  int64_t P = d->setup.prompt_count, written = P + c->final;
  bool blocks = gate->shift || gate->block > 0;
  need->gated = blocks ? written - gate->shift : P;
  need->length = blocks ? written + c->width - gate->shift : P + d->setup.count;
  need->attention = RD_BIDIRECTIONAL;
  need->shift = gate->shift;
  want(d, c->final, c->final + c->width);
}

/* The base's pass: over what stands as drafts, for each of them and one word more. */
static void need_check(rd_draft *d, rd_need *need) {
  const rd_checked *c = &d->checked;
  int64_t end = c->final + c->drafted;
  need->length = d->setup.prompt_count + end;
  need->gated = d->setup.gate.answer ? need->length : 0;
  need->attention = RD_CAUSAL;
  need->shift = true;
  need->stepwise = d->setup.prompt_count + c->lead;
  want(d, c->final, rd_least(end + 1, d->setup.count));
  rd_branched_need(d, need);
}

void rd_checked_need(rd_draft *d, rd_need *need) {
  d->checked.asked = rd_seconds();
  d->view.iteration = d->drafts + 1;
  if (d->checked.drafting)
    need_drafts(d, need);
  else
    need_check(d, need);
  need->wanted = d->wanted;
  need->count = d->wanted_count;
}

/* Old passes count less: the cost of a pass grows with what stands. */
static void keep_pace(rd_lately *pace, double seconds, double words) {
  const double fading = 0.9;
  pace->seconds = fading * pace->seconds + seconds;
  pace->words = fading * pace->words + words;
}

/* Does a cycle of drafting and checking give fewer words in a second than plain passes do? */
static bool slower(const rd_checked *c) {
  return c->helped.words * c->plain.seconds < c->plain.words * c->helped.seconds;
}

/* What a check of `drafted` places has shown, `accepted` of them right. Where drafting does not pay
 * it rests, each time longer. */
static void learn(rd_checked *c, int64_t drafted, int64_t accepted, double seconds) {
  if (drafted == 0) {
    keep_pace(&c->plain, seconds, 1);
    c->rest -= c->rest > 0;
    return;
  }
  keep_pace(&c->helped, c->spent + seconds, (double)(accepted + 1));
  if (slower(c)) {
    c->rest = c->wait;
    c->wait = rd_least(2 * c->wait, MOST_WAIT);
  } else {
    c->wait = LEAST_WAIT;
  }
}

static void take_drafts(rd_draft *d) {
  rd_checked *c = &d->checked;
  for (int64_t p = c->final; p < c->final + c->width; p++) {
    d->draft[p] = d->proposals[p].id;
    d->confidence[p] = d->proposals[p].probability;
  }
  c->drafted = c->width;
  c->now_drafted = c->width;
  c->all_drafted += c->width;
  c->spent = rd_seconds() - c->asked;
  d->n = c->final + c->drafted;
}

/* Does nothing of what the base proposed behind its own words stand? An adapter drafts anew; and a
 * mask behind a wrong word guessed for another text. */
static bool guesses_fall(const rd_draft *d, int64_t right) {
  return d->sampler->drafts || (d->sampler->strides && right < d->checked.guessed);
}

static void take_check(rd_draft *d) {
  rd_checked *c = &d->checked;
  int64_t end = c->final + c->drafted, proposed = rd_least(end + 1, d->setup.count), p = c->final;
  bool first = d->drafts == 0; /* with the prompt: no measure of the others */
  int64_t right = 0;
  while (p + right < end && d->proposals[p + right].id == d->view.ids[p + right])
    right++;
  for (; p < proposed; p++) {
    d->draft[p] = d->proposals[p].id;
    d->confidence[p] = d->proposals[p].probability;
  }
  int64_t stays = rd_least(c->final + right + 1, d->setup.count);
  for (p = c->final; p < stays && !c->ended; p++)
    c->ended = rd_is_end(&d->view, d->draft[p]);
  if (c->drafted > 0)
    c->width = draft_width(d, right);
  if (!first && c->branching)
    rd_branched_learn(d, c->drafted, right, rd_seconds() - c->asked);
  else if (!first)
    learn(c, d->sampler->drafts ? c->drafted : 0, right, rd_seconds() - c->asked);
  if (d->sampler->drafts) {
    c->now_accepted = right;
    c->now_rejected = c->drafted - right;
    c->all_accepted += c->now_accepted;
    c->all_rejected += c->now_rejected;
  }
  c->final = p;
  c->drafted = c->now_drafted = c->ended ? 0 : rd_branched_take(d, right);
  c->all_drafted += c->now_drafted;
  d->n = c->ended || guesses_fall(d, right) ? c->final + c->drafted : proposed;
}

void rd_checked_take(rd_draft *d) {
  rd_checked *c = &d->checked;
  memcpy(d->draft, d->view.ids, (size_t)c->final * sizeof *d->draft);
  c->now_drafted = c->now_accepted = c->now_rejected = 0;
  if (c->drafting)
    take_drafts(d);
  else
    take_check(d);
}

/* What comes next: drafts that there are are checked; then the adapter drafts, if that pays and
 * something is left to draft once plain passes have been timed. */
static void choose_next(rd_draft *d) {
  rd_checked *c = &d->checked;
  int64_t left = d->setup.count - c->final;
  c->drafting = d->sampler->drafts && !c->branching && c->drafted == 0 && c->rest == 0 &&
                c->plain.words > 0 && left > 1;
  c->width = rd_least(c->width, left - 1);
  if (c->width < 1)
    c->width = 1;
}

int64_t rd_checked_next(rd_draft *d) {
  rd_checked *c = &d->checked;
  int32_t *next = d->canvas + d->setup.prompt_count;
  int64_t stood = d->n, masked = 0;
  choose_next(d);
  rd_branched_choose(d);
  c->guessed = stood - c->final;
  if (!d->sampler->drafts)
    c->drafted = rd_least(width_ahead(d), d->setup.count - c->final);
  memcpy(next, d->draft, (size_t)stood * sizeof *next);
  int64_t end = c->drafting ? d->setup.count : c->final + c->drafted;
  for (int64_t p = stood; p < end; p++)
    next[p] = d->setup.mask;
  d->n = c->drafting ? c->final + c->width : end;
  for (int64_t p = stood; p < d->n; p++)
    d->list[masked++] = (int32_t)p;
  return masked;
}
