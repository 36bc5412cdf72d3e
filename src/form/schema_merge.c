/* SPDX-License-Identifier: MIT */
/* Part after part is taken into one object, a row of a table for each keyword that two parts may
 * say differently. What stands inside of properties and items is only put side by side, as an allOf
 * that is merged when it is read: so a $ref that leads back to itself is followed as far as the
 * reader goes, and no further. */
#include "schema_reader.h"

#include "schema_apart.h"
#include "table.h"

#include <math.h>
#include <string.h>

enum { MOST_NOTS = 64, STEPS_OF_FLATTEN = 64 };

/* jansson does not write through what it hands out here. */
#define SHARED(value) json_incref((json_t *)(uintptr_t)(value))

typedef struct merger {
  rd_schema_reader *r;
  const json_t *whole;
  json_t *into; /* an object */
  bool nothing; /* no value is left */
  const json_t *nots[MOST_NOTS];
  size_t not_count;
} merger;

static json_t *keep(rd_schema_reader *r, json_t *value) {
  if (!r->made)
    r->made = json_array();
  if (rd_nfa_step(r->nfa) && json_array_append(r->made, value) != 0)
    rd_schema_fail(r, RD_NO_MEMORY, "no memory for what it is made of");
  json_decref(value); /* the list has it, or nobody */
  return r->code == RD_OK && r->nfa->code == RD_OK ? value : NULL;
}

static void put(merger *m, const char *key, json_t *value) {
  if (rd_nfa_step(m->r->nfa) && json_object_set(m->into, key, value) != 0)
    rd_schema_fail(m->r, RD_NO_MEMORY, "no memory for what it is made of");
  json_decref(value);
}

const json_t *rd_schema_both(rd_schema_reader *r, const json_t *a, const json_t *b) {
  bool all_a = !a || json_is_true(a), all_b = !b || json_is_true(b);
  if (all_a || all_b || a == b)
    return all_a ? b : a;
  if (json_is_false(a) || json_is_false(b))
    return json_false();
  return keep(r, json_pack("{s:[O,O]}", "allOf", a, b));
}

/* --- keywords that two parts say -------------------------------------------------------------- */

static void take(merger *m, const json_t *part);

static void merge_most(merger *m, const char *key, const json_t *a, const json_t *b) {
  put(m, key, SHARED(json_number_value(a) > json_number_value(b) ? a : b));
}

static void merge_least(merger *m, const char *key, const json_t *a, const json_t *b) {
  put(m, key, SHARED(json_number_value(a) < json_number_value(b) ? a : b));
}

static void merge_either(merger *m, const char *key, const json_t *a, const json_t *b) {
  put(m, key, json_boolean(json_is_true(a) || json_is_true(b)));
}

static void merge_schemas(merger *m, const char *key, const json_t *a, const json_t *b) {
  const json_t *both = rd_schema_both(m->r, a, b);
  if (both)
    put(m, key, SHARED(both));
}

static void merge_same(merger *m, const char *key, const json_t *a, const json_t *b) {
  if (!json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b))
    rd_schema_fail(m->r, RD_UNSUPPORTED, "two of %s for one array are not supported", key);
}

static bool has_name(const json_t *list, const char *name) {
  for (size_t i = 0; i < json_array_size(list); i++) {
    const char *text = json_string_value(json_array_get(list, i));
    if (text && strcmp(text, name) == 0)
      return true;
  }
  return false;
}

/* The names of both, each once: what is required is looked into name by name. */
static void merge_names(merger *m, const char *key, const json_t *a, const json_t *b) {
  json_t *all = json_copy((json_t *)(uintptr_t)a);
  for (size_t i = 0; i < json_array_size(b) && rd_nfa_step(m->r->nfa); i++) {
    json_t *name = json_array_get(b, i);
    if (!json_is_string(name) || !has_name(all, json_string_value(name)))
      json_array_append(all, name);
  }
  put(m, key, all);
}

