/* SPDX-License-Identifier: MIT */
/* The vector kernels of kernels_body.inc, compiled for avx512bf16. */
#define KERNELS_TABLE rd_kernels_avx512bf16
#include "kernels_body.inc"
