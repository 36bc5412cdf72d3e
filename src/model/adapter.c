/* SPDX-License-Identifier: MIT */
/* PEFT's settings read and written, and its tensors by the names of modules. */
#include "adapter.h"

#include "computed.h"
#include "file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter_pattern.h"
#include "adapter_targets.h"
#include "model_folder.h"
#include "sampler_head.h"
#include "table.h"
#include "torch_file.h"

/* What LAD's trainer writes beside an adapter; its settings in the adapter's folder or the run's
 * above it. */
static const char norms_file[] = "normalization_state.pt";
#define LAD_SETTINGS "resolved_config.json"
#define LAD_RUN_SETTINGS "../" LAD_SETTINGS
static const char *const lad_settings[] = {LAD_SETTINGS, LAD_RUN_SETTINGS};

static rd_code check_patterns(const rd_adapter_config *c, rd_error *e) {
  const char *key = NULL;
  json_t *item = NULL;
  json_object_foreach((json_t *)(uintptr_t)c->rank_pattern, key, item) {
    json_int_t rank = json_integer_value(item);
    if (!json_is_integer(item) || rank < 1 || rank > RD_MOST_RANK)
      return rd_fail(e, RD_BAD_INPUT, "rank_pattern of %s: expected an integer in 1..%d", key,
                     RD_MOST_RANK);
  }
  json_object_foreach((json_t *)(uintptr_t)c->alpha_pattern, key, item) {
    double alpha = json_number_value(item);
    if (!json_is_number(item) || !(alpha >= 0 && alpha <= 1e9))
      return rd_fail(e, RD_BAD_INPUT, "alpha_pattern of %s: expected a number in 0..1e9", key);
  }
  return RD_OK;
}

rd_code rd_adapter_config_read(rd_adapter_config *out, const json_t *config, rd_error *e) {
  memset(out, 0, sizeof *out);
  const char *type = "LORA", *bias = "none";
  int64_t rank = 0;
  RD_TRY(rd_json_text(config, "peft_type", &type, e));
  RD_TRY(rd_json_text(config, "bias", &bias, e));
  RD_TRY(rd_computed_adapter(config, e));
  out->residual =
      rd_residual_named(json_string_value(json_object_get(config, "init_lora_weights")));
  RD_TRY(rd_json_int(config, "r", 1, RD_MOST_RANK, &rank, e));
  out->alpha = RD_PEFT_ALPHA;
  RD_TRY(rd_json_real(config, "lora_alpha", 0, 1e9, &out->alpha, e));
  RD_TRY(rd_json_bool(config, "use_rslora", &out->rslora, e));
  RD_TRY(rd_json_bool(config, "use_dora", &out->dora, e));
  if (strcmp(type, "LORA") != 0 || !rd_name_listed("none all lora_only", bias))
    return rd_fail(
        e, RD_UNSUPPORTED,
        "a PEFT adapter of type %s with bias \"%s\"; LORA is applied, with bias none, all "
        "or lora_only",
        type, bias);
  out->rank_pattern = json_object_get(config, "rank_pattern");
  out->alpha_pattern = json_object_get(config, "alpha_pattern");
  RD_TRY(check_patterns(out, e));
  if (rank == 0)
    return rd_fail(e, RD_BAD_INPUT, "r is missing");
  out->rank = rank;
  out->targets = json_object_get(config, "target_modules");
  return json_is_array(out->targets) || json_is_string(out->targets)
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT, "target_modules: expected a list of names or a pattern");
}

rd_code rd_adapter_module(const rd_adapter_config *c, const char *module, int64_t *rank,
                          float *scale, rd_error *e) {
  double r = (double)c->rank, alpha = c->alpha;
  RD_TRY(rd_pattern_number(c->rank_pattern, module, &r, e));
  RD_TRY(rd_pattern_number(c->alpha_pattern, module, &alpha, e));
  *rank = (int64_t)r;
  *scale = (float)(alpha / (c->rslora ? sqrt(r) : r));
  return RD_OK;
}

/* A copy of what may be NULL: `standard` then, which is used up in either case. */
static json_t *copy_of(const json_t *value, json_t *standard) {
  json_t *copy = value ? json_deep_copy(value) : json_incref(standard);
  json_decref(standard);
  return copy;
}