static void merge_multiples(merger *m, const char *key, const json_t *a, const json_t *b) {
  double x = json_number_value(a), y = json_number_value(b), low = x, high = y;
  while (low > 0 && high > 0 && low == floor(low) && high == floor(high) && fmod(high, low) != 0) {
    double rest = fmod(high, low);
    high = low;
    low = rest;
  }
  if (x != y && (low <= 0 || low != floor(low) || high != floor(high)))
    rd_schema_fail(m->r, RD_UNSUPPORTED, "multiples of both %g and %g are not supported", x, y);
  else
    put(m, key, json_real(x == y ? x : x / low * y));
}

/* One text for a pattern, a format: a second one is kept in allOf. */
static void merge_texts(merger *m, const char *key, const json_t *a, const json_t *b) {
  json_t *list = json_object_get(m->into, "allOf");
  if (json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b))
    return;
  if (!list) {
    list = json_array();
    put(m, "allOf", list);
  }
  for (size_t i = 0; i < json_array_size(list); i++)
    if (json_equal(json_object_get(json_array_get(list, i), key), (json_t *)(uintptr_t)b))
      return;
  if (json_array_append_new(list, json_pack("{s:O}", key, b)) != 0)
    rd_schema_fail(m->r, RD_NO_MEMORY, "no memory for what it is made of");
}

/* A name or a list of names as a list. */
static json_t *as_list(const json_t *value) {
  return json_is_array(value) ? json_copy((json_t *)(uintptr_t)value) : json_pack("[O]", value);
}

/* Names that both lists have; a number that is one of integers is an integer. */
static void merge_types(merger *m, const char *key, const json_t *a, const json_t *b) {
  json_t *x = as_list(a), *y = as_list(b), *all = json_array();
  for (size_t i = 0; i < json_array_size(x); i++) {
    const char *name = json_string_value(json_array_get(x, i));
    bool number = name && strcmp(name, "number") == 0, integer = name && !strcmp(name, "integer");
    if (name && (has_name(y, name) || (integer && has_name(y, "number"))))
      json_array_append_new(all, json_string(name));
    else if (number && has_name(y, "integer"))
      json_array_append_new(all, json_string("integer"));
  }
  m->nothing = m->nothing || json_array_size(all) == 0;
  put(m, key, json_array_size(all) == 1 ? json_incref(json_array_get(all, 0)) : json_incref(all));
  json_decref(all);
  json_decref(x);
  json_decref(y);
}

static void merge_values(merger *m, const char *key, const json_t *a, const json_t *b) {
  json_t *all = json_array();
  for (size_t i = 0; i < json_array_size(a) && rd_nfa_step(m->r->nfa); i++)
    if (rd_schema_listed(b, json_array_get(a, i)))
      json_array_append(all, json_array_get(a, i));
  m->nothing = m->nothing || json_array_size(all) == 0;
  put(m, key, all);
}

/* Alternatives beside those that there are already. One that is left alone is taken as it is. */
static void merge_options(merger *m, const char *key, const json_t *a, const json_t *b) {
  json_t *beside = json_copy(m->into);
  json_object_del(beside, key);
  json_t *kept = keep(m->r, beside), *all = kept ? rd_schema_ways(m->r, kept, a, b) : json_array();
  json_object_del(m->into, key);
  m->nothing = m->nothing || (json_array_size(all) == 0 && m->r->code == RD_OK);
  if (json_array_size(all) == 1)
    take(m, json_array_get(all, 0));
  else
    put(m, key, json_incref(all));
  json_decref(all);
}

static const struct row {
  const char *names;
  void (*merge)(merger *m, const char *key, const json_t *a, const json_t *b);
} rows[] = {
    {"minimum exclusiveMinimum minLength minItems minProperties", merge_most},
    {"maximum exclusiveMaximum maxLength maxItems maxProperties", merge_least},
    {"uniqueItems", merge_either},
    {"propertyNames " RD_SCHEMA_REST " " RD_SCHEMA_REST_ITEMS, merge_schemas},
    {"contains minContains maxContains", merge_same},
    {"required", merge_names},
    {"multipleOf", merge_multiples},
    {"pattern format", merge_texts},
    {"type", merge_types},
    {"enum", merge_values},
    {"anyOf", merge_options},
};

