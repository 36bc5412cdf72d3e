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

/* Does a name have `module` in it, as whole words? */
static bool within(const char *name, const char *module) {
  const size_t n = strlen(module);
  for (const char *at = strstr(name, module); at; at = strstr(at + 1, module))
    if ((at == name || at[-1] == '.') && (at[n] == '.' || at[n] == '\0'))
      return true;
  return false;
}

/* Is `words` ("layers", "model.layers", a list of such; NULL: any) what `size` bytes end with? */
static bool ends_with(const char *text, size_t size, const json_t *words) {
  json_t *item = NULL;
  size_t i = 0;
  const char *word = json_string_value(words);
  const size_t n = word ? strlen(word) : 0;
  bool yes = !word && json_array_size(words) == 0;
  if (word && n <= size && memcmp(text + size - n, word, n) == 0)
    yes = n == size || text[size - n - 1] == '.';
  json_array_foreach((json_t *)(uintptr_t)words, i, item)
    yes = yes || (json_is_string(item) && ends_with(text, size, item));
  return yes;
}

/* The number behind the last of `words` that has one; -1: there is none. */
static int64_t layer_of(const char *module, const json_t *words) {
  int64_t layer = -1;
  for (const char *dot = strchr(module, '.'); dot; dot = strchr(dot + 1, '.')) {
    char *end = NULL;
    long number = strtol(dot + 1, &end, 10);
    if (end != dot + 1 && *end == '.' && number >= 0 &&
        ends_with(module, (size_t)(dot - module), words))
      layer = number;
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
  const json_t *saved = json_object_get(config, "modules_to_save"),
               *pattern = json_object_get(config, "layers_pattern");
  bool out = false;
  *yes = false;
  RD_TRY(rd_pattern_lists(excluded, module, &out, e));
  for (size_t i = 0; i < json_array_size(saved); i++) {
    const char *name = json_string_value(json_array_get(saved, i));
    out = out || (name && within(module, name));
  }
  if (out)
    return RD_OK;
  if (json_is_string(pattern) && strpbrk(json_string_value(pattern), "\\^$*+?()[]{}|"))
    return rd_fail(
        e, RD_UNSUPPORTED,
        "layers_pattern \"%s\" is an expression: name the layers' word as it is (layers)",
        json_string_value(pattern));
  if (json_is_string(targets) && strcmp(json_string_value(targets), "all-linear") == 0)
    *yes = layer_of(module, NULL) >= 0; /* neither head nor embedding */
  else
    RD_TRY(rd_pattern_lists(targets, module, yes, e));
  bool some = json_is_integer(layers) || json_array_size(layers) > 0;
  if (*yes && some && json_is_array(targets) && !is_whole(targets, module))
    *yes = has_layer(layers, layer_of(module, pattern));
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

/* Does the file hold something of a module, whose name may begin behind the head's? */
static bool holds(const rd_tensors *tensors, const char *module, const char *end) {
  static const char body[] = "model.";
  const bool inner = strncmp(module, body, sizeof body - 1) == 0;
  for (size_t t = 0; t < tensors->count; t++) {
    const char *name = tensors->items[t].name;
    size_t n = strlen(name), m = strlen(end);
    if (n >= m && strcmp(name + n - m, end) == 0 &&
        (within(name, module) || (inner && within(name, module + sizeof body - 1))))
      return true;
  }
  return false;
}

static rd_code lacks(const char *key, const char *module, rd_error *e) {
  return rd_fail(e, RD_BAD_INPUT, "%s names %s, of which the adapter's file holds nothing", key,
                 module);
}

/* Rows of words: a list is the embedding's, whatever it is called. */
static rd_code check_tokens(const json_t *tokens, const rd_tensors *tensors, rd_error *e) {
  static const char key[] = "trainable_token_indices", end[] = "trainable_tokens_delta";
  const char *module;
  json_t *list;
  bool any = false;
  for (size_t t = 0; t < tensors->count; t++)
    any = any || within(tensors->items[t].name, end);
  if (json_array_size(tokens) > 0 && !any)
    return lacks(key, "words", e);
  json_object_foreach((json_t *)(uintptr_t)tokens, module, list) {
    if (json_array_size(list) > 0 && !holds(tensors, module, end))
      return lacks(key, module, e);
  }
  return RD_OK;
}

rd_code rd_targets_saved(const json_t *config, const rd_tensors *tensors, const rd_config *model,
                         rd_error *e) {
  const json_t *saved = json_object_get(config, "modules_to_save");
  RD_TRY(check_tokens(json_object_get(config, "trainable_token_indices"), tensors, e));
  for (size_t i = 0; i < json_array_size(saved); i++) {
    const char *name = json_string_value(json_array_get(saved, i));
    rd_walk p = rd_parts_of(model, NULL, NULL, NULL);
    while (name && rd_parts_next(&p))
      if (within(p.module, name) && !holds(tensors, p.module, ""))
        return lacks("modules_to_save", p.module, e);
  }
  return RD_OK;
}
