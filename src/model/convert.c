/* SPDX-License-Identifier: MIT */
/* The writer of Hugging Face folders: every weight of the open (and merged) model under its
 * family's names. Weights that already have the wanted type are written from where they lie. */
#include "convert.h"

#include "arena.h"
#include "family.h"
#include "file.h"
#include "inspect.h"
#include "json.h"
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

static const char *const carried[] = {"generation_config.json",
                                      "tokenizer.json",
                                      "tokenizer_config.json",
                                      "special_tokens_map.json",
                                      "added_tokens.json",
                                      "vocab.json",
                                      "merges.txt",
                                      "tokenizer.model",
                                      "tokenizer.bin",
                                      "chat_template.jinja"};

/* A list of tensors to write: counted first, so that conversions have their place in an arena. */
typedef struct writer {
  const rd_model *model;
  const rd_storage *storage;
  rd_tensor *list; /* NULL while measuring */
  size_t count;
  rd_arena *arena;
} writer;

/* Rows of one head, pairs (2i, 2i+1), to the order (i, i + hd/2): `row` bytes each. */
static void split_pairs(unsigned char *out, const unsigned char *in, int64_t heads, int64_t hd,
                        size_t row) {
  for (int64_t h = 0; h < heads; h++)
    for (int64_t i = 0; i < hd; i++) {
      int64_t from = h * hd + (i < hd / 2 ? 2 * i : 2 * (i - hd / 2) + 1);
      memcpy(out + (size_t)(h * hd + i) * row, in + (size_t)from * row, row);
    }
}

rd_code rd_convert_fits(const char *name, const void *x, const rd_storage *storage, int64_t n,
                        rd_error *e) {
  const rd_f16 *half = x;
  for (int64_t i = 0; storage->dtype == RD_F16 && i < n; i++)
    if ((half[i] & 0x7c00u) == 0x7c00u)
      return rd_fail(e, RD_NUMERIC,
                     "tensor %s: element %lld does not fit into %s; write f32 or bf16", name,
                     (long long)i, storage->name);
  return RD_OK;
}

/* Append `data` of `type`, shape (rows, cols) or (cols) when rows is 0, under a copied name.
 * `heads`: not 0 for rows in interleaved order. */
static rd_code put(writer *w, const char *name, const void *data, rd_dtype type, int64_t rows,
                   int64_t cols, int64_t heads, rd_error *e) {
  const rd_dtype wanted = (rd_dtype)w->storage->dtype;
  int64_t n = (rows > 0 ? rows : 1) * cols, hd = w->model->config.head_dim;
  size_t size = (size_t)n * rd_dtype_size(wanted);
  if (!data)
    return RD_OK;
  char *copy = rd_arena_take(w->arena, strlen(name) + 1, 1);
  void *converted = type != wanted ? rd_arena_take(w->arena, size, 1) : NULL;
  void *ordered = heads > 0 ? rd_arena_take(w->arena, size, 1) : NULL;
  size_t at = w->count++;
  if (!w->list)
    return RD_OK;
  strcpy(copy, name);
  if (converted) {
    rd_cast(converted, wanted, data, type, n);
    RD_TRY(rd_convert_fits(name, converted, w->storage, n, e));
    data = converted;
  }
  if (ordered) {
    split_pairs(ordered, data, heads, hd, size / (size_t)(heads * hd));
    data = ordered;
  }
  w->list[at] = (rd_tensor){.name = copy,
                            .storage = w->storage,
                            .dims = rows > 0 ? 2 : 1,
                            .shape = {rows > 0 ? rows : cols, rows > 0 ? cols : 1, 1, 1},
                            .data = data,
                            .size = size};
  return RD_OK;
}

static rd_code put_layer(writer *w, int64_t l, rd_error *e) {
  const rd_config *c = &w->model->config;
  const rd_tensor_names *names = c->family->names;
  const rd_layer *layer = &w->model->weights.layers[l];
  char name[160];
  const struct {
    const char *pattern;
    const float *data;
    int64_t size;
  } norms[] = {{names->attention_norm, layer->attention_norm, c->width},
               {names->mlp_norm, layer->mlp_norm, c->width},
               {names->q_norm, layer->q_norm, c->head_dim},
               {names->k_norm, layer->k_norm, c->head_dim}};
  for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
    if (norms[i].pattern)
      rd_layer_name(name, sizeof name, norms[i].pattern, l, "");
    RD_TRY(put(w, name, norms[i].data, RD_F32, 0, norms[i].size, 0, e));
  }
  for (int p = 0; p < RD_PROJECTIONS; p++) {
    const rd_linear *x = &layer->p[p];
    int64_t heads = p == RD_Q ? c->heads : p == RD_K ? c->kv_heads : 0;
    heads = c->rope_interleaved ? heads : 0;
    rd_layer_name(name, sizeof name, names->p[p], l, ".weight");
    RD_TRY(put(w, name, x->w, w->model->weights.type, x->out, x->in, heads, e));
    rd_layer_name(name, sizeof name, names->p[p], l, ".bias");
    RD_TRY(put(w, name, x->bias, RD_F32, 0, x->out, heads, e));
  }
  return RD_OK;
}

static rd_code put_all(writer *w, rd_error *e) {
  const rd_config *c = &w->model->config;
  const rd_tensor_names *names = c->family->names;
  const rd_weights *weights = &w->model->weights;
  w->count = 0;
  RD_TRY(put(w, names->embedding, weights->embedding, weights->type, c->vocab, c->width, 0, e));
  RD_TRY(put(w, names->norm, weights->norm, RD_F32, 0, c->width, 0, e));
  if (!c->tied)
    RD_TRY(put(w, names->head, weights->head, weights->type, c->vocab, c->width, 0, e));
  for (int64_t l = 0; l < c->layers; l++)
    RD_TRY(put_layer(w, l, e));
  return RD_OK;
}

