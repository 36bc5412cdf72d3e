/* SPDX-License-Identifier: MIT */
/* The sweeps over rows of logits with the instructions of AVX-512. */
#define SWEEPS rd_sweeps_avx512
#include "propose_sweeps.inc"
