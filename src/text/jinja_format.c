/* SPDX-License-Identifier: MIT */
/* Python's two ways of formatting: "%s" % value and "{}".format(value). Both come down to one
 * field: fill, alignment, sign, width, precision, type. */
#include "jinja_call.h"
#include "jinja_text.h"
#include "number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct field {
  char align, sign, type; /* '<' '>' '^' '=' or 0; '+' ' ' or 0; 's', 'd', .. or 0 */
  bool zeros, thousands;
  int64_t width, precision; /* -1: not given */
} field;

static int64_t digits(rd_jtext t, size_t *at) {
  int64_t n = -1;
  for (; *at < t.size && t.data[*at] >= '0' && t.data[*at] <= '9' && n < 10000; ++*at)
    n = (n < 0 ? 0 : n * 10) + (t.data[*at] - '0');
  return n;
}

static rd_code pad(rd_jstate *j, int64_t count, bool zeros) {
  for (; count > 0; count--)
    RD_TRY(rd_jput_word(j, zeros ? "0" : " "));
  return RD_OK;
}

/* A text in its field, aligned to the left where nothing is said. */
static rd_code put_text_field(rd_jstate *j, const field *f, rd_jtext t, char align) {
  size_t end = 0;
  for (int64_t n = f->precision; n != 0 && end < t.size; n--)
    end += rd_jchar_size(t, end);
  t = rd_jpart(t, 0, end);
  align = f->align ? f->align : align;
  int64_t room = f->width - (int64_t)rd_jchars(t), before = 0;
  if (room > 0)
    before = align == '>' ? room : align == '^' ? room / 2 : 0;
  RD_TRY(pad(j, before, false));
  RD_TRY(rd_jput(j, t));
  return pad(j, room - before, false);
}

/* A number, aligned to the right; zeros stand between its sign and its digits. */
static rd_code put_number_field(rd_jstate *j, const field *f, const rd_jvalue *v) {
  static const char zeros_of_template[512]; /* 309 digits, commas, 50 behind the point */
  char text[512], grouped[512];
  double x = rd_jnumber(v);
  bool negative = false, whole = f->type == 'd' || (f->type == 0 && v->kind != RD_J_REAL);
  size_t size;
  if (f->precision > 50)
    return rd_jfail(j, "a precision of %d digits", (int)f->precision);
  if (f->type && strchr("xXo", f->type)) {
    const char format[] = {'%', 'l', 'l', f->type, '\0'};
    uint64_t bits = (uint64_t)v->as.number;
    negative = v->as.number < 0;
    size = (size_t)snprintf(text, sizeof text, format,
                            (unsigned long long)(negative ? 0 - bits : bits));
  } else if (whole && v->kind == RD_J_REAL && !(fabs(x) < RD_J_INT_END))
    return rd_jfail(j, "%g as an int, which has 64 bits here", x);
  else if (whole)
    size = (size_t)snprintf(text, sizeof text, "%lld",
                            v->kind == RD_J_REAL ? (long long)x : (long long)v->as.number);
  else if (f->type == 0 && f->precision < 0)
    size = rd_jreal_text(x, text);
  else {
    const char format[] = {'%', '.', '*', f->type ? f->type : 'g', '\0'};
    size = (size_t)rd_number_print(text, sizeof text, format,
                                   f->precision < 0 ? 6 : (int)f->precision, x);
  }
  negative = negative || *text == '-';
  size_t from = *text == '-', point = strcspn(text, ".e"), used = 0;
  if (negative || f->sign)
    grouped[used++] = negative ? '-' : f->sign;
  size_t sign = used;
  for (size_t i = from; i < size && used + 2 < sizeof grouped; i++) {
    if (f->thousands && i > from && i < point && (point - i) % 3 == 0)
      grouped[used++] = ',';
    grouped[used++] = text[i];
  }
  rd_jtext all = {grouped, zeros_of_template, used};
  if (f->zeros && !f->align) {
    RD_TRY(rd_jput(j, rd_jpart(all, 0, sign)));
    RD_TRY(pad(j, f->width - (int64_t)used, true));
    return rd_jput(j, rd_jpart(all, sign, used));
  }
  field plain = *f;
  plain.precision = -1;
  return put_text_field(j, &plain, all, '>');
}

