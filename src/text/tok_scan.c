/* SPDX-License-Identifier: MIT */
/* The scanner: one pass, no memory of its own, every error with the byte it stands at. */
#include "tok_scan.h"

#include "number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static rd_code wrong(const rd_scan *s, const char *wanted, rd_error *e) {
  return rd_fail(e, RD_BAD_INPUT, "JSON: %s expected at byte %zu", wanted,
                 (size_t)(s->at - s->start));
}

rd_scan rd_scan_of(rd_slice text) {
  return (rd_scan){text.data, text.data, text.data + text.size, false};
}

char rd_scan_peek(rd_scan *s) {
  while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
    s->at++;
  return s->at < s->end ? *s->at : '\0';
}

rd_code rd_scan_open(rd_scan *s, char bracket, rd_error *e) {
  if (rd_scan_peek(s) != bracket || s->at == s->end)
    return wrong(s, bracket == '{' ? "an object" : "an array", e);
  s->at++;
  s->first = true;
  return RD_OK;
}

rd_code rd_scan_more(rd_scan *s, char close, bool *more, rd_error *e) {
  char next = rd_scan_peek(s);
  bool comma = next == ',' && !s->first;
  *more = comma || (s->first && next != close);
  if (!*more && next != close)
    return wrong(s, "a comma or a closing bracket", e);
  if (comma || !*more)
    s->at++;
  s->first = false;
  return RD_OK;
}

static bool hex4(rd_scan *s, uint32_t *value) {
  *value = 0;
  if (s->end - s->at < 4)
    return false;
  for (int i = 0; i < 4; i++) {
    char c = *s->at++;
    int digit = c >= '0' && c <= '9' ? c - '0'
              : c >= 'a' && c <= 'f' ? c - 'a' + 10
              : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                     : -1;
    if (digit < 0)
      return false;
    *value = *value << 4 | (uint32_t)digit;
  }
  return true;
}

/* What stands after a backslash. */
static rd_code escape(rd_scan *s, rd_bytes *out, rd_error *e) {
  static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
  char name = s->at < s->end ? *s->at++ : '\0';
  const char *found = name ? strchr(names, name) : NULL;
  if (found)
    return rd_bytes_add(out, &values[found - names], 1, e);
  uint32_t point, low;
  if (name != 'u' || !hex4(s, &point))
    return wrong(s, "an escape", e);
  if (point >= 0xD800 && point < 0xDC00) {
    bool pair = s->end - s->at >= 2 && s->at[0] == '\\' && s->at[1] == 'u';
    s->at += pair ? 2 : 0;
    if (!pair || !hex4(s, &low) || low < 0xDC00 || low > 0xDFFF)
      return wrong(s, "the second half of a surrogate pair", e);
    point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
  } else if (point >= 0xDC00 && point <= 0xDFFF) {
    return wrong(s, "the first half of a surrogate pair before this", e);
  }
  char bytes[4];
  return rd_bytes_add(out, bytes, rd_utf8_write(point, bytes), e);
}

rd_code rd_scan_string(rd_scan *s, rd_bytes *out, rd_error *e) {
  if (rd_scan_peek(s) != '"')
    return wrong(s, "a string", e);
  s->at++;
  for (;;) {
    const char *from = s->at;
    while (s->at < s->end && *s->at != '"' && *s->at != '\\')
      s->at++;
    RD_TRY(rd_bytes_add(out, from, (size_t)(s->at - from), e));
    if (s->at == s->end)
      return wrong(s, "the end of a string", e);
    if (*s->at++ == '"')
      return RD_OK;
    RD_TRY(escape(s, out, e));
  }
}

rd_code rd_scan_key(rd_scan *s, rd_bytes *out, rd_error *e) {
  out->size = 0;
  RD_TRY(rd_scan_string(s, out, e));
  if (rd_scan_peek(s) != ':')
    return wrong(s, "a colon", e);
  s->at++;
  return RD_OK;
}

rd_code rd_scan_integer(rd_scan *s, int64_t *value, rd_error *e) {
  char c = rd_scan_peek(s);
  bool minus = c == '-';
  s->at += minus;
  const char *from = s->at;
  int64_t sum = 0;
  while (s->at < s->end && *s->at >= '0' && *s->at <= '9' && sum < INT64_MAX / 20)
    sum = sum * 10 + (*s->at++ - '0');
  if (s->at == from || (s->at < s->end && strchr("0123456789.eE", *s->at)))
    return wrong(s, "an integer", e);
  *value = minus ? -sum : sum;
  return RD_OK;
}

/* Step over a string without reading it. */
static bool skip_string(rd_scan *s) {
  for (s->at++; s->at < s->end; s->at++) {
    if (*s->at == '"') {
      s->at++;
      return true;
    }
    s->at += *s->at == '\\' && s->end - s->at > 1;
  }
  return false;
}

/* What a character outside strings is: part of a word, or of the text between words. */
typedef enum kind { WORD, STRING, OPEN, CLOSE, BETWEEN, NOTHING } kind;

static kind kind_of(char c) {
  switch (c) {
  case '"':
    return STRING;
  case '{':
  case '[':
    return OPEN;
  case '}':
  case ']':
    return CLOSE;
  case ',':
  case ':':
    return BETWEEN;
  case ' ':
  case '\t':
  case '\r':
  case '\n':
  case '\0':
    return NOTHING;
  default:
    return WORD;
  }
}

rd_code rd_scan_skip(rd_scan *s, rd_slice *range, rd_error *e) {
  (void)rd_scan_peek(s);
  const char *from = s->at;
  size_t depth = 0;
  do {
    const kind here = kind_of(rd_scan_peek(s));
    if (here == NOTHING || (depth == 0 && (here == CLOSE || here == BETWEEN)))
      return wrong(s, "a value", e);
    if (here == STRING && !skip_string(s))
      return wrong(s, "the end of a string", e);
    while (here == WORD && s->at < s->end && kind_of(*s->at) == WORD)
      s->at++;
    s->at += here == OPEN || here == CLOSE || here == BETWEEN;
    depth += here == OPEN;
    depth -= here == CLOSE;
  } while (depth > 0);
  if (range)
    *range = (rd_slice){from, (size_t)(s->at - from)};
  return RD_OK;
}

rd_code rd_scan_end(rd_scan *s, rd_error *e) {
  (void)rd_scan_peek(s);
  return s->at == s->end ? RD_OK : wrong(s, "the end of the file", e);
}

rd_code rd_scan_number(rd_scan *s, double *value, rd_error *e) {
  char digits[64], *end = digits;
  rd_slice range;
  RD_TRY(rd_scan_skip(s, &range, e));
  bool fits = range.size < sizeof digits && strspn(range.data, "-+.eE0123456789") >= range.size;
  if (fits) {
    memcpy(digits, range.data, range.size);
    digits[range.size] = '\0';
    *value = rd_number_read(digits, &end);
  }
  return fits && end > digits && *end == '\0' && isfinite(*value) ? RD_OK : wrong(s, "a number", e);
}
