/* SPDX-License-Identifier: MIT */
/* Findings as a table in a file, which grows by a line each. */
#ifndef RD_CSV_H
#define RD_CSV_H

#include "json.h"

/* Add an object's values as a line of the file, behind a line of its keys where the file is new or
 * empty. RD_USAGE: its first line names other columns. RD_IO. */
rd_code rd_csv_append(const char *path, const json_t *row, rd_error *e);

#endif
