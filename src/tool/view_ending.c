/* SPDX-License-Identifier: MIT */
/* The choice of a way to show drafts, and the lines at the end. */
#include "view_ending.h"

#include "view_frame.h"
#include "view_terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

rd_watching rd_watching_choose(bool wanted, bool asked, unsigned *flags) {
  *flags = RD_PAINT_STATUS | (rd_terminal_coloured(STDOUT_FILENO) ? RD_PAINT_COLOUR : 0);
  if (!wanted)
    return RD_WATCH_NOT;
  if (rd_terminal_able(STDOUT_FILENO) && tcgetpgrp(STDOUT_FILENO) == getpgrp())
    return RD_WATCH_REDRAW; /* in the background a terminal stops who changes it */
  return asked ? RD_WATCH_LINES : RD_WATCH_NOT;
}

void rd_ending_text(const char *text) {
  int width, height;
  rd_terminal_size(&width, &height);
  char *painted = isatty(STDOUT_FILENO) ? rd_text_paint(text, width) : NULL;
  puts(painted ? painted : text);
  fflush(stdout);
  free(painted);
}

void rd_ending_warn(const char *warning) {
  bool colour = rd_terminal_coloured(STDERR_FILENO);
  if (warning && *warning)
    fprintf(stderr, colour ? "\x1b[31mwarning: %s\x1b[0m\n" : "warning: %s\n", warning);
}

void rd_ending_summary(const rd_event *done, const uint64_t *seed, int64_t most) {
  double each = done->iteration ? (double)done->count / (double)done->iteration : 0;
  fprintf(stderr, "%lld tokens, %lld iterations, %.1f tokens per iteration, %.2f seconds, %s",
          (long long)done->count, (long long)done->iteration, each, done->seconds, done->stopped);
  if (most > 0 && done->count >= most)
    fprintf(stderr, ", up to --tokens %lld", (long long)most);
  if (done->drafted > 0)
    fprintf(stderr, ", %lld of %lld drafted words accepted", (long long)done->accepted,
            (long long)done->drafted);
  if (seed)
    fprintf(stderr, ", seed %" PRIu64, *seed);
  fputc('\n', stderr);
}
