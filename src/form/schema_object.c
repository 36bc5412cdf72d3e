/* SPDX-License-Identifier: MIT */
/* Objects. Properties stand in the schema's order; of those that are not required each may be left
 * out. What follows property i is built once, whatever came before it: with a comma in front where
 * one did. */
#include "schema_keys.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_COUNTED = 40 }; /* members that are told from each other by their number */

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

/* Where it goes on by the number of members that are written already, up to the one from which on
 * all are alike, or (`bounded`) no more may be: a comma in front where there are any. -1: nowhere.
 */
typedef struct written {
  int32_t at[MOST_COUNTED + 1];
  int64_t top;
  bool bounded;
} written;

/* The number that one more makes; -1: it may not be written. */
static int64_t one_more(const written *w, int64_t k) {
  return k < w->top ? k + 1 : w->bounded ? -1 : w->top;
}

static int32_t build_member(rd_schema_reader *r, const property *p, int32_t next) {
  return next < 0 ? -1 : build_key(r, p->name, rd_schema_inside(r, p->schema, p->name, 0, next));
}

/* One property in front of what follows. */
static void put_property(rd_schema_reader *r, const property *p, written *w) {
  const written then = *w;
  int32_t member = -1, from = -1;
  for (int64_t k = 0; k <= w->top && r->code == RD_OK; k++) {
    int64_t more = one_more(w, k);
    int32_t next = more < 0 ? -1 : then.at[more];
    if (next != from) /* numbers from which on all are alike have one */
      member = build_member(r, p, next);
    from = next;
    int32_t here = k > 0 && member >= 0 ? rd_schema_comma(r->nfa, member) : member;
    w->at[k] = p->required ? here : rd_nfa_either(r->nfa, here, then.at[k]);
  }
}

/* The named ones, from the last to the first. */
static void build_properties(const object *o, written *w) {
  rd_schema_reader *r = o->r;
  const rd_schema_place place = {r->place, "properties", 0};
  /* cppcheck-suppress autoVariables ; it is taken back below */
  r->place = &place;
  for (size_t i = o->count; i-- > 0 && r->code == RD_OK && r->nfa->code == RD_OK;)
    put_property(r, &o->list[i], w);
  r->place = place.up;
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

/* Bounds of the number of members, taken apart: what has to be counted, and what need not be. */
typedef struct counts {
  int64_t least, most; /* of all members; -1: any number */
  int64_t others;      /* of those that are not named; -1: any number */
} counts;

/* Behind all of the named ones: the end where there are enough, or others. */
static void begin_written(const object *o, const counts *c, int32_t close, written *w) {
  rd_nfa *n = o->r->nfa;
  *w = (written){.top = c->most >= 0 ? c->most
                      : c->least > 1 ? c->least
                                     : 1,
                 .bounded = c->most >= 0};
  int32_t other = -1, from = -1;
  for (int64_t k = w->top; k >= 0 && o->r->code == RD_OK; k--) {
    int32_t end = k >= c->least ? close : -1;
    int64_t more = one_more(w, k);
    w->at[k] = end;
    if (c->others >= 0 || more < 0)
      continue;
    int32_t next = more == k ? rd_nfa_loop(n) : w->at[more];
    if (next != from)
      other = build_other(o, next);
    from = next;
    int32_t here = k > 0 && other >= 0 ? rd_schema_comma(n, other) : other;
    if (more == k && here >= 0)
      w->at[k] = rd_nfa_close_loop(n, next, here, end < 0 ? rd_nfa_nothing(n) : end);
    else
      w->at[k] = rd_nfa_either(n, here, end);
  }
  for (int64_t i = 0; i < c->others && o->r->code == RD_OK && rd_nfa_step(n); i++) {
    written then = *w;
    for (int64_t k = 0; k <= w->top; k++) {
      int64_t more = one_more(w, k);
      other = more < 0 || then.at[more] < 0 ? -1 : build_other(o, then.at[more]);
      int32_t here = k > 0 && other >= 0 ? rd_schema_comma(n, other) : other;
      w->at[k] = rd_nfa_either(n, here, k >= c->least ? close : -1);
    }
  }
}

/* A bound that the named ones cannot reach is one of the others alone, which leaves out objects
 * with more of these and fewer of those. */
static counts read_counts(object *o) {
  int64_t low = rd_schema_count(o->r, o->schema, "minProperties", 0);
  int64_t high = rd_schema_count(o->r, o->schema, "maxProperties", -1), required = 0;
  int64_t named = (int64_t)o->count;
  for (size_t i = 0; i < o->count; i++)
    required += o->list[i].required;
  counts c = {low > required ? low : 0, -1, -1};
  if (high >= 0 && high < required)
    rd_schema_fail(o->r, RD_BAD_INPUT, "maxProperties: %lld, and %lld are required",
                   (long long)high, (long long)required);
  else if (high >= 0 && (high < named || c.least > 1))
    c.most = high;
  else if (high >= 0)
    c.others = high - named;
  if (c.least > MOST_COUNTED || c.most > MOST_COUNTED)
    rd_schema_fail(o->r, RD_UNSUPPORTED,
                   "minProperties and maxProperties are counted up to %d where the properties that "
                   "are named and required do not settle them",
                   MOST_COUNTED);
  return c;
}

static int32_t build(object *o, int32_t next) {
  const counts c = read_counts(o);
  int32_t close = rd_nfa_text(o->r->nfa, "}", 1, next);
  written w;
  if (o->r->code != RD_OK || close < 0)
    return -1;
  begin_written(o, &c, close, &w);
  build_properties(o, &w);
  if (o->r->code != RD_OK)
    return -1;
  return w.at[0] < 0 && o->r->nfa->code == RD_OK ? rd_nfa_nothing(o->r->nfa)
                                                 : rd_nfa_text(o->r->nfa, "{", 1, w.at[0]);
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
  o.others = o.others ? o.others : rd_schema_rest(schema, false);
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
  if (r->code == RD_OK && r->nfa->code == RD_OK)
    gather(&o);
  next = r->code == RD_OK && r->nfa->code == RD_OK ? build(&o, next) : -1;
  for (size_t i = 0; i < o.pattern_count; i++)
    rd_dfa_drop(&o.texts[i]);
  rd_dfa_drop(&o.allowed);
  free(o.list);
  return next;
}
