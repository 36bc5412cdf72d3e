/* SPDX-License-Identifier: MIT */
/* As peft's check_target_module_exists: what is excluded first, then names, then layers, which
 * count for lists of names alone. */
#include "adapter_targets.h"

#include "adapter_pattern.h"

#include <stdlib.h>
#include <string.h>

static bool is_whole(const json_t *list, const char *module) {
  json_t *item = NULL;
  size_t i = 0;
  json_array_foreach((json_t *)(uintptr_t)list, i, item) {
    if (json_is_string(item) && strcmp(json_string_value(item), module) == 0)
      return true;
  }
  return false;
}

/* The number behind the last word of `words` ("layers", a list of such, or NULL for any) that has
 * one; -1: there is none. */
static int64_t layer_of(const char *module, const json_t *words) {
  int64_t layer = -1;
  for (const char *dot = strchr(module, '.'); dot; dot = strchr(dot + 1, '.')) {
    char *end = NULL;
    long number = strtol(dot + 1, &end, 10);
    const char *word = dot;
    while (word > module && word[-1] != '.')
      word--;
    if (end == dot + 1 || *end != '.' || number < 0)
      continue;
    json_t *before = json_stringn(word, (size_t)(dot - word)), *list = json_pack("[O]", before);
    bool named = json_is_string(words)      ? json_equal(words, before)
               : json_array_size(words) > 0 ? is_whole(words, json_string_value(before))
                                            : true;
    layer = named && list ? number : layer;
    json_decref(list);
    json_decref(before);
  }
  return layer;
}

static bool has_layer(const json_t *layers, int64_t layer) {
  json_t *item = NULL;
  size_t i = 0;
  if (json_is_integer(layers))
    return json_integer_value(layers) == layer;
  json_array_foreach((json_t *)(uintptr_t)layers, i, item) {
    if (json_is_integer(item) && json_integer_value(item) == layer)
      return true;
  }
  return false;
}

rd_code rd_targets_module(const json_t *config, const char *module, bool *yes, rd_error *e) {
  const json_t *targets = json_object_get(config, "target_modules"),
               *excluded = json_object_get(config, "exclude_modules"),
               *layers = json_object_get(config, "layers_to_transform");
  bool out = false;
  *yes = false;
  RD_TRY(rd_pattern_lists(excluded, module, &out, e));
  if (out)
    return RD_OK;
  if (json_is_string(targets) && strcmp(json_string_value(targets), "all-linear") == 0)
    *yes = true;
  else
    RD_TRY(rd_pattern_lists(targets, module, yes, e));
  bool some = json_is_integer(layers) || json_array_size(layers) > 0;
  if (*yes && some && json_is_array(targets) && !is_whole(targets, module))
    *yes = has_layer(layers, layer_of(module, json_object_get(config, "layers_pattern")));
  /* peft names one of what is tied, and writes the factors of both */
  if (json_is_true(json_object_get(config, "ensure_weight_tying")) && layer_of(module, NULL) < 0)
    *yes = true;
  return RD_OK;
}

/* As peft's: a list is the embedding's (and its head's, where they are tied); else each key is the
 * end of a module's name. */
const json_t *rd_targets_tokens(const json_t *config, const char *module) {
  const json_t *tokens = json_object_get(config, "trainable_token_indices");
  const char *key = NULL;
  json_t *list = NULL;
  if (json_is_array(tokens))
    return tokens;
  json_object_foreach((json_t *)(uintptr_t)tokens, key, list) {
    const size_t n = strlen(module), k = strlen(key);
    if (k <= n && strcmp(module + n - k, key) == 0)
      return list;
  }
  return NULL;
}

/* Does a name have `module` in it, as whole words? */
static bool within(const char *name, const char *module) {
  const size_t n = strlen(module);
  for (const char *at = strstr(name, module); at; at = strstr(at + 1, module))
    if ((at == name || at[-1] == '.') && (at[n] == '.' || at[n] == '\0'))
      return true;
  return false;
}

static bool has_module(const rd_config *model, const char *module) {
  rd_walk p = rd_parts_of(model, NULL, NULL, NULL);
  while (rd_parts_next(&p))
    if (within(p.module, module))
      return true;
  return false;
}

rd_code rd_targets_saved(const json_t *config, const rd_tensors *tensors, const rd_config *model,
                         rd_error *e) {
  const json_t *saved = json_object_get(config, "modules_to_save");
  json_t *item = NULL;
  size_t i = 0;
  json_array_foreach((json_t *)(uintptr_t)saved, i, item) {
    const char *module = json_string_value(item);
    bool found = !module || !has_module(model, module);
    for (size_t t = 0; t < tensors->count && !found; t++)
      found = within(tensors->items[t].name, module);
    if (!found)
      return rd_fail(e, RD_BAD_INPUT,
                     "modules_to_save names %s, of which the adapter's file holds nothing", module);
  }
  return RD_OK;
}
