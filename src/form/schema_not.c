/* SPDX-License-Identifier: MIT */
/* What a schema does not allow, by De Morgan's laws: a value that breaks one keyword at least, a
 * row of a table for each. Keywords whose opposite no keyword says (multipleOf, formats, keys that
 * are not named) have no row: values that break them alone are left out, which leaves fewer values
 * and no wrong ones. */
#include "schema_reader.h"

#include "schema_apart.h"

#include <string.h>

enum { MOST_NUMBERS = 64 };

typedef struct negation {
  rd_schema_reader *r;
  const json_t *schema; /* what is negated */
  json_t *list;         /* of alternatives */
} negation;

/* Takes the alternative over. */
static void offer(negation *n, json_t *alternative) {
  if (!alternative || json_array_append_new(n->list, alternative) != 0)
    rd_schema_fail(n->r, RD_NO_MEMORY, "no memory for what it is made of");
}

static void not_type(negation *n, const char *with, const json_t *value) {
  offer(n, json_pack("{s:{s:O}}", "not", with, value));
}

static void not_required(negation *n, const char *with, const json_t *value) {
  for (size_t i = 0; i < json_array_size(value); i++) {
    const char *name = json_string_value(json_array_get(value, i));
    if (name)
      offer(n, json_pack("{s:s,s:{s:b}}", "type", "object", with, name, 0));
  }
}

static void not_properties(negation *n, const char *with, const json_t *value) {
  const char *name;
  json_t *one;
  json_object_foreach((json_t *)(uintptr_t)value, name, one)
    offer(n, json_pack("{s:s,s:[s],s:{s:{s:O}}}", "type", "object", "required", name, with, name,
                       "not", one));
}

/* The other side of a bound. */
static void not_number(negation *n, const char *with, const json_t *value) {
  offer(n, json_pack("{s:s,s:O}", "type", "number", with, value));
}

/* One fewer, or one more, of what `with` counts. */
static void not_count(negation *n, const char *with, const json_t *value) {
  bool most = strncmp(with, "max", 3) == 0;
  json_int_t count = (json_int_t)json_number_value(value) + (most ? -1 : 1);
  const char *type = strstr(with, "Length") ? "string" : strstr(with, "Items") ? "array" : "object";
  if (count >= 0)
    offer(n, json_pack("{s:s,s:I}", "type", type, with, count));
}

static void not_pattern(negation *n, const char *with, const json_t *value) {
  offer(n, json_pack("{s:s,s:{s:O}}", "type", "string", "not", with, value));
}

/* One item at least that is not so; none that is. Nothing where the keyword speaks of the items
 * behind others, or counts them. */
static void not_items(negation *n, const char *with, const json_t *value) {
  if (!json_is_array(value) && !json_object_get(n->schema, "prefixItems") &&
      !json_object_get(n->schema, "minContains") && !json_object_get(n->schema, "maxContains"))
    offer(n, json_pack("{s:s,s:{s:O}}", "type", "array", with, "not", value));
}

static void not_all(negation *n, const char *with, const json_t *value) {
  for (size_t i = 0; i < json_array_size(value); i++)
    offer(n, json_pack("{s:O}", with, json_array_get(value, i)));
}

static void not_any(negation *n, const char *with, const json_t *value) {
  json_t *all = json_array();
  for (size_t i = 0; i < json_array_size(value); i++)
    json_array_append_new(all, json_pack("{s:O}", "not", json_array_get(value, i)));
  offer(n, json_pack("{s:o}", with, all));
}

static void not_not(negation *n, const char *with, const json_t *value) {
  (void)with;
  offer(n, json_incref((json_t *)(uintptr_t)value));
}

static void not_ref(negation *n, const char *with, const json_t *value) {
  const char *pointer = json_string_value(value);
  const json_t *target = pointer ? rd_schema_resolve(n->r->root, pointer) : NULL;
  if (target)
    offer(n, json_pack("{s:O}", with, target));
}

/* --- values ----------------------------------------------------------------------------------- */

