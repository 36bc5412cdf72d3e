/* SPDX-License-Identifier: MIT */
/* The denoise loop: propose, schedule, policy, noise, stop, once for every sampler.
 *
 * The canvas is prompt + answer region in one array. A sampler that looks ahead (from left to
 * right) is the same machine, whose region grows by one place a pass: a token is wanted for it, but
 * nothing stands there yet. */
#include "draft.h"

#include "base_lead.h"
#include "base_say.h"
#include "checked.h"
#include "clock.h"
#include "draft_state.h"
#include "formed.h"
#include "gap_search.h"
#include "growth.h"
#include "likeliest.h"
#include "whole.h"

#include <string.h>

/* The positions whose proposals are wanted. */
static void find_wanted(rd_draft *d) {
  rd_view *v = &d->view;
  v->n = d->n;
  v->iteration = d->drafts + 1;
  d->wanted_count = 0;
  bool changing = d->formed && rd_base_leads(d); /* with each word of the base what may follow */
  for (int64_t p = 0; p < d->n; p++) {
    d->proposed[p] = d->lead
                       ? p == v->block_first
                       : d->sampler->wants(v, p) && (changing || !rd_draft_stands_still(d, p));
    if (d->proposed[p])
      d->wanted[d->wanted_count++] = (rd_wanted){
          .position = d->setup.prompt_count + p,
          .draw = {&d->rule, (uint32_t)v->iteration, (uint32_t)p},
      };
  }
}

/* What of the canvas is computed: all that stands in it, or what the reuse says. */
static void choose_range(const rd_draft *d, rd_need *need) {
  int64_t P = d->setup.prompt_count;
  int64_t length = need->length - d->sampler->ahead;
  rd_reuse_view v = {.length = length,
                     .block_first = P + d->view.block_first,
                     .block_end = P + d->view.block_end,
                     .begins = d->view.block_step == 0,
                     .wanted_first = length,
                     .wanted_end = length,
                     .attention = d->setup.gate.answer ? RD_CAUSAL : d->grid.attention,
                     .origin = need->origin,
                     .led = need->led,
                     .moving_first = P + d->moving_first,
                     .moving_end = P + d->moving_end};
  if (d->moving_first == 0 && d->moving_end == d->n) /* everything, with the prompt */
    v.moving_first = 0;
  if (need->count > 0) {
    v.wanted_first = rd_wanted_row(need, 0);
    v.wanted_end = rd_wanted_row(need, need->count - 1) + 1;
  }
  if (d->lane) {
    const int64_t in_place = rd_need_in_place(need);
    rd_lane_suit(d->lane, length);
    v.changed = rd_lane_changed(d->lane, need->canvas, length);
    v.changed = v.changed < in_place ? v.changed : in_place;
  }
  bool stale = d->growth.moved && !d->reuse->looks_back && !d->setup.gate.answer;
  rd_reuse_range range =
      d->lane && !stale ? rd_reuse_choose(d->reuse, &v) : (rd_reuse_range){0, length, length};
  need->length -= length - range.seen;
  need->first = range.first;
  need->end = range.end;
  if (d->setup.gate.answer) { /* what is behind the gate is computed at every pass */
    need->first = range.first < need->gated ? range.first : need->gated;
    need->end = length;
  }
}

/* Where the adapter begins to count: behind the prompt, behind the blocks that are finished and
 * what the base has settled of this one; not at all where the base alone is asked. */
static int64_t gate_of(const rd_draft *d, int64_t length) {
  if (!d->setup.gate.answer)
    return 0;
  if (d->sampler->ahead || d->lead)
    return length;
  if (!d->by_block)
    return d->setup.prompt_count;
  const int64_t first = d->view.block_first, led = d->say.led; /* 0 where nothing leads */
  return d->setup.prompt_count + (led > first ? led : first);
}

