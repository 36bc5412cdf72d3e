/* SPDX-License-Identifier: MIT */
/* Steady products for every processor. */
#define STEADY_TABLE rd_steady_scalar
#include "steady_body.inc"
