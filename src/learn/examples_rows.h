/* SPDX-License-Identifier: MIT */
/* Files of training rows: what a row says, whatever its form. */
#ifndef RD_EXAMPLES_ROWS_H
#define RD_EXAMPLES_ROWS_H

#include "rows.h"

#include "redraft.h"

enum { RD_MOST_TURNS = 256 }; /* in one row */

/* A row taken apart: turns, the last of which is an answer; or one text. */
typedef struct rd_parsed_row {
  rd_message turns[RD_MOST_TURNS];
  bool silent[RD_MOST_TURNS]; /* a turn that the row says is not learnt ("weight": 0) */
  size_t count;
  bool avoided;     /* "label": false: an answer that nobody wants */
  bool cut;         /* the last answer breaks off ("finish_reason": "length"): no end follows it */
  const char *text; /* (size) NULL: turns */
  size_t size;
  char *joined; /* what the parser made */
} rd_parsed_row;

typedef rd_code rd_parsed_sink(void *context, const rd_parsed_row *row, rd_error *e);

/* Give every row of a file's content to `sink`, judged by the rules: rows (rd_rows_each) where the
 * name says so, else documents ended by <|endoftext|>. */
rd_code rd_example_rows_read(rd_row_count *count, const char *text, size_t size,
                             const rd_row_rules *rules, rd_parsed_sink *sink, void *context,
                             rd_error *e);

#endif
