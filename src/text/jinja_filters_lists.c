/* SPDX-License-Identifier: MIT */
/* Filters over what can be walked. */
#include "jinja_call.h"
#include "jinja_text.h"

#include <string.h>

static rd_code length(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  *out = rd_jint(0);
  return rd_jlength(j, &c->self, &out->as.number);
}

static rd_code first(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue *items;
  size_t count;
  *out = rd_jundefined(rd_jliteral("the first item"));
  if (c->self.kind == RD_J_LIST && c->self.as.list->form == RD_J_LAZY) {
    rd_jlist *list = c->self.as.list; /* only one item of a generator is taken */
    if (list->count) {
      *out = *list->items++;
      list->count--;
      list->capacity = list->count;
    }
    return RD_OK;
  }
  RD_TRY(rd_jwalk(j, &c->self, &items, &count));
  *out = count ? items[0] : *out;
  return RD_OK;
}

static rd_code last(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue *items;
  size_t count;
  if (c->self.kind == RD_J_LIST && c->self.as.list->form == RD_J_LAZY)
    return rd_jfail(j, "a generator has no last item: put |list before |last");
  RD_TRY(rd_jwalk(j, &c->self, &items, &count));
  *out = count ? items[count - 1] : rd_jundefined(rd_jliteral("the last item"));
  return RD_OK;
}

static rd_code list(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue *items;
  size_t count;
  RD_TRY(rd_jwalk(j, &c->self, &items, &count));
  RD_TRY(rd_jlist_new(j, RD_J_SQUARE, out));
  for (size_t i = 0; i < count; i++)
    RD_TRY(rd_jlist_add(j, out->as.list, items[i]));
  return RD_OK;
}

static rd_code reverse(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue *items;
  size_t count, mark = rd_jmark(j);
  bool text = c->self.kind == RD_J_TEXT;
  RD_TRY(rd_jwalk(j, &c->self, &items, &count));
  RD_TRY(rd_jlist_new(j, RD_J_LAZY, out));
  while (count-- > 0)
    RD_TRY(text ? rd_jput(j, items[count].as.text) : rd_jlist_add(j, out->as.list, items[count]));
  return text ? rd_jtake(j, mark, out) : RD_OK;
}

static rd_code join(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue *items, between = rd_jtext_value(rd_jliteral(""));
  size_t count;
  if (c->given[0].kind != RD_J_UNSET)
    RD_TRY(rd_jstr(j, &c->given[0], &between));
  RD_TRY(rd_jwalk(j, &c->self, &items, &count));
  size_t mark = rd_jmark(j);
  for (size_t i = 0; i < count; i++) {
    rd_jvalue v = items[i];
    if (rd_jgiven(c, 1))
      RD_TRY(rd_jpath(j, &items[i], &c->given[1], &v));
    RD_TRY(rd_jput(j, i ? between.as.text : rd_jliteral("")));
    RD_TRY(rd_jput_str(j, &v));
  }
  return rd_jtake(j, mark, out);
}

static rd_code items(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  RD_TRY(rd_jlist_new(j, RD_J_LAZY, out));
  if (c->self.kind == RD_J_UNDEFINED)
    return RD_OK;
  if (c->self.kind != RD_J_DICT)
    return rd_jfail(j, "items of a %s; only a dict has them", rd_jkind_name(&c->self));
  const rd_jdict *dict = c->self.as.dict;
  for (size_t i = 0; i < dict->count; i++) {
    rd_jvalue pair;
    RD_TRY(rd_jlist_new(j, RD_J_TUPLE, &pair));
    RD_TRY(rd_jlist_add(j, pair.as.list, dict->keys[i]));
    RD_TRY(rd_jlist_add(j, pair.as.list, dict->values[i]));
    RD_TRY(rd_jlist_add(j, out->as.list, pair));
  }
  return RD_OK;
}

