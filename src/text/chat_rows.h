/* SPDX-License-Identifier: MIT */
/* Chat templates by name, for models whose files hold none: the rows of a table. */
#ifndef RD_CHAT_ROWS_H
#define RD_CHAT_ROWS_H

#include "table.h"

typedef struct rd_chat_row {
  const char *name, *help;
  const char *tokens; /* special tokens it needs, separated by spaces */
  const char *jinja;  /* sees add_bos beside what every template sees: the files ask for BOS */
} rd_chat_row;

extern const rd_table rd_chat_template_table;

#endif
