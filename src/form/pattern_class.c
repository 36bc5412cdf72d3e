/* SPDX-License-Identifier: MIT */
/* Escapes that stand for one character, escapes that stand for many, and brackets around both. */
#include "pattern_class.h"

#include "utf8.h"

#include <string.h>
#include <utf8proc.h>

static bool more(const rd_pattern_text *t) {
  return t->at < t->size;
}

static uint32_t take_point(rd_pattern_text *t) {
  rd_utf8 c = rd_utf8_read(t->data + t->at, t->size - t->at);
  t->at += c.size;
  return c.point;
}

/* \d, \w, \s: the first `narrow` of their spans are ASCII's. */
static const struct shorthand {
  char letter;
  rd_points spans[11];
  size_t narrow, count;
} shorthands[] = {{'d', {{'0', '9'}}, 1, 1},
                  {'w', {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}, 4, 4},
                  {'s',
                   {{'\t', '\r'},
                    {' ', ' '},
                    {0xA0, 0xA0},
                    {0x1680, 0x1680},
                    {0x2000, 0x200A},
                    {0x2028, 0x2029},
                    {0x202F, 0x202F},
                    {0x205F, 0x205F},
                    {0x3000, 0x3000},
                    {0xFEFF, 0xFEFF}},
                   2,
                   10}};

static rd_code add_shorthand(rd_charset *out, const struct shorthand *row, bool opposite,
                             bool whole, rd_error *e) {
  rd_charset set = {0};
  rd_code code = RD_OK;
  for (size_t i = 0; i < (whole ? row->count : row->narrow) && code == RD_OK; i++)
    code = rd_charset_add(&set, row->spans[i].first, row->spans[i].last, e);
  if (code == RD_OK && opposite) {
    code = rd_charset_invert(&set, e);
    if (!whole)
      rd_charset_keep(&set, 0, 0x7F);
  }
  if (code == RD_OK)
    code = rd_charset_add_all(out, &set, e);
  rd_charset_drop(&set);
  return code;
}

/* --- general categories of Unicode ------------------------------------------------------------ */

#define BIT(name) (1U << UTF8PROC_CATEGORY_##name)

enum { UNASSIGNED = BIT(CN) | BIT(CO) | BIT(CS) };

/* Both names of a category, as ECMAScript has them. What belongs to no character yet, or is for
 * private use, has none here. */
static const struct category {
  const char *name, *word;
  uint32_t bits;
} categories[] = {
    {"L", "Letter", BIT(LU) | BIT(LL) | BIT(LT) | BIT(LM) | BIT(LO)},
    {"LC", "Cased_Letter", BIT(LU) | BIT(LL) | BIT(LT)},
    {"Lu", "Uppercase_Letter", BIT(LU)},
    {"Ll", "Lowercase_Letter", BIT(LL)},
    {"Lt", "Titlecase_Letter", BIT(LT)},
    {"Lm", "Modifier_Letter", BIT(LM)},
    {"Lo", "Other_Letter", BIT(LO)},
    {"M", "Mark", BIT(MN) | BIT(MC) | BIT(ME)},
    {"Mn", "Nonspacing_Mark", BIT(MN)},
    {"Mc", "Spacing_Mark", BIT(MC)},
    {"Me", "Enclosing_Mark", BIT(ME)},
    {"N", "Number", BIT(ND) | BIT(NL) | BIT(NO)},
    {"Nd", "Decimal_Number", BIT(ND)},
    {"Nl", "Letter_Number", BIT(NL)},
    {"No", "Other_Number", BIT(NO)},
    {"P", "Punctuation", BIT(PC) | BIT(PD) | BIT(PS) | BIT(PE) | BIT(PI) | BIT(PF) | BIT(PO)},
    {"Pc", "Connector_Punctuation", BIT(PC)},
    {"Pd", "Dash_Punctuation", BIT(PD)},
    {"Ps", "Open_Punctuation", BIT(PS)},
    {"Pe", "Close_Punctuation", BIT(PE)},
    {"Pi", "Initial_Punctuation", BIT(PI)},
    {"Pf", "Final_Punctuation", BIT(PF)},
    {"Po", "Other_Punctuation", BIT(PO)},
    {"S", "Symbol", BIT(SM) | BIT(SC) | BIT(SK) | BIT(SO)},
    {"Sm", "Math_Symbol", BIT(SM)},
    {"Sc", "Currency_Symbol", BIT(SC)},
    {"Sk", "Modifier_Symbol", BIT(SK)},
    {"So", "Other_Symbol", BIT(SO)},
    {"Z", "Separator", BIT(ZS) | BIT(ZL) | BIT(ZP)},
    {"Zs", "Space_Separator", BIT(ZS)},
    {"Zl", "Line_Separator", BIT(ZL)},
    {"Zp", "Paragraph_Separator", BIT(ZP)},
    {"Cc", "Control", BIT(CC)},
    {"Cf", "Format", BIT(CF)},
};

