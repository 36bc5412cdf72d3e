/* SPDX-License-Identifier: MIT */
/* The table of stop rules: why a draft is the last one. */
#include "base_lead.h"
#include "draft.h"
#include "draft_state.h"
#include "likeliest.h"

int64_t rd_draft_written(const rd_draft *d, const int32_t *ids) {
  int64_t p = 0;
  while (p < d->n && (d->fixed[p] || ids[p] != d->blank))
    p++;
  return p;
}

static bool out_of_iterations(const rd_draft *d, bool late) {
  (void)late;
  return d->drafts >= d->view.iterations;
}

static bool out_of_time(const rd_draft *d, bool late) {
  (void)d;
  return late;
}

/* An end token that nothing open stands before: what follows it is not part of the answer. */
static bool wrote_the_end(const rd_draft *d, bool late) {
  int64_t stood = d->sampler->ends ? rd_draft_written(d, d->draft) : 0;
  (void)late;
  for (int64_t p = 0; p < stood; p++)
    if (!d->fixed[p] && rd_is_end(&d->view, d->draft[p]))
      return true;
  return false;
}

bool rd_draft_has_room(const rd_draft *d) {
  int64_t p = d->roomy ? 0 : d->n;
  while (p < d->n && !rd_is_end(&d->view, d->draft[p]))
    p++;
  return p < d->n || d->n == d->setup.count;
}

/* All places that are needed stand, and the draft was the same for as many drafts as patience asks.
 */
static bool settled_down(const rd_draft *d, bool late) {
  (void)late;
  int64_t patience = d->params->patience;
  return d->sampler->revises && patience > 0 && d->same >= patience && !d->lead &&
         rd_draft_has_room(d) && !rd_likeliest_goes_on(d);
}

bool rd_draft_block_over(const rd_draft *d, const int32_t *ids) {
  const rd_view *v = &d->view;
  int64_t patience = d->params->patience;
  if (!d->by_block || d->lead)
    return false;
  if (rd_base_leads(d))
    return d->say.led >= v->block_end;
  if (d->sampler->revises)
    return v->block_step + 1 >= v->block_steps || (patience > 0 && d->same >= patience);
  for (int64_t p = v->block_first; p < v->block_end; p++)
    if (!d->fixed[p] && ids[p] == d->blank)
      return false;
  return true;
}

/* Blocks behind an end token are not part of the answer. */
static bool cut_in_block(const rd_draft *d, bool late) {
  const rd_view *v = &d->view;
  int64_t end = d->lead ? v->block_first + 1 : v->block_end;
  (void)late;
  if (!d->by_block || (!d->lead && !rd_draft_block_over(d, d->draft)))
    return false;
  for (int64_t p = v->block_first; p < end; p++)
    if (rd_is_end(&d->view, d->draft[p]))
      return true;
  return false;
}

/* The same, of words that stay: the base's, what is filled, or a draft that had come to rest. */
static bool ended_in_block(const rd_draft *d, bool late) {
  bool rests = d->params->patience > 0 && d->same >= d->params->patience;
  return (d->lead || rd_base_leads(d) || !d->sampler->revises || rests) && cut_in_block(d, late);
}

/* The plan of the last block is over. */
static bool out_of_steps(const rd_draft *d, bool late) {
  (void)late;
  return d->sampler->revises && d->view.block_end == d->setup.count &&
         rd_draft_block_over(d, d->draft);
}

/* The base has said every word, or the last one. */
static bool led_to_the_end(const rd_draft *d, bool late) {
  (void)late;
  return rd_base_leads(d) && (d->say.ended || d->say.led == d->setup.count) &&
         !rd_likeliest_goes_on(d);
}

/* No mask is left; where the plan or the time has run out, that is said instead. */
static bool filled(const rd_draft *d, bool late) {
  if (d->sampler->revises || rd_sampler_asks(d->sampler) || d->n < d->setup.most || late ||
      out_of_iterations(d, late))
    return false;
  return rd_draft_written(d, d->draft) >= d->setup.most;
}

/* No mask is left, however long the region has become. */
static bool grown(const rd_draft *d, bool late) {
  return d->sampler->inserts && !late && rd_draft_written(d, d->draft) == d->n;
}

static bool checked_to_the_end(const rd_draft *d, bool late) {
  (void)late;
  return d->checked.ended;
}

static bool checked_all(const rd_draft *d, bool late) {
  (void)late;
  return d->sampler->checks && d->checked.final == d->setup.count;
}

static bool searched_in_part(const rd_draft *d, bool late) {
  (void)late;
  return d->sampler->searches && d->gaps.over;
}

static bool searched_all(const rd_draft *d, bool late) {
  (void)late;
  return d->sampler->searches && d->gaps.over && !d->gaps.cut;
}

const rd_stop rd_stops[] = {{"end", "converged", wrote_the_end},
                            {"settled", "converged", settled_down},
                            {"filled", "converged", filled},
                            {"grown", "converged", grown},
                            {"led", "converged", led_to_the_end},
                            {"block", "converged", ended_in_block},
                            {"block's plan", "iterations", cut_in_block},
                            {"checked end", "converged", checked_to_the_end},
                            {"checked all", "iterations", checked_all},
                            {"searched", "converged", searched_all},
                            {"searched in part", "iterations", searched_in_part},
                            {"iterations", "iterations", out_of_iterations},
                            {"steps", "iterations", out_of_steps},
                            {"deadline", "deadline", out_of_time}};
const size_t rd_stop_count = sizeof rd_stops / sizeof *rd_stops;

const char *rd_draft_stop_reason(const rd_draft *d, bool late) {
  for (size_t i = 0; i < rd_stop_count; i++)
    if (rd_stops[i].due(d, late))
      return rd_stops[i].reason;
  return NULL;
}
