/* SPDX-License-Identifier: MIT */
/* A pass tells the path its rows as they come, from the first to the last; places between them hold
 * a word that stands, or any. A word that was drawn by chance counts as certain: the programme then
 * changes the draw where it must, and no further. Places that the base settles in this pass hold
 * its words already, which keep to the form by themselves. */
#include "formed.h"

#include "draft_state.h"

#include <math.h>
#include <stdlib.h>

/* Do rows come that only look back, so that each is drawn among what may follow? */
static bool looks_back(const rd_draft *d) {
  return d->sampler->checks ? !d->checked.drafting : rd_sampler_causal(d->sampler);
}

/* Is there a word at the place that stays while this pass is made? */
static bool stands(const rd_draft *d, int64_t p) {
  int32_t id = d->view.ids[p];
  return d->fixed[p] || (!d->proposed[p] && id != d->setup.mask && id != d->blank);
}

/* The place of the region that wanted[i] is for. */
static int64_t place_of(const rd_draft *d, int64_t i) {
  const int64_t at = d->wanted[i].position;
  return (d->sampler->sorts ? d->positions[at] : at) - d->setup.prompt_count;
}

/* Places up to `end` that are not wanted, or that the base has the word of. */
static void tell_until(rd_draft *d, int64_t end) {
  rd_formed *f = d->formed;
  int32_t word;
  for (; f->told < end && f->told < f->room; f->told++) {
    if (rd_base_lead_settles(d, f->told, &word))
      rd_form_path_word(f->path, word);
    else if (stands(d, f->told))
      rd_form_path_word(f->path, d->view.ids[f->told]);
    else
      rd_form_path_any(f->path);
  }
}

static void look(void *context, int64_t index, const float *logits, const rd_proposal *proposal) {
  rd_draft *d = context;
  rd_formed *f = d->formed;
  if (index < d->say.asked) /* the base's, which keeps to the form by itself */
    return;
  index -= d->say.asked;
  int64_t p = place_of(d, index);
  int32_t word;
  if (index == 0) {
    rd_form_path_begin(f->path);
    f->told = 0;
  }
  if (p >= f->room || rd_base_lead_settles(d, p, &word))
    return;
  tell_until(d, p);
  bool greedy = rd_propose_greedy(d->rule.temperature) || d->rule.top_k == 1;
  bool chosen = greedy && (!d->rule.gumbel || rd_propose_greedy(d->rule.temperature));
  rd_form_path_row(f->path, logits, rd_propose_log_sum(logits, d->setup.vocab),
                   greedy ? -1 : proposal->id, chosen ? proposal->id : -1);
  f->told++;
}

void rd_formed_allow(rd_draft *d, int64_t first, int64_t count, const int32_t *ids) {
  rd_formed *f = d->formed;
  int32_t state = rd_form_start(f->form);
  int64_t at = 0;
  for (int64_t i = 0; i < count; i++) {
    int64_t p = place_of(d, first + i);
    uint64_t *bits = f->allowed + i * f->width;
    for (; at < p; at++)
      state = rd_form_next(f->form, state, ids[at]);
    bool known = i < f->rows && p < f->room && state != RD_NOWHERE;
    d->wanted[first + i].allowed =
        known && rd_form_allow(f->form, state, f->room - p, bits) > 0 ? bits : NULL;
  }
}

void rd_formed_need(rd_draft *d, rd_need *need) {
  if (looks_back(d)) {
    rd_formed_allow(d, 0, need->count, d->view.ids);
    return;
  }
  need->see = look;
  need->context = d;
}

