/* SPDX-License-Identifier: MIT */
/* Opening and closing a model: configuration, mapped weights, adapter. */
#include "model.h"

#include "bind.h"
#include "chat_template.h"
#include "cpu.h"
#include "family.h"
#include "precision.h"
#include "rng.h"
#include "store.h"
#include "tokenizer.h"

#include <libgen.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void tables_layout(rd_model *m, rd_arena *arena) {
  m->weights.layers = RD_TAKE(arena, rd_layer, m->config.layers);
}

rd_code rd_model_new(rd_model **out, const rd_config *config, const char *name, rd_error *e) {
  *out = NULL;
  RD_TRY(rd_config_check(config, e));
  rd_model *m = rd_calloc(1, sizeof *m, "a model", e);
  if (!m)
    return RD_NO_MEMORY;
  m->config = *config;
  m->store = rd_calloc(1, sizeof *m->store, "a model", e);
  m->name = rd_strdup(name, e);
  rd_arena measure = rd_arena_measure();
  tables_layout(m, &measure);
  rd_code code = m->store && m->name ? RD_OK : RD_NO_MEMORY;
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
    rd_gguf_drop(&m->store->gguf);
    rd_tensors_drop(&m->store->tensors);
    rd_tensors_drop(&m->store->adapter_tensors);
    rd_arena_drop(&m->store->weights);
    rd_arena_drop(&m->store->tables);
    rd_arena_drop(&m->store->adapter);
    rd_arena_drop(&m->store->integers);
  }
  rd_tokenizer_close(&m->tokenizer);
  free(m->store);
  free(m->name);
  free(m);
  *model = NULL;
}

/* Bind everything as `type`, once counting what must be converted, once for real. */
static rd_code bind_model(rd_model *m, rd_dtype type, rd_error *e) {
  rd_arena measure = rd_arena_measure();
  const struct rd_model_store *s = m->store;
  rd_binder binder = {s->gguf.count > 0 ? &s->gguf.tensors : &s->tensors, s->names, &measure};
  RD_TRY(rd_bind_weights(&binder, &m->config, type, &m->weights, e));
  RD_TRY(rd_arena_init(&m->store->weights, measure.used, "converted weights", e));
  m->memory_bytes += measure.used;
  binder.arena = &m->store->weights;
  return rd_bind_weights(&binder, &m->config, type, &m->weights, e);
}

/* bf16 where the matrices are stored in 16 bits or fewer and the machine multiplies bf16; else f32.
 */
static rd_dtype choose_type(const rd_tensors *t, rd_precision precision) {
  size_t narrow = 0, wide = 0;
  for (size_t i = 0; i < t->count; i++)
    if (t->items[i].dims == 2)
      *(t->items[i].storage->dtype == RD_F32 ? &wide : &narrow) += t->items[i].size;
  if (precision == RD_AUTO)
    return narrow > wide && rd_bf16_fast() ? RD_BF16 : RD_F32;
  if (precision == RD_PRECISION_INT8)
    return rd_bf16_fast() ? RD_BF16 : RD_F32;
  return precision == RD_PRECISION_BF16 ? RD_BF16 : RD_F32;
}

static rd_code read_json(json_t **out, const char *folder, const char *name, bool needed,
                         rd_error *e) {
  *out = NULL;
  char *path = rd_path_join(folder, name);
  if (!path)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: %s", name);
  rd_code code = RD_OK;
  if (rd_path_exists(path))
    code = rd_json_open(out, path, e);
  else if (needed)
    code = rd_fail(e, RD_IO,
                   "%s: no such file; a model is a Hugging Face folder with config.json, "
                   "or a .gguf file",
                   path);
  free(path);
  return code;
}

static rd_code read_folder(rd_config *config, const char *folder, rd_error *e) {
  json_t *facts = NULL, *generation = NULL;
  rd_code code = read_json(&facts, folder, "config.json", true, e);
  if (code == RD_OK)
    code = read_json(&generation, folder, "generation_config.json", false, e);
  if (code == RD_OK) {
    code = rd_config_read(config, facts, generation, e);
    if (code != RD_OK)
      rd_prefix(e, code, "%s/config.json", folder);
  }
  json_decref(facts);
  json_decref(generation);
  return code;
}

static bool is_gguf(const char *path) {
  size_t n = strlen(path);
  return n > 5 && strcmp(path + n - 5, ".gguf") == 0;
}

/* Weights, by the kind of file; `s` becomes the model's store. */
static rd_code open_weights(struct rd_model_store *s, rd_config *config, const char *path,
                            rd_error *e) {
  if (!is_gguf(path)) {
    RD_TRY(read_folder(config, path, e));
    s->names = config->family->names;
    return rd_safetensors_open(&s->tensors, path, e);
  }
  s->tensors.maps = rd_calloc(1, sizeof *s->tensors.maps, "a mapping", e);
  if (!s->tensors.maps)
    return RD_NO_MEMORY;
  RD_TRY(rd_map_open(s->tensors.maps, path, e));
  s->tensors.map_count = 1;
  s->names = &rd_gguf_names;
  rd_code code = rd_gguf_parse(&s->gguf, s->tensors.maps->data, s->tensors.maps->size, e);
  if (code == RD_OK)
    code = rd_config_read_gguf(config, &s->gguf, e);
  return code == RD_OK ? RD_OK : rd_prefix(e, code, "%s", path);
}

