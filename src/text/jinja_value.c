/* SPDX-License-Identifier: MIT */
/* Making values: lists and dicts that grow within the pool, and what JSON holds. Dicts are searched
 * from the front: those of a conversation have a handful of keys. */
#include "jinja_value.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

rd_code rd_jfail(rd_jstate *j, const char *format, ...) {
  char text[sizeof j->e->message];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return rd_fail(j->e, RD_BAD_INPUT, "%s", text);
}

rd_code rd_jstep(rd_jstate *j, size_t n) {
  enum { MOST = 50000000 };
  j->steps += n + 1;
  return j->steps > MOST ? rd_jfail(j, "it takes more than %d steps", MOST) : RD_OK;
}

rd_code rd_jdeeper(rd_jstate *j) {
  enum { MOST = 1000 };
  return ++j->depth > MOST ? rd_jfail(j, "it is nested deeper than %d", MOST) : RD_OK;
}

rd_jtext rd_jliteral(const char *text) {
  static const char zeros[64];
  return (rd_jtext){text, zeros, strlen(text)};
}

rd_code rd_jlist_new(rd_jstate *j, rd_jform form, rd_jvalue *out) {
  rd_jlist *list = rd_jpool_take(&j->pool, sizeof *list, j->e);
  if (!list)
    return j->e->code;
  list->form = form;
  *out = (rd_jvalue){.kind = RD_J_LIST, .as.list = list};
  return RD_OK;
}

/* Make room for one more value in an array of the pool. */
static rd_code grow(rd_jstate *j, rd_jvalue **data, size_t count, size_t capacity) {
  rd_jvalue *more = rd_jpool_take(&j->pool, capacity * sizeof *more, j->e);
  if (!more)
    return j->e->code;
  if (count)
    memcpy(more, *data, count * sizeof *more);
  *data = more;
  return RD_OK;
}

rd_code rd_jlist_add(rd_jstate *j, rd_jlist *list, rd_jvalue item) {
  if (list->count == list->capacity) {
    size_t wanted = list->capacity ? 2 * list->capacity : 4;
    RD_TRY(grow(j, &list->items, list->count, wanted));
    list->capacity = wanted;
  }
  list->items[list->count++] = item;
  return RD_OK;
}

rd_code rd_jdict_new(rd_jstate *j, rd_jkind kind, rd_jvalue *out) {
  rd_jdict *dict = rd_jpool_take(&j->pool, sizeof *dict, j->e);
  if (!dict)
    return j->e->code;
  *out = (rd_jvalue){.kind = kind, .as.dict = dict};
  return RD_OK;
}

static bool hashable(const rd_jvalue *key) {
  bool good = key->kind != RD_J_DICT && key->kind != RD_J_SPACE;
  if (key->kind == RD_J_LIST)
    good = key->as.list->form == RD_J_TUPLE;
  for (size_t i = 0; good && key->kind == RD_J_LIST && i < key->as.list->count; i++)
    good = key->as.list->items[i].kind != RD_J_LIST && hashable(&key->as.list->items[i]);
  return good;
}

rd_code rd_jdict_get(rd_jstate *j, const rd_jdict *dict, rd_jvalue key, rd_jvalue **out) {
  *out = NULL;
  if (!hashable(&key))
    return rd_jfail(j, "a %s is no key", rd_jkind_name(&key));
  RD_TRY(rd_jstep(j, dict->count / 4));
  for (size_t i = 0; i < dict->count; i++) {
    bool same;
    RD_TRY(rd_jequal(j, &dict->keys[i], &key, &same));
    if (same) {
      *out = &dict->values[i];
      return RD_OK;
    }
  }
  return RD_OK;
}

rd_jvalue *rd_jdict_named(const rd_jdict *dict, rd_slice name) {
  for (size_t i = 0; i < dict->count; i++) {
    const rd_jvalue *key = &dict->keys[i];
    if (key->kind == RD_J_TEXT &&
        rd_slice_same((rd_slice){key->as.text.data, key->as.text.size}, name))
      return &dict->values[i];
  }
  return NULL;
}

