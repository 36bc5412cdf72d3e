/* SPDX-License-Identifier: MIT */
/* Temporary folders, for the tests of every layer that damage or write files. */
#ifndef SCRATCH_FILES_H
#define SCRATCH_FILES_H

#include "file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define GOLDEN RD_SOURCE_DIR "/tests/golden/"

/* "folder/name" in a static ring of buffers. */
static inline const char *in(const char *folder, const char *name) {
  static char rings[8][600];
  static int next;
  char *out = rings[next++ % 8];
  snprintf(out, sizeof rings[0], "%s/%s", folder, name);
  return out;
}

static inline void temporary(char *out, size_t size) {
  snprintf(out, size, "/tmp/redraft-test-XXXXXX");
  assert_non_null(mkdtemp(out));
}

static inline void write_bytes(const char *path, const void *data, size_t size) {
  rd_error e = {0};
  rd_file_piece part = {data, size};
  if (rd_file_write(path, &part, 1, &e) != RD_OK)
    fail_msg("%s", e.message);
}

/* Copy a file as it is. */
static inline void copy_file(const char *from, const char *to) {
  rd_map map;
  rd_error e = {0};
  if (rd_map_open(&map, from, &e) != RD_OK)
    fail_msg("%s", e.message);
  write_bytes(to, map.data, map.size);
  rd_map_close(&map);
}

/* Remove files and the folder. */
static inline void sweep(const char *folder, const char *const *files, size_t count) {
  for (size_t i = 0; i < count; i++)
    unlink(in(folder, files[i]));
  assert_int_equal(rmdir(folder), 0);
}

#endif
