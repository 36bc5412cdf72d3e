/* SPDX-License-Identifier: MIT */
/* Opening and closing a model: configuration, mapped weights, adapter. */
#include "model.h"

#include "bind.h"
#include "chat_template.h"
#include "cpu.h"
#include "family.h"
#include "file.h"
#include "model_folder.h"
#include "model_store.h"
#include "precision.h"
#include "tokenizer.h"
#include "utf8.h"
#include "words_shelf.h"

#include <libgen.h>
#include <stdlib.h>
#include <string.h>

static void tables_layout(rd_model *m, rd_arena *arena) {
  m->weights.layers = RD_TAKE(arena, rd_layer, m->config.layers);
  m->plain.layers = RD_TAKE(arena, rd_layer, m->config.layers);
}

rd_code rd_model_new(rd_model **out, const rd_config *config, const char *name, rd_error *e) {
  *out = NULL;
  RD_TRY(rd_config_check(config, e));
  rd_model *m = rd_calloc(1, sizeof *m, "a model", e);
  if (!m)
    return RD_NO_MEMORY;
  m->config = *config;
  m->remembered = RD_REMEMBERED_NOTHING;
  m->store = rd_calloc(1, sizeof *m->store, "a model", e);
  m->name = rd_utf8_copy(name, e);
  m->shelf = rd_words_shelf_open(e);
  rd_arena measure = rd_arena_measure();
  tables_layout(m, &measure);
  rd_code code = m->store && m->name && m->shelf ? RD_OK : RD_NO_MEMORY;
  if (code == RD_OK)
    code = rd_arena_init(&m->store->tables, measure.used, "a model's layers", e);
  if (code != RD_OK) {
    rd_model_close(&m);
    return code;
  }
  tables_layout(m, &m->store->tables);
  m->memory_bytes += measure.used;
  *out = m;
  return RD_OK;
}

void rd_model_close(rd_model **model) {
  if (!model || !*model)
    return;
  rd_model *m = *model;
  if (m->store) {
    rd_model_file_drop(&m->store->file);
    rd_adapter_drop(&m->store->adapter);
    rd_sampler_head_drop(&m->store->sampler_head);
    rd_arena_drop(&m->store->weights);
    rd_arena_drop(&m->store->tight);
    rd_arena_drop(&m->store->lists);
    rd_arena_drop(&m->store->tables);
  }
  rd_chat_template_close(&m->chat_template);
  rd_words_shelf_close(&m->shelf);
  rd_tokenizer_close(&m->tokenizer);
  free(m->store ? m->store->path : NULL);
  free(m->store);
  free(m->system);
  free(m->engine);
  free(m->wordless);
  rd_remembered_drop(&m->remembered);
  free(m->name);
  free(m);
  *model = NULL;
}

/* With a gate the model is bound without its adapter first, then the adapter over that. */
static rd_code bind_weights(rd_binder *b, rd_model *m, bool gated, rd_error *e) {
  const rd_adapter *adapter = b->adapter;
  if (gated) {
    b->plain = NULL;
    b->adapter = NULL;
    RD_TRY(rd_bind_weights(b, &m->config, &m->plain, e));
    b->plain = &m->plain;
    b->adapter = adapter;
  }
  return rd_bind_weights(b, &m->config, &m->weights, e);
}

rd_code rd_model_make(rd_model *m, rd_error *e) {
  struct rd_model_store *s = m->store;
  if (s->unmade == 0)
    return RD_OK;
  RD_TRY(rd_arena_init(&s->weights, s->unmade, "converted weights", e));
  s->binder.arena = &s->weights;
  rd_code code = bind_weights(&s->binder, m, s->gated, e);
  if (code != RD_OK) { /* whoever asks again is told again */
    rd_arena_drop(&s->weights);
    return rd_prefix(e, code, "%s", s->path);
  }
  s->unmade = 0;
  return RD_OK;
}

/* Bind everything, once counting what must be made, and then for real. */
static rd_code bind_model(rd_model *m, const rd_model_options *o, rd_error *e) {
  struct rd_model_store *s = m->store;
  const rd_tensors *tensors = &s->file.tensors;
  bool gated = o->adapter && (m->remembered.gate.answer || o->apart);
  rd_arena measure = rd_arena_measure();
  rd_binder binder = {.tensors = tensors,
                      .names = s->file.names,
                      .adapter = o->adapter ? &s->adapter : NULL,
                      .use = o->use,
                      .halves = o->halves && m->config.rope_interleaved,
                      .arena = &measure,
                      .made = o->made,
                      .context = o->context};
  if (gated && o->use == RD_ADAPTER_MERGED)
    return rd_fail(e, RD_UNSUPPORTED,
                   "adapter %s counts in answers alone (its gate): it cannot be merged into the "
                   "model, whose other rows go without it",
                   o->adapter);
  m->config.rope_interleaved &= !binder.halves;
  RD_TRY(rd_precision_choose(&binder.precision, o->precision, tensors, e));
  m->precision = binder.precision.row;
  m->precision_why = binder.precision.why;
  RD_TRY(rd_bind_rows(&binder, &m->config, e));
  RD_TRY(rd_bind_ties(&binder, &m->config, &m->head_apart, e));
  RD_TRY(bind_weights(&binder, m, gated, e));
  m->memory_bytes += measure.used;
  s->binder = binder;
  s->gated = gated;
  s->unmade = measure.used > 0 ? measure.used : 1;
  return RD_OK;
}