/* Append without looking whether the key is there. */
static rd_code append(rd_jstate *j, rd_jdict *dict, rd_jvalue key, rd_jvalue value) {
  if (dict->count == dict->capacity) {
    size_t wanted = dict->capacity ? 2 * dict->capacity : 4;
    RD_TRY(grow(j, &dict->keys, dict->count, wanted));
    RD_TRY(grow(j, &dict->values, dict->count, wanted));
    dict->capacity = wanted;
  }
  dict->keys[dict->count] = key;
  dict->values[dict->count++] = value;
  return RD_OK;
}

rd_code rd_jdict_set(rd_jstate *j, rd_jdict *dict, rd_jvalue key, rd_jvalue value) {
  rd_jvalue *place;
  RD_TRY(rd_jdict_get(j, dict, key, &place));
  if (!place)
    return append(j, dict, key, value);
  *place = value;
  return RD_OK;
}

static bool is_word(const rd_jstate *j, const char *key, const char *value) {
  const char *const *words = j->input->words;
  if (!words || !key || strcmp(key, j->input->word_key) != 0)
    return false;
  while (*words && strcmp(*words, value) != 0)
    words++;
  return *words != NULL;
}

static rd_code text_of_json(rd_jstate *j, const json_t *json, char origin, const char *key,
                            rd_jvalue *out) {
  rd_jtext text = {json_string_value(json), NULL, json_string_length(json)};
  if (is_word(j, key, text.data))
    origin = 0;
  out->kind = RD_J_TEXT;
  return rd_jpool_text(&j->pool, text, origin, &out->as.text, j->e);
}

static rd_code list_of_json(rd_jstate *j, const json_t *json, char origin, rd_jvalue *out) {
  const json_t *item;
  size_t i;
  RD_TRY(rd_jlist_new(j, RD_J_SQUARE, out));
  json_array_foreach(json, i, item) {
    rd_jvalue v;
    RD_TRY(rd_jvalue_of_json(j, item, origin, NULL, &v));
    RD_TRY(rd_jlist_add(j, out->as.list, v));
  }
  return RD_OK;
}

static rd_code dict_of_json(rd_jstate *j, const json_t *json, char origin, rd_jvalue *out) {
  const char *name;
  json_t *item;
  RD_TRY(rd_jdict_new(j, RD_J_DICT, out));
  json_object_foreach((json_t *)(uintptr_t)json, name, item) {
    rd_jvalue v, key = {.kind = RD_J_TEXT};
    RD_TRY(rd_jvalue_of_json(j, item, origin, name, &v));
    RD_TRY(
        rd_jpool_text(&j->pool, (rd_jtext){name, NULL, strlen(name)}, origin, &key.as.text, j->e));
    RD_TRY(append(j, out->as.dict, key, v));
  }
  return RD_OK;
}

rd_code rd_jvalue_of_json(rd_jstate *j, const json_t *json, char origin, const char *key,
                          rd_jvalue *out) {
  *out = rd_jnone();
  switch (json_typeof(json)) {
  case JSON_OBJECT:
    return dict_of_json(j, json, origin, out);
  case JSON_ARRAY:
    return list_of_json(j, json, origin, out);
  case JSON_STRING:
    return text_of_json(j, json, origin, key, out);
  case JSON_INTEGER:
    *out = rd_jint(json_integer_value(json));
    return RD_OK;
  case JSON_REAL:
    *out = rd_jreal(json_real_value(json));
    return RD_OK;
  case JSON_TRUE:
  case JSON_FALSE:
    *out = rd_jbool(json_is_true(json));
    return RD_OK;
  case JSON_NULL:
    return RD_OK;
  }
  return RD_OK;
}
