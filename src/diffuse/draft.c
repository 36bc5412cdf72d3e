/* SPDX-License-Identifier: MIT */
/* The denoise loop: propose, schedule, policy, noise, stop, once for every sampler.
 *
 * The canvas is prompt + answer region in one array. A causal sampler is the same machine whose
 * region grows by one place a pass: the place is asked, but not yet part of the sequence that the
 * model reads. All memory is one arena, laid out once. */
#include "draft.h"

#include "arena.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct rd_draft {
  rd_draft_setup setup;
  const rd_params *params;
  const rd_sampler *sampler;
  rd_arena arena;
  rd_propose_rule rule;
  rd_view view;                             /* its arrays are the ones below, past the prompt */
  int32_t *canvas;                          /* (prompt + count) what the model sees next */
  int32_t *unguided;                        /* (prompt + count) the same with the prompt masked */
  int32_t *draft;                           /* (count) the last draft */
  int32_t *previous;                        /* (count) the one before */
  int32_t *list;                            /* (count) positions, for events */
  int32_t *rows;                            /* (count) */
  rd_propose_row *where;                    /* (count) */
  rd_proposal *out;                         /* (count) by row */
  rd_proposal *proposals;                   /* (count) by position */
  float *confidence;                        /* (count) */
  uint8_t *fixed, *asked, *settled, *marks; /* (count) */
  int64_t row_count;
  int64_t cached;        /* tokens the cache holds */
  int64_t n, previous_n; /* places in the canvas now; in the draft before */
  int64_t same;          /* identical drafts so far */
  int64_t drafts, passes;
  struct timespec begun;
  double seconds;
  const char *stopped;
};

static double seconds_since(const struct timespec *begun) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - begun->tv_sec) + (double)(now.tv_nsec - begun->tv_nsec) * 1e-9;
}

static bool is_end(const rd_draft *d, int32_t id) {
  return rd_is_end(&d->view, id);
}

/* --- events ----------------------------------------------------------------------------------- */

static rd_code emit(rd_draft *d, rd_event event) {
  event.speller = d->setup.speller;
  return d->setup.observer ? d->setup.observer(d->setup.context, &event) : RD_OK;
}

static rd_code emit_noise(rd_draft *d, int64_t count) {
  return emit(d, (rd_event){.kind = RD_EVENT_NOISE,
                            .iteration = d->drafts,
                            .ids = d->canvas + d->setup.prompt_count,
                            .count = d->sampler->causal ? d->n - 1 : d->n,
                            .masked = d->list,
                            .masked_count = count});
}

/* Positions that differ from the draft before go to list; returns their number. */
static int64_t find_changes(rd_draft *d) {
  int64_t changed = 0;
  for (int64_t p = 0; p < d->n; p++) {
    int32_t old = p < d->previous_n ? d->previous[p] : d->setup.mask;
    if (d->draft[p] != old || (d->sampler->causal && p >= d->previous_n))
      d->list[changed++] = (int32_t)p;
  }
  return changed;
}

static rd_code finish(rd_draft *d, const char *why) {
  d->stopped = why;
  d->seconds = seconds_since(&d->begun);
  rd_outcome o = rd_draft_outcome(d);
  return emit(d, (rd_event){.kind = RD_EVENT_DONE,
                            .iteration = o.iterations,
                            .ids = o.answer,
                            .count = o.tokens,
                            .passes = o.passes,
                            .stopped = why,
                            .seconds = o.seconds});
}

/* --- beginning -------------------------------------------------------------------------------- */

