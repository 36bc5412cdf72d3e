/* SPDX-License-Identifier: MIT */
/* Tables: const arrays of structs, one row for each thing that a user can choose by name. What they
 * have in common is here: finding a row, and saying what there is when a name is unknown.
 *
 * A row is any struct whose first member is its name (const char *). Hyphens and underscores are
 * alike in names. */
#ifndef RD_TABLE_H
#define RD_TABLE_H

#include "error.h"

typedef struct rd_table {
  const char *what; /* what one row is, for messages: "sampler" */
  const void *rows;
  size_t count, stride; /* rows; bytes from one to the next */
} rd_table;

/* The table over a whole array, as an initialiser. */
#define RD_TABLE(what, array)                                                                      \
  { (what), (array), sizeof(array) / sizeof *(array), sizeof *(array) }

/* The row called `name`, or NULL. */
const void *rd_table_row(const rd_table *table, const char *name);
/* The same; when there is none `e` says "unknown WHAT NAME; there are A, B and C" (RD_USAGE). */
const void *rd_table_find(const rd_table *table, const char *name, rd_error *e);
/* The name of row `index`; NULL after the last. */
const char *rd_table_name(const rd_table *table, size_t index);
/* The name nearest to `name`, for "did you mean"; NULL when none is near. */
const char *rd_table_nearest(const rd_table *table, const char *name);
/* All names in order as a new string, `between` two of them and `last` before the last one; NULL
 * when memory is out. */
char *rd_table_names(const rd_table *table, const char *between, const char *last);

/* Does `name` stand in a list of names, separated by spaces? */
bool rd_name_listed(const char *names, const char *name);
/* Are two names the same, hyphens and underscores alike? */
bool rd_name_same(const char *a, const char *b);

#endif
