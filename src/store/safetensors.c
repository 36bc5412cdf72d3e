/* SPDX-License-Identifier: MIT */
/* safetensors, read and written (format: huggingface/safetensors, README "Format"). */
#include "json.h"
#include "tensors.h"
#include "unread.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_HEADER = 100 << 20 };

/* Sizes outermost first; those that are too many multiply into the first. */
static rd_code read_shape(rd_tensor *out, const char *name, const json_t *shape, rd_error *e) {
  size_t dims = json_array_size(shape), folded = dims > RD_MOST_DIMS ? dims - RD_MOST_DIMS : 0;
  out->dims = (int)(dims - folded);
  for (size_t i = 0; i < dims; i++) {
    const json_t *size = json_array_get(shape, i);
    int64_t n = json_integer_value(size), *to = &out->shape[i < folded ? 0 : i - folded];
    if (!json_is_integer(size) || n < 0 || __builtin_mul_overflow(*to, n, to))
      return rd_fail(e, RD_BAD_INPUT, "tensor %s: size %zu of its shape is no count", name, i);
  }
  return RD_OK;
}

static rd_code read_entry(rd_tensor *out, const char *name, const json_t *entry,
                          const unsigned char *body, size_t body_size, rd_error *e) {
  const json_t *shape = json_object_get(entry, "shape");
  const json_t *offsets = json_object_get(entry, "data_offsets");
  const char *type = json_string_value(json_object_get(entry, "dtype"));
  if (!type || !json_is_array(shape) || json_array_size(offsets) != 2)
    return rd_fail(e, RD_BAD_INPUT,
                   "tensor %s: its entry needs dtype, shape and data_offsets, two of them", name);
  *out = (rd_tensor){.format = rd_format_named(type), .shape = {1, 1, 1, 1, 1, 1, 1, 1}};
  if (!out->format || out->format->block != 1 || !out->format->decode)
    out->format = rd_unread_named(type); /* blocks of ggml have no meaning here */
  if (!out->format || out->format->block != 1) {
    out->format = &rd_unread_unknown;
    out->type = type;
  }
  RD_TRY(read_shape(out, name, shape, e));
  const json_t *first = json_array_get(offsets, 0), *last = json_array_get(offsets, 1);
  json_int_t begin = json_integer_value(first), end = json_integer_value(last);
  if (!json_is_integer(first) || !json_is_integer(last) || begin < 0 || end < begin)
    return rd_fail(e, RD_BAD_INPUT, "tensor %s: bytes %lld to %lld make no range", name,
                   (long long)begin, (long long)end);
  if ((uint64_t)end > body_size)
    return rd_fail(e, RD_BAD_INPUT, "tensor %s: ends at byte %lld of the data, the file has %zu",
                   name, (long long)end, body_size);
  out->data = body + begin;
  out->size = (size_t)(end - begin);
  return RD_OK;
}

/* No byte belongs to two tensors, and none to no tensor: the format has neither gaps nor a rest,
 * and what has one was cut, joined or written over. */
static rd_code check_data(const rd_tensors *t, size_t first, size_t body_size, rd_error *e) {
  size_t named = 0;
  RD_TRY(rd_tensors_check_places(t, first, e));
  for (size_t i = first; i < t->count; i++)
    named += t->items[i].size;
  return named == body_size
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT,
                     "%zu bytes of data, %zu of them in no tensor; the file is damaged", body_size,
                     body_size - named);
}

static rd_code read_header(rd_tensors *t, const json_t *header, const unsigned char *body,
                           size_t body_size, rd_error *e) {
  if (!json_is_object(header))
    return rd_fail(e, RD_BAD_INPUT, "the header is no JSON object");
  size_t first = t->count;
  const char *name = NULL;
  json_t *entry = NULL;
  json_object_foreach((json_t *)(uintptr_t)header, name, entry) {
    rd_tensor tensor;
    if (strcmp(name, "__metadata__") == 0)
      continue;
    RD_TRY(read_entry(&tensor, name, entry, body, body_size, e));
    union {
      const char *in;
      char *out;
    } borrowed = {.in = name};
    tensor.name = borrowed.out;
    RD_TRY(rd_tensors_add(t, &tensor, e));
  }
  RD_TRY(check_data(t, first, body_size, e));
  return rd_tensors_align(t, first, e);
}

rd_code rd_safetensors_parse(rd_tensors *t, const unsigned char *data, size_t size, rd_error *e) {
  rd_cursor c = rd_cursor_of(data, size);
  uint64_t length = rd_cursor_u64(&c);
  if (c.failed || length > MOST_HEADER || length > rd_cursor_left(&c))
    return rd_fail(e, RD_BAD_INPUT,
                   "not a whole safetensors file: a header of %llu bytes in a file of %zu",
                   (unsigned long long)length, size);
  const unsigned char *text = rd_cursor_bytes(&c, length);
  json_t *header = NULL;
  RD_TRY(rd_json_parse(&header, (const char *)text, (size_t)length, "the header", e));
  rd_code code = read_header(t, header, c.at, rd_cursor_left(&c), e);
  json_decref(header);
  return code;
}

rd_code rd_safetensors_open(rd_tensors *t, const char *path, rd_error *e) {
  return rd_tensors_open(t, path, rd_safetensors_parse, e);
}

/* The header as text, padded with spaces so that the data starts aligned. */
static char *header_text(const rd_tensor *tensors, size_t count) {
  json_t *header = json_pack("{s:{s:s}}", "__metadata__", "format", "pt");
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    json_t *shape = json_array();
    for (int d = 0; d < tensors[i].dims; d++)
      json_array_append_new(shape, json_integer(tensors[i].shape[d]));
    json_t *entry =
        json_pack("{s:s, s:o, s:[I, I]}", "dtype", tensors[i].format->name, "shape", shape,
                  "data_offsets", (json_int_t)at, (json_int_t)(at + tensors[i].size));
    json_object_set_new(header, tensors[i].name, entry);
    at += tensors[i].size;
  }
  char *text = rd_json_dumps(header, JSON_COMPACT);
  json_decref(header);
  if (!text)
    return NULL;
  char *padded = rd_print("%s%*s", text, (int)(7 - (strlen(text) + 7) % 8), "");
  free(text);
  return padded;
}

rd_code rd_safetensors_write(const char *path, const rd_tensor *tensors, size_t count,
                             rd_error *e) {
  char *header = header_text(tensors, count);
  rd_file_piece *parts = rd_calloc(count + 2, sizeof *parts, "parts of a file", e);
  if (!header || !parts) {
    free(header);
    free(parts);
    return rd_fail(e, RD_NO_MEMORY, "out of memory: writing %s", path);
  }
  uint64_t length = strlen(header);
  parts[0] = (rd_file_piece){&length, sizeof length};
  parts[1] = (rd_file_piece){header, (size_t)length};
  for (size_t i = 0; i < count; i++)
    parts[2 + i] = (rd_file_piece){tensors[i].data, tensors[i].size};
  rd_code code = rd_file_write(path, parts, count + 2, e);
  free(header);
  free(parts);
  return code;
}
