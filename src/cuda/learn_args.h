/* SPDX-License-Identifier: MIT */
/* What the kernels of training are told: ways back of others, attention that keeps what its
 * way back reads, the loss, the optimizer. kernel_args.h says how to read this. */
#ifndef RD_LEARN_ARGS_H
#define RD_LEARN_ARGS_H

#include "adamw.h"

/* x (n) = 0. */
typedef struct rd_clear_args {
  float *x;
  int64_t n;
} rd_clear_args;

/* dx (n, D) of dx_type = (with `add` +=) what comes back of dy through a norm of x times `norm`; dy
 * and x are of `type`. dx may be dy. With `beside`, so many vectors of dx lie side by side in rows
 * that are `stride` apart; 0: all do. A block a vector. */
typedef struct rd_norm_back_args {
  void *dx;
  const void *dy, *x;
  const float *norm; /* (D) */
  const float *rstd; /* (n) */
  int64_t D, beside, stride;
  int32_t dx_type, type, add;
} rd_norm_back_args;

/* sum (D) += the rows of dy (n, D), each number times those of x and the row's rstd unless x is
 * NULL: gradients of biases, and of the weights of norms. Rows of dy are `stride` apart; 0: D. A
 * block 32 columns. */
typedef struct rd_sum_rows_args {
  float *sum;
  const void *dy, *x;
  const float *rstd; /* (n) */
  int64_t n, D, stride;
  int32_t type;
} rd_sum_rows_args;

/* What comes back of dy through curve(gate) * up; n numbers of one type. With `stride`, dgate and
 * dup are rows of D that are so far apart. */
typedef struct rd_gated_back_args {
  void *dgate, *dup;
  const void *dy, *gate, *up;
  int64_t n, D, stride;
  int32_t type, curve;
} rd_gated_back_args;

/* Rows of y (rows, cols), y_stride apart, = those of x, x_stride apart: matrices of one type. */
typedef struct rd_beside_args {
  void *y;
  const void *x;
  int64_t rows, cols, y_stride, x_stride;
  int32_t type;
} rd_beside_args;

/* Rows `rows` (n) of y, of `bytes` each, a multiple of 2, = x (n, ..). A block a row. */
typedef struct rd_put_args {
  void *y;
  const void *x;
  const int32_t *rows;
  int64_t bytes;
} rd_put_args;

/* What was looked up comes back: row ids[i] of `table` += scale times the rows of dx that
 * order[starts[i]] .. order[starts[i + 1] - 1] name, one after the other. A block an id. */
typedef struct rd_look_up_back_args {
  float *table;                /* (V, D) */
  const float *dx;             /* (T, D) */
  const int32_t *ids, *starts; /* (count), (count + 1) */
  const int32_t *order;        /* (T) */
  int64_t D;
  float scale;
} rd_look_up_back_args;

/* A sequence of a training pass: its rows, and where its first positions lie if not in the pass. */
typedef struct rd_learn_span {
  int64_t row, count; /* of the pass */
  int64_t first;      /* position of its first row; what lies before it is in the past */
  int64_t before;     /* row of the past that has position 0 */
} rd_learn_span;

/* Rows first .. first + count - 1 of a span. */
enum { RD_LEARN_ROWS = 64, RD_LEARN_STEP = 32, RD_LEARN_WARPS = 4 };
typedef struct rd_learn_tile {
  int32_t span, first, count;
  int32_t from[2], end[2]; /* keys that any of them sees */
} rd_learn_tile;

/* Attention of q over k and v of the pass, and of the past where a span begins later than at 0; and
 * its way back. Heads lie side by side: q, o and their gradients (T, H hd), with rows of o o_stride
 * apart, k, v and theirs (T, K hd), past_k, past_v (.., K hd). attend_keep makes o and lse;
 * attend_delta makes delta; with these attend_back_queries makes dq, and attend_back_keys dk and
 * dv, which are those of the pass's rows alone. Each is for f32; with _64, _128 and _256 behind its
 * name it is for bf16, and heads of no more numbers. A block a tile and head: RD_LEARN_WARPS warps;
 * keys a key head; delta a warp a row and head. */
