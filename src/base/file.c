/* SPDX-License-Identifier: MIT */
/* Mapping, atomic replacement and the bounded cursor. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

rd_code rd_map_open(rd_map *map, const char *path, rd_error *e) {
  *map = (rd_map){.data = (const unsigned char *)"", .size = 0};
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return rd_fail(e, RD_IO, "%s: cannot open: %s", path, strerror(errno));
  struct stat st;
  rd_code code = RD_OK;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    code = rd_fail(e, RD_IO, "%s: not a regular file", path);
  } else if (st.st_size > 0) {
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
      code = rd_fail(e, RD_IO, "%s: cannot map: %s", path, strerror(errno));
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

static bool write_all(int fd, const unsigned char *data, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, data, size < (1u << 30) ? size : (1u << 30));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    data += n;
    size -= (size_t)n;
  }
  return true;
}

static void sync_folder_of(const char *path) {
  char *copy = strdup(path);
  if (!copy)
    return;
  int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    fsync(fd);
    close(fd);
  }
  free(copy);
}

rd_code rd_file_write(const char *path, const rd_file_piece *pieces, size_t count, rd_error *e) {
  char *part = rd_print("%s.part", path);
  if (!part)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the name of %s", path);
  rd_code code = RD_OK;
  int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool fine = fd >= 0;
  for (size_t i = 0; fine && i < count; i++)
    fine = write_all(fd, pieces[i].data, pieces[i].size);
  fine = fine && fsync(fd) == 0;
  int saved = errno;
  if (fd >= 0 && close(fd) != 0 && fine) {
    fine = false;
    saved = errno;
  }
  if (fine && rename(part, path) != 0) {
    fine = false;
    saved = errno;
  }
  if (fine) {
    sync_folder_of(path);
  } else {
    unlink(part);
    code = rd_fail(e, RD_IO, "%s: cannot write: %s; nothing was replaced", path, strerror(saved));
  }
  free(part);
  return code;
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
  char *path = rd_path_join(folder, name);
  const rd_file_piece part = {text, text ? strlen(text) : 0};
  rd_code code = path && text ? rd_file_write(path, &part, 1, e)
                              : rd_fail(e, RD_NO_MEMORY, "out of memory: writing %s", name);
  free(path);
  return code;
}

rd_code rd_folder_make(const char *path, rd_error *e) {
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
  return access(path, F_OK) == 0;
}

bool rd_path_is_folder(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

char *rd_path_join(const char *folder, const char *name) {
  size_t n = strlen(folder);
  return rd_print("%s%s%s", folder, n > 0 && folder[n - 1] == '/' ? "" : "/", name);
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
