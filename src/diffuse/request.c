/* SPDX-License-Identifier: MIT */
/* A request made into a draft. */
#include "request.h"

#include "checked_state.h"
#include "facts.h"
#include "form.h"
#include "grid.h"
#include "words_shelf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* --- text --------------------------------------------------------------------------------------
 */

/* Ids without a word, which a caller may have put there, add nothing; NULL is lack of memory alone.
 */
static char *decode(const rd_model *model, const int32_t *ids, int64_t n, unsigned flags) {
  char *text = NULL;
  size_t size, count = 0;
  if (!model->tokenizer)
    return strdup("");
  int32_t *known = malloc(((size_t)n + 1) * sizeof *known);
  if (!known)
    return NULL;
  for (int64_t i = 0; i < n; i++)
    if (rd_tokenizer_has(model->tokenizer, ids[i]))
      known[count++] = ids[i];
  rd_code code = rd_tokenizer_decode(model->tokenizer, known, count, flags, &text, &size, NULL);
  free(known);
  return code == RD_OK ? text : NULL;
}

static char *spell_text(const void *context, const int32_t *ids, int64_t n) {
  return decode(context, ids, n, RD_TOK_SKIP | RD_TOK_REPLACE);
}

static char *spell_on(const void *context, const int32_t *ids, int64_t n) {
  return decode(context, ids, n, RD_TOK_SKIP | RD_TOK_CONTINUE | RD_TOK_REPLACE);
}

static char *spell_piece(const void *context, int32_t id) {
  return decode(context, &id, 1, RD_TOK_CONTINUE | RD_TOK_REPLACE);
}

rd_speller rd_speller_of(const rd_model *model, bool goes_on) {
  return (rd_speller){
      .text = goes_on ? spell_on : spell_text, .piece = spell_piece, .context = model};
}

/* Behind a special token a text begins. */
static bool goes_on(const rd_request *r) {
  return r->goes_on && r->model->tokenizer && r->prompt_count > 0 &&
         !rd_tokenizer_is_special(r->model->tokenizer, r->prompt[r->prompt_count - 1]);
}

/* --- making -------------------------------------------------------------------------------------
 */

rd_code rd_seed_draw(uint64_t *seed, int64_t wanted, rd_error *e) {
  *seed = (uint64_t)wanted;
  if (wanted >= 0)
    return RD_OK;
  if (getrandom(seed, sizeof *seed, 0) != (ssize_t)sizeof *seed)
    return rd_fail(e, RD_IO, "the system gives no random seed; name one with --seed");
  *seed >>= 11; /* 53 bits: exact in JSON */
  return RD_OK;
}

static rd_code lay_canvas(rd_canvas *out, const rd_request *r, const rd_draft_setup *s,
                          rd_error *e) {
  const rd_config *c = &r->model->config;
  rd_canvas_frame frame = {.window = rd_config_window(c, r->params->window),
                           .positions = c->positions,
                           .prompt_count = r->prompt_count,
                           .mask = s->mask,
                           .eos = s->end_count > 0 ? s->ends[0] : -1,
                           .fits = rd_sampler_fits(r->sampler),
                           .tokenizer = r->model->tokenizer};
  if (r->ids)
    return rd_canvas_given(out, r->params, &frame, r->ids, r->places, r->count, e);
  return rd_canvas_init(out, r->params, &frame, e);
}

/* Bits of the words that may stand in a gap, which are not special, and of those that bring a
 * space. */