/* What an item is compared by: itself or its attribute, in small letters unless case counts. */
static rd_code key_of(rd_jstate *j, const rd_jvalue *item, const rd_jvalue *attribute, bool cased,
                      rd_jvalue *out) {
  *out = *item;
  if (attribute && attribute->kind != RD_J_UNSET && attribute->kind != RD_J_NONE)
    RD_TRY(rd_jpath(j, item, attribute, out));
  if (cased || out->kind != RD_J_TEXT)
    return RD_OK;
  return rd_jcased(j, out->as.text, RD_J_LOWER, out);
}

/* "age,name": one key after another. */
static rd_code keys_of(rd_jstate *j, const rd_jvalue *item, const rd_jvalue *attributes, bool cased,
                       rd_jvalue *out) {
  if (attributes->kind != RD_J_TEXT ||
      rd_jfind(attributes->as.text, rd_jliteral(","), 0) == SIZE_MAX)
    return key_of(j, item, attributes, cased, out);
  rd_jtext rest = attributes->as.text;
  RD_TRY(rd_jlist_new(j, RD_J_SQUARE, out));
  for (bool more = true; more;) {
    size_t comma = rd_jfind(rest, rd_jliteral(","), 0);
    more = comma != SIZE_MAX;
    rd_jvalue name = rd_jtext_value(rd_jpart(rest, 0, more ? comma : rest.size)), key;
    RD_TRY(key_of(j, item, &name, cased, &key));
    RD_TRY(rd_jlist_add(j, out->as.list, key));
    rest = more ? rd_jpart(rest, comma + 1, rest.size) : rest;
  }
  return RD_OK;
}

/* Stable: items that compare equal stay in order. keys and items are sorted together. */
static rd_code sort_by(rd_jstate *j, rd_jvalue *keys, rd_jvalue *values, size_t count, bool down) {
  for (size_t i = 1; i < count; i++) {
    rd_jvalue key = keys[i], value = values[i];
    size_t at = i;
    for (; at > 0; at--) {
      int order;
      RD_TRY(rd_jorder(j, &key, &keys[at - 1], &order));
      if (down ? order <= 0 : order >= 0)
        break;
      keys[at] = keys[at - 1];
      values[at] = values[at - 1];
    }
    keys[at] = key;
    values[at] = value;
  }
  return RD_OK;
}

static rd_code sort(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue keys;
  RD_TRY(list(j, c, out));
  RD_TRY(rd_jlist_new(j, RD_J_SQUARE, &keys));
  for (size_t i = 0; i < out->as.list->count; i++) {
    rd_jvalue key;
    RD_TRY(keys_of(j, &out->as.list->items[i], &c->given[2], rd_jgiven_true(c, 1), &key));
    RD_TRY(rd_jlist_add(j, keys.as.list, key));
  }
  return sort_by(j, keys.as.list->items, out->as.list->items, keys.as.list->count,
                 rd_jgiven_true(c, 0));
}

static rd_code dictsort(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue keys;
  rd_jtext by = rd_jliteral("key");
  if (c->self.kind != RD_J_DICT)
    return rd_jfail(j, "dictsort of a %s", rd_jkind_name(&c->self));
  RD_TRY(rd_jgiven_text(j, c, 1, &by));
  bool values = rd_slice_same((rd_slice){by.data, by.size}, rd_slice_text("value"));
  if (!values && !rd_slice_same((rd_slice){by.data, by.size}, rd_slice_text("key")))
    return rd_jfail(j, "dictsort is by key or by value");
  RD_TRY(items(j, c, out));
  out->as.list->form = RD_J_SQUARE;
  RD_TRY(rd_jlist_new(j, RD_J_SQUARE, &keys));
  for (size_t i = 0; i < out->as.list->count; i++) {
    rd_jvalue key;
    RD_TRY(key_of(j, &out->as.list->items[i].as.list->items[values], NULL, rd_jgiven_true(c, 0),
                  &key));
    RD_TRY(rd_jlist_add(j, keys.as.list, key));
  }
  return sort_by(j, keys.as.list->items, out->as.list->items, keys.as.list->count,
                 rd_jgiven_true(c, 2));
}

