/* SPDX-License-Identifier: MIT */
/* Methods of texts and dicts. Those that change a list or a dict are refused, as transformers'
 * sandbox refuses them. */
#include "jinja_call.h"
#include "jinja_text.h"

#include <string.h>
#include <utf8proc.h>

static rd_code strip_sides(rd_jstate *j, const rd_jcall *c, bool left, bool right, rd_jvalue *out) {
  rd_jtext set;
  if (rd_jgiven(c, 0))
    RD_TRY(rd_jgiven_text(j, c, 0, &set));
  *out = rd_jtext_value(rd_jstrip(c->self.as.text, rd_jgiven(c, 0) ? &set : NULL, left, right));
  out->safe = c->self.safe;
  return RD_OK;
}
static rd_code lstrip(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return strip_sides(j, c, true, false, out);
}
static rd_code rstrip(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return strip_sides(j, c, false, true, out);
}

static rd_code title(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return rd_jcased(j, c->self.as.text, RD_J_TITLE, out);
}

/* startswith, endswith: of a text or of any of a tuple. */
static rd_code at_side(rd_jstate *j, const rd_jcall *c, bool end, rd_jvalue *out) {
  const rd_jvalue *wanted = &c->given[0];
  bool tuple = wanted->kind == RD_J_LIST && wanted->as.list->form == RD_J_TUPLE;
  size_t count = tuple ? wanted->as.list->count : 1;
  rd_jtext t = c->self.as.text;
  *out = rd_jbool(false);
  for (size_t i = 0; i < count; i++) {
    const rd_jvalue *v = tuple ? &wanted->as.list->items[i] : wanted;
    if (v->kind != RD_J_TEXT)
      return rd_jfail(j, "a text starts or ends with a str, not with a %s", rd_jkind_name(v));
    size_t size = v->as.text.size;
    if (size <= t.size && memcmp(end ? t.data + t.size - size : t.data, v->as.text.data, size) == 0)
      *out = rd_jbool(true);
  }
  return RD_OK;
}
static rd_code startswith(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return at_side(j, c, false, out);
}
static rd_code endswith(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return at_side(j, c, true, out);
}

static rd_code without(rd_jstate *j, const rd_jcall *c, bool end, rd_jvalue *out) {
  rd_jvalue there;
  rd_jtext t = c->self.as.text, what = rd_jliteral("");
  RD_TRY(rd_jgiven_text(j, c, 0, &what));
  RD_TRY(at_side(j, c, end, &there));
  size_t size = there.as.number ? what.size : 0;
  *out = rd_jtext_value(end ? rd_jpart(t, 0, t.size - size) : rd_jpart(t, size, t.size));
  return RD_OK;
}
static rd_code removeprefix(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return without(j, c, false, out);
}
static rd_code removesuffix(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return without(j, c, true, out);
}

static rd_code add_part(rd_jstate *j, rd_jvalue *list, rd_jtext t, size_t from, size_t to) {
  RD_TRY(rd_jstep(j, 1));
  return rd_jlist_add(j, list->as.list, rd_jtext_value(rd_jpart(t, from, to)));
}

/* At white space, or at `mark`, from the left. */
static rd_code split(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jtext t = c->self.as.text, mark = {0};
  int64_t most = -1;
  bool spaces = !rd_jgiven(c, 0);
  RD_TRY(rd_jgiven_int(j, c, 1, &most));
  RD_TRY(rd_jlist_new(j, RD_J_SQUARE, out));
  if (!spaces) {
    RD_TRY(rd_jgiven_text(j, c, 0, &mark));
    if (mark.size == 0)
      return rd_jfail(j, "a split at nothing");
  }
  size_t at = 0;
  for (;; most -= most > 0) {
    rd_jtext rest = rd_jpart(t, at, t.size);
    if (spaces) {
      at = t.size - rd_jstrip(rest, NULL, true, false).size;
      if (at == t.size)
        return RD_OK;
    }
    size_t end = spaces ? at : most ? rd_jfind(t, mark, at) : SIZE_MAX;
    while (spaces && end < t.size && (most == 0 || !rd_jspace(rd_jchar(t, end))))
      end += rd_jchar_size(t, end);
    if (end == SIZE_MAX || end >= t.size) {
      end = t.size;
      return add_part(j, out, t, at, end);
    }
    RD_TRY(add_part(j, out, t, at, end));
    at = spaces ? end : end + mark.size;
  }
}