bool rd_draft_need(rd_draft *d, rd_need *need) {
  int64_t P = d->setup.prompt_count, length = P + (d->lead ? d->view.block_first : d->n);
  if (d->stopped)
    return false;
  rd_draft_find_moving(d);
  if (!rd_sampler_asks(d->sampler))
    find_wanted(d);
  if (d->sampler->inserts)
    rd_growth_need(d);
  *need = (rd_need){.lane = d->lane,
                    .canvas = d->canvas,
                    .length = length,
                    .gated = gate_of(d, length),
                    .attention = d->grid.attention,
                    .origin = d->grid.origin,
                    .shift = d->sampler->ahead || d->setup.shift_logits || d->lead,
                    .guidance = d->params->cfg_scale,
                    .wanted = d->wanted,
                    .count = d->wanted_count,
                    .out = d->out};
  if (d->sampler->checks)
    rd_checked_need(d, need);
  if (d->sampler->searches)
    rd_gaps_need(d, need);
  if (d->sampler->leads) { /* the last word that is written is the first that sees ahead */
    int64_t last = P + rd_draft_written(d, d->view.ids) - 1;
    need->origin = last > 0 ? last : 0;
    need->led = true;
  }
  if (d->formed)
    rd_formed_need(d, need);
  if (need->guidance > 0) {
    memcpy(d->unguided + P, d->canvas + P, (size_t)d->n * sizeof *d->canvas);
    need->unguided = d->unguided;
    need->unguided_lane = d->unguided_lane;
  }
  if (d->sampler->sorts)
    rd_sorted_need(d, need);
  choose_range(d, need);
  d->growth.moved = false;
  rd_base_say_need(d, need);
  rd_base_lead_need(d, need);
  need->length -= d->sampler->leads; /* the last place does not stand, and would be seen */
  return true;
}

/* What the policy marked becomes the draft. */
static void take_marks(rd_draft *d, bool all) {
  const int32_t *seen = d->view.ids;
  for (int64_t p = 0; p < d->n; p++) {
    bool taken = d->proposed[p] && (all || d->marks[p] != RD_KEEP);
    d->draft[p] = taken ? d->proposals[p].id : seen[p];
    if (taken || (d->proposed[p] && seen[p] == d->setup.mask))
      d->confidence[p] = d->proposals[p].probability;
    if (taken && d->marks[p] == RD_LOCK)
      d->settled[p] |= RD_SETTLED | RD_LOCKED;
  }
}

/* Noise, then growth: the canvas of the next pass. Returns how many positions were masked (list).
 */
static int64_t next_canvas(rd_draft *d, double quota) {
  int32_t *next = d->canvas + d->setup.prompt_count;
  int64_t masked = 0;
  bool over = rd_draft_block_over(d, d->draft);
  memset(d->marks, RD_KEEP, (size_t)d->n);
  if (d->sampler->noise && !d->lead && !over)
    d->sampler->noise(&d->view, quota, d->marks);
  for (int64_t p = 0; p < d->n; p++) {
    bool noised = d->marks[p] == RD_RENOISE && !d->fixed[p];
    next[p] = noised ? d->setup.mask : d->draft[p];
    if (noised)
      d->list[masked++] = (int32_t)p;
    if (d->marks[p] == RD_LOCK)
      d->settled[p] |= RD_SETTLED | RD_LOCKED;
  }
  if (d->sampler->inserts)
    masked = rd_growth_next(d);
  int64_t stood = rd_draft_standing(d),
          from = rd_sampler_slides(d->sampler) ? rd_draft_written(d, next) : d->n;
  int64_t step = d->sampler->inserts || (d->roomy && rd_draft_has_room(d)) ? 0 : rd_draft_step(d),
          rest = d->setup.count - from;
  d->view.block_step++;
  if (d->lead) {
    d->fixed[d->view.block_first] = 1;
    rd_draft_begin_block(d, d->view.block_origin);
  } else if ((over || !rd_draft_open_in(d, d->view.block_first, d->view.block_end)) &&
             d->view.block_end < d->setup.count) {
    rd_draft_begin_block(d, d->view.block_end);
  }
  if (!d->by_block)
    d->n = from + (rest < step ? rest : step);
  for (int64_t p = stood; p < rd_draft_standing(d); p++)
    if (next[p] == d->blank)
      d->list[masked++] = (int32_t)p;
  return masked;
}

/* The policy's choice, or with `all` everything; returns the quota. */
static double take_proposals(rd_draft *d, bool all) {
  rd_view *v = &d->view;
  memset(d->marks, RD_KEEP, (size_t)d->n);
  if (!all)
    rd_base_say_confirm(d);
  double quota = d->lead ? 1 : d->sampler->schedule(v);
  if (all || !d->sampler->inserts || !rd_growth_measures(d))
    (d->lead ? rd_policy_all : d->sampler->policy)(v, quota, d->marks);
  take_marks(d, all);
  if (d->sampler->inserts)
    rd_growth_take(d);
  rd_base_lead_take(d);
  return quota;
}

