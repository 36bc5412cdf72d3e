/* SPDX-License-Identifier: MIT */
/* An automaton cannot remember any text, but it can remember which of a few values were there. Up
 * to MOST_FREE of them come in any order: a state for each set of those that are used. More come in
 * the order of the schema, which leaves every set of them, and a state for each. */
#include "schema_reader.h"

#include "schema_apart.h"

#include <string.h>

enum { MOST_FREE = 7, MOST_VALUES = 200 };

static bool list_values(rd_schema_reader *r, const json_t *schema, json_t *out);

static void add_value(json_t *out, json_t *value) {
  if (value && !rd_schema_listed(out, value))
    json_array_append(out, value);
  json_decref(value);
}

static bool list_type(const json_t *schema, const json_t *type, json_t *out) {
  const char *name = json_string_value(type);
  const json_t *low = json_object_get(schema, "minimum"),
               *high = json_object_get(schema, "maximum");
  json_int_t span = 0;
  bool integers =
      name && strcmp(name, "integer") == 0 && json_is_integer(low) && json_is_integer(high) &&
      !json_object_get(schema, "multipleOf") &&
      !__builtin_sub_overflow(json_integer_value(high), json_integer_value(low), &span) &&
      span < MOST_VALUES;
  for (json_int_t i = 0; integers && i <= span; i++)
    add_value(out, json_integer(json_integer_value(low) + i));
  bool truth = name && strcmp(name, "boolean") == 0, nothing = name && strcmp(name, "null") == 0;
  if (truth) {
    add_value(out, json_true());
    add_value(out, json_false());
  }
  if (nothing)
    add_value(out, json_null());
  return integers || truth || nothing;
}

/* All values that a schema allows, and perhaps others; false: they cannot be counted out. */
static bool list_plain(rd_schema_reader *r, const json_t *plain, json_t *out) {
  const json_t *values = json_object_get(plain, "enum"), *any = json_object_get(plain, "anyOf");
  const json_t *list = values ? values : any, *type = json_object_get(plain, "type");
  bool all = list || type;
  for (size_t i = 0; values && i < json_array_size(values); i++)
    add_value(out, json_incref(json_array_get(values, i)));
  for (size_t i = 0; any && !values && i < json_array_size(any) && all; i++)
    all = list_values(r, json_array_get(any, i), out);
  if (!list && json_is_array(type))
    for (size_t i = 0; i < json_array_size(type) && all; i++)
      all = list_type(plain, json_array_get(type, i), out);
  else if (!list)
    all = list_type(plain, type, out);
  return all;
}

static bool list_values(rd_schema_reader *r, const json_t *schema, json_t *out) {
  int depth = r->depth;
  const json_t *plain = rd_schema_flatten(r, schema);
  bool all = plain && (json_is_false(plain) || list_plain(r, plain, out));
  r->depth = depth;
  return all;
}

/* The values that items may be; NULL: they cannot be counted out, or the reader has failed. */
static json_t *values_of(rd_schema_reader *r, const json_t *item) {
  json_t *found = json_array(), *allowed = json_array();
  rd_dfa texts = {0};
  bool all = list_values(r, item, found) && rd_schema_open_texts(r, item, &texts) == RD_OK;
  for (size_t i = 0; i < json_array_size(found) && all; i++)
    if (rd_schema_has_text(r, &texts, json_array_get(found, i)))
      json_array_append(allowed, json_array_get(found, i));
  rd_dfa_drop(&texts);
  json_decref(found);
  if (!all)
    json_decref(allowed);
  return all ? allowed : NULL;
}

typedef struct choice {
  rd_schema_reader *r;
  const json_t *values;
  int count;
  int64_t least, most;
  int32_t close;
  int32_t known[1 << MOST_FREE]; /* by the set of those that are used; 0: not yet, else node + 1 */
} choice;

/* What stands behind items of this set. */
static int32_t build_set(choice *c, unsigned used, int64_t items) {
  rd_nfa *n = c->r->nfa;
  int32_t all = items >= c->least ? c->close : -1;
  if (c->known[used])
    return c->known[used] - 1;
  for (int i = 0; i < c->count && (c->most < 0 || items < c->most); i++) {
    if (used >> i & 1)
      continue;
    int32_t one = rd_schema_literal(c->r, json_array_get(c->values, (size_t)i),
                                    build_set(c, used | 1U << i, items + 1));
    all = rd_nfa_either(n, items > 0 ? rd_schema_comma(n, one) : one, all);
  }
  all = all < 0 ? rd_nfa_nothing(n) : all;
  c->known[used] = all + 1;
  return all;
}

/* In the order of the schema: from the last value to the first, for each number of items that may
 * be there already, up to the one from which on all are alike. */
static int32_t build_ordered(choice *c) {
  rd_nfa *n = c->r->nfa;
  int32_t at[MOST_VALUES + 1];
  int64_t top = c->most >= 0 ? c->most : c->least > 1 ? c->least : 1;
  for (int64_t k = 0; k <= top; k++)
    at[k] = k >= c->least ? c->close : rd_nfa_nothing(n);
  for (int i = c->count; i-- > 0;)
    for (int64_t k = 0; k <= top; k++) { /* at[k + 1] is still that of the values behind i */
      int64_t then = k < top ? k + 1 : c->most >= 0 ? -1 : top;
      if (then < 0)
        continue;
      int32_t one = rd_schema_literal(c->r, json_array_get(c->values, (size_t)i), at[then]);
      at[k] = rd_nfa_either(n, k > 0 ? rd_schema_comma(n, one) : one, at[k]);
    }
  return at[0];
}

int32_t rd_schema_unique(rd_schema_reader *r, const json_t *schema, int64_t least, int64_t most,
                         int32_t next) {
  json_t *values = rd_schema_prefix(schema) == 0 ? values_of(r, rd_schema_item(schema, 0)) : NULL;
  choice c = {.r = r, .values = values, .least = least, .most = most};
  size_t count = json_array_size(values);
  c.close = rd_nfa_text(r->nfa, "]", 1, next);
  c.count = (int)count;
  if (most > (int64_t)count)
    c.most = -1;
  if (r->code != RD_OK || c.close < 0)
    next = -1;
  else if (!values || count > MOST_VALUES)
    next =
        rd_schema_fail(r, RD_UNSUPPORTED,
                       "uniqueItems is supported where items are one of at most %d values: enum, "
                       "const, boolean, integers between bounds",
                       MOST_VALUES);
  else if (least > (int64_t)count)
    next = rd_schema_none(r, "minItems %lld of %zu values that may not come twice",
                          (long long)least, count);
  else
    next = rd_nfa_text(r->nfa, "[", 1, count > MOST_FREE ? build_ordered(&c) : build_set(&c, 0, 0));
  json_decref(values);
  return next;
}
