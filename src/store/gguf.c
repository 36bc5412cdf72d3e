/* SPDX-License-Identifier: MIT */
/* GGUF through the bounded cursor: nothing is believed before it was seen to lie in the file. */
#include "gguf.h"

#include "unread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of one item; 0: of no fixed size. */
static const uint8_t type_sizes[RD_GGUF_TYPES] = {
    [RD_GGUF_U8] = 1,  [RD_GGUF_I8] = 1,  [RD_GGUF_U16] = 2, [RD_GGUF_I16] = 2,
    [RD_GGUF_U32] = 4, [RD_GGUF_I32] = 4, [RD_GGUF_F32] = 4, [RD_GGUF_BOOL] = 1,
    [RD_GGUF_U64] = 8, [RD_GGUF_I64] = 8, [RD_GGUF_F64] = 8};

rd_gguf_text rd_gguf_next_text(rd_cursor *c) {
  uint64_t size = rd_cursor_u64(c);
  const unsigned char *data = rd_cursor_bytes(c, size);
  return (rd_gguf_text){(const char *)data, data ? (size_t)size : 0};
}

static rd_code skip_items(rd_cursor *c, rd_gguf_value *v, rd_error *e) {
  const unsigned char *first = c->at;
  uint64_t bytes = 0;
  if (v->item >= RD_GGUF_TYPES || (v->item != RD_GGUF_TEXT && type_sizes[v->item] == 0))
    return rd_fail(e, RD_UNSUPPORTED, "key %.*s: values of type %d", (int)v->key.size, v->key.data,
                   (int)v->item);
  if (v->item == RD_GGUF_TEXT)
    for (uint64_t i = 0; i < v->count && !c->failed; i++)
      rd_gguf_next_text(c);
  else if (__builtin_mul_overflow(v->count, (uint64_t)type_sizes[v->item], &bytes))
    c->failed = true;
  else
    rd_cursor_bytes(c, bytes);
  v->data = first;
  v->size = (size_t)(c->at - first);
  return RD_OK;
}

static rd_code read_value(rd_cursor *c, rd_gguf_value *v, rd_error *e) {
  v->key = rd_gguf_next_text(c);
  uint32_t type = rd_cursor_u32(c);
  v->type = type < RD_GGUF_TYPES ? (rd_gguf_type)type : RD_GGUF_TYPES;
  v->item = v->type;
  v->count = 1;
  if (v->type == RD_GGUF_ARRAY) {
    uint32_t item = rd_cursor_u32(c);
    v->item = item < RD_GGUF_TYPES ? (rd_gguf_type)item : RD_GGUF_TYPES;
    v->count = rd_cursor_u64(c);
  }
  if (c->failed)
    return rd_fail(e, RD_BAD_INPUT, "ends inside a key, at byte %zu", rd_cursor_position(c));
  RD_TRY(skip_items(c, v, e));
  if (c->failed)
    return rd_fail(e, RD_BAD_INPUT, "key %.*s: %llu items reach beyond the end of the file",
                   (int)v->key.size, v->key.data, (unsigned long long)v->count);
  return RD_OK;
}

/* One tensor's entry; its place in the data is kept in t->data as an offset until all are read. */
typedef struct entry {
  rd_tensor tensor;
  uint64_t offset;
  char name[256], type[32];
} entry;

/* A type without a decoder is kept by the name that messages give it. */
static void choose_storage(entry *out, uint32_t type) {
  const rd_format *known = rd_unread_of_gguf(type);
  out->tensor.format = rd_format_of_gguf(type);
  if (out->tensor.format)
    return;
  out->tensor.format = known ? known : &rd_unread_unknown;
  out->tensor.type = out->type;
  if (known)
    snprintf(out->type, sizeof out->type, "%s (%u)", known->name, type);
  else
    snprintf(out->type, sizeof out->type, "%u of ggml", type);
}

static rd_code read_entry(rd_cursor *c, entry *out, rd_error *e) {
  rd_gguf_text name = rd_gguf_next_text(c);
  uint32_t dims = rd_cursor_u32(c);
  if (c->failed || name.size >= sizeof out->name || dims > RD_MOST_DIMS)
    return rd_fail(e, RD_BAD_INPUT,
                   "a tensor's entry is cut off, has a name of %zu bytes or %u sizes", name.size,
                   dims);
  memcpy(out->name, name.data, name.size);
  out->name[name.size] = '\0';
  out->tensor =
      (rd_tensor){.name = out->name, .dims = (int)dims, .shape = {1, 1, 1, 1, 1, 1, 1, 1}};
  for (uint32_t i = 0; i < dims; i++) {
    uint64_t n = rd_cursor_u64(c);
    if (n > INT64_MAX)
      return rd_fail(e, RD_BAD_INPUT, "tensor %s: a size of %llu", out->name,
                     (unsigned long long)n);
    out->tensor.shape[dims - 1 - i] = (int64_t)n;
  }
  uint32_t type = rd_cursor_u32(c);
  out->offset = rd_cursor_u64(c);
  if (c->failed)
    return rd_fail(e, RD_BAD_INPUT, "tensor %s: its entry is cut off", out->name);
  choose_storage(out, type);
  return RD_OK;
}