static void layout(rd_draft *d, rd_arena *a) {
  size_t n = (size_t)d->setup.count, all = n + (size_t)d->setup.prompt_count;
  d->canvas = RD_TAKE(a, int32_t, all);
  d->unguided = RD_TAKE(a, int32_t, all);
  d->draft = RD_TAKE(a, int32_t, n);
  d->previous = RD_TAKE(a, int32_t, n);
  d->list = RD_TAKE(a, int32_t, n);
  d->rows = RD_TAKE(a, int32_t, n);
  d->view.order = RD_TAKE(a, int32_t, n);
  d->view.weight = RD_TAKE(a, double, n);
  d->where = RD_TAKE(a, rd_propose_row, n);
  d->out = RD_TAKE(a, rd_proposal, n);
  d->proposals = RD_TAKE(a, rd_proposal, n);
  d->confidence = RD_TAKE(a, float, n);
  d->fixed = RD_TAKE(a, uint8_t, n);
  d->asked = RD_TAKE(a, uint8_t, n);
  d->settled = RD_TAKE(a, uint8_t, n);
  d->marks = RD_TAKE(a, uint8_t, n);
}

static rd_code check_setup(const rd_draft_setup *s, rd_error *e) {
  if (s->count < 1)
    return rd_fail(e, RD_USAGE, "there is no room for an answer: the prompt has %lld tokens",
                   (long long)s->prompt_count);
  if (s->mask < 0 && !s->sampler->causal)
    return rd_fail(e, RD_USAGE,
                   "the model has no mask token, which --sampler %s needs: name a word of its "
                   "vocabulary with --mask-token, or use --sampler ar",
                   s->sampler->name);
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

static void fill_canvas(rd_draft *d) {
  const rd_draft_setup *s = &d->setup;
  int64_t P = s->prompt_count;
  for (int64_t i = 0; i < P; i++) {
    d->canvas[i] = s->prompt[i];
    d->unguided[i] = s->mask;
  }
  for (int64_t p = 0; p < s->count; p++) {
    bool given = s->ids && s->places[p] != RD_PLACE_MASKED;
    d->canvas[P + p] = given ? s->ids[p] : s->mask;
    d->draft[p] = d->previous[p] = d->canvas[P + p];
    d->fixed[p] = given && s->places[p] == RD_PLACE_LOCKED;
    d->confidence[p] = given ? 1 : 0;
    d->settled[p] = 0;
  }
}

/* How many places the canvas begins with, and how many passes there may be. */
static rd_code begin_region(rd_draft *d, rd_error *e) {
  const rd_draft_setup *s = &d->setup;
  int64_t given = 0, lead = 0, masks = 0;
  for (int64_t p = 0; p < s->count; p++) {
    bool masked = !s->ids || s->places[p] == RD_PLACE_MASKED;
    masks += masked;
    given += !masked;
    lead += lead == p && !masked;
  }
  d->view.iterations = d->sampler->counts ? d->params->iterations : masks;
  d->n = s->count;
  if (d->sampler->causal) {
    if (given > lead)
      return rd_fail(e, RD_USAGE,
                     "--sampler ar writes from left to right: only the beginning of "
                     "the answer can be given");
    if (lead == s->count || s->prompt_count + lead == 0)
      return rd_fail(e, RD_USAGE,
                     lead == s->count ? "the draft has no position left to write"
                                      : "--sampler ar needs a prompt to continue");
    d->n = lead + 1;
    d->previous_n = lead;
    return RD_OK;
  }
  int64_t open = 0;
  for (int64_t p = 0; p < s->count; p++)
    open += d->sampler->revises ? !d->fixed[p] : d->canvas[s->prompt_count + p] == s->mask;
  if (open == 0)
    return rd_fail(e, RD_USAGE, "the draft has no position left to write: all %lld are %s",
                   (long long)s->count, d->sampler->revises ? "locked" : "filled");
  bool whole = given > 0 || !rd_sampler_takes(d->sampler, "grow");
  if (!whole && d->params->grow < s->count)
    d->n = d->params->grow;
  d->previous_n = d->n;
  return RD_OK;
}

static bool masked_in(const rd_draft *d, int64_t first, int64_t end) {
  for (int64_t p = first; p < end; p++)
    if (!d->fixed[p] && d->view.ids[p] == d->setup.mask)
      return true;
  return false;
}

static int64_t block_size(const rd_draft *d) {
  int64_t size = d->params->block_length;
  return size > 0 && size < d->setup.count ? size : d->setup.count;
}

/* Go on to the first block that has masks. Blocks cut the region every block-length places. */
static void begin_block(rd_draft *d, int64_t first) {
  rd_view *v = &d->view;
  int64_t size = block_size(d), count = d->setup.count;
  while (first + size < count && !masked_in(d, first, first + size))
    first += size;
  v->block_first = first;
  v->block_end = first + size < count ? first + size : count;
  v->block_step = 0;
  v->block_masks = 0;
  for (int64_t p = first; p < v->block_end; p++)
    v->block_masks += !d->fixed[p] && v->ids[p] == d->setup.mask;
}

static rd_code begin_blocks(rd_draft *d, rd_error *e) {
  int64_t size = block_size(d), blocks = (d->setup.count + size - 1) / size;
  d->view.block_steps = d->view.iterations / blocks;
  if (d->sampler->counts && d->view.block_steps < 1)
    return rd_fail(e, RD_USAGE, "%lld iterations are fewer than the %lld blocks of %lld tokens",
                   (long long)d->view.iterations, (long long)blocks, (long long)size);
  begin_block(d, 0);
  return RD_OK;
}

static void begin_rule(rd_draft *d) {
  const rd_params *p = d->params;
  const rd_draft_setup *s = &d->setup;
  rd_propose_rule *r = &d->rule;
  *r = (rd_propose_rule){.temperature = p->temperature,
                         .top_k = p->top_k,
                         .top_p = p->top_p,
                         .eos_bias = p->no_eos ? -INFINITY : p->eos_bias,
                         .eos = s->end_count > 0 ? s->ends[0] : -1,
                         .gumbel = d->sampler->gumbel,
                         .seed = s->seed};
  if (!p->eos_last || !r->gumbel)
    return;
  /* LLaDA's confidence_eos_eot_inf: the end of turn always, EOS at temperature 0 only, because its
     code writes into a copy of the logits otherwise. */
  if (!(p->temperature > 0) && s->end_count > 0)
    r->unsure[r->unsure_count++] = s->ends[0];
  if (s->end_count > 1)
    r->unsure[r->unsure_count++] = s->ends[1];
}

static rd_code begin(rd_draft *d, rd_error *e) {
  rd_view *v = &d->view;
  const rd_draft_setup *s = &d->setup;
  fill_canvas(d);
  v->ids = d->canvas + s->prompt_count;
  v->fixed = d->fixed;
  v->asked = d->asked;
  v->proposals = d->proposals;
  v->draft = d->draft;
  v->settled = d->settled;
  v->mask = s->mask;
  v->ends = s->ends;
  v->end_count = s->end_count;
  v->seed = s->seed;
  v->params = d->params;
  RD_TRY(begin_region(d, e));
  RD_TRY(begin_blocks(d, e));
  begin_rule(d);
  RD_TRY(emit(d, (rd_event){.kind = RD_EVENT_START,
                            .model = s->model,
                            .sampler = d->sampler->name,
                            .seed = s->seed,
                            .window = s->window,
                            .iterations = v->iterations,
                            .prompt_ids = d->canvas,
                            .prompt_count = s->prompt_count}));
  int64_t masked = 0;
  for (int64_t p = 0; p < d->n && !d->sampler->causal; p++)
    if (!d->fixed[p] && v->ids[p] == s->mask)
      d->list[masked++] = (int32_t)p;
  return emit_noise(d, masked);
}

rd_code rd_draft_new(rd_draft **out, const rd_draft_setup *setup, rd_error *e) {
  *out = NULL;
  RD_TRY(check_setup(setup, e));
  rd_draft *d = rd_calloc(1, sizeof *d, "a draft", e);
  if (!d)
    return RD_NO_MEMORY;
  clock_gettime(CLOCK_MONOTONIC, &d->begun);
  d->setup = *setup;
  d->params = setup->params;
  d->sampler = setup->sampler;
  rd_arena measure = rd_arena_measure();
  layout(d, &measure);
  rd_code code = rd_arena_init(&d->arena, measure.used, "a draft", e);
  if (code == RD_OK) {
    layout(d, &d->arena);
    code = begin(d, e);
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
  rd_arena_drop(&(*draft)->arena);
  free(*draft);
  *draft = NULL;
}

/* --- one iteration ---------------------------------------------------------------------------- */

/* Which row of the sequence predicts position p. */
static int32_t row_of(const rd_draft *d, int64_t p) {
  int64_t row = d->setup.prompt_count + p - (d->sampler->causal || d->setup.shift_logits);
  row -= d->cached;
  return (int32_t)(row > 0 ? row : 0);
}

bool rd_draft_need(rd_draft *d, rd_need *need) {
  if (d->stopped)
    return false;
  rd_view *v = &d->view;
  v->n = d->n;
  v->iteration = d->drafts + 1;
  d->row_count = 0;
  for (int64_t p = 0; p < d->n; p++) {
    d->asked[p] = d->sampler->reach(v, p);
    if (!d->asked[p])
      continue;
    d->where[d->row_count] = (rd_propose_row){&d->rule, (uint32_t)v->iteration, (uint32_t)p};
    d->rows[d->row_count++] = row_of(d, p);
  }
  int64_t length = d->setup.prompt_count + d->n - (d->sampler->causal ? 1 : 0);
  *need = (rd_need){.ids = d->canvas + d->cached,
                    .count = length - d->cached,
                    .first = d->cached,
                    .cache = d->setup.cache,
                    .causal = d->sampler->causal,
                    .guidance = d->params->cfg_scale,
                    .rows = d->rows,
                    .where = d->where,
                    .out = d->out,
                    .row_count = d->row_count};
  if (need->guidance > 0) {
    int64_t P = d->setup.prompt_count;
    memcpy(d->unguided + P, d->canvas + P, (size_t)d->n * sizeof *d->canvas);
    need->unguided = d->unguided;
  }
  return true;
}

/* What the policy marked becomes the draft. */
static void take_marks(rd_draft *d, bool all) {
  const int32_t *seen = d->view.ids;
  for (int64_t p = 0; p < d->n; p++) {
    bool taken = d->asked[p] && (all || d->marks[p] != RD_KEEP);
    d->draft[p] = taken ? d->proposals[p].id : seen[p];
    if (taken || (d->asked[p] && seen[p] == d->setup.mask))
      d->confidence[p] = d->proposals[p].probability;
    if (taken && d->marks[p] == RD_LOCK)
      d->settled[p] |= RD_SETTLED | RD_LOCKED;
  }
}

/* Why this draft is the last, or NULL. */
static const char *stop_reason(const rd_draft *d, bool late) {
  const rd_params *p = d->params;
  bool out = d->drafts >= d->view.iterations;
  if (d->sampler->causal && is_end(d, d->draft[d->n - 1]))
    return "converged";
  if (d->sampler->revises && p->patience > 0 && d->same >= p->patience && d->n == d->setup.count)
    return "converged";
  if (!d->sampler->causal && !d->sampler->revises && !out && !late) {
    bool masks = false;
    for (int64_t i = 0; i < d->n; i++)
      masks |= !d->fixed[i] && d->draft[i] == d->setup.mask;
    if (!masks)
      return "converged";
  }
  return out ? "iterations" : late ? "deadline" : NULL;
}

/* Noise, then growth: the canvas of the next pass. Returns how many positions were masked (list).
 */
static int64_t next_canvas(rd_draft *d, double quota) {
  int32_t *next = d->canvas + d->setup.prompt_count;
  int64_t masked = 0;
  memset(d->marks, RD_KEEP, (size_t)d->n);
  if (d->sampler->noise)
    d->sampler->noise(&d->view, quota, d->marks);
  for (int64_t p = 0; p < d->n; p++) {
    bool noised = d->marks[p] == RD_RENOISE && !d->fixed[p];
    next[p] = noised ? d->setup.mask : d->draft[p];
    if (noised)
      d->list[masked++] = (int32_t)p;
    if (d->marks[p] == RD_LOCK)
      d->settled[p] |= RD_SETTLED | RD_LOCKED;
  }
  int64_t step = d->sampler->causal ? 1 : d->params->grow;
  int64_t grown = d->setup.count - d->n < step ? d->setup.count - d->n : step;
  for (int64_t p = d->n; p < d->n + grown && !d->sampler->causal; p++)
    d->list[masked++] = (int32_t)p;
  d->n += grown;
  d->view.block_step++;
  if (!masked_in(d, d->view.block_first, d->view.block_end) && d->view.block_end < d->setup.count)
    begin_block(d, d->view.block_end);
  return masked;
}

/* An observer that refuses ends the generation: as cancelled, or with its own code. */
static rd_code heard(rd_draft *d, rd_code code, rd_error *e) {
  if (code == RD_OK)
    return RD_OK;
  if (!d->stopped)
    finish(d, "cancelled");
  return code == RD_CANCELLED
             ? rd_fail(e, code, "cancelled after %lld iterations", (long long)d->drafts)
             : rd_fail(e, code, "the observer refused an event");
}

rd_code rd_draft_take(rd_draft *d, rd_error *e) {
  rd_view *v = &d->view;
  for (int64_t i = 0; i < d->row_count; i++)
    d->proposals[d->where[i].position] = d->out[i];
  memset(d->marks, RD_KEEP, (size_t)d->n);
  double quota = d->sampler->schedule(v);
  d->sampler->policy(v, quota, d->marks);
  bool late = d->params->deadline > 0 && seconds_since(&d->begun) >= d->params->deadline;
  take_marks(d, late && v->iteration < v->iterations);
  d->drafts++;
  d->passes += d->params->cfg_scale > 0 ? 2 : 1;
  if (d->setup.cache)
    d->cached = d->setup.prompt_count + d->n - 1;
  int64_t changed = find_changes(d);
  d->same = d->drafts > 1 && changed == 0 && d->n == d->previous_n ? d->same + 1 : 1;
  memcpy(d->previous, d->draft, (size_t)d->n * sizeof *d->draft);
  d->previous_n = d->n;
  const char *why = stop_reason(d, late);
  rd_event event = {.kind = RD_EVENT_DRAFT,
                    .iteration = d->drafts,
                    .ids = d->draft,
                    .count = d->n,
                    .confidence = d->confidence,
                    .changed = d->list,
                    .changed_count = changed};
  RD_TRY(heard(d, emit(d, event), e));
  if (why)
    return heard(d, finish(d, why), e);
  int64_t masked = next_canvas(d, quota);
  return masked > 0 ? heard(d, emit_noise(d, masked), e) : RD_OK;
}

rd_code rd_draft_stop(rd_draft *d, const char *why, rd_error *e) {
  return d->stopped ? RD_OK : heard(d, finish(d, why), e);
}

rd_outcome rd_draft_outcome(const rd_draft *d) {
  int64_t tokens = 0;
  while (tokens < d->previous_n && !is_end(d, d->previous[tokens]))
    tokens++;
  while (tokens > 0 && d->previous[tokens - 1] == d->setup.mask && !d->fixed[tokens - 1])
    tokens--;
  return (rd_outcome){.region = d->previous,
                      .count = d->previous_n,
                      .answer = d->previous,
                      .tokens = tokens,
                      .iterations = d->drafts,
                      .passes = d->passes,
                      .stopped = d->stopped,
                      .seconds = d->seconds};
}

rd_code rd_draft_run(rd_draft *draft, rd_denoiser *denoiser, atomic_int *cancelled, rd_error *e) {
  rd_need need;
  while (rd_draft_need(draft, &need)) {
    if (cancelled && atomic_load(cancelled)) {
      rd_draft_stop(draft, "cancelled", NULL);
      return rd_fail(e, RD_CANCELLED, "cancelled after %lld iterations", (long long)draft->drafts);
    }
    rd_code code = denoiser->run(denoiser, &need, 1, e);
    if (code != RD_OK) {
      draft->stopped = "failed";
      return code;
    }
    RD_TRY(rd_draft_take(draft, e));
  }
  return RD_OK;
}
