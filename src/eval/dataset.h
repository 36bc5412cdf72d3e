/* SPDX-License-Identifier: MIT */
/* Files of well-known tests, as they are passed on: a row says how the rows of such a file become
 * those that tasks know. */
#ifndef RD_DATASET_H
#define RD_DATASET_H

#include "json.h"
#include "table.h"

typedef struct rd_dataset {
  const char *name, *help;
  const char *ending; /* of the files that are known by their names: ".csv"; NULL: any */
  const char *header; /* as rd_row_rules.header */
  size_t lines;
  rd_code (*mend)(json_t *row, rd_error *e); /* as rd_row_rules.mend */
  bool numbers; /* answers are the same where the last numbers in them are */
} rd_dataset;

extern const rd_table rd_dataset_table;
/* The one that is named; for "auto" that whose name the file's name begins with, and whose ending
 * it has, else the first, which leaves rows as they stand. RD_USAGE lists them. */
rd_code rd_dataset_find(const rd_dataset **out, const char *name, const char *path, rd_error *e);

#endif