static rd_code place(rd_gguf *g, entry *t, const unsigned char *data, size_t size,
                     uint64_t alignment, rd_error *e) {
  uint64_t n = 1, blocks = 0, bytes = 0;
  const rd_format *s = t->tensor.format;
  bool absurd = false;
  for (int i = 0; i < t->tensor.dims; i++)
    absurd = absurd || __builtin_mul_overflow(n, (uint64_t)t->tensor.shape[i], &n);
  blocks = n / (uint64_t)s->block;
  absurd = absurd || __builtin_mul_overflow(blocks, (uint64_t)s->bytes, &bytes);
  if (absurd || t->offset > size || bytes > size - t->offset)
    return rd_fail(e, RD_BAD_INPUT, "tensor %s: %llu bytes from %llu, the data has %zu", t->name,
                   (unsigned long long)bytes, (unsigned long long)t->offset, size);
  if (t->offset % alignment)
    return rd_fail(e, RD_BAD_INPUT, "tensor %s: starts at %llu, not a multiple of %llu", t->name,
                   (unsigned long long)t->offset, (unsigned long long)alignment);
  t->tensor.data = data + t->offset;
  t->tensor.size = (size_t)bytes;
  return rd_tensors_add(&g->tensors, &t->tensor, e);
}

static rd_code read_tensors(rd_gguf *g, rd_cursor *c, uint64_t count, rd_error *e) {
  enum { ENTRY = 24 }; /* bytes of the shortest entry */
  int64_t alignment = 32;
  RD_TRY(rd_gguf_int(g, "general.alignment", 1, 1 << 20, &alignment, e));
  if (count > rd_cursor_left(c) / ENTRY)
    return rd_fail(e, RD_BAD_INPUT, "claims %llu tensors in %zu bytes", (unsigned long long)count,
                   rd_cursor_left(c));
  entry *entries = rd_calloc((size_t)count, sizeof *entries, "a list of tensors", e);
  rd_code code = entries ? RD_OK : RD_NO_MEMORY;
  for (uint64_t i = 0; i < count && code == RD_OK; i++)
    code = read_entry(c, &entries[i], e);
  uint64_t gap = (uint64_t)alignment - rd_cursor_position(c) % (uint64_t)alignment;
  if (code == RD_OK && count > 0 && gap < (uint64_t)alignment)
    rd_cursor_bytes(c, gap);
  for (uint64_t i = 0; i < count && code == RD_OK; i++)
    code = place(g, &entries[i], c->at, rd_cursor_left(c), (uint64_t)alignment, e);
  free(entries);
  if (code == RD_OK)
    code = rd_tensors_check_places(&g->tensors, 0, e);
  if (code == RD_OK)
    code = rd_tensors_align(&g->tensors, 0, e);
  return code == RD_OK ? rd_tensors_finish(&g->tensors, e) : code;
}

static rd_code parse(rd_gguf *g, const unsigned char *data, size_t size, rd_error *e) {
  enum { KEY = 13 }; /* bytes of the shortest key and value */
  rd_cursor c = rd_cursor_of(data, size);
  uint32_t magic = rd_cursor_u32(&c), version = rd_cursor_u32(&c);
  uint64_t tensors = rd_cursor_u64(&c), keys = rd_cursor_u64(&c);
  if (c.failed || magic != 0x46554747u)
    return rd_fail(e, RD_BAD_INPUT, "not a GGUF file");
  if ((version & 0xffff) == 0 && version != 0)
    return rd_fail(e, RD_UNSUPPORTED,
                   "a big-endian GGUF file, version %u; little-endian ones are read: the gguf "
                   "package's gguf-convert-endian turns it round",
                   __builtin_bswap32(version));
  if (version < 2 || version > 3)
    return rd_fail(e, RD_UNSUPPORTED, "GGUF version %u; 2 and 3 are read", version);
  if (keys > rd_cursor_left(&c) / KEY)
    return rd_fail(e, RD_BAD_INPUT, "claims %llu keys in %zu bytes", (unsigned long long)keys,
                   rd_cursor_left(&c));
  g->values = rd_calloc((size_t)keys, sizeof *g->values, "a list of keys", e);
  if (!g->values)
    return RD_NO_MEMORY;
  for (uint64_t i = 0; i < keys; i++) {
    RD_TRY(read_value(&c, &g->values[i], e));
    g->count++;
  }
  return read_tensors(g, &c, tensors, e);
}

