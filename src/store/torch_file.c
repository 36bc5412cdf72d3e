/* SPDX-License-Identifier: MIT */
/* From the archive to the list: data.pkl is run into inert values (pickle.c), these are walked for
 * tensors, and each tensor's view of its storage is checked, and copied only where it must be. */
#include "torch_file.h"

#include "torch_names.h"
#include "unread.h"
#include "zip_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  DEPTH = 64,          /* of dicts, lists and modules in one another */
  CALLS = 4,           /* of rebuild functions in one another */
  MOST_STEPS = 1 << 24 /* of the walk: shared values make more paths than a pickle has bytes */
};
/* Bytes of copies, unpacked storages among them, of a file of n bytes: no bomb, and no view that
 * repeats few numbers without end. */
#define MOST_COPIES(n) (8 * (n) + ((size_t)64 << 20))

/* A storage that was looked for. */
typedef struct found {
  const unsigned char *data; /* NULL: not yet */
  size_t size;
} found;

typedef struct walk {
  rd_tensors *t;
  rd_zip *zip;
  size_t file_size;
  char folder[256]; /* of the archive: "archive" */
  bool swapped;     /* the highest byte first */
  found *storages;  /* by entry */
  int64_t steps;
  char path[1024]; /* of the value at hand */
  size_t length;   /* of the path, which may be more than fits */
} walk;

static rd_code room_for(walk *w, size_t size, unsigned char **out, rd_error *e) {
  size_t most = MOST_COPIES(w->file_size);
  if (w->t->copied > most || size > most - w->t->copied)
    return rd_fail(
        e, RD_UNSUPPORTED,
        "%zu bytes that must be copied, and %zu already, of a file of %zu; clone() views "
        "before saving, and save uncompressed",
        size, w->t->copied, w->file_size);
  return rd_tensors_room(w->t, size, out, e);
}

/* An entry in place, or unpacked once. */
static rd_code fetch(walk *w, int64_t i, found *out, rd_error *e) {
  found *f = &w->storages[i];
  if (!f->data) {
    unsigned char *copy = NULL;
    RD_TRY(rd_zip_entry(w->zip, i, &f->data, &f->size, e));
    if (!f->data) {
      RD_TRY(room_for(w, f->size, &copy, e));
      RD_TRY(rd_zip_copy(w->zip, i, copy, f->size, e));
      f->data = copy;
    }
  }
  *out = *f;
  return RD_OK;
}

/* The storage of a persistent id: ("storage", class, key, device, count of numbers). */
static rd_code find_storage(walk *w, const rd_pickle_value *id, found *out, const char **type,
                            rd_error *e) {
  char name[sizeof w->folder + 80], key[64];
  const rd_torch_role *role = NULL;
  if (id->kind == RD_PICKLE_LIST && id->count >= 5 && rd_pickle_is(id->items[0], "storage"))
    role = rd_torch_role_of(id->items[1]);
  if (!role || role->build || id->items[2]->kind != RD_PICKLE_TEXT ||
      id->items[4]->kind != RD_PICKLE_INT || id->items[4]->integer < 0)
    return rd_fail(e, RD_BAD_INPUT, "a storage that torch would not name so");
  rd_printable(key, sizeof key, id->items[2]->text, id->items[2]->size);
  snprintf(name, sizeof name, "%s/data/%s", w->folder, key);
  int64_t entry = id->items[2]->size < sizeof key ? rd_zip_find(w->zip, name) : -1;
  if (entry < 0)
    return rd_fail(e, RD_BAD_INPUT, "its storage %s is not in the archive", key);
  RD_TRY(fetch(w, entry, out, e));
  const rd_format *format = NULL;
  if (role->type)
    format =
        rd_format_named(role->type) ? rd_format_named(role->type) : rd_unread_named(role->type);
  uint64_t each = format ? (uint64_t)format->bytes : 1, bytes = 0;
  if (__builtin_mul_overflow((uint64_t)id->items[4]->integer, each, &bytes) || bytes > out->size)
    return rd_fail(e, RD_BAD_INPUT,
                   "its storage %s says %lld numbers of %llu bytes and has %zu bytes", key,
                   (long long)id->items[4]->integer, (unsigned long long)each, out->size);
  out->size = (size_t)bytes;
  *type = role->type;
  return RD_OK;
}

/* Numbers of the view, and the last element that it reaches (-1: none); false: beyond 63 bits. */
static bool measure(const rd_torch_view *v, int64_t *count, int64_t *last) {
  int64_t span = 0;
  bool fits = true;
  *count = 1;
  *last = v->offset;
  for (int d = 0; d < v->dims; d++) {
    fits = fits && !__builtin_mul_overflow(*count, v->size[d], count);
    if (v->size[d] > 0)
      fits = fits && !__builtin_mul_overflow(v->size[d] - 1, v->stride[d], &span) &&
             !__builtin_add_overflow(*last, span, last);
  }
  if (*count == 0)
    *last = -1;
  return fits;
}

