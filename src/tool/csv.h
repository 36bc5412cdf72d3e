/* SPDX-License-Identifier: MIT */
/* Findings as a table in a file, which grows by a line each. */
#ifndef RD_CSV_H
#define RD_CSV_H

#include "file.h"
#include "json.h"

/* A table that is open; zeroed: none. */
typedef struct rd_csv {
  const char *path;     /* borrowed */
  FILE *file;           /* grows at its end, or */
  rd_file_aside stream; /* takes lines as they come, and cannot be read */
  bool made, headed;
} rd_csv;

/* Open a table for lines at its end; made where there is none. Unless `key` is NULL one that has
 * lines must begin with a column `key`, and its first line have `value` there, so that what cannot
 * be added is said before the work: RD_USAGE. RD_IO. Close in any case. */
rd_code rd_csv_open(rd_csv *c, const char *path, const char *key, const char *value, rd_error *e);
/* RD_USAGE: its first line names other columns than this object's keys. */
rd_code rd_csv_fits(const rd_csv *c, const json_t *row, rd_error *e);
/* Add an object's values, behind a line of its keys where the table is new or empty. RD_USAGE: its
 * first line names other columns. RD_IO: the table is as it was. */
rd_code rd_csv_append(rd_csv *c, const json_t *row, rd_error *e);
/* A table that was made and got no line is no file. */
void rd_csv_close(rd_csv *c);

#endif
