/* SPDX-License-Identifier: MIT */
/* Filters that make a text, a number or nothing at all of a value. */
#include "jinja_call.h"
#include "jinja_text.h"
#include "number.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is filtered, as a text. */
static rd_code text_of(rd_jstate *j, const rd_jcall *c, rd_jtext *out) {
  rd_jvalue text;
  RD_TRY(rd_jstr(j, &c->self, &text));
  *out = text.as.text;
  return RD_OK;
}

static rd_code in_case(rd_jstate *j, const rd_jcall *c, rd_jcase how, rd_jvalue *out) {
  rd_jtext t;
  RD_TRY(text_of(j, c, &t));
  return rd_jcased(j, t, how, out);
}
rd_code rd_jupper(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return in_case(j, c, RD_J_UPPER, out);
}
rd_code rd_jlower(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return in_case(j, c, RD_J_LOWER, out);
}
rd_code rd_jcapitalize(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return in_case(j, c, RD_J_CAPITAL, out);
}

/* Unlike str.title, words begin behind white space and -({[< alone. */
static rd_code title(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jtext t;
  RD_TRY(text_of(j, c, &t));
  size_t mark = rd_jmark(j);
  bool inside = false;
  for (size_t at = 0; at < t.size;) {
    size_t size = rd_jchar_size(t, at);
    uint32_t point = rd_jchar(t, at);
    bool breaks = rd_jspace(point) || (point < 128 && point && strchr("-({[<", (int)point));
    RD_TRY(rd_jput_case(j, rd_jpart(t, at, at + size), inside ? RD_J_LOWER : RD_J_UPPER));
    inside = !breaks;
    at += size;
  }
  return rd_jtake(j, mark, out);
}

rd_code rd_jtrim(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jtext t, set;
  RD_TRY(text_of(j, c, &t));
  if (rd_jgiven(c, 0))
    RD_TRY(rd_jgiven_text(j, c, 0, &set));
  *out = rd_jtext_value(rd_jstrip(t, rd_jgiven(c, 0) ? &set : NULL, true, true));
  out->safe = c->self.safe;
  return RD_OK;
}

static rd_code replace(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jtext t, old, new;
  rd_jvalue texts[2];
  int64_t most = -1;
  RD_TRY(text_of(j, c, &t));
  for (size_t i = 0; i < 2; i++) {
    RD_TRY(rd_jstr(j, &c->given[i], &texts[i]));
  }
  old = texts[0].as.text;
  new = texts[1].as.text;
  if (rd_jgiven(c, 2))
    RD_TRY(rd_jgiven_int(j, c, 2, &most));
  size_t mark = rd_jmark(j);
  RD_TRY(rd_jput_replaced(j, t, old, new, most));
  return rd_jtake(j, mark, out);
}

/* Lines behind the first are moved in; empty ones only with `blank`. */
static rd_code indent(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jtext t, by = {0};
  int64_t width = 4;
  if (c->self.kind != RD_J_TEXT)
    return rd_jfail(j, "indent of a %s; only a str has lines", rd_jkind_name(&c->self));
  RD_TRY(text_of(j, c, &t));
  if (c->given[0].kind == RD_J_TEXT)
    by = c->given[0].as.text;
  else
    RD_TRY(rd_jgiven_int(j, c, 0, &width));
  size_t mark = rd_jmark(j), at = 0;
  bool more = true; /* a line end at the end stands before an empty line */
  for (size_t n = 0; more; n++) {
    rd_jtext line = rd_jline(t, &at);
    bool moved = n ? line.size || rd_jgiven_true(c, 2) : rd_jgiven_true(c, 1);
    more = line.data + line.size < t.data + at;
    RD_TRY(rd_jput_word(j, n ? "\n" : ""));
    if (moved && by.data)
      RD_TRY(rd_jput(j, by));
    for (int64_t i = 0; moved && !by.data && i < width; i++)
      RD_TRY(rd_jput_word(j, " "));
    RD_TRY(rd_jput(j, line));
  }
  return rd_jtake(j, mark, out);
}

static rd_code string(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  return rd_jstr(j, &c->self, out);
}

static rd_code safe(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  RD_TRY(rd_jstr(j, &c->self, out));
  out->safe = true;
  return RD_OK;
}

