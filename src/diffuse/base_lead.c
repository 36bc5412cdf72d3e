/* SPDX-License-Identifier: MIT */
/* A row of the reading is right where all that it read is: Jacobi iteration's argument (Santilli et
 * al. 2023). So from the left on the base's own word takes each place, as long as it is the one
 * that was read there, and the first that is another one too. These places are settled: every pass
 * settles one at least, and a draft that is right one after the other in a single pass. Behind them
 * the draft is made of the adapter's proposals, which may look ahead and are held to nothing. What
 * is settled lies before the gate from then on, as the base's own rows, as in training; and where
 * there is a sampler head it is told, place after place, the word that was chosen before: first the
 * one with which the base has the lead.
 *
 * Words are drawn with the numbers that left-to-right decoding draws them with, by rows that have
 * the bits of one at a time (as checked.c has them), so that the answer is that of `ar`. */
#include "base_lead.h"

#include "draft_state.h"
#include "formed.h"
#include "likeliest.h"

bool rd_base_leads(const rd_draft *d) {
  return d->params->base_lead && d->sampler->revises;
}

/* Nothing can change places that were given, and those of finished blocks. */
int64_t rd_base_lead_front(rd_draft *d) {
  while (d->say.led < d->n && d->fixed[d->say.led])
    d->say.led++;
  return d->say.led;
}

/* What the base has said of a place that it was asked about: they are asked from d->say.led on, but
 * for those that are fixed. */
static const rd_proposal *said(const rd_draft *d, int64_t p) {
  const int64_t position = d->setup.prompt_count + p, asked = d->say.asked;
  int64_t i = p - d->say.led < asked ? p - d->say.led : asked - 1;
  while (d->wanted[i - asked].position > position)
    i--;
  return &d->out[i - asked];
}

/* Places that are settled once the base has spoken. */
static int64_t settled_by(const rd_draft *d) {
  const rd_base_say *r = &d->say;
  const int32_t *read = r->ids + d->setup.prompt_count;
  int64_t p = r->led;
  bool same = r->asked > 0;
  for (; same && p < r->speaks; p++)
    same = d->fixed[p] || (p < r->known && said(d, p)->id == read[p]);
  return p;
}

bool rd_base_lead_settles(const rd_draft *d, int64_t place, int32_t *id) {
  if (d->say.asked == 0 || place < d->say.led || place >= settled_by(d) || d->fixed[place])
    return false;
  *id = said(d, place)->id;
  return true;
}

/* Of places that are settled in this pass none is told: their proposals are not taken. */
static int32_t word_before(void *context, int64_t index) {
  const rd_draft *d = context;
  const int64_t i = index - d->say.asked;
  if (i <= 0)
    return -1;
  const int64_t before = d->wanted[i].position - d->setup.prompt_count - 1, front = settled_by(d);
  const bool proposed = d->wanted[i - 1].position == d->wanted[i].position - 1;
  return before < front - 1  ? -1
       : d->fixed[before]    ? d->view.ids[before]
       : before == front - 1 ? said(d, before)->id
       : proposed            ? d->out[i - 1].id
                             : d->view.ids[before];
}

void rd_base_lead_need(rd_draft *d, rd_need *need) {
  rd_base_say *r = &d->say;
  r->asked = 0;
  if (!rd_base_leads(d) || r->speaks == 0)
    return;
  for (int64_t p = r->led; p < r->speaks; p++)
    r->asked += !d->fixed[p];
  int64_t i = -r->asked;
  for (int64_t p = r->led; p < r->speaks; p++)
    if (!d->fixed[p])
      d->wanted[i++] = (rd_wanted){
          .position = d->setup.prompt_count + p,
          .draw = {&d->rule, (uint32_t)(p - d->given + 1), (uint32_t)p},
          .base_weight = 1,
          .query = rd_likeliest_ask(d, p),
      };
  need->wanted -= r->asked;
  need->out -= r->asked;
  need->count += r->asked;
  need->stepwise = d->setup.prompt_count + d->given;
  if (d->setup.gate.shift) {
    need->before = word_before;
    need->context = d;
  }
  if (d->formed)
    rd_formed_allow(d, -r->asked, r->asked, r->ids + d->setup.prompt_count);
}

void rd_base_lead_take(rd_draft *d) {
  rd_base_say *r = &d->say;
  const int64_t end = settled_by(d);
  int64_t p = r->led;
  for (; p < end && !r->ended; p++) {
    if (!d->fixed[p]) {
      d->draft[p] = said(d, p)->id;
      d->confidence[p] = said(d, p)->probability;
      d->fixed[p] = 1;
      if (!rd_likeliest_goes_on(d)) /* for those who watch: it will not change */
        d->settled[p] |= RD_SETTLED | RD_LOCKED;
      rd_likeliest_settled(d, p);
    }
    r->ended = rd_is_end(&d->view, d->draft[p]);
  }
  r->led = p;
  if (rd_base_leads(d))
    rd_base_lead_front(d);
  rd_likeliest_take(d);
}
