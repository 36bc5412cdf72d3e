/* SPDX-License-Identifier: MIT */
/* Bytes: amortised growth, and a UTF-8 reader that tells a wrong character from an unfinished one.
 */
#include "tok_bytes.h"

#include <stdlib.h>
#include <string.h>

rd_code rd_grow(void **data, size_t *capacity, size_t need, size_t element, rd_error *e) {
  if (need <= *capacity)
    return RD_OK;
  size_t wanted = *capacity < 16 ? 16 : *capacity;
  while (wanted < need)
    wanted = wanted > SIZE_MAX / 2 ? need : wanted * 2;
  if (wanted > SIZE_MAX / element)
    return rd_fail(e, RD_NO_MEMORY, "%zu elements of %zu bytes do not fit the memory", need,
                   element);
  void *grown = realloc(*data, wanted * element);
  if (!grown)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: %zu bytes for text or tokens",
                   wanted * element);
  *data = grown;
  *capacity = wanted;
  return RD_OK;
}

rd_code rd_bytes_add(rd_bytes *b, const void *data, size_t size, rd_error *e) {
  if (size == 0)
    return RD_OK;
  if (size > b->capacity - b->size)
    RD_TRY(rd_grow((void **)&b->data, &b->capacity, b->size + size, 1, e));
  memcpy(b->data + b->size, data, size);
  b->size += size;
  return RD_OK;
}

void rd_bytes_drop(rd_bytes *b) {
  free(b->data);
  *b = (rd_bytes){0};
}

rd_code rd_ids_add(rd_ids *ids, int32_t id, rd_error *e) {
  if (ids->size == ids->capacity)
    RD_TRY(rd_grow((void **)&ids->data, &ids->capacity, ids->size + 1, sizeof(int32_t), e));
  ids->data[ids->size++] = id;
  return RD_OK;
}

void rd_ids_drop(rd_ids *ids) {
  free(ids->data);
  *ids = (rd_ids){0};
}

bool rd_slice_same(rd_slice a, rd_slice b) {
  return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

rd_slice rd_slice_text(const char *text) {
  return (rd_slice){text, strlen(text)};
}

/* The first byte fixes the length and the range of the second; all others are 80..BF. */
rd_utf8 rd_utf8_read(const char *text, size_t left) {
  const unsigned char *p = (const unsigned char *)text;
  unsigned first = p[0];
  if (first < 0x80)
    return (rd_utf8){RD_UTF8_GOOD, 1, first};
  unsigned size = first >= 0xC2 && first <= 0xDF   ? 2
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

rd_code rd_utf8_replace(rd_slice text, rd_bytes *out, rd_error *e) {
  size_t at = 0;
  while (at < text.size) {
    size_t good = rd_utf8_valid(text.data + at, text.size - at);
    RD_TRY(rd_bytes_add(out, text.data + at, good, e));
    at += good;
    if (at < text.size) {
      RD_TRY(rd_bytes_add(out, "\xEF\xBF\xBD", 3, e));
      at += rd_utf8_read(text.data + at, text.size - at).size;
    }
  }
  return RD_OK;
}
