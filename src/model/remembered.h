/* SPDX-License-Identifier: MIT */
/* redraft.json: what was chosen when a model or an adapter was trained and its other files do not
 * say. It lies beside them and is read back when they are opened, so that whoever uses them need
 * not choose again. */
#ifndef RD_REMEMBERED_H
#define RD_REMEMBERED_H

#include "error.h"

typedef struct rd_remembered {
  int64_t mask;        /* id of the token that stands for noise; -1: not chosen */
  char *chat_template; /* name of a row, or Jinja text; NULL: not chosen */
} rd_remembered;

/* Take from a folder what it remembers; the rest of *r, which begins as {-1, NULL}, stays. A folder
 * without the file remembers nothing. */
rd_code rd_remembered_read(rd_remembered *r, const char *folder, rd_error *e);
/* Write the file, where there is something to remember. */
rd_code rd_remembered_write(const rd_remembered *r, const char *folder, rd_error *e);
void rd_remembered_drop(rd_remembered *r);

#endif