static void add_eos(rd_config *c, int32_t id) {
  if (id >= 0 && id < c->vocab && c->eos_count < RD_MOST_EOS && !rd_config_is_eos(c, id))
    c->eos[c->eos_count++] = id;
}

/* Special tokens that config.json leaves open come from the tokenizer's files. */
static void adopt_special_tokens(rd_config *c, const rd_tokenizer *t) {
  size_t count = 0;
  const int32_t *eos = rd_tokenizer_eos(t, &count);
  const struct {
    int32_t *id, tokens;
  } ids[] = {{&c->bos, rd_tokenizer_bos(t)},
             {&c->pad, rd_tokenizer_pad(t)},
             {&c->mask, rd_tokenizer_mask(t)},
             {&c->mask, c->family->mask_word ? rd_tokenizer_id(t, c->family->mask_word) : -1}};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
    if (*ids[i].id < 0 && ids[i].tokens < c->vocab)
      *ids[i].id = ids[i].tokens;
  for (size_t i = 0; i < count; i++)
    add_eos(c, eos[i]);
}

/* What can be an answer is what has a word: a padded embedding, and numbers that are left out. */
static rd_code list_wordless(rd_model *m, rd_error *e) {
  int64_t count = 0;
  for (int64_t id = 0; id < m->config.vocab; id++)
    count += !rd_tokenizer_has(m->tokenizer, (int32_t)id);
  m->wordless = rd_calloc((size_t)count, sizeof *m->wordless, "ids without a word", e);
  if (!m->wordless)
    return RD_NO_MEMORY;
  for (int64_t id = 0; id < m->config.vocab; id++)
    if (!rd_tokenizer_has(m->tokenizer, (int32_t)id))
      m->wordless[m->wordless_count++] = (int32_t)id;
  return RD_OK;
}

/* What the options choose; else what was chosen when the adapter, or the model, was trained. */
static rd_code recall(rd_remembered *r, const rd_model_file *file, const rd_model_options *o,
                      rd_error *e) {
  *r = RD_REMEMBERED_NOTHING;
  RD_TRY(rd_model_file_remembered(r, file, e));
  if (o->adapter) {
    r->denoiser = -1; /* of the two together the adapter says */
    RD_TRY(rd_remembered_read(r, o->adapter, e));
  }
  if (!o->chat_template)
    return RD_OK;
  free(r->chat_template);
  return rd_chat_template_load(&r->chat_template, o->chat_template, e);
}

/* A mask by its word: one of the tokenizer's that has a row. */
static rd_code name_mask(rd_model *m, const char *word, const char *who, rd_error *e) {
  rd_config *c = &m->config;
  rd_code code = rd_tokenizer_word(m->tokenizer, word, &c->mask, e);
  if (code != RD_OK)
    return rd_prefix(e, code, "%s", who);
  if (c->mask >= c->vocab)
    return rd_fail(e, RD_BAD_INPUT, "%s %s is token %d, the embedding has %lld rows", who, word,
                   c->mask, (long long)c->vocab);
  m->remembered.mask = c->mask;
  return rd_config_is_eos(c, c->mask)
           ? rd_fail(e, RD_USAGE, "%s %s is the token that ends answers", who, word)
           : RD_OK;
}

/* The mask of an option, the one that is remembered, or the word that LAD's trainer wrote down. */
static rd_code choose_mask(rd_model *m, const rd_model_options *o, rd_error *e) {
  rd_config *c = &m->config;
  int64_t mask = m->remembered.mask;
  if (o->mask_token)
    return name_mask(m, o->mask_token, "--mask-token", e);
  if (mask < 0 && o->adapter && m->tokenizer) {
    char *word = NULL;
    RD_TRY(rd_adapter_mask_word(&word, o->adapter, e));
    rd_code code = word ? name_mask(m, word, "resolved_config.json: mask_token", e) : RD_OK;
    free(word);
    return code;
  }
  if (mask >= c->vocab)
    return rd_fail(e, RD_BAD_INPUT, "redraft.json: mask_token_id %lld, the vocabulary has %lld",
                   (long long)mask, (long long)c->vocab);
  c->mask = mask >= 0 ? (int32_t)mask : c->mask;
  return RD_OK;
}

/* Where the vocabulary lies: with the model, or, where the adapter brings rows for more words, with
 * the adapter, if it has one. */
static rd_code find_vocabulary(char **path, const rd_model *m, const rd_model_options *o,
                               bool grown, rd_error *e) {
  *path = NULL;
  if (grown)
    RD_TRY(rd_model_folder_find(path, o->adapter, RD_FILE_VOCABULARY, e));
  m->store->adapter_words = *path != NULL;
  return *path ? RD_OK : rd_model_file_vocabulary(path, &m->store->file, e);
}

