/* SPDX-License-Identifier: MIT */
/* Reading PEFT adapters: the factors are bound beside the projections, or multiplied out and added
 * into copies of them (merged); trained norms replace the model's. */
#include "adapter.h"

#include "bind.h"
#include "family.h"
#include "matmul.h"
#include "ops.h"
#include "store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last part of a dotted name. */
static const char *last_part(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

/* Mark the projections that go by this name in some family; a pattern (PEFT's documentation writes
 * the names out in it) by those it holds. The tensors decide: an unknown name is no error here. */
static void mark_target(rd_adapter_config *out, const char *target, bool pattern) {
  size_t families = 0;
  const rd_family *rows = rd_families(&families);
  for (size_t f = 0; f < families; f++)
    for (int p = 0; p < RD_PROJECTIONS; p++) {
      const char *name = last_part(rows[f].names->p[p]);
      if (pattern ? strstr(target, name) != NULL : strcmp(last_part(target), name) == 0)
        out->targets[p] = true;
    }
}

static rd_code read_targets(rd_adapter_config *out, const json_t *targets, rd_error *e) {
  const char *text = json_string_value(targets);
  size_t i = 0;
  json_t *item = NULL;
  for (int p = 0; text && p < RD_PROJECTIONS; p++)
    out->targets[p] = strcmp(text, "all-linear") == 0;
  if (text)
    mark_target(out, text, true);
  json_array_foreach((json_t *)(uintptr_t)targets, i, item) {
    if (json_is_string(item))
      mark_target(out, json_string_value(item), false);
  }
  return json_is_array(targets) || text
             ? RD_OK
             : rd_fail(e, RD_BAD_INPUT, "target_modules: expected a list of names or a pattern");
}

rd_code rd_adapter_config_read(rd_adapter_config *out, const json_t *config, rd_error *e) {
  memset(out, 0, sizeof *out);
  const char *type = "LORA", *bias = "none";
  bool dora = false;
  int64_t rank = 0;
  RD_TRY(rd_json_text(config, "peft_type", &type, e));
  RD_TRY(rd_json_text(config, "bias", &bias, e));
  RD_TRY(rd_json_bool(config, "use_dora", &dora, e));
  RD_TRY(rd_json_int(config, "r", 1, RD_MOST_RANK, &rank, e));
  out->alpha = (double)rank;
  RD_TRY(rd_json_real(config, "lora_alpha", 0, 1e9, &out->alpha, e));
  RD_TRY(rd_json_bool(config, "use_rslora", &out->rslora, e));
  if (strcmp(type, "LORA") != 0 || dora || strcmp(bias, "none") != 0)
    return rd_fail(e, RD_UNSUPPORTED,
                   "a PEFT adapter of type %s%s with bias \"%s\"; plain LORA without "
                   "biases is applied",
                   type, dora ? " (DoRA)" : "", bias);
  out->rank_pattern = json_object_get(config, "rank_pattern");
  out->alpha_pattern = json_object_get(config, "alpha_pattern");
  RD_TRY(rd_adapter_patterns_check(out, e));
  if (rank == 0)
    return rd_fail(e, RD_BAD_INPUT, "r is missing");
  out->rank = rank;
  return read_targets(out, json_object_get(config, "target_modules"), e);
}

bool rd_adapter_thick(int64_t rank, int64_t out, int64_t in) {
  return 4 * rank * (in + out) > in * out;
}

float rd_adapter_scale(const rd_adapter_config *c) {
  return (float)(c->alpha / (c->rslora ? sqrt((double)c->rank) : (double)c->rank));
}

/* "attn_norm" of "model.transformer.blocks.%d.attn_norm.weight". New reference; NULL for NULL. */
static json_t *norm_name(const char *pattern) {
  size_t size = pattern ? strlen(pattern) - strlen(".weight") : 0, start = size;
  while (start > 0 && pattern[start - 1] != '.')
    start--;
  return pattern ? json_stringn(pattern + start, size - start) : NULL;
}

json_t *rd_adapter_config_json(const rd_adapter_config *c, const rd_family *family,
                               const char *base) {
  const rd_tensor_names *n = family->names;
  const char *const patterns[] = {n->attention_norm, n->mlp_norm, n->q_norm, n->k_norm, n->norm};
  json_t *targets = json_array(), *norms = c->norms ? json_array() : json_null();
  for (int p = 0; p < RD_PROJECTIONS; p++)
    if (c->targets[p])
      json_array_append_new(targets, json_string(last_part(n->p[p])));
  for (size_t i = 0; c->norms && i < sizeof patterns / sizeof *patterns; i++)
    if (patterns[i])
      json_array_append_new(norms, norm_name(patterns[i]));
  json_t *ranks = c->rank_pattern ? json_deep_copy(c->rank_pattern) : json_object();
  json_t *alphas = c->alpha_pattern ? json_deep_copy(c->alpha_pattern) : json_object();
  return json_pack(
      "{s:s, s:s, s:s, s:s, s:I, s:f, s:f, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o}",
      "peft_type", "LORA", "task_type", "CAUSAL_LM", "base_model_name_or_path", base, "bias",
      "none", "r", (json_int_t)c->rank, "lora_alpha", c->alpha, "lora_dropout", 0.0, "use_rslora",
      c->rslora, "use_dora", 0, "init_lora_weights", 1, "fan_in_fan_out", 0, "inference_mode", 1,
      "rank_pattern", ranks, "alpha_pattern", alphas, "target_modules", targets, "modules_to_save",
      norms);
}

enum { NAME = 200, FULL = NAME + 64 };

/* A tensor under PEFT's prefix, in either of its spellings for modules_to_save. */
static const rd_tensor *saved(const rd_tensors *t, const char *name, char *full) {
  snprintf(full, FULL, "base_model.model.%s", name);
  const rd_tensor *found = rd_tensors_find(t, full);
  size_t stem = strlen(name) - strlen(".weight");
  if (!found) {
    snprintf(full, FULL, "base_model.model.%.*s.modules_to_save.weight", (int)stem, name);
    found = rd_tensors_find(t, full);
  }
  return found;
}

typedef struct attacher {
  rd_binder binder;
  rd_model *model;
  const rd_adapter_config *config;
  rd_adapter_use use;
  size_t used; /* tensors that found their place */
} attacher;

static rd_code attach_norm(attacher *a, const char *pattern, int64_t l, int64_t size,
                           const float **norm, rd_error *e) {
  char name[NAME], full[FULL];
  const void *data = NULL;
  if (!pattern)
    return RD_OK;
  rd_layer_name(name, sizeof name, pattern, l, "");
  if (!saved(a->binder.tensors, name, full))
    return RD_OK;
  RD_TRY(rd_bind(&a->binder, full, RD_F32, 0, size, false, &data, e));
  a->used++;
  *norm = data;
  return RD_OK;
}

/* w + scale b a, in f32, rounded once. */
static rd_code merge(attacher *a, rd_linear *x, int64_t rank, float scale, const void *fa,
                     const void *fb, rd_error *e) {
  rd_dtype type = a->model->weights.type;
  rd_arena *arena = a->binder.arena;
  int64_t n = x->out * x->in;
  void *merged = rd_arena_take(arena, (size_t)n, rd_dtype_size(type));
  if (!arena->base)
    return RD_OK;
  float *sum = rd_matmul_scratch((size_t)n * 2 * sizeof *sum, e), *product = sum + n;
  if (!sum)
    return RD_NO_MEMORY;
  rd_cast(sum, RD_F32, x->w, type, n);
  RD_TRY(rd_matmul(rd_mat_rows(product, RD_F32, x->out, x->in),
                   rd_mat_rows(fb, RD_F32, x->out, rank), rd_mat_rows(fa, RD_F32, rank, x->in), 0,
                   e));
  rd_add(sum, product, RD_F32, scale, n);
  rd_cast(merged, type, sum, RD_F32, n);
  x->w = merged;
  return RD_OK;
}

/* Rows of q and k go where a model with interleaved rotation has them: PEFT's (i, i + hd/2) to
 * (2i, 2i+1). */
static const void *interleave_rows(rd_arena *arena, const void *from, rd_dtype type, int64_t rows,
                                   int64_t cols, int64_t hd) {
  size_t row = (size_t)cols * rd_dtype_size(type);
  unsigned char *out = rd_arena_take(arena, (size_t)rows, row);
  for (int64_t r = 0; arena->base && r < rows; r++) {
    int64_t i = r % hd, to = i < hd / 2 ? 2 * i : 2 * (i - hd / 2) + 1;
    memcpy(out + (size_t)(r - i + to) * row, (const unsigned char *)from + (size_t)r * row, row);
  }
  return out;
}

static rd_code attach_projection(attacher *a, int p, int64_t l, rd_linear *x, rd_error *e) {
  const rd_config *c = &a->model->config;
  const char *pattern = c->family->names->p[p];
  char module[NAME], name_a[FULL], name_b[FULL];
  rd_layer_name(module, sizeof module, pattern, l, "");
  snprintf(name_a, sizeof name_a, "base_model.model.%s.lora_A.weight", module);
  snprintf(name_b, sizeof name_b, "base_model.model.%s.lora_B.weight", module);
  if (!rd_tensors_find(a->binder.tensors, name_a))
    return RD_OK;
  int64_t rank = 0;
  float scale = 0;
  RD_TRY(rd_adapter_module(a->config, module, &rank, &scale, e));
  bool merged = a->use == RD_ADAPTER_MERGED ||
                (a->use == RD_ADAPTER_AUTO && rd_adapter_thick(rank, x->out, x->in));
  rd_dtype type = merged ? RD_F32 : a->model->weights.type;
  const void *fa = NULL, *fb = NULL;
  RD_TRY(rd_bind(&a->binder, name_a, type, rank, x->in, false, &fa, e));
  RD_TRY(rd_bind(&a->binder, name_b, type, x->out, rank, false, &fb, e));
  a->used += 2;
  if (c->rope_interleaved && (p == RD_Q || p == RD_K))
    fb = interleave_rows(a->binder.arena, fb, type, x->out, rank, c->head_dim);
  if (merged)
    return merge(a, x, rank, scale, fa, fb, e);
  x->rank = rank;
  x->scale = scale;
  x->lora_a = fa;
  x->lora_b = fb;
  return RD_OK;
}

static rd_code attach_all(attacher *a, rd_error *e) {
  const rd_config *c = &a->model->config;
  const rd_tensor_names *names = c->family->names;
  rd_weights *w = &a->model->weights;
  a->used = 0;
  RD_TRY(attach_norm(a, names->norm, 0, c->width, &w->norm, e));
  for (int64_t l = 0; l < c->layers; l++) {
    rd_layer *layer = &w->layers[l];
    RD_TRY(attach_norm(a, names->attention_norm, l, c->width, &layer->attention_norm, e));
    RD_TRY(attach_norm(a, names->mlp_norm, l, c->width, &layer->mlp_norm, e));
    RD_TRY(attach_norm(a, names->q_norm, l, c->head_dim, &layer->q_norm, e));
    RD_TRY(attach_norm(a, names->k_norm, l, c->head_dim, &layer->k_norm, e));
    for (int p = 0; p < RD_PROJECTIONS; p++)
      RD_TRY(attach_projection(a, p, l, &layer->p[p], e));
  }
  if (a->used < a->binder.tensors->count)
    return rd_fail(
        e, RD_BAD_INPUT,
        "%zu of its %zu tensors have no place in a %s model of %lld layers; it was made for "
        "another model",
        a->binder.tensors->count - a->used, a->binder.tensors->count, c->family->name,
        (long long)c->layers);
  return RD_OK;
}

static rd_code attach(rd_model *m, const json_t *json, rd_adapter_use use, rd_error *e) {
  rd_adapter_config config;
  RD_TRY(rd_adapter_config_read(&config, json, e));
  rd_arena measure = rd_arena_measure();
  attacher a = {.binder = {&m->store->adapter_tensors, NULL, &measure},
                .model = m,
                .config = &config,
                .use = use};
  RD_TRY(attach_all(&a, e));
  RD_TRY(rd_arena_init(&m->store->adapter, measure.used, "an adapter", e));
  m->memory_bytes += measure.used;
  a.binder.arena = &m->store->adapter;
  return attach_all(&a, e);
}

rd_code rd_adapter_attach(rd_model *m, const char *folder, rd_adapter_use use, rd_error *e) {
  char *config_path = rd_path_join(folder, "adapter_config.json");
  char *weights_path = rd_path_join(folder, "adapter_model.safetensors");
  json_t *config = NULL;
  rd_code code = config_path && weights_path
                     ? rd_json_open(&config, config_path, e)
                     : rd_fail(e, RD_NO_MEMORY, "out of memory: opening %s", folder);
  if (code == RD_OK)
    code = rd_safetensors_open(&m->store->adapter_tensors, weights_path, e);
  if (code == RD_OK && (code = attach(m, config, use, e)) != RD_OK)
    rd_prefix(e, code, "adapter %s", folder);
  json_decref(config);
  free(config_path);
  free(weights_path);
  return code;
}