/* Keywords with a meaning of their own for a part, which are looked at apart from the rows. */
static const char apart[] = "$ref allOf oneOf not if then else dependentRequired dependentSchemas "
                            "dependencies const properties additionalProperties "
                            "patternProperties items prefixItems additionalItems $defs definitions "
                            "unevaluatedProperties unevaluatedItems";

static void take_keyword(merger *m, const char *key, const json_t *value) {
  const json_t *mine = json_object_get(m->into, key);
  size_t i = 0;
  while (i < sizeof rows / sizeof *rows && !rd_name_listed(rows[i].names, key))
    i++;
  if (!mine)
    put(m, key, SHARED(value));
  else if (i < sizeof rows / sizeof *rows)
    rows[i].merge(m, key, mine, value);
}

/* --- objects and arrays ----------------------------------------------------------------------- */

/* Is the name in a pattern of the part's? What the pattern says of it is kept beside it. */
static bool in_pattern(rd_schema_reader *r, const json_t *part, const char *name) {
  const char *pattern;
  json_t *value, *text = json_string(name);
  bool is = false;
  json_object_foreach(json_object_get(part, "patternProperties"), pattern, value) {
    json_t *one = json_pack("{s:s}", "pattern", pattern);
    rd_dfa texts = {0};
    is = is ||
         (rd_schema_open_texts(r, one, &texts) == RD_OK && rd_schema_has_text(r, &texts, text));
    rd_dfa_drop(&texts);
    json_decref(one);
  }
  json_decref(text);
  return is;
}

/* What a part says of a property; NULL: nothing. */
static const json_t *property_of(rd_schema_reader *r, const json_t *part, const char *name) {
  const json_t *named = json_object_get(json_object_get(part, "properties"), name);
  const json_t *others = json_object_get(part, "additionalProperties");
  if (!named && others && in_pattern(r, part, name))
    others = NULL;
  return named ? named : others;
}

/* What one side says of other names holds for those in a pattern that the other side has, unless it
 * has names of its own there, or patterns: which names these are would have to be told apart. */
static const json_t *settled(merger *m, const json_t *side, const json_t *patterns,
                             const char *pattern, const json_t *value) {
  const json_t *others = json_object_get(side, "additionalProperties");
  json_t *one = json_pack("{s:{s:b}}", "patternProperties", pattern, 1), *of_name;
  const char *name;
  bool mixed = json_object_size(json_object_get(side, "patternProperties")) > 0;
  if (others && !json_is_true(others) && !json_object_get(patterns, pattern)) {
    json_object_foreach(json_object_get(side, "properties"), name, of_name)
      mixed = mixed || in_pattern(m->r, one, name);
    if (mixed)
      rd_schema_fail(m->r, RD_UNSUPPORTED,
                     "additionalProperties of one schema beside the pattern %s of another",
                     pattern);
    value = rd_schema_both(m->r, value, others);
  }
  json_decref(one);
  return value;
}

static void take_properties(merger *m, const json_t *part) {
  const json_t *mine = json_object_get(m->into, "properties");
  const json_t *theirs = json_object_get(part, "properties"), *lists[] = {mine, theirs};
  const json_t *patterns = json_object_get(part, "patternProperties");
  json_t *all = json_object(), *joined = json_object(), *value;
  const char *name;
  for (int i = 0; i < 2; i++)
    json_object_foreach((json_t *)(uintptr_t)lists[i], name, value) {
      const json_t *both =
          rd_schema_both(m->r, property_of(m->r, m->into, name), property_of(m->r, part, name));
      if (!rd_nfa_step(m->r->nfa) || m->r->code != RD_OK)
        break;
      json_object_set(all, name, (json_t *)(uintptr_t)(both ? both : json_true()));
    }
  const json_t *before = json_object_get(m->into, "patternProperties");
  json_object_foreach((json_t *)(uintptr_t)before, name, value) {
    const json_t *both = settled(m, part, patterns, name, value);
    json_object_set(joined, name, (json_t *)(uintptr_t)(both ? both : json_true()));
  }
  json_object_foreach((json_t *)(uintptr_t)patterns, name, value) {
    const json_t *both = rd_schema_both(m->r, json_object_get(joined, name),
                                        settled(m, m->into, before, name, value));
    json_object_set(joined, name, (json_t *)(uintptr_t)(both ? both : json_true()));
  }
  const json_t *others = rd_schema_both(m->r, json_object_get(m->into, "additionalProperties"),
                                        json_object_get(part, "additionalProperties"));
  if (mine || theirs)
    put(m, "properties", SHARED(all));
  if (json_object_size(joined) > 0)
    put(m, "patternProperties", SHARED(joined));
  if (others)
    put(m, "additionalProperties", SHARED(others));
  json_decref(all);
  json_decref(joined);
}