/* The last place of `what` before `end`, or SIZE_MAX. */
static size_t find_last(rd_jtext t, rd_jtext what, size_t end) {
  if (what.size > end)
    return SIZE_MAX;
  for (size_t at = end - what.size + 1; at-- > 0;)
    if (memcmp(t.data + at, what.data, what.size) == 0)
      return at;
  return SIZE_MAX;
}

/* From the right; without a limit it is split. */
static rd_code rsplit(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jtext t = c->self.as.text, mark = {0};
  int64_t most = -1;
  RD_TRY(rd_jgiven_int(j, c, 1, &most));
  if (most < 0)
    return split(j, c, out);
  if (!rd_jgiven(c, 0))
    return rd_jfail(j, "rsplit at white space with a limit is not supported");
  RD_TRY(rd_jgiven_text(j, c, 0, &mark));
  if (mark.size == 0)
    return rd_jfail(j, "a split at nothing");
  size_t start = t.size; /* of the part that is split off next, by going back `most` marks */
  bool any = false;
  for (; most > 0; most--) {
    size_t found = find_last(t, mark, start);
    RD_TRY(rd_jstep(j, t.size / 16));
    if (found == SIZE_MAX)
      break;
    start = found;
    any = true;
  }
  RD_TRY(rd_jlist_new(j, RD_J_SQUARE, out));
  RD_TRY(add_part(j, out, t, 0, any ? start : t.size));
  for (size_t at = start; any && at < t.size;) {
    size_t from = at + mark.size, next = t.size;
    size_t found = rd_jfind(t, mark, from);
    next = found == SIZE_MAX ? t.size : found;
    RD_TRY(add_part(j, out, t, from, next));
    at = next;
    if (found == SIZE_MAX)
      break;
  }
  return RD_OK;
}

static rd_code splitlines(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jtext t = c->self.as.text;
  RD_TRY(rd_jlist_new(j, RD_J_SQUARE, out));
  for (size_t at = 0; at < t.size;) {
    size_t from = at;
    rd_jtext line = rd_jline(t, &at);
    RD_TRY(add_part(j, out, t, from, rd_jgiven_true(c, 0) ? at : from + line.size));
  }
  return RD_OK;
}

static rd_code partition_at(rd_jstate *j, const rd_jcall *c, bool last, rd_jvalue *out) {
  rd_jtext t = c->self.as.text, mark = rd_jliteral("");
  RD_TRY(rd_jgiven_text(j, c, 0, &mark));
  if (mark.size == 0)
    return rd_jfail(j, "a partition at nothing");
  size_t found = last ? find_last(t, mark, t.size) : rd_jfind(t, mark, 0);
  bool none = found == SIZE_MAX;
  size_t first = none ? (last ? 0 : t.size) : found;
  RD_TRY(rd_jlist_new(j, RD_J_TUPLE, out));
  RD_TRY(add_part(j, out, t, 0, first));
  RD_TRY(add_part(j, out, t, first, none ? first : first + mark.size));
  return add_part(j, out, t, none ? first : first + mark.size, t.size);
}
static rd_code partition(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return partition_at(j, c, false, out);
}
static rd_code rpartition(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return partition_at(j, c, true, out);
}

static rd_code replace(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jtext old = {0}, new = {0};
  int64_t most = -1;
  RD_TRY(rd_jgiven_text(j, c, 0, &old));
  RD_TRY(rd_jgiven_text(j, c, 1, &new));
  RD_TRY(rd_jgiven_int(j, c, 2, &most));
  size_t mark = rd_jmark(j);
  RD_TRY(rd_jput_replaced(j, c->self.as.text, old, new, most));
  return rd_jtake(j, mark, out);
}

static rd_code find_at(rd_jstate *j, const rd_jcall *c, bool last, rd_jvalue *out) {
  rd_jtext t = c->self.as.text, what = rd_jliteral("");
  RD_TRY(rd_jgiven_text(j, c, 0, &what));
  if (c->given[1].kind != RD_J_UNSET)
    return rd_jfail(j, "find from a place is not supported");
  size_t found = last ? find_last(t, what, t.size) : rd_jfind(t, what, 0);
  *out = rd_jint(found == SIZE_MAX ? -1 : (int64_t)rd_jchars(rd_jpart(t, 0, found)));
  return rd_jstep(j, t.size / 16);
}
static rd_code find(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return find_at(j, c, false, out);
}
static rd_code rfind(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return find_at(j, c, true, out);
}
static rd_code index_of(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  RD_TRY(find(j, c, out));
  return out->as.number < 0 ? rd_jfail(j, "index of a text that is not there") : RD_OK;
}

