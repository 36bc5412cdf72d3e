/* SPDX-License-Identifier: MIT */
/* Named tensors lying in mapped files, whatever the file format. */
#ifndef RD_TENSORS_H
#define RD_TENSORS_H

#include "file.h"
#include "format.h"

/* A weight has two dimensions, or one; what has more than this many, which no weight has, is listed
 * with its outermost sizes multiplied into one. */
enum { RD_MOST_DIMS = 8 };

typedef struct rd_tensor {
  char *name;
  const rd_format *format; /* never NULL; without `decode` nobody can read the numbers */
  const char *type;        /* how the file calls the type, NULL: as `format` does */
  int dims;
  int64_t shape[RD_MOST_DIMS]; /* outermost first, as in safetensors; unused ones are 1 */
  const unsigned char *data;   /* in the mapping, or in a copy that the list owns */
  size_t size;                 /* bytes */
} rd_tensor;

/* A growing list; sorted by name once complete. Owns names, maps and copies; data lies in a map, in
 * a copy, or, after parsing from memory, in the caller's. */
typedef struct rd_tensors {
  rd_tensor *items;
  size_t count, room;
  rd_map *maps;
  size_t map_count;
  void **copies;
  size_t copy_count, copied; /* `copied` bytes in all */
} rd_tensors;

void rd_tensors_drop(rd_tensors *t);
/* Append a copy of `tensor` with a copy of its name and type, checking that shape and format make
 * `size` bytes. */
rd_code rd_tensors_add(rd_tensors *t, const rd_tensor *tensor, rd_error *e);
/* Map a file for the list to own; *out says where it lies. */
rd_code rd_tensors_map(rd_tensors *t, const char *path, rd_map *out, rd_error *e);
/* A parser puts the tensors of a whole file behind what `t` has. */
typedef rd_code rd_tensors_parser(rd_tensors *t, const unsigned char *data, size_t size,
                                  rd_error *e);
/* Map a file and parse it; the list is to be finished when all are there. */
rd_code rd_tensors_read(rd_tensors *t, const char *path, rd_tensors_parser *parse, rd_error *e);
/* The tensors of one file, sorted by name; on failure `t` is empty. */
rd_code rd_tensors_open(rd_tensors *t, const char *path, rd_tensors_parser *parse, rd_error *e);
/* rd_map_fetch and rd_map_let_go of a tensor's numbers, where they lie in one of the list's maps.
 */
void rd_tensors_fetch(const rd_tensors *t, const rd_tensor *tensor);
void rd_tensors_let_go(const rd_tensors *t, const rd_tensor *tensor);
/* Memory for `size` bytes of a tensor that cannot be used where it lies, aligned for every type and
 * owned by the list. */
rd_code rd_tensors_room(rd_tensors *t, size_t size, unsigned char **out, rd_error *e);
/* Copies of those tensors from `first` on whose numbers would be used in place, were they not at an
 * odd address: files set no alignment, C does. */
rd_code rd_tensors_align(rd_tensors *t, size_t first, rd_error *e);
/* Take some out of the list, gone (count), which keeps its order; what they lay in stays. */
void rd_tensors_remove(rd_tensors *t, const bool *gone);
/* Put `prefix` before every name but those that begin with `but` (NULL: none do); the list is to be
 * sorted afterwards. */
rd_code rd_tensors_prefix(rd_tensors *t, const char *prefix, const char *but, rd_error *e);
/* The tensors of `from` with all that they lie in become part of `to`; `from` is empty then. */
rd_code rd_tensors_join(rd_tensors *to, rd_tensors *from, rd_error *e);
/* No byte belongs to two of the tensors from `first` on, which lie in one file. */
rd_code rd_tensors_check_places(const rd_tensors *t, size_t first, rd_error *e);
/* Sort, and refuse two tensors of one name. */
rd_code rd_tensors_finish(rd_tensors *t, rd_error *e);
const rd_tensor *rd_tensors_find(const rd_tensors *t, const char *name);
/* The first whose name is longer than `name` and ends with it, or NULL: for messages. */
const rd_tensor *rd_tensors_ending(const rd_tensors *t, const char *name);
/* Numbers in a tensor. */
int64_t rd_tensor_count(const rd_tensor *t);
/* The type's name in messages and lists. */
const char *rd_tensor_type(const rd_tensor *t);
/* RD_UNSUPPORTED, naming tensor and type, unless the numbers can be decoded: to be asked before
 * format->decode is called. */
rd_code rd_tensor_readable(const rd_tensor *t, rd_error *e);
/* Is every number of a readable tensor finite? Else *bad is the first that is not. */
bool rd_tensor_finite(const rd_tensor *t, int64_t *bad);
/* RD_NUMERIC, naming that one. */
rd_code rd_tensor_check(const rd_tensor *t, rd_error *e);
/* "(4, 8)" into buffer, which is returned. */
const char *rd_shape_text(char *buffer, size_t size, const int64_t *shape, int dims);

/* One safetensors file (8 bytes of header length, JSON header, data): the parser alone; `t` gets
 * its tensors, pointing into data where that is aligned for them. Refused: a header longer than the
 * file or 100 MB, offsets out of the file or out of step with the shape, overlaps, and data that
 * belong to no tensor. Any type and shape is taken: see rd_tensor_readable. */
rd_code rd_safetensors_parse(rd_tensors *t, const unsigned char *data, size_t size, rd_error *e);
/* The tensors of one .safetensors file, mapped, sorted by name; on failure `t` is empty. */
rd_code rd_safetensors_open(rd_tensors *t, const char *path, rd_error *e);
/* Write tensors (name, format, shape, data, size set) as one file, atomically;
 * the metadata says {"format": "pt"}, as transformers expects. */
rd_code rd_safetensors_write(const char *path, const rd_tensor *tensors, size_t count, rd_error *e);

#endif