json_t *rd_adapter_config_json(const rd_adapter_config *c, const char *base) {
  return json_pack(
      "{s:s, s:s, s:s, s:s, s:I, s:f, s:f, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o}",
      "peft_type", "LORA", "task_type", "CAUSAL_LM", "base_model_name_or_path", base, "bias",
      "none", "r", (json_int_t)c->rank, "lora_alpha", c->alpha, "lora_dropout", 0.0, "use_rslora",
      c->rslora, "use_dora", 0, "init_lora_weights", 1, "fan_in_fan_out", 0, "inference_mode", 1,
      "rank_pattern", copy_of(c->rank_pattern, json_object()), "alpha_pattern",
      copy_of(c->alpha_pattern, json_object()), "target_modules", copy_of(c->targets, json_array()),
      "modules_to_save", copy_of(c->norms, json_null()));
}

/* Cut `part` out of a name, where it stands. */
static void cut(char *name, const char *part) {
  char *at = strstr(name, part);
  if (at)
    memmove(at, at + strlen(part), strlen(at + strlen(part)) + 1);
}

/* The names that peft, its versions and those who write for it give to one thing become one: they
 * only grow shorter. */
static void make_canonical(char *name) {
  static const char *const prefixes[] = {"_orig_mod.", "module.", "base_model.model.",
                                         "base_model."};
  static const char *const parts[] = {".base_layer", ".token_adapter", ".modules_to_save",
                                      ".default"};
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
    if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
      cut(name, prefixes[i]);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
    cut(name, parts[i]);
  if (strstr(name, ".lora_magnitude_vector.weight"))
    cut(name, ".weight");
}

rd_code rd_adapter_tensors_open(rd_tensors *t, const char *folder, rd_error *e) {
  const rd_path weights = rd_path_in(folder, "adapter_model.safetensors"),
                older = rd_path_in(folder, "adapter_model.bin");
  return !rd_path_exists(weights.text) && rd_path_exists(older.text)
           ? rd_torch_open(t, older.text, e)
           : rd_safetensors_open(t, weights.text, e);
}

/* Norms that LAD's trainer keeps in a file of their own. */
static rd_code join_norms(rd_adapter *a, const char *folder, rd_error *e) {
  rd_tensors norms = {0};
  const rd_path path = rd_path_in(folder, norms_file);
  if (!rd_path_exists(path.text))
    return RD_OK;
  RD_TRY(rd_torch_open(&norms, path.text, e));
  rd_code code = rd_tensors_join(&a->tensors, &norms, e);
  rd_tensors_drop(&norms);
  return code;
}

typedef struct entry {
  const rd_tensor *tensor;
  size_t index;
} entry;

static int by_name(const void *a, const void *b) {
  const entry *x = a, *y = b;
  int order = strcmp(x->tensor->name, y->tensor->name);
  return order ? order : (x->index > y->index) - (x->index < y->index);
}

static bool same(const rd_tensor *x, const rd_tensor *y) {
  return strcmp(x->name, y->name) == 0 && x->size == y->size &&
         memcmp(x->data, y->data, x->size) == 0;
}

/* Names as modules have them. Where words were added, peft writes what it saves whole under two
 * names, and under a third what that took the place of. */
static rd_code make_names(rd_tensors *t, rd_error *e) {
  bool *gone = rd_calloc(t->count + 1, sizeof *gone, "an adapter", e);
  entry *list = gone ? rd_calloc(t->count + 1, sizeof *list, "an adapter", e) : NULL;
  size_t count = 0;
  for (size_t i = 0; list && i < t->count; i++) {
    gone[i] = strstr(t->items[i].name, ".original_module.") != NULL;
    make_canonical(t->items[i].name);
    if (!gone[i] && !strstr(t->items[i].name, ".lora_"))
      list[count++] = (entry){&t->items[i], i};
  }
  if (list)
    qsort(list, count, sizeof *list, by_name);
  for (size_t k = 1; k < count; k++)
    gone[list[k].index] = same(list[k - 1].tensor, list[k].tensor);
  if (list)
    rd_tensors_remove(t, gone);
  free(gone);
  free(list);
  return list ? RD_OK : RD_NO_MEMORY;
}

