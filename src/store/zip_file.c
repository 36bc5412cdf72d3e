/* SPDX-License-Identifier: MIT */
/* libzip over memory. It does not say where in the file an entry's data begin; but it reads them
 * through a source of ours, which sees where. So the start of an entry is read, the place noted,
 * and what lies there compared; should some version of libzip read otherwise, entries are copied.
 */
#include "zip_file.h"

#include "late.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

/* clang-format off */
#define FUNCTIONS(F) \
  F(zip_discard) F(zip_error_code_zip) F(zip_error_fini) F(zip_error_init) F(zip_error_set) \
  F(zip_error_strerror) F(zip_error_to_data) F(zip_fclose) F(zip_fopen_index) F(zip_fread) \
  F(zip_get_name) F(zip_get_num_entries) F(zip_name_locate) F(zip_open_from_source) \
  F(zip_source_free) F(zip_source_function) F(zip_source_function_create) \
  F(zip_source_make_command_bitmap) F(zip_source_seek_compute_offset) F(zip_stat_index) \
  F(zip_stat_init)
/* clang-format on */
static struct { FUNCTIONS(RD_LATE_MEMBER) } lib;
static rd_late libzip = RD_LATE(RD_LATE_ZIP, "libzip4", "a PyTorch file", FUNCTIONS, &lib);

typedef struct window {
  const unsigned char *data;
  zip_uint64_t size, at, last; /* `last`: where the last read began */
  zip_error_t error;
} window;

struct rd_zip {
  window window;
  zip_t *archive;
};

static zip_int64_t read_window(window *w, void *out, zip_uint64_t size) {
  zip_uint64_t left = w->size - w->at, n = size < left ? size : left;
  w->last = w->at;
  memcpy(out, w->data + w->at, (size_t)n);
  w->at += n;
  return (zip_int64_t)n;
}

static zip_int64_t seek_window(window *w, void *to, zip_uint64_t size) {
  zip_int64_t at = lib.zip_source_seek_compute_offset(w->at, w->size, to, size, &w->error);
  w->at = at < 0 ? w->at : (zip_uint64_t)at;
  return at < 0 ? -1 : 0;
}

static zip_int64_t describe_window(const window *w, zip_stat_t *out) {
  lib.zip_stat_init(out);
  out->size = w->size;
  out->valid = ZIP_STAT_SIZE;
  return sizeof *out;
}

/* libzip's protocol of a source (lib.zip_source_function(3)). */
static zip_int64_t serve(void *user, void *data, zip_uint64_t size, zip_source_cmd_t command) {
  window *w = user;
  switch (command) {
  case ZIP_SOURCE_OPEN:
    w->at = 0;
    return 0;
  case ZIP_SOURCE_READ:
    return read_window(w, data, size);
  case ZIP_SOURCE_SEEK:
    return seek_window(w, data, size);
  case ZIP_SOURCE_TELL:
    return (zip_int64_t)w->at;
  case ZIP_SOURCE_STAT:
    return describe_window(w, data);
  case ZIP_SOURCE_ERROR:
    return lib.zip_error_to_data(&w->error, data, size);
  case ZIP_SOURCE_CLOSE:
  case ZIP_SOURCE_FREE:
    return 0;
  case ZIP_SOURCE_SUPPORTS:
    return lib.zip_source_make_command_bitmap(
        ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_STAT,
        ZIP_SOURCE_ERROR, ZIP_SOURCE_CLOSE, ZIP_SOURCE_FREE, ZIP_SOURCE_SUPPORTS, -1);
  default:
    lib.zip_error_set(&w->error, ZIP_ER_OPNOTSUPP, 0);
    return -1;
  }
}

rd_code rd_zip_open(rd_zip **out, const unsigned char *data, size_t size, rd_error *e) {
  zip_error_t error;
  *out = NULL;
  RD_TRY(rd_late_open(&libzip, e));
  *out = rd_calloc(1, sizeof **out, "a zip archive", e);
  if (!*out)
    return RD_NO_MEMORY;
  rd_zip *z = *out;
  z->window = (window){.data = data, .size = size};
  lib.zip_error_init(&z->window.error);
  lib.zip_error_init(&error);
  zip_source_t *source = lib.zip_source_function_create(serve, &z->window, &error);
  z->archive = source ? lib.zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
  if (!z->archive && source)
    lib.zip_source_free(source);
  rd_code code = RD_OK;
  if (!z->archive)
    code = lib.zip_error_code_zip(&error) == ZIP_ER_MEMORY
             ? rd_fail(e, RD_NO_MEMORY, "out of memory: a zip archive's directory")
             : rd_fail(e, RD_BAD_INPUT, "a zip archive that is damaged or cut off: %s",
                       lib.zip_error_strerror(&error));
  lib.zip_error_fini(&error);
  if (code != RD_OK)
    rd_zip_close(out);
  return code;
}

