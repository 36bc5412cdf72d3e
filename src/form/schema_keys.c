/* SPDX-License-Identifier: MIT */
/* Keys of objects that a schema does not name one by one. */
#include "schema_keys.h"

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

int32_t rd_schema_free_key(rd_schema_reader *r, const json_t *properties, int32_t next) {
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

/* --- keys that a schema restricts ------------------------------------------------------------- */

int32_t rd_schema_some_key(rd_schema_reader *r, const json_t *schema, const char *pattern,
                           int32_t next) {
  const json_t *names = json_object_get(schema, "propertyNames");
  const json_t *patterns = json_object_get(schema, "patternProperties");
  const char *name;
  json_t *value, *owned = json_array(), *named = json_array();
  rd_schema_term terms[RD_MOST_KEY_PATTERNS + 3] = {0};
  size_t count = 0;
  terms[count++].schema =
      json_array_append_new(owned, json_pack("{s:s}", "pattern", "^[^\\u0000]*$")) == 0
          ? json_array_get(owned, 0)
          : json_false();
  if (names)
    terms[count++].schema = names;
  json_object_foreach((json_t *)(uintptr_t)patterns, name, value) {
    json_t *one = json_pack("{s:s}", "pattern", name);
    if (one && json_array_append_new(owned, one) == 0)
      terms[count++] = (rd_schema_term){one, !pattern || strcmp(name, pattern) != 0};
    else
      rd_schema_fail(r, RD_NO_MEMORY, "no memory for its keys");
  }
  json_object_foreach((json_t *)(uintptr_t)json_object_get(schema, "properties"), name, value)
    json_array_append_new(named, json_string(name));
  json_t *others = json_array_size(named) > 0 ? json_pack("{s:O}", "enum", named) : NULL;
  if (others && json_array_append_new(owned, others) == 0)
    terms[count++] = (rd_schema_term){others, true};
  next = rd_schema_meet(r, terms, count, 0, -1, next);
  json_decref(named);
  json_decref(owned);
  return next;
}
