/* SPDX-License-Identifier: MIT */
/* Objects and arrays. Properties stand in the schema's order; of those that are not required each
 * may be left out. What follows property i is built once, whatever came before it: with a comma in
 * front where something did. */
#include "schema_reader.h"

#include <stdlib.h>
#include <string.h>

/* --- keys that the schema does not name ------------------------------------------------------- */

enum { MOST_FOLLOWED = 256 }; /* bytes of a key */

/* Keys that begin alike, one letter further each: what is not one of the named keys. */
typedef struct named_keys {
  rd_nfa *nfa;
  const char **keys; /* (count) sorted */
  size_t count;
  int32_t free, exit; /* the rest of a key that is none of them; what follows a whole key */
} named_keys;

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The named keys [first, end) have their first `size` bytes alike. The next byte leads on among
 * them, away from all of them, or (the quote) to the end, where none of them ends. Bytes are those
 * of ASCII alone; a key that holds others, or what a JSON string escapes, or that is very long, is
 * left at that byte, and no other key may go on there. */
static int32_t build_other_key(named_keys *k, size_t first, size_t end, size_t size) {
  rd_nfa *n = k->nfa;
  rd_charset others = {0};
  int32_t all = -1;
  bool ends = strlen(k->keys[first]) == size;
  rd_code code = rd_charset_add(&others, 0x20, 0x7E, &n->error);
  if (code == RD_OK)
    code = rd_charset_remove(&others, '"', &n->error);
  if (code == RD_OK)
    code = rd_charset_remove(&others, '\\', &n->error);
  for (size_t i = first + ends, after = i; i < end && code == RD_OK; i = after) {
    unsigned char byte = (unsigned char)k->keys[i][size];
    while (after < end && (unsigned char)k->keys[after][size] == byte)
      after++;
    code = rd_charset_remove(&others, byte, &n->error);
    if (byte < 0x20 || byte > 0x7E || byte == '"' || byte == '\\' || size == MOST_FOLLOWED)
      continue;
    all =
        rd_nfa_either(n, rd_nfa_range(n, byte, byte, build_other_key(k, i, after, size + 1)), all);
  }
  if (code == RD_OK)
    all = rd_nfa_either(n, rd_nfa_set(n, &others, false, k->free), all);
  else
    n->code = code;
  if (!ends)
    all = rd_nfa_either(n, rd_nfa_text(n, "\"", 1, k->exit), all);
  rd_charset_drop(&others);
  return all;
}

/* A quoted key that is none of the named properties. */
static int32_t build_free_key(rd_schema_reader *r, const json_t *properties, int32_t next) {
  rd_nfa *n = r->nfa;
  size_t count = json_object_size(properties), i = 0;
  int32_t start = rd_nfa_string_body(n, 0, -1, next);
  if (count > 0) {
    named_keys k = {.nfa = n, .count = count, .free = start, .exit = next};
    k.keys = rd_calloc(count, sizeof *k.keys, "keys", r->e);
    if (!k.keys)
      return rd_schema_fail(r, RD_NO_MEMORY, "no memory for its keys");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)properties, key, value)
      k.keys[i++] = key;
    qsort(k.keys, count, sizeof *k.keys, by_text);
    start = next < 0 ? -1 : build_other_key(&k, 0, count, 0);
    free(k.keys);
  }
  return rd_nfa_text(n, "\"", 1, start);
}

/* --- objects ---------------------------------------------------------------------------------- */

typedef struct property {
  const char *name;
  const json_t *schema;
  bool required;
} property;

static int32_t build_key(rd_schema_reader *r, const char *name, int32_t next) {
  json_t *key = json_string(name);
  next = rd_schema_literal(r, key, rd_schema_colon(r->nfa, next));
  json_decref(key);
  return next;
}

/* Members beside the named ones: `value` is their schema. *more: with a comma in front, or the end;
 * *first: without one, or the end. */
static void build_others(rd_schema_reader *r, const json_t *properties, const json_t *value,
                         int32_t close, int32_t *first, int32_t *more) {
  rd_nfa *n = r->nfa;
  int32_t loop = rd_nfa_loop(n);
  int32_t item = rd_schema_inside(r, value, "additionalProperties", 0, loop);
  item = build_free_key(r, properties, rd_schema_colon(n, item));
  *more = rd_nfa_close_loop(n, loop, rd_schema_comma(n, item), close);
  *first = item < 0 ? -1 : rd_nfa_either(n, item, close);
}

/* The named ones, from the last to the first. */
static int32_t build_properties(rd_schema_reader *r, const property *p, size_t count, int32_t first,
                                int32_t more) {
  rd_nfa *n = r->nfa;
  const rd_schema_place place = {r->place, "properties", 0};
  /* cppcheck-suppress autoVariables ; it is taken back below */
  r->place = &place;
  for (size_t i = count; i-- > 0 && more >= 0 && first >= 0;) {
    int32_t member = rd_schema_inside(r, p[i].schema, p[i].name, 0, more);
    member = build_key(r, p[i].name, member);
    int32_t behind = rd_schema_comma(n, member);
    if (member < 0 || behind < 0) {
      first = -1;
      break;
    }
    first = p[i].required ? member : rd_nfa_either(n, member, first);
    more = p[i].required ? behind : rd_nfa_either(n, behind, more);
  }
  r->place = place.up;
  return first;
}

