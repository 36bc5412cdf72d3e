/* SPDX-License-Identifier: MIT */
/* A draft begins: its memory laid out once in one arena, the canvas filled, region and blocks. */
#include "base_lead.h"
#include "base_say.h"
#include "checked.h"
#include "clock.h"
#include "draft.h"
#include "draft_state.h"
#include "facts.h"
#include "formed.h"
#include "gap_search.h"
#include "growth.h"
#include "likeliest.h"

#include <stdlib.h>
#include <string.h>

static void layout(rd_draft *d, rd_arena *a) {
  size_t n = (size_t)d->setup.count, all = n + (size_t)d->setup.prompt_count;
  d->canvas = RD_TAKE(a, int32_t, all);
  d->unguided = RD_TAKE(a, int32_t, all);
  d->say.ids = RD_TAKE(a, int32_t, all);
  d->draft = RD_TAKE(a, int32_t, n);
  d->previous = RD_TAKE(a, int32_t, n);
  d->list = RD_TAKE(a, int32_t, n);
  d->kept = RD_TAKE(a, int32_t, n);
  d->view.order = RD_TAKE(a, int32_t, n);
  d->view.weight = RD_TAKE(a, double, n);
  rd_wanted *wanted = RD_TAKE(a, rd_wanted, 2 * n);
  rd_proposal *out = RD_TAKE(a, rd_proposal, 2 * n);
  d->wanted = wanted ? wanted + n : NULL;
  d->out = out ? out + n : NULL;
  d->proposals = RD_TAKE(a, rd_proposal, n);
  d->confidence = RD_TAKE(a, float, n);
  d->fixed = RD_TAKE(a, uint8_t, n);
  d->proposed = RD_TAKE(a, uint8_t, n);
  d->settled = RD_TAKE(a, uint8_t, n);
  d->still = RD_TAKE(a, uint8_t, n);
  d->marks = RD_TAKE(a, uint8_t, n);
  if (d->sampler->searches)
    rd_gaps_layout(d, a);
  if (d->sampler->inserts)
    rd_growth_layout(d, a);
  rd_likeliest_layout(d, a);
  if (d->sampler->sorts)
    rd_sorted_layout(d, a);
}

static void fill_canvas(rd_draft *d) {
  const rd_draft_setup *s = &d->setup;
  int64_t P = s->prompt_count;
  for (int64_t i = 0; i < P; i++) {
    d->canvas[i] = s->prompt[i];
    d->unguided[i] = s->mask;
  }
  for (int64_t p = 0; p < s->count; p++) {
    bool given = s->ids && s->places[p] != RD_PLACE_MASKED;
    d->canvas[P + p] = given ? s->ids[p] : d->blank;
    d->draft[p] = d->previous[p] = d->canvas[P + p];
    d->fixed[p] = given && s->places[p] == RD_PLACE_LOCKED;
    d->confidence[p] = given ? 1 : 0;
    d->settled[p] = d->still[p] = 0;
    d->proposals[p].id = -1;
  }
}

int64_t rd_draft_step(const rd_draft *d) {
  return rd_sampler_slides(d->sampler) ? d->grid.size
       : d->sampler->grow > 0          ? d->sampler->grow
       : d->roomy                      ? d->params->room
                                       : d->params->grow;
}

/* A block behind a gate is as long as the gate says. */
static void begin_grid(rd_draft *d) {
  const rd_draft_setup *s = &d->setup;
  const rd_gate *gate = &s->gate;
  while (s->ids && d->given < s->count && s->places[d->given] != RD_PLACE_MASKED)
    d->given++;
  d->grid = rd_grid_of(d->sampler, d->params,
                       &(rd_grid_frame){.prompt = s->prompt_count,
                                        .count = s->count,
                                        .lead = d->given,
                                        .attention = s->attention,
                                        .stride = s->stride});
  if (d->by_block && d->params->block_length == 0 && gate->block > 0 && gate->block < s->count)
    d->grid.size = gate->block;
}

