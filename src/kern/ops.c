/* SPDX-License-Identifier: MIT */
/* Row and element kernels shared out over threads. Work on rows splits by rows; sums over rows
 * split by columns, so that each column is added up in the order of the rows whatever the number of
 * threads. */
#include "ops.h"

#include <assert.h>
#include <math.h>
#include <stdatomic.h>

#include "activation.h"
#include "kernels.h"
#include "parallel.h"

enum {
  GRAIN = 16384, /* elements a thread should at least have */
  COLUMNS = 16   /* columns that stay together: a cache line of f32 */
};

/* Rows of D elements per thread, at least. */
static int64_t grain(int64_t D) {
  return 1 + GRAIN / (D + 1);
}

/* The blocks of COLUMNS a thread should at least have, when T rows are added up. */
static int64_t column_grain(int64_t T) {
  return 1 + GRAIN / (T * COLUMNS + 1);
}

static int64_t column_blocks(int64_t D) {
  return (D + COLUMNS - 1) / COLUMNS;
}

static int64_t column_end(int64_t block, int64_t D) {
  return block * COLUMNS < D ? block * COLUMNS : D;
}

/* One argument block serves all operations: the pointers and sizes each needs. */
typedef struct task {
  const rd_kernels *kernels;
  void *out, *out2;
  const void *in, *in2, *in3;
  float *sums; /* rstd, or a gradient summed over rows */
  const float *w, *r;
  const int32_t *ids;
  rd_dtype t, t2;
  int64_t T, D, heads, stride, stride2;
  float number, most;
  const rd_gate_kernels *gate;
  const rd_rope_args *rope;
  const rd_adamw_factors *factors;
  double *totals;
  atomic_llong bad;
} task;

/* A kernel's share: items first <= i < last of task *j. */
#define WORK(name)                                                                                 \
  static void name##_share(task *j, int64_t first, int64_t last);                                  \
  static void name(void *context, int thread, int64_t first, int64_t last) {                       \
    (void)thread;                                                                                  \
    name##_share(context, first, last);                                                            \
  }                                                                                                \
  static void name##_share(task *j, int64_t first, int64_t last)

WORK(cast) {
  const size_t to = rd_dtype_size(j->t), from = rd_dtype_size(j->t2);
  char *dst = j->out;
  const char *src = j->in;
  if (j->t2 == RD_F32 || j->t == RD_F32) {
    if (j->t2 == RD_F32)
      j->kernels->from_f32[j->t](dst + (size_t)first * to, (const float *)src + first,
                                 last - first);
    else
      j->kernels->to_f32[j->t2]((float *)dst + first, src + (size_t)first * from, last - first);
    return;
  }
  enum { PIECE = 1024 };
  float piece[PIECE];
  for (int64_t i = first; i < last; i += PIECE) {
    const int64_t n = last - i < PIECE ? last - i : PIECE;
    j->kernels->to_f32[j->t2](piece, src + (size_t)i * from, n);
    j->kernels->from_f32[j->t](dst + (size_t)i * to, piece, n);
  }
}

WORK(copy) {
  const size_t size = rd_dtype_size(j->t);
  memcpy((char *)j->out + (size_t)first * size, (const char *)j->in + (size_t)first * size,
         (size_t)(last - first) * size);
}

void rd_cast(void *dst, rd_dtype dst_type, const void *src, rd_dtype src_type, int64_t n) {
  if (dst == src && dst_type == src_type)
    return;
  task j = {.kernels = rd_kernels_get(), .out = dst, .in = src, .t = dst_type, .t2 = src_type};
  rd_parallel(n, 4 * GRAIN, dst_type == src_type ? copy : cast, &j);
}

WORK(rmsnorm) {
  j->kernels->rmsnorm[j->t](j->out, j->sums, j->in, j->w, first, last, j->D, j->number);
}

void rd_rmsnorm(void *y, rd_dtype yt, float *rstd, const float *x, const float *w, int64_t T,
                int64_t D, float eps) {
  task j = {.kernels = rd_kernels_get(),
            .out = y,
            .t = yt,
            .sums = rstd,
            .in = x,
            .w = w,
            .D = D,
            .number = eps};
  rd_parallel(T, grain(D), rmsnorm, &j);
}

WORK(rmsnorm_rows) {
  j->kernels->rmsnorm_backward(j->out, j->in, j->in2, j->w, j->r, first, last, j->D);
}

WORK(rmsnorm_columns) {
  j->kernels->rmsnorm_columns(j->sums, j->in, j->in2, j->r, j->T, j->D, column_end(first, j->D),
                              column_end(last, j->D));
}

