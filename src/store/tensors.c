/* SPDX-License-Identifier: MIT */
/* The list of named tensors: grown, sorted once, searched by bisection. */
#include "tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"

void rd_tensors_drop(rd_tensors *t) {
  for (size_t i = 0; i < t->count; i++)
    free(t->items[i].name);
  for (size_t i = 0; i < t->map_count; i++)
    rd_map_close(&t->maps[i]);
  for (size_t i = 0; i < t->copy_count; i++)
    free(t->copies[i]);
  free(t->items);
  free(t->maps);
  free(t->copies);
  *t = (rd_tensors){0};
}

void rd_tensors_remove(rd_tensors *t, const bool *gone) {
  size_t kept = 0;
  for (size_t i = 0; i < t->count; i++)
    if (gone[i])
      free(t->items[i].name);
    else
      t->items[kept++] = t->items[i];
  t->count = kept;
}

int64_t rd_tensor_count(const rd_tensor *t) {
  int64_t n = 1;
  for (int i = 0; i < t->dims; i++)
    n *= t->shape[i];
  return n;
}

const char *rd_tensor_type(const rd_tensor *t) {
  return t->type ? t->type : t->format->name;
}

rd_code rd_tensor_readable(const rd_tensor *t, rd_error *e) {
  char names[320] = "";
  size_t count = 0, at = 0;
  const rd_format *rows = rd_formats(&count);
  if (t->format->decode)
    return RD_OK;
  for (size_t i = 0; i < count && at < sizeof names; i++)
    if (rows[i].decode)
      at += (size_t)snprintf(names + at, sizeof names - at, "%s%s", at ? ", " : "", rows[i].name);
  return rd_fail(e, RD_UNSUPPORTED, "tensor %s: type %s is not read as weights; read are %s",
                 t->name, rd_tensor_type(t), names);
}

/* Block by block, through a small buffer. */
bool rd_tensor_finite(const rd_tensor *t, int64_t *bad) {
  enum { PIECE = 8192 };
  float piece[PIECE];
  const rd_format *s = t->format;
  const int64_t n = rd_tensor_count(t);
  for (int64_t first = 0; first < n; first += PIECE) {
    int64_t count = n - first < PIECE ? n - first : PIECE;
    s->decode(piece, t->data + (size_t)(first / s->block * s->bytes), count);
    if (!rd_all_finite(piece, RD_F32, count, bad)) {
      *bad += first;
      return false;
    }
  }
  return true;
}

rd_code rd_tensor_check(const rd_tensor *t, rd_error *e) {
  int64_t bad = 0;
  return rd_tensor_finite(t, &bad)
           ? RD_OK
           : rd_fail(e, RD_NUMERIC,
                     "tensor %s: element %lld is NaN or infinite; the file is damaged", t->name,
                     (long long)bad);
}

const char *rd_shape_text(char *buffer, size_t size, const int64_t *shape, int dims) {
  size_t at = 0;
  buffer[0] = '\0';
  for (int i = 0; i < dims && at < size; i++)
    at += (size_t)snprintf(buffer + at, size - at, "%s%lld", i ? ", " : "(", (long long)shape[i]);
  if (at + 1 < size)
    snprintf(buffer + at, size - at, dims ? ")" : "()");
  return buffer;
}

/* Bytes that shape and storage make; false when they do not fit together or in 63 bits. */
static bool byte_size(const rd_tensor *t, uint64_t *bytes) {
  uint64_t n = 1;
  for (int i = 0; i < t->dims; i++)
    if (t->shape[i] < 0 || __builtin_mul_overflow(n, (uint64_t)t->shape[i], &n) || n > INT64_MAX)
      return false;
  uint64_t block = (uint64_t)t->format->block;
  int64_t row = t->dims > 0 ? t->shape[t->dims - 1] : 1;
  if ((uint64_t)row % block)
    return false;
  if (t->format->bytes == 0) { /* a type of unknown size: the file is believed */
    *bytes = t->size;
    return true;
  }
  return !__builtin_mul_overflow(n / block, (uint64_t)t->format->bytes, bytes) &&
       *bytes <= INT64_MAX;
}

