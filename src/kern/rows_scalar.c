/* SPDX-License-Identifier: MIT */
/* The vector kernels of rows_body.inc, compiled for the base instruction set. */
#define ROWS_TABLE rd_rows_scalar
#include "rows_body.inc"
