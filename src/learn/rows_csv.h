/* SPDX-License-Identifier: MIT */
/* Tables as text (RFC 4180): a header that names the columns, then a record each. A field in double
 * quotes may hold separators, line ends, and quotes written twice. */
#ifndef RD_ROWS_CSV_H
#define RD_ROWS_CSV_H

#include "json.h"

/* Is given a record as {"column": "text", ..}, borrowed, and the line that it starts in; or, of a
 * record that is none, what is wrong with it. Anything but RD_OK ends the reading. */
typedef rd_code rd_csv_sink(void *context, json_t *row, size_t line, const rd_error *bad,
                            rd_error *e);

/* Is another record wanted? */
typedef bool rd_csv_more(const void *context);

/* Give every record behind the header to `sink`, as long as `more` says so. `separators` are the
 * bytes that may stand between columns: the first of them that the header holds does. Blank
 * lines are passed over. RD_BAD_INPUT: no header; a column named twice; a quote that is not closed.
 */
rd_code rd_csv_each(const char *text, size_t size, const char *separators, rd_csv_more *more,
                    rd_csv_sink *sink, void *context, rd_error *e);

#endif
