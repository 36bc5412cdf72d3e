/* SPDX-License-Identifier: MIT */
/* Adaptive parallel decoding (Israel et al. 2025) weighs the marginals of a diffusion model with
 * the joint of a causal one: p(token) ~ p_denoiser^(1 - w) p_base^w. Behind a gate the causal model
 * is there already, the base without its adapter. A pass over the last draft gives its opinion of
 * every place at once, each by the words that stand before it: as in Jacobi iteration it is right
 * from the left, and the drafts carry it on. Where what stands is no language the base has no clear
 * opinion, so that its share of the product is small by itself.
 *
 * Where words stay once they are filled in, an opinion that rests on words which the same pass has
 * given up must not fill a place: what is behind the first of them waits.
 *
 * The base was never shown masks, nor what follows an end token: it reads proposals where masks
 * stand, and nothing in a first pass, which has none; and it is silent behind an answer's end. */
#include "base_say.h"

#include "base_lead.h"
#include "draft_state.h"

#include <string.h>

bool rd_base_say_wanted(const rd_draft *d) {
  return (d->params->base_weight > 0 || rd_base_leads(d)) && d->setup.gate.answer &&
         d->setup.prompt_count > 0;
}

/* Put what is read into ids, up to the first place without a word. */
static void spell_out(rd_draft *d) {
  rd_base_say *r = &d->say;
  const int64_t P = d->setup.prompt_count;
  int64_t p = 0;
  memcpy(r->ids, d->canvas, (size_t)(P + d->n) * sizeof *r->ids);
  for (; p < d->n; p++) {
    bool mask = !d->fixed[p] && r->ids[P + p] == d->setup.mask;
    if (mask && d->proposals[p].id < 0)
      break;
    r->ids[P + p] = mask ? d->proposals[p].id : r->ids[P + p];
  }
  r->known = p;
}

/* The base speaks for what follows a word, up to the end token. */
static int64_t places_spoken_for(const rd_draft *d) {
  const rd_base_say *r = &d->say;
  int64_t p = 0;
  while (p < r->known && !rd_is_end(&d->view, r->ids[d->setup.prompt_count + p]))
    p++;
  return p < d->n ? p + 1 : d->n;
}

/* The first place that the base is asked about: with a share of the say of those that are wanted;
 * where it leads, alone of those that it has not settled, wanted or not. */
static int64_t first_asked(rd_draft *d, const rd_need *need) {
  int64_t wanted = need->count > 0 ? need->wanted[0].position - d->setup.prompt_count : d->n;
  int64_t front = rd_base_leads(d) ? rd_base_lead_front(d) : d->n;
  return wanted < front ? wanted : front;
}

void rd_base_say_need(rd_draft *d, rd_need *need) {
  rd_base_say *r = &d->say;
  const int64_t P = d->setup.prompt_count;
  r->known = r->speaks = 0;
  if (!r->lane || d->drafts == 0 || d->lead)
    return;
  spell_out(d);
  int64_t asked = first_asked(d, need), speaks = places_spoken_for(d), first = P + asked - 1;
  if (asked >= speaks)
    return;
  if (first < P + d->given) /* with the bits that it has among the rows before it */
    first = rd_draft_tail(P + d->given);
  int64_t end = P + speaks - 1; /* of the rows: each speaks for the place behind it */
  rd_lane_suit(r->lane, end);
  int64_t here = rd_lane_changed(r->lane, r->ids, first);
  int64_t there = rd_lane_changed(d->lane, r->ids, first);
  first = here > there ? here : there;
  if (end <= first)
    return;
  r->speaks = speaks;
  need->read = r->ids;
  need->read_lane = r->lane;
  need->read_first = first;
  need->read_end = end;
  for (int64_t i = 0; i < d->wanted_count; i++)
    d->wanted[i].base_weight = d->params->base_weight;
}

void rd_base_say_confirm(rd_draft *d) {
  rd_base_say *r = &d->say;
  const int32_t *read = r->ids + d->setup.prompt_count;
  if (!r->lane || d->sampler->revises || d->lead)
    return;
  int64_t p = 0, known = r->known;
  while (p < known && (!d->proposed[p] || d->proposals[p].id == read[p]))
    p++;
  for (p += r->speaks > 0; p < d->n; p++)
    d->proposed[p] = 0;
}
