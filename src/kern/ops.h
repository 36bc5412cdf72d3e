/* SPDX-License-Identifier: MIT */
/* Row and element kernels, forward and backward next to each other.
 *
 * Activations are f32 or bf16 (`rd_dtype t`); everything is computed in f32. Matrices are
 * row-major; strides are in elements. Nothing is allocated. Large inputs use several threads
 * (cpu.h); forward results and gradients of activations do not depend on their number, and sums
 * over tokens are made in an order that depends on the shape alone. Pointers must not overlap
 * unless it is said. */
#ifndef RD_OPS_H
#define RD_OPS_H

#include <stdbool.h>

#include "adamw.h"
#include "dtype.h"

typedef struct rd_activation rd_activation; /* activation.h: a row */

/* Root mean square norm (Zhang & Sennrich 2019): y = x * rstd * w, rstd = 1 / sqrt(mean(x^2) +
 * eps). y may be x when yt is RD_F32. */
void rd_rmsnorm(void *y /* (T,D) of yt */, rd_dtype yt, float *rstd /* (T) or NULL */,
                const float *x /* (T,D) */, const float *w /* (D) */, int64_t T, int64_t D,
                float eps);
/* dx += dL/dx, dw += dL/dw. dx may not be dy. */
void rd_rmsnorm_backward(float *dx /* (T,D) */, float *dw /* (D) or NULL */,
                         const float *dy /* (T,D) */, const float *x /* (T,D) */,
                         const float *w /* (D) */, const float *rstd /* (T) */, int64_t T,
                         int64_t D);

/* The same norm over each head of hd <= 1024 (Qwen3 q and k norms), in place: x row r, head h at r
 * * row_stride + h * hd. For a backward pass keep a copy of x from before and rstd. */
void rd_headnorm(void *x /* (T, heads, hd) of t */, rd_dtype t, float *rstd /* (T*heads) or NULL */,
                 const float *w /* (hd) */, int64_t T, int64_t heads, int64_t hd,
                 int64_t row_stride, float eps);
/* dx, in place: on entry dL/dy, on return dL/dx. dw += dL/dw. `x` is the input from before. */
void rd_headnorm_backward(void *dx /* (T, heads, hd) of t */, float *dw /* (hd) or NULL */,
                          const void *x /* (T, heads, hd) of t */, rd_dtype t,
                          const float *w /* (hd) */, const float *rstd /* (T*heads) */, int64_t T,
                          int64_t heads, int64_t hd, int64_t dx_stride, int64_t x_stride);

/* Rotary position embedding (Su et al. 2021) of the first `turned` numbers of each head, in place,
 * hd <= 1024. Pairs are (i, i + turned/2), or (2i, 2i+1) when `interleaved`. cos and sin are rows
 * already gathered for each token's position. `inverse` rotates back, which is the backward pass;
 * where both hold a common factor, that stays in both directions. */
void rd_rope(void *x /* (T, heads, hd) of t */, rd_dtype t, int64_t T, int64_t heads, int64_t hd,
             int64_t turned, int64_t row_stride, const float *cosines /* (T, turned/2) */,
             const float *sines /* (T, turned/2) */, bool interleaved, bool inverse);

/* x[r] += bias for every row, and db += the sums of the columns of dy. */
void rd_bias(void *x /* (T,D) of t */, rd_dtype t, const float *bias /* (D) */, int64_t T,
             int64_t D, int64_t row_stride);
void rd_bias_backward(float *db /* (D) */, const void *dy /* (T,D) of t */, rd_dtype t, int64_t T,
                      int64_t D, int64_t row_stride);

/* y += scale * x: residual sums and merging of low-rank updates. */
void rd_add(float *y /* (n) */, const void *x /* (n) of t */, rd_dtype t, float scale, int64_t n);
/* x *= scale. */
void rd_scale(void *x /* (n) of t */, rd_dtype t, float scale, int64_t n);

/* A gated linear unit (Shazeer 2020): y = f(gate) * up. All have T rows of F columns; y is packed,
 * gate and up have `row_stride` so that both may be halves of one product. y may be gate or up when
 * packed alike. f: a row of activation.h, NULL for silu. */
void rd_gated(const rd_activation *f, void *y /* (T,F) of t */, const void *gate, const void *up,
              rd_dtype t, int64_t T, int64_t F, int64_t row_stride);
/* dgate and dup have the stride of gate and up and may be the same buffers. */
void rd_gated_backward(const rd_activation *f, void *dgate, void *dup,
                       const void *dy /* (T,F) of t */, const void *gate, const void *up,
                       rd_dtype t, int64_t T, int64_t F, int64_t row_stride);

/* x = most * tanh(factor * x), in place: what keeps scores below a bound (Gemma 2). */
void rd_cap(float *x /* (n) */, float factor, float most, int64_t n);
/* dx, in place: on entry dL/dy, on return dL/dx; y is what rd_cap left. */
void rd_cap_backward(void *dx /* (n) of t */, rd_dtype t, const float *y /* (n) */, float factor,
                     float most, int64_t n);

/* dtable[ids[t]] += dx[t], in the order of t: what comes back from rows that were looked up. */
void rd_embed_backward(float *dtable /* (V,D) */, const float *dx /* (T,D) */,
                       const int32_t *ids /* (T) */, int64_t T, int64_t D);

/* Weighted cross-entropy of rows of logits:
 *   *loss += sum_i weights[i] * (logsumexp(logits[i]) - logits[i][targets[i]]),
 * summed in f64 in the order of i. targets[i] = -1 skips the row (row_loss 0, gradient 0).
 * row_loss[i] is the loss of the row without its weight. dlogits = weights[i] * (softmax - onehot),
 * or NULL for evaluation; it may be the logits when dt is RD_F32. weights NULL means all 1. */
void rd_cross_entropy(double *loss, float *row_loss /* (n) or NULL */,
                      void *dlogits /* (n,V) of dt, or NULL */, rd_dtype dt,
                      const float *logits /* (n,V) */, const int32_t *targets /* (n) */,
                      const float *weights /* (n) or NULL */, int64_t n, int64_t V);

/* The same against distributions: the softmax of `goals` in place of a target. The row's loss is
 *   logsumexp(logits[i]) - sum_v softmax(goals[i])[v] logits[i][v],
 * and dlogits = weights[i] * (softmax(logits[i]) - softmax(goals[i])). Logits and goals are written
 * over; dlogits may be the logits when dt is RD_F32. */
void rd_cross_entropy_soft(double *loss, float *row_loss /* (n) or NULL */,
                           void *dlogits /* (n,V) of dt, or NULL */, rd_dtype dt,
                           float *logits /* (n,V) */, float *goals /* (n,V) */,
                           const float *weights /* (n) */, int64_t n, int64_t V);

/* One step of AdamW (adamw.h). */
void rd_adamw(float *w, float *m, float *v, const float *g, int64_t n, const rd_adamw_step *s);

/* The sum of x^2 in f64, in an order that depends on n alone. */
double rd_sum_squares(const float *x, int64_t n);
/* Whether no element is infinite or NaN; else *first_bad (unless NULL) is the lowest index of one.
 */
bool rd_all_finite(const void *x, rd_dtype t, int64_t n, int64_t *first_bad);

#endif
