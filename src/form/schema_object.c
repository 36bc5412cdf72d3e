/* SPDX-License-Identifier: MIT */
/* Objects. Properties stand in the schema's order; of those that are not required each may be left
 * out. What follows property i is built once, whatever came before it: with a comma in front where
 * something did. */
#include "schema_keys.h"

#include <stdlib.h>
#include <string.h>

typedef struct property {
  const char *name;
  const json_t *schema;
  bool required;
} property;

/* An object's schema, taken apart. */
typedef struct object {
  rd_schema_reader *r;
  const json_t *schema, *named, *patterns, *names, *others; /* of its keywords; NULL: not there */
  property *list;                                           /* (count) */
  size_t count;
  rd_dfa texts[RD_MOST_KEY_PATTERNS]; /* (pattern_count) of the patterns */
  size_t pattern_count;
  rd_dfa allowed; /* texts that names may be, where `names` is there */
} object;

/* --- named properties ------------------------------------------------------------------------- */

static void open_texts(object *o) {
  const char *pattern;
  json_t *value;
  if (o->names)
    rd_schema_open_texts(o->r, o->names, &o->allowed);
  json_object_foreach((json_t *)(uintptr_t)o->patterns, pattern, value) {
    json_t *one = json_pack("{s:s}", "pattern", pattern);
    if (o->pattern_count == RD_MOST_KEY_PATTERNS)
      rd_schema_fail(o->r, RD_UNSUPPORTED, "patternProperties: more than %d are not supported",
                     RD_MOST_KEY_PATTERNS);
    else if (rd_schema_open_texts(o->r, one, &o->texts[o->pattern_count]) == RD_OK)
      o->pattern_count++;
    json_decref(one);
  }
}

/* All that the schema says of a name: what it says by the name itself and by the patterns that are
 * in it; else of names that it does not know. */
static const json_t *value_of(object *o, const char *name) {
  const json_t *value = json_object_get(o->named, name);
  bool known = value != NULL;
  json_t *text = json_string(name), *of_pattern;
  const char *pattern;
  size_t i = 0;
  json_object_foreach((json_t *)(uintptr_t)o->patterns, pattern, of_pattern)
    if (i < o->pattern_count && rd_schema_has_text(o->r, &o->texts[i++], text)) {
      value = rd_schema_both(o->r, value, of_pattern);
      known = true;
    }
  if (!known)
    value = o->others;
  if (o->names && !rd_schema_has_text(o->r, &o->allowed, text))
    value = json_false();
  json_decref(text);
  return value ? value : json_true();
}

static void add_property(object *o, const char *name, bool required) {
  o->list[o->count++] = (property){name, value_of(o, name), required};
}

/* The named ones, then required names that are none of them, then names that propertyNames lists.
 */
static void gather(object *o) {
  rd_schema_reader *r = o->r;
  const json_t *required = json_object_get(o->schema, "required");
  const json_t *listed = json_object_get(o->names, "enum");
  const char *name;
  json_t *value, *asked = json_object();
  for (size_t i = 0; i < json_array_size(required); i++) {
    const char *text = json_string_value(json_array_get(required, i));
    if (!text)
      rd_schema_fail(r, RD_BAD_INPUT, "required: number %zu is no name", i);
    else if (json_object_set_new(asked, text, json_true()) != 0)
      rd_schema_fail(r, RD_NO_MEMORY, "no memory for its properties");
  }
  json_object_foreach((json_t *)(uintptr_t)o->named, name, value) {
    add_property(o, name, json_object_get(asked, name) != NULL);
    json_object_del(asked, name);
  }
  for (size_t i = 0; i < json_array_size(required) && r->code == RD_OK; i++) {
    const char *text = json_string_value(json_array_get(required, i));
    if (json_object_get(asked, text)) {
      add_property(o, text, true);
      json_object_del(asked, text);
    }
  }
  json_decref(asked);
  json_t *done = json_object();
  for (size_t i = 0; i < o->count; i++)
    json_object_set_new(done, o->list[i].name, json_true());
  for (size_t i = 0; i < json_array_size(listed) && r->code == RD_OK; i++) {
    const char *text = json_string_value(json_array_get(listed, i));
    if (text && !json_object_get(done, text)) {
      json_object_set_new(done, text, json_true());
      add_property(o, text, false);
    }
  }
  json_decref(done);
}

static int32_t build_key(rd_schema_reader *r, const char *name, int32_t next) {
  json_t *key = json_string(name);
  next = rd_schema_literal(r, key, rd_schema_colon(r->nfa, next));
  json_decref(key);
  return next;
}

