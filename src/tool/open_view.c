/* SPDX-License-Identifier: MIT */
#include "open_view.h"

#include <stdio.h>
#include <unistd.h>

enum {
  WORTH = 64000000, /* bytes: less is made in a blink */
  WIDTH = 24        /* of the bar */
};

void rd_open_view_made(void *context, size_t done, size_t of) {
  rd_open_view *v = context;
  static const char bar[] = "========================";
  const int percent = of > 0 ? (int)((double)done / (double)of * 100) : 100;
  if (v->quiet || of < WORTH || percent == v->shown || !isatty(STDERR_FILENO))
    return;
  v->shown = percent;
  fprintf(stderr, "\r%s [%-*.*s] %d%% of %.0f MB\x1b[K", v->name, WIDTH, percent * WIDTH / 100, bar,
          percent, (double)of / 1e6);
}

void rd_open_view_end(const rd_open_view *v) {
  if (v->shown > 0)
    fputs("\r\x1b[K", stderr);
}