static rd_code put_field(rd_jstate *j, const field *f, const rd_jvalue *v, char align) {
  if (f->type == 's' || f->type == 'r' || (f->type == 0 && !rd_jis_number(v)) ||
      (f->type == 0 && v->kind == RD_J_BOOL)) {
    size_t mark = rd_jmark(j);
    rd_jvalue text;
    RD_TRY(f->type == 'r' ? rd_jput_repr(j, v) : rd_jput_str(j, v));
    RD_TRY(rd_jtake(j, mark, &text));
    return put_text_field(j, f, text.as.text, align);
  }
  if (!rd_jis_number(v))
    return rd_jfail(j, "a %s where a number is formatted", rd_jkind_name(v));
  if (v->kind == RD_J_REAL && strchr("xXo", f->type) && f->type)
    return rd_jfail(j, "a float where an int is formatted");
  return put_number_field(j, f, v);
}

static bool known_type(char type) {
  return type && strchr("sdrfFeEgGxXo", type) != NULL;
}

rd_code rd_jformat_percent(rd_jstate *j, rd_jtext format, const rd_jvalue *values, rd_jvalue *out) {
  bool tuple = values->kind == RD_J_LIST && values->as.list->form == RD_J_TUPLE;
  const rd_jvalue *items = tuple ? values->as.list->items : values;
  size_t count = tuple ? values->as.list->count : 1, used = 0, mark = rd_jmark(j), at = 0;
  bool named = false;
  while (at < format.size) {
    size_t percent = rd_jfind(format, rd_jliteral("%"), at);
    percent = percent == SIZE_MAX ? format.size : percent;
    RD_TRY(rd_jput(j, rd_jpart(format, at, percent)));
    at = percent + 1;
    if (percent >= format.size)
      break;
    field f = {.precision = -1};
    const rd_jvalue *v = NULL;
    if (at < format.size && format.data[at] == '(') {
      size_t close = rd_jfind(format, rd_jliteral(")"), at);
      if (close == SIZE_MAX || values->kind != RD_J_DICT)
        return rd_jfail(j, "a format with names needs a dict");
      v = rd_jdict_named(values->as.dict, (rd_slice){format.data + at + 1, close - at - 1});
      if (!v)
        return rd_jfail(j, "the format names what the dict does not have");
      at = close + 1;
      named = true;
    }
    for (; at < format.size && format.data[at] && strchr("-+ 0#", format.data[at]); at++) {
      char c = format.data[at];
      f.align = c == '-' ? '<' : f.align;
      f.sign = c == '+' || (c == ' ' && !f.sign) ? c : f.sign;
      f.zeros = f.zeros || c == '0';
    }
    f.width = digits(format, &at);
    if (at < format.size && format.data[at] == '.') {
      at++;
      f.precision = digits(format, &at);
      f.precision = f.precision < 0 ? 0 : f.precision;
    }
    f.type = at < format.size ? format.data[at++] : '\0';
    f.type = f.type == 'i' || f.type == 'u' ? 'd' : f.type;
    if (f.type == '%') {
      RD_TRY(rd_jput_word(j, "%"));
      continue;
    }
    if (!known_type(f.type))
      return rd_jfail(j, "a format that is not supported: %%%c", f.type ? f.type : ' ');
    if (!v && used >= count)
      return rd_jfail(j, "a format with more fields than values");
    RD_TRY(put_field(j, &f, v ? v : &items[used++], '>'));
  }
  if (!named && used < count && values->kind != RD_J_DICT)
    return rd_jfail(j, "a format with fewer fields than values");
  return rd_jtake(j, mark, out);
}