static rd_code unique(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue *all, seen;
  size_t count;
  RD_TRY(rd_jwalk(j, &c->self, &all, &count));
  RD_TRY(rd_jlist_new(j, RD_J_LAZY, out));
  RD_TRY(rd_jdict_new(j, RD_J_DICT, &seen));
  for (size_t i = 0; i < count; i++) {
    rd_jvalue key, *found;
    RD_TRY(key_of(j, &all[i], &c->given[1], rd_jgiven_true(c, 0), &key));
    RD_TRY(rd_jdict_get(j, seen.as.dict, key, &found));
    if (found)
      continue;
    RD_TRY(rd_jdict_set(j, seen.as.dict, key, rd_jnone()));
    RD_TRY(rd_jlist_add(j, out->as.list, all[i]));
  }
  return RD_OK;
}

static rd_code most(rd_jstate *j, const rd_jcall *c, int sign, rd_jvalue *out) {
  rd_jvalue *all, best = {0};
  size_t count;
  RD_TRY(rd_jwalk(j, &c->self, &all, &count));
  *out = rd_jundefined(rd_jliteral("the item of an empty sequence"));
  for (size_t i = 0; i < count; i++) {
    rd_jvalue key;
    int order = sign;
    RD_TRY(key_of(j, &all[i], &c->given[1], rd_jgiven_true(c, 0), &key));
    if (i)
      RD_TRY(rd_jorder(j, &key, &best, &order));
    if (i && (order == 0 || (order > 0) != (sign > 0)))
      continue;
    best = key;
    *out = all[i];
  }
  return RD_OK;
}
static rd_code largest(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return most(j, c, 1, out);
}
static rd_code smallest(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return most(j, c, -1, out);
}

static rd_code sum(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue *all;
  size_t count;
  RD_TRY(rd_jwalk(j, &c->self, &all, &count));
  *out = c->given[1].kind == RD_J_UNSET ? rd_jint(0) : c->given[1];
  for (size_t i = 0; i < count; i++) {
    rd_jvalue v = all[i], so_far = *out;
    if (rd_jgiven(c, 0))
      RD_TRY(rd_jpath(j, &all[i], &c->given[0], &v));
    if (so_far.kind == RD_J_TEXT)
      return rd_jfail(j, "a sum of texts: use join");
    RD_TRY(rd_jarithmetic(j, "+", &so_far, &v, out));
  }
  return RD_OK;
}

/* The filter or test that the first further argument names, and the arguments behind it. */
static rd_code named_row(rd_jstate *j, const rd_jcall *c, size_t at,
                         const rd_jfunction *(*find)(rd_slice), const rd_jfunction **row,
                         rd_jarguments *arguments) {
  if (c->rest_count <= at)
    return RD_OK;
  const rd_jvalue *name = &c->rest[at];
  if (name->kind != RD_J_TEXT)
    return rd_jfail(j, "a filter or test by a %s, not by its name", rd_jkind_name(name));
  *row = find((rd_slice){name->as.text.data, name->as.text.size});
  if (!*row)
    return rd_jfail(j, "%.*s is not supported", (int)name->as.text.size, name->as.text.data);
  size_t count = c->rest_count - at - 1 + c->named->count;
  arguments->values = rd_jpool_take(&j->pool, (count + 1) * sizeof *arguments->values, j->e);
  arguments->names = arguments->values
                       ? rd_jpool_take(&j->pool, (count + 1) * sizeof *arguments->names, j->e)
                       : NULL;
  if (!arguments->names)
    return j->e->code;
  for (size_t i = at + 1; i < c->rest_count; i++)
    arguments->values[arguments->count++] = c->rest[i];
  for (size_t i = 0; i < c->named->count; i++) {
    rd_jtext key = c->named->keys[i].as.text;
    arguments->names[arguments->count] = (rd_slice){key.data, key.size};
    arguments->values[arguments->count++] = c->named->values[i];
  }
  return RD_OK;
}

