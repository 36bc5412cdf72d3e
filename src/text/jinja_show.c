/* SPDX-License-Identifier: MIT */
/* What values look like as text: Python's str and repr, and JSON as json.dumps writes it. */
#include "jinja_text.h"

#include "number.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The shortest digits that read back as the same number, in Python's layout: an exponent below
 * 1e-4 and from 1e16 on, ".0" behind whole numbers. */
size_t rd_jreal_text(double x, char out[40]) {
  char digits[32];
  if (!isfinite(x))
    return (size_t)snprintf(out, 40, "%s", isnan(x) ? "nan" : x < 0 ? "-inf" : "inf");
  for (int precision = 1; precision <= 17; precision++) {
    rd_number_print(digits, sizeof digits, "%.*e", precision - 1, x);
    if (rd_number_read(digits, NULL) == x)
      break;
  }
  int exponent = atoi(strchr(digits, 'e') + 1);
  int count = 0; /* significant digits */
  for (const char *p = digits; *p != 'e'; p++)
    count += *p >= '0' && *p <= '9';
  if (exponent < -4 || exponent >= 16)
    return (size_t)snprintf(out, 40, "%.*s%s%02d", (int)(strchr(digits, 'e') - digits), digits,
                            exponent < 0 ? "e-" : "e+", abs(exponent));
  int fraction = count - 1 - exponent;
  return (size_t)rd_number_print(out, 40, "%.*f", fraction > 0 ? fraction : 1, x);
}

static rd_code put_bytes(rd_jstate *j, const char *text, size_t size) {
  static const char zeros[64];
  return rd_jput(j, (rd_jtext){text, zeros, size});
}

static rd_code put_number(rd_jstate *j, const rd_jvalue *v) {
  char text[40];
  size_t size = v->kind == RD_J_REAL
                  ? rd_jreal_text(v->as.real, text)
                  : (size_t)snprintf(text, sizeof text, "%" PRId64, v->as.number);
  return put_bytes(j, text, size);
}

/* Characters that are written as escapes, by Python and by JSON alike. */
static rd_code put_escape(rd_jstate *j, const char *format, uint32_t point) {
  char text[16];
  return put_bytes(j, text, (size_t)snprintf(text, sizeof text, format, point));
}

static rd_code repr_text(rd_jstate *j, rd_jtext t) {
  bool single = memchr(t.data, '\'', t.size) != NULL, twice = memchr(t.data, '"', t.size) != NULL;
  char quote[2] = {single && !twice ? '"' : '\'', '\0'};
  static const char escaped[] = "\n\r\t\\", letters[] = "nrt\\";
  RD_TRY(put_bytes(j, quote, 1));
  for (size_t at = 0; at < t.size;) {
    size_t size = rd_jchar_size(t, at);
    uint32_t c = rd_jchar(t, at);
    const char *known = c ? memchr(escaped, (int)c, c < 128 ? sizeof escaped - 1 : 0) : NULL;
    if (known || c == (uint32_t)*quote)
      RD_TRY(put_escape(j, "\\%c", known ? (uint32_t)letters[known - escaped] : c));
    else if (!rd_jprintable(c))
      RD_TRY(put_escape(j, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c));
    else
      RD_TRY(rd_jput(j, rd_jpart(t, at, at + size)));
    at += size;
  }
  return put_bytes(j, quote, 1);
}

static rd_code repr_list(rd_jstate *j, const rd_jlist *list) {
  static const char *const brackets[][2] = {{"[", "]"}, {"(", ")"}};
  RD_TRY(rd_jput_word(j, brackets[list->form][0]));
  for (size_t i = 0; i < list->count; i++) {
    RD_TRY(rd_jput_word(j, i ? ", " : ""));
    RD_TRY(rd_jput_repr(j, &list->items[i]));
  }
  RD_TRY(rd_jput_word(j, list->form == RD_J_TUPLE && list->count == 1 ? "," : ""));
  return rd_jput_word(j, brackets[list->form][1]);
}

static rd_code repr_dict(rd_jstate *j, const rd_jdict *dict) {
  RD_TRY(rd_jput_word(j, "{"));
  for (size_t i = 0; i < dict->count; i++) {
    RD_TRY(rd_jput_word(j, i ? ", " : ""));
    RD_TRY(rd_jput_repr(j, &dict->keys[i]));
    RD_TRY(rd_jput_word(j, ": "));
    RD_TRY(rd_jput_repr(j, &dict->values[i]));
  }
  return rd_jput_word(j, "}");
}

