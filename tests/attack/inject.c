/* SPDX-License-Identifier: MIT */
/* Loaded before the C library (LD_PRELOAD), makes one call of a program go wrong:
 *   RD_INJECT=kill:N    the process is killed before its N-th operation on files
 *   RD_INJECT=fail:N    that operation fails: no space is left
 *   RD_INJECT=memory:N  its N-th allocation fails, where the program or libjansson asked
 *   RD_INJECT=short:1   of every three reads, writes and fsyncs one is interrupted and one is short
 * With RD_INJECT_COUNT=FILE what would have been counted is written there, at the end. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static enum mode { OFF, KILL, FAIL, MEMORY, SHORT } mode;
static long long at;
static atomic_llong files, allocations, calls;
static struct { uintptr_t begin, end; } own[8];
static size_t own_count;

static int find_own(struct dl_phdr_info *info, size_t size, void *first) {
  (void)size;
  if (*(int *)first || strstr(info->dlpi_name, "libjansson"))
    for (int i = 0; i < info->dlpi_phnum && own_count < sizeof own / sizeof *own; i++)
      if (info->dlpi_phdr[i].p_type == PT_LOAD && (info->dlpi_phdr[i].p_flags & PF_X)) {
        own[own_count].begin = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        own[own_count].end = own[own_count].begin + info->dlpi_phdr[i].p_memsz;
        own_count++;
      }
  *(int *)first = 0;
  return 0;
}

__attribute__((constructor)) static void begin(void) {
  static const char *const names[] = {"off", "kill", "fail", "memory", "short"};
  const char *text = getenv("RD_INJECT"), *colon = text ? strchr(text, ':') : NULL;
  int first = 1;
  dl_iterate_phdr(find_own, &first);
  for (size_t i = 0; colon && i < sizeof names / sizeof *names; i++)
    if (strncmp(text, names[i], (size_t)(colon - text)) == 0)
      mode = (enum mode)i;
  at = colon ? atoll(colon + 1) : 0;
}

__attribute__((destructor)) static void report(void) {
  const char *path = getenv("RD_INJECT_COUNT");
  char text[80];
  int n = snprintf(text, sizeof text, "%lld %lld\n", (long long)files, (long long)allocations);
  long fd = path ? syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0666) : -1;
  if (fd >= 0)
    syscall(SYS_write, fd, text, (size_t)n);
}

/* Is this operation on files the one that fails? */
static int struck(void) {
  long long n = ++files;
  if (n != at || (mode != KILL && mode != FAIL))
    return 0;
  if (mode == KILL)
    raise(SIGKILL);
  errno = ENOSPC;
  return 1;
}

static int starved(const void *caller) {
  uintptr_t p = (uintptr_t)caller;
  for (size_t i = 0; i < own_count; i++)
    if (p >= own[i].begin && p < own[i].end)
      return ++allocations == at && mode == MEMORY;
  return 0;
}

/* 0: interrupt, 1: half, 2: all. */
static int turn(void) {
  return mode == SHORT ? (int)(++calls % 3) : 2;
}

/* --- memory ------------------------------------------------------------------------------------
 */

#define CALLER __builtin_return_address(0)

EXPORT void *malloc(size_t size) {
  return starved(CALLER) ? NULL : __libc_malloc(size);
}

EXPORT void *calloc(size_t count, size_t size) {
  return starved(CALLER) ? NULL : __libc_calloc(count, size);
}

EXPORT void *realloc(void *old, size_t size) {
  return starved(CALLER) ? NULL : __libc_realloc(old, size);
}

EXPORT void *aligned_alloc(size_t alignment, size_t size) {
  return starved(CALLER) ? NULL : __libc_memalign(alignment, size);
}

/* --- files -------------------------------------------------------------------------------------
 */

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

EXPORT int open(const char *path, int flags, ...) {
  va_list args;
  va_start(args, flags);
  mode_t bits = flags & O_CREAT ? va_arg(args, mode_t) : 0;
  va_end(args);
  if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && struck())
    return -1;
  return NEXT(open)(path, flags, bits);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t size) {
  int how = turn();
  if (fd > STDERR_FILENO && struck())
    return -1;
  if (how == 0) {
    errno = EINTR;
    return -1;
  }
  return NEXT(write)(fd, bytes, how == 1 && size > 1 ? size / 2 : size);
}

EXPORT ssize_t read(int fd, void *bytes, size_t size) {
  int how = turn();
  if (how == 0) {
    errno = EINTR;
    return -1;
  }
  return NEXT(read)(fd, bytes, how == 1 && size > 1 ? size / 2 : size);
}

EXPORT ssize_t pread(int fd, void *bytes, size_t size, off_t from) {
  int how = turn();
  if (how == 0) {
    errno = EINTR;
    return -1;
  }
  return NEXT(pread)(fd, bytes, how == 1 && size > 1 ? size / 2 : size, from);
}

EXPORT int fsync(int fd) {
  int how = turn();
  if (struck())
    return -1;
  if (how == 0) {
    errno = EINTR;
    return -1;
  }
  return NEXT(fsync)(fd);
}

EXPORT int rename(const char *from, const char *to) {
  return struck() ? -1 : NEXT(rename)(from, to);
}

EXPORT int renameat(int a, const char *from, int b, const char *to) {
  return struck() ? -1 : NEXT(renameat)(a, from, b, to);
}

EXPORT int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
  return struck() ? -1 : NEXT(renameat2)(a, from, b, to, flags);
}

EXPORT int link(const char *from, const char *to) {
  return struck() ? -1 : NEXT(link)(from, to);
}

EXPORT int unlink(const char *path) {
  return struck() ? -1 : NEXT(unlink)(path);
}

EXPORT int unlinkat(int folder, const char *path, int flags) {
  return struck() ? -1 : NEXT(unlinkat)(folder, path, flags);
}

EXPORT int mkdir(const char *path, mode_t bits) {
  return struck() ? -1 : NEXT(mkdir)(path, bits);
}

EXPORT int rmdir(const char *path) {
  return struck() ? -1 : NEXT(rmdir)(path);
}

EXPORT int ftruncate(int fd, off_t size) {
  return struck() ? -1 : NEXT(ftruncate)(fd, size);
}

EXPORT int flock(int fd, int how) {
  return struck() ? -1 : NEXT(flock)(fd, how);
}

EXPORT size_t fwrite(const void *bytes, size_t size, size_t count, FILE *file) {
  return file != stdout && file != stderr && struck() ? 0 : NEXT(fwrite)(bytes, size, count, file);
}
