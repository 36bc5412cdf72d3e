/* SPDX-License-Identifier: MIT */
/* Keywords that say one thing or another (if, dependentRequired, oneOf), said as alternatives. Each
 * is a list of schemas, of which a value is one at least. */
#include "schema_reader.h"

#include "schema_apart.h"

#include <string.h>

/* jansson does not write through what it hands out here. */
#define SHARED(value) json_incref((json_t *)(uintptr_t)(value))

static const json_t *or_true(const json_t *schema) {
  return schema ? schema : json_true();
}

/* What it asks for with what follows, or not that with what follows then. */
static void add_if(rd_schema_reader *r, const json_t *part, const json_t *value, json_t *out) {
  const json_t *then = json_object_get(part, "then"), *other = json_object_get(part, "else");
  (void)r;
  if (then || other)
    json_array_append_new(out, json_pack("[{s:[O,O]},{s:[{s:O},O]}]", "allOf", value, or_true(then),
                                         "allOf", "not", value, or_true(other)));
}

/* For each name: it is not there, or it is with all that it needs. */
static void add_dependent(rd_schema_reader *r, const json_t *part, const json_t *value,
                          json_t *out) {
  const char *name;
  json_t *needs;
  (void)part;
  if (!json_is_object(value))
    rd_schema_fail(r, RD_BAD_INPUT, "what depends on properties is an object of lists or schemas");
  json_object_foreach((json_t *)(uintptr_t)value, name, needs) {
    json_t *all = json_pack("[s]", name);
    json_t *with = json_is_array(needs)
                     ? json_pack("{s:O}", "required", all)
                     : json_pack("{s:[{s:O},O]}", "allOf", "required", all, needs);
    if (json_is_array(needs))
      json_array_extend(all, needs);
    json_decref(all);
    json_array_append_new(out, json_pack("[{s:{s:b}},o]", "properties", name, 0, with));
  }
}

static const struct row {
  const char *name;
  void (*add)(rd_schema_reader *r, const json_t *part, const json_t *value, json_t *out);
} rows[] = {
    {"if", add_if},
    {"dependentRequired", add_dependent},
    {"dependentSchemas", add_dependent},
    {"dependencies", add_dependent},
};

json_t *rd_schema_conditions(rd_schema_reader *r, const json_t *part) {
  json_t *all = json_array();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const json_t *value = json_object_get(part, rows[i].name);
    if (value)
      rows[i].add(r, part, value, all);
  }
  return all;
}

/* Each of the schemas, without those of the others that are not seen to be apart from it. */
json_t *rd_schema_one_of(rd_schema_reader *r, const json_t *part) {
  enum { MOST_OPTIONS = 100 };
  const json_t *list = json_object_get(part, "oneOf");
  const char *type = json_string_value(json_object_get(part, "type"));
  const bool objects = type && strcmp(type, "object") == 0;
  size_t count = json_array_size(list);
  json_t *all = json_array();
  if (count > MOST_OPTIONS)
    rd_schema_fail(r, RD_UNSUPPORTED, "oneOf: %zu schemas, at most %d are supported", count,
                   MOST_OPTIONS);
  for (size_t i = 0; i < count && r->code == RD_OK; i++) {
    json_t *one = json_pack("[O]", json_array_get(list, i));
    for (size_t k = 0; k < count && rd_nfa_step(r->nfa); k++)
      if (k != i &&
          !rd_schemas_apart(r->root, objects, json_array_get(list, i), json_array_get(list, k)))
        json_array_append_new(one, json_pack("{s:O}", "not", json_array_get(list, k)));
    json_array_append_new(all, json_array_size(one) == 1 ? SHARED(json_array_get(list, i))
                                                         : json_pack("{s:O}", "allOf", one));
    json_decref(one);
  }
  return all;
}
