/* SPDX-License-Identifier: MIT */
/* Lines that a person types: edited and remembered on a terminal, plain from files and pipes. */
#ifndef RD_LINE_H
#define RD_LINE_H

#include "error.h"

typedef struct rd_lines rd_lines;

/* On standard input; `prompt` (borrowed) is shown on a terminal. Editing is UTF-8 in any locale. */
rd_code rd_lines_open(rd_lines **out, const char *prompt, rd_error *e);
void rd_lines_close(rd_lines **lines);
bool rd_lines_typed(const rd_lines *lines); /* from a terminal */
/* The next line without its end, valid until the next call. RD_CANCELLED: a signal came
 * (rd_interrupt_seen). *line is NULL at the end. */
rd_code rd_lines_next(rd_lines *lines, const char **line, rd_error *e);

#endif
