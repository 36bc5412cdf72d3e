/* SPDX-License-Identifier: MIT */
/* Files that are replaced whole or not at all: written aside under a name of their own, synced,
 * renamed. What cannot be replaced, because it is no regular file, is written to. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool rd_sync(int fd) {
  int failed;
  do
    failed = fsync(fd);
  while (failed && errno == EINTR);
  return !failed || errno == EINVAL || errno == ENOTSUP; /* a pipe, or a system without fsync */
}

rd_code rd_folder_sync(const char *path, rd_error *e) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && errno == EACCES)
    return RD_OK; /* one may write there, and not look */
  bool fine = fd >= 0 && rd_sync(fd);
  int saved = errno;
  if (fd >= 0)
    close(fd);
  return fine ? RD_OK : rd_fail(e, RD_IO, "%s: cannot sync the folder: %s", path, strerror(saved));
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

/* All pieces into an open file, and to disk. Closes it in any case; errno says what went wrong. */
static bool fill(int fd, const rd_file_piece *pieces, size_t count) {
  bool fine = true;
  for (size_t i = 0; fine && i < count; i++)
    fine = write_all(fd, pieces[i].data, pieces[i].size);
  fine = fine && rd_sync(fd);
  int saved = errno;
  if (close(fd) != 0 && fine)
    return false;
  errno = saved;
  return fine;
}

/* What stands where a file is to be written. */
typedef struct place {
  char *path; /* of what is to be replaced: behind a link, its target */
  struct stat st;
  bool old, special; /* there is a regular file; there is something else */
} place;

static rd_code find_place(place *p, const char *path, rd_error *e) {
  bool link = lstat(path, &p->st) == 0 && S_ISLNK(p->st.st_mode);
  bool there = stat(path, &p->st) == 0;
  if (link && !there)
    return rd_fail(e, RD_IO, "%s: cannot write: a link that leads nowhere", path);
  p->old = there && S_ISREG(p->st.st_mode);
  p->special = there && !p->old;
  if (there && S_ISDIR(p->st.st_mode))
    return rd_fail(e, RD_IO, "%s: cannot write: there is a folder", path);
  p->path = link && p->old ? realpath(path, NULL) : strdup(path);
  return p->path ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: the name of %s", path);
}

/* A new file beside the place, under a name that nobody else has. */
static int open_part(const place *p, char **part) {
  enum { MOST_NAMES = 1000 };
  static atomic_uint used;
  int fd = -1;
  for (int i = 0; fd < 0 && i < MOST_NAMES; i++) {
    free(*part);
    *part = rd_print("%s.%ld-%u.part", p->path, (long)getpid(), atomic_fetch_add(&used, 1));
    if (!*part) {
      errno = ENOMEM;
      return -1;
    }
    fd = open(*part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, p->old ? 0600 : 0666);
    if (fd < 0 && errno != EEXIST)
      return -1;
  }
  return fd;
}

/* Owner and mode of the older file; a foreign owner is kept where that is allowed. */
static bool keep_mode(int fd, const place *p) {
  struct stat st;
  if (!p->old || fstat(fd, &st) != 0)
    return !p->old;
  bool foreign = st.st_uid != p->st.st_uid || st.st_gid != p->st.st_gid;
  if (foreign && fchown(fd, p->st.st_uid, p->st.st_gid) != 0 && errno != EPERM)
    return false;
  return fchmod(fd, p->st.st_mode & 0777) == 0;
}

static rd_code replace(const place *p, const rd_file_piece *pieces, size_t count, rd_error *e) {
  char *part = NULL;
  int fd = open_part(p, &part);
  bool made = fd >= 0, fine = made && keep_mode(fd, p);
  int saved = errno;
  if (made && !fine)
    close(fd);
  if (fine) {
    fine = fill(fd, pieces, count) && rename(part, p->path) == 0;
    saved = errno;
  }
  if (made && !fine)
    unlink(part);
  rd_code code = RD_OK;
  if (!fine)
    code = rd_fail(e, part ? RD_IO : RD_NO_MEMORY, "%s: cannot write: %s; nothing was replaced",
                   p->path, strerror(saved));
  free(part);
  return code;
}

static rd_code write_through(const char *path, const rd_file_piece *pieces, size_t count,
                             rd_error *e) {
  int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (fd >= 0 && fill(fd, pieces, count))
    return RD_OK;
  return rd_fail(e, RD_IO, "%s: cannot write: %s", path, strerror(errno));
}

rd_code rd_file_write(const char *path, const rd_file_piece *pieces, size_t count, rd_error *e) {
  place p = {0};
  rd_code code = find_place(&p, path, e);
  if (code == RD_OK)
    code = p.special ? write_through(path, pieces, count, e) : replace(&p, pieces, count, e);
  if (code == RD_OK && !p.special)
    code = rd_folder_sync(dirname(p.path), e);
  free(p.path);
  return code;
}