/* Behind these planes nothing is assigned but tags and selectors, and then private use. */
static const rd_points inhabited[] = {{0, 0x3FFFF}, {0xE0000, 0xE0FFF}};

static rd_code add_points(rd_charset *out, uint32_t bits, rd_error *e) {
  uint32_t behind = 0;
  for (size_t i = 0; i < sizeof inhabited / sizeof *inhabited; i++) {
    if (bits & BIT(CN) && inhabited[i].first > behind)
      RD_TRY(rd_charset_add(out, behind, inhabited[i].first - 1, e));
    behind = inhabited[i].last + 1;
    uint32_t begun = behind; /* of a run of points that are meant */
    for (uint32_t c = inhabited[i].first; c <= behind; c++) {
      bool meant = c < behind && bits >> utf8proc_category((utf8proc_int32_t)c) & 1U;
      if (meant && begun == behind)
        begun = c;
      if (!meant && begun < behind) {
        RD_TRY(rd_charset_add(out, begun, c - 1, e));
        begun = behind;
      }
    }
  }
  return bits & BIT(CN) ? rd_charset_add(out, behind, RD_LAST_POINT, e) : RD_OK;
}

/* {Lu}, or L without braces. */
static const struct category *read_category(rd_pattern_text *t) {
  bool braces = more(t) && t->data[t->at] == '{';
  const char *name = t->data + t->at + braces;
  const char *end = braces ? memchr(name, '}', t->size - t->at - 1) : name + more(t);
  size_t size = end ? (size_t)(end - name) : 0;
  for (size_t i = 0; i < sizeof categories / sizeof *categories; i++) {
    const struct category *row = &categories[i];
    if ((strlen(row->name) == size && memcmp(row->name, name, size) == 0) ||
        (strlen(row->word) == size && memcmp(row->word, name, size) == 0)) {
      t->at += size + 2 * braces;
      return row;
    }
  }
  return NULL;
}

/* The opposite is of the characters that there are. */
static rd_code add_category(rd_charset *out, rd_pattern_text *t, bool opposite, rd_error *e) {
  const size_t begun = t->at - 2;
  const struct category *row = read_category(t);
  if (!row)
    return rd_fail(e, RD_UNSUPPORTED,
                   "at %zu: of Unicode's classes there are the general categories, \\p{L}, "
                   "\\p{Lu} or \\p{Uppercase_Letter}; scripts and other properties are not "
                   "supported",
                   begun);
  if (++t->categories > RD_MOST_CATEGORIES)
    return rd_fail(e, RD_UNSUPPORTED, "at %zu: more than %d of Unicode's classes in one pattern",
                   begun, RD_MOST_CATEGORIES);
  rd_charset set = {0};
  rd_code code = add_points(&set, opposite ? row->bits | UNASSIGNED : row->bits, e);
  if (code == RD_OK && opposite)
    code = rd_charset_invert(&set, e);
  if (code == RD_OK)
    code = rd_charset_add_all(out, &set, e);
  rd_charset_drop(&set);
  return code;
}

/* --- characters and brackets ------------------------------------------------------------------ */

/* What stands in brackets besides single characters. */
enum { SHORTHANDS = 1, CATEGORIES = 2 };