static rd_code tojson(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  const rd_jvalue *marks = &c->given[2], *own[2] = {NULL, NULL};
  size_t mark = rd_jmark(j);
  if (rd_jgiven(c, 2)) {
    if (marks->kind != RD_J_LIST || marks->as.list->count != 2)
      return rd_jfail(j, "separators of tojson are two");
    own[0] = &marks->as.list->items[0];
    own[1] = &marks->as.list->items[1];
  }
  if (rd_jgiven(c, 1) && c->given[1].kind != RD_J_INT && c->given[1].kind != RD_J_TEXT &&
      c->given[1].kind != RD_J_BOOL)
    return rd_jfail(j, "tojson is indented by an int or a str, not a %s",
                    rd_jkind_name(&c->given[1]));
  const rd_jdump how = {.ascii = rd_jgiven_true(c, 0),
                        .indent = &c->given[1],
                        .item_mark = own[0],
                        .key_mark = own[1],
                        .sorted = rd_jgiven_true(c, 3)};
  RD_TRY(rd_jput_json(j, &c->self, &how, 0));
  return rd_jtake(j, mark, out);
}

static rd_code format(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jtext t;
  rd_jvalue values;
  RD_TRY(text_of(j, c, &t));
  if (c->named->count && c->rest_count)
    return rd_jfail(j, "format takes values or names, not both");
  if (c->named->count) {
    values = (rd_jvalue){.kind = RD_J_DICT, .as.dict = c->named};
    return rd_jformat_percent(j, t, &values, out);
  }
  RD_TRY(rd_jlist_new(j, RD_J_TUPLE, &values));
  for (size_t i = 0; i < c->rest_count; i++)
    RD_TRY(rd_jlist_add(j, values.as.list, c->rest[i]));
  return rd_jformat_percent(j, t, &values, out);
}

static rd_code fallback(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  (void)j;
  bool missing = c->self.kind == RD_J_UNDEFINED || (rd_jgiven_true(c, 1) && !rd_jtruth(&c->self));
  *out = missing ? c->given[0] : c->self;
  if (missing && c->given[0].kind == RD_J_UNSET)
    *out = rd_jtext_value(rd_jliteral(""));
  return RD_OK;
}

/* A text as a number: white space around it, underscores between digits. */
static bool read_number(rd_jtext t, int base, bool whole, rd_jvalue *out) {
  char text[512], *end;
  size_t size = 0;
  errno = 0;
  t = rd_jstrip(t, NULL, true, true);
  for (size_t i = 0; i < t.size && size < sizeof text - 1; i++)
    if (t.data[i] != '_')
      text[size++] = t.data[i];
  text[size] = '\0';
  if (size == 0 || t.size >= sizeof text || strlen(text) != size)
    return false;
  if (whole)
    *out = rd_jint(strtoll(text, &end, base));
  if (whole && errno == ERANGE)
    *out = rd_jreal(DBL_MAX); /* beyond any int */
  else if (!whole)
    *out = rd_jreal(rd_number_read(text, &end));
  bool hexadecimal = strpbrk(text, "xXpP(") != NULL;
  return *end == '\0' && (whole ? (base != 10 || !hexadecimal) : !hexadecimal);
}

static rd_code to_int(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  int64_t base = 10;
  rd_jvalue number = c->self;
  RD_TRY(rd_jgiven_int(j, c, 1, &base));
  if (base < 2 || base > 36)
    return rd_jfail(j, "a base of %d", (int)base);
  if (c->self.kind == RD_J_UNDEFINED)
    return rd_jfail(j, "'%.*s' is undefined, and so is no int", (int)c->self.as.text.size,
                    c->self.as.text.data);
  bool good = rd_jis_number(&number);
  if (number.kind == RD_J_TEXT)
    good = read_number(c->self.as.text, (int)base, true, &number) ||
           read_number(c->self.as.text, 10, false, &number);
  if (good && number.kind == RD_J_REAL && fabs(number.as.real) < RD_J_INT_END)
    number = rd_jint((int64_t)number.as.real);
  else if (good && number.kind == RD_J_REAL &&
           (isfinite(number.as.real) || (c->self.kind == RD_J_REAL && !isnan(number.as.real))))
    return rd_jfail(j, "int of a number that has more than 64 bits");
  *out = c->given[0].kind == RD_J_UNSET ? rd_jint(0) : c->given[0];
  if (good && number.kind != RD_J_REAL)
    *out = rd_jint(number.as.number);
  return RD_OK;
}

