/* SPDX-License-Identifier: MIT */
/* Python's rules for values: truth, equality, order, membership, items, slices. Texts are counted
 * in characters, as Python counts them. */
#include "jinja_call.h"
#include "jinja_text.h"

#include <math.h>
#include <string.h>

const char *rd_jkind_name(const rd_jvalue *v) {
  static const char *const names[] = {
      [RD_J_UNSET] = "nothing",   [RD_J_UNDEFINED] = "undefined value",
      [RD_J_NONE] = "none",       [RD_J_BOOL] = "bool",
      [RD_J_INT] = "int",         [RD_J_REAL] = "float",
      [RD_J_TEXT] = "str",        [RD_J_LIST] = "list",
      [RD_J_DICT] = "dict",       [RD_J_SPACE] = "namespace",
      [RD_J_LOOP] = "loop",       [RD_J_MACRO] = "macro",
      [RD_J_NATIVE] = "function",
  };
  static const char *const forms[] = {"list", "tuple", "range", "dict view", "generator"};
  return v->kind == RD_J_LIST ? forms[v->as.list->form] : names[v->kind];
}

bool rd_jis_number(const rd_jvalue *v) {
  return v->kind == RD_J_BOOL || v->kind == RD_J_INT || v->kind == RD_J_REAL;
}

double rd_jnumber(const rd_jvalue *v) {
  return v->kind == RD_J_REAL ? v->as.real : (double)v->as.number;
}

bool rd_jtruth(const rd_jvalue *v) {
  switch (v->kind) {
  case RD_J_UNSET:
  case RD_J_UNDEFINED:
  case RD_J_NONE:
    return false;
  case RD_J_BOOL:
  case RD_J_INT:
    return v->as.number != 0;
  case RD_J_REAL:
    return v->as.real != 0;
  case RD_J_TEXT:
    return v->as.text.size > 0;
  case RD_J_LIST:
    return v->as.list->form == RD_J_LAZY || v->as.list->count > 0;
  case RD_J_DICT:
    return v->as.dict->count > 0;
  case RD_J_SPACE:
  case RD_J_LOOP:
  case RD_J_MACRO:
  case RD_J_NATIVE:
    return true;
  }
  return true;
}

