/* SPDX-License-Identifier: MIT */
/* The state's output is one growing pair of arrays used as a stack: whoever makes a text marks its
 * end, appends, and takes what was appended. Characters are classified by utf8proc. */
#include "jinja_text.h"

#include <string.h>
#include <utf8proc.h>

rd_code rd_jput(rd_jstate *j, rd_jtext text) {
  enum { MOST = 1 << 26 };
  if (text.size > MOST - j->out.size)
    return rd_jfail(j, "it writes more than %d MiB", MOST >> 20);
  RD_TRY(rd_bytes_add(&j->out, text.data, text.size, j->e));
  RD_TRY(rd_bytes_add(&j->origin, text.origin, text.size, j->e));
  return rd_jstep(j, text.size / 16);
}

rd_code rd_jput_word(rd_jstate *j, const char *text) {
  return rd_jput(j, rd_jliteral(text));
}

rd_code rd_jtake(rd_jstate *j, size_t mark, rd_jvalue *out) {
  size_t size = j->out.size - mark;
  *out = rd_jtext_value(rd_jliteral(""));
  if (size == 0)
    return RD_OK;
  rd_jtext text = {j->out.data + mark, j->origin.data + mark, size};
  j->out.size = j->origin.size = mark;
  return rd_jpool_text(&j->pool, text, 0, &out->as.text, j->e);
}

size_t rd_jchar_size(rd_jtext t, size_t at) {
  return rd_utf8_read(t.data + at, t.size - at).size;
}

uint32_t rd_jchar(rd_jtext t, size_t at) {
  return rd_utf8_read(t.data + at, t.size - at).point;
}

size_t rd_jchar_before(rd_jtext t, size_t at) {
  do
    at--;
  while (at > 0 && ((unsigned char)t.data[at] & 0xC0) == 0x80);
  return at;
}

size_t rd_jchars(rd_jtext t) {
  size_t count = 0;
  for (size_t i = 0; i < t.size; i++)
    count += ((unsigned char)t.data[i] & 0xC0) != 0x80;
  return count;
}

bool rd_jspace(uint32_t point) {
  if (point < 128)
    return (point >= 9 && point <= 13) || (point >= 28 && point <= 32);
  return rd_utf8_space(point);
}

bool rd_jprintable(uint32_t point) {
  switch (utf8proc_category((utf8proc_int32_t)point)) {
  case UTF8PROC_CATEGORY_CC:
  case UTF8PROC_CATEGORY_CF:
  case UTF8PROC_CATEGORY_CS:
  case UTF8PROC_CATEGORY_CO:
  case UTF8PROC_CATEGORY_CN:
  case UTF8PROC_CATEGORY_ZL:
  case UTF8PROC_CATEGORY_ZP:
    return false;
  case UTF8PROC_CATEGORY_ZS:
    return point == ' ';
  default:
    return true;
  }
}

/* Whether the character at `at` is one to be stripped. */
static bool strips(rd_jtext t, size_t at, const rd_jtext *set) {
  size_t size = rd_jchar_size(t, at);
  return set ? rd_jfind(*set, rd_jpart(t, at, at + size), 0) != SIZE_MAX
             : rd_jspace(rd_jchar(t, at));
}

rd_jtext rd_jstrip(rd_jtext t, const rd_jtext *set, bool left, bool right) {
  size_t from = 0, to = t.size;
  while (left && from < to && strips(t, from, set))
    from += rd_jchar_size(t, from);
  while (right && to > from && strips(t, rd_jchar_before(t, to), set))
    to = rd_jchar_before(t, to);
  return rd_jpart(t, from, to);
}

size_t rd_jfind(rd_jtext t, rd_jtext what, size_t from) {
  if (what.size == 0)
    return from <= t.size ? from : SIZE_MAX;
  if (from >= t.size || t.size - from < what.size)
    return SIZE_MAX;
  const char *found = memmem(t.data + from, t.size - from, what.data, what.size);
  return found ? (size_t)(found - t.data) : SIZE_MAX;
}

rd_code rd_jput_replaced(rd_jstate *j, rd_jtext t, rd_jtext old, rd_jtext new, int64_t most) {
  size_t at = 0;
  RD_TRY(rd_jstep(j, t.size / 16));
  if (old.size == 0) { /* around every character */
    for (; most != 0 && at < t.size; most--) {
      size_t size = rd_jchar_size(t, at);
      RD_TRY(rd_jput(j, new));
      RD_TRY(rd_jput(j, rd_jpart(t, at, at + size)));
      at += size;
    }
    RD_TRY(rd_jput(j, rd_jpart(t, at, t.size)));
    return most != 0 ? rd_jput(j, new) : RD_OK;
  }
  for (; most != 0; most--) {
    size_t found = rd_jfind(t, old, at);
    if (found == SIZE_MAX)
      break;
    RD_TRY(rd_jput(j, rd_jpart(t, at, found)));
    RD_TRY(rd_jput(j, new));
    at = found + old.size;
  }
  return rd_jput(j, rd_jpart(t, at, t.size));
}