rd_code rd_jput_repr(rd_jstate *j, const rd_jvalue *v) {
  bool list = v->kind == RD_J_LIST && v->as.list->form <= RD_J_TUPLE;
  if (v->kind == RD_J_TEXT && v->safe) { /* Python shows the class that marks it */
    RD_TRY(rd_jput_word(j, "Markup("));
    RD_TRY(repr_text(j, v->as.text));
    return rd_jput_word(j, ")");
  }
  if (v->kind == RD_J_TEXT)
    return repr_text(j, v->as.text);
  if (v->kind == RD_J_UNDEFINED)
    return rd_jput_word(j, "Undefined");
  if (list || v->kind == RD_J_DICT) {
    RD_TRY(rd_jdeeper(j));
    RD_TRY(list ? repr_list(j, v->as.list) : repr_dict(j, v->as.dict));
    j->depth--;
    return RD_OK;
  }
  return rd_jput_str(j, v);
}

rd_code rd_jput_str(rd_jstate *j, const rd_jvalue *v) {
  switch (v->kind) {
  case RD_J_UNSET:
  case RD_J_UNDEFINED:
    return RD_OK;
  case RD_J_NONE:
    return rd_jput_word(j, "None");
  case RD_J_BOOL:
    return rd_jput_word(j, v->as.number ? "True" : "False");
  case RD_J_INT:
  case RD_J_REAL:
    return put_number(j, v);
  case RD_J_TEXT:
    return rd_jput(j, v->as.text);
  case RD_J_DICT:
    return rd_jput_repr(j, v);
  case RD_J_LIST:
    if (v->as.list->form <= RD_J_TUPLE)
      return rd_jput_repr(j, v);
    break;
  default:
    break;
  }
  return rd_jfail(j, "a %s has no text of its own", rd_jkind_name(v));
}

rd_code rd_jstr(rd_jstate *j, const rd_jvalue *v, rd_jvalue *out) {
  if (v->kind == RD_J_TEXT) {
    *out = *v;
    return RD_OK;
  }
  size_t mark = rd_jmark(j);
  RD_TRY(rd_jput_str(j, v));
  return rd_jtake(j, mark, out);
}

/* JSON escapes ", \ and what is below a space; with `ascii` all that is not ASCII. */
static rd_code json_text(rd_jstate *j, rd_jtext t, bool ascii) {
  static const char escaped[] = "\"\\\n\r\t\f\b", letters[] = "\"\\nrtfb";
  size_t from = 0;
  RD_TRY(rd_jput_word(j, "\""));
  for (size_t at = 0; at < t.size;) {
    size_t size = rd_jchar_size(t, at);
    uint32_t c = rd_jchar(t, at);
    const char *known = c ? memchr(escaped, (int)c, c < 128 ? sizeof escaped - 1 : 0) : NULL;
    if (known || c < 0x20 || (ascii && c > 0x7E)) {
      RD_TRY(rd_jput(j, rd_jpart(t, from, at)));
      from = at + size;
      if (known)
        RD_TRY(put_escape(j, "\\%c", (uint32_t)letters[known - escaped]));
      else if (c < 0x10000)
        RD_TRY(c == 0x7F ? rd_jput(j, rd_jpart(t, at, from)) : put_escape(j, "\\u%04x", c));
      else {
        RD_TRY(put_escape(j, "\\u%04x", 0xD800 + ((c - 0x10000) >> 10)));
        RD_TRY(put_escape(j, "\\u%04x", 0xDC00 + ((c - 0x10000) & 0x3FF)));
      }
    }
    at += size;
  }
  RD_TRY(rd_jput(j, rd_jpart(t, from, t.size)));
  return rd_jput_word(j, "\"");
}

/* A new line and its indentation, where lines are asked for. */
static rd_code json_line(rd_jstate *j, const rd_jdump *how, unsigned level) {
  const rd_jvalue *indent = how->indent;
  if (!indent || indent->kind == RD_J_NONE || indent->kind == RD_J_UNSET)
    return RD_OK;
  RD_TRY(rd_jput_word(j, "\n"));
  bool text = indent->kind == RD_J_TEXT;
  for (unsigned i = 0; i < level; i++)
    for (int64_t n = text ? 1 : indent->as.number; n > 0; n--)
      RD_TRY(text ? rd_jput(j, indent->as.text) : rd_jput_word(j, " "));
  return RD_OK;
}

