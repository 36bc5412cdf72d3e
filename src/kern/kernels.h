/* SPDX-License-Identifier: MIT */
/* The vector kernels: one source (kernels_body.inc) compiled once for each instruction set, and a
 * table of pointers chosen at run time. Kernels work on ranges of rows on the calling thread; ops.h
 * and attention.h share them out. Pairs [2] are indexed by RD_F32 or RD_BF16, the type of the
 * untyped pointers. */
#ifndef RD_KERNELS_H
#define RD_KERNELS_H

#include <stdbool.h>

#include "adamw.h"
#include "cpu.h"
#include "dtype.h"

/* A tensor of rows in range kernels. */
typedef struct rd_rope_args {
  int64_t heads, hd, turned, row_stride; /* the first `turned` numbers of a head are rotated */
  const float *cosines, *sines;          /* (T, turned/2) */
  bool interleaved, inverse;
} rd_rope_args;

/* A gated activation: y = f(gate) * up, and its way back. */
typedef struct rd_gate_kernels {
  void (*forward[2])(void *y, const void *gate, const void *up, int64_t n);
  void (*backward[2])(void *dgate, void *dup, const void *dy, const void *gate, const void *up,
                      int64_t n);
} rd_gate_kernels;

typedef struct rd_kernels {
  /* Conversions, indexed by rd_dtype. */
  void (*to_f32[4])(float *dst, const void *src, int64_t n);
  void (*from_f32[4])(void *dst, const float *src, int64_t n);

  /* ops.h, for rows first <= r < last, or for columns first <= j < last (`..._columns`). */
  void (*rmsnorm[2])(void *y, float *rstd, const float *x, const float *w, int64_t first,
                     int64_t last, int64_t D, float eps);
  void (*rmsnorm_backward)(float *dx, const float *dy, const float *x, const float *w,
                           const float *rstd, int64_t first, int64_t last, int64_t D);
  void (*rmsnorm_columns)(float *dw, const float *dy, const float *x, const float *rstd, int64_t T,
                          int64_t D, int64_t first, int64_t last);
  void (*headnorm[2])(void *x, float *rstd, const float *w, int64_t first, int64_t last,
                      int64_t heads, int64_t hd, int64_t row_stride, float eps);
  void (*headnorm_backward[2])(void *dx, const void *x, const float *w, const float *rstd,
                               int64_t first, int64_t last, int64_t heads, int64_t hd,
                               int64_t dx_stride, int64_t x_stride);
  void (*headnorm_columns[2])(float *dw, const void *dy, const void *x, const float *rstd,
                              int64_t T, int64_t heads, int64_t hd, int64_t dy_stride,
                              int64_t x_stride, int64_t first, int64_t last);
  void (*rope[2])(void *x, const rd_rope_args *a, int64_t first, int64_t last);
  void (*bias[2])(void *x, const float *bias, int64_t first, int64_t last, int64_t D,
                  int64_t row_stride);
  void (*bias_columns[2])(float *db, const void *dy, int64_t T, int64_t row_stride, int64_t first,
                          int64_t last);
  void (*add[2])(float *y, const void *x, float scale, int64_t n);
  void (*scale[2])(void *x, float scale, int64_t n);
  rd_gate_kernels silu, gelu, gelu_tanh, gelu_sigmoid, relu, relu_squared; /* activation.h */
  /* x = most * tanh(factor * x); dx *= most * factor * (1 - (y / most)^2), with y the capped
   * numbers.
   */
  void (*cap)(float *x, float factor, float most, int64_t n);
  void (*cap_backward[2])(void *dx, const float *y, float factor, float most, int64_t n);
  double (*cross_entropy[2])(void *dlogits, const float *logits, int64_t target, float weight,
                             int64_t V); /* the loss of a row; dlogits may be NULL */
  void (*adamw)(float *w, float *m, float *v, const float *g, int64_t n, const rd_adamw_factors *f);
  double (*sum_squares)(const float *x, int64_t n);
  bool (*finite[2])(const void *x, int64_t n);
  /* y[j] = x[j] * row * columns[j], or y += with `add`. */
  void (*unquantize[2])(void *y, const float *x, float row, const float *columns, bool add,
                        int64_t n);

  /* attention.h */
  /* p[j] = exp(scale * s[j] - top) over j < seen, 0 for seen <= j < n, with top the largest of
   * scale * s: the softmax before its division, by which it is to be multiplied, *inverse. Gives
   * the log of the sum of exp. p may be s. */
  float (*softmax[2])(void *p, float *inverse, const float *s, float scale, int64_t seen,
                      int64_t n);
  void (*scaled[2])(void *y, const float *x, float factor, int64_t n); /* y = factor * x */
  /* p[j] = exp(scale * s[j] - lse), ds[j] = scale * p[j] * (dp[j] - delta); 0 from `seen` to n. */
  void (*softmax_backward[2])(void *p, void *ds, const float *s, const float *dp, float scale,
                              float lse, float delta, int64_t seen, int64_t n);
  float (*dot[2])(const void *a, const void *b, int64_t n);
  /* scores[j] = q . k[j], and o = factor * sum of p[j] v[j], for rows of hd at a stride. */
  void (*scores[2])(float *scores, const void *q, const void *k, int64_t keys, int64_t k_stride,
                    int64_t hd);
  void (*mix[2])(void *o, float *sum, const float *p, const void *v, int64_t keys, float factor,
                 int64_t v_stride, int64_t hd); /* sum (hd) is scratch */
} rd_kernels;

extern const rd_kernels rd_kernels_scalar, rd_kernels_avx2, rd_kernels_avx512,
    rd_kernels_avx512bf16;

/* The kernels for rd_cpu_level(). */
const rd_kernels *rd_kernels_get(void);

#endif
