/* SPDX-License-Identifier: MIT */
/* A schema is read from its end: what follows a value is there before the value. A $ref is read
 * again where it stands, as often inside of itself as `turns` says. */
#include "schema_reader.h"

#include "schema_apart.h"
#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FREE = 200, STEPS_OF_SEARCH = 1 << 10 };

static void write_place(const rd_schema_place *p, char *out, size_t room) {
  char step[80];
  if (!p)
    return;
  write_place(p->up, out, room);
  size_t used = strlen(out);
  if (p->name)
    rd_printable(step, sizeof step, p->name, strlen(p->name));
  else
    snprintf(step, sizeof step, "%zu", p->index);
  snprintf(out + used, room - used, "/%s", step);
}

static void fail_with(rd_schema_reader *r, rd_code code, const char *words) {
  char place[400] = "#";
  write_place(r->place, place, sizeof place);
  if (r->code == RD_OK)
    r->code = rd_fail(r->e, code, "schema: at %s: %s", place, words);
}

int32_t rd_schema_fail(rd_schema_reader *r, rd_code code, const char *format, ...) {
  char words[500];
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  fail_with(r, code, words);
  return -1;
}

int32_t rd_schema_none(rd_schema_reader *r, const char *format, ...) {
  char words[500];
  va_list args;
  if (r->merged)
    return rd_nfa_nothing(r->nfa);
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  fail_with(r, RD_BAD_INPUT, words);
  return -1;
}

int64_t rd_schema_count(rd_schema_reader *r, const json_t *schema, const char *key,
                        int64_t missing) {
  const json_t *value = json_object_get(schema, key);
  double number = json_number_value(value);
  if (!value)
    return missing;
  if (!json_is_number(value) || number < 0 || number != (double)(int64_t)number ||
      number > (double)(1 << 30))
    return rd_schema_fail(r, RD_BAD_INPUT, "%s: expected a whole number from 0 to %d", key,
                          1 << 30);
  return (int64_t)number;
}

/* --- values by themselves --------------------------------------------------------------------- */

int32_t rd_schema_comma(rd_nfa *n, int32_t next) {
  return rd_nfa_text(n, ",", 1, rd_nfa_either(n, rd_nfa_text(n, " ", 1, next), next));
}

int32_t rd_schema_colon(rd_nfa *n, int32_t next) {
  return rd_nfa_text(n, ":", 1, rd_nfa_either(n, rd_nfa_text(n, " ", 1, next), next));
}

char *rd_schema_write(rd_schema_reader *r, const json_t *value) {
  char *text = rd_json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
  if (!text)
    rd_schema_fail(r, RD_NO_MEMORY, "no memory for a value, or it is nested too deep");
  return text;
}

int32_t rd_schema_literal(rd_schema_reader *r, const json_t *value, int32_t next) {
  char *text = rd_schema_write(r, value);
  next = text ? rd_nfa_text(r->nfa, text, strlen(text), next) : -1;
  free(text);
  return next;
}

static int32_t any_string(rd_nfa *n, int32_t next) {
  return rd_nfa_text(n, "\"", 1, rd_nfa_string_body(n, 0, -1, next));
}

static int32_t any_scalar(rd_nfa *n, int32_t next) {
  rd_schema_reader r = {.nfa = n};
  static const char *const words[] = {"true", "false", "null"};
  int32_t all = rd_schema_number(&r, NULL, next);
  for (int i = 0; i < 3; i++)
    all = rd_nfa_either(n, rd_nfa_text(n, words[i], strlen(words[i]), next), all);
  return rd_nfa_either(n, any_string(n, next), all);
}

static int32_t any_value(rd_nfa *n, int levels, int32_t next);

/* What repeats between brackets; `item` builds one with what follows. */
static int32_t any_members(rd_nfa *n, bool object, int levels, int32_t next) {
  int32_t close = rd_nfa_text(n, object ? "}" : "]", 1, next), loop = rd_nfa_loop(n);
  int32_t item = any_value(n, levels - 1, loop);
  if (object)
    item = any_string(n, rd_schema_colon(n, item));
  loop = rd_nfa_close_loop(n, loop, rd_schema_comma(n, item), close);
  return rd_nfa_text(n, object ? "{" : "[", 1, loop < 0 ? -1 : rd_nfa_either(n, item, close));
}