static rd_code map(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue *all;
  size_t count;
  const rd_jfunction *row = NULL;
  rd_jarguments arguments = {0};
  const rd_jvalue *attribute = rd_jdict_named(c->named, rd_slice_text("attribute")),
                  *missing = rd_jdict_named(c->named, rd_slice_text("default"));
  RD_TRY(rd_jlist_new(j, RD_J_LAZY, out));
  if (!rd_jtruth(&c->self)) /* none, too */
    return RD_OK;
  if (c->rest_count == 0 && !attribute)
    return rd_jfail(j, "map needs a filter or an attribute");
  RD_TRY(named_row(j, c, 0, rd_jfilter, &row, &arguments));
  RD_TRY(rd_jwalk(j, &c->self, &all, &count));
  for (size_t i = 0; i < count; i++) {
    rd_jvalue v;
    RD_TRY(row ? rd_jrun(j, row, &all[i], &arguments, &v) : rd_jpath(j, &all[i], attribute, &v));
    if (!row && v.kind == RD_J_UNDEFINED && missing)
      v = *missing;
    RD_TRY(rd_jlist_add(j, out->as.list, v));
  }
  return RD_OK;
}

/* Items for which a test holds (or not), of the item itself or of its attribute. */
static rd_code choose(rd_jstate *j, const rd_jcall *c, bool wanted, bool by_attribute,
                      rd_jvalue *out) {
  rd_jvalue *all;
  size_t count;
  const rd_jfunction *row = NULL;
  rd_jarguments arguments = {0};
  RD_TRY(rd_jlist_new(j, RD_J_LAZY, out));
  if (!rd_jtruth(&c->self)) /* none, too */
    return RD_OK;
  if (by_attribute && c->rest_count == 0)
    return rd_jfail(j, "an attribute is needed");
  RD_TRY(named_row(j, c, by_attribute, rd_jtest, &row, &arguments));
  RD_TRY(rd_jwalk(j, &c->self, &all, &count));
  for (size_t i = 0; i < count; i++) {
    rd_jvalue v = all[i], holds;
    if (by_attribute)
      RD_TRY(rd_jpath(j, &all[i], &c->rest[0], &v));
    holds = rd_jbool(rd_jtruth(&v));
    if (row)
      RD_TRY(rd_jrun(j, row, &v, &arguments, &holds));
    if (rd_jtruth(&holds) == wanted)
      RD_TRY(rd_jlist_add(j, out->as.list, all[i]));
  }
  return RD_OK;
}
static rd_code chosen(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return choose(j, c, true, false, out);
}
static rd_code reject(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return choose(j, c, false, false, out);
}
static rd_code selectattr(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return choose(j, c, true, true, out);
}
static rd_code rejectattr(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return choose(j, c, false, true, out);
}

const rd_jfunction rd_jfilters_of_lists[] = {
    {"count", "", length, 0},
    {"dictsort", "case_sensitive by reverse", dictsort, 0},
    {"first", "", first, 0},
    {"items", "", items, 0},
    {"join", "d attribute", join, 0},
    {"last", "", last, 0},
    {"length", "", length, 0},
    {"list", "", list, 0},
    {"map", "**", map, 0},
    {"max", "case_sensitive attribute", largest, 0},
    {"min", "case_sensitive attribute", smallest, 0},
    {"reject", "**", reject, 0},
    {"rejectattr", "**", rejectattr, 0},
    {"reverse", "", reverse, 0},
    {"select", "**", chosen, 0},
    {"selectattr", "**", selectattr, 0},
    {"sort", "reverse case_sensitive attribute", sort, 0},
    {"sum", "attribute start", sum, 0},
    {"unique", "case_sensitive attribute", unique, 0},
};
const size_t rd_jfilters_of_lists_count =
    sizeof rd_jfilters_of_lists / sizeof *rd_jfilters_of_lists;
