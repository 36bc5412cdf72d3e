/* SPDX-License-Identifier: MIT */
/* The vector kernels of rows_body.inc, compiled for avx512. */
#define ROWS_TABLE rd_rows_avx512
#include "rows_body.inc"
