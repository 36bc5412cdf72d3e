/* SPDX-License-Identifier: MIT */
/* A request made into a draft on a model: special ids gathered, canvas laid, cache taken, seed
 * drawn. */
#include "generation.h"

#include "pass.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct rd_generation {
  const rd_model *model;
  rd_canvas canvas;
  rd_cache *cache;
  rd_speller speller;
  int32_t ends[RD_MOST_ENDS];
  int end_count;
  uint64_t seed;
  int64_t rows;
  rd_draft *draft;
};

/* --- text --------------------------------------------------------------------------------------
 */

static char *decode(const rd_model *model, const int32_t *ids, int64_t n, unsigned flags) {
  char *text = NULL;
  size_t size;
  if (!model->tokenizer)
    return strdup("");
  rd_code code = rd_tokenizer_decode(model->tokenizer, ids, (size_t)n, flags, &text, &size, NULL);
  return code == RD_OK ? text : NULL; /* out of memory: the ids are in the vocabulary */
}

static char *spell_text(void *context, const int32_t *ids, int64_t n) {
  const rd_generation *g = context;
  return decode(g->model, ids, n, RD_TOK_SKIP | RD_TOK_REPLACE);
}

static char *spell_piece(void *context, int32_t id) {
  const rd_generation *g = context;
  return decode(g->model, &id, 1, RD_TOK_CONTINUE | RD_TOK_REPLACE);
}

/* --- making -------------------------------------------------------------------------------------
 */

static void add_end(rd_generation *g, int32_t id) {
  for (int i = 0; i < g->end_count; i++)
    if (g->ends[i] == id)
      return;
  if (id >= 0 && g->end_count < RD_MOST_ENDS)
    g->ends[g->end_count++] = id;
}

/* EOS ids of config.json first, then those that the tokenizer's files add. */
static void gather_ends(rd_generation *g) {
  const rd_config *c = &g->model->config;
  for (int i = 0; i < c->eos_count; i++)
    add_end(g, c->eos[i]);
  size_t n = 0;
  const int32_t *more = g->model->tokenizer ? rd_tokenizer_eos(g->model->tokenizer, &n) : NULL;
  for (size_t i = 0; i < n; i++)
    if (more[i] < c->vocab)
      add_end(g, more[i]);
}

static int32_t mask_of(const rd_model *model) {
  int32_t mask = model->config.mask;
  if (mask < 0 && model->tokenizer)
    mask = rd_tokenizer_mask(model->tokenizer);
  return mask < model->config.vocab ? mask : -1;
}

static rd_code draw_seed(rd_generation *g, int64_t wanted, rd_error *e) {
  g->seed = (uint64_t)wanted;
  if (wanted >= 0)
    return RD_OK;
  if (getrandom(&g->seed, sizeof g->seed, 0) != (ssize_t)sizeof g->seed)
    return rd_fail(e, RD_IO, "the system gives no random seed; name one with --seed");
  g->seed >>= 11; /* 53 bits: exact in JSON */
  return RD_OK;
}

static rd_code lay_canvas(rd_generation *g, const rd_request *r, int32_t mask, rd_error *e) {
  const rd_config *c = &r->model->config;
  rd_canvas_frame frame = {.window = rd_config_window(c, r->params->window),
                           .positions = c->positions,
                           .prompt_count = r->prompt_count,
                           .mask = mask,
                           .eos = g->end_count > 0 ? g->ends[0] : -1,
                           .tokenizer = r->model->tokenizer};
  if (r->ids)
    return rd_canvas_given(&g->canvas, r->params, &frame, r->ids, r->places, r->count, e);
  return rd_canvas_init(&g->canvas, r->params, &frame, e);
}

static rd_code make(rd_generation *g, const rd_request *r, rd_error *e) {
  const rd_model *model = r->model;
  int32_t mask = mask_of(model);
  gather_ends(g);
  RD_TRY(draw_seed(g, r->params->seed, e));
  RD_TRY(lay_canvas(g, r, mask, e));
  int64_t length = r->prompt_count + g->canvas.count;
  g->rows = r->params->cfg_scale > 0 ? 2 * length : length;
  if (r->sampler->causal)
    RD_TRY(rd_cache_new(&g->cache, model, length, e));
  g->speller = (rd_speller){spell_text, spell_piece, g, mask, g->ends, g->end_count};
  rd_draft_setup setup = {.params = r->params,
                          .sampler = r->sampler,
                          .model = model->name,
                          .prompt = r->prompt,
                          .prompt_count = r->prompt_count,
                          .ids = g->canvas.ids,
                          .places = g->canvas.places,
                          .count = g->canvas.count,
                          .window = g->canvas.window,
                          .mask = mask,
                          .end_count = g->end_count,
                          .vocab = model->config.vocab,
                          .shift_logits = model->config.shift_logits,
                          .seed = g->seed,
                          .cache = g->cache,
                          .speller = &g->speller,
                          .observer = r->observer,
                          .context = r->context};
  memcpy(setup.ends, g->ends, sizeof setup.ends);
  return rd_draft_new(&g->draft, &setup, e);
}

rd_code rd_generation_new(rd_generation **out, const rd_request *request, rd_error *e) {
  *out = NULL;
  rd_generation *g = rd_calloc(1, sizeof *g, "a generation", e);
  if (!g)
    return RD_NO_MEMORY;
  g->model = request->model;
  rd_code code = make(g, request, e);
  if (code != RD_OK) {
    rd_generation_free(&g);
    return code;
  }
  *out = g;
  return RD_OK;
}

void rd_generation_free(rd_generation **generation) {
  if (!generation || !*generation)
    return;
  rd_generation *g = *generation;
  rd_draft_free(&g->draft);
  rd_cache_free(&g->cache);
  rd_canvas_drop(&g->canvas);
  free(g);
  *generation = NULL;
}

rd_draft *rd_generation_draft(rd_generation *generation) {
  return generation->draft;
}

uint64_t rd_generation_seed(const rd_generation *generation) {
  return generation->seed;
}

int64_t rd_generation_rows(const rd_generation *generation) {
  return generation->rows;
}

char *rd_generation_text(const rd_generation *generation) {
  rd_outcome o = rd_draft_outcome(generation->draft);
  rd_event event = {.ids = o.answer, .count = o.tokens, .speller = &generation->speller};
  return rd_event_text(&event);
}