static rd_code write_weights(const rd_model *m, const rd_storage *storage, const char *path,
                             rd_error *e) {
  rd_arena measure = rd_arena_measure(), arena = {0};
  writer w = {.model = m, .storage = storage, .arena = &measure};
  RD_TRY(put_all(&w, e));
  rd_code code = rd_arena_init(&arena, measure.used, "converted weights", e);
  if (code == RD_OK) {
    w.arena = &arena;
    w.list = rd_calloc(w.count, sizeof *w.list, "a list of tensors", e);
    code = w.list ? put_all(&w, e) : RD_NO_MEMORY;
  }
  if (code == RD_OK)
    code = rd_safetensors_write(path, w.list, w.count, e);
  free(w.list);
  rd_arena_drop(&arena);
  return code;
}

/* The model's own config.json keeps what this program does not know of; only the type changes. */
static rd_code write_config(const rd_model *m, const char *from, const char *folder, rd_dtype type,
                            rd_error *e) {
  json_t *written = rd_config_json(&m->config, type), *config = NULL;
  rd_code code = written ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: config.json");
  if (code == RD_OK && rd_path_is_folder(from)) {
    char *path = rd_path_join(from, "config.json");
    code = path ? rd_json_open(&config, path, e) : rd_fail(e, RD_NO_MEMORY, "out of memory");
    free(path);
    json_object_set(config, "torch_dtype", json_object_get(written, "torch_dtype"));
    json_object_del(config, "quantization_config");
  }
  if (code == RD_OK)
    code = rd_json_write(folder, "config.json", config ? config : written, e);
  if (code == RD_OK && !config) {
    json_t *generation =
        json_pack("{s:O}", "eos_token_id", json_object_get(written, "eos_token_id"));
    code = rd_json_write(folder, "generation_config.json", generation, e);
    json_decref(generation);
  }
  json_decref(config);
  json_decref(written);
  return code;
}

static rd_code carry(const char *from, const char *to, const char *name, bool *found, rd_error *e) {
  char *source = rd_path_join(from, name), *target = rd_path_join(to, name);
  rd_code code = source && target ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", name);
  rd_map map = {0};
  if (code == RD_OK && rd_path_exists(source) && (code = rd_map_open(&map, source, e)) == RD_OK) {
    rd_file_piece part = {map.data, map.size};
    code = rd_file_write(target, &part, 1, e);
    rd_map_close(&map);
    *found = *found || strncmp(name, "tokenizer.", 10) == 0 || strcmp(name, "vocab.json") == 0;
  }
  free(source);
  free(target);
  return code;
}

static rd_code write_folder(const rd_model *m, const rd_convert_options *o,
                            const rd_storage *storage, bool *tokenizer, rd_error *e) {
  RD_TRY(rd_folder_make(o->out, e));
  bool folder = rd_path_is_folder(o->path);
  for (size_t i = 0; folder && i < sizeof carried / sizeof *carried; i++)
    RD_TRY(carry(o->path, o->out, carried[i], tokenizer, e));
  if (!folder && m->tokenizer) {
    RD_TRY(rd_tokenizer_write(m->tokenizer, o->out, e));
    *tokenizer = true;
  }
  char *path = rd_path_join(o->out, "model.safetensors");
  rd_code code = path ? write_weights(m, storage, path, e)
                      : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", o->out);
  free(path);
  return code == RD_OK ? write_config(m, o->path, o->out, (rd_dtype)storage->dtype, e) : code;
}

rd_code rd_convert_type(const rd_storage **out, const char *to, rd_error *e) {
  static const struct {
    const char *name, *storage;
  } types[] = {{"f32", "F32"}, {"f16", "F16"}, {"bf16", "BF16"}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].name, to) == 0) {
      *out = rd_storage_named(types[i].storage);
      return RD_OK;
    }
  return rd_fail(e, RD_USAGE, "weights are written as f32, f16 or bf16, not %s", to);
}

/* Merging rounds once: bf16 matrices stay bf16 while opening only when they are to be bf16. */
static rd_code open_for(rd_model **m, const rd_convert_options *o, const rd_storage **storage,
                        rd_error *e) {
  rd_model_options options = {.path = o->path, .adapter = o->adapter, .use = RD_ADAPTER_MERGED};
  options.precision = *storage && (*storage)->dtype != RD_BF16 ? RD_PRECISION_F32 : RD_AUTO;
  RD_TRY(rd_model_open(m, &options, e));
  if (*storage)
    return RD_OK;
  *storage = rd_tensors_storage(rd_model_tensors(*m));
  if (!*storage || (*storage)->dtype < 0)
    *storage = rd_storage_named("BF16");
  if ((*storage)->dtype == RD_BF16 || (*m)->weights.type == RD_F32)
    return RD_OK;
  rd_model_close(m);
  options.precision = RD_PRECISION_F32;
  return rd_model_open(m, &options, e);
}

rd_code rd_convert(const rd_convert_options *o, bool *tokenizer, rd_error *e) {
  const rd_storage *storage = NULL;
  rd_model *m = NULL;
  bool found = false;
  if (o->to)
    RD_TRY(rd_convert_type(&storage, o->to, e));
  char *config = rd_path_join(o->out, "config.json");
  if (!config)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: %s", o->out);
  bool taken = rd_path_exists(config);
  free(config);
  if (taken)
    return rd_fail(e, RD_USAGE, "%s already holds a model; name another folder", o->out);
  rd_code code = open_for(&m, o, &storage, e);
  if (code == RD_OK)
    code = write_folder(m, o, storage, &found, e);
  rd_model_close(&m);
  if (tokenizer)
    *tokenizer = found;
  return code;
}
