/* SPDX-License-Identifier: MIT */
/* Folders that appear whole or not at all: written aside, synced, renamed. Over an older folder the
 * two names are exchanged in one step where the file system can; else a kill between two renames
 * leaves the older one as PATH.old. */
#include "folder.h"

#include "file.h"
#include "seal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_link(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* Remove a flat folder with its files; what is not there is fine. Of a link the link goes: what it
 * leads to is somebody else's. */
static void remove_folder(const char *path) {
  DIR *folder = is_link(path) ? NULL : opendir(path);
  if (is_link(path))
    unlink(path);
  if (!folder)
    return;
  for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
      unlinkat(dirfd(folder), entry->d_name, 0);
  closedir(folder);
  rmdir(path);
}

rd_code rd_folder_begin(const char *path, char **part, rd_error *e) {
  *part = rd_print("%s.part", path);
  if (!*part)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: the name of %s", path);
  remove_folder(*part);
  return rd_folder_make(*part, e);
}

/* Folders within `from` go over to `to`: whose they are, nobody knows. */
static void move_folders(const char *from, const char *to) {
  DIR *list = opendir(from);
  int target = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (struct dirent *entry; list && target >= 0 && (entry = readdir(list)) != NULL;) {
    struct stat st;
    const char *name = entry->d_name;
    bool self = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
    if (!self && fstatat(dirfd(list), name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
      renameat(dirfd(list), name, target, name);
  }
  if (target >= 0)
    close(target);
  if (list)
    closedir(list);
}

static void remove_older(const char *older, const char *path) {
  if (!is_link(older))
    move_folders(older, path);
  remove_folder(older);
}

/* The finished folder to its place. */
static rd_code put(const char *path, const char *part, const char *old, rd_error *e) {
  remove_folder(old);
  if (renameat2(AT_FDCWD, part, AT_FDCWD, path, RENAME_EXCHANGE) == 0)
    remove_older(part, path);
  else if ((rd_path_exists(path) && rename(path, old) != 0) || rename(part, path) != 0)
    return rd_fail(e, RD_IO, "%s: cannot put the new folder there: %s", path, strerror(errno));
  else
    remove_older(old, path);
  return RD_OK;
}

rd_code rd_folder_commit(const char *path, const char *part, rd_error *e) {
  const rd_path parent = rd_path_in(path, "..");
  char *old = rd_print("%s.old", path);
  rd_code code = old ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", path);
  if (code == RD_OK)
    code = rd_seal_write(part, e);
  if (code == RD_OK && rd_path_is_folder(path))
    code = rd_seal_keep_others(part, path, e);
  if (code == RD_OK)
    code = rd_folder_sync(part, e);
  if (code == RD_OK)
    code = put(path, part, old, e);
  if (code == RD_OK)
    code = rd_folder_sync(parent.text, e);
  free(old);
  return code;
}

void rd_folder_abandon(const char *part) {
  remove_folder(part);
}

/* The number of the process that holds the lock stands in the file. */
static rd_code held_by_another(int fd, const char *path, rd_error *e) {
  char text[24] = {0};
  long long process = pread(fd, text, sizeof text - 1, 0) > 0 ? strtoll(text, NULL, 10) : 0;
  return process > 0 ? rd_fail(e, RD_BUSY, "%s: in use by process %lld", path, process)
                     : rd_fail(e, RD_BUSY, "%s: in use by another process", path);
}

rd_code rd_folder_lock(const char *path, int *lock, rd_error *e) {
  const rd_path name = rd_path_in(path, ".lock");
  int fd = open(name.text, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  rd_code code = RD_OK;
  *lock = 0;
  if (fd < 0)
    code = rd_fail(e, RD_IO, "%s: cannot open: %s", name.text, strerror(errno));
  else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
    code = errno == EWOULDBLOCK
             ? held_by_another(fd, path, e)
             : rd_fail(e, RD_IO, "%s: cannot lock: %s", name.text, strerror(errno));
  else if (ftruncate(fd, 0) != 0 || dprintf(fd, "%lld\n", (long long)getpid()) < 0)
    code = rd_fail(e, RD_IO, "%s: cannot write: %s", name.text, strerror(errno));
  if (code == RD_OK)
    *lock = fd + 1;
  else if (fd >= 0)
    close(fd);
  return code;
}

void rd_folder_unlock(int *lock) {
  if (*lock > 0)
    close(*lock - 1);
  *lock = 0;
}