static int32_t any_value(rd_nfa *n, int levels, int32_t next) {
  int32_t all = any_scalar(n, next);
  if (levels <= 0 || all < 0)
    return all;
  all = rd_nfa_either(n, any_members(n, false, levels, next), all);
  return rd_nfa_either(n, any_members(n, true, levels, next), all);
}

int32_t rd_schema_any_object(rd_nfa *n, int levels, int32_t next) {
  return any_members(n, true, levels, next);
}

/* Each level doubles what a value takes: with many of them there are fewer, which is seen here
 * before an automaton is made. */
int32_t rd_schema_free(rd_schema_reader *r, bool object, int32_t next) {
  int levels = r->turns > RD_SCHEMA_FREE ? RD_SCHEMA_FREE : r->turns > 0 ? r->turns - 1 : 0;
  if (next < 0 || r->nfa->code != RD_OK)
    return -1;
  r->nfa->deeper = true;
  if (++r->free << levels > MOST_FREE && levels > 0)
    r->nfa->code = rd_fail(&r->nfa->error, RD_BAD_INPUT,
                           "the form is too large: %d values that may be any", r->free);
  return object ? any_members(r->nfa, true, levels > 0 ? levels : 1, next)
                : any_value(r->nfa, levels, next);
}

/* --- types ------------------------------------------------------------------------------------ */

static int32_t build_boolean(rd_schema_reader *r, const json_t *schema, int32_t next) {
  (void)schema;
  return rd_nfa_either(r->nfa, rd_nfa_text(r->nfa, "true", 4, next),
                       rd_nfa_text(r->nfa, "false", 5, next));
}

static int32_t build_null(rd_schema_reader *r, const json_t *schema, int32_t next) {
  (void)schema;
  return rd_nfa_text(r->nfa, "null", 4, next);
}

static bool is_string(const json_t *v) {
  return json_is_string(v);
}
static bool is_object(const json_t *v) {
  return json_is_object(v);
}
static bool is_array(const json_t *v) {
  return json_is_array(v);
}
static bool is_integer(const json_t *v) {
  return json_is_integer(v) ||
         (json_is_real(v) && json_real_value(v) == (double)(json_int_t)json_real_value(v));
}
static bool is_number(const json_t *v) {
  return json_is_number(v);
}
static bool is_boolean(const json_t *v) {
  return json_is_boolean(v);
}
static bool is_null(const json_t *v) {
  return json_is_null(v);
}

/* A type, what builds it, and the keywords that speak of it, from which it is guessed where no type
 * is named. */
static const struct type {
  const char *name;
  int32_t (*build)(rd_schema_reader *r, const json_t *schema, int32_t next);
  bool (*is)(const json_t *value);
  const char *keywords;
} types[] = {
    {"object", rd_schema_object, is_object,
     "properties required additionalProperties patternProperties propertyNames minProperties "
     "maxProperties unevaluatedProperties"},
    {"array", rd_schema_array, is_array,
     "items prefixItems minItems maxItems uniqueItems contains unevaluatedItems"},
    {"string", rd_schema_string, is_string, "minLength maxLength pattern format"},
    {"number", rd_schema_number, is_number,
     "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf"},
    {"integer", rd_schema_integer, is_integer, ""},
    {"boolean", build_boolean, is_boolean, ""},
    {"null", build_null, is_null, ""},
};
static const rd_table type_table = RD_TABLE("type", types);

const char *rd_schema_type_of(const json_t *value) {
  size_t i = 0;
  while (!types[i].is(value)) /* every value is of one of them */
    i++;
  return types[i].name;
}

static const struct type *find_type(rd_schema_reader *r, const json_t *name) {
  rd_error why = {0};
  const char *text = json_string_value(name);
  const struct type *row = rd_table_find(&type_table, text ? text : "that is no text", &why);
  if (!row)
    rd_schema_fail(r, RD_BAD_INPUT, "%s", why.message);
  return row;
}

/* Does "type", a name or a list of them, allow the value? */
static bool type_allows(rd_schema_reader *r, const json_t *type, const json_t *value) {
  size_t count = json_is_array(type) ? json_array_size(type) : type != NULL;
  for (size_t i = 0; i < count; i++) {
    const struct type *row = find_type(r, json_is_array(type) ? json_array_get(type, i) : type);
    if (row && row->is(value))
      return true;
  }
  return !type;
}

