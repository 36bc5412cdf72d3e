/* SPDX-License-Identifier: MIT */
/* The library for cards, found and opened at run time: one program serves machines with a card and
 * without, and needs nothing of CUDA to be built. */
#include "device.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LIBRARY "libredraft-cuda.so"

/* Where it lies, seen from the program: where it was built, or installed. */
static const char *const places[] = {
    LIBRARY,
    "../lib/redraft/" LIBRARY,
    "../lib/x86_64-linux-gnu/redraft/" LIBRARY,
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static rd_device_opener *opener; /* NULL: there is no library */
static rd_error missing;         /* and why */
static bool card;
static rd_device_ask ask = {RD_DEVICE_VERSION, 0};

void rd_device_card_number(int number) {
  ask.number = number;
}

static void *open_beside(void) {
  char program[PATH_MAX], path[PATH_MAX + 64];
  void *library = NULL;
  const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
  program[n > 0 ? n : 0] = '\0';
  const char *folder = dirname(program);
  for (size_t i = 0; !library && i < sizeof places / sizeof *places; i++) {
    snprintf(path, sizeof path, "%s/%s", folder, places[i]);
    if (access(path, R_OK) == 0)
      library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  }
  return library ? library : dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
}

/* The library stays open: what CUDA starts in a process ends with it. */
static void look(void) {
  const char *named = getenv("REDRAFT_CUDA");
  void *library = named ? dlopen(named, RTLD_NOW | RTLD_LOCAL) : open_beside();
  const char *why = library ? NULL : dlerror();
  void *symbol = library ? dlsym(library, RD_DEVICE_SYMBOL) : NULL;
  if (!symbol) {
    rd_fail(&missing, RD_UNSUPPORTED,
            "no engine cuda: %s (make CUDA=1 builds the library; $REDRAFT_CUDA names it)",
            why ? why : "it is another library");
    return;
  }
  memcpy(&opener, &symbol, sizeof opener);
  rd_device *d = NULL;
  card = opener(&d, &ask, &missing) == RD_OK;
  rd_device_close(&d);
}

bool rd_device_has_card(void) {
  pthread_once(&once, look);
  return card;
}

rd_code rd_device_card(rd_device **out, rd_error *e) {
  *out = NULL;
  if (!rd_device_has_card()) {
    if (e)
      *e = missing;
    return RD_UNSUPPORTED;
  }
  return opener(out, &ask, e);
}
