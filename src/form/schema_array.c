/* SPDX-License-Identifier: MIT */
/* Arrays. Items that have a schema of their own come first; from where they are alike they are one
 * loop, or as many as there may be. Where some are to be found among them, each of these for every
 * number of those that were found. */
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

/* The schema of item `i`, where unevaluatedItems speaks of those that nothing else does. */
static const json_t *item_of(const json_t *schema, size_t i) {
  const json_t *item = rd_schema_item(schema, i), *rest = rd_schema_rest(schema, true);
  return rest && json_is_true(item) && i >= rd_schema_prefix(schema) ? rest : item;
}

static int32_t build_item(rd_schema_reader *r, const json_t *schema, size_t i, int32_t next) {
  int32_t item = rd_schema_inside(r, item_of(schema, i), "items", 0, next);
  return i > 0 ? rd_schema_comma(r->nfa, item) : item;
}

/* --- contains --------------------------------------------------------------------------------- */

/* Items that are so are counted, up to `top`: one more may not be (`bounded`), or is not counted.
 */
typedef struct counting {
  rd_schema_reader *r;
  const json_t *schema, *contains;
  int64_t top;
  bool bounded;
} counting;

enum { MOST_CONTAINED = 64 };

/* An item where `k` were so before it: at[k] stands behind one that is not counted. */
static int32_t build_counted(const counting *c, size_t i, int64_t k, const int32_t *at) {
  rd_schema_reader *r = c->r;
  const json_t *item = item_of(c->schema, i);
  json_t *opposite = json_pack("{s:O}", "not", c->contains);
  const json_t *so = rd_schema_both(r, item, c->contains), *not_so = item;
  int32_t all = -1;
  if (c->bounded)
    not_so = rd_schema_both(r, item, opposite);
  if (not_so && !json_is_false(not_so))
    all = rd_schema_inside(r, not_so, "items", 0, at[k]);
  if (so && !json_is_false(so) && k < c->top)
    all = rd_nfa_either(r->nfa, rd_schema_inside(r, so, "contains", 0, at[k + 1]), all);
  json_decref(opposite);
  return i > 0 && all >= 0 ? rd_schema_comma(r->nfa, all) : all;
}

/* The same as without contains, for each number of items that may have been so. */
static int32_t build_contains(counting *c, int64_t least, int64_t most, int64_t count, int64_t low,
                              int32_t close) {
  rd_nfa *n = c->r->nfa;
  int32_t at[MOST_CONTAINED + 1];
  for (int64_t k = c->top; k >= 0; k--) {
    int32_t end = k >= low ? close : rd_nfa_nothing(n);
    at[k] = end;
    if (most >= 0)
      continue;
    at[k] = rd_nfa_loop(n);
    int32_t again = build_counted(c, (size_t)count, k, at);
    at[k] = rd_nfa_close_loop(n, at[k], again < 0 ? rd_nfa_nothing(n) : again, end);
  }
  for (int64_t i = count; i-- > 0 && c->r->code == RD_OK && rd_nfa_step(n);)
    for (int64_t k = 0; k <= c->top; k++) { /* at[k + 1] is still that of the items behind i */
      int32_t item = build_counted(c, (size_t)i, k, at);
      item = item < 0 ? rd_nfa_nothing(n) : item;
      at[k] = i >= least && k >= low ? rd_nfa_either(n, item, close) : item;
    }
  return at[0];
}

/* *low: items that are so at least; false: the reader has failed, or the keyword says nothing. */
static bool read_contains(rd_schema_reader *r, const json_t *schema, counting *c, int64_t *low) {
  int64_t high = rd_schema_count(r, schema, "maxContains", -1);
  *low = rd_schema_count(r, schema, "minContains", 1);
  *c = (counting){r, schema, json_object_get(schema, "contains"), high >= 0 ? high : *low,
                  high >= 0};
  if (!c->contains || r->code != RD_OK || (*low == 0 && high < 0))
    return false;
  if (c->top > MOST_CONTAINED || *low > c->top)
    rd_schema_fail(r, *low > c->top ? RD_BAD_INPUT : RD_UNSUPPORTED,
                   "minContains %lld and maxContains %lld: from 0 to %d, one after the other",
                   (long long)*low, (long long)high, MOST_CONTAINED);
  if (json_is_true(json_object_get(schema, "uniqueItems")))
    rd_schema_fail(r, RD_UNSUPPORTED, "contains beside uniqueItems is not supported");
  if (rd_schema_rest(schema, true))
    rd_schema_fail(r, RD_UNSUPPORTED, "unevaluatedItems beside contains is not supported");
  return r->code == RD_OK;
}

/* --- all of it -------------------------------------------------------------------------------- */

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
  if (json_is_false(item_of(schema, (size_t)apart)) && (most < 0 || most > apart))
    most = apart; /* nothing may follow them */
  if (most >= 0 && most < least)
    return rd_schema_none(r, "at least %lld items and at most %lld: none can be", (long long)least,
                          (long long)most);
  counting contains;
  int64_t low, count = most;
  bool counts = read_contains(r, schema, &contains, &low);
  if (r->code != RD_OK)
    return -1;
  if (json_is_true(json_object_get(schema, "uniqueItems")) && (most < 0 || most > 1))
    return rd_schema_unique(r, schema, least, most, next);
  int32_t close = rd_nfa_text(n, "]", 1, next), at = close;
  if (most < 0) { /* from here on items are alike, and any number of them */
    count = least > apart ? least : apart;
    count = count > 0 ? count : 1;
  }
  if (counts)
    return rd_nfa_text(n, "[", 1,
                       close < 0 ? -1 : build_contains(&contains, least, most, count, low, close));
  if (most < 0) {
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