rd_code rd_tensors_add(rd_tensors *t, const rd_tensor *tensor, rd_error *e) {
  char shape[96];
  uint64_t bytes = 0;
  if (!byte_size(tensor, &bytes) || bytes != tensor->size)
    return rd_fail(e, RD_BAD_INPUT,
                   "tensor %s: %s of shape %s takes %llu bytes, the file gives %zu", tensor->name,
                   rd_tensor_type(tensor),
                   rd_shape_text(shape, sizeof shape, tensor->shape, tensor->dims),
                   (unsigned long long)bytes, tensor->size);
  RD_TRY(rd_grow((void **)&t->items, &t->room, t->count + 1, sizeof *t->items, e));
  /* name and type in one block, which `name` owns */
  size_t named = strlen(tensor->name) + 1, typed = tensor->type ? strlen(tensor->type) + 1 : 0;
  char *name = rd_calloc(named + typed, 1, "a tensor's name", e);
  if (!name)
    return RD_NO_MEMORY;
  memcpy(name, tensor->name, named);
  rd_tensor *item = &t->items[t->count++];
  *item = *tensor;
  item->name = name;
  item->type = typed ? memcpy(name + named, tensor->type, typed) : NULL;
  return RD_OK;
}

rd_code rd_tensors_prefix(rd_tensors *t, const char *prefix, const char *but, rd_error *e) {
  size_t more = strlen(prefix);
  for (size_t i = 0; i < t->count; i++) {
    rd_tensor *item = &t->items[i];
    if (but && strncmp(item->name, but, strlen(but)) == 0)
      continue;
    size_t named = strlen(item->name) + 1, typed = item->type ? strlen(item->type) + 1 : 0;
    char *name = realloc(item->name, more + named + typed);
    if (!name)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: a tensor's name");
    memmove(name + more, name, named + typed);
    memcpy(name, prefix, more);
    item->name = name;
    item->type = typed ? name + more + named : NULL;
  }
  return RD_OK;
}

