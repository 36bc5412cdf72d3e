/* SPDX-License-Identifier: MIT */
/* dlopen and dlsym. POSIX has pointers to functions and to data of one size, so that a struct of
 * pointers to functions is filled as an array of addresses. */
#include "late.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static rd_code find(const rd_late *l, void *library, rd_error *e) {
  for (size_t i = 0; l->names[i]; i++) {
    void *function = dlsym(library, l->names[i]);
    if (!function)
      return rd_fail(e, RD_UNSUPPORTED, "%s needs %s, which has no function %s: it is too old",
                     l->purpose, l->file, l->names[i]);
    memcpy((char *)l->functions + i * sizeof function, &function, sizeof function);
  }
  return RD_OK;
}

rd_code rd_late_open(rd_late *l, rd_error *e) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  void *library = l->open ? NULL : dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
  rd_code code = RD_OK;
  if (library)
    code = find(l, library, e);
  else if (!l->open)
    code = rd_fail(e, RD_UNSUPPORTED, "%s needs %s, of Debian's package %s: %s", l->purpose,
                   l->file, l->package, dlerror());
  l->open = code == RD_OK;
  pthread_mutex_unlock(&lock);
  return code;
}
