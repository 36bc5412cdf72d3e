/* SPDX-License-Identifier: MIT */
/* Mapping, paths and the bounded cursor. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

rd_code rd_map_open(rd_map *map, const char *path, rd_error *e) {
  *map = (rd_map){.data = (const unsigned char *)"", .size = 0};
  if (!*path)
    return rd_fail(e, RD_USAGE, "an empty path names no file");
  /* a FIFO would be waited for, and a terminal taken */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return rd_fail(e, RD_IO, "%s: cannot open: %s", path,
                   errno == ENOENT && rd_path_exists(path) ? "a link that leads nowhere"
                                                           : strerror(errno));
  struct stat st;
  rd_code code = RD_OK;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    code = rd_fail(e, RD_IO, "%s: not a regular file", path);
  } else if (st.st_size > 0) {
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
      code = rd_fail(e, errno == ENOMEM ? RD_NO_MEMORY : RD_IO, "%s: cannot map: %s", path,
                     strerror(errno));
    else
      *map = (rd_map){.data = data, .size = (size_t)st.st_size};
  }
  close(fd);
  return code;
}

void rd_map_close(rd_map *map) {
  if (map && map->size > 0)
    munmap((void *)(uintptr_t)map->data, map->size);
  if (map)
    *map = (rd_map){.data = (const unsigned char *)"", .size = 0};
}

static void advise(const rd_map *map, const unsigned char *from, size_t size, int advice) {
  if (size == 0 || from < map->data || from >= map->data + map->size)
    return;
  const size_t left = map->size - (size_t)(from - map->data);
  const size_t before = (uintptr_t)from % (uintptr_t)sysconf(_SC_PAGESIZE);
  madvise((void *)(uintptr_t)(from - before), (size < left ? size : left) + before, advice);
}

void rd_map_fetch(const rd_map *map, const void *from, size_t size) {
  advise(map, from, size, MADV_WILLNEED);
}

void rd_map_let_go(const rd_map *map, const void *from, size_t size) {
  advise(map, from, size, MADV_DONTNEED);
}

rd_code rd_file_read(const char *path, size_t limit, char **text, size_t *size, rd_error *e) {
  *text = NULL;
  rd_map map;
  RD_TRY(rd_map_open(&map, path, e));
  rd_code code = RD_OK;
  if (map.size > limit) {
    code = rd_fail(e, RD_BAD_INPUT, "%s: %zu bytes, at most %zu are read", path, map.size, limit);
  } else if ((*text = malloc(map.size + 1)) == NULL) {
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: %s, %zu bytes", path, map.size);
  } else {
    memcpy(*text, map.data, map.size);
    (*text)[map.size] = '\0';
    if (size)
      *size = map.size;
  }
  rd_map_close(&map);
  return code;
}

rd_code rd_file_copy(const char *from, const char *to, rd_error *e) {
  rd_map map;
  RD_TRY(rd_map_open(&map, from, e));
  rd_file_piece part = {map.data, map.size};
  rd_code code = rd_file_write(to, &part, 1, e);
  rd_map_close(&map);
  return code;
}

rd_code rd_file_put(const char *folder, const char *name, const char *text, rd_error *e) {
  const rd_path path = rd_path_in(folder, name);
  const rd_file_piece part = {text, text ? strlen(text) : 0};
  return text ? rd_file_write(path.text, &part, 1, e)
              : rd_fail(e, RD_NO_MEMORY, "out of memory: writing %s", name);
}

rd_code rd_folder_make(const char *path, rd_error *e) {
  if (!*path)
    return rd_fail(e, RD_USAGE, "an empty path names no folder");
  char *copy = rd_strdup(path, e);
  if (!copy)
    return RD_NO_MEMORY;
  rd_code code = RD_OK;
  for (char *p = copy + 1; code == RD_OK; p++) {
    char c = *p;
    if (c != '/' && c != '\0')
      continue;
    *p = '\0';
    if (mkdir(copy, 0777) != 0 && errno != EEXIST)
      code = rd_fail(e, RD_IO, "%s: cannot make the folder: %s", copy, strerror(errno));
    if (c == '\0')
      break;
    *p = c;
  }
  if (code == RD_OK && !rd_path_is_folder(path))
    code = rd_fail(e, RD_IO, "%s: exists and is not a folder", path);
  free(copy);
  return code;
}

bool rd_path_exists(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0;
}

rd_code rd_path_apart(const char *written, const char *read, rd_error *e) {
  struct stat a, b;
  bool same = written && read && stat(written, &a) == 0 && stat(read, &b) == 0 &&
              S_ISREG(a.st_mode) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
  return same
           ? rd_fail(e, RD_USAGE,
                     "%s is read, and would be written over: name another file to write", written)
           : RD_OK;
}

bool rd_path_is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

rd_path rd_path_in(const char *folder, const char *name) {
  rd_path out;
  size_t n = strlen(folder);
  snprintf(out.text, sizeof out.text, "%s%s%s", folder, n > 0 && folder[n - 1] == '/' ? "" : "/",
           name);
  return out;
}

char *rd_path_join(const char *folder, const char *name) {
  const rd_path path = rd_path_in(folder, name);
  return strdup(path.text);
}

rd_cursor rd_cursor_of(const void *data, size_t size) {
  const unsigned char *p = data;
  return (rd_cursor){.start = p, .at = p, .end = p + size, .failed = false};
}

const unsigned char *rd_cursor_bytes(rd_cursor *c, uint64_t size) {
  if (c->failed || size > (uint64_t)(c->end - c->at)) {
    c->failed = true;
    return NULL;
  }
  const unsigned char *p = c->at;
  c->at += size;
  return p;
}

static uint64_t little_endian(rd_cursor *c, unsigned bytes) {
  const unsigned char *p = rd_cursor_bytes(c, bytes);
  uint64_t value = 0;
  for (unsigned i = 0; p && i < bytes; i++)
    value |= (uint64_t)p[i] << (8 * i);
  return value;
}

uint8_t rd_cursor_u8(rd_cursor *c) {
  return (uint8_t)little_endian(c, 1);
}
uint16_t rd_cursor_u16(rd_cursor *c) {
  return (uint16_t)little_endian(c, 2);
}
uint32_t rd_cursor_u32(rd_cursor *c) {
  return (uint32_t)little_endian(c, 4);
}
uint64_t rd_cursor_u64(rd_cursor *c) {
  return little_endian(c, 8);
}
