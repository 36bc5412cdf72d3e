/* SPDX-License-Identifier: MIT */
/* Escapes that stand for one character, escapes that stand for many, and brackets around both. */
#include "pattern_class.h"

#include "utf8.h"

#include <string.h>

static bool more(const rd_pattern_text *t) {
  return t->at < t->size;
}

static uint32_t take_point(rd_pattern_text *t) {
  rd_utf8 c = rd_utf8_read(t->data + t->at, t->size - t->at);
  t->at += c.size;
  return c.point;
}

/* \d, \w, \s. */
static const struct shorthand {
  char letter;
  rd_points spans[5];
  size_t count;
} shorthands[] = {{'d', {{'0', '9'}}, 1},
                  {'w', {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}, 4},
                  {'s', {{'\t', '\r'}, {' ', ' '}}, 2}};

static rd_code add_shorthand(rd_charset *out, const struct shorthand *row, bool opposite,
                             rd_error *e) {
  rd_charset set = {0};
  rd_code code = RD_OK;
  for (size_t i = 0; i < row->count && code == RD_OK; i++)
    code = rd_charset_add(&set, row->spans[i].first, row->spans[i].last, e);
  if (code == RD_OK && opposite) {
    code = rd_charset_invert(&set, e);
    rd_charset_keep(&set, 0, 0x7F);
  }
  if (code == RD_OK)
    code = rd_charset_add_all(out, &set, e);
  rd_charset_drop(&set);
  return code;
}

static const struct letter {
  char letter;
  uint32_t point;
} letters[] = {{'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'f', '\f'},
               {'v', '\v'}, {'0', 0},    {'a', '\a'}, {'e', 0x1B}};

static rd_code read_hex(rd_pattern_text *t, int digits, uint32_t *point, rd_error *e) {
  size_t begun = t->at;
  bool braces = more(t) && t->data[t->at] == '{';
  int most = braces ? 6 : digits, count = 0;
  t->at += braces;
  *point = 0;
  for (; count < most && more(t); count++, t->at++) {
    const char *all = "0123456789abcdef", *at = strchr(all, t->data[t->at] | 0x20);
    if (!at || !t->data[t->at])
      break;
    *point = *point * 16 + (uint32_t)(at - all);
  }
  bool closed = !braces || (more(t) && t->data[t->at++] == '}');
  if (!closed || count == 0 || (!braces && count < digits) || *point > RD_LAST_POINT)
    return rd_fail(e, RD_BAD_INPUT, "at %zu: expected a character's number in hexadecimal digits",
                   begun);
  return RD_OK;
}

/* Behind a backslash: a set (*point untouched), or one character. */
static rd_code read_escape(rd_charset *out, rd_pattern_text *t, bool *one, bool *short_one,
                           uint32_t *point, rd_error *e) {
  size_t begun = t->at - 1;
  if (!more(t))
    return rd_fail(e, RD_BAD_INPUT, "at %zu: a backslash at the end", begun);
  char c = t->data[t->at];
  *one = false;
  for (size_t i = 0; i < sizeof shorthands / sizeof *shorthands; i++)
    if ((c | 0x20) == shorthands[i].letter && c >= 'A') {
      t->at++;
      *short_one = true;
      return add_shorthand(out, &shorthands[i], c < 'a', e);
    }
  *one = true;
  if (c == 'x' || c == 'u') {
    t->at++;
    return read_hex(t, c == 'x' ? 2 : 4, point, e);
  }
  for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
    if (c == letters[i].letter) {
      t->at++;
      *point = letters[i].point;
      return RD_OK;
    }
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '1' && c <= '9'))
    return rd_fail(e, RD_UNSUPPORTED, "at %zu: \\%c is not supported", begun, c);
  *point = take_point(t);
  return RD_OK;
}

/* One end of a range in brackets, or a shorthand. */
static rd_code read_member(rd_charset *out, rd_pattern_text *t, bool *one, bool *short_one,
                           uint32_t *point, rd_error *e) {
  if (t->data[t->at] == '[' && t->at + 1 < t->size && t->data[t->at + 1] == ':')
    return rd_fail(e, RD_UNSUPPORTED, "at %zu: classes by name ([:alpha:]) are not supported",
                   t->at);
  if (t->data[t->at] == '\\') {
    t->at++;
    if (more(t) && t->data[t->at] == 'b') { /* a backspace here */
      t->at++;
      *one = true;
      *point = '\b';
      return RD_OK;
    }
    return read_escape(out, t, one, short_one, point, e);
  }
  *one = true;
  *point = take_point(t);
  return RD_OK;
}

static rd_code read_range(rd_charset *out, rd_pattern_text *t, bool *short_one, rd_error *e) {
  size_t begun = t->at;
  bool one = false, other = false;
  uint32_t first = 0, last = 0;
  RD_TRY(read_member(out, t, &one, short_one, &first, e));
  last = first;
  if (one && t->at + 1 < t->size && t->data[t->at] == '-' && t->data[t->at + 1] != ']') {
    t->at++;
    RD_TRY(read_member(out, t, &other, short_one, &last, e));
    if (!other || last < first)
      return rd_fail(e, RD_BAD_INPUT, "at %zu: a range that ends before it begins", begun);
  }
  return one ? rd_charset_add(out, first, last, e) : RD_OK;
}

static rd_code read_brackets(rd_charset *out, rd_pattern_text *t, rd_error *e) {
  size_t begun = t->at++;
  bool negated = more(t) && t->data[t->at] == '^', first = true, short_one = false;
  t->at += negated;
  for (; more(t) && (first || t->data[t->at] != ']'); first = false)
    RD_TRY(read_range(out, t, &short_one, e));
  if (!more(t))
    return rd_fail(e, RD_BAD_INPUT, "at %zu: the class is not closed", begun);
  t->at++;
  if (negated) {
    RD_TRY(rd_charset_invert(out, e));
    if (short_one)
      rd_charset_keep(out, 0, 0x7F);
  }
  rd_charset_sort(out);
  return RD_OK;
}

rd_code rd_pattern_read_set(rd_charset *out, rd_pattern_text *t, rd_error *e) {
  bool one = true, short_one = false;
  uint32_t point = 0;
  char c = t->data[t->at];
  if (c == '[')
    return read_brackets(out, t, e);
  if (c == '.') {
    static const uint32_t line_ends[] = {'\n', '\r', 0x2028, 0x2029};
    t->at++;
    RD_TRY(rd_charset_add(out, 0, RD_LAST_POINT, e));
    for (size_t i = 0; i < sizeof line_ends / sizeof *line_ends; i++)
      RD_TRY(rd_charset_remove(out, line_ends[i], e));
    rd_charset_sort(out);
    return RD_OK;
  }
  if (c == '\\') {
    t->at++;
    RD_TRY(read_escape(out, t, &one, &short_one, &point, e));
  } else {
    point = take_point(t);
  }
  if (one)
    RD_TRY(rd_charset_add(out, point, point, e));
  rd_charset_sort(out);
  return RD_OK;
}