/* How many places the canvas begins with, and how many passes there may be. */
static rd_code begin_region(rd_draft *d, rd_error *e) {
  const rd_draft_setup *s = &d->setup;
  const rd_sampler *sampler = d->sampler;
  int64_t given = 0, lead = 0, open = 0;
  for (int64_t p = 0; p < s->count; p++) {
    bool masked = !s->ids || s->places[p] == RD_PLACE_MASKED;
    given += !masked;
    lead += lead == p && !masked;
    open += sampler->revises ? !d->fixed[p] : d->canvas[s->prompt_count + p] == d->blank;
  }
  d->view.iterations = sampler->counts ? d->params->iterations : s->count - given;
  if ((sampler->ahead || sampler->checks || sampler->sorts) && given > lead)
    return rd_fail(e, RD_USAGE,
                   "--sampler %s writes from left to right: only the beginning of the answer can "
                   "be given",
                   sampler->name);
  if ((sampler->ahead || sampler->checks) && s->prompt_count + lead == 0)
    return rd_fail(e, RD_USAGE, "--sampler %s needs a prompt to continue", sampler->name);
  if (open == 0)
    return rd_fail(e, RD_USAGE, "the draft has no position left to write: all %lld are %s",
                   (long long)s->count, sampler->revises ? "locked" : "filled");
  d->view.iterations += rd_base_say_wanted(d) && !sampler->revises; /* the first fills nothing */
  d->roomy = d->params->room > 0 && rd_sampler_takes(sampler, "room") && !sampler->inserts &&
             !d->by_block && !s->form;
  int64_t step = rd_draft_step(d), rest = s->count - lead;
  bool grows =
      sampler->ahead || sampler->sorts || (given == lead && rd_sampler_takes(sampler, "grow"));
  d->n = grows && step < rest ? lead + step : s->count;
  d->previous_n = rd_draft_standing(d);
  return RD_OK;
}

bool rd_draft_open_in(const rd_draft *d, int64_t first, int64_t end) {
  for (int64_t p = first; p < end; p++)
    if (!d->fixed[p] && (d->sampler->revises || d->view.ids[p] == d->blank))
      return true;
  return false;
}

void rd_draft_begin_block(rd_draft *d, int64_t origin) {
  rd_view *v = &d->view;
  int64_t size = d->grid.size, count = d->setup.count, first = 0;
  for (;; origin += size) {
    first = origin > 0 ? origin : 0;
    if (origin + size >= count || rd_draft_open_in(d, first, origin + size))
      break;
  }
  v->block_origin = origin;
  d->lead = d->by_block && d->setup.gate.shift && rd_draft_open_in(d, first, first + 1) &&
            !(d->drafts > 0 && rd_base_leads(d)); /* which says it in the pass for the others */
  v->block_first = first;
  v->block_end = origin + size < count ? origin + size : count;
  v->block_step = 0;
  v->block_masks = 0;
  for (int64_t p = first; p < v->block_end; p++)
    v->block_masks += !d->fixed[p] && v->ids[p] == d->blank;
  if (!d->by_block)
    return;
  d->n = v->block_end;
  memset(d->fixed, 1, (size_t)first); /* the base's own from now on */
}

static rd_code begin_blocks(rd_draft *d, rd_error *e) {
  int64_t size = d->grid.size, blocks = (d->setup.count + d->grid.phase + size - 1) / size;
  d->view.block_size = size;
  d->view.block_steps = d->sampler->counts         ? d->view.iterations / blocks
                      : d->params->block_steps > 0 ? d->params->block_steps
                                                   : size;
  if (d->sampler->counts && d->view.block_steps < 1)
    return rd_fail(e, RD_USAGE, "%lld iterations are fewer than the %lld blocks of %lld tokens",
                   (long long)d->view.iterations, (long long)blocks, (long long)size);
  if (d->by_block && d->setup.gate.shift && d->setup.prompt_count == 0)
    return rd_fail(e, RD_USAGE, "the adapter's gate needs a prompt: the base says its first word");
  if (d->by_block && d->setup.gate.shift)
    d->view.iterations += d->sampler->counts ? blocks : 0;
  d->view.anew = d->by_block && d->sampler->counts;
  rd_draft_begin_block(d, -d->grid.phase);
  d->previous_n = rd_draft_standing(d);
  return RD_OK;
}