rd_jtext rd_jline(rd_jtext t, size_t *at) {
  size_t from = *at;
  while (*at < t.size) {
    size_t here = *at;
    uint32_t c = rd_jchar(t, here);
    *at += rd_jchar_size(t, here);
    if ((c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029) {
      *at += c == '\r' && *at < t.size && t.data[*at] == '\n';
      return rd_jpart(t, from, here);
    }
  }
  return rd_jpart(t, from, t.size);
}

/* What Python calls cased: the letters of which words are made to title(). */
static bool cased(uint32_t point) {
  utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)point);
  return category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LL ||
         category == UTF8PROC_CATEGORY_LT;
}

/* A letter in large, small or at a word's beginning: at most MOST_CASED points, of which some are
 * made of the letters that it stands for without regard to case (ß: SS). */
enum { MOST_CASED = 4 };
static size_t recased(utf8proc_int32_t point, bool small, bool title,
                      utf8proc_int32_t out[MOST_CASED]) {
  enum { DOTTED_I = 0x130, SHARP_S = 0xDF, IOTA = 0x3B9, IOTA_BELOW = 0x345 };
  int boundary = 0;
  const utf8proc_int32_t one = small ? utf8proc_tolower(point)
                             : title ? utf8proc_totitle(point)
                                     : utf8proc_toupper(point);
  const utf8proc_category_t category = utf8proc_category(point);
  const bool alone =
      small
          ? point != DOTTED_I
          : category == UTF8PROC_CATEGORY_LU ||
                (title && (category == UTF8PROC_CATEGORY_LT || (one != point && point != SHARP_S)));
  utf8proc_ssize_t made =
      alone ? 1 : utf8proc_decompose_char(point, out, MOST_CASED, UTF8PROC_CASEFOLD, &boundary);
  if (made < 2 || made > MOST_CASED) {
    out[0] = one;
    return 1;
  }
  bool begun = false; /* a word: its first letter that can be large is */
  for (utf8proc_ssize_t i = 0; i < made && !small; i++) {
    const utf8proc_int32_t letter = out[i], large = utf8proc_toupper(letter);
    out[i] = !title || !begun ? large : letter == IOTA ? IOTA_BELOW : letter;
    begun = begun || large != letter;
  }
  return (size_t)made;
}

rd_code rd_jput_case(rd_jstate *j, rd_jtext t, rd_jcase how) {
  bool inside = false; /* a word, of which the first letter is written */
  for (size_t at = 0; at < t.size;) {
    utf8proc_int32_t point = (utf8proc_int32_t)rd_jchar(t, at);
    size_t size = rd_jchar_size(t, at);
    bool small = how == RD_J_LOWER || (how != RD_J_UPPER && inside);
    bool title = how == RD_J_CAPITAL || how == RD_J_TITLE;
    utf8proc_int32_t points[MOST_CASED];
    char bytes[4 * MOST_CASED], origin[4 * MOST_CASED];
    size_t written = 0;
    for (size_t i = 0, n = recased(point, small, title, points); i < n; i++)
      written += rd_utf8_write((uint32_t)points[i], bytes + written);
    memset(origin, t.origin[at], sizeof origin);
    RD_TRY(rd_jput(j, (rd_jtext){bytes, origin, written}));
    inside = how == RD_J_CAPITAL || cased((uint32_t)point);
    at += size;
  }
  return RD_OK;
}

rd_code rd_jput_escaped(rd_jstate *j, rd_jtext t) {
  static const struct {
    char byte;
    const char *entity;
  } rows[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'\'', "&#39;"}, {'"', "&#34;"}};
  enum { ROWS = sizeof rows / sizeof *rows };
  size_t from = 0;
  for (size_t at = 0; at < t.size; at++)
    for (size_t i = 0; i < ROWS; i++)
      if (t.data[at] == rows[i].byte) {
        RD_TRY(rd_jput(j, rd_jpart(t, from, at)));
        RD_TRY(rd_jput_word(j, rows[i].entity));
        from = at + 1;
      }
  return rd_jput(j, rd_jpart(t, from, t.size));
}

rd_code rd_jcased(rd_jstate *j, rd_jtext t, rd_jcase how, rd_jvalue *out) {
  size_t mark = rd_jmark(j);
  RD_TRY(rd_jput_case(j, t, how));
  return rd_jtake(j, mark, out);
}