static rd_code read_folder(rd_adapter *a, const char *folder, rd_error *e) {
  RD_TRY(rd_adapter_tensors_open(&a->tensors, folder, e));
  RD_TRY(join_norms(a, folder, e));
  RD_TRY(make_names(&a->tensors, e));
  RD_TRY(rd_tensors_finish(&a->tensors, e));
  a->placed = rd_calloc(a->tensors.count, sizeof *a->placed, "an adapter", e);
  return a->placed ? RD_OK : RD_NO_MEMORY;
}

static rd_code read_all(rd_adapter *a, const char *folder, rd_error *e) {
  RD_TRY(rd_adapter_config_read(&a->config, a->json, e));
  return read_folder(a, folder, e);
}

rd_code rd_adapter_open(rd_adapter *a, const char *folder, rd_error *e) {
  const rd_path config = rd_path_in(folder, "adapter_config.json");
  *a = (rd_adapter){.folder = rd_strdup(folder, e)};
  rd_code code = a->folder ? rd_json_open(&a->json, config.text, e) : RD_NO_MEMORY;
  if (code == RD_OK && (code = read_all(a, folder, e)) != RD_OK)
    rd_prefix(e, code, "adapter %s", folder);
  return code;
}

void rd_adapter_drop(rd_adapter *a) {
  rd_tensors_drop(&a->tensors);
  json_decref(a->json);
  free(a->folder);
  free(a->placed);
  *a = (rd_adapter){0};
}

static const struct companion {
  const char *from, *to;
} companions[] = {{norms_file, norms_file},
                  {LAD_RUN_SETTINGS, LAD_SETTINGS},
                  {LAD_SETTINGS, LAD_SETTINGS},
                  {RD_SAMPLER_HEAD_FILE, RD_SAMPLER_HEAD_FILE}};
enum { COMPANIONS = sizeof companions / sizeof *companions };

const char *rd_adapter_companion(size_t i) {
  return i < COMPANIONS ? companions[i].to : NULL;
}

rd_code rd_adapter_companions_copy(const char *from, const char *to, rd_error *e) {
  for (size_t i = 0; i < COMPANIONS; i++) {
    const rd_path there = rd_path_in(from, companions[i].from),
                  here = rd_path_in(to, companions[i].to);
    if (rd_path_exists(there.text))
      RD_TRY(rd_file_copy(there.text, here.text, e));
  }
  return rd_model_folder_copy(from, to, RD_FILE_CARRIED, e);
}

rd_code rd_adapter_mask_word(char **word, const char *folder, rd_error *e) {
  rd_code code = RD_OK;
  *word = NULL;
  for (size_t i = 0; i < 2 && !*word && code == RD_OK; i++) {
    const rd_path path = rd_path_in(folder, lad_settings[i]);
    json_t *json = NULL;
    const char *text = NULL;
    if (rd_path_exists(path.text))
      code = rd_json_open(&json, path.text, e);
    if (code == RD_OK && json && (code = rd_json_text(json, "mask_token", &text, e)) != RD_OK)
      rd_prefix(e, code, "%s", path.text);
    if (text && !(*word = rd_strdup(text, e)))
      code = RD_NO_MEMORY;
    json_decref(json);
  }
  return code;
}

static const rd_tensor *take(const rd_adapter *a, const char *module, const char *end) {
  char name[256];
  snprintf(name, sizeof name, "%s%s", module, end);
  const rd_tensor *t = rd_tensors_find(&a->tensors, name);
  if (t)
    a->placed[t - a->tensors.items] = true;
  return t;
}

/* peft passes over factors of modules that its settings do not name, over lengths without use_dora
 * and biases without lora_bias, and begins those that are missing anew: the numbers would be
 * another adapter's. */
static rd_code check_named(const rd_adapter *a, const char *module, const char *inner,
                           const rd_changes *c, rd_error *e) {
  bool named = true;
  if (c->a || c->across)
    RD_TRY(rd_targets_module(a->json, module, &named, e));
  if (!named && inner)
    RD_TRY(rd_targets_module(a->json, inner, &named, e));
  if (!named)
    return rd_fail(e, RD_BAD_INPUT,
                   "%s has factors, but target_modules, exclude_modules and layers_to_transform "
                   "leave it out: name it there, or take its tensors out",
                   module);
  if ((c->a || c->across) && !c->magnitude == a->config.dora)
    return rd_fail(e, RD_BAD_INPUT, "use_dora is %s, but %s has %s lora_magnitude_vector",
                   a->config.dora ? "true" : "not true", module, c->magnitude ? "a" : "no");
  const bool lifts = json_is_true(json_object_get(a->json, "lora_bias"));
  if (c->a && !c->lift == lifts)
    return rd_fail(e, RD_BAD_INPUT, "lora_bias is %s, but %s has %s lora_B.bias",
                   lifts ? "true" : "not true", module, c->lift ? "a" : "no");
  return RD_OK;
}