/* The numbers of a list in order, each once. */
static size_t numbers_of(const json_t *values, double *numbers) {
  size_t count = 0;
  for (size_t i = 0; i < json_array_size(values) && count < MOST_NUMBERS; i++) {
    double x = json_number_value(json_array_get(values, i));
    size_t at = 0;
    if (!json_is_number(json_array_get(values, i)))
      continue;
    while (at < count && numbers[at] < x)
      at++;
    if (at < count && numbers[at] == x)
      continue;
    memmove(numbers + at + 1, numbers + at, (count - at) * sizeof *numbers);
    numbers[at] = x;
    count++;
  }
  return count;
}

/* What lies below, between and above numbers. */
static void between_numbers(negation *n, const double *numbers, size_t count) {
  for (size_t i = 0; i <= count; i++) {
    json_t *one = json_pack("{s:s}", "type", "number");
    if (i > 0)
      json_object_set_new(one, "exclusiveMinimum", json_real(numbers[i - 1]));
    if (i < count)
      json_object_set_new(one, "exclusiveMaximum", json_real(numbers[i]));
    offer(n, one);
  }
}

/* Values of other types than those of the list; then of each type that there is in it those that
 * are not listed. Of arrays and objects none. */
static void not_values(negation *n, const char *with, const json_t *value) {
  json_t *values = strcmp(with, "const") == 0 ? json_pack("[O]", value)
                                              : json_incref((json_t *)(uintptr_t)value);
  json_t *others =
             json_pack("[s,s,s,s,s,s]", "object", "array", "string", "number", "boolean", "null"),
         *texts = json_array(), *truths = json_array();
  double numbers[MOST_NUMBERS + 1];
  size_t count = numbers_of(values, numbers);
  for (size_t i = 0; i < json_array_size(values); i++) {
    const json_t *one = json_array_get(values, i);
    const char *type = rd_schema_type_of(one);
    for (size_t k = 0; k < json_array_size(others); k++)
      if (strcmp(json_string_value(json_array_get(others, k)), type) == 0)
        json_array_remove(others, k);
    if (json_is_string(one))
      json_array_append(texts, (json_t *)(uintptr_t)one);
  }
  for (int i = 0; i < 2; i++)
    if (!rd_schema_listed(values, i ? json_true() : json_false()))
      json_array_append_new(truths, json_boolean(i));
  if (json_array_size(others) > 0)
    offer(n, json_pack("{s:O}", "type", others));
  if (json_array_size(texts) > 0)
    offer(n, json_pack("{s:s,s:{s:O}}", "type", "string", "not", "enum", texts));
  if (json_array_size(truths) == 1)
    offer(n, json_pack("{s:O}", "enum", truths));
  if (count > 0 && count < MOST_NUMBERS)
    between_numbers(n, numbers, count);
  json_decref(values);
  json_decref(others);
  json_decref(texts);
  json_decref(truths);
}

/* --- keywords --------------------------------------------------------------------------------- */

/* A keyword, what offers values that break it, and the keyword that says so. */
static const struct row {
  const char *name;
  void (*negate)(negation *n, const char *with, const json_t *value);
  const char *with;
} rows[] = {
    {"type", not_type, "type"},
    {"required", not_required, "properties"},
    {"properties", not_properties, "properties"},
    {"const", not_values, "const"},
    {"enum", not_values, "enum"},
    {"minimum", not_number, "exclusiveMaximum"},
    {"maximum", not_number, "exclusiveMinimum"},
    {"exclusiveMinimum", not_number, "maximum"},
    {"exclusiveMaximum", not_number, "minimum"},
    {"minLength", not_count, "maxLength"},
    {"maxLength", not_count, "minLength"},
    {"minItems", not_count, "maxItems"},
    {"maxItems", not_count, "minItems"},
    {"minProperties", not_count, "maxProperties"},
    {"maxProperties", not_count, "minProperties"},
    {"pattern", not_pattern, "pattern"},
    {"items", not_items, "contains"},
    {"contains", not_items, "items"},
    {"allOf", not_all, "not"},
    {"anyOf", not_any, "allOf"},
    {"not", not_not, NULL},
    {"$ref", not_ref, "not"},
};

json_t *rd_schema_negate(rd_schema_reader *r, const json_t *schema) {
  negation n = {r, schema, json_array()};
  for (size_t i = 0; i < sizeof rows / sizeof *rows && r->code == RD_OK; i++) {
    const json_t *value = json_object_get(schema, rows[i].name);
    if (value)
      rows[i].negate(&n, rows[i].with, value);
  }
  return n.list;
}