static int32_t build_types(rd_schema_reader *r, const json_t *schema, const json_t *type,
                           int32_t next) {
  size_t count = json_is_array(type) ? json_array_size(type) : 1;
  int32_t all = -1;
  if (count == 0)
    return rd_schema_fail(r, RD_BAD_INPUT, "type: an empty list allows nothing");
  for (size_t i = count; i-- > 0;) {
    const struct type *row = find_type(r, json_is_array(type) ? json_array_get(type, i) : type);
    int32_t one = row ? row->build(r, schema, next) : -1;
    if (one < 0)
      return -1;
    all = rd_nfa_either(r->nfa, one, all);
  }
  return all;
}

/* No type is named: the one that the keywords speak of, or any value. */
static int32_t build_untyped(rd_schema_reader *r, const json_t *schema, int32_t next) {
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)schema, key, value)
      if (rd_name_listed(types[i].keywords, key))
        return types[i].build(r, schema, next);
  }
  return rd_schema_free(r, false, next);
}

/* --- schemas made of schemas ------------------------------------------------------------------ */

static int32_t build_values(rd_schema_reader *r, const json_t *values, const json_t *type,
                            const char *what, int32_t next) {
  int32_t all = -1;
  if (!json_is_array(values) || json_array_size(values) == 0)
    return rd_schema_fail(r, RD_BAD_INPUT, "%s: expected a list of values", what);
  for (size_t i = json_array_size(values); i-- > 0;) {
    const json_t *value = json_array_get(values, i);
    if (!type_allows(r, type, value))
      continue;
    int32_t one = rd_schema_literal(r, value, next);
    if (one < 0)
      return -1;
    all = rd_nfa_either(r->nfa, one, all);
  }
  return all >= 0 ? all : rd_schema_none(r, "%s: no value is of the type asked for", what);
}

static int32_t build_any_of(rd_schema_reader *r, const json_t *list, const char *key,
                            int32_t next) {
  int32_t all = -1;
  if (!json_is_array(list) || json_array_size(list) == 0)
    return rd_schema_fail(r, RD_BAD_INPUT, "%s: expected a list of schemas", key);
  const rd_schema_place place = {r->place, key, 0};
  /* cppcheck-suppress autoVariables ; it is taken back below */
  r->place = &place;
  for (size_t i = json_array_size(list); i-- > 0 && r->code == RD_OK;) {
    int32_t one = rd_schema_inside(r, json_array_get(list, i), NULL, i, next);
    all = one < 0 ? -1 : rd_nfa_either(r->nfa, one, all);
  }
  r->place = place.up;
  return r->code == RD_OK ? all : -1;
}

bool rd_schema_follow(rd_schema_reader *r, const json_t *ref, const json_t **target) {
  const char *pointer = json_string_value(ref);
  char shown[80];
  int turns = 0;
  *target = pointer ? rd_schema_resolve(r->root, pointer) : NULL;
  if (pointer && strncmp(pointer, "#/", 2) != 0)
    r->nfa->built += STEPS_OF_SEARCH;
  if (!pointer || (pointer[0] != '#' && !*target))
    return rd_schema_fail(r, pointer ? RD_UNSUPPORTED : RD_BAD_INPUT,
                          "$ref: a pointer into the schema itself is expected, "
                          "\"#/$defs/..\"") > 0;
  if (!*target)
    return rd_schema_fail(r, RD_BAD_INPUT, "$ref: there is no %s",
                          rd_printable(shown, sizeof shown, pointer, strlen(pointer))) > 0;
  for (int i = 0; i < r->depth; i++)
    turns += r->open[i] == *target;
  r->nfa->deeper = r->nfa->deeper || turns > 0;
  if (turns > r->turns)
    *target = NULL;
  return true;
}

static int32_t build_ref(rd_schema_reader *r, const json_t *ref, int32_t next) {
  const json_t *target;
  if (!rd_schema_follow(r, ref, &target))
    return -1;
  return target ? rd_schema_inside(r, target, "$ref", 0, next) : rd_nfa_nothing(r->nfa);
}

/* --- keywords --------------------------------------------------------------------------------- */

/* Keywords whose meaning is not here. What has no meaning for values (title, default, ..) is passed
 * over. */
static const char unsupported[] = "$dynamicRef $recursiveRef";

/* Ways to say a value that are read alone, and keywords beside which schemas are merged. */
static const char *const alone[] = {"$ref",
                                    "anyOf",
                                    "oneOf",
                                    "allOf",
                                    "const",
                                    "enum",
                                    "not",
                                    "if",
                                    "dependentRequired",
                                    "dependentSchemas",
                                    "dependencies"};
