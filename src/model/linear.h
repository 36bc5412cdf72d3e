/* SPDX-License-Identifier: MIT */
/* One product of a layer applied to a batch of rows, with its bias and its adapter, forward and
 * backward. */
#ifndef RD_LINEAR_H
#define RD_LINEAR_H

#include "gradients.h"

/* y (T, out) = x (T, in) w' + bias + scale (x a') b'. y is of x's type, or f32. `add`: y += instead
 * (residual streams). The first `clean` rows go without the adapter. `mid` (T - clean, rank) of x's
 * type receives scale * x a' of the others, which the backward pass needs; NULL without an adapter.
 */
rd_code rd_linear_forward(const rd_linear *l, rd_mat y, bool add, rd_input *x, int64_t clean,
                          void *mid, rd_error *e);

/* Gradients from dy (T, out). dx (T, in) is written, or added to with `add`; a dx without data when
 * nobody needs it. `grad` members that are NULL are skipped. `x` and `mid` are what forward had;
 * `dmid` (T, rank) is scratch. */
rd_code rd_linear_backward(const rd_linear *l, const rd_linear_grad *grad, rd_mat dx, bool add,
                           rd_mat dy, rd_mat x, const void *mid, void *dmid, rd_error *e);

#endif
