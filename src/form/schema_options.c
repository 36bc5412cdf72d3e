/* SPDX-License-Identifier: MIT */
/* Alternatives beside alternatives: one of each. Of those ways most are as a rule impossible (a
 * kind is not two things at once), which is seen before they multiply: where nothing is left of the
 * schema, or of a property that it requires. */
#include "schema_reader.h"

#include <string.h>

enum { MOST_WAYS = 100, MOST_LOOKED_INTO = 3 /* levels of properties */, MOST_LOOKING = 8 };

static const char *const bounds[][2] = {
    {"minimum", "maximum"},
    {"exclusiveMinimum", "maximum"},
    {"minimum", "exclusiveMaximum"},
    {"exclusiveMinimum", "exclusiveMaximum"},
    {"minLength", "maxLength"},
    {"minItems", "maxItems"},
    {"minProperties", "maxProperties"},
};

/* Of the type that is named, is there nothing between bounds? */
static bool outside(const json_t *plain) {
  for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
    const json_t *low = json_object_get(plain, bounds[i][0]);
    const json_t *high = json_object_get(plain, bounds[i][1]);
    bool strict = bounds[i][0][0] == 'e' || bounds[i][1][0] == 'e';
    double gap = json_number_value(high) - json_number_value(low);
    if (json_is_number(low) && json_is_number(high) && (strict ? gap <= 0 : gap < 0))
      return json_is_string(json_object_get(plain, "type"));
  }
  return false;
}

static bool impossible(rd_schema_reader *r, const json_t *schema, int levels, const json_t **out);

/* Is there a required property that nothing can be? Those that were looked into are flat
 * afterwards. */
static bool lacks(rd_schema_reader *r, const json_t *plain, int levels) {
  const json_t *required = json_object_get(plain, "required");
  const json_t *others = json_object_get(plain, "additionalProperties");
  json_t *named = json_object_get(plain, "properties");
  bool alone = !json_object_get(plain, "patternProperties");
  for (size_t i = 0; i < json_array_size(required); i++) {
    const char *name = json_string_value(json_array_get(required, i));
    const json_t *value = name ? json_object_get(named, name) : NULL, *flat = value;
    if (json_is_false(value) || (!value && alone && json_is_false(others)))
      return true;
    if (json_is_object(value) && levels > 0 && impossible(r, value, levels - 1, &flat))
      return true;
    if (flat != value)
      json_object_set(named, name, (json_t *)(uintptr_t)flat);
  }
  return false;
}

/* Is nothing left of the schema, so far as it can be seen? *out: the same schema, flat where that
 * can be kept, which it cannot where a $ref was followed. */
static bool impossible(rd_schema_reader *r, const json_t *schema, int levels, const json_t **out) {
  const int depth = r->depth;
  if (r->looking == MOST_LOOKING)
    return false;
  r->looking++;
  const json_t *plain = rd_schema_flatten(r, schema);
  bool none = json_is_false(plain) || outside(plain) || lacks(r, plain, levels);
  *out = plain && r->depth == depth ? plain : schema;
  r->depth = depth;
  r->looking--;
  return none && r->code == RD_OK;
}

json_t *rd_schema_ways(rd_schema_reader *r, const json_t *beside, const json_t *a,
                       const json_t *b) {
  size_t wide = json_array_size(b), count = a ? json_array_size(a) * wide : wide;
  json_t *all = json_array();
  for (size_t i = 0; i < count && r->code == RD_OK && rd_nfa_step(r->nfa); i++) {
    const json_t *both =
        rd_schema_both(r, a ? json_array_get(a, i / wide) : NULL, json_array_get(b, i % wide));
    const json_t *whole = rd_schema_both(r, beside, both ? both : json_true());
    if (whole && impossible(r, whole, MOST_LOOKED_INTO, &whole))
      continue;
    if (json_array_size(all) == MOST_WAYS)
      rd_schema_fail(r, RD_UNSUPPORTED,
                     "alternatives beside each other: more than %d ways in all are not supported",
                     MOST_WAYS);
    json_array_append(all, (json_t *)(uintptr_t)(whole ? whole : json_true()));
  }
  return all;
}