typedef struct rd_learn_attend_args {
  void *o, *dq, *dk, *dv;
  float *lse, *delta; /* (T, H) */
  const void *q, *k, *v, *d_o, *past_k, *past_v;
  const rd_learn_tile *tiles;
  const rd_learn_span *spans;
  const rd_device_row *rows;                 /* (T) */
  int64_t T, o_stride;                       /* from row to row of o */
  int32_t heads, kv_heads, hd, window, type; /* window: 0 or 1, which of a row's ranges */
  float scale, cap;
} rd_learn_attend_args;
/* Bytes that a block shares, of attend_keep or of a way back. */
static inline size_t rd_learn_shared(int64_t hd, rd_dtype type, bool back) {
  const size_t wide = (size_t)((hd + 15) / 16 * 16 + 8), numbers = 4 * sizeof(float);
  const size_t rows =
      back ? 2 * RD_LEARN_ROWS + 2 * RD_LEARN_STEP : RD_LEARN_ROWS + 2 * RD_LEARN_STEP;
  const size_t scratch = 4 * 16 * (RD_LEARN_STEP + 8) * sizeof(float);
  return type == RD_BF16
           ? (back ? 4u : 3u) * RD_LEARN_ROWS * wide * sizeof(uint16_t) + RD_LEARN_ROWS * numbers
           : rows * wide * sizeof(float) + RD_LEARN_WARPS * scratch + RD_LEARN_STEP * numbers;
}

/* losses[i] = cross-entropy of logits (n, V) against targets[i], or, where there are goals (n, V),
 * against their softmax. Unless dlogits is NULL, dlogits (n, V) of type = weights[i] times the
 * slope, of logits before they were multiplied with `factor` and capped; it may be the logits where
 * that is f32. A block a row. */
typedef struct rd_loss_args {
  void *dlogits;
  const float *logits, *goals, *weights;
  const int32_t *targets;
  float *losses; /* (n) */
  int64_t V;
  float factor, cap; /* cap 0: none */
  int32_t type;
} rd_loss_args;

/* apart[i] = 1 - cosine of row rows[i] of x and row parents[i] of own (.., D), of one type. Unless
 * dx is NULL, row rows[i] of dx += weight * weights[i] times its slope. A block a row. */
typedef struct rd_align_args {
  float *dx;     /* (.., D) */
  double *apart; /* (n) */
  const void *x, *own;
  const int32_t *rows, *parents;
  const float *weights; /* (n) */
  int64_t D;
  double weight;
  int32_t type;
} rd_align_args;

/* sums[b] = the squares of every blocks-th stretch of x (n), for the b-th block. */
enum { RD_SQUARES_BLOCKS = 256 };
typedef struct rd_squares_args {
  double *sums;
  const float *x;
  int64_t n;
} rd_squares_args;

/* A tensor that AdamW changes. */
typedef struct rd_adamw_item {
  float *master, *m, *v;
  const float *gradient;
  uint16_t *working; /* bf16 that follow the master; NULL: the pass reads the master itself */
  void *beside; /* and a copy of what the pass reads, rows of `cols` that are `stride` apart, of
                   its type; or NULL */
  int64_t count, cols, stride;
  int32_t decays;
} rd_adamw_item;

/* rd_adamw_factors over all items. Sides are items. */
typedef struct rd_adamw_args {
  const rd_adamw_item *items;
  rd_adamw_factors factors;
} rd_adamw_args;

#define RD_LEARN_KERNELS(X)                                                                        \
  X(clear, rd_clear_args, 0)                                                                       \
  X(norm_back, rd_norm_back_args, 1)                                                               \
  X(sum_rows, rd_sum_rows_args, 1)                                                                 \
  X(gated_back, rd_gated_back_args, 0)                                                             \
  X(beside, rd_beside_args, 0)                                                                     \
  X(put, rd_put_args, 0)                                                                           \
  X(look_up_back, rd_look_up_back_args, 0)                                                         \
  X(attend_keep, rd_learn_attend_args, 1)                                                          \
  X(attend_keep_64, rd_learn_attend_args, 1)                                                       \
  X(attend_keep_128, rd_learn_attend_args, 1)                                                      \
  X(attend_keep_256, rd_learn_attend_args, 1)                                                      \
  X(attend_delta, rd_learn_attend_args, 1)                                                         \
  X(attend_back_queries, rd_learn_attend_args, 1)                                                  \
  X(attend_back_queries_64, rd_learn_attend_args, 1)                                               \
  X(attend_back_queries_128, rd_learn_attend_args, 1)                                              \
  X(attend_back_queries_256, rd_learn_attend_args, 1)                                              \
  X(attend_back_keys, rd_learn_attend_args, 1)                                                     \
  X(attend_back_keys_64, rd_learn_attend_args, 1)                                                  \
  X(attend_back_keys_128, rd_learn_attend_args, 1)                                                 \
  X(attend_back_keys_256, rd_learn_attend_args, 1)                                                 \
  X(loss, rd_loss_args, 1)                                                                         \
  X(align, rd_align_args, 1)                                                                       \
  X(squares, rd_squares_args, 1)                                                                   \
  X(adamw, rd_adamw_args, 0)

#endif