static const char rewritten[] = "not if dependentRequired dependentSchemas dependencies";
static const char restricting[] =
    "properties required additionalProperties patternProperties propertyNames minProperties "
    "maxProperties items prefixItems minItems maxItems uniqueItems contains minLength maxLength "
    "pattern format minimum maximum exclusiveMinimum exclusiveMaximum multipleOf type "
    "unevaluatedProperties unevaluatedItems " RD_SCHEMA_REST " " RD_SCHEMA_REST_ITEMS;

bool rd_schema_restricts(const char *key) {
  for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
    if (strcmp(key, alone[i]) == 0)
      return true;
  return rd_name_listed(restricting, key);
}

bool rd_schema_check(rd_schema_reader *r, const json_t *schema) {
  const char *key;
  json_t *value;
  if (!json_is_object(schema))
    return rd_schema_fail(r, RD_BAD_INPUT, "expected a schema: an object, true or false") > 0;
  json_object_foreach((json_t *)(uintptr_t)schema, key, value) {
    if (rd_name_listed(unsupported, key))
      return rd_schema_fail(r, RD_UNSUPPORTED, "%s is not supported", key) > 0;
  }
  return true;
}

/* The one way that the schema says a value in, where no other stands beside it; *merge: there is
 * more than that. A type beside values is no more. */
static const char *first_alone(const json_t *schema, bool *merge) {
  const char *found = NULL, *key;
  json_t *value;
  size_t said = 0;
  for (size_t i = 0; i < sizeof alone / sizeof *alone; i++)
    if (json_object_get(schema, alone[i])) {
      found = alone[i];
      said++;
    }
  bool values = found && (strcmp(found, "const") == 0 || strcmp(found, "enum") == 0);
  json_object_foreach((json_t *)(uintptr_t)schema, key, value)
    said += rd_name_listed(restricting, key) && !(values && strcmp(key, "type") == 0);
  *merge = found &&
           (said > 1 || rd_name_listed(rewritten, found) ||
            (strcmp(found, "allOf") == 0 && json_array_size(json_object_get(schema, found)) != 1));
  return found;
}

static int32_t build_alone(rd_schema_reader *r, const json_t *schema, const char *key,
                           int32_t next) {
  const json_t *value = json_object_get(schema, key), *type = json_object_get(schema, "type");
  if (strcmp(key, "$ref") == 0)
    return build_ref(r, value, next);
  if (strcmp(key, "enum") == 0)
    return build_values(r, value, type, key, next);
  if (strcmp(key, "const") == 0) {
    if (!type_allows(r, type, value))
      return rd_schema_fail(r, RD_BAD_INPUT, "const: not of the type asked for");
    return rd_schema_literal(r, value, next);
  }
  json_t *one_of =
      strcmp(key, "oneOf") == 0 && json_is_array(value) ? rd_schema_one_of(r, schema) : NULL;
  next = r->code == RD_OK ? build_any_of(r, one_of ? one_of : value, key, next) : -1;
  json_decref(one_of);
  return next;
}

static int32_t build_typed(rd_schema_reader *r, const json_t *schema, int32_t next) {
  const json_t *type = json_object_get(schema, "type");
  return type ? build_types(r, schema, type, next) : build_untyped(r, schema, next);
}

/* --- schemas that were merged ------------------------------------------------------------------
 */

/* The schema without one keyword, kept by the reader; NULL: it has failed. */
static json_t *without(rd_schema_reader *r, const json_t *schema, const char *key) {
  json_t *rest = json_copy((json_t *)(uintptr_t)schema);
  if (!rest || json_array_append_new(r->made, rest) != 0) {
    rd_schema_fail(r, RD_NO_MEMORY, "no memory for what it is made of");
    return NULL;
  }
  json_object_del(rest, key);
  return rest;
}

/* Keywords speak of values of their types alone: so that of no type it is guessed, the types that
 * the values are of are named. */
static void name_types(json_t *schema, const json_t *values) {
  json_t *names = json_array();
  for (size_t t = 0; t < sizeof types / sizeof *types; t++)
    for (size_t i = 0; i < json_array_size(values); i++)
      if (types[t].is(json_array_get(values, i))) {
        json_array_append_new(names, json_string(types[t].name));
        break;
      }
  json_object_set_new(schema, "type", names);
}

/* Of the values those that the rest of the schema allows, too: their texts are compared with its
 * texts. */