/* The named ones, from the last to the first. */
static int32_t build_properties(const object *o, int32_t first, int32_t more) {
  rd_schema_reader *r = o->r;
  const property *p = o->list;
  rd_nfa *n = r->nfa;
  const rd_schema_place place = {r->place, "properties", 0};
  /* cppcheck-suppress autoVariables ; it is taken back below */
  r->place = &place;
  for (size_t i = o->count; i-- > 0 && more >= 0;) {
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

/* --- others ----------------------------------------------------------------------------------- */

/* One member whose name is none of the named ones; `next` behind it. -1 too where there is none. */
static int32_t build_other(const object *o, int32_t next) {
  rd_schema_reader *r = o->r;
  const char *pattern;
  json_t *value;
  int32_t all = -1;
  bool open = o->others ? !json_is_false(o->others)
                        : json_object_size(o->named) == 0 && o->pattern_count == 0;
  if (open && !json_object_get(o->names, "enum")) {
    all = rd_schema_inside(r, o->others ? o->others : json_true(), "additionalProperties", 0, next);
    all = rd_schema_colon(r->nfa, all);
    all = o->patterns || o->names ? rd_schema_some_key(r, o->schema, NULL, all)
                                  : rd_schema_free_key(r, o->named, all);
  }
  json_object_foreach((json_t *)(uintptr_t)o->patterns, pattern, value) {
    int32_t one = rd_schema_colon(r->nfa, rd_schema_inside(r, value, "patternProperties", 0, next));
    all = rd_nfa_either(r->nfa, rd_schema_some_key(r, o->schema, pattern, one), all);
  }
  return all;
}

/* Any number of others, or `most` of them. *more: the end, or one with a comma in front; *first:
 * one without; -1: there is none. */
static void build_others(const object *o, int64_t most, int32_t close, int32_t *first,
                         int32_t *more) {
  rd_nfa *n = o->r->nfa;
  if (most < 0) {
    int32_t loop = rd_nfa_loop(n);
    *first = build_other(o, loop);
    if (*first >= 0)
      *more = rd_nfa_close_loop(n, loop, rd_schema_comma(n, *first), close);
  }
  for (; most > 0 && *more >= 0 && o->r->code == RD_OK; most--) {
    *first = build_other(o, *more);
    if (*first < 0)
      return;
    *more = rd_nfa_either(n, rd_schema_comma(n, *first), close);
  }
}

/* --- all of it -------------------------------------------------------------------------------- */

/* Bounds of the number of members are kept where it is plain that they are: *least: one member at
 * least must be written; *most: so many others, or (-1) any number. */
static void read_counts(object *o, bool *least, int64_t *most) {
  int64_t low = rd_schema_count(o->r, o->schema, "minProperties", 0);
  int64_t high = rd_schema_count(o->r, o->schema, "maxProperties", -1), required = 0;
  for (size_t i = 0; i < o->count; i++)
    required += o->list[i].required;
  *least = low > required;
  *most = high;
  if (*least && low > 1)
    rd_schema_fail(o->r, RD_UNSUPPORTED,
                   "minProperties above 1 is supported where as many are required");
  else if (high >= 0 && high < required)
    rd_schema_fail(o->r, RD_BAD_INPUT, "maxProperties: %lld, and %lld are required",
                   (long long)high, (long long)required);
  else if (high >= 0 && o->count > 0 && high < (int64_t)o->count)
    rd_schema_fail(o->r, RD_UNSUPPORTED,
                   "maxProperties below the number of properties that are named is not supported");
  else if (high >= 0)
    *most = high - (int64_t)o->count;
}

static int32_t build(object *o, int32_t next) {
  bool least;
  int64_t most;
  read_counts(o, &least, &most);
  int32_t close = rd_nfa_text(o->r->nfa, "}", 1, next), first = -1, more = close;
  if (o->r->code != RD_OK || close < 0)
    return -1;
  build_others(o, most, close, &first, &more);
  if (!least)
    first = rd_nfa_either(o->r->nfa, first, close);
  else if (first < 0)
    first = rd_nfa_nothing(o->r->nfa);
  if (o->r->code == RD_OK)
    first = build_properties(o, first, more);
  return o->r->code == RD_OK ? rd_nfa_text(o->r->nfa, "{", 1, first) : -1;
}

int32_t rd_schema_object(rd_schema_reader *r, const json_t *schema, int32_t next) {
  static const char *const objects[] = {"properties", "patternProperties"};
  const json_t *required = json_object_get(schema, "required");
  object o = {.r = r,
              .schema = schema,
              .named = json_object_get(schema, "properties"),
              .patterns = json_object_get(schema, "patternProperties"),
              .names = json_object_get(schema, "propertyNames"),
              .others = json_object_get(schema, "additionalProperties")};
  for (int i = 0; i < 2; i++)
    if (json_object_get(schema, objects[i]) && !json_is_object(json_object_get(schema, objects[i])))
      return rd_schema_fail(r, RD_BAD_INPUT, "%s is an object of schemas", objects[i]);
  if (required && !json_is_array(required))
    return rd_schema_fail(r, RD_BAD_INPUT, "required is a list of names");
  if (!o.named && !o.patterns && !o.names && !o.others && json_array_size(required) == 0 &&
      !json_object_get(schema, "minProperties") && !json_object_get(schema, "maxProperties"))
    return rd_schema_free(r, true, next);
  size_t most = json_object_size(o.named) + json_array_size(required) +
                json_array_size(json_object_get(o.names, "enum")) + 1;
  o.list = rd_calloc(most, sizeof *o.list, "properties", r->e);
  if (!o.list)
    return rd_schema_fail(r, RD_NO_MEMORY, "no memory for its properties");
  open_texts(&o);
  if (r->code == RD_OK)
    gather(&o);
  next = r->code == RD_OK ? build(&o, next) : -1;
  for (size_t i = 0; i < o.pattern_count; i++)
    rd_dfa_drop(&o.texts[i]);
  rd_dfa_drop(&o.allowed);
  free(o.list);
  return next;
}
