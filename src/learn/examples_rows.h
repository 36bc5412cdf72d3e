/* SPDX-License-Identifier: MIT */
/* Between the two halves of reading examples: files and rows on one side, the pool on the other. */
#ifndef RD_EXAMPLES_ROWS_H
#define RD_EXAMPLES_ROWS_H

#include "examples.h"

/* Read one file into x->list and rd_examples_take_row. */
rd_code rd_examples_read_file(rd_examples *x, const rd_read_rules *rules,
                              const rd_text_coder *coder, rd_file_report *report, float weight,
                              rd_error *e);
/* Make an example of the ids from x->list[begin] to its end, of which the first `prompt` are the
 * prompt (0: a plain document). */
rd_code rd_examples_take_row(rd_examples *x, const rd_read_rules *rules, const rd_text_coder *coder,
                             rd_file_report *report, float weight, size_t begin, int64_t prompt,
                             rd_error *e);

#endif
