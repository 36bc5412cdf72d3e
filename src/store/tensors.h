/* SPDX-License-Identifier: MIT */
/* Named tensors lying in mapped files, whatever the file format. */
#ifndef RD_TENSORS_H
#define RD_TENSORS_H

#include "file.h"
#include "format.h"

enum { RD_MOST_DIMS = 4 };

typedef struct rd_tensor {
  char *name;
  const rd_format *format;
  int dims;
  int64_t shape[RD_MOST_DIMS]; /* outermost first, as in safetensors; unused ones are 1 */
  const unsigned char *data;   /* in the mapping */
  size_t size;                 /* bytes */
} rd_tensor;

/* A growing list; sorted by name once complete. Owns the names and the maps, not the data. */
typedef struct rd_tensors {
  rd_tensor *items;
  size_t count, room;
  rd_map *maps;
  size_t map_count;
} rd_tensors;

void rd_tensors_drop(rd_tensors *t);
/* Append a copy of `tensor` with a copy of its name, checking that shape and format make `size`
 * bytes. */
rd_code rd_tensors_add(rd_tensors *t, const rd_tensor *tensor, rd_error *e);
/* No byte belongs to two of the tensors from `first` on, which lie in one file. */
rd_code rd_tensors_check_places(const rd_tensors *t, size_t first, rd_error *e);
/* Sort, and refuse two tensors of one name. */
rd_code rd_tensors_finish(rd_tensors *t, rd_error *e);
const rd_tensor *rd_tensors_find(const rd_tensors *t, const char *name);
/* Numbers in a tensor. */
int64_t rd_tensor_count(const rd_tensor *t);
/* "(4, 8)" into buffer, which is returned. */
const char *rd_shape_text(char *buffer, size_t size, const int64_t *shape, int dims);

/* One safetensors file (8 bytes of header length, JSON header, data): the parser alone; `t` gets
 * its tensors, pointing into data. Refused: a header longer than the file or 100 MB, unknown types,
 * offsets out of the file, out of order with the shape, overlapping or unaligned. */
rd_code rd_safetensors_parse(rd_tensors *t, const unsigned char *data, size_t size, rd_error *e);
/* A Hugging Face folder's weights: model.safetensors, or the shards of
 * model.safetensors.index.json; or a single .safetensors file. Mapped; on failure `t` is empty. */
rd_code rd_safetensors_open(rd_tensors *t, const char *path, rd_error *e);
/* Write tensors (name, format, shape, data, size set) as one file, atomically;
 * the metadata says {"format": "pt"}, as transformers expects. */
rd_code rd_safetensors_write(const char *path, const rd_tensor *tensors, size_t count, rd_error *e);

#endif