/* Do the numbers lie one after another, the innermost dimension fastest? */
static bool in_order(const rd_torch_view *v, int64_t count) {
  int64_t expected = 1;
  for (int d = v->dims; d-- > 0 && count > 0;) {
    if (v->size[d] != 1 && v->stride[d] != expected)
      return false;
    expected *= v->size[d];
  }
  return true;
}

static void put_number(unsigned char *out, const unsigned char *in, size_t bytes, bool swapped) {
  for (size_t i = 0; i < bytes; i++)
    out[i] = in[swapped ? bytes - 1 - i : i];
}

/* The view's numbers in order: an odometer over its dimensions. */
static void gather(unsigned char *out, const unsigned char *storage, const rd_torch_view *v,
                   int64_t count, size_t bytes, bool swapped) {
  int64_t at[RD_TORCH_DIMS] = {0}, from = v->offset;
  for (int64_t i = 0; i < count; i++, out += bytes) {
    put_number(out, storage + (size_t)from * bytes, bytes, swapped);
    for (int d = v->dims; d-- > 0;) {
      from += v->stride[d];
      if (++at[d] < v->size[d])
        break;
      from -= v->size[d] * v->stride[d];
      at[d] = 0;
    }
  }
}

/* Sizes outermost first; those that are too many multiply into the first. */
static void shape_of(rd_tensor *tensor, const rd_torch_view *v) {
  int folded = v->dims > RD_MOST_DIMS ? v->dims - RD_MOST_DIMS : 0;
  tensor->dims = v->dims - folded;
  for (int d = 0; d < RD_MOST_DIMS; d++)
    tensor->shape[d] = 1;
  for (int d = 0; d < v->dims; d++)
    tensor->shape[d < folded ? 0 : d - folded] *= v->size[d];
}

static rd_code place_view(walk *w, rd_tensor *tensor, const rd_torch_view *v, rd_error *e) {
  found storage = {0};
  const char *type = NULL;
  int64_t count = 0, last = 0;
  RD_TRY(find_storage(w, v->place->of, &storage, &type, e));
  type = v->type ? v->type : type;
  if (!type)
    return rd_fail(e, RD_BAD_INPUT, "nothing says of what type its numbers are");
  tensor->format = rd_format_named(type) ? rd_format_named(type) : rd_unread_named(type);
  size_t bytes = (size_t)tensor->format->bytes, holds = storage.size / bytes;
  if (!measure(v, &count, &last) || (count > 0 && (uint64_t)last >= holds))
    return rd_fail(e, RD_BAD_INPUT, "reaches number %lld of a storage of %zu", (long long)last,
                   holds);
  if (__builtin_mul_overflow((size_t)count, bytes, &tensor->size))
    return rd_fail(e, RD_BAD_INPUT, "has %lld numbers of %zu bytes", (long long)count, bytes);
  shape_of(tensor, v);
  tensor->data = count > 0 ? storage.data + (size_t)v->offset * bytes : storage.data;
  if (count == 0 || (in_order(v, count) && !(w->swapped && bytes > 1)))
    return RD_OK;
  unsigned char *copy = NULL;
  RD_TRY(room_for(w, tensor->size, &copy, e));
  gather(copy, storage.data, v, count, bytes, w->swapped);
  tensor->data = copy;
  return RD_OK;
}

static rd_code add_tensor(walk *w, const rd_pickle_value *record, rd_error *e) {
  rd_tensor tensor = {.name = w->length > 0 ? w->path : (char[]){"tensor"}};
  rd_torch_view view = {0};
  char shown[100];
  if (w->length >= sizeof w->path || memchr(w->path, '\0', w->length))
    return rd_fail(e, RD_BAD_INPUT, "a tensor's name of %zu bytes, or with a NUL, from %s",
                   w->length, rd_printable(shown, sizeof shown, w->path, strlen(w->path)));
  rd_code code = rd_torch_view_of(&view, record, CALLS, e);
  if (code == RD_OK)
    code = place_view(w, &tensor, &view, e);
  if (code != RD_OK)
    return rd_prefix(e, code, "tensor %s",
                     rd_printable(shown, sizeof shown, tensor.name, strlen(tensor.name)));
  return rd_tensors_add(w->t, &tensor, e);
}

