/* SPDX-License-Identifier: MIT */
/* Arrays. Items that have a schema of their own come first; from where they are alike they are one
 * loop, or as many as there may be. */
#include "schema_reader.h"

/* In older schemas a list in `items` is what prefixItems is, and additionalItems what items is. */
static const json_t *first_items(const json_t *schema, const json_t **rest) {
  const json_t *items = json_object_get(schema, "items");
  bool older = json_is_array(items);
  *rest = older ? json_object_get(schema, "additionalItems") : items;
  return older ? items : json_object_get(schema, "prefixItems");
}

size_t rd_schema_prefix(const json_t *schema) {
  const json_t *rest;
  return json_array_size(first_items(schema, &rest));
}

const json_t *rd_schema_item(const json_t *schema, size_t i) {
  const json_t *rest, *first = first_items(schema, &rest);
  const json_t *item = i < json_array_size(first) ? json_array_get(first, i) : rest;
  return item ? item : json_true();
}

static int32_t build_item(rd_schema_reader *r, const json_t *schema, size_t i, int32_t next) {
  int32_t item = rd_schema_inside(r, rd_schema_item(schema, i), "items", 0, next);
  return i > 0 ? rd_schema_comma(r->nfa, item) : item;
}

int32_t rd_schema_array(rd_schema_reader *r, const json_t *schema, int32_t next) {
  rd_nfa *n = r->nfa;
  const json_t *prefix = json_object_get(schema, "prefixItems");
  int64_t least = rd_schema_count(r, schema, "minItems", 0);
  int64_t most = rd_schema_count(r, schema, "maxItems", -1);
  int64_t apart = (int64_t)rd_schema_prefix(schema);
  if (r->code != RD_OK)
    return -1;
  if (prefix && !json_is_array(prefix))
    return rd_schema_fail(r, RD_BAD_INPUT, "prefixItems: expected a list of schemas");
  if (json_is_false(rd_schema_item(schema, (size_t)apart)) && (most < 0 || most > apart))
    most = apart; /* nothing may follow them */
  if (most >= 0 && most < least)
    return rd_schema_none(r, "at least %lld items and at most %lld: none can be", (long long)least,
                          (long long)most);
  if (json_is_true(json_object_get(schema, "uniqueItems")) && (most < 0 || most > 1))
    return rd_schema_unique(r, schema, least, most, next);
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
