/* SPDX-License-Identifier: MIT */
/* The vector kernels of kernels_body.inc, compiled for avx2. */
#define KERNELS_TABLE rd_kernels_avx2
#include "kernels_body.inc"
