/* SPDX-License-Identifier: MIT */
/* How a draft is shown at all, and what stays when it is finished; the same for every command. */
#ifndef RD_VIEW_ENDING_H
#define RD_VIEW_ENDING_H

#include "error.h"

typedef enum rd_watching {
  RD_WATCH_NOT,    /* the final text alone */
  RD_WATCH_LINES,  /* every draft as plain text on standard error */
  RD_WATCH_REDRAW, /* in place on the terminal */
} rd_watching;

/* What fits standard output and the environment: where nothing can be redrawn (no terminal, or
 * TERM=dumb) drafts are shown to a user who asked (`asked`) to watch. `flags` receives the colour
 * for rd_frame_paint, which NO_COLOR takes away. */
rd_watching rd_watching_choose(bool wanted, bool asked, unsigned *flags);
/* The final text on standard output: as it is into files, wrapped and made safe on a terminal. */
void rd_ending_text(const char *text);
/* What to know before trusting the answer, on standard error, in red on a terminal; nothing where
 * it is NULL or empty. */
void rd_ending_warn(const char *warning);
/* Tokens, iterations, tokens per iteration, seconds and why it stopped, on standard error; the seed
 * too where one is given. `most`: the answer's tokens at most, 0 where nobody knows; that it has
 * them all is said. */
void rd_ending_summary(const rd_event *done, const uint64_t *seed, int64_t most);

#endif
