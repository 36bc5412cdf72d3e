/* SPDX-License-Identifier: MIT */
/* Standard input as a text. */
#ifndef RD_INPUT_H
#define RD_INPUT_H

#include "error.h"

/* The whole of standard input, without its last line end unless it is taken as lines, a new string;
 * `what` it is goes into messages: "a prompt". RD_BAD_INPUT: above 64 MB, or a NUL byte.
 * RD_CANCELLED: a signal came. */
rd_code rd_tool_input(char **out, const char *what, bool lines, rd_error *e);

#endif
