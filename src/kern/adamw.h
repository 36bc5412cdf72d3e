/* SPDX-License-Identifier: MIT */
/* The numbers of a step of AdamW, for who changes weights: ops.h, and a device. */
#ifndef RD_ADAMW_H
#define RD_ADAMW_H

#include <stdint.h>

/* AdamW (Loshchilov & Hutter 2019), one step `step` = 1, 2, ...:
 *   g' = grad_scale * g; m = beta1 m + (1 - beta1) g'; v = beta2 v + (1 - beta2) g'^2;
 *   w -= lr * (m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps) + weight_decay * w). */
typedef struct rd_adamw_step {
  float lr, beta1, beta2, eps, weight_decay;
  float grad_scale; /* 1 / accumulated weight, times the clip factor */
  int64_t step;     /* from 1 */
} rd_adamw_step;

/* What all elements of a step share:
 *   d = scale g; m = beta1 m + (1 - beta1) d; v = beta2 v + (1 - beta2) d^2;
 *   w -= step m / (sqrt(v) root + eps) + decay w. */
typedef struct rd_adamw_factors {
  float step;  /* lr / (1 - beta1^step) */
  float root;  /* 1 / sqrt(1 - beta2^step) */
  float eps;   /* added to sqrt(v) * root */
  float decay; /* lr * weight_decay */
  float beta1, beta2;
  float scale; /* of the gradient */
} rd_adamw_factors;
rd_adamw_factors rd_adamw_factors_of(const rd_adamw_step *s);

#endif
