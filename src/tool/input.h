/* SPDX-License-Identifier: MIT */
/* Standard input as a text. */
#ifndef RD_INPUT_H
#define RD_INPUT_H

#include "error.h"

/* The whole of standard input, without its last line end unless it is taken as lines, a new string;
 * `what` it is goes into messages: "a prompt". RD_BAD_INPUT: above 64 MB, or a NUL byte.
 * RD_CANCELLED: a signal came. */
rd_code rd_tool_input(char **out, const char *what, bool lines, rd_error *e);
/* RD_USAGE where a file is called "-", by which other programs mean a stream: `instead` says what
 * does so here. NULL is fine. */
rd_code rd_tool_no_dash(const char *path, const char *instead, rd_error *e);
/* RD_IO where there is no such file; `instead` says where a text itself goes. NULL is fine. */
rd_code rd_tool_there(const char *path, const char *instead, rd_error *e);

#endif