static int32_t build_allowed(rd_schema_reader *r, const json_t *schema, int32_t next) {
  const json_t *values = json_object_get(schema, "enum"), *type = json_object_get(schema, "type");
  json_t *rest = without(r, schema, "enum");
  json_t *left = json_array(), *value;
  const char *key;
  size_t said = 0;
  rd_dfa texts = {0};
  json_object_foreach((json_t *)(uintptr_t)rest, key, value)
    said += rd_schema_restricts(key) && strcmp(key, "type") != 0;
  if (rest && !type)
    name_types(rest, values);
  if (said == 0 || (rest && rd_schema_open_texts(r, rest, &texts) == RD_OK))
    for (size_t i = 0; i < json_array_size(values) && r->code == RD_OK; i++) {
      value = json_array_get(values, i);
      if (said == 0 || rd_schema_has_text(r, &texts, value))
        json_array_append(left, value);
    }
  if (r->code == RD_OK)
    next = json_array_size(left) > 0
             ? build_values(r, left, type, "enum", next)
             : rd_schema_none(r, "enum: no value is what the keywords beside it ask for");
  rd_dfa_drop(&texts);
  json_decref(left);
  return r->code == RD_OK ? next : -1;
}

/* Each of the alternatives with what stands beside them. */
static int32_t build_each(rd_schema_reader *r, const json_t *schema, int32_t next) {
  const json_t *list = json_object_get(schema, "anyOf"), *rest = without(r, schema, "anyOf");
  json_t *all = json_array();
  for (size_t i = 0; i < json_array_size(list) && rest && r->code == RD_OK; i++) {
    const json_t *both = rd_schema_both(r, rest, json_array_get(list, i));
    json_array_append(all, (json_t *)(uintptr_t)(both ? both : json_true()));
  }
  next = r->code == RD_OK ? build_any_of(r, json_is_array(list) ? all : list, "anyOf", next) : -1;
  json_decref(all);
  return next;
}

static int32_t build_merged(rd_schema_reader *r, const json_t *schema, int32_t next) {
  const int depth = r->depth;
  const bool merged = r->merged;
  const json_t *plain = rd_schema_flatten(r, schema);
  r->merged = merged || json_object_get(schema, "allOf") || json_object_get(schema, "$ref") ||
              json_object_get(schema, "oneOf") || (plain && json_object_get(plain, "anyOf"));
  if (!plain)
    next = -1;
  else if (json_is_false(plain))
    next = rd_nfa_nothing(r->nfa);
  else if (json_object_get(plain, "enum"))
    next = build_allowed(r, plain, next);
  else if (json_object_get(plain, "anyOf"))
    next = build_each(r, plain, next);
  else
    next = build_typed(r, plain, next);
  r->depth = depth;
  r->merged = merged;
  return next;
}

int32_t rd_schema_value(rd_schema_reader *r, const json_t *schema, int32_t next) {
  bool merge = false;
  if (next < 0 || r->code != RD_OK)
    return -1;
  if (json_is_true(schema))
    return rd_schema_free(r, false, next);
  if (json_is_false(schema))
    return rd_nfa_nothing(r->nfa);
  if (!rd_schema_check(r, schema))
    return -1;
  const char *key = first_alone(schema, &merge);
  if (merge)
    return build_merged(r, schema, next);
  return key ? build_alone(r, schema, key, next) : build_typed(r, schema, next);
}

int32_t rd_schema_inside(rd_schema_reader *r, const json_t *schema, const char *name, size_t index,
                         int32_t next) {
  const rd_schema_place place = {r->place, name, index};
  if (r->code != RD_OK || next < 0)
    return -1;
  /* cppcheck-suppress autoVariables ; it is taken back below */
  r->place = &place;
  if (r->depth == RD_SCHEMA_DEEPEST) {
    rd_schema_fail(r, RD_BAD_INPUT, "nested deeper than %d levels", RD_SCHEMA_DEEPEST);
    return -1;
  }
  const bool merged = r->merged;
  r->open[r->depth++] = schema;
  r->merged = false;
  next = rd_schema_value(r, schema, next);
  r->merged = merged;
  r->depth--;
  r->place = place.up;
  return next;
}

rd_code rd_schema_build(int32_t *start, rd_nfa *n, const json_t *schema, int turns, int32_t next,
                        rd_error *e) {
  rd_schema_reader r = {.nfa = n, .root = schema, .turns = turns, .e = e};
  r.open[r.depth++] = schema;
  *start = rd_schema_value(&r, schema, next);
  if (r.code == RD_OK && *start < 0)
    r.code = rd_nfa_check(n, e);
  json_decref(r.made);
  return r.code;
}