void rd_rmsnorm_backward(float *dx, float *dw, const float *dy, const float *x, const float *w,
                         const float *rstd, int64_t T, int64_t D) {
  task j = {.kernels = rd_kernels_get(),
            .out = dx,
            .sums = dw,
            .in = dy,
            .in2 = x,
            .w = w,
            .r = rstd,
            .T = T,
            .D = D};
  rd_parallel(T, grain(D), rmsnorm_rows, &j);
  if (dw != NULL)
    rd_parallel(column_blocks(D), column_grain(T), rmsnorm_columns, &j);
}

WORK(headnorm) {
  j->kernels->headnorm[j->t](j->out, j->sums, j->w, first, last, j->heads, j->D, j->stride,
                             j->number);
}

void rd_headnorm(void *x, rd_dtype t, float *rstd, const float *w, int64_t T, int64_t heads,
                 int64_t hd, int64_t row_stride, float eps) {
  task j = {.kernels = rd_kernels_get(),
            .out = x,
            .t = t,
            .sums = rstd,
            .w = w,
            .heads = heads,
            .D = hd,
            .stride = row_stride,
            .number = eps};
  rd_parallel(T, grain(heads * hd), headnorm, &j);
}

WORK(headnorm_rows) {
  j->kernels->headnorm_backward[j->t](j->out, j->in, j->w, j->r, first, last, j->heads, j->D,
                                      j->stride, j->stride2);
}

WORK(headnorm_columns) {
  j->kernels->headnorm_columns[j->t](j->sums, j->out, j->in, j->r, j->T, j->heads, j->D, j->stride,
                                     j->stride2, column_end(first, j->D), column_end(last, j->D));
}

void rd_headnorm_backward(void *dx, float *dw, const void *x, rd_dtype t, const float *w,
                          const float *rstd, int64_t T, int64_t heads, int64_t hd,
                          int64_t dx_stride, int64_t x_stride) {
  task j = {.kernels = rd_kernels_get(),
            .out = dx,
            .sums = dw,
            .in = x,
            .t = t,
            .w = w,
            .r = rstd,
            .T = T,
            .heads = heads,
            .D = hd,
            .stride = dx_stride,
            .stride2 = x_stride};
  if (dw != NULL) /* first: dx still holds dy */
    rd_parallel(column_blocks(hd), column_grain(T * heads), headnorm_columns, &j);
  rd_parallel(T, grain(heads * hd), headnorm_rows, &j);
}

WORK(rope) {
  j->kernels->rope[j->t](j->out, j->rope, first, last);
}

void rd_rope(void *x, rd_dtype t, int64_t T, int64_t heads, int64_t hd, int64_t turned,
             int64_t row_stride, const float *cosines, const float *sines, bool interleaved,
             bool inverse) {
  const rd_rope_args a = {heads, hd, turned, row_stride, cosines, sines, interleaved, inverse};
  task j = {.kernels = rd_kernels_get(), .out = x, .t = t, .rope = &a};
  rd_parallel(T, grain(heads * hd), rope, &j);
}

WORK(bias) {
  j->kernels->bias[j->t](j->out, j->w, first, last, j->D, j->stride);
}

void rd_bias(void *x, rd_dtype t, const float *b, int64_t T, int64_t D, int64_t row_stride) {
  task j = {.kernels = rd_kernels_get(), .out = x, .t = t, .w = b, .D = D, .stride = row_stride};
  rd_parallel(T, grain(D), bias, &j);
}

WORK(bias_columns) {
  j->kernels->bias_columns[j->t](j->sums, j->in, j->T, j->stride, column_end(first, j->D),
                                 column_end(last, j->D));
}

void rd_bias_backward(float *db, const void *dy, rd_dtype t, int64_t T, int64_t D,
                      int64_t row_stride) {
  task j = {.kernels = rd_kernels_get(),
            .sums = db,
            .in = dy,
            .t = t,
            .T = T,
            .D = D,
            .stride = row_stride};
  rd_parallel(column_blocks(D), column_grain(T), bias_columns, &j);
}

WORK(add) {
  j->kernels->add[j->t]((float *)j->out + first, rd_at_const(j->in, j->t, first), j->number,
                        last - first);
}

void rd_add(float *y, const void *x, rd_dtype t, float scale, int64_t n) {
  task j = {.kernels = rd_kernels_get(), .out = y, .in = x, .t = t, .number = scale};
  rd_parallel(n, GRAIN, add, &j);
}

WORK(multiply) {
  j->kernels->scale[j->t](rd_at(j->out, j->t, first), j->number, last - first);
}

void rd_scale(void *x, rd_dtype t, float scale, int64_t n) {
  task j = {.kernels = rd_kernels_get(), .out = x, .t = t, .number = scale};
  rd_parallel(n, GRAIN, multiply, &j);
}

WORK(gated) {
  for (int64_t t = first; t < last; t++)
    j->gate->forward[j->t](rd_at(j->out, j->t, t * j->D), rd_at_const(j->in, j->t, t * j->stride),
                           rd_at_const(j->in2, j->t, t * j->stride), j->D);
}

