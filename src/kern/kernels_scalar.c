/* SPDX-License-Identifier: MIT */
/* The vector kernels of kernels_body.inc, compiled for the base instruction set. */
#define KERNELS_TABLE rd_kernels_scalar
#include "kernels_body.inc"