rd_code rd_gguf_parse(rd_gguf *g, const unsigned char *data, size_t size, rd_error *e) {
  *g = (rd_gguf){0};
  rd_code code = parse(g, data, size, e);
  if (code != RD_OK)
    rd_gguf_drop(g);
  return code;
}

void rd_gguf_drop(rd_gguf *g) {
  rd_tensors_drop(&g->tensors);
  free(g->values);
  *g = (rd_gguf){0};
}

const rd_gguf_value *rd_gguf_find(const rd_gguf *g, const char *key) {
  size_t n = strlen(key);
  for (size_t i = 0; i < g->count; i++)
    if (g->values[i].key.size == n && memcmp(g->values[i].key.data, key, n) == 0)
      return &g->values[i];
  return NULL;
}

static uint64_t bits_at(const rd_gguf_value *v, uint64_t i) {
  uint64_t bits = 0;
  size_t size = type_sizes[v->item];
  memcpy(&bits, v->data + i * size, size);
  return bits;
}

/* An integer of any width, sign extended. */
static int64_t integer_at(const rd_gguf_value *v, uint64_t i) {
  uint64_t bits = bits_at(v, i);
  bool is_signed = v->item == RD_GGUF_I8 || v->item == RD_GGUF_I16 || v->item == RD_GGUF_I32;
  unsigned shift = is_signed ? 64 - 8u * type_sizes[v->item] : 0;
  return (int64_t)(bits << shift) >> shift;
}

double rd_gguf_number(const rd_gguf_value *v, uint64_t i) {
  uint64_t bits = bits_at(v, i);
  if (v->item == RD_GGUF_F32) {
    float x;
    uint32_t low = (uint32_t)bits;
    memcpy(&x, &low, sizeof x);
    return (double)x;
  }
  if (v->item == RD_GGUF_F64) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
  }
  return (double)integer_at(v, i);
}

static bool is_real(rd_gguf_type t) {
  return t == RD_GGUF_F32 || t == RD_GGUF_F64;
}

/* All layers' number, where a file has one for each layer and they are the same. */
static rd_code same_in_all(const rd_gguf_value *v, const char *key, rd_error *e) {
  if (v->count == 0 || v->item == RD_GGUF_TEXT || is_real(v->item))
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a whole number", key);
  for (uint64_t i = 1; i < v->count; i++)
    if (integer_at(v, i) != integer_at(v, 0))
      return rd_fail(e, RD_UNSUPPORTED,
                     "%s: %lld in layer 0 and %lld in layer %llu; layers that differ are not read",
                     key, (long long)integer_at(v, 0), (long long)integer_at(v, i),
                     (unsigned long long)i);
  return RD_OK;
}

rd_code rd_gguf_int(const rd_gguf *g, const char *key, int64_t min, int64_t max, int64_t *out,
                    rd_error *e) {
  const rd_gguf_value *v = rd_gguf_find(g, key);
  if (!v)
    return RD_OK;
  if (v->type == RD_GGUF_TEXT || is_real(v->type))
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a whole number", key);
  if (v->type == RD_GGUF_ARRAY)
    RD_TRY(same_in_all(v, key, e));
  int64_t n = integer_at(v, 0);
  if (n < min || n > max)
    return rd_fail(e, RD_BAD_INPUT, "%s: %lld is outside %lld..%lld", key, (long long)n,
                   (long long)min, (long long)max);
  *out = n;
  return RD_OK;
}

rd_code rd_gguf_real(const rd_gguf *g, const char *key, double min, double max, double *out,
                     rd_error *e) {
  const rd_gguf_value *v = rd_gguf_find(g, key);
  if (!v)
    return RD_OK;
  if (v->type == RD_GGUF_ARRAY || v->type == RD_GGUF_TEXT)
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a number", key);
  double x = rd_gguf_number(v, 0);
  if (!(x >= min && x <= max))
    return rd_fail(e, RD_BAD_INPUT, "%s: %g is outside %g..%g", key, x, min, max);
  *out = x;
  return RD_OK;
}

rd_code rd_gguf_text_of(const rd_gguf *g, const char *key, rd_gguf_text *out, rd_error *e) {
  const rd_gguf_value *v = rd_gguf_find(g, key);
  if (!v)
    return RD_OK;
  if (v->type != RD_GGUF_TEXT)
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a text", key);
  rd_cursor c = rd_cursor_of(v->data, v->size);
  *out = rd_gguf_next_text(&c);
  return RD_OK;
}

rd_code rd_gguf_array(const rd_gguf *g, const char *key, rd_gguf_type item,
                      const rd_gguf_value **out, rd_error *e) {
  *out = rd_gguf_find(g, key);
  if (*out && ((*out)->type != RD_GGUF_ARRAY || (*out)->item != item))
    return rd_fail(e, RD_BAD_INPUT, "%s: not an array of the expected type", key);
  return RD_OK;
}
