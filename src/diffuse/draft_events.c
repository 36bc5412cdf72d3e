/* SPDX-License-Identifier: MIT */
/* What a draft tells its observer, from the noise of a canvas to the verdict at the end. */
#include "clock.h"
#include "draft.h"
#include "draft_state.h"
#include "verdict.h"

int64_t rd_draft_standing(const rd_draft *d) {
  return d->n - (d->sampler->ahead ? 1 : 0);
}

const rd_speller *rd_draft_speller(const rd_draft *d) {
  return d->setup.speller.text ? &d->setup.speller : NULL;
}

rd_code rd_draft_emit(rd_draft *d, rd_event event) {
  event.speller = rd_draft_speller(d);
  return d->setup.observer ? d->setup.observer(d->setup.context, &event) : RD_OK;
}

void rd_draft_add_settled(rd_draft *d, rd_event *event) {
  int64_t n = 0;
  const uint8_t kinds[] = {RD_SETTLED, RD_SETTLED | RD_LOCKED};
  for (int k = 0; k < 2; k++) {
    int64_t first = n;
    for (int64_t p = 0; p < d->n; p++)
      if (d->settled[p] == kinds[k])
        d->kept[n++] = (int32_t)p;
    *(k ? &event->locked : &event->retained) = d->kept + first;
    *(k ? &event->locked_count : &event->retained_count) = n - first;
  }
}

rd_code rd_draft_emit_noise(rd_draft *d, int64_t count) {
  rd_event event = {.kind = RD_EVENT_NOISE,
                    .iteration = d->drafts,
                    .ids = d->canvas + d->setup.prompt_count,
                    .count = rd_draft_standing(d),
                    .masked = d->list,
                    .masked_count = count};
  rd_draft_add_settled(d, &event);
  return rd_draft_emit(d, event);
}

int64_t rd_draft_find_changes(rd_draft *d) {
  int64_t changed = 0;
  for (int64_t p = 0; p < d->n; p++) {
    int32_t old = p < d->previous_n ? d->previous[p] : d->blank;
    if (d->draft[p] != old)
      d->list[changed++] = (int32_t)p;
  }
  return changed;
}

/* Masks where something could be written; from left to right none is ever left, and gaps whose
 * length was found are no longer than that. */
static int64_t masks_left(const rd_draft *d) {
  int64_t masks = rd_sampler_fits(d->sampler) ? 0 : d->setup.count - d->previous_n;
  for (int64_t p = 0; p < d->previous_n; p++)
    masks += !d->fixed[p] && d->previous[p] == d->setup.mask;
  return masks;
}

rd_code rd_draft_finish(rd_draft *d, const char *why) {
  d->stopped = why;
  d->seconds = rd_seconds() - d->begun;
  rd_draft_result o = rd_draft_so_far(d);
  const rd_verdict ending = {.sampler = d->sampler,
                             .stopped = why,
                             .same = d->same,
                             .masks = masks_left(d),
                             .tokens = o.tokens,
                             .untrained = d->setup.untrained};
  d->converged = rd_verdict_converged(&ending);
  d->warning = rd_verdict_warning(&ending, d->words, sizeof d->words);
  return rd_draft_emit(d, (rd_event){.kind = RD_EVENT_DONE,
                                     .iteration = o.iterations,
                                     .ids = o.answer,
                                     .count = o.tokens,
                                     .passes = o.passes,
                                     .drafted = d->checked.all_drafted,
                                     .accepted = d->checked.all_accepted,
                                     .rejected = d->checked.all_rejected,
                                     .stopped = why,
                                     .seconds = o.seconds,
                                     .converged = d->converged,
                                     .warning = d->warning});
}

rd_code rd_draft_heard(rd_draft *d, rd_code code, rd_error *e) {
  if (code == RD_OK)
    return RD_OK;
  if (!d->stopped)
    rd_draft_finish(d, "cancelled");
  return code == RD_CANCELLED
           ? rd_fail(e, code, "cancelled after %lld iterations", (long long)d->drafts)
           : rd_fail(e, code, "the observer refused an event");
}
