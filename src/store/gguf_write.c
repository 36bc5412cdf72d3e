/* SPDX-License-Identifier: MIT */
/* The layout of ggml's docs/gguf.md: keys and tensors' entries in a buffer that grows, the data
 * behind them from where they are. */
#include "gguf_write.h"

#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 32 }; /* of data, where general.alignment says nothing */

void rd_gguf_writer_drop(rd_gguf_writer *w) {
  free(w->keys);
  *w = (rd_gguf_writer){0};
}

static void put(rd_gguf_writer *w, const void *data, size_t size) {
  if (w->failed || size > SIZE_MAX / 4 - w->size) {
    w->failed = true;
    return;
  }
  w->failed = rd_grow((void **)&w->keys, &w->room, w->size + size, 1, NULL) != RD_OK;
  if (w->failed)
    return;
  if (size)
    memcpy(w->keys + w->size, data, size);
  w->size += size;
}

static void put_32(rd_gguf_writer *w, uint32_t value) {
  put(w, &value, sizeof value);
}

static void put_64(rd_gguf_writer *w, uint64_t value) {
  put(w, &value, sizeof value);
}

void rd_gguf_put_item(rd_gguf_writer *w, const char *text, size_t size) {
  put_64(w, size);
  put(w, text, size);
}

void rd_gguf_put_items(rd_gguf_writer *w, const void *numbers, size_t bytes) {
  put(w, numbers, bytes);
}

static void put_key(rd_gguf_writer *w, const char *key, rd_gguf_type type) {
  rd_gguf_put_item(w, key, strlen(key));
  put_32(w, type);
  w->count++;
}

void rd_gguf_put_text(rd_gguf_writer *w, const char *key, const char *text, size_t size) {
  put_key(w, key, RD_GGUF_TEXT);
  rd_gguf_put_item(w, text, size);
}

void rd_gguf_put_u32(rd_gguf_writer *w, const char *key, uint32_t value) {
  put_key(w, key, RD_GGUF_U32);
  put_32(w, value);
}

void rd_gguf_put_f32(rd_gguf_writer *w, const char *key, float value) {
  put_key(w, key, RD_GGUF_F32);
  put(w, &value, sizeof value);
}

void rd_gguf_put_bool(rd_gguf_writer *w, const char *key, bool value) {
  put_key(w, key, RD_GGUF_BOOL);
  put(w, &(unsigned char){value}, 1);
}

void rd_gguf_put_array(rd_gguf_writer *w, const char *key, rd_gguf_type item, uint64_t count) {
  put_key(w, key, RD_GGUF_ARRAY);
  put_32(w, item);
  put_64(w, count);
}

static size_t padding(size_t size) {
  return (ALIGNMENT - size % ALIGNMENT) % ALIGNMENT;
}

static const unsigned char zeros[ALIGNMENT];

/* A tensor's entry; its data lie `at` bytes behind the first's. */
static void put_entry(rd_gguf_writer *w, const rd_tensor *t, uint64_t at) {
  rd_gguf_put_item(w, t->name, strlen(t->name));
  put_32(w, (uint32_t)t->dims);
  for (int d = t->dims - 1; d >= 0; d--)
    put_64(w, (uint64_t)t->shape[d]);
  put_32(w, (uint32_t)t->format->gguf);
  put_64(w, at);
}

rd_code rd_gguf_head(unsigned char **head, size_t *size, const rd_gguf_writer *w,
                     const rd_tensor *tensors, size_t count, rd_error *e) {
  rd_gguf_writer all = {.failed = w->failed};
  uint64_t at = 0;
  put(&all, "GGUF", 4);
  put_32(&all, 3);
  put_64(&all, count);
  put_64(&all, w->count);
  put(&all, w->keys, w->size);
  for (size_t i = 0; i < count; i++) {
    put_entry(&all, &tensors[i], at);
    at += tensors[i].size + padding(tensors[i].size);
  }
  put(&all, zeros, padding(all.size));
  *head = all.keys;
  *size = all.size;
  if (!all.failed)
    return RD_OK;
  rd_gguf_writer_drop(&all);
  *head = NULL;
  return rd_fail(e, RD_NO_MEMORY, "out of memory: a GGUF file's keys");
}

rd_code rd_gguf_write(const char *path, const rd_gguf_writer *w, const rd_tensor *tensors,
                      size_t count, rd_error *e) {
  unsigned char *head = NULL;
  size_t size = 0;
  RD_TRY(rd_gguf_head(&head, &size, w, tensors, count, e));
  rd_file_piece *parts = rd_calloc(2 * count + 1, sizeof *parts, "parts of a file", e);
  rd_code code = parts ? RD_OK : RD_NO_MEMORY;
  if (parts) {
    parts[0] = (rd_file_piece){head, size};
    for (size_t i = 0; i < count; i++) {
      parts[2 * i + 1] = (rd_file_piece){tensors[i].data, tensors[i].size};
      parts[2 * i + 2] = (rd_file_piece){zeros, padding(tensors[i].size)};
    }
    code = rd_file_write(path, parts, 2 * count + 1, e);
  }
  free(parts);
  free(head);
  return code;
}
