/* SPDX-License-Identifier: MIT */
/* The vector kernels of rows_body.inc, compiled for avx2. */
#define ROWS_TABLE rd_rows_avx2
#include "rows_body.inc"