static rd_code json_mark(rd_jstate *j, const rd_jdump *how, const rd_jvalue *own, const char *flat,
                         const char *lined) {
  if (own && own->kind == RD_J_TEXT)
    return rd_jput(j, own->as.text);
  bool lines = how->indent && how->indent->kind != RD_J_NONE && how->indent->kind != RD_J_UNSET;
  return rd_jput_word(j, lines ? lined : flat);
}

static rd_code json_list(rd_jstate *j, const rd_jvalue *v, const rd_jdump *how, unsigned level) {
  const rd_jlist *list = v->as.list;
  if (list->form > RD_J_TUPLE)
    return rd_jfail(j, "a %s is no JSON", rd_jkind_name(v));
  if (list->count == 0)
    return rd_jput_word(j, "[]");
  RD_TRY(rd_jput_word(j, "["));
  for (size_t i = 0; i < list->count; i++) {
    if (i)
      RD_TRY(json_mark(j, how, how->item_mark, ", ", ","));
    RD_TRY(json_line(j, how, level + 1));
    RD_TRY(rd_jput_json(j, &list->items[i], how, level + 1));
  }
  RD_TRY(json_line(j, how, level));
  return rd_jput_word(j, "]");
}

static rd_code json_key(rd_jstate *j, const rd_jvalue *key, const rd_jdump *how) {
  if (key->kind == RD_J_TEXT)
    return rd_jput_json(j, key, how, 0);
  if (!rd_jis_number(key) && key->kind != RD_J_NONE)
    return rd_jfail(j, "a %s is no key of JSON", rd_jkind_name(key));
  RD_TRY(rd_jput_word(j, "\""));
  RD_TRY(rd_jput_json(j, key, how, 0));
  return rd_jput_word(j, "\"");
}

/* The dict's places in the order in which they are written: `order` has room for all. */
static rd_code json_order(rd_jstate *j, const rd_jdict *dict, bool sorted, size_t *order) {
  for (size_t i = 0; i < dict->count; i++) {
    size_t at = i;
    for (; sorted && at > 0; at--) {
      int less;
      RD_TRY(rd_jorder(j, &dict->keys[i], &dict->keys[order[at - 1]], &less));
      if (less >= 0)
        break;
      order[at] = order[at - 1];
    }
    order[at] = i;
  }
  return RD_OK;
}

static rd_code json_dict(rd_jstate *j, const rd_jdict *dict, const rd_jdump *how, unsigned level) {
  if (dict->count == 0)
    return rd_jput_word(j, "{}");
  size_t *order = rd_jpool_take(&j->pool, dict->count * sizeof *order, j->e);
  if (!order)
    return j->e->code;
  RD_TRY(json_order(j, dict, how->sorted, order));
  RD_TRY(rd_jput_word(j, "{"));
  for (size_t i = 0; i < dict->count; i++) {
    if (i)
      RD_TRY(json_mark(j, how, how->item_mark, ", ", ","));
    RD_TRY(json_line(j, how, level + 1));
    RD_TRY(json_key(j, &dict->keys[order[i]], how));
    RD_TRY(json_mark(j, how, how->key_mark, ": ", ": "));
    RD_TRY(rd_jput_json(j, &dict->values[order[i]], how, level + 1));
  }
  RD_TRY(json_line(j, how, level));
  return rd_jput_word(j, "}");
}

rd_code rd_jput_json(rd_jstate *j, const rd_jvalue *v, const rd_jdump *how, unsigned level) {
  rd_code code;
  switch (v->kind) {
  case RD_J_NONE:
    return rd_jput_word(j, "null");
  case RD_J_BOOL:
    return rd_jput_word(j, v->as.number ? "true" : "false");
  case RD_J_REAL:
    if (!isfinite(v->as.real))
      return rd_jput_word(j, isnan(v->as.real) ? "NaN" : v->as.real < 0 ? "-Infinity" : "Infinity");
    return put_number(j, v);
  case RD_J_INT:
    return put_number(j, v);
  case RD_J_TEXT:
    return json_text(j, v->as.text, how->ascii);
  case RD_J_LIST:
  case RD_J_DICT:
    RD_TRY(rd_jdeeper(j));
    code =
        v->kind == RD_J_LIST ? json_list(j, v, how, level) : json_dict(j, v->as.dict, how, level);
    j->depth--;
    return code;
  default:
    return rd_jfail(j, "a %s is no JSON", rd_jkind_name(v));
  }
}