rd_code rd_formed_take(rd_draft *d, rd_error *e) {
  rd_formed *f = d->formed;
  if (looks_back(d) || d->wanted_count == 0)
    return RD_OK;
  tell_until(d, d->n);
  if (!rd_form_path_settle(f->path, f->ids, f->logs))
    return rd_fail(e, RD_USAGE,
                   "no text of the form asked for has the words that stand; --retention retained "
                   "lets what is locked change");
  for (int64_t i = 0; i < d->wanted_count; i++) {
    int64_t p = place_of(d, i);
    if (p >= f->room || d->out[i].id == f->ids[p])
      continue;
    d->out[i].id = f->ids[p];
    d->out[i].probability = expf(f->logs[p]);
  }
  return RD_OK;
}

/* Words behind what stands, until the text may end. */
static void bring_to_end(rd_draft *d) {
  rd_formed *f = d->formed;
  int32_t state = rd_form_start(f->form);
  for (int64_t p = 0; p < d->n; p++)
    state = rd_form_next(f->form, state, d->draft[p]);
  while (d->n < f->room && state != RD_NOWHERE && state != rd_form_ended(f->form)) {
    int32_t id = rd_form_nearest(f->form, state);
    if (id < 0)
      return;
    d->confidence[d->n] = 0;
    d->draft[d->n++] = id;
    state = rd_form_next(f->form, state, id);
  }
}

void rd_formed_fill(rd_draft *d) {
  const rd_formed *f = d->formed;
  if (d->sampler->checks) /* guesses behind what is final are nobody's */
    d->n = d->checked.final;
  for (int64_t p = 0; p < f->told && p < d->n && !looks_back(d); p++)
    if (d->draft[p] == d->setup.mask || d->draft[p] == d->blank)
      d->draft[p] = f->ids[p];
  bring_to_end(d);
  if (d->sampler->checks)
    d->checked.final = d->n;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* Is there a text with what is locked? */
static rd_code check_given(rd_draft *d, rd_error *e) {
  rd_formed *f = d->formed;
  for (int64_t p = 0; p < f->room; p++)
    if (stands(d, p) && (d->fixed[p] || !d->sampler->revises))
      rd_form_path_word(f->path, d->view.ids[p]);
    else
      rd_form_path_any(f->path);
  if (rd_form_path_settle(f->path, f->ids, f->logs))
    return RD_OK;
  return rd_fail(e, RD_USAGE,
                 "the text that is given (prefix, suffix, template, draft) is no part of a text of "
                 "the form asked for, or leaves too little room for the rest of it");
}

rd_code rd_formed_open(rd_draft *d, rd_form *form, rd_error *e) {
  if (rd_sampler_fits(d->sampler)) {
    rd_form_close(&form);
    return rd_fail(e, RD_USAGE,
                   "--grammar: --sampler %s finds how long gaps are by a rule of its own, "
                   "which knows no forms",
                   d->sampler->name);
  }
  rd_formed *f = d->formed = rd_calloc(1, sizeof *f, "a form", e);
  if (!f) {
    rd_form_close(&form);
    return RD_NO_MEMORY;
  }
  int64_t block = d->params->block_length, most = block > 8 ? block : 8;
  f->form = form;
  f->room = d->setup.most;
  f->width = (d->setup.vocab + 63) / 64;
  f->rows = d->sampler->checks   ? (most < f->room ? most : f->room) + 1
          : d->params->base_lead ? f->room
                                 : 1;
  RD_TRY(rd_form_path_open(&f->path, form, f->room, e));
  f->ids = rd_calloc((size_t)f->room, sizeof *f->ids, "a form", e);
  f->logs = rd_calloc((size_t)f->room, sizeof *f->logs, "a form", e);
  f->allowed = rd_calloc((size_t)(f->rows * f->width), sizeof *f->allowed, "a form", e);
  if (!f->ids || !f->logs || !f->allowed)
    return RD_NO_MEMORY;
  return check_given(d, e);
}

void rd_formed_close(rd_formed **formed) {
  rd_formed *f = *formed;
  if (!f)
    return;
  rd_form_path_close(&f->path);
  rd_form_close(&f->form);
  free(f->ids);
  free(f->logs);
  free(f->allowed);
  free(f);
  *formed = NULL;
}
