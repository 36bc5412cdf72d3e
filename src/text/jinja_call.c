/* SPDX-License-Identifier: MIT */
/* Calls of rows: arguments are bound to a row's parameters by place, then by name, as Python binds
 * them. */
#include "jinja_call.h"

#include "jinja_text.h"

#include <string.h>

const rd_jfunction *rd_jrow(const rd_jfunction *rows, size_t count, rd_slice name, unsigned kinds) {
  for (size_t i = 0; i < count; i++)
    if (rd_slice_same(name, rd_slice_text(rows[i].name)) && (!kinds || (rows[i].kinds & kinds)))
      return &rows[i];
  return NULL;
}

const rd_jfunction *rd_jfilter(rd_slice name) {
  const rd_jfunction *row = rd_jrow(rd_jfilters_of_texts, rd_jfilters_of_texts_count, name, 0);
  return row ? row : rd_jrow(rd_jfilters_of_lists, rd_jfilters_of_lists_count, name, 0);
}

/* The next name of a row's list, false at its end; *needed where it has a "!". */
static bool next_parameter(const char **list, rd_slice *name, bool *needed) {
  size_t size = strcspn(*list, " ");
  if (size == 0 || **list == '*')
    return false;
  *needed = (*list)[size - 1] == '!';
  *name = (rd_slice){*list, size - *needed};
  *list += size + ((*list)[size] == ' ');
  return true;
}

/* The place of a parameter in a row's list, or -1. */
static int parameter(const char *list, rd_slice wanted) {
  rd_slice name;
  bool needed;
  for (int i = 0; next_parameter(&list, &name, &needed); i++)
    if (rd_slice_same(name, wanted))
      return i;
  return -1;
}

/* All that a row needs must be given. */
static rd_code check_needed(rd_jstate *j, const rd_jfunction *row, const rd_jcall *call) {
  const char *list = row->parameters;
  rd_slice name;
  bool needed;
  for (size_t i = 0; next_parameter(&list, &name, &needed); i++)
    if (needed && call->given[i].kind == RD_J_UNSET)
      return rd_jfail(j, "%s needs its argument %.*s", row->name, (int)name.size, name.data);
  return RD_OK;
}

static size_t parameter_count(const char *list) {
  rd_slice name;
  bool needed;
  size_t count = 0;
  while (next_parameter(&list, &name, &needed))
    count++;
  return count;
}

static rd_code bind(rd_jstate *j, const rd_jfunction *row, const rd_jarguments *a, rd_jcall *call) {
  const char *star = strchr(row->parameters, '*');
  size_t own = parameter_count(row->parameters);
  bool named = star && star[1] == '*';
  rd_jvalue dict, list;
  if (named) {
    RD_TRY(rd_jdict_new(j, RD_J_DICT, &dict));
    call->named = dict.as.dict;
  }
  if (star)
    RD_TRY(rd_jlist_new(j, RD_J_SQUARE, &list));
  for (size_t i = 0; i < a->count; i++) {
    int place = a->names[i].size ? parameter(row->parameters, a->names[i]) : -1;
    rd_jtext name = {a->names[i].data, a->names[i].data, a->names[i].size};
    if (a->names[i].size == 0 && i < own)
      call->given[i] = a->values[i];
    else if (a->names[i].size == 0 && star)
      RD_TRY(rd_jlist_add(j, list.as.list, a->values[i]));
    else if (place >= 0 && call->given[place].kind == RD_J_UNSET)
      call->given[place] = a->values[i];
    else if (named && name.size) {
      RD_TRY(rd_jpool_text(&j->pool, (rd_jtext){name.data, NULL, name.size}, 0, &name, j->e));
      RD_TRY(rd_jdict_set(j, call->named, rd_jtext_value(name), a->values[i]));
    } else if (name.size)
      return rd_jfail(j, "%s takes no argument %.*s", row->name, (int)name.size, name.data);
    else
      return rd_jfail(j, "%s takes at most %zu arguments", row->name, own);
  }
  if (star) {
    call->rest = list.as.list->items;
    call->rest_count = list.as.list->count;
  }
  return check_needed(j, row, call);
}

rd_code rd_jrun(rd_jstate *j, const rd_jfunction *row, const rd_jvalue *self,
                const rd_jarguments *arguments, rd_jvalue *out) {
  rd_jcall call = {0};
  call.self = self ? *self : call.self;
  RD_TRY(bind(j, row, arguments, &call));
  return row->run(j, &call, out);
}

bool rd_jgiven(const rd_jcall *call, size_t i) {
  return call->given[i].kind != RD_J_UNSET && call->given[i].kind != RD_J_NONE;
}

bool rd_jgiven_true(const rd_jcall *call, size_t i) {
  return rd_jtruth(&call->given[i]);
}

rd_code rd_jgiven_int(rd_jstate *j, const rd_jcall *call, size_t i, int64_t *out) {
  const rd_jvalue *v = &call->given[i];
  if (v->kind == RD_J_UNSET)
    return RD_OK;
  if (v->kind != RD_J_INT && v->kind != RD_J_BOOL)
    return rd_jfail(j, "argument %zu is a %s, not an int", i + 1, rd_jkind_name(v));
  *out = v->as.number;
  return RD_OK;
}

rd_code rd_jgiven_text(rd_jstate *j, const rd_jcall *call, size_t i, rd_jtext *out) {
  const rd_jvalue *v = &call->given[i];
  if (v->kind == RD_J_UNSET)
    return RD_OK;
  if (v->kind != RD_J_TEXT)
    return rd_jfail(j, "argument %zu is a %s, not a str", i + 1, rd_jkind_name(v));
  *out = v->as.text;
  return RD_OK;
}

rd_code rd_jpath(rd_jstate *j, const rd_jvalue *v, const rd_jvalue *path, rd_jvalue *out) {
  *out = *v;
  if (path->kind != RD_J_TEXT)
    return rd_jitem(j, v, path, out);
  rd_jtext rest = path->as.text;
  for (bool more = true; more;) {
    size_t dot = rd_jfind(rest, rd_jliteral("."), 0);
    more = dot != SIZE_MAX;
    rd_jvalue object = *out, key = rd_jtext_value(rd_jpart(rest, 0, more ? dot : rest.size));
    rd_jtext name = key.as.text;
    int64_t number = 0;
    size_t digits = 0;
    for (; digits < name.size && digits < 10 && (unsigned)(name.data[digits] - '0') < 10; digits++)
      number = 10 * number + (name.data[digits] - '0');
    if (digits && digits == name.size)
      key = rd_jint(number);
    RD_TRY(rd_jitem(j, &object, &key, out));
    if (more)
      rest = rd_jpart(rest, dot + 1, rest.size);
  }
  return RD_OK;
}