static rd_code begin(rd_draft *d, rd_error *e) {
  rd_view *v = &d->view;
  const rd_draft_setup *s = &d->setup;
  rd_form *setup_form = s->form;
  d->blank = d->sampler->ahead && !d->sampler->leads ? -1 : s->mask;
  d->setup.speller.mask = s->mask;
  d->setup.speller.ends = s->ends;
  d->setup.speller.end_count = s->end_count;
  d->by_block = rd_gate_blocks(s->gate, d->sampler);
  begin_grid(d);
  RD_TRY(rd_reuse_find(&d->reuse, d->params->reuse, s->gate.answer ? RD_CAUSAL : d->grid.attention,
                       e));
  fill_canvas(d);
  v->ids = d->canvas + s->prompt_count;
  v->fixed = d->fixed;
  v->proposed = d->proposed;
  v->proposals = d->proposals;
  v->draft = d->draft;
  v->settled = d->settled;
  v->mask = s->mask;
  v->ends = s->ends;
  v->end_count = s->end_count;
  v->seed = s->seed;
  v->params = d->params;
  d->setup.most = s->most > 0 && s->most < s->count ? s->most : s->count;
  RD_TRY(begin_region(d, e));
  if (d->sampler->inserts)
    RD_TRY(rd_growth_begin(d, e));
  RD_TRY(begin_blocks(d, e));
  if (d->sampler->checks)
    rd_checked_begin(d);
  if (d->sampler->searches)
    RD_TRY(rd_gaps_begin(d, e));
  rd_likeliest_begin(d, rd_base_leads(d) && rd_base_say_wanted(d));
  d->rule = rd_draft_rule(s);
  if (s->form) {
    d->setup.form = NULL; /* the draft's from here on */
    RD_TRY(rd_formed_open(d, setup_form, e));
  }
  const rd_event start = {.kind = RD_EVENT_START,
                          .model = s->model,
                          .sampler = d->sampler->name,
                          .seed = s->seed,
                          .window = s->window,
                          .iterations = v->iterations,
                          .prompt_ids = s->prompt,
                          .prompt_count = s->prompt_count + s->prompt_spaced,
                          .eos_ids = s->ends,
                          .eos_count = s->end_count};
  rd_code code = rd_draft_emit(d, start);
  if (code != RD_OK && code != RD_CANCELLED) /* nothing has begun that could be told of */
    return rd_fail(e, code, "the observer refused an event");
  RD_TRY(rd_draft_heard(d, code, e));
  int64_t masked = 0;
  for (int64_t p = 0; p < rd_draft_standing(d); p++)
    if (!d->fixed[p] && v->ids[p] == d->blank)
      d->list[masked++] = (int32_t)p;
  return rd_draft_heard(d, rd_draft_emit_noise(d, masked), e);
}

rd_code rd_draft_new(rd_draft **out, const rd_draft_setup *setup, rd_error *e) {
  *out = NULL;
  rd_form *form = setup->form;
  rd_code code = rd_draft_setup_check(setup, e);
  rd_draft *d = code == RD_OK ? rd_calloc(1, sizeof *d, "a draft", e) : NULL;
  if (!d) {
    rd_form_close(&form);
    return code == RD_OK ? RD_NO_MEMORY : code;
  }
  d->begun = rd_seconds();
  d->setup = *setup;
  d->params = setup->params;
  d->sampler = setup->sampler;
  rd_arena measure = rd_arena_measure();
  layout(d, &measure);
  code = rd_arena_init(&d->arena, measure.used, "a draft", e);
  if (code == RD_OK) {
    layout(d, &d->arena);
    code = begin(d, e);
    d->setup.prompt = d->setup.ids = NULL; /* copied */
    d->setup.places = d->setup.spaced = NULL;
    d->setup.words = d->setup.spaced_words = NULL;
  }
  if (code != RD_OK) {
    rd_draft_free(&d);
    return code;
  }
  *out = d;
  return RD_OK;
}

void rd_draft_free(rd_draft **draft) {
  if (!draft || !*draft)
    return;
  if (!(*draft)->lent)
    rd_lane_close(&(*draft)->lane);
  rd_lane_close(&(*draft)->unguided_lane);
  rd_lane_close(&(*draft)->say.lane);
  rd_formed_close(&(*draft)->formed);
  rd_form_close(&(*draft)->setup.form); /* where it was never used */
  rd_arena_drop(&(*draft)->arena);
  free(*draft);
  *draft = NULL;
}
