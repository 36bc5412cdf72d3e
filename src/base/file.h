/* SPDX-License-Identifier: MIT */
/* Files: mapped for reading, replaced whole when written, and read through a bounded cursor. */
#ifndef RD_FILE_H
#define RD_FILE_H

#include "error.h"

#include <stdio.h>

/* A read-only mapping. Empty files map to data = "" and size 0. */
typedef struct rd_map {
  const unsigned char *data;
  size_t size;
} rd_map;

/* Map `path`, a regular file; errors name the path and say what the system said. */
rd_code rd_map_open(rd_map *map, const char *path, rd_error *e);
void rd_map_close(rd_map *map);
/* Of what lies at `from` in the mapping: have the system read it meanwhile; or, when it was read
 * for the last time but for rare looks, take it out of this process's memory (the system may keep
 * it). What does not lie in the mapping is left alone. */
void rd_map_fetch(const rd_map *map, const void *from, size_t size);
void rd_map_let_go(const rd_map *map, const void *from, size_t size);

/* Bytes to be written, one piece after another. */
typedef struct rd_file_piece {
  const void *data;
  size_t size;
} rd_file_piece;

/* A file on its way to `path`: written aside, as path.PID-N.part, a name that is nobody else's, and
 * put in its place when it is whole, so that a kill, a full disk or a failure leaves the old file
 * or the new one, never half of one. An older file's mode is kept; behind a link its target is
 * replaced; what is no regular file (a device, a FIFO), or is this process's own standard output,
 * is written to as it stands. */
typedef struct rd_file_aside {
  char *path; /* NULL: none was begun */
  char *part; /* NULL: written to as it stands */
  int fd;
} rd_file_aside;

rd_code rd_file_begin(rd_file_aside *f, const char *path, rd_error *e);
/* Where it fails, something of it may be there: only to be abandoned, or left. */
rd_code rd_file_add(rd_file_aside *f, const rd_file_piece *pieces, size_t count, rd_error *e);
/* fsync, rename over the path, fsync the folder; where that fails, as rd_file_abandon. */
rd_code rd_file_commit(rd_file_aside *f, rd_error *e);
/* Take away what was written; or leave it aside. Either may follow anything, commit too. */
void rd_file_abandon(rd_file_aside *f);
void rd_file_leave(rd_file_aside *f);
/* Is what stands at the path written to as it stands? */
bool rd_file_streams(const char *path);
/* Begin, add, commit. */
rd_code rd_file_write(const char *path, const rd_file_piece *pieces, size_t count, rd_error *e);
/* What `draw` puts into a stream, written so once it is whole. */
typedef rd_code rd_file_drawer(const void *context, FILE *out, rd_error *e);
rd_code rd_file_draw(const char *path, rd_file_drawer *draw, const void *context, rd_error *e);
/* The whole of `path` as a string with a closing NUL, freed by the caller; `size` may be NULL.
 * Files over `limit` bytes are refused. */
rd_code rd_file_read(const char *path, size_t limit, char **text, size_t *size, rd_error *e);
/* Write one file's bytes as another, as rd_file_write does. */
rd_code rd_file_copy(const char *from, const char *to, rd_error *e);
/* Text as the file `name` of a folder. NULL is text that ran out of memory. */
rd_code rd_file_put(const char *folder, const char *name, const char *text, rd_error *e);
/* mkdir -p. */
rd_code rd_folder_make(const char *path, rd_error *e);
/* What is to be written must not take the place of what is read: RD_USAGE where both are one file.
 * Either may be NULL, or not be there. */
rd_code rd_path_apart(const char *written, const char *read, rd_error *e);
/* fsync an open file, again after every signal. False: errno says why it is not on disk. */
bool rd_sync(int fd);
/* What happened to the names in a folder is on disk. */
rd_code rd_folder_sync(const char *path, rd_error *e);
/* A link that leads nowhere is there too: opening it says so. */
bool rd_path_exists(const char *path);
bool rd_path_is_folder(const char *path);
/* "folder/name". One that is longer than the system takes is cut, and still too long: it names no
 * file, as the system says when it is opened. */
enum { RD_LONGEST_PATH = 4096 }; /* Linux's, with the NUL */
typedef struct rd_path {
  char text[RD_LONGEST_PATH + 1];
} rd_path;
rd_path rd_path_in(const char *folder, const char *name);
/* The same as a new string, freed by the caller; NULL when memory is out. */
char *rd_path_join(const char *folder, const char *name);

/* A bounded little-endian reader. After the first read past the end `failed` is set, every read
 * gives zeros, and the position stays: check once at the end of a group of reads. */
typedef struct rd_cursor {
  const unsigned char *start, *at, *end;
  bool failed;
} rd_cursor;

rd_cursor rd_cursor_of(const void *data, size_t size);
/* `size` bytes in place, or NULL (and failed) when fewer are left. */
const unsigned char *rd_cursor_bytes(rd_cursor *c, uint64_t size);
uint8_t rd_cursor_u8(rd_cursor *c);
uint16_t rd_cursor_u16(rd_cursor *c);
uint32_t rd_cursor_u32(rd_cursor *c);
uint64_t rd_cursor_u64(rd_cursor *c);
static inline size_t rd_cursor_left(const rd_cursor *c) {
  return (size_t)(c->end - c->at);
}
static inline size_t rd_cursor_position(const rd_cursor *c) {
  return (size_t)(c->at - c->start);
}

#endif
