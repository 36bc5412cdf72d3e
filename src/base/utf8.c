/* SPDX-License-Identifier: MIT */
/* The UTF-8 reader. Eight ASCII bytes at a time are looked over in one step. */
#include "utf8.h"

#include <string.h>

/* The first byte fixes the length and the range of the second; all others are 80..BF. */
rd_utf8 rd_utf8_read(const char *text, size_t left) {
  const unsigned char *p = (const unsigned char *)text;
  unsigned first = p[0];
  if (first < 0x80)
    return (rd_utf8){RD_UTF8_GOOD, 1, first};
  unsigned size = first >= 0xC2 && first <= 0xDF ? 2
                : first >= 0xE0 && first <= 0xEF ? 3
                : first >= 0xF0 && first <= 0xF4 ? 4
                                                 : 0;
  if (size == 0)
    return (rd_utf8){RD_UTF8_BAD, 1, 0};
  unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  uint32_t point = first & (0x7FU >> size);
  for (unsigned i = 1; i < size; i++) {
    if (i >= left)
      return (rd_utf8){RD_UTF8_CUT, i, 0};
    if (p[i] < low || p[i] > high)
      return (rd_utf8){RD_UTF8_BAD, i, 0};
    point = point << 6 | (p[i] & 0x3FU);
    low = 0x80;
    high = 0xBF;
  }
  return (rd_utf8){RD_UTF8_GOOD, size, point};
}

size_t rd_utf8_valid(const char *text, size_t size) {
  size_t at = 0;
  while (at < size) {
    uint64_t eight;
    if (size - at >= 8 && (memcpy(&eight, text + at, 8), (eight & 0x8080808080808080U) == 0)) {
      at += 8;
      continue;
    }
    rd_utf8 c = rd_utf8_read(text + at, size - at);
    if (c.kind != RD_UTF8_GOOD)
      return at;
    at += c.size;
  }
  return at;
}

unsigned rd_utf8_write(uint32_t point, char out[4]) {
  if (point < 0x80) {
    out[0] = (char)point;
    return 1;
  }
  unsigned size = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  for (unsigned i = size; i-- > 1; point >>= 6)
    out[i] = (char)(0x80 | (point & 0x3F));
  out[0] = (char)((0xF00U >> size & 0xF0) | point);
  return size;
}

size_t rd_utf8_clean(const char *text, size_t size, char *out) {
  char *to = out;
  for (size_t at = 0; at < size;) {
    size_t good = rd_utf8_valid(text + at, size - at);
    memcpy(to, text + at, good);
    to += good;
    at += good;
    if (at < size) {
      to += rd_utf8_write(0xFFFD, to);
      at += rd_utf8_read(text + at, size - at).size;
    }
  }
  return (size_t)(to - out);
}

rd_code rd_utf8_check(const char *text, size_t size, const char *what, rd_error *e) {
  size_t at = rd_utf8_valid(text, size);
  if (at == size)
    return RD_OK;
  return rd_fail(e, RD_BAD_INPUT, "%s: byte %zu (0x%02X) is not valid UTF-8", what, at,
                 (unsigned char)text[at]);
}

char *rd_utf8_copy(const char *text, rd_error *e) {
  size_t size = strlen(text);
  char *out = rd_calloc(3 * size + 1, 1, "a text", e);
  if (out)
    rd_utf8_clean(text, size, out);
  return out;
}