rd_code rd_draft_advance(rd_draft *d, rd_error *e) {
  rd_view *v = &d->view;
  if (d->formed)
    RD_TRY(rd_formed_take(d, e));
  for (int64_t i = 0; i < d->wanted_count; i++) {
    int64_t p = d->wanted[i].draw.position;
    d->still[p] = d->drafts > 0 && rd_draft_same_proposal(&d->proposals[p], &d->out[i]);
    d->proposals[p] = d->out[i];
  }
  bool late = d->params->deadline > 0 && rd_seconds() - d->begun >= d->params->deadline;
  double quota = 0;
  if (d->sampler->checks)
    rd_checked_take(d);
  else if (d->sampler->searches)
    rd_gaps_take(d);
  else
    quota = take_proposals(d, late && v->iteration < v->iterations);
  const bool last = late || v->iteration >= v->iterations;
  if (last && d->formed)
    rd_formed_fill(d);
  if (last)
    rd_likeliest_stop(d);
  d->drafts++;
  d->passes += d->params->cfg_scale > 0 || d->say.speaks > 0 ? 2 : 1;
  int64_t changed = rd_draft_find_changes(d);
  d->same = d->drafts > 1 && changed == 0 && d->n == d->previous_n ? d->same + 1 : 1;
  memcpy(d->previous, d->draft, (size_t)d->n * sizeof *d->draft);
  d->previous_n = d->n;
  const char *why = rd_draft_stop_reason(d, late);
  rd_event event = {.kind = RD_EVENT_DRAFT,
                    .iteration = d->drafts,
                    .ids = d->draft,
                    .count = d->n,
                    .confidence = d->confidence,
                    .changed = d->list,
                    .changed_count = changed,
                    .drafted = d->checked.now_drafted,
                    .accepted = d->checked.now_accepted,
                    .rejected = d->checked.now_rejected,
                    .sure = d->sampler->searches ? d->gaps.written : d->checked.final};
  rd_draft_add_settled(d, &event);
  RD_TRY(rd_draft_heard(d, rd_draft_emit(d, event), e));
  if (why)
    return rd_draft_heard(d, rd_draft_finish(d, why), e);
  int64_t masked = d->sampler->checks    ? rd_checked_next(d)
                 : d->sampler->searches  ? 0
                 : rd_likeliest_turns(d) ? rd_likeliest_turn(d)
                                         : next_canvas(d, quota);
  return masked > 0 ? rd_draft_heard(d, rd_draft_emit_noise(d, masked), e) : RD_OK;
}

rd_code rd_draft_stop(rd_draft *d, const char *why, rd_error *e) {
  if (!d->stopped && rd_likeliest_stop(d))
    memcpy(d->previous, d->draft, (size_t)d->n * sizeof *d->draft);
  return d->stopped ? RD_OK : rd_draft_heard(d, rd_draft_finish(d, why), e);
}

rd_draft_result rd_draft_so_far(const rd_draft *d) {
  int64_t tokens = 0, sure = d->sampler->checks ? d->checked.final : d->previous_n;
  sure = sure < d->setup.most ? sure : d->setup.most;
  while (tokens < sure && !rd_is_end(&d->view, d->previous[tokens]))
    tokens++;
  while (tokens > 0 && d->previous[tokens - 1] == d->setup.mask && !d->fixed[tokens - 1])
    tokens--;
  return (rd_draft_result){.region = d->previous,
                           .count = d->previous_n,
                           .most = rd_least(d->previous_n, d->setup.most),
                           .answer = d->previous,
                           .tokens = tokens,
                           .iterations = d->drafts,
                           .passes = d->passes,
                           .stopped = d->stopped,
                           .seconds = d->seconds,
                           .converged = d->converged,
                           .warning = d->warning};
}

char *rd_draft_text(const rd_draft *d) {
  rd_draft_result so_far = rd_draft_so_far(d);
  rd_event event = {.ids = so_far.answer, .count = so_far.tokens, .speller = rd_draft_speller(d)};
  return rd_event_text(&event);
}

uint64_t rd_draft_seed(const rd_draft *d) {
  return d->setup.seed;
}

rd_code rd_draft_run(rd_draft *draft, rd_engine *engine, atomic_int *cancelled, rd_error *e) {
  rd_need need;
  RD_TRY(rd_draft_open_lanes(draft, engine, e));
  while (rd_draft_need(draft, &need)) {
    if (cancelled && atomic_load(cancelled)) {
      rd_draft_stop(draft, "cancelled", NULL);
      return rd_fail(e, RD_CANCELLED, "cancelled after %lld iterations", (long long)draft->drafts);
    }
    rd_code code = engine->widen ? engine->widen(engine, rd_draft_rows_now(draft), e) : RD_OK;
    if (code == RD_OK)
      code = engine->propose(engine, &need, 1, e);
    if (code != RD_OK) {
      draft->stopped = "failed";
      return code;
    }
    RD_TRY(rd_draft_advance(draft, e));
  }
  return RD_OK;
}