/* Add ".part" to the path; what no longer fits counts, and is missed only if a tensor follows. */
static void enter(walk *w, const char *part, size_t size) {
  if (w->length > 0 && w->length++ < sizeof w->path - 1)
    w->path[w->length - 1] = '.';
  if (w->length + size < sizeof w->path) {
    memcpy(w->path + w->length, part, size);
    w->path[w->length + size] = '\0';
  }
  w->length += size;
}

static void leave(walk *w, size_t length) {
  w->length = length;
  if (length < sizeof w->path)
    w->path[length] = '\0';
}

static void enter_key(walk *w, const rd_pickle_value *key) {
  char number[24];
  if (key->kind == RD_PICKLE_TEXT) {
    enter(w, key->text, key->size);
    return;
  }
  int n = snprintf(number, sizeof number, key->kind == RD_PICKLE_INT ? "%lld" : "?",
                   (long long)key->integer);
  enter(w, number, (size_t)n);
}

static rd_code look(walk *w, const rd_pickle_value *v, int depth, rd_error *e);

static rd_code step(walk *w, size_t count, rd_error *e) {
  w->steps += (int64_t)count;
  return w->steps <= MOST_STEPS
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT, "its values make more than %d paths", MOST_STEPS);
}

static bool has(const rd_pickle_value *list, const rd_pickle_value *key) {
  for (size_t i = 0; list && list->kind == RD_PICKLE_LIST && i < list->count; i++)
    if (list->items[i]->kind == RD_PICKLE_TEXT && key->kind == RD_PICKLE_TEXT &&
        list->items[i]->size == key->size &&
        memcmp(list->items[i]->text, key->text, key->size) == 0)
      return true;
  return false;
}

/* Keys and values in turn, but for keys in the list `without`. */
static rd_code look_at_pairs(walk *w, const rd_pickle_value *v, const rd_pickle_value *without,
                             int depth, rd_error *e) {
  size_t length = w->length;
  for (size_t i = 0; i + 1 < v->count; i += 2) {
    RD_TRY(step(w, without ? without->count : 0, e));
    if (has(without, v->items[i]))
      continue;
    enter_key(w, v->items[i]);
    RD_TRY(look(w, v->items[i + 1], depth, e));
    leave(w, length);
  }
  return RD_OK;
}

static rd_code look_at_list(walk *w, const rd_pickle_value *v, int depth, rd_error *e) {
  size_t length = w->length;
  for (size_t i = 0; i < v->count; i++) {
    enter_key(w, &(rd_pickle_value){.kind = RD_PICKLE_INT, .integer = (int64_t)i});
    RD_TRY(look(w, v->items[i], depth, e));
    leave(w, length);
  }
  return RD_OK;
}

/* A module's __dict__: what state_dict() would list. */
static rd_code look_at_module(walk *w, const rd_pickle_value *v, int depth, rd_error *e) {
  static const char *const parts[] = {"_parameters", "_buffers", "_modules"};
  const rd_pickle_value *state = v->state;
  if (state && state->kind == RD_PICKLE_LIST && state->count > 0) /* with __slots__ beside it */
    state = state->items[0];
  RD_TRY(step(w, state ? state->count : 0, e));
  const rd_pickle_value *fleeting = rd_pickle_find(state, "_non_persistent_buffers_set");
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    const rd_pickle_value *part = rd_pickle_find(state, parts[i]);
    if (part && part->kind == RD_PICKLE_DICT)
      RD_TRY(look_at_pairs(w, part, i == 1 ? fleeting : NULL, depth, e));
  }
  return look_at_pairs(w, v, NULL, depth, e); /* of an object that is a dict besides */
}

static rd_code look(walk *w, const rd_pickle_value *v, int depth, rd_error *e) {
  RD_TRY(step(w, 1, e));
  bool holds =
      v->kind == RD_PICKLE_LIST || v->kind == RD_PICKLE_DICT || v->kind == RD_PICKLE_RECORD;
  if (!holds)
    return RD_OK;
  if (depth >= DEPTH)
    return rd_fail(e, RD_BAD_INPUT, "values nest deeper than %d, or hold themselves", DEPTH);
  if (v->kind == RD_PICKLE_LIST)
    return look_at_list(w, v, depth + 1, e);
  if (v->kind == RD_PICKLE_DICT)
    return look_at_pairs(w, v, NULL, depth + 1, e);
  const rd_torch_role *role = rd_torch_role_of(v);
  return role && role->build ? add_tensor(w, v, e) : look_at_module(w, v, depth + 1, e);
}