static rd_code count(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jtext t = c->self.as.text, what = rd_jliteral("");
  RD_TRY(rd_jgiven_text(j, c, 0, &what));
  int64_t n = what.size ? 0 : (int64_t)rd_jchars(t) + 1;
  for (size_t at = 0; what.size && (at = rd_jfind(t, what, at)) != SIZE_MAX; at += what.size)
    n++;
  *out = rd_jint(n);
  return rd_jstep(j, t.size / 16);
}

static rd_code join(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue *items;
  size_t n, mark = rd_jmark(j);
  RD_TRY(rd_jwalk(j, &c->given[0], &items, &n));
  for (size_t i = 0; i < n; i++) {
    if (items[i].kind != RD_J_TEXT)
      return rd_jfail(j, "join of a %s; only of str", rd_jkind_name(&items[i]));
    RD_TRY(rd_jput(j, i ? c->self.as.text : rd_jliteral("")));
    RD_TRY(rd_jput(j, items[i].as.text));
  }
  return rd_jtake(j, mark, out);
}

static rd_code format(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return rd_jformat_braces(j, c->self.as.text, c, out);
}

/* Digits that are no decimal ones: above and below the line, in circles, of Ethiopia and others. */
static const struct digit_row {
  uint32_t first, last;
} digit_rows[] = {{0xB2, 0xB3},       {0xB9, 0xB9},       {0x1369, 0x1371},   {0x19DA, 0x19DA},
                  {0x2070, 0x2070},   {0x2074, 0x2079},   {0x2080, 0x2089},   {0x2460, 0x2468},
                  {0x2474, 0x247C},   {0x2488, 0x2490},   {0x24EA, 0x24EA},   {0x24F5, 0x24FD},
                  {0x24FF, 0x24FF},   {0x2776, 0x277E},   {0x2780, 0x2788},   {0x278A, 0x2792},
                  {0x10A40, 0x10A43}, {0x10E60, 0x10E68}, {0x11052, 0x1105A}, {0x1F100, 0x1F10A}};

static bool is_digit(uint32_t point) {
  bool digit = utf8proc_category((utf8proc_int32_t)point) == UTF8PROC_CATEGORY_ND;
  for (size_t i = 0; i < sizeof digit_rows / sizeof *digit_rows && !digit; i++)
    digit = point >= digit_rows[i].first && point <= digit_rows[i].last;
  return digit;
}

/* Does every character belong to some Unicode categories, and is there one? */
static rd_code all_of(const rd_jcall *c, unsigned categories, rd_jvalue *out) {
  rd_jtext t = c->self.as.text;
  bool all = t.size > 0;
  for (size_t at = 0; at < t.size && all; at += rd_jchar_size(t, at))
    all = (1U << utf8proc_category((utf8proc_int32_t)rd_jchar(t, at))) & categories;
  *out = rd_jbool(all);
  return RD_OK;
}
enum {
  LETTERS = 1 << UTF8PROC_CATEGORY_LU | 1 << UTF8PROC_CATEGORY_LL | 1 << UTF8PROC_CATEGORY_LT |
            1 << UTF8PROC_CATEGORY_LM | 1 << UTF8PROC_CATEGORY_LO,
  NUMBERS = 1 << UTF8PROC_CATEGORY_ND | 1 << UTF8PROC_CATEGORY_NL | 1 << UTF8PROC_CATEGORY_NO
};
static rd_code isdigit_text(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  (void)j;
  rd_jtext t = c->self.as.text;
  bool all = t.size > 0;
  for (size_t at = 0; at < t.size && all; at += rd_jchar_size(t, at))
    all = is_digit(rd_jchar(t, at));
  *out = rd_jbool(all);
  return RD_OK;
}
static rd_code isalpha_text(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  (void)j;
  return all_of(c, LETTERS, out);
}
static rd_code isalnum_text(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  (void)j;
  return all_of(c, LETTERS | NUMBERS, out);
}
static rd_code isspace_text(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  (void)j;
  rd_jtext t = c->self.as.text;
  *out = rd_jbool(t.size > 0 && rd_jstrip(t, NULL, true, false).size == 0);
  return RD_OK;
}

static rd_code get(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue *found;
  RD_TRY(rd_jdict_get(j, c->self.as.dict, c->given[0], &found));
  *out = found ? *found : c->given[1].kind == RD_J_UNSET ? rd_jnone() : c->given[1];
  return RD_OK;
}