/* What a download leaves in a file's place where it went wrong. */
static rd_code check_fetched(const rd_map *map, const char *path, rd_error *e) {
  static const struct {
    const char *begin, *what;
  } rows[] = {
      {"version https://git-lfs",
       "a pointer of Git LFS, not the file itself; `git lfs pull` in its "
       "folder fetches it"},
      {"<!DOCTYPE", "a web page, not the file itself: fetch it again from its download link"},
      {"<!doctype", "a web page, not the file itself: fetch it again from its download link"},
      {"<html", "a web page, not the file itself: fetch it again from its download link"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const size_t n = strlen(rows[i].begin);
    if (map->size >= n && memcmp(map->data, rows[i].begin, n) == 0)
      return rd_fail(e, RD_BAD_INPUT, "%s: %s", path, rows[i].what);
  }
  return map->size ? RD_OK : rd_fail(e, RD_BAD_INPUT, "%s: the file is empty", path);
}

rd_code rd_tensors_map(rd_tensors *t, const char *path, rd_map *out, rd_error *e) {
  RD_TRY(rd_grow_one((void **)&t->maps, t->map_count, sizeof *t->maps, e));
  RD_TRY(rd_map_open(out, path, e));
  t->maps[t->map_count++] = *out;
  return check_fetched(out, path, e);
}

rd_code rd_tensors_read(rd_tensors *t, const char *path, rd_tensors_parser *parse, rd_error *e) {
  rd_map map;
  RD_TRY(rd_tensors_map(t, path, &map, e));
  rd_code code = parse(t, map.data, map.size, e);
  return code == RD_OK ? RD_OK : rd_prefix(e, code, "%s", path);
}

rd_code rd_tensors_open(rd_tensors *t, const char *path, rd_tensors_parser *parse, rd_error *e) {
  *t = (rd_tensors){0};
  rd_code code = rd_tensors_read(t, path, parse, e);
  if (code == RD_OK && (code = rd_tensors_finish(t, e)) != RD_OK)
    rd_prefix(e, code, "%s", path);
  if (code != RD_OK)
    rd_tensors_drop(t);
  return code;
}

void rd_tensors_fetch(const rd_tensors *t, const rd_tensor *tensor) {
  for (size_t i = 0; i < t->map_count; i++)
    rd_map_fetch(&t->maps[i], tensor->data, tensor->size);
}

void rd_tensors_let_go(const rd_tensors *t, const rd_tensor *tensor) {
  for (size_t i = 0; i < t->map_count; i++)
    rd_map_let_go(&t->maps[i], tensor->data, tensor->size);
}

rd_code rd_tensors_room(rd_tensors *t, size_t size, unsigned char **out, rd_error *e) {
  enum { ALIGNMENT = 64 };
  size_t whole = (size / ALIGNMENT + 1) * ALIGNMENT;
  RD_TRY(rd_grow_one((void **)&t->copies, t->copy_count, sizeof *t->copies, e));
  void *room = aligned_alloc(ALIGNMENT, whole);
  if (!room)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a tensor of %zu bytes", size);
  t->copies[t->copy_count++] = room;
  t->copied += size;
  *out = room;
  return RD_OK;
}

rd_code rd_tensors_align(rd_tensors *t, size_t first, rd_error *e) {
  for (size_t i = first; i < t->count; i++) {
    rd_tensor *item = &t->items[i];
    bool in_place = item->format->dtype >= 0 && item->size > 0;
    if (!in_place || (uintptr_t)item->data % (size_t)item->format->bytes == 0)
      continue;
    unsigned char *copy = NULL;
    RD_TRY(rd_tensors_room(t, item->size, &copy, e));
    item->data = memcpy(copy, item->data, item->size);
  }
  return RD_OK;
}

rd_code rd_tensors_join(rd_tensors *to, rd_tensors *from, rd_error *e) {
  size_t maps = 0, copies = 0; /* powers of two, as lists have that grow by one */
  RD_TRY(rd_grow((void **)&to->items, &to->room, to->count + from->count, sizeof *to->items, e));
  RD_TRY(rd_grow((void **)&to->maps, &maps, to->map_count + from->map_count, sizeof *to->maps, e));
  RD_TRY(rd_grow((void **)&to->copies, &copies, to->copy_count + from->copy_count,
                 sizeof *to->copies, e));
  for (size_t i = 0; i < from->count; i++)
    to->items[to->count++] = from->items[i];
  for (size_t i = 0; i < from->map_count; i++)
    to->maps[to->map_count++] = from->maps[i];
  for (size_t i = 0; i < from->copy_count; i++)
    to->copies[to->copy_count++] = from->copies[i];
  to->copied += from->copied;
  from->count = from->map_count = from->copy_count = 0; /* what was theirs is not dropped */
  rd_tensors_drop(from);
  return RD_OK;
}

static int by_place(const void *a, const void *b) {
  const rd_tensor *x = *(const rd_tensor *const *)a, *y = *(const rd_tensor *const *)b;
  return x->data < y->data ? -1
       : x->data > y->data ? 1
       : x->size < y->size ? -1
                           : x->size > y->size;
}

/* Sorted by place, each ends before the next starts. */
rd_code rd_tensors_check_places(const rd_tensors *t, size_t first, rd_error *e) {
  size_t n = t->count - first;
  const rd_tensor **order = rd_calloc(n, sizeof(rd_tensor *), "tensor places", e);
  if (!order)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < n; i++)
    order[i] = &t->items[first + i];
  qsort(order, n, sizeof *order, by_place);
  rd_code code = RD_OK;
  for (size_t i = 1; i < n && code == RD_OK; i++)
    if (order[i]->size > 0 && order[i - 1]->data + order[i - 1]->size > order[i]->data)
      code =
          rd_fail(e, RD_BAD_INPUT, "tensors %s and %s overlap", order[i - 1]->name, order[i]->name);
  free(order);
  return code;
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const rd_tensor *)a)->name, ((const rd_tensor *)b)->name);
}

rd_code rd_tensors_finish(rd_tensors *t, rd_error *e) {
  if (t->count > 0)
    qsort(t->items, t->count, sizeof *t->items, by_name);
  for (size_t i = 1; i < t->count; i++)
    if (strcmp(t->items[i - 1].name, t->items[i].name) == 0)
      return rd_fail(e, RD_BAD_INPUT, "tensor %s is there twice", t->items[i].name);
  return RD_OK;
}

const rd_tensor *rd_tensors_ending(const rd_tensors *t, const char *name) {
  size_t n = strlen(name);
  for (size_t i = 0; i < t->count; i++) {
    size_t m = strlen(t->items[i].name);
    if (m > n && strcmp(t->items[i].name + m - n, name) == 0)
      return &t->items[i];
  }
  return NULL;
}

const rd_tensor *rd_tensors_find(const rd_tensors *t, const char *name) {
  size_t low = 0, high = t->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    int order = strcmp(t->items[middle].name, name);
    if (order == 0)
      return &t->items[middle];
    if (order < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}
