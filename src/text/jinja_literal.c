/* SPDX-License-Identifier: MIT */
/* Strings and numbers as a template writes them: Python's. */
#include "jinja_parse.h"
#include "jinja_text.h"
#include "number.h"

#include <stdlib.h>
#include <string.h>

rd_code rd_jcopy(rd_jparser *p, rd_slice text, rd_jvalue *out) {
  *out = rd_jtext_value(rd_jliteral(""));
  return rd_jpool_text(&p->t->pool, (rd_jtext){text.data, NULL, text.size}, 0, &out->as.text, p->e);
}

/* One escape of a string at `at`, behind its backslash, appended to `out`: Python's. */
static rd_code unescape(rd_jparser *p, rd_slice s, size_t *at, rd_bytes *out) {
  static const char escaped[] = "\\'\"abfnrtv", bytes[] = "\\'\"\a\b\f\n\r\t\v";
  static const struct {
    char letter;
    int digits;
  } rows[] = {{'x', 2}, {'u', 4}, {'U', 8}};
  char c = s.data[(*at)++], digits[9] = {0}, utf8[4];
  const char *known = c ? strchr(escaped, c) : NULL;
  if (c == '\n')
    return RD_OK;
  if (known)
    return rd_bytes_add(out, &bytes[known - escaped], 1, p->e);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (c != rows[i].letter)
      continue;
    size_t left = s.size - *at, count = (size_t)rows[i].digits;
    if (left < count)
      return rd_jrefuse(p, RD_BAD_INPUT, "\\%c needs %zu digits", c, count);
    memcpy(digits, s.data + *at, count);
    if (strspn(digits, "0123456789abcdefABCDEF") != count)
      return rd_jrefuse(p, RD_BAD_INPUT, "\\%c needs %zu digits", c, count);
    unsigned long point = strtoul(digits, NULL, 16);
    if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
      return rd_jrefuse(p, RD_BAD_INPUT, "\\%c%s is no character", c, digits);
    *at += count;
    return rd_bytes_add(out, utf8, rd_utf8_write((uint32_t)point, utf8), p->e);
  }
  if (c == 'N' || (c >= '0' && c <= '7'))
    return rd_jrefuse(p, RD_UNSUPPORTED, "the escape \\%c is not supported", c);
  RD_TRY(rd_bytes_add(out, "\\", 1, p->e)); /* not an escape: both stay */
  return rd_bytes_add(out, &c, 1, p->e);
}

rd_code rd_jstrings(rd_jparser *p, rd_jvalue *out) {
  rd_bytes text = {0};
  rd_code code = RD_OK;
  for (; code == RD_OK && p->at->kind == RD_J_STRING; p->at++) {
    rd_slice s = {p->at->text.data + 1, p->at->text.size - 2};
    for (size_t at = 0; code == RD_OK && at < s.size;) {
      const char *slash = memchr(s.data + at, '\\', s.size - at);
      size_t plain = slash ? (size_t)(slash - s.data) - at : s.size - at;
      code = rd_bytes_add(&text, s.data + at, plain, p->e);
      at += plain;
      if (code == RD_OK && at < s.size) {
        at++;
        code = unescape(p, s, &at, &text);
      }
    }
    if (code != RD_OK)
      break;
  }
  if (code == RD_OK)
    code = rd_jcopy(p, rd_slice_of(&text), out);
  rd_bytes_drop(&text);
  return code;
}

rd_code rd_jdigits(rd_jparser *p, rd_jvalue *out) {
  char digits[64], *end;
  size_t size = 0;
  for (size_t i = 0; i < p->at->text.size && size < sizeof digits - 1; i++)
    if (p->at->text.data[i] != '_')
      digits[size++] = p->at->text.data[i];
  digits[size] = '\0';
  if (p->at->kind == RD_J_DECIMAL)
    *out = rd_jreal(rd_number_read(digits, &end));
  else if (size > 18)
    return rd_jrefuse(p, RD_UNSUPPORTED, "the number %s is too long", digits);
  else
    *out = rd_jint(strtoll(digits, &end, 10));
  p->at++;
  return RD_OK;
}
