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

/* What stands where a file is to be written. */
typedef struct place {
  struct stat st;
  bool old, special; /* there is a regular file; there is something to write to as it stands */
  int own;           /* of that, what of this process's own output it is, or -1 */
} place;

/* Standard output may be a file too, by its name or as /dev/stdout: the place in it is shared. */
static int own_output(const struct stat *st) {
  for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
    struct stat own;
    if (fstat(fd, &own) == 0 && own.st_dev == st->st_dev && own.st_ino == st->st_ino)
      return fd;
  }
  return -1;
}

bool rd_file_streams(const char *path) {
  struct stat st;
  return stat(path, &st) == 0 && !S_ISDIR(st.st_mode) &&
         (!S_ISREG(st.st_mode) || own_output(&st) >= 0);
}

/* *behind: what is to be replaced, which behind a link is its target; a new string. */
static rd_code find_place(place *p, char **behind, const char *path, rd_error *e) {
  bool link = lstat(path, &p->st) == 0 && S_ISLNK(p->st.st_mode);
  bool there = stat(path, &p->st) == 0;
  if (link && !there)
    return rd_fail(e, RD_IO, "%s: cannot write: a link that leads nowhere", path);
  if (there && S_ISDIR(p->st.st_mode))
    return rd_fail(e, RD_IO, "%s: cannot write: there is a folder", path);
  p->own = there ? own_output(&p->st) : -1;
  p->old = there && S_ISREG(p->st.st_mode) && p->own < 0;
  p->special = there && !p->old;
  *behind = link && p->old ? realpath(path, NULL) : strdup(path);
  return *behind ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: the name of %s", path);
}

/* A new file beside the place, under a name that nobody else has. */
static int open_part(const place *p, const char *path, char **part) {
  enum { MOST_NAMES = 1000 };
  static atomic_uint used;
  int fd = -1;
  for (int i = 0; fd < 0 && i < MOST_NAMES; i++) {
    free(*part);
    *part = rd_print("%s.%ld-%u.part", path, (long)getpid(), atomic_fetch_add(&used, 1));
    if (!*part) {
      errno = ENOMEM;
      return -1;
    }
    fd = open(*part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, p->old ? 0600 : 0666);
    if (fd < 0 && errno != EEXIST)
      break;
  }
  if (fd < 0) { /* none of them is ours */
    int saved = errno;
    free(*part);
    *part = NULL;
    errno = saved;
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

/* What the system said. */
static rd_code cannot_write(const rd_file_aside *f, bool replaces, rd_error *e) {
  return rd_fail(e, errno == ENOMEM ? RD_NO_MEMORY : RD_IO, "%s: cannot write: %s%s", f->path,
                 strerror(errno), replaces ? "; nothing was replaced" : "");
}

static rd_code give_up(rd_file_aside *f, rd_code code) {
  rd_file_abandon(f);
  return code;
}

rd_code rd_file_begin(rd_file_aside *f, const char *path, rd_error *e) {
  place p = {0};
  *f = (rd_file_aside){.fd = -1};
  RD_TRY(find_place(&p, &f->path, path, e));
  if (!p.special)
    f->fd = open_part(&p, f->path, &f->part);
  else if (p.own >= 0)
    f->fd = fcntl(p.own, F_DUPFD_CLOEXEC, 0);
  else
    f->fd = open(f->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
  return f->fd >= 0 && keep_mode(f->fd, &p) ? RD_OK : give_up(f, cannot_write(f, !p.special, e));
}

rd_code rd_file_add(rd_file_aside *f, const rd_file_piece *pieces, size_t count, rd_error *e) {
  for (size_t i = 0; i < count; i++)
    if (!write_all(f->fd, pieces[i].data, pieces[i].size))
      return cannot_write(f, f->part != NULL, e);
  return RD_OK;
}

/* To disk, and closed in any case; errno says what went wrong. */
static bool close_synced(rd_file_aside *f) {
  bool fine = rd_sync(f->fd);
  int saved = errno;
  if (close(f->fd) != 0 && fine) {
    fine = false;
    saved = errno;
  }
  f->fd = -1;
  errno = saved;
  return fine;
}

rd_code rd_file_commit(rd_file_aside *f, rd_error *e) {
  bool aside = f->part != NULL;
  if (!close_synced(f) || (aside && rename(f->part, f->path) != 0))
    return give_up(f, cannot_write(f, aside, e));
  rd_code code = aside ? rd_folder_sync(dirname(f->path), e) : RD_OK;
  rd_file_leave(f);
  return code;
}

void rd_file_leave(rd_file_aside *f) {
  if (f->path && f->fd >= 0)
    close(f->fd);
  free(f->part);
  free(f->path);
  *f = (rd_file_aside){.fd = -1};
}

void rd_file_abandon(rd_file_aside *f) {
  if (f->part)
    unlink(f->part);
  rd_file_leave(f);
}

rd_code rd_file_write(const char *path, const rd_file_piece *pieces, size_t count, rd_error *e) {
  rd_file_aside f;
  RD_TRY(rd_file_begin(&f, path, e));
  rd_code code = rd_file_add(&f, pieces, count, e);
  return code == RD_OK ? rd_file_commit(&f, e) : give_up(&f, code);
}

rd_code rd_file_draw(const char *path, rd_file_drawer *draw, const void *context, rd_error *e) {
  char *text = NULL;
  size_t size = 0;
  FILE *memory = open_memstream(&text, &size);
  rd_code code = memory ? draw(context, memory, e) : RD_OK;
  if ((!memory || fclose(memory) != 0) && code == RD_OK)
    code = rd_fail(e, RD_NO_MEMORY, "out of memory: %s", path);
  if (code == RD_OK)
    code = rd_file_write(path, &(rd_file_piece){text, size}, 1, e);
  free(text);
  return code;
}