static void take_items(merger *m, const json_t *part) {
  size_t mine = rd_schema_prefix(m->into), theirs = rd_schema_prefix(part);
  size_t most = mine > theirs ? mine : theirs;
  json_t *prefix = json_array();
  for (size_t i = 0; i <= most && rd_nfa_step(m->r->nfa); i++) {
    const json_t *both = rd_schema_both(m->r, rd_schema_item(m->into, i), rd_schema_item(part, i));
    both = both ? both : json_true();
    if (i < most)
      json_array_append(prefix, (json_t *)(uintptr_t)both);
    else
      put(m, "items", SHARED(both));
  }
  if (most > 0)
    put(m, "prefixItems", SHARED(prefix));
  json_decref(prefix);
}

/* --- parts ------------------------------------------------------------------------------------ */

static void take_ref(merger *m, const json_t *ref) {
  rd_schema_reader *r = m->r;
  const json_t *target = NULL;
  if (!rd_schema_follow(r, ref, &target))
    return;
  if (!target) {
    m->nothing = true;
    return;
  }
  if (r->depth == RD_SCHEMA_DEEPEST) {
    rd_schema_fail(r, RD_BAD_INPUT, "nested deeper than %d levels", RD_SCHEMA_DEEPEST);
    return;
  }
  r->open[r->depth++] = target;
  take(m, target);
}

static void take_made(merger *m, const json_t *part) {
  const json_t *one_of = json_object_get(part, "oneOf"), *all_of = json_object_get(part, "allOf");
  const json_t *ref = json_object_get(part, "$ref"), *negation = json_object_get(part, "not");
  json_t *conditions = rd_schema_conditions(m->r, part);
  json_t *options = json_is_array(one_of) ? rd_schema_one_of(m->r, part) : SHARED(one_of);
  if (options)
    take_keyword(m, "anyOf", options);
  for (size_t i = 0; i < json_array_size(conditions); i++)
    merge_options(m, "anyOf", json_object_get(m->into, "anyOf"), json_array_get(conditions, i));
  json_decref(options);
  json_decref(conditions);
  if (all_of && (!json_is_array(all_of) || json_array_size(all_of) == 0))
    rd_schema_fail(m->r, RD_BAD_INPUT, "allOf: expected a list of schemas");
  if (negation && m->not_count == MOST_NOTS)
    rd_schema_fail(m->r, RD_UNSUPPORTED, "more than %d times not for one value", MOST_NOTS);
  else if (negation)
    m->nots[m->not_count++] = negation;
  if (ref)
    take_ref(m, ref);
  for (size_t i = 0; i < json_array_size(all_of); i++)
    take(m, json_array_get(all_of, i));
}

/* --- what nothing else speaks of -------------------------------------------------------------- */

static const struct rest {
  const char *said, *kept;    /* the keyword, and its name where all that was merged counts */
  const char *others, *older; /* what it is in a part without parts */
} rests[] = {{"unevaluatedProperties", RD_SCHEMA_REST, "additionalProperties", NULL},
             {"unevaluatedItems", RD_SCHEMA_REST_ITEMS, "items", "additionalItems"}};

