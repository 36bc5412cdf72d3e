/* SPDX-License-Identifier: MIT */
/* Bytes: the growable arrays and the UTF-8 reader that the tokenizer is made of. */
#ifndef RD_TOK_BYTES_H
#define RD_TOK_BYTES_H

#include "utf8.h"

/* A piece of memory that someone else owns. */
typedef struct rd_slice {
  const char *data;
  size_t size;
} rd_slice;

typedef struct rd_bytes {
  char *data;
  size_t size, capacity;
} rd_bytes;

typedef struct rd_ids {
  int32_t *data;
  size_t size, capacity;
} rd_ids;

rd_code rd_bytes_add(rd_bytes *b, const void *data, size_t size, rd_error *e);
void rd_bytes_drop(rd_bytes *b);
rd_code rd_ids_add(rd_ids *ids, int32_t id, rd_error *e);
void rd_ids_drop(rd_ids *ids);

static inline rd_slice rd_slice_of(const rd_bytes *b) {
  return (rd_slice){b->data ? b->data : "", b->size};
}
bool rd_slice_same(rd_slice a, rd_slice b);
/* Of a C string. */
rd_slice rd_slice_text(const char *text);

/* Unicode's property White_Space. */
bool rd_utf8_space(uint32_t point);
/* Decode base64 into out (at least 3/4 of text.size bytes); the bytes, or -1. */
int64_t rd_base64(rd_slice text, char *out);
/* Append `text` with every ill-formed part replaced by U+FFFD. */
rd_code rd_utf8_replace(rd_slice text, rd_bytes *out, rd_error *e);

#endif
