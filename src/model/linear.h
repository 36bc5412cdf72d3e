/* SPDX-License-Identifier: MIT */
/* One projection applied to a batch of rows, with its bias and its adapter, forward and backward.
 */
#ifndef RD_LINEAR_H
#define RD_LINEAR_H

#include "gradients.h"
#include "matmul.h"

/* The rows that a projection multiplies, and the same in integers for those that have w8. */
typedef struct rd_input {
  const void *x;      /* (T, in) of the activations' type */
  const int8_t *q;    /* (T, in) */
  const float *scale; /* (T) */
} rd_input;

/* y (T, out) = x (T, in) w' + bias + scale (x a') b'. y is of `y_type`: the activations' type, or
 * f32. `add`: y += instead (residual streams). `mid` (T, rank) receives scale * x a', which the
 * backward pass needs; NULL without an adapter. */
rd_code rd_linear_forward(const rd_linear *l, rd_dtype type, void *y, rd_dtype y_type, bool add,
                          const rd_input *x, void *mid, int64_t T, rd_error *e);

/* Gradients from dy (T, out) of `type`. dx (T, in) of `dx_type` is written, or added to with `add`;
 * NULL when nobody needs it. `grad` members that are NULL are skipped. `x` and `mid` are what
 * forward had; `dmid` (T, rank) is scratch. */
rd_code rd_linear_backward(const rd_linear *l, const rd_linear_grad *grad, rd_dtype type, void *dx,
                           rd_dtype dx_type, bool add, const void *dy, const void *x,
                           const void *mid, void *dmid, int64_t T, rd_error *e);

#endif