/* Does the model bring a tokenizer? A folder may hold weights alone. */
static rd_code has_tokenizer(const rd_model *m, const char *path, bool *found, rd_error *e) {
  static const char *const files[] = {"tokenizer.json", "vocab.json", "tokenizer.model",
                                      "tokenizer.bin"};
  bool gguf = m->store->gguf.count > 0;
  *found = gguf && rd_gguf_find(&m->store->gguf, "tokenizer.ggml.tokens") != NULL;
  for (size_t i = 0; !gguf && !*found && i < sizeof files / sizeof *files; i++) {
    char *file = rd_path_join(path, files[i]);
    if (!file)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: %s", files[i]);
    *found = rd_path_exists(file);
    free(file);
  }
  return RD_OK;
}

/* Special tokens that config.json leaves open come from the tokenizer's files. */
static void adopt_special_tokens(rd_config *c, const rd_tokenizer *t) {
  size_t count = 0;
  const int32_t *eos = rd_tokenizer_eos(t, &count);
  c->bos = c->bos >= 0 ? c->bos : rd_tokenizer_bos(t);
  c->pad = c->pad >= 0 ? c->pad : rd_tokenizer_pad(t);
  c->mask = c->mask >= 0 ? c->mask : rd_tokenizer_mask(t);
  for (size_t i = 0; i < count; i++)
    if (eos[i] >= 0 && c->eos_count < RD_MOST_EOS && !rd_config_is_eos(c, eos[i]))
      c->eos[c->eos_count++] = eos[i];
}

static rd_code open_tokenizer(rd_model *m, const rd_model_options *o, rd_error *e) {
  rd_config *c = &m->config;
  bool found = false;
  RD_TRY(has_tokenizer(m, o->path, &found, e));
  if (!found)
    return o->mask_token || o->chat_template
               ? rd_fail(e, RD_USAGE,
                         "%s holds no tokenizer, which --mask-token and "
                         "--chat-template need",
                         o->path)
               : RD_OK;
  RD_TRY(rd_tokenizer_open(&m->tokenizer, o->path, e));
  if ((int64_t)rd_tokenizer_size(m->tokenizer) > c->vocab)
    return rd_fail(e, RD_BAD_INPUT, "%s: the tokenizer has %zu tokens, the embedding %lld", o->path,
                   rd_tokenizer_size(m->tokenizer), (long long)c->vocab);
  adopt_special_tokens(c, m->tokenizer);
  if (o->mask_token)
    RD_TRY(rd_tokenizer_word(m->tokenizer, o->mask_token, &c->mask, e));
  rd_code code = rd_chat_template_choose(&m->chat_template, m->tokenizer, o->chat_template, e);
  return o->chat_template ? code
                          : RD_OK; /* without a known template the prompt is taken as it is */
}

static rd_code quantize(rd_model *m, rd_error *e) {
  rd_arena measure = rd_arena_measure();
  rd_quantize_weights(&m->weights, &m->config, &measure);
  RD_TRY(rd_arena_init(&m->store->integers, measure.used, "8-bit weights", e));
  m->memory_bytes += measure.used;
  rd_quantize_weights(&m->weights, &m->config, &m->store->integers);
  return RD_OK;
}

static rd_code fill(rd_model *m, const rd_model_options *o, rd_error *e) {
  struct rd_model_store *s = m->store;
  for (size_t i = 0; i < s->tensors.map_count; i++)
    m->file_bytes += s->tensors.maps[i].size;
  const rd_tensors *tensors = s->gguf.count > 0 ? &s->gguf.tensors : &s->tensors;
  rd_code code = bind_model(m, choose_type(tensors, o->precision), e);
  if (code != RD_OK)
    return rd_prefix(e, code, "%s", o->path);
  RD_TRY(open_tokenizer(m, o, e));
  if (o->adapter)
    RD_TRY(rd_adapter_attach(m, o->adapter, o->use, e));
  for (size_t i = 0; i < s->adapter_tensors.map_count; i++)
    m->file_bytes += s->adapter_tensors.maps[i].size;
  return o->precision == RD_PRECISION_INT8 ? quantize(m, e) : RD_OK;
}

rd_code rd_model_open(rd_model **out, const rd_model_options *o, rd_error *e) {
  *out = NULL;
  rd_config config;
  struct rd_model_store store = {0};
  char *copy = rd_strdup(o->path, e);
  rd_code code = copy ? open_weights(&store, &config, o->path, e) : RD_NO_MEMORY;
  if (code == RD_OK)
    code = rd_model_new(out, &config, basename(copy), e);
  free(copy);
  if (code != RD_OK) {
    rd_gguf_drop(&store.gguf);
    rd_tensors_drop(&store.tensors);
    return code;
  }
  store.tables = (*out)->store->tables;
  *(*out)->store = store;
  code = fill(*out, o, e);
  if (code != RD_OK)
    rd_model_close(out);
  return code;
}

