/* SPDX-License-Identifier: MIT */
/* The vector kernels of kernels_body.inc, compiled for avx512. */
#define KERNELS_TABLE rd_kernels_avx512
#include "kernels_body.inc"
