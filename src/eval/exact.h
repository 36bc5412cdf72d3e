/* SPDX-License-Identifier: MIT */
/* The task `exact`: questions with one right answer, generated and compared after normalising. */
#ifndef RD_EXACT_H
#define RD_EXACT_H

#include "error.h"

/* Called for every row of a JSONL file of {"prompt","answer"} rows. */
typedef struct rd_exact_row {
  const char *prompt, *answer;
} rd_exact_row;

typedef struct rd_exact_rows {
  rd_exact_row *items; /* (count) the strings are owned */
  size_t count;
} rd_exact_rows;

/* Read at most `limit` rows (0: all). RD_BAD_INPUT names file and line of the first bad one. */
rd_code rd_exact_read(rd_exact_rows *rows, const char *path, size_t limit, rd_error *e);
void rd_exact_drop(rd_exact_rows *rows);

typedef struct rd_exact_score {
  size_t rows, right;
  double low, high; /* 95% confidence interval of the share of right ones (Wilson 1927) */
  double tokens, iterations, seconds; /* means over rows */
} rd_exact_score;

/* Ask every question in `session`, whose options are set. `seen` (or NULL) is told each answer; a
 * code other than RD_OK stops. */
typedef rd_code rd_exact_seen(void *context, const rd_exact_row *row, const char *answer,
                              bool right, int64_t iterations);
rd_code rd_exact_run(rd_exact_score *score, rd_session *session, const rd_exact_rows *rows,
                     rd_exact_seen *seen, void *context, rd_error *e);

/* Do two answers say the same? Case, white space and punctuation at the ends of words do not count.
 */
bool rd_exact_same(const char *a, const char *b);
/* The Wilson score interval of `right` of `n` at 95%. */
void rd_wilson_interval(size_t right, size_t n, double *low, double *high);

#endif
