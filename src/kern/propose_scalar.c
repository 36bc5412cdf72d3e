/* SPDX-License-Identifier: MIT */
/* The sweeps over rows of logits with the instructions of any processor. */
#define SWEEPS rd_sweeps_scalar
#include "propose_sweeps.inc"