static rd_code open_tokenizer(rd_model *m, const rd_model_options *o, bool grown, rd_error *e) {
  rd_config *c = &m->config;
  char *path = NULL;
  RD_TRY(find_vocabulary(&path, m, o, grown, e));
  if (!path)
    return o->mask_token || o->chat_template
             ? rd_fail(e, RD_USAGE,
                       "%s holds no tokenizer, which --mask-token and "
                       "--chat-template need",
                       o->path)
             : choose_mask(m, o, e);
  rd_code code = rd_tokenizer_open(&m->tokenizer, path, e);
  free(path);
  if (code != RD_OK)
    return code;
  adopt_special_tokens(&m->config, m->tokenizer);
  RD_TRY(list_wordless(m, e));
  RD_TRY(choose_mask(m, o, e));
  const char *choice = m->remembered.chat_template;
  if (!choice && !rd_tokenizer_has_template(m->tokenizer))
    return RD_OK; /* without a template the prompt is taken as it is */
  RD_TRY(rd_chat_template_open(&m->chat_template, m->tokenizer, choice, e));
  add_eos(c, rd_chat_template_end(m->chat_template));
  return RD_OK;
}

enum { MOST_LATE = 48 << 20 }; /* bytes that are made in a moment */

static rd_code fill(rd_model *m, const rd_model_options *o, bool late, rd_error *e) {
  struct rd_model_store *s = m->store;
  const int64_t rows = m->config.vocab;
  if (o->adapter)
    RD_TRY(rd_adapter_open(&s->adapter, o->adapter, e));
  if (o->adapter)
    RD_TRY(rd_sampler_head_open(&s->sampler_head, o->adapter, m->config.width, e));
  m->sampler_head = s->sampler_head.fc1.rows > 0 ? &s->sampler_head : NULL;
  m->adapted = o->adapter != NULL;
  RD_TRY(recall(&m->remembered, &s->file, o, e));
  const rd_tensors *mapped[] = {&s->file.tensors, &s->adapter.tensors, &s->sampler_head.tensors};
  for (size_t k = 0; k < sizeof mapped / sizeof *mapped; k++) {
    m->memory_bytes += mapped[k]->copied;
    for (size_t i = 0; i < mapped[k]->map_count; i++)
      m->file_bytes += mapped[k]->maps[i].size;
  }
  s->path = rd_strdup(o->path, e);
  if (!s->path)
    return RD_NO_MEMORY;
  rd_code code = bind_model(m, o, e);
  if (code != RD_OK)
    return rd_prefix(e, code, "%s", o->path);
  if (!late || s->unmade > MOST_LATE)
    RD_TRY(rd_model_make(m, e));
  s->binder.made = NULL; /* the caller's, until now */
  m->system = o->system ? rd_strdup(o->system, e) : NULL;
  m->engine = o->engine ? rd_strdup(o->engine, e) : NULL;
  return (m->system || !o->system) && (m->engine || !o->engine)
           ? open_tokenizer(m, o, m->config.vocab > rows, e)
           : RD_NO_MEMORY;
}

const rd_preference *rd_model_preference(const rd_model *m) {
  const rd_family *f = m->config.family;
  if (!f || m->adapted)
    return NULL;
  const rd_preference *own =
      m->config.block > 1 && f->own_blocks.sampler ? &f->own_blocks : &f->own;
  return own->sampler ? own : NULL;
}

rd_code rd_model_adapter_beside(char **out, const char *path, rd_error *e) {
  *out = NULL;
  if (!rd_path_is_folder(path))
    return RD_OK;
  const rd_path config = rd_path_in(path, "adapter/adapter_config.json");
  if (!rd_path_exists(config.text))
    return RD_OK;
  *out = rd_path_join(path, "adapter");
  return *out ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", path);
}

bool rd_model_denoises(const rd_model *m) {
  if (m->remembered.denoiser >= 0)
    return m->remembered.denoiser == 1;
  return m->config.block != 1 || m->adapted || rd_model_preference(m) != NULL;
}

static rd_code open_model(rd_model **out, const rd_model_options *o, bool late, rd_error *e) {
  *out = NULL;
  rd_config config;
  struct rd_model_store store = {0};
  RD_TRY(rd_cpu_check(e));
  char *copy = rd_strdup(o->path, e);
  rd_code code = copy ? rd_model_file_open(&store.file, &config, o->path, e) : RD_NO_MEMORY;
  if (code == RD_OK)
    code = rd_model_new(out, &config, basename(copy), e);
  free(copy);
  if (code != RD_OK) {
    rd_model_file_drop(&store.file);
    return code;
  }
  store.tables = (*out)->store->tables;
  *(*out)->store = store;
  code = fill(*out, o, late, e);
  if (code != RD_OK)
    rd_model_close(out);
  return code;
}

rd_code rd_model_open(rd_model **out, const rd_model_options *o, rd_error *e) {
  return open_model(out, o, false, e);
}

rd_code rd_model_open_late(rd_model **out, const rd_model_options *o, rd_error *e) {
  return open_model(out, o, true, e);
}