/* The archive's folder is the one with data.pkl. */
static rd_code find_folder(walk *w, int64_t *pickle, rd_error *e) {
  static const char file[] = "/data.pkl";
  char name[sizeof w->folder + 20];
  *pickle = -1;
  for (int64_t i = 0; i < rd_zip_count(w->zip) && *pickle < 0; i++) {
    const char *entry = rd_zip_name(w->zip, i), *slash = strchr(entry, '/');
    if (!slash || strcmp(slash, file) != 0 || (size_t)(slash - entry) >= sizeof w->folder)
      continue;
    memcpy(w->folder, entry, (size_t)(slash - entry));
    *pickle = i;
  }
  snprintf(name, sizeof name, "%s/constants.pkl", w->folder);
  if (*pickle >= 0 && rd_zip_find(w->zip, name) < 0)
    return RD_OK;
  return rd_fail(e, RD_UNSUPPORTED,
                 *pickle < 0
                     ? "a zip archive without a data.pkl: not one that torch.save wrote"
                     : "a TorchScript archive; torch.save the module's state_dict() instead");
}

/* A whole small entry in memory of its own. */
static rd_code read_entry(walk *w, int64_t i, unsigned char **out, size_t *size, rd_error *e) {
  enum { MOST = 1 << 24 };
  const unsigned char *in_place = NULL;
  RD_TRY(rd_zip_entry(w->zip, i, &in_place, size, e));
  if (*size > MOST)
    return rd_fail(e, RD_UNSUPPORTED, "%zu bytes of pickle; weights take far fewer", *size);
  *out = rd_calloc(*size, 1, "a pickle", e);
  return *out ? rd_zip_copy(w->zip, i, *out, *size, e) : RD_NO_MEMORY;
}

static rd_code read_byte_order(walk *w, rd_error *e) {
  char name[sizeof w->folder + 20];
  unsigned char *text = NULL;
  size_t size = 0;
  snprintf(name, sizeof name, "%s/byteorder", w->folder);
  int64_t i = rd_zip_find(w->zip, name);
  if (i < 0) /* before torch 2.1 */
    return RD_OK;
  rd_code code = read_entry(w, i, &text, &size, e);
  if (code == RD_OK) {
    w->swapped = rd_pickle_equal((const char *)text, size, "big");
    if (!w->swapped && !rd_pickle_equal((const char *)text, size, "little"))
      code = rd_fail(e, RD_BAD_INPUT, "byteorder says neither little nor big");
  }
  free(text);
  return code;
}

static rd_code read_archive(walk *w, rd_error *e) {
  int64_t entry = 0;
  unsigned char *text = NULL;
  size_t size = 0, first = w->t->count;
  rd_pickle p = {0};
  RD_TRY(find_folder(w, &entry, e));
  RD_TRY(read_byte_order(w, e));
  w->storages = rd_calloc((size_t)rd_zip_count(w->zip), sizeof *w->storages, "storages", e);
  rd_code code = w->storages ? read_entry(w, entry, &text, &size, e) : RD_NO_MEMORY;
  if (code == RD_OK)
    code = rd_pickle_parse(&p, text, size, rd_torch_names, rd_torch_name_count, e);
  if (code == RD_OK)
    code = look(w, p.root, 0, e);
  if (code == RD_OK && w->t->count == first) {
    char what[160];
    code = rd_fail(e, RD_BAD_INPUT, "holds no tensors: it is %s",
                   rd_pickle_describe(what, sizeof what, p.root));
  }
  rd_pickle_drop(&p);
  free(text);
  free(w->storages);
  return code == RD_OK ? rd_tensors_align(w->t, first, e) : code;
}

static bool begins(const unsigned char *data, size_t size, const char *with, size_t n) {
  return size >= n && memcmp(data, with, n) == 0;
}

rd_code rd_torch_parse(rd_tensors *t, const unsigned char *data, size_t size, rd_error *e) {
  /* how the format of torch before 1.6 begins: protocol 2, and a number as its first pickle */
  static const char old[] = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20j\xa8P\x19.";
  walk w = {.t = t, .file_size = size};
  if (begins(data, size, old, sizeof old - 1))
    return rd_fail(e, RD_UNSUPPORTED,
                   "in the format from before torch 1.6; torch.save(torch.load(path), path) "
                   "with a newer torch writes the one that is read");
  if (begins(data, size, "\x80", 1))
    return rd_fail(e, RD_UNSUPPORTED, "a bare pickle; what torch.save writes is read");
  if (!begins(data, size, "PK", 2))
    return rd_fail(e, RD_BAD_INPUT, "not a file that torch.save wrote");
  RD_TRY(rd_zip_open(&w.zip, data, size, e));
  rd_code code = read_archive(&w, e);
  rd_zip_close(&w.zip);
  return code;
}

rd_code rd_torch_open(rd_tensors *t, const char *path, rd_error *e) {
  return rd_tensors_open(t, path, rd_torch_parse, e);
}
