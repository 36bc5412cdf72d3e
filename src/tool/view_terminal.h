/* SPDX-License-Identifier: MIT */
/* A terminal that a picture is redrawn in, and its keys. One at a time in a process, because
 * signals must be able to give it back: the cursor and the line mode are restored when it is
 * closed, when the program is stopped with Ctrl-Z, and when it crashes. */
#ifndef RD_VIEW_TERMINAL_H
#define RD_VIEW_TERMINAL_H

#include "error.h"

enum {
  RD_KEY_NONE = 0,     /* the time is over */
  RD_KEY_RESIZED = -1, /* paint again */
  RD_KEY_SIGNAL = -2,  /* rd_interrupt_seen says which */
  RD_KEY_CLOSED = -3,  /* no more keys will come */
  RD_KEY_LEFT = 0x101, /* below 0x100: the byte of the key */
  RD_KEY_RIGHT,
  RD_KEY_HOME,
  RD_KEY_END,
};

/* Can pictures be redrawn on `fd`: a terminal, TERM set and not "dumb"? */
bool rd_terminal_able(int fd);
/* The same, and do colours fit: is NO_COLOR not set, or empty? */
bool rd_terminal_coloured(int fd);
/* Take standard output. `keys`: read single keys, from the terminal that the user sits at. */
rd_code rd_terminal_open(bool keys, rd_error *e);
/* Columns and lines now. */
void rd_terminal_size(int *width, int *height);
/* Replace what is shown by these lines, at most as high and wide as the terminal. */
void rd_terminal_show(const char *painted);
/* Replace what is shown by text that stays, and a line end; nothing where it is empty. */
void rd_terminal_leave(const char *text);
/* The next key; waits at most `seconds`, for ever when negative. */
int rd_terminal_key(double seconds);
/* Give it back; harmless when none is open. What is shown stays. */
void rd_terminal_close(void);

#endif
