/* SPDX-License-Identifier: MIT */
/* Bytes and ids: amortised growth. */
#include "tok_bytes.h"

#include <stdlib.h>
#include <string.h>

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

bool rd_utf8_space(uint32_t point) {
  static const struct {
    uint32_t first, last;
  } rows[] = {{0x09, 0x0D},     {0x20, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},
              {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F},
              {0x205F, 0x205F}, {0x3000, 0x3000}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (point <= rows[i].last)
      return point >= rows[i].first;
  return false;
}

rd_code rd_utf8_replace(rd_slice text, rd_bytes *out, rd_error *e) {
  if (text.size == 0)
    return RD_OK;
  RD_TRY(rd_grow((void **)&out->data, &out->capacity, out->size + 3 * text.size, 1, e));
  out->size += rd_utf8_clean(text.data, text.size, out->data + out->size);
  return RD_OK;
}

int64_t rd_base64(rd_slice text, char *out) {
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  uint32_t bits = 0;
  int held = 0;
  int64_t made = 0;
  while (text.size && text.data[text.size - 1] == '=')
    text.size--;
  for (size_t i = 0; i < text.size; i++) {
    const char *digit = text.data[i] ? strchr(alphabet, text.data[i]) : NULL;
    if (!digit)
      return -1;
    bits = bits << 6 | (uint32_t)(digit - alphabet);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[made++] = (char)(bits >> held & 0xFF);
    }
  }
  return made;
}