rd_code rd_adapter_changes(const rd_adapter *adapter, const char *module, rd_changes *out,
                           rd_error *e) {
  /* made over a model without its head, whose modules begin one word later */
  static const char body[] = "model.";
  const bool inner = strncmp(module, body, sizeof body - 1) == 0;
  *out = (rd_changes){0};
  const struct {
    const char *end;
    const rd_tensor **place;
  } ends[] = {{".lora_A.weight", &out->a},
              {".lora_B.weight", &out->b},
              {".lora_embedding_A", &out->across},
              {".lora_embedding_B", &out->down},
              {".lora_magnitude_vector", &out->magnitude},
              {".lora_B.bias", &out->lift},
              {".trainable_tokens_delta", &out->words},
              {".weight", &out->weight},
              {".bias", &out->bias}};
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
    *ends[i].place = take(adapter, module, ends[i].end);
    if (!*ends[i].place && inner)
      *ends[i].place = take(adapter, module + sizeof body - 1, ends[i].end);
  }
  if (!out->a != !out->b || !out->across != !out->down)
    return rd_fail(e, RD_BAD_INPUT, "%s has one factor; its %s is missing", module,
                   out->a        ? "lora_B.weight"
                   : out->b      ? "lora_A.weight"
                   : out->across ? "lora_embedding_B"
                                 : "lora_embedding_A");
  if (out->magnitude && !out->a && !out->across)
    return rd_fail(e, RD_BAD_INPUT, "%s has a lora_magnitude_vector without factors", module);
  if (out->lift && !out->b)
    return rd_fail(e, RD_BAD_INPUT, "%s has a lora_B.bias without factors", module);
  RD_TRY(check_named(adapter, module, inner ? module + sizeof body - 1 : NULL, out, e));
  out->ids = rd_targets_tokens(adapter->json, module);
  return out->a || out->across
           ? rd_adapter_module(&adapter->config, module, &out->rank, &out->scale, e)
           : RD_OK;
}

bool rd_changes_any(const rd_changes *c) {
  return c->a || c->across || c->magnitude || c->weight || c->words;
}

rd_code rd_adapter_check_placed(const rd_adapter *a, const char *model, rd_error *e) {
  size_t first = a->tensors.count, count = 0;
  for (size_t i = a->tensors.count; i-- > 0;)
    if (!a->placed[i]) {
      first = i;
      count++;
    }
  if (count == 0)
    return RD_OK;
  return rd_fail(e, RD_BAD_INPUT,
                 "adapter %s: tensor %s has no place in %s, and %zu others of its %zu: it changes "
                 "what is not there, or was made for another model",
                 a->folder, a->tensors.items[first].name, model, count - 1, a->tensors.count);
}

const char *rd_adapter_norm(const rd_adapter *a) {
  for (size_t i = 0; i < a->tensors.count; i++)
    if (a->tensors.items[i].dims == 1 && !strstr(a->tensors.items[i].name, ".lora_"))
      return a->tensors.items[i].name;
  return NULL;
}

rd_code rd_adapter_check_plain(const rd_adapter *a, rd_error *e) {
  const char *why = a->config.residual ? a->config.residual->name : NULL;
  for (size_t i = 0; i < a->tensors.count && !why; i++) {
    const rd_tensor *t = &a->tensors.items[i];
    bool factor = strstr(t->name, ".lora_A.") || strstr(t->name, ".lora_B.");
    if (!factor && t->dims != 1)
      why = t->name;
    if (strstr(t->name, ".lora_magnitude_vector") || strstr(t->name, ".bias"))
      why = t->name;
  }
  return why ? rd_fail(e, RD_UNSUPPORTED,
                       "adapter %s has %s; training goes on from factors and norms alone: merge it "
                       "first (convert --adapter DIR --merge)",
                       a->folder, why)
             : RD_OK;
}