const json_t *rd_schema_rest(const json_t *schema, bool array) {
  const json_t *kept = json_object_get(schema, rests[array].kept);
  return kept ? kept : json_object_get(schema, rests[array].said);
}

/* Of a part it speaks of what that part says alone: where it has no parts itself, of what the
 * keyword speaks of that it stands for. A part that is such, or the same part. */
static const json_t *settle_rest(merger *m, const json_t *part) {
  static const char parts[] = "$ref anyOf oneOf allOf if dependentSchemas dependencies contains";
  const char *key;
  json_t *value, *plain = NULL;
  for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
    const json_t *said = json_object_get(part, rests[i].said);
    if (!said || json_is_true(said))
      continue;
    json_object_foreach((json_t *)(uintptr_t)part, key, value)
      if (rd_name_listed(parts, key))
        rd_schema_fail(m->r, RD_UNSUPPORTED,
                       "%s beside %s, in a schema that is merged with others, is not supported",
                       rests[i].said, key);
    plain = plain ? plain : keep(m->r, json_copy((json_t *)(uintptr_t)part));
    const char *others = rests[i].older && json_is_array(json_object_get(part, rests[i].others))
                           ? rests[i].older
                           : rests[i].others;
    if (plain && !json_object_get(plain, others))
      json_object_set(plain, others, (json_t *)(uintptr_t)said);
  }
  return plain ? plain : part;
}

static void take(merger *m, const json_t *part) {
  const char *key;
  json_t *value;
  if (m->r->code != RD_OK || !rd_nfa_step(m->r->nfa))
    return;
  m->nothing = m->nothing || json_is_false(part);
  if (json_is_boolean(part))
    return;
  if (!rd_schema_check(m->r, part))
    return;
  part = part == m->whole ? part : settle_rest(m, part);
  const json_t *one = json_object_get(part, "const");
  json_t *values = one ? json_pack("[O]", one) : NULL;
  if (values)
    take_keyword(m, "enum", values);
  json_decref(values);
  if (json_object_get(part, "properties") || json_object_get(part, "additionalProperties") ||
      json_object_get(part, "patternProperties"))
    take_properties(m, part);
  if (json_object_get(part, "items") || json_object_get(part, "prefixItems"))
    take_items(m, part);
  json_object_foreach((json_t *)(uintptr_t)part, key, value)
    if (!rd_name_listed(apart, key))
      take_keyword(m, key, value);
  take_made(m, part);
}

/* --- not -------------------------------------------------------------------------------------- */

static const char all_types[] = "object array string number boolean null";

/* The types that are left; an integer is a number too. Numbers that are no integers are not written
 * where integers may not be. */
static void leave_types(merger *m, const json_t *type) {
  json_t *without = as_list(type), *left = json_array(), *now = json_object_get(m->into, "type");
  bool numbers = has_name(without, "number") || has_name(without, "integer");
  if (now && json_is_string(now) && strcmp(json_string_value(now), "number") == 0 &&
      !has_name(without, "number") && numbers)
    rd_schema_fail(m->r, RD_UNSUPPORTED, "not: numbers that are no integers are not supported");
  for (const char *at = all_types; *at; at += strcspn(at, " "), at += *at == ' ') {
    char name[16] = "";
    memcpy(name, at, strcspn(at, " "));
    if (!has_name(without, name) && !(numbers && strcmp(name, "number") == 0))
      json_array_append_new(left, json_string(name));
  }
  take_keyword(m, "type", left);
  json_decref(left);
  json_decref(without);
}

/* Of values that are listed those that are not among `others`. */
static void leave_values(merger *m, const json_t *others) {
  const json_t *mine = json_object_get(m->into, "enum");
  json_t *left = json_array();
  for (size_t i = 0; i < json_array_size(mine); i++)
    if (!rd_schema_listed(others, json_array_get(mine, i)))
      json_array_append(left, json_array_get(mine, i));
  m->nothing = m->nothing || json_array_size(left) == 0;
  put(m, "enum", left);
}