/* A view of a dict's keys, values, or both as pairs. */
static rd_code view(rd_jstate *j, const rd_jdict *dict, bool keys, bool values, rd_jvalue *out) {
  RD_TRY(rd_jlist_new(j, RD_J_VIEW, out));
  for (size_t i = 0; i < dict->count; i++) {
    rd_jvalue v = keys ? dict->keys[i] : dict->values[i];
    if (keys && values) {
      RD_TRY(rd_jlist_new(j, RD_J_TUPLE, &v));
      RD_TRY(rd_jlist_add(j, v.as.list, dict->keys[i]));
      RD_TRY(rd_jlist_add(j, v.as.list, dict->values[i]));
    }
    RD_TRY(rd_jlist_add(j, out->as.list, v));
  }
  return RD_OK;
}
static rd_code items(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return view(j, c->self.as.dict, true, true, out);
}
static rd_code keys(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return view(j, c->self.as.dict, true, false, out);
}
static rd_code values(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return view(j, c->self.as.dict, false, true, out);
}

static rd_code copy(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  *out = c->self; /* nothing changes a dict or a list */
  (void)j;
  return RD_OK;
}

static rd_code index_in(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  const rd_jlist *list = c->self.as.list;
  for (size_t i = 0; i < list->count; i++) {
    bool same;
    RD_TRY(rd_jequal(j, &list->items[i], &c->given[0], &same));
    if (same) {
      *out = rd_jint((int64_t)i);
      return RD_OK;
    }
  }
  return rd_jfail(j, "index of an item that is not in the list");
}

static rd_code count_in(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  const rd_jlist *list = c->self.as.list;
  *out = rd_jint(0);
  for (size_t i = 0; i < list->count; i++) {
    bool same;
    RD_TRY(rd_jequal(j, &list->items[i], &c->given[0], &same));
    out->as.number += same;
  }
  return RD_OK;
}

static rd_code refuse(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  (void)out;
  return rd_jfail(j, "a %s is to be changed, which templates may not do", rd_jkind_name(&c->self));
}

enum { TEXT = 1 << RD_J_TEXT, DICT = 1 << RD_J_DICT, LIST = 1 << RD_J_LIST };
static const rd_jfunction methods[] = {
    {"append", "**", refuse, LIST},
    {"capitalize", "", rd_jcapitalize, TEXT},
    {"clear", "**", refuse, LIST | DICT},
    {"copy", "", copy, LIST | DICT},
    {"count", "sub!", count, TEXT},
    {"count", "value!", count_in, LIST},
    {"endswith", "suffix!", endswith, TEXT},
    {"extend", "**", refuse, LIST},
    {"find", "sub! start", find, TEXT},
    {"format", "**", format, TEXT},
    {"get", "key! default", get, DICT},
    {"index", "sub! start", index_of, TEXT},
    {"index", "value!", index_in, LIST},
    {"insert", "**", refuse, LIST},
    {"isalnum", "", isalnum_text, TEXT},
    {"isalpha", "", isalpha_text, TEXT},
    {"isdigit", "", isdigit_text, TEXT},
    {"isspace", "", isspace_text, TEXT},
    {"items", "", items, DICT},
    {"join", "iterable!", join, TEXT},
    {"keys", "", keys, DICT},
    {"lower", "", rd_jlower, TEXT},
    {"lstrip", "chars", lstrip, TEXT},
    {"partition", "sep!", partition, TEXT},
    {"pop", "**", refuse, LIST | DICT},
    {"popitem", "**", refuse, DICT},
    {"remove", "**", refuse, LIST},
    {"removeprefix", "prefix!", removeprefix, TEXT},
    {"removesuffix", "suffix!", removesuffix, TEXT},
    {"replace", "old! new! count", replace, TEXT},
    {"reverse", "**", refuse, LIST},
    {"rfind", "sub! start", rfind, TEXT},
    {"rpartition", "sep!", rpartition, TEXT},
    {"rsplit", "sep maxsplit", rsplit, TEXT},
    {"rstrip", "chars", rstrip, TEXT},
    {"setdefault", "**", refuse, DICT},
    {"sort", "**", refuse, LIST},
    {"split", "sep maxsplit", split, TEXT},
    {"splitlines", "keepends", splitlines, TEXT},
    {"startswith", "prefix!", startswith, TEXT},
    {"strip", "chars", rd_jtrim, TEXT},
    {"title", "", title, TEXT},
    {"update", "**", refuse, DICT},
    {"upper", "", rd_jupper, TEXT},
    {"values", "", values, DICT},
};

const rd_jfunction *rd_jmethod(const rd_jvalue *v, rd_slice name) {
  if (v->kind == RD_J_LIST && v->as.list->form != RD_J_SQUARE)
    return NULL;
  return rd_jrow(methods, sizeof methods / sizeof *methods, name, 1U << v->kind);
}
