/* SPDX-License-Identifier: MIT */
/* What a model is asked for a row: its prompt, behind as many solved rows as are wanted: as turns
 * of a conversation, or, raw, as one text. */
#ifndef RD_ASKING_H
#define RD_ASKING_H

#include "task.h"

/* Where solved rows come from. */
typedef struct rd_shots {
  const rd_eval *eval;
  const rd_rows *rows; /* of the data */
  rd_rows own;         /* of another file, where one is named */
} rd_shots;

/* Over the rows of the data (borrowed), which passed `check`. To be dropped in any case. */
rd_code rd_shots_open(rd_shots *shots, const rd_eval *eval, const rd_rows *rows,
                      rd_row_check *check, rd_error *e);
void rd_shots_drop(rd_shots *shots);

typedef struct rd_asking {
  rd_message *messages; /* (count) */
  size_t count;
  char *text; /* of the last one, where it is no row's own */
} rd_asking;

/* What to ask for row `i` of the data, whose prompt (borrowed) is this: the first rows that it is
 * not itself stand before it. To be dropped in any case. */
rd_code rd_asking_make(rd_asking *asking, const rd_shots *shots, size_t i, const char *prompt,
                       rd_error *e);
void rd_asking_drop(rd_asking *asking);

#endif