/* ":>10.2f" behind a field's name. */
static rd_code read_spec(rd_jstate *j, rd_jtext spec, field *f) {
  size_t at = 0;
  *f = (field){.precision = -1};
  if (spec.size && spec.data[0] && strchr("<>^", spec.data[0]))
    f->align = spec.data[at++];
  if (at < spec.size && spec.data[at] && strchr("+- ", spec.data[at])) {
    f->sign = spec.data[at] == '-' ? '\0' : spec.data[at];
    at++;
  }
  f->zeros = at < spec.size && spec.data[at] == '0';
  f->width = digits(spec, &at);
  if (at < spec.size && spec.data[at] == ',') {
    f->thousands = true;
    at++;
  }
  if (at < spec.size && spec.data[at] == '.') {
    at++;
    f->precision = digits(spec, &at);
  }
  f->type = at < spec.size ? spec.data[at++] : '\0';
  if (at < spec.size || (f->type && (!known_type(f->type) || f->type == 'r')))
    return rd_jfail(j, "a format that is not supported: {:%.*s}", (int)spec.size, spec.data);
  return RD_OK;
}

/* How the fields of one format are numbered: all by themselves, or none. */
typedef struct field_numbers {
  size_t next;
  bool given;
} field_numbers;

/* The value of "name", "0", "a.b", or "" (the next one). */
static rd_code field_value(rd_jstate *j, rd_jtext name, const rd_jcall *call, field_numbers *n,
                           rd_jvalue *out) {
  size_t end = 0, at = 0;
  while (end < name.size && name.data[end] != '.' && name.data[end] != '[')
    end++;
  rd_jtext first = rd_jpart(name, 0, end);
  int64_t number = digits(first, &at);
  if (first.size == 0)
    number = (int64_t)n->next++;
  n->given = n->given || (first.size && at == first.size);
  if (n->given && n->next)
    return rd_jfail(j, "a format of which some fields have numbers and some have none");
  const rd_jvalue *found = NULL;
  if (first.size == 0 || at == first.size)
    found = (size_t)number < call->rest_count ? &call->rest[number] : NULL;
  else
    found = rd_jdict_named(call->named, (rd_slice){first.data, first.size});
  if (!found)
    return rd_jfail(j, "the format asks for {%.*s}, which is not given", (int)name.size, name.data);
  *out = *found;
  if (end < name.size)
    return rd_jfail(j, "a format that is not supported: {%.*s}", (int)name.size, name.data);
  return RD_OK;
}

rd_code rd_jformat_braces(rd_jstate *j, rd_jtext format, const rd_jcall *call, rd_jvalue *out) {
  size_t mark = rd_jmark(j), at = 0;
  field_numbers numbers = {.next = 0};
  while (at < format.size) {
    size_t plain = at;
    while (plain < format.size && format.data[plain] != '{' && format.data[plain] != '}')
      plain++;
    RD_TRY(rd_jput(j, rd_jpart(format, at, plain)));
    at = plain + 1;
    if (plain >= format.size)
      break;
    if (at < format.size && format.data[at] == format.data[plain]) { /* {{ or }} */
      RD_TRY(rd_jput(j, rd_jpart(format, at, at + 1)));
      at++;
      continue;
    }
    size_t close = rd_jfind(format, rd_jliteral("}"), at);
    if (format.data[plain] == '}' || close == SIZE_MAX)
      return rd_jfail(j, "a single brace in a format");
    rd_jtext inside = rd_jpart(format, at, close);
    size_t colon = rd_jfind(inside, rd_jliteral(":"), 0),
           end = colon == SIZE_MAX ? inside.size : colon;
    bool shown = end >= 2 && inside.data[end - 2] == '!' && strchr("rs", inside.data[end - 1]);
    field f;
    rd_jvalue v;
    RD_TRY(read_spec(
        j, colon == SIZE_MAX ? rd_jliteral("") : rd_jpart(inside, colon + 1, inside.size), &f));
    if (shown)
      f.type = inside.data[end - 1];
    RD_TRY(field_value(j, rd_jpart(inside, 0, shown ? end - 2 : end), call, &numbers, &v));
    RD_TRY(put_field(j, &f, &v, '<'));
    at = close + 1;
  }
  return rd_jtake(j, mark, out);
}