static bool same_text(rd_jtext a, rd_jtext b) {
  return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static rd_code equal_lists(rd_jstate *j, const rd_jlist *a, const rd_jlist *b, bool *out) {
  bool plain = a->form <= RD_J_RANGE && a->form == b->form;
  *out = a == b || (plain && a->count == b->count);
  for (size_t i = 0; a != b && *out && i < a->count; i++)
    RD_TRY(rd_jequal(j, &a->items[i], &b->items[i], out));
  return RD_OK;
}

static rd_code equal_dicts(rd_jstate *j, const rd_jdict *a, const rd_jdict *b, bool *out) {
  *out = a->count == b->count;
  for (size_t i = 0; *out && i < a->count; i++) {
    rd_jvalue *other;
    RD_TRY(rd_jdict_get(j, b, a->keys[i], &other));
    *out = other != NULL;
    if (other)
      RD_TRY(rd_jequal(j, &a->values[i], other, out));
  }
  return RD_OK;
}

rd_code rd_jequal(rd_jstate *j, const rd_jvalue *a, const rd_jvalue *b, bool *out) {
  *out = false;
  if (rd_jis_number(a) && rd_jis_number(b)) {
    bool reals = a->kind == RD_J_REAL || b->kind == RD_J_REAL;
    *out = reals ? rd_jnumber(a) == rd_jnumber(b) : a->as.number == b->as.number;
    return RD_OK;
  }
  if (a->kind != b->kind)
    return RD_OK;
  rd_code code = RD_OK;
  switch (a->kind) {
  case RD_J_UNSET:
  case RD_J_UNDEFINED:
  case RD_J_NONE:
    *out = true;
    return RD_OK;
  case RD_J_TEXT:
    *out = same_text(a->as.text, b->as.text);
    return rd_jstep(j, *out ? a->as.text.size / 64 : 0);
  case RD_J_LIST:
  case RD_J_DICT:
    RD_TRY(rd_jdeeper(j));
    RD_TRY(rd_jstep(j, 1));
    code = a->kind == RD_J_LIST ? equal_lists(j, a->as.list, b->as.list, out)
                                : equal_dicts(j, a->as.dict, b->as.dict, out);
    j->depth--;
    return code;
  default:
    *out = a->as.dict == b->as.dict; /* the same thing */
    return RD_OK;
  }
}

static rd_code order_lists(rd_jstate *j, const rd_jlist *a, const rd_jlist *b, int *out) {
  for (size_t i = 0; i < a->count && i < b->count; i++) {
    bool same;
    RD_TRY(rd_jequal(j, &a->items[i], &b->items[i], &same));
    if (!same)
      return rd_jorder(j, &a->items[i], &b->items[i], out);
  }
  *out = (a->count > b->count) - (a->count < b->count);
  return RD_OK;
}

rd_code rd_jorder(rd_jstate *j, const rd_jvalue *a, const rd_jvalue *b, int *out) {
  RD_TRY(rd_jstep(j, 1));
  if (rd_jis_number(a) && rd_jis_number(b)) {
    if (a->kind != RD_J_REAL && b->kind != RD_J_REAL)
      *out = (a->as.number > b->as.number) - (a->as.number < b->as.number);
    else
      *out = (rd_jnumber(a) > rd_jnumber(b)) - (rd_jnumber(a) < rd_jnumber(b));
    return RD_OK;
  }
  if (a->kind == RD_J_TEXT && b->kind == RD_J_TEXT) {
    rd_jtext x = a->as.text, y = b->as.text;
    int order = memcmp(x.data, y.data, x.size < y.size ? x.size : y.size);
    *out = order ? order : (x.size > y.size) - (x.size < y.size);
    return RD_OK;
  }
  if (a->kind == RD_J_LIST && b->kind == RD_J_LIST && a->as.list->form == b->as.list->form &&
      a->as.list->form <= RD_J_TUPLE) {
    RD_TRY(rd_jdeeper(j));
    rd_code code = order_lists(j, a->as.list, b->as.list, out);
    j->depth--;
    return code;
  }
  return rd_jfail(j, "a %s and a %s have no order", rd_jkind_name(a), rd_jkind_name(b));
}

rd_code rd_jcontains(rd_jstate *j, const rd_jvalue *all, const rd_jvalue *item, bool *out) {
  rd_jvalue *items;
  size_t count;
  *out = false;
  if (all->kind == RD_J_TEXT) {
    if (item->kind != RD_J_TEXT)
      return rd_jfail(j, "a %s cannot be in a str", rd_jkind_name(item));
    RD_TRY(rd_jstep(j, all->as.text.size / 16));
    *out = rd_jfind(all->as.text, item->as.text, 0) != SIZE_MAX;
    return RD_OK;
  }
  if (all->kind == RD_J_DICT) {
    rd_jvalue *place;
    RD_TRY(rd_jdict_get(j, all->as.dict, *item, &place));
    *out = place != NULL;
    return RD_OK;
  }
  RD_TRY(rd_jwalk(j, all, &items, &count));
  for (size_t i = 0; i < count && !*out; i++) {
    RD_TRY(rd_jstep(j, 1));
    RD_TRY(rd_jequal(j, &items[i], item, out));
  }
  return RD_OK;
}

static rd_code characters(rd_jstate *j, rd_jtext t, rd_jvalue *out) {
  RD_TRY(rd_jlist_new(j, RD_J_SQUARE, out));
  RD_TRY(rd_jstep(j, t.size));
  for (size_t at = 0; at < t.size;) {
    size_t size = rd_jchar_size(t, at);
    RD_TRY(rd_jlist_add(j, out->as.list, rd_jtext_value(rd_jpart(t, at, at + size))));
    at += size;
  }
  return RD_OK;
}

rd_code rd_jwalk(rd_jstate *j, const rd_jvalue *v, rd_jvalue **items, size_t *count) {
  rd_jvalue all = *v;
  *items = NULL;
  *count = 0;
  if (v->kind == RD_J_UNDEFINED)
    return RD_OK;
  if (v->kind == RD_J_DICT) {
    *items = v->as.dict->keys;
    *count = v->as.dict->count;
    return rd_jstep(j, *count);
  }
  if (v->kind == RD_J_TEXT)
    RD_TRY(characters(j, v->as.text, &all));
  if (all.kind != RD_J_LIST)
    return rd_jfail(j, "a %s cannot be walked through", rd_jkind_name(v));
  *items = all.as.list->items;
  *count = all.as.list->count;
  if (all.as.list->form == RD_J_LAZY)
    all.as.list->count = 0;
  return rd_jstep(j, *count);
}

rd_code rd_jlength(rd_jstate *j, const rd_jvalue *v, int64_t *out) {
  *out = 0;
  if (v->kind == RD_J_UNDEFINED)
    return RD_OK;
  if (v->kind == RD_J_DICT) {
    *out = (int64_t)v->as.dict->count;
    return RD_OK;
  }
  if (v->kind == RD_J_TEXT) {
    *out = (int64_t)rd_jchars(v->as.text);
    return rd_jstep(j, v->as.text.size / 16);
  }
  if (v->kind != RD_J_LIST || v->as.list->form == RD_J_LAZY)
    return rd_jfail(j, "a %s has no length", rd_jkind_name(v));
  *out = (int64_t)v->as.list->count;
  return RD_OK;
}

rd_code rd_jattribute(rd_jstate *j, const rd_jvalue *v, rd_jtext name, rd_jvalue *out) {
  rd_slice word = {name.data, name.size};
  *out = rd_jundefined(name);
  if (v->kind == RD_J_UNDEFINED)
    return rd_jfail(j, "'%.*s' is undefined, and so has no '%.*s'", (int)v->as.text.size,
                    v->as.text.data, (int)name.size, name.data);
  if (v->kind == RD_J_MACRO)
    return rd_jfail(j, "a macro's '%.*s' is not supported", (int)name.size, name.data);
  if (v->kind == RD_J_LOOP)
    return rd_jloop_attribute(j, v->as.loop, name, out);
  const rd_jfunction *method = rd_jmethod(v, word);
  if (method) {
    rd_jbound *bound = rd_jpool_take(&j->pool, sizeof *bound, j->e);
    if (!bound)
      return j->e->code;
    *bound = (rd_jbound){method, *v};
    *out = (rd_jvalue){.kind = RD_J_NATIVE, .as.bound = bound};
    return RD_OK;
  }
  RD_TRY(rd_jstep(j, 1));
  if (v->kind == RD_J_DICT || v->kind == RD_J_SPACE) {
    const rd_jvalue *found = rd_jdict_named(v->as.dict, word);
    *out = found ? *found : *out;
  }
  return RD_OK;
}

/* The place of character `index` in a text, counted from the end where it is negative. */
static bool char_at(rd_jtext t, int64_t index, size_t *at) {
  if (index >= 0) {
    for (*at = 0; *at < t.size && index > 0; index--)
      *at += rd_jchar_size(t, *at);
    return *at < t.size;
  }
  for (*at = t.size; *at > 0 && index < 0; index++)
    *at = rd_jchar_before(t, *at);
  return index == 0;
}

static rd_code by_number(rd_jstate *j, const rd_jvalue *v, int64_t index, rd_jvalue *out) {
  size_t at;
  if (v->kind == RD_J_TEXT) {
    RD_TRY(rd_jstep(j, v->as.text.size / 16));
    if (char_at(v->as.text, index, &at))
      *out = rd_jtext_value(rd_jpart(v->as.text, at, at + rd_jchar_size(v->as.text, at)));
  } else if (v->kind == RD_J_LIST && v->as.list->form <= RD_J_RANGE) {
    int64_t count = (int64_t)v->as.list->count;
    index += index < 0 ? count : 0;
    if (index >= 0 && index < count)
      *out = v->as.list->items[index];
  }
  return RD_OK;
}

rd_code rd_jitem(rd_jstate *j, const rd_jvalue *v, const rd_jvalue *key, rd_jvalue *out) {
  *out = rd_jundefined(key->kind == RD_J_TEXT ? key->as.text : rd_jliteral("item"));
  if (v->kind == RD_J_UNDEFINED)
    return rd_jfail(j, "'%.*s' is undefined, and so has no items", (int)v->as.text.size,
                    v->as.text.data);
  if (v->kind == RD_J_DICT) {
    rd_jvalue *found;
    RD_TRY(rd_jdict_get(j, v->as.dict, *key, &found));
    if (found) {
      *out = *found;
      return RD_OK;
    }
  } else if (key->kind == RD_J_INT || key->kind == RD_J_BOOL) {
    return by_number(j, v, key->as.number, out);
  }
  return key->kind == RD_J_TEXT ? rd_jattribute(j, v, key->as.text, out) : RD_OK;
}

/* Python's slice.indices: bounds made to lie within `count` items. */
static rd_code bounds_of(rd_jstate *j, const rd_jvalue bounds[3], int64_t count, int64_t *start,
                         int64_t *stop, int64_t *step) {
  int64_t numbers[3];
  bool given[3];
  for (int i = 0; i < 3; i++) {
    given[i] = bounds[i].kind == RD_J_INT || bounds[i].kind == RD_J_BOOL;
    numbers[i] = given[i] ? bounds[i].as.number : 0;
    if (!given[i] && bounds[i].kind != RD_J_NONE && bounds[i].kind != RD_J_UNSET)
      return rd_jfail(j, "a slice goes from int to int, not to %s", rd_jkind_name(&bounds[i]));
  }
  *step = given[2] ? numbers[2] : 1;
  if (*step == 0)
    return rd_jfail(j, "a slice of step 0");
  int64_t low = *step > 0 ? 0 : -1, high = *step > 0 ? count : count - 1;
  for (int i = 0; i < 2; i++) {
    int64_t n = numbers[i] < 0 ? numbers[i] + count : numbers[i];
    numbers[i] = n < low ? low : n > high ? high : n;
  }
  *start = given[0] ? numbers[0] : *step > 0 ? 0 : count - 1;
  *stop = given[1] ? numbers[1] : *step > 0 ? count : -1;
  return RD_OK;
}

/* The byte at which character `index` of a text begins, its size at the end. */
static size_t place_of(rd_jtext t, int64_t index) {
  size_t at;
  return char_at(t, index, &at) ? at : t.size;
}

static rd_code cut_text(rd_jstate *j, const rd_jvalue *v, const rd_jvalue bounds[3],
                        rd_jvalue *out) {
  rd_jtext t = v->as.text;
  int64_t start, stop, step;
  RD_TRY(rd_jstep(j, t.size / 8));
  RD_TRY(bounds_of(j, bounds, (int64_t)rd_jchars(t), &start, &stop, &step));
  if (step == 1) { /* a part of the text itself */
    size_t from = place_of(t, start), to = start < stop ? place_of(t, stop) : from;
    *out = rd_jtext_value(rd_jpart(t, from, to));
    out->safe = v->safe;
    return RD_OK;
  }
  rd_jvalue all;
  size_t mark = rd_jmark(j);
  RD_TRY(characters(j, t, &all));
  for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) {
    RD_TRY(rd_jput(j, all.as.list->items[i].as.text));
    if (step > 0 ? step >= stop - i : step <= stop - i)
      break;
  }
  return rd_jtake(j, mark, out);
}

rd_code rd_jcut(rd_jstate *j, const rd_jvalue *v, const rd_jvalue bounds[3], rd_jvalue *out) {
  int64_t start, stop, step;
  if (v->kind == RD_J_UNDEFINED)
    return rd_jfail(j, "'%.*s' is undefined, and so has no slices", (int)v->as.text.size,
                    v->as.text.data);
  if (v->kind == RD_J_TEXT)
    return cut_text(j, v, bounds, out);
  if (v->kind != RD_J_LIST || v->as.list->form > RD_J_RANGE)
    return rd_jfail(j, "a %s has no slices", rd_jkind_name(v));
  const rd_jlist *from = v->as.list;
  RD_TRY(bounds_of(j, bounds, (int64_t)from->count, &start, &stop, &step));
  RD_TRY(rd_jlist_new(j, from->form, out));
  for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) {
    RD_TRY(rd_jstep(j, 1));
    RD_TRY(rd_jlist_add(j, out->as.list, from->items[i]));
    if (step > 0 ? step >= stop - i : step <= stop - i)
      break;
  }
  return RD_OK;
}
