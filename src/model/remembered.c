/* SPDX-License-Identifier: MIT */
/* Reading and writing redraft.json, whose keys are those of config.json and of the options. */
#include "remembered.h"

#include "file.h"
#include "seal.h"
#include "table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char NAME[] = "redraft.json", GATE[] = "answer";

static rd_code take_gate(rd_gate *gate, const json_t *json, rd_error *e) {
  const char *name = NULL;
  RD_TRY(rd_json_text(json, "gate", &name, e));
  if (name && strcmp(name, GATE) != 0)
    return rd_fail(e, RD_UNSUPPORTED, "gate: \"%.40s\"; \"%s\" is known", name, GATE);
  if (!name && (json_object_get(json, "shift") || json_object_get(json, "block")))
    return rd_fail(e, RD_BAD_INPUT, "shift and block say how a gate works, and there is no gate");
  gate->answer = gate->answer || name;
  RD_TRY(rd_json_bool(json, "shift", &gate->shift, e));
  return rd_json_int(json, "block", 0, INT32_MAX, &gate->block, e);
}

/* The same object with names in one spelling, that of the options: hyphens. `depth` levels of
 * objects have such names. */
static rd_code spell_keys(json_t **out, const json_t *object, int depth, rd_error *e) {
  const char *name;
  json_t *value;
  if (!(*out = json_object()))
    return rd_fail(e, RD_NO_MEMORY, "out of memory: defaults");
  json_object_foreach((json_t *)(uintptr_t)object, name, value) {
    char *spelled = rd_strdup(name, e);
    for (char *p = spelled; p && *p; p++)
      *p = *p == '_' ? '-' : *p;
    rd_code code = spelled ? RD_OK : RD_NO_MEMORY;
    if (spelled && json_object_get(*out, spelled))
      code = rd_fail(e, RD_BAD_INPUT, "defaults: %.60s is there twice, with - and with _", spelled);
    json_t *inner = json_incref(value);
    if (code == RD_OK && depth > 1 && json_is_object(value)) {
      json_decref(inner);
      code = spell_keys(&inner, value, depth - 1, e);
    }
    if (code == RD_OK && json_object_set(*out, spelled, inner) != 0)
      code = rd_fail(e, RD_NO_MEMORY, "out of memory: defaults");
    json_decref(inner);
    free(spelled);
    RD_TRY(code);
  }
  return RD_OK;
}

/* Key by key over those that are there, in objects under samplers' names too. */
static rd_code take_defaults(rd_remembered *r, const json_t *json, rd_error *e) {
  enum { LEVELS = 2 };
  json_t *defaults = json_object_get(json, "defaults"), *spelled = NULL;
  if (!defaults || json_is_null(defaults))
    return RD_OK;
  if (!json_is_object(defaults))
    return rd_fail(e, RD_BAD_INPUT, "defaults: expected an object of generation options");
  if (!r->defaults)
    r->defaults = json_object();
  rd_code code = r->defaults ? spell_keys(&spelled, defaults, LEVELS, e) : RD_NO_MEMORY;
  if (code == RD_OK && json_object_update_recursive(r->defaults, spelled) != 0)
    code = RD_NO_MEMORY;
  json_decref(spelled);
  return code == RD_NO_MEMORY ? rd_fail(e, code, "out of memory: defaults") : code;
}

static rd_code take_text(char **to, const json_t *json, const char *key, rd_error *e) {
  const char *text = NULL;
  RD_TRY(rd_json_text(json, key, &text, e));
  char *copy = text ? rd_strdup(text, e) : NULL;
  if (!text)
    return RD_OK;
  free(*to);
  *to = copy;
  return copy ? RD_OK : RD_NO_MEMORY;
}

static rd_code take_examples(rd_remembered *r, const json_t *json, rd_error *e) {
  json_t *examples = json_object_get(json, "examples"), *one;
  size_t i;
  json_array_foreach(examples, i, one) {
    if (!json_is_string(json_object_get(one, "kind")) ||
        !json_is_string(json_object_get(one, "prompt")))
      return rd_fail(e, RD_BAD_INPUT, "examples: number %zu has no kind and prompt", i);
  }
  if (!json_is_array(examples))
    return examples ? rd_fail(e, RD_BAD_INPUT, "examples: expected an array") : RD_OK;
  json_decref(r->examples);
  r->examples = json_incref(examples);
  return RD_OK;
}

rd_code rd_remembered_take(rd_remembered *r, const json_t *json, rd_error *e) {
  bool denoiser = r->denoiser == 1;
  RD_TRY(take_gate(&r->gate, json, e));
  RD_TRY(rd_json_int(json, "mask_token_id", 0, INT32_MAX, &r->mask, e));
  RD_TRY(rd_json_bool(json, "denoiser", &denoiser, e));
  if (json_is_boolean(json_object_get(json, "denoiser")))
    r->denoiser = denoiser;
  RD_TRY(take_defaults(r, json, e));
  RD_TRY(take_examples(r, json, e));
  RD_TRY(take_text(&r->about, json, "about", e));
  return take_text(&r->chat_template, json, "chat_template", e);
}

rd_code rd_remembered_read(rd_remembered *r, const char *folder, rd_error *e) {
  json_t *json = NULL;
  const rd_path path = rd_path_in(folder, NAME);
  if (!rd_path_exists(path.text))
    return RD_OK;
  RD_TRY(rd_seal_check(folder, NAME, e));
  RD_TRY(rd_json_open(&json, path.text, e));
  rd_code code = rd_remembered_take(r, json, e);
  json_decref(json);
  return code == RD_OK ? RD_OK : rd_prefix(e, code, "%s", path.text);
}

json_t *rd_remembered_json(const rd_remembered *r) {
  const struct {
    const char *key;
    json_t *value; /* NULL: not chosen */
  } kept[] = {{"mask_token_id", r->mask >= 0 ? json_integer(r->mask) : NULL},
              {"chat_template", r->chat_template ? json_string(r->chat_template) : NULL},
              {"denoiser", r->denoiser >= 0 ? json_boolean(r->denoiser) : NULL},
              {"defaults", json_incref(r->defaults)},
              {"about", r->about ? json_string(r->about) : NULL},
              {"examples", json_incref(r->examples)}};
  json_t *json = json_object();
  bool whole = json != NULL;
  for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
    if (kept[i].value)
      whole = json_object_set_new(json, kept[i].key, kept[i].value) == 0 && whole;
  if (whole && r->gate.answer)
    whole = json_object_update_new(json, json_pack("{s:s, s:b, s:I}", "gate", GATE, "shift",
                                                   r->gate.shift, "block",
                                                   (json_int_t)r->gate.block)) == 0;
  if (whole)
    return json;
  json_decref(json);
  return NULL;
}

rd_code rd_remembered_write(const rd_remembered *r, const char *folder, rd_error *e) {
  json_t *json = rd_remembered_json(r);
  rd_code code = json_object_size(json) > 0 || !json ? rd_json_write(folder, NAME, json, e) : RD_OK;
  json_decref(json);
  return code;
}

const json_t *rd_remembered_default(const rd_remembered *r, const char *option) {
  const char *name;
  json_t *value;
  json_object_foreach(r->defaults, name, value) {
    if (rd_name_same(name, option))
      return value;
  }
  return NULL;
}

void rd_remembered_drop(rd_remembered *r) {
  free(r->chat_template);
  free(r->about);
  json_decref(r->defaults);
  json_decref(r->examples);
  *r = RD_REMEMBERED_NOTHING;
}