void rd_gated(const rd_activation *f, void *y, const void *gate, const void *up, rd_dtype t,
              int64_t T, int64_t F, int64_t row_stride) {
  task j = {.gate = rd_activation_kernels(f, rd_kernels_get()),
            .out = y,
            .in = gate,
            .in2 = up,
            .t = t,
            .D = F,
            .stride = row_stride};
  rd_parallel(T, grain(4 * F), gated, &j);
}

WORK(gated_gradient) {
  for (int64_t t = first; t < last; t++) {
    const int64_t at = t * j->stride;
    j->gate->backward[j->t](rd_at(j->out, j->t, at), rd_at(j->out2, j->t, at),
                            rd_at_const(j->in3, j->t, t * j->D), rd_at_const(j->in, j->t, at),
                            rd_at_const(j->in2, j->t, at), j->D);
  }
}

void rd_gated_backward(const rd_activation *f, void *dgate, void *dup, const void *dy,
                       const void *gate, const void *up, rd_dtype t, int64_t T, int64_t F,
                       int64_t row_stride) {
  task j = {.gate = rd_activation_kernels(f, rd_kernels_get()),
            .out = dgate,
            .out2 = dup,
            .in = gate,
            .in2 = up,
            .in3 = dy,
            .t = t,
            .D = F,
            .stride = row_stride};
  rd_parallel(T, grain(4 * F), gated_gradient, &j);
}

WORK(cap) {
  j->kernels->cap((float *)j->out + first, j->number, j->most, last - first);
}

void rd_cap(float *x, float factor, float most, int64_t n) {
  task j = {.kernels = rd_kernels_get(), .out = x, .number = factor, .most = most};
  rd_parallel(n, GRAIN / 4, cap, &j);
}

WORK(cap_gradient) {
  j->kernels->cap_backward[j->t](rd_at(j->out, j->t, first), (const float *)j->in + first,
                                 j->number, j->most, last - first);
}

void rd_cap_backward(void *dx, rd_dtype t, const float *y, float factor, float most, int64_t n) {
  task j = {
      .kernels = rd_kernels_get(), .out = dx, .t = t, .in = y, .number = factor, .most = most};
  rd_parallel(n, GRAIN, cap_gradient, &j);
}

WORK(embed_columns) {
  const int64_t start = column_end(first, j->D), count = column_end(last, j->D) - start;
  for (int64_t t = 0; t < j->T; t++)
    j->kernels->add[RD_F32]((float *)j->out + j->ids[t] * j->D + start,
                            (const float *)j->in + t * j->D + start, 1.0f, count);
}

void rd_embed_backward(float *dtable, const float *dx, const int32_t *ids, int64_t T, int64_t D) {
  task j = {.kernels = rd_kernels_get(), .out = dtable, .in = dx, .ids = ids, .T = T, .D = D};
  rd_parallel(column_blocks(D), column_grain(T), embed_columns, &j);
}

WORK(cross_entropy) {
  for (int64_t i = first; i < last; i++) {
    void *dlogits = j->out == NULL ? NULL : rd_at(j->out, j->t, i * j->D);
    const float weight = j->w == NULL ? 1.0f : j->w[i];
    j->totals[i] = 0;
    if (j->ids[i] < 0) {
      if (dlogits != NULL)
        memset(dlogits, 0, (size_t)j->D * rd_dtype_size(j->t));
    } else {
      j->totals[i] = j->kernels->cross_entropy[j->t](dlogits, (const float *)j->in + i * j->D,
                                                     j->ids[i], weight, j->D);
    }
  }
}

void rd_cross_entropy(double *loss, float *row_loss, void *dlogits, rd_dtype dt,
                      const float *logits, const int32_t *targets, const float *weights, int64_t n,
                      int64_t V) {
  enum { BATCH = 1024 };
  double totals[BATCH];
  for (int64_t start = 0; start < n; start += BATCH) {
    const int64_t count = n - start < BATCH ? n - start : BATCH;
    const float *w = weights == NULL ? NULL : weights + start;
    task j = {.kernels = rd_kernels_get(),
              .in = logits + start * V,
              .ids = targets + start,
              .t = dt,
              .out = dlogits == NULL ? NULL : rd_at(dlogits, dt, start * V),
              .w = w,
              .D = V,
              .totals = totals};
    rd_parallel(count, grain(8 * V), cross_entropy, &j);
    for (int64_t i = 0; i < count; i++) {
      *loss += totals[i] * (w == NULL ? 1.0 : (double)w[i]);
      if (row_loss != NULL)
        row_loss[start + i] = (float)totals[i];
    }
  }
}

/* A row of goals becomes probabilities; the loss is summed in f64 before the logits are written
 * over by their own. */