static rd_code sort_words(uint64_t **words, uint64_t **spaced, const rd_model *m, rd_error *e) {
  const size_t n = ((size_t)m->config.vocab + 63) / 64;
  *words = rd_calloc(n, sizeof **words, "words of gaps", e);
  *spaced = *words ? rd_calloc(n, sizeof **spaced, "words of gaps", e) : NULL;
  if (!*spaced)
    return RD_NO_MEMORY;
  for (int32_t id = 0; id < m->config.vocab; id++) {
    size_t size = 0;
    if (m->tokenizer &&
        (!rd_tokenizer_has(m->tokenizer, id) || rd_tokenizer_is_special(m->tokenizer, id)))
      continue;
    const uint64_t bit = (uint64_t)1 << (id % 64);
    const char *piece = m->tokenizer ? rd_tokenizer_piece(m->tokenizer, id, &size) : "";
    (*words)[id / 64] |= bit;
    if (size > 0 && *piece == ' ')
      (*spaced)[id / 64] |= bit;
  }
  return RD_OK;
}

/* In a draft by position a gap begins with a space where the word did that it takes the place of.
 */
static void keep_spaces(rd_canvas *c, const int32_t *ids, const uint64_t *spaced_words,
                        int64_t vocab) {
  bool inside = false;
  for (int64_t p = 0; p < c->count; p++) {
    bool gap = c->places[p] == RD_PLACE_MASKED;
    bool known = ids[p] >= 0 && ids[p] < vocab;
    c->spaced[p] = gap && !inside && known && (spaced_words[ids[p] / 64] >> (ids[p] % 64) & 1);
    inside = gap;
  }
}

/* A prompt that ends with a space of its own, and a gap behind it: the space is the gap's first
 * word's. */
static void take_space(rd_draft_setup *s, rd_canvas *c, const rd_model *m) {
  size_t size = 0;
  int64_t last = s->prompt_count - 1;
  bool gap = c->places && c->places[0] == RD_PLACE_MASKED && m->tokenizer;
  const char *piece = gap && last > 0 && rd_tokenizer_has(m->tokenizer, s->prompt[last])
                        ? rd_tokenizer_piece(m->tokenizer, s->prompt[last], &size)
                        : "";
  if (size != 1 || *piece != ' ')
    return;
  s->prompt_count = last;
  s->prompt_spaced = true;
  c->spaced[0] = 1;
}

/* Models that were made for whole blocks never saw a part of one: the last is completed where the
 * window has room. */
static void complete(rd_draft_setup *s, int64_t window) {
  const rd_grid_frame frame = {
      .prompt = s->prompt_count, .count = s->count, .attention = s->attention, .stride = s->stride};
  const rd_grid grid = rd_grid_of(s->sampler, s->params, &frame);
  int64_t over = (s->count + grid.phase) % grid.size, room = window - s->prompt_count;
  int64_t more = rd_sampler_slides(s->sampler) ? grid.size - 1 : over > 0 ? grid.size - over : 0;
  s->count += more < room - s->count ? more : room - s->count;
}

/* The form that the options ask for; NULL: none. */
static rd_code open_form(rd_draft_setup *s, const rd_request *r, rd_error *e) {
  const rd_words *words = NULL;
  if (!r->params->grammar || !*r->params->grammar)
    return RD_OK;
  RD_TRY(rd_words_shelf_take(&words, r->model->shelf, r->model->tokenizer, s->vocab, s->ends,
                             s->end_count, rd_mask_of(r->model), e));
  return rd_form_open(&s->form, r->params->grammar, words, e);
}