static const struct letter {
  char letter;
  uint32_t point;
} letters[] = {{'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'f', '\f'}, {'v', '\v'}, {'0', 0}};

static rd_code read_hex(rd_pattern_text *t, int digits, uint32_t *point, rd_error *e) {
  size_t begun = t->at;
  bool braces = digits == 4 && more(t) && t->data[t->at] == '{'; /* of \u alone */
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

/* \xHH, \uHHHH, \u{H..}; two halves of a character are it. */
static rd_code read_number(rd_pattern_text *t, int digits, uint32_t *point, rd_error *e) {
  RD_TRY(read_hex(t, digits, point, e));
  if (*point < 0xD800 || *point > 0xDBFF || t->size - t->at < 2 ||
      memcmp(t->data + t->at, "\\u", 2) != 0)
    return RD_OK;
  const size_t behind = t->at;
  uint32_t low = 0;
  t->at += 2;
  RD_TRY(read_hex(t, 4, &low, e));
  if (low < 0xDC00 || low > 0xDFFF)
    t->at = behind; /* a character of its own */
  else
    *point = 0x10000 + ((*point - 0xD800) << 10) + (low - 0xDC00);
  return RD_OK;
}

/* Behind a backslash: a set (*point untouched), or one character. */
static rd_code read_escape(rd_charset *out, rd_pattern_text *t, bool *one, unsigned *sets,
                           uint32_t *point, rd_error *e) {
  size_t begun = t->at - 1;
  if (!more(t))
    return rd_fail(e, RD_BAD_INPUT, "at %zu: a backslash at the end", begun);
  char c = t->data[t->at];
  *one = false;
  for (size_t i = 0; i < sizeof shorthands / sizeof *shorthands; i++)
    if ((c | 0x20) == shorthands[i].letter && c >= 'A') {
      t->at++;
      *sets |= SHORTHANDS;
      return add_shorthand(out, &shorthands[i], c < 'a', t->whole, e);
    }
  if (c == 'p' || c == 'P') {
    t->at++;
    *sets |= CATEGORIES;
    return add_category(out, t, c == 'P', e);
  }
  *one = true;
  if (c == 'x' || c == 'u') {
    t->at++;
    return read_number(t, c == 'x' ? 2 : 4, point, e);
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
static rd_code read_member(rd_charset *out, rd_pattern_text *t, bool *one, unsigned *sets,
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
    return read_escape(out, t, one, sets, point, e);
  }
  *one = true;
  *point = take_point(t);
  return RD_OK;
}

static rd_code read_range(rd_charset *out, rd_pattern_text *t, unsigned *sets, rd_error *e) {
  size_t begun = t->at;
  bool one = false, other = false;
  uint32_t first = 0, last = 0;
  RD_TRY(read_member(out, t, &one, sets, &first, e));
  last = first;
  if (one && t->at + 1 < t->size && t->data[t->at] == '-' && t->data[t->at + 1] != ']') {
    t->at++;
    RD_TRY(read_member(out, t, &other, sets, &last, e));
    if (!other || last < first)
      return rd_fail(e, RD_BAD_INPUT, "at %zu: a range that ends before it begins", begun);
  }
  return one ? rd_charset_add(out, first, last, e) : RD_OK;
}

static rd_code read_brackets(rd_charset *out, rd_pattern_text *t, rd_error *e) {
  size_t begun = t->at++;
  bool negated = more(t) && t->data[t->at] == '^';
  unsigned sets = 0;
  t->at += negated;
  if (more(t) && t->data[t->at] == ']')
    return rd_fail(e, RD_UNSUPPORTED, "at %zu: a class of no character is not supported", begun);
  while (more(t) && t->data[t->at] != ']')
    RD_TRY(read_range(out, t, &sets, e));
  if (!more(t))
    return rd_fail(e, RD_BAD_INPUT, "at %zu: the class is not closed", begun);
  t->at++;
  if (negated && sets & CATEGORIES)
    RD_TRY(add_points(out, UNASSIGNED, e));
  if (negated) {
    RD_TRY(rd_charset_invert(out, e));
    if (sets & SHORTHANDS && !t->whole)
      rd_charset_keep(out, 0, 0x7F);
  }
  rd_charset_sort(out);
  return RD_OK;
}

rd_code rd_pattern_read_set(rd_charset *out, rd_pattern_text *t, rd_error *e) {
  bool one = true;
  unsigned sets = 0;
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
    RD_TRY(read_escape(out, t, &one, &sets, &point, e));
  } else {
    point = take_point(t);
  }
  if (one)
    RD_TRY(rd_charset_add(out, point, point, e));
  rd_charset_sort(out);
  return RD_OK;
}