/* Required names that are no named property follow the named ones. */
static size_t gather(rd_schema_reader *r, const json_t *schema, const json_t *named,
                     const json_t *others, property *out) {
  const json_t *required = json_object_get(schema, "required");
  const char *name;
  json_t *value, *asked = json_object();
  size_t count = 0;
  for (size_t i = 0; i < json_array_size(required); i++) {
    const char *text = json_string_value(json_array_get(required, i));
    if (!text)
      rd_schema_fail(r, RD_BAD_INPUT, "required: number %zu is no name", i);
    else if (json_object_set_new(asked, text, json_true()) != 0)
      rd_schema_fail(r, RD_NO_MEMORY, "no memory for its properties");
  }
  json_object_foreach((json_t *)(uintptr_t)named, name, value)
    out[count++] = (property){name, value, json_object_get(asked, name) != NULL};
  for (size_t i = 0; i < json_array_size(required) && r->code == RD_OK; i++) {
    const char *text = json_string_value(json_array_get(required, i));
    if (!json_object_get(named, text) && json_object_get(asked, text)) {
      out[count++] = (property){text, others, true};
      json_object_del(asked, text);
    }
  }
  json_decref(asked);
  return count;
}

int32_t rd_schema_object(rd_schema_reader *r, const json_t *schema, int32_t next) {
  const json_t *named = json_object_get(schema, "properties");
  const json_t *required = json_object_get(schema, "required");
  const json_t *others = json_object_get(schema, "additionalProperties");
  bool open = others ? !json_is_false(others) : json_object_size(named) == 0;
  if ((named && !json_is_object(named)) || (required && !json_is_array(required)))
    return rd_schema_fail(r, RD_BAD_INPUT,
                          "properties is an object of schemas, required a list of names");
  if (!named && !others && json_array_size(required) == 0)
    return next < 0 ? -1 : rd_schema_any_object(r->nfa, RD_SCHEMA_FREE, next);
  size_t most = json_object_size(named) + json_array_size(required) + 1;
  property *p = rd_calloc(most, sizeof *p, "properties", r->e);
  if (!p)
    return rd_schema_fail(r, RD_NO_MEMORY, "no memory for its properties");
  size_t count = gather(r, schema, named, others ? others : json_true(), p);
  int32_t close = rd_nfa_text(r->nfa, "}", 1, next), first = close, more = close;
  if (open && r->code == RD_OK)
    build_others(r, named, others ? others : json_true(), close, &first, &more);
  if (r->code == RD_OK)
    first = build_properties(r, p, count, first, more);
  free(p);
  return r->code == RD_OK ? rd_nfa_text(r->nfa, "{", 1, first) : -1;
}

/* --- arrays ----------------------------------------------------------------------------------- */

/* The schema of item `i`; NULL: there is none. */
static const json_t *item_at(const json_t *schema, size_t i) {
  const json_t *first = json_object_get(schema, "prefixItems");
  const json_t *rest = json_object_get(schema, "items");
  if (i < json_array_size(first))
    return json_array_get(first, i);
  return json_is_false(rest) ? NULL : rest ? rest : json_true();
}

static int32_t build_item(rd_schema_reader *r, const json_t *schema, size_t i, int32_t next) {
  int32_t item = rd_schema_inside(r, item_at(schema, i), "items", 0, next);
  return i > 0 ? rd_schema_comma(r->nfa, item) : item;
}

int32_t rd_schema_array(rd_schema_reader *r, const json_t *schema, int32_t next) {
  rd_nfa *n = r->nfa;
  const json_t *prefix = json_object_get(schema, "prefixItems");
  int64_t least = rd_schema_count(r, schema, "minItems", 0);
  int64_t most = rd_schema_count(r, schema, "maxItems", -1);
  int64_t apart = (int64_t)json_array_size(prefix);
  if (r->code != RD_OK)
    return -1;
  if (json_is_array(json_object_get(schema, "items")))
    return rd_schema_fail(r, RD_UNSUPPORTED, "items as a list is not supported: use prefixItems");
  if (prefix && !json_is_array(prefix))
    return rd_schema_fail(r, RD_BAD_INPUT, "prefixItems: expected a list of schemas");
  if (!item_at(schema, (size_t)apart) && (most < 0 || most > apart))
    most = apart; /* nothing may follow them */
  if (most >= 0 && most < least)
    return rd_schema_fail(r, RD_BAD_INPUT, "at least %lld items and at most %lld: none can be",
                          (long long)least, (long long)most);
  int32_t close = rd_nfa_text(n, "]", 1, next), at = close;
  int64_t count = most;
  if (most < 0) { /* from here on items are alike, and any number of them */
    count = least > apart ? least : apart;
    count = count > 0 ? count : 1;
    at = rd_nfa_loop(n);
    at = rd_nfa_close_loop(n, at, build_item(r, schema, (size_t)count, at), close);
  }
  for (int64_t i = count; i-- > 0 && at >= 0;) {
    at = build_item(r, schema, (size_t)i, at);
    if (i >= least && at >= 0)
      at = rd_nfa_either(n, at, close);
  }
  return rd_nfa_text(n, "[", 1, at);
}
