/* SPDX-License-Identifier: MIT */
/* Writing GGUF, version 3: keys one after another, then everything as one file.
 *
 *   rd_gguf_writer w = {0};
 *   rd_gguf_put_text(&w, "general.architecture", "llama", 5);
 *   rd_code code = rd_gguf_write(path, &w, tensors, count, e);
 *   rd_gguf_writer_drop(&w);
 *
 * Nothing is checked in between: memory that ran out is told when the file is made. */
#ifndef RD_GGUF_WRITE_H
#define RD_GGUF_WRITE_H

#include "gguf.h"

typedef struct rd_gguf_writer {
  unsigned char *keys; /* as they will lie in the file */
  size_t size, room;
  uint64_t count;
  bool failed; /* no memory */
} rd_gguf_writer;

void rd_gguf_writer_drop(rd_gguf_writer *w);

void rd_gguf_put_text(rd_gguf_writer *w, const char *key, const char *text, size_t size);
void rd_gguf_put_u32(rd_gguf_writer *w, const char *key, uint32_t value);
void rd_gguf_put_f32(rd_gguf_writer *w, const char *key, float value);
void rd_gguf_put_bool(rd_gguf_writer *w, const char *key, bool value);
/* An array of `count` items, which follow: texts one by one, numbers as they lie in memory. */
void rd_gguf_put_array(rd_gguf_writer *w, const char *key, rd_gguf_type item, uint64_t count);
void rd_gguf_put_item(rd_gguf_writer *w, const char *text, size_t size);
void rd_gguf_put_items(rd_gguf_writer *w, const void *numbers, size_t bytes);

/* The file up to where the data of its tensors begin: *head is new (free it). With no tensors it is
 * a whole file: what its keys say can be read back before anything is written. */
rd_code rd_gguf_head(unsigned char **head, size_t *size, const rd_gguf_writer *w,
                     const rd_tensor *tensors, size_t count, rd_error *e);
/* Write keys and tensors (name, format with a number in GGUF, shape, data, size set), atomically.
 */
rd_code rd_gguf_write(const char *path, const rd_gguf_writer *w, const rd_tensor *tensors,
                      size_t count, rd_error *e);

#endif