static rd_code to_real(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue number = c->self;
  if (c->self.kind == RD_J_UNDEFINED)
    return rd_jfail(j, "'%.*s' is undefined, and so is no float", (int)c->self.as.text.size,
                    c->self.as.text.data);
  bool good = rd_jis_number(&number);
  if (number.kind == RD_J_TEXT)
    good = read_number(c->self.as.text, 10, false, &number);
  *out = c->given[0].kind == RD_J_UNSET ? rd_jreal(0) : c->given[0];
  if (good)
    *out = rd_jreal(rd_jnumber(&number));
  return RD_OK;
}

/* Ways of rounding, by name. */
static double half_even(double x) {
  return nearbyint(x);
}
static const struct round_row {
  const char *name;
  double (*round)(double x);
} round_rows[] = {{"common", half_even}, {"ceil", ceil}, {"floor", floor}};

/* An int to tens, hundreds ..: the nearer, or of two the even number of them. */
static rd_code round_int(rd_jstate *j, int64_t n, int64_t places, rd_jvalue *out) {
  int64_t unit = 1;
  if (places < -18)
    return rd_jfail(j, "an int rounded to more than 18 zeros");
  for (; places < 0; places++)
    unit *= 10;
  const int64_t rest = n % unit, far = 2 * (rest < 0 ? -rest : rest);
  const bool up = far > unit || (far == unit && (n - rest) / unit % 2 != 0);
  const rd_jvalue down = rd_jint(n - rest), more = rd_jint(!up ? 0 : rest < 0 ? -unit : unit);
  return rd_jarithmetic(j, "+", &down, &more, out);
}

static rd_code rounded(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  int64_t places = 0;
  rd_jtext way = rd_jliteral("common");
  char text[512];
  RD_TRY(rd_jgiven_int(j, c, 0, &places));
  RD_TRY(rd_jgiven_text(j, c, 1, &way));
  if (!rd_jis_number(&c->self))
    return rd_jfail(j, "a %s cannot be rounded", rd_jkind_name(&c->self));
  double x = rd_jnumber(&c->self), power = pow(10, (double)places);
  for (size_t i = 0; i < sizeof round_rows / sizeof *round_rows; i++)
    if (rd_slice_same((rd_slice){way.data, way.size}, rd_slice_text(round_rows[i].name))) {
      *out = rd_jreal(round_rows[i].round(x * power) / power);
      if (i == 0 && places >= 0 && places < 20) { /* exact: by the digits */
        rd_number_print(text, sizeof text, "%.*f", (int)places, x);
        *out = rd_jreal(rd_number_read(text, NULL));
      }
      return i == 0 && c->self.kind != RD_J_REAL ? round_int(j, c->self.as.number, places, out)
                                                 : RD_OK;
    }
  return rd_jfail(j, "round knows common, ceil and floor");
}

static rd_code absolute(rd_jstate *j, const rd_jcall *c, rd_jvalue *out) {
  rd_jvalue zero = rd_jint(0);
  if (c->self.kind == RD_J_REAL) {
    *out = rd_jreal(fabs(c->self.as.real));
    return RD_OK;
  }
  if (!rd_jis_number(&c->self))
    return rd_jfail(j, "a %s has no sign", rd_jkind_name(&c->self));
  return rd_jarithmetic(j, c->self.as.number < 0 ? "-" : "+", &zero, &c->self, out);
}

const rd_jfunction rd_jfilters_of_texts[] = {
    {"abs", "", absolute, 0},
    {"capitalize", "", rd_jcapitalize, 0},
    {"d", "default_value boolean", fallback, 0},
    {"default", "default_value boolean", fallback, 0},
    {"float", "default", to_real, 0},
    {"format", "**", format, 0},
    {"indent", "width first blank", indent, 0},
    {"int", "default base", to_int, 0},
    {"lower", "", rd_jlower, 0},
    {"replace", "old! new! count", replace, 0},
    {"round", "precision method", rounded, 0},
    {"safe", "", safe, 0},
    {"string", "", string, 0},
    {"title", "", title, 0},
    {"tojson", "ensure_ascii indent separators sort_keys", tojson, 0},
    {"trim", "chars", rd_jtrim, 0},
    {"upper", "", rd_jupper, 0},
};
const size_t rd_jfilters_of_texts_count =
    sizeof rd_jfilters_of_texts / sizeof *rd_jfilters_of_texts;