/* Tensors for random weights: taken one after another, filled as they are placed. */
typedef struct rd_filler {
  rd_arena *arena;
  rd_dtype type; /* of activations */
  bool integers; /* instead of matrices of the type */
  uint64_t seed;
  uint32_t next;
} rd_filler;

/* Normal numbers from a small table of a few thousand draws, walked from a random place: weights of
 * gigabytes are made at memory speed. */
static void *random_matrix(rd_filler *f, int64_t n) {
  enum { DRAWS = 4096 };
  unsigned char *out = rd_arena_take(f->arena, (size_t)n, rd_dtype_size(f->type));
  uint32_t tensor = f->next++;
  if (!f->arena->base)
    return NULL;
  float draws[DRAWS];
  for (int64_t first = 0; first < n; first += DRAWS) {
    int64_t m = n - first < DRAWS ? n - first : DRAWS;
    if (first % ((int64_t)DRAWS * 64) == 0) {
      rd_rng rng = rd_rng_at(f->seed, RD_STREAM_INIT, (uint32_t)(first / DRAWS), tensor);
      for (int i = 0; i < DRAWS; i++)
        draws[i] = 0.02f * (float)rd_rng_normal(&rng);
    }
    rd_cast(out + (size_t)first * rd_dtype_size(f->type), f->type, draws, RD_F32, m);
  }
  return out;
}

/* Integers with the same spread. */
static rd_integers random_integers(rd_filler *f, int64_t out, int64_t in) {
  enum { DRAWS = 4096 };
  int8_t *q = RD_TAKE(f->arena, int8_t, out * in);
  float *scale = RD_TAKE(f->arena, float, out);
  if (!f->arena->base)
    return (rd_integers){q, scale};
  rd_rng rng = rd_rng_at(f->seed, RD_STREAM_INIT, 0, f->next++);
  int8_t draws[DRAWS];
  for (int i = 0; i < DRAWS; i++)
    draws[i] = (int8_t)(int)fmax(-127, fmin(127, 32 * rd_rng_normal(&rng)));
  for (int64_t first = 0; first < out * in; first += DRAWS)
    memcpy(q + first, draws, (size_t)(out * in - first < DRAWS ? out * in - first : DRAWS));
  for (int64_t i = 0; i < out; i++)
    scale[i] = 0.02f / 32;
  return (rd_integers){q, scale};
}

static const float *vector(rd_filler *f, int64_t n, float value) {
  float *out = RD_TAKE(f->arena, float, n);
  for (int64_t i = 0; f->arena->base && i < n; i++)
    out[i] = value;
  return out;
}

static void random_weights(rd_model *m, rd_filler *f) {
  const rd_config *c = &m->config;
  rd_weights *w = &m->weights;
  w->type = f->type;
  w->embedding = random_matrix(f, c->vocab * c->width);
  if (f->integers)
    w->head8 = random_integers(f, c->vocab, c->width);
  else
    w->head = c->tied ? w->embedding : random_matrix(f, c->vocab * c->width);
  w->norm = vector(f, c->width, 1);
  for (int64_t l = 0; l < c->layers; l++) {
    rd_layer *layer = &w->layers[l];
    memset(layer, 0, sizeof *layer);
    layer->attention_norm = vector(f, c->width, 1);
    layer->mlp_norm = vector(f, c->width, 1);
    if (c->qk_norm) {
      layer->q_norm = vector(f, c->head_dim, 1);
      layer->k_norm = vector(f, c->head_dim, 1);
    }
    for (int p = 0; p < RD_PROJECTIONS; p++) {
      rd_linear *x = &layer->p[p];
      rd_projection_shape(c, (rd_projection)p, &x->out, &x->in);
      if (f->integers)
        x->w8 = random_integers(f, x->out, x->in);
      else
        x->w = random_matrix(f, x->out * x->in);
      x->bias = c->qkv_bias && p <= RD_V ? vector(f, x->out, 0) : NULL;
    }
  }
}

rd_code rd_model_random(rd_model **out, const rd_config *config, rd_dtype type, uint64_t seed,
                        rd_error *e) {
  RD_TRY(rd_model_new(out, config, "random", e));
  rd_model *m = *out;
  rd_arena measure = rd_arena_measure();
  bool integers = type == RD_I8;
  if (integers)
    type = rd_bf16_fast() ? RD_BF16 : RD_F32;
  rd_filler filler = {&measure, type, integers, seed, 0};
  random_weights(m, &filler);
  rd_code code = rd_arena_init(&m->store->weights, measure.used, "random weights", e);
  if (code != RD_OK) {
    rd_model_close(out);
    return code;
  }
  m->memory_bytes += measure.used;
  filler = (rd_filler){&m->store->weights, type, integers, seed, 0};
  random_weights(m, &filler);
  return RD_OK;
}
