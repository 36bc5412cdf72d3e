/* SPDX-License-Identifier: MIT */
/* The vector kernels of rows_body.inc, compiled for avx512bf16. */
#define ROWS_TABLE rd_rows_avx512bf16
#include "rows_body.inc"
