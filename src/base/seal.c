/* SPDX-License-Identifier: MIT */
/* checksums.json: {"NAME": {"size": N, "fnv1a": "16 hexadecimal digits"}, ..}. */
#include "seal.h"

#include "json.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char SEAL[] = "checksums.json";
enum { DIGITS = 17 };

uint64_t rd_hash_more(uint64_t hash, const void *bytes, size_t size) {
  for (size_t i = 0; i < size; i++)
    hash = (hash ^ ((const unsigned char *)bytes)[i]) * 1099511628211u;
  return hash;
}

/* What was read is let go of on the way: a file may be larger than memory. */
uint64_t rd_hash(const rd_map *file) {
  const size_t step = (size_t)1 << 20;
  uint64_t hash = RD_HASH_NONE;
  for (size_t at = 0; at < file->size; at += step) {
    size_t n = file->size - at < step ? file->size - at : step;
    hash = rd_hash_more(hash, file->data + at, n);
    madvise((void *)(uintptr_t)(file->data + at), n, MADV_DONTNEED);
  }
  return hash;
}

/* Size and hash of a file. */
static rd_code measure(const char *folder, const char *name, size_t *size, char hash[DIGITS],
                       rd_error *e) {
  const rd_path path = rd_path_in(folder, name);
  rd_map map;
  RD_TRY(rd_map_open(&map, path.text, e));
  *size = map.size;
  snprintf(hash, DIGITS, "%016llx", (unsigned long long)rd_hash(&map));
  rd_map_close(&map);
  return RD_OK;
}

typedef rd_code each(void *context, const char *folder, const char *name, rd_error *e);

/* Every file of a folder but its seal; subfolders are passed over. */
static rd_code each_file(const char *folder, each *call, void *context, rd_error *e) {
  DIR *list = opendir(folder);
  if (!list)
    return rd_fail(e, RD_IO, "%s: cannot open: %s", folder, strerror(errno));
  rd_code code = RD_OK;
  for (struct dirent *entry; code == RD_OK && (entry = readdir(list)) != NULL;) {
    const rd_path path = rd_path_in(folder, entry->d_name);
    if (strcmp(entry->d_name, SEAL) != 0 && !rd_path_is_folder(path.text))
      code = call(context, folder, entry->d_name, e);
  }
  closedir(list);
  return code;
}

static rd_code add(void *context, const char *folder, const char *name, rd_error *e) {
  size_t size = 0;
  char hash[DIGITS];
  RD_TRY(measure(folder, name, &size, hash, e));
  json_t *entry = json_pack("{s:I, s:s}", "size", (json_int_t)size, "fnv1a", hash);
  return json_object_set_new(context, name, entry) == 0
           ? RD_OK
           : rd_fail(e, RD_NO_MEMORY, "out of memory: the seal of %s", folder);
}

rd_code rd_seal_write(const char *folder, rd_error *e) {
  json_t *seal = json_object();
  rd_code code = seal ? each_file(folder, add, seal, e)
                      : rd_fail(e, RD_NO_MEMORY, "out of memory: the seal of %s", folder);
  if (code == RD_OK)
    code = rd_json_write(folder, SEAL, seal, e);
  json_decref(seal);
  return code;
}

/* The seal of a folder; *seal NULL: it has none. */
static rd_code open_seal(json_t **seal, const char *folder, rd_error *e) {
  const rd_path path = rd_path_in(folder, SEAL);
  *seal = NULL;
  return rd_path_exists(path.text) ? rd_json_open(seal, path.text, e) : RD_OK;
}

static rd_code check(const char *folder, const char *name, const json_t *entry, rd_error *e) {
  size_t size = 0;
  char hash[DIGITS] = "";
  const char *sealed = json_string_value(json_object_get(entry, "fnv1a"));
  json_int_t expected = json_integer_value(json_object_get(entry, "size"));
  RD_TRY(measure(folder, name, &size, hash, e));
  if (sealed && (json_int_t)size == expected && strcmp(hash, sealed) == 0)
    return RD_OK;
  return rd_fail(e, RD_BAD_INPUT,
                 "%s/%s is not as it was written: %zu bytes with hash %s, sealed were %lld with %s "
                 "(if that was meant, take %s away)",
                 folder, name, size, hash, (long long)expected, sealed ? sealed : "none", SEAL);
}

rd_code rd_seal_check(const char *folder, const char *name, rd_error *e) {
  json_t *seal = NULL, *entry = NULL;
  const char *key = NULL;
  rd_code code = open_seal(&seal, folder, e);
  json_object_foreach(seal, key, entry) {
    if (code == RD_OK && (!name || strcmp(name, key) == 0))
      code = check(folder, key, entry, e);
  }
  if (code == RD_OK && seal && (!json_is_object(seal) || json_object_size(seal) == 0))
    code = rd_fail(e, RD_BAD_INPUT, "%s/%s names no files", folder, SEAL);
  json_decref(seal);
  return code;
}

typedef struct keeping {
  const char *folder;
  const json_t *seal; /* of the older folder */
} keeping;

static rd_code keep(void *context, const char *older, const char *name, rd_error *e) {
  const keeping *k = context;
  if (json_object_get(k->seal, name))
    return RD_OK;
  const rd_path from = rd_path_in(older, name), to = rd_path_in(k->folder, name);
  if (rd_path_exists(to.text) || link(from.text, to.text) == 0)
    return RD_OK;
  return rd_file_copy(from.text, to.text, e); /* a file system without links */
}

rd_code rd_seal_keep_others(const char *folder, const char *older, rd_error *e) {
  json_t *seal = NULL;
  rd_error why = {0};
  rd_code code = open_seal(&seal, older, &why);
  if (code != RD_OK && code != RD_BAD_INPUT)
    return rd_fail(e, code, "%s", why.message);
  keeping k = {folder, seal};
  code = each_file(older, keep, &k, e);
  json_decref(seal);
  return code;
}
