/* SPDX-License-Identifier: MIT */
/* GGUF, versions 2 and 3, little-endian (ggml's docs/gguf.md): key/values and tensors of a mapped
 * file. */
#ifndef RD_GGUF_H
#define RD_GGUF_H

#include "tensors.h"

/* Types of values, with the numbers of the format. */
typedef enum rd_gguf_type {
  RD_GGUF_U8,
  RD_GGUF_I8,
  RD_GGUF_U16,
  RD_GGUF_I16,
  RD_GGUF_U32,
  RD_GGUF_I32,
  RD_GGUF_F32,
  RD_GGUF_BOOL,
  RD_GGUF_TEXT,
  RD_GGUF_ARRAY,
  RD_GGUF_U64,
  RD_GGUF_I64,
  RD_GGUF_F64,
  RD_GGUF_TYPES
} rd_gguf_type;

/* A text of the file: not closed by a NUL. */
typedef struct rd_gguf_text {
  const char *data;
  size_t size;
} rd_gguf_text;

typedef struct rd_gguf_value {
  rd_gguf_text key;
  rd_gguf_type type;
  rd_gguf_type item;         /* of an array */
  uint64_t count;            /* of an array's items, else 1 */
  const unsigned char *data; /* the value, or the first item, as it lies in the file */
  size_t size;               /* bytes of all items */
} rd_gguf_value;

typedef struct rd_gguf {
  rd_gguf_value *values;
  size_t count;
  rd_tensors tensors; /* shapes outermost first (the file has them innermost first) */
} rd_gguf;

/* Parse; everything points into data, but for tensors that lie askew there. Refused: other magic or
 * versions, big-endian files, counts and lengths beyond the file, arrays of arrays, unknown types
 * of values, tensors out of the file, overlapping or off general.alignment. Tensors may have any
 * type: see rd_tensor_readable. */
rd_code rd_gguf_parse(rd_gguf *g, const unsigned char *data, size_t size, rd_error *e);
/* Map and parse a file; of a split one (NAME-00001-of-00003.gguf), given the first part, all parts:
 * its keys, and everybody's tensors. On failure `g` is empty. */
rd_code rd_gguf_open(rd_gguf *g, const char *path, rd_error *e);
void rd_gguf_drop(rd_gguf *g);

const rd_gguf_value *rd_gguf_find(const rd_gguf *g, const char *key);
/* Getters: a missing key leaves *out and is fine; a value of another kind or out of [min, max] is
 * RD_BAD_INPUT. Integers of every width, and booleans, serve as integers, and so does an array of
 * them (one for each layer) whose items are all the same; f32 and f64 serve as reals. */
rd_code rd_gguf_int(const rd_gguf *g, const char *key, int64_t min, int64_t max, int64_t *out,
                    rd_error *e);
rd_code rd_gguf_real(const rd_gguf *g, const char *key, double min, double max, double *out,
                     rd_error *e);
rd_code rd_gguf_text_of(const rd_gguf *g, const char *key, rd_gguf_text *out, rd_error *e);
/* An array whose items are all `item`; *out is NULL when the key is missing. */
rd_code rd_gguf_array(const rd_gguf *g, const char *key, rd_gguf_type item,
                      const rd_gguf_value **out, rd_error *e);
/* Item i of an array of numbers, as a double; of texts: call in order with a cursor from
 * rd_cursor_of(value->data, value->size). */
double rd_gguf_number(const rd_gguf_value *array, uint64_t i);
rd_gguf_text rd_gguf_next_text(rd_cursor *c);

#endif