WORK(cross_entropy_soft) {
  for (int64_t i = first; i < last; i++) {
    float *x = (float *)j->out + i * j->D, *goal = (float *)j->out2 + i * j->D;
    float inverse, goal_inverse;
    double expected = 0;
    (void)j->kernels->softmax[RD_F32](goal, &goal_inverse, goal, 1.0f, j->D, j->D);
    for (int64_t v = 0; v < j->D; v++)
      expected += (double)goal[v] * (double)x[v];
    float log_sum = j->kernels->softmax[RD_F32](x, &inverse, x, 1.0f, j->D, j->D);
    j->totals[i] = (double)log_sum - expected * (double)goal_inverse;
    inverse *= j->w[i];
    goal_inverse *= j->w[i];
    for (int64_t v = 0; v < j->D; v++)
      x[v] = x[v] * inverse - goal[v] * goal_inverse;
    if (j->in != NULL && j->in != j->out)
      rd_cast(rd_at((void *)(uintptr_t)j->in, j->t, i * j->D), j->t, x, RD_F32, j->D);
  }
}

void rd_cross_entropy_soft(double *loss, float *row_loss, void *dlogits, rd_dtype dt, float *logits,
                           float *goals, const float *weights, int64_t n, int64_t V) {
  enum { BATCH = 1024 };
  double totals[BATCH];
  for (int64_t start = 0; start < n; start += BATCH) {
    const int64_t count = n - start < BATCH ? n - start : BATCH;
    task j = {.kernels = rd_kernels_get(),
              .out = logits + start * V,
              .out2 = goals + start * V,
              .in = dlogits == NULL ? NULL : rd_at(dlogits, dt, start * V),
              .t = dt,
              .w = weights + start,
              .D = V,
              .totals = totals};
    rd_parallel(count, grain(16 * V), cross_entropy_soft, &j);
    for (int64_t i = 0; i < count; i++) {
      *loss += totals[i] * (double)weights[start + i];
      if (row_loss != NULL)
        row_loss[start + i] = (float)totals[i];
    }
  }
}

WORK(adamw) {
  float *const *p = j->out;
  j->kernels->adamw(p[0] + first, p[1] + first, p[2] + first, (const float *)j->in + first,
                    last - first, j->factors);
}

void rd_adamw(float *w, float *m, float *v, const float *g, int64_t n, const rd_adamw_step *s) {
  const rd_adamw_factors factors = rd_adamw_factors_of(s);
  float *arrays[] = {w, m, v};
  task j = {.kernels = rd_kernels_get(), .out = arrays, .in = g, .factors = &factors};
  rd_parallel(n, GRAIN, adamw, &j);
}

enum { BLOCK = 16384 }; /* elements in one partial sum */

WORK(squares) {
  for (int64_t b = first; b < last; b++) {
    const int64_t start = b * BLOCK, left = j->T - start;
    j->totals[b] =
        j->kernels->sum_squares((const float *)j->in + start, left < BLOCK ? left : BLOCK);
  }
}

double rd_sum_squares(const float *x, int64_t n) {
  enum { BATCH = 512 };
  double totals[BATCH], sum = 0;
  for (int64_t start = 0; start < n; start += (int64_t)BATCH * BLOCK) {
    const int64_t left = n - start, blocks = (left + BLOCK - 1) / BLOCK;
    const int64_t count = blocks < BATCH ? blocks : BATCH;
    task j = {.kernels = rd_kernels_get(), .in = x + start, .T = left, .totals = totals};
    rd_parallel(count, 2, squares, &j);
    for (int64_t b = 0; b < count; b++)
      sum += totals[b];
  }
  return sum;
}

/* The lowest block with a bad element; a block is then looked through one by one. */
WORK(finite_rows) {
  for (int64_t b = first; b < last; b++) {
    const int64_t start = b * BLOCK, left = j->T - start;
    if (j->kernels->finite[j->t](rd_at_const(j->in, j->t, start), left < BLOCK ? left : BLOCK))
      continue;
    long long seen = atomic_load(&j->bad);
    while (b < seen && !atomic_compare_exchange_weak(&j->bad, &seen, (long long)b))
      ;
    return;
  }
}

bool rd_all_finite(const void *x, rd_dtype t, int64_t n, int64_t *first_bad) {
  const int64_t blocks = (n + BLOCK - 1) / BLOCK;
  task j = {.kernels = rd_kernels_get(), .in = x, .t = t, .T = n, .bad = blocks};
  rd_parallel(blocks, 4, finite_rows, &j);
  const int64_t bad = atomic_load(&j.bad);
  if (bad == blocks)
    return true;
  int64_t i = bad * BLOCK;
  while (j.kernels->finite[t](rd_at_const(x, t, i), 1))
    i++;
  if (first_bad != NULL)
    *first_bad = i;
  return false;
}
