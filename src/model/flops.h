/* SPDX-License-Identifier: MIT */
/* How much arithmetic a pass is: the number that measured speed is divided into. */
#ifndef RD_FLOPS_H
#define RD_FLOPS_H

#include "config.h"

/* Multiplications and additions of matrix products in a forward pass over `batch` sequences of
 * `window` tokens, logits for `logits_rows` rows in all. Attention is bidirectional; behind `reuse`
 * (> 0) positions that are remembered it is causal: a token meets those, the tokens of the window
 * before it, and itself. */
double rd_flops_pass(const rd_config *c, int64_t reuse, int64_t window, int64_t batch,
                     int64_t logits_rows);
/* The same for a training step: backward costs the forward pass again for the inputs' gradients,
 * and once more for the weights' when all are trained; with adapters of `rank` (> 0) on every
 * projection the weights' gradients are the factors' alone. */
double rd_flops_step(const rd_config *c, int64_t window, int64_t batch, int64_t loss_rows,
                     int64_t rank);

#endif