void rd_zip_close(rd_zip **zip) {
  if (!zip || !*zip)
    return;
  if ((*zip)->archive)
    lib.zip_discard((*zip)->archive);
  lib.zip_error_fini(&(*zip)->window.error);
  free(*zip);
  *zip = NULL;
}

int64_t rd_zip_count(const rd_zip *zip) {
  return lib.zip_get_num_entries(zip->archive, 0);
}

const char *rd_zip_name(const rd_zip *zip, int64_t i) {
  const char *name = lib.zip_get_name(zip->archive, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
  return name ? name : "";
}

int64_t rd_zip_find(const rd_zip *zip, const char *name) {
  return lib.zip_name_locate(zip->archive, name, ZIP_FL_ENC_RAW);
}

/* The name for a message. */
static const char *shown(const rd_zip *z, int64_t i, char *buffer, size_t size) {
  return rd_printable(buffer, size, rd_zip_name(z, i), strlen(rd_zip_name(z, i)));
}

static rd_code damaged(const rd_zip *z, int64_t i, const char *what, rd_error *e) {
  char name[120];
  return rd_fail(e, RD_BAD_INPUT, "%s of the archive %s", shown(z, i, name, sizeof name), what);
}

/* Where the data of an uncompressed entry begin; NULL: not to be found out. */
static const unsigned char *place_of(rd_zip *z, int64_t i, zip_uint64_t size) {
  unsigned char start[64];
  const window *w = &z->window;
  zip_uint64_t n = size < sizeof start ? size : sizeof start;
  zip_file_t *file = lib.zip_fopen_index(z->archive, (zip_uint64_t)i, 0);
  bool read = file && lib.zip_fread(file, start, n) == (zip_int64_t)n;
  zip_uint64_t at = w->last;
  if (file)
    lib.zip_fclose(file);
  bool there = read && at <= w->size && size <= w->size - at && memcmp(w->data + at, start, n) == 0;
  return there ? w->data + at : NULL;
}

rd_code rd_zip_entry(rd_zip *z, int64_t i, const unsigned char **data, size_t *size, rd_error *e) {
  /* deflate makes 258 bytes of two bits at best: 1032 of one byte */
  enum { BEST = 1032, NEEDED = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD };
  zip_stat_t st;
  char name[120];
  *data = NULL;
  *size = 0;
  if (lib.zip_stat_index(z->archive, (zip_uint64_t)i, 0, &st) != 0 || (st.valid & NEEDED) != NEEDED)
    return damaged(z, i, "has no sizes", e);
  if ((st.valid & ZIP_STAT_ENCRYPTION_METHOD) && st.encryption_method != ZIP_EM_NONE)
    return damaged(z, i, "is encrypted", e);
  if (st.comp_method != ZIP_CM_STORE && st.comp_method != ZIP_CM_DEFLATE)
    return rd_fail(
        e, RD_UNSUPPORTED,
        "%s of the archive is compressed by method %d; stored and deflated ones are read",
        shown(z, i, name, sizeof name), st.comp_method);
  if (st.comp_size > z->window.size || st.size / BEST > st.comp_size + 1 ||
      (st.comp_method == ZIP_CM_STORE && st.size != st.comp_size))
    return rd_fail(e, RD_BAD_INPUT, "%s of the archive: says %llu bytes in %llu of a file of %llu",
                   shown(z, i, name, sizeof name), (unsigned long long)st.size,
                   (unsigned long long)st.comp_size, (unsigned long long)z->window.size);
  *size = (size_t)st.size;
  if (st.size == 0)
    *data = z->window.data;
  else if (st.comp_method == ZIP_CM_STORE)
    *data = place_of(z, i, st.size);
  return RD_OK;
}

rd_code rd_zip_copy(rd_zip *z, int64_t i, unsigned char *out, size_t size, rd_error *e) {
  zip_file_t *file = lib.zip_fopen_index(z->archive, (zip_uint64_t)i, 0);
  unsigned char more;
  size_t at = 0;
  zip_int64_t n = file ? 1 : -1;
  while (at < size && (n = lib.zip_fread(file, out + at, size - at)) > 0)
    at += (size_t)n;
  /* the checksum is looked at when the end is met */
  bool whole = file && n >= 0 && at == size && lib.zip_fread(file, &more, 1) == 0;
  if (file)
    lib.zip_fclose(file);
  return whole ? RD_OK : damaged(z, i, "is damaged: its size or checksum is wrong", e);
}
