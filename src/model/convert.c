/* SPDX-License-Identifier: MIT */
/* The writer of Hugging Face folders: every weight of the open (and merged) model under its
 * family's names. Weights that already have the wanted type are written from where they lie. */
#include "convert.h"

#include "arena.h"
#include "file.h"
#include "inspect.h"
#include "json.h"
#include "parts.h"
#include "precision.h"
#include "rope.h"
#include "store.h"
#include "tokenizer.h"

#include <stdlib.h>
#include <string.h>

rd_code rd_convert_tensor(rd_tensor *t, const rd_format *to, rd_arena *arena, rd_error *e) {
  int64_t rows = t->dims == 2 ? t->shape[0] : 1, cols = rd_tensor_count(t) / (rows ? rows : 1);
  RD_TRY(rd_tensor_readable(t, e));
  rd_matrix from = rd_matrix_at(t->format, t->data, rows, cols);
  if (t->format == to)
    return RD_OK;
  rd_matrix made = rd_matrix_take(to, rows, cols, arena);
  t->format = to;
  t->data = made.data;
  t->size = (size_t)rows * rd_matrix_row(&made);
  if (!arena->base)
    return RD_OK;
  RD_TRY(rd_matrix_fill(&made, rd_matrix_rows, &from, e));
  const rd_f16 *half = made.data;
  for (int64_t i = 0; to->dtype == RD_F16 && i < rows * cols; i++)
    if ((half[i] & 0x7c00u) == 0x7c00u)
      return rd_fail(e, RD_NUMERIC,
                     "tensor %s: element %lld does not fit into %s; write f32 or bf16", t->name,
                     (long long)i, to->name);
  return RD_OK;
}

/* A list of tensors to write: counted first, so that conversions have their place in an arena. */
typedef struct writer {
  const rd_model *model;
  const rd_format *format;
  rd_tensor *list; /* NULL while measuring */
  size_t count;
  rd_arena *arena;
} writer;

/* Append what lies at a place under a copy of its name; rows that a GGUF keeps for interleaved
 * rotation go back to Hugging Face's order. */
static rd_code put(writer *w, const rd_walk *p, rd_error *e) {
  const rd_config *c = &w->model->config;
  rd_matrix m = p->matrix ? *p->matrix : rd_matrix_at(rd_format_of(RD_F32), *p->vector, 1, p->cols);
  if (!m.data)
    return RD_OK;
  char *name = rd_arena_take(w->arena, strlen(p->name) + 1, 1);
  rd_tensor t = {.name = name ? strcpy(name, p->name) : NULL,
                 .format = m.format,
                 .dims = p->matrix ? 2 : 1,
                 .shape = {p->matrix ? p->rows : p->cols, p->matrix ? p->cols : 1, 1, 1},
                 .data = m.data,
                 .size = (size_t)m.rows * rd_matrix_row(&m)};
  RD_TRY(rd_convert_tensor(&t, w->format, w->arena, e));
  if (p->part->rotated && c->rope_interleaved) {
    unsigned char *ordered = rd_arena_take(w->arena, t.size, 1);
    if (ordered)
      rd_rope_reorder(ordered, t.data, t.shape[0], c->head_dim, t.size / (size_t)t.shape[0], false);
    t.data = ordered;
  }
  if (w->list)
    w->list[w->count] = t;
  w->count++;
  return RD_OK;
}

static rd_code put_all(writer *w, rd_error *e) {
  w->count = 0;
  rd_walk p = rd_parts_of(&w->model->config, NULL, &w->model->weights, NULL);
  while (rd_parts_next(&p))
    RD_TRY(put(w, &p, e));
  return RD_OK;
}

static rd_code write_weights(const rd_model *m, const rd_format *format, const char *path,
                             rd_error *e) {
  rd_arena measure = rd_arena_measure(), arena = {0};
  writer w = {.model = m, .format = format, .arena = &measure};
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
    if (m->remembered.mask >= 0)
      json_object_set(config, "mask_token_id", json_object_get(written, "mask_token_id"));
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

static rd_code write_folder(const rd_model *m, const rd_convert_options *o, const rd_format *format,
                            bool *tokenizer, rd_error *e) {
  const rd_remembered template = {.mask = -1, .chat_template = m->remembered.chat_template};
  const char *folder = m->store->file.folder, *from = folder ? folder : o->path;
  RD_TRY(rd_folder_make(o->out, e));
  RD_TRY(rd_tokenizer_copy(m->tokenizer, from, o->out, tokenizer, e));
  RD_TRY(rd_remembered_write(&template, o->out, e));
  char *path = rd_path_join(o->out, "model.safetensors");
  rd_code code = path ? write_weights(m, format, path, e)
                      : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", o->out);
  free(path);
  return code == RD_OK ? write_config(m, from, o->out, (rd_dtype)format->dtype, e) : code;
}

static const struct type {
  const char *name, *format;
} types[] = {{"f32", "F32"}, {"f16", "F16"}, {"bf16", "BF16"}};
const rd_table rd_convert_type_table = RD_TABLE("type of weights", types);

rd_code rd_convert_type(const rd_format **out, const char *to, rd_error *e) {
  const struct type *type = rd_table_find(&rd_convert_type_table, to, e);
  *out = type ? rd_format_named(type->format) : NULL;
  return type ? RD_OK : RD_USAGE;
}

static const char *wanted_precision(const rd_format *format) {
  return format->dtype == RD_BF16 ? "bf16" : "f32";
}

/* Merging rounds once: bf16 matrices stay bf16 while opening only when they are to be bf16. What is
 * to be as it is stored is known when it is open. */
static rd_code open_for(rd_model **m, const rd_convert_options *o, const rd_format **format,
                        rd_error *e) {
  rd_model_options options = {.path = o->path,
                              .adapter = o->adapter,
                              .use = RD_ADAPTER_MERGED,
                              .chat_template = o->chat_template,
                              .mask_token = o->mask_token};
  if (*format) {
    options.precision = wanted_precision(*format);
    return rd_model_open(m, &options, e);
  }
  RD_TRY(rd_model_open(m, &options, e));
  *format = rd_tensors_format(rd_model_tensors(*m));
  if (!*format || (*format)->dtype < 0)
    *format = rd_format_named(*format && (*format)->bytes >= 4 * (*format)->block ? "F32" : "BF16");
  options.precision = wanted_precision(*format);
  if (strcmp((*m)->precision->name, options.precision) == 0)
    return RD_OK;
  rd_model_close(m);
  return rd_model_open(m, &options, e);
}

rd_code rd_convert(const rd_convert_options *o, bool *tokenizer, rd_error *e) {
  const rd_format *format = NULL;
  rd_model *m = NULL;
  bool found = false;
  if (o->to)
    RD_TRY(rd_convert_type(&format, o->to, e));
  char *config = rd_path_join(o->out, "config.json");
  if (!config)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: %s", o->out);
  bool taken = rd_path_exists(config);
  free(config);
  if (taken)
    return rd_fail(e, RD_USAGE, "%s already holds a model; name another folder", o->out);
  rd_code code = open_for(&m, o, &format, e);
  if (code == RD_OK)
    code = write_folder(m, o, format, &found, e);
  rd_model_close(&m);
  if (tokenizer)
    *tokenizer = found;
  return code;
}