/* Of strings those that are not among `others`: one list of them, however often that is said. */
static void leave_texts(merger *m, const json_t *others) {
  json_t *list = json_object_get(m->into, "allOf"), *all = json_array();
  for (size_t i = json_array_size(list); i-- > 0;) {
    const json_t *known = json_object_get(json_object_get(json_array_get(list, i), "not"), "enum");
    if (!known)
      continue;
    json_array_extend(all, (json_t *)(uintptr_t)known);
    json_array_remove(list, i);
  }
  for (size_t i = 0; i < json_array_size(others) && rd_nfa_step(m->r->nfa); i++)
    if (!rd_schema_listed(all, json_array_get(others, i)))
      json_array_append(all, json_array_get(others, i));
  json_t *schema = json_pack("{s:o}", "enum", all);
  merge_texts(m, "not", json_null(), schema);
  json_decref(schema);
}

/* One keyword of a `not` that stands alone in it, where another keyword says its opposite or an
 * automaton does. */
static bool leave(merger *m, const json_t *schema) {
  const json_t *type = json_object_get(schema, "type"), *list = json_object_get(schema, "enum");
  const json_t *one = json_object_get(schema, "const"),
               *names = json_object_get(schema, "required");
  const char *of = json_string_value(json_object_get(m->into, "type"));
  const char *name = json_string_value(json_array_get(names, 0));
  json_t *values = one ? json_pack("[O]", one) : json_incref((json_t *)(uintptr_t)list);
  bool text = of && strcmp(of, "string") == 0, done = true;
  if (type)
    leave_types(m, type);
  else if (values && json_object_get(m->into, "enum"))
    leave_values(m, values);
  else if (text && values)
    leave_texts(m, values);
  else if (text && json_object_get(schema, "pattern"))
    merge_texts(m, "not", json_null(), schema);
  else if (name && json_array_size(names) == 1) {
    json_t *absent = json_pack("{s:s, s:{s:b}}", "type", "object", "properties", name, 0);
    take(m, absent); /* what is no object has no need of it */
    json_decref(absent);
  } else {
    done = false;
  }
  json_decref(values);
  return done;
}

static void take_not(merger *m, const json_t *schema) {
  const char *key;
  json_t *value;
  size_t said = 0;
  json_object_foreach((json_t *)(uintptr_t)schema, key, value)
    said += rd_schema_restricts(key);
  if (json_is_true(schema) || (json_is_object(schema) && said == 0))
    m->nothing = true;
  if (json_is_boolean(schema) || said == 0 || (said == 1 && leave(m, schema)) ||
      m->r->code != RD_OK)
    return;
  for (size_t i = 0; i < sizeof rests / sizeof *rests; i++)
    if (json_object_get(m->into, rests[i].kept)) /* its opposite would speak of properties too */
      rd_schema_fail(m->r, RD_UNSUPPORTED,
                     "%s beside not (that else and oneOf are made of) is not supported",
                     rests[i].said);
  json_t *options = rd_schema_negate(m->r, schema);
  if (json_array_size(options) > 0)
    merge_options(m, "anyOf", json_object_get(m->into, "anyOf"), options);
  else
    rd_schema_fail(m->r, RD_UNSUPPORTED, "not: nothing that it excludes can be said otherwise");
  json_decref(options);
}

const json_t *rd_schema_flatten(rd_schema_reader *r, const json_t *schema) {
  merger m = {.r = r, .whole = schema, .into = keep(r, json_object())};
  r->nfa->built += STEPS_OF_FLATTEN;
  if (!m.into)
    return NULL;
  for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
    const json_t *said = json_object_get(schema, rests[i].said);
    if (said && !json_is_true(said))
      put(&m, rests[i].kept, SHARED(said));
  }
  take(&m, schema);
  for (size_t i = 0; i < m.not_count && !m.nothing && r->code == RD_OK; i++)
    take_not(&m, m.nots[i]);
  if (r->code != RD_OK || r->nfa->code != RD_OK)
    return NULL;
  return m.nothing ? json_false() : m.into;
}