rd_code rd_request_draft(rd_draft **out, const rd_request *r, rd_error *e) {
  const rd_model *model = r->model;
  rd_draft_setup setup = {
      .params = r->params,
      .sampler = r->sampler,
      .model = model->name,
      .prompt = r->prompt,
      .prompt_count = r->prompt_count,
      .mask = rd_mask_of(model),
      .lost_mask = model->tokenizer ? rd_tokenizer_lost_mask(model->tokenizer) : NULL,
      .vocab = model->config.vocab,
      .attention = rd_engine_attention(model),
      .stride = model->config.stride,
      .gate = rd_gate_of(model),
      .untrained = !r->sampler->ahead && !rd_sampler_asks(r->sampler) && !rd_model_denoises(model),
      .shift_logits = model->config.shift_logits,
      .speller = rd_speller_of(model, goes_on(r)),
      .observer = r->observer,
      .context = r->context};
  rd_canvas canvas = {0};
  *out = NULL;
  if (setup.gate.answer)
    setup.shift_logits = setup.gate.shift;
  if (r->sampler->drafts && !setup.gate.answer)
    return rd_fail(e, RD_USAGE,
                   "%s has no adapter with a gate, so that nothing drafts: --verify and --sampler "
                   "verify need one; --sampler jacobi needs none",
                   model->name);
  if (r->sampler->drafts && r->params->block_length > RD_AHEAD_MOST)
    return rd_fail(e, RD_USAGE,
                   "--block-length %lld: --verify drafts at most %d words at a time, or as many as "
                   "pay without it",
                   (long long)r->params->block_length, RD_AHEAD_MOST);
  if ((r->params->base_weight > 0 || r->params->base_lead) && !setup.gate.answer)
    return rd_fail(
        e, RD_USAGE,
        "%s has no adapter with a gate, so that there is no base beside it to read the "
        "draft: --base-weight must be 0, without --base-lead (training with gate: answer "
        "makes one)",
        model->name);
  if (r->sampler->searches && !rd_reads_causally(model))
    return rd_fail(e, RD_USAGE,
                   "%s does not read from left to right, by which --sampler %s judges: use its own "
                   "sampler, or the model without its adapter",
                   model->name, r->sampler->name);
  setup.end_count = rd_ends_of(model, setup.ends);
  if (setup.mask < 0 && rd_sampler_asks(r->sampler)) /* what stands where nothing was guessed yet */
    setup.mask = setup.end_count > 0 ? setup.ends[0] : 0;
  RD_TRY(rd_seed_draw(&setup.seed, r->params->seed, e));
  RD_TRY(lay_canvas(&canvas, r, &setup, e));
  setup.ids = canvas.ids;
  setup.places = canvas.places;
  setup.count = canvas.count;
  setup.most = canvas.count;
  if (r->sampler->whole && !canvas.ids)
    complete(&setup, canvas.window);
  setup.window = canvas.window;
  uint64_t *words = NULL, *spaced = NULL;
  const int32_t start = rd_start_of(model);
  rd_code code = rd_sampler_fits(r->sampler) ? sort_words(&words, &spaced, model, e) : RD_OK;
  if (r->sampler->searches && setup.prompt_count == 0 && start >= 0) {
    setup.prompt = &start;
    setup.prompt_count = canvas.count + 1 <= canvas.window ? 1 : 0;
  }
  if (code == RD_OK && spaced && r->ids)
    keep_spaces(&canvas, r->ids, spaced, setup.vocab);
  if (rd_sampler_fits(r->sampler))
    take_space(&setup, &canvas, model);
  setup.spaced = canvas.spaced;
  setup.words = words;
  setup.spaced_words = spaced;
  if (code == RD_OK)
    code = open_form(&setup, r, e);
  if (code == RD_OK)
    code = rd_draft_new(out, &setup, e);
  free(words);
  free(spaced);
  rd_canvas_drop(&canvas);
  return code;
}

rd_code rd_request_run(char **text, const rd_request *request, rd_kept *kept, atomic_int *cancelled,
                       rd_error *e) {
  rd_draft *draft = NULL;
  rd_kept own = {0};
  *text = NULL;
  RD_TRY(rd_request_draft(&draft, request, e));
  int64_t window = kept ? rd_config_window(&request->model->config, request->params->window) : 0;
  rd_code code = rd_kept_run(kept ? kept : &own, request->model, window, draft, cancelled, e);
  *text = rd_draft_text(draft);
  rd_draft_free(&draft);
  rd_kept_drop(&own);
  return code == RD_OK && !*text ? rd_fail(e, RD_NO_MEMORY, "no memory for the answer") : code;
}
