/* SPDX-License-Identifier: MIT */
/* The sweeps over rows of logits with the instructions of AVX2. */
#define SWEEPS rd_sweeps_avx2
#include "propose_sweeps.inc"
