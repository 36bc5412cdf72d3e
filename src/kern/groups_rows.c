/* SPDX-License-Identifier: MIT */
/* Activations as integers. A row of a real model has a few numbers that are many times as large as
 * the rest; a step of 1/127 of the largest loses the rest (SmolLM2: one best token in five
 * changes), and groups with steps of their own only fence the damage in. Here four groups share a
 * step of 1/127 of their largest number as long as that is not far above the row's mean magnitude.
 * Where it is, the step is a fixed share of the mean: so the error of every number is bounded by
 * that, whatever the outliers, and what exceeds 127 steps spills into a second plane of 8 bits, in
 * which the kernels look only at the steps of 4 numbers that hold something. A plane of zeros adds
 * exact zeros, so a row does not depend on the rows beside it. The bounds are rd_group_step's. */
#include "groups.h"

#include <math.h>

#include "groups_kernels.h"
#include "kernels.h"
#include "parallel.h"

static int64_t pieces(int64_t K) {
  return (K + RD_PIECE - 1) / RD_PIECE;
}

static size_t aligned(int64_t bytes) {
  return ((size_t)bytes + 63) / 64 * 64;
}

size_t rd_group_rows_bytes(int64_t M, int64_t K) {
  const int64_t n = M * pieces(K);
  return (size_t)(n * (2 * RD_PIECE + 4 * RD_TILE_GROUPS + 4 * RD_STEPS)) +
         aligned(n * RD_TILE_GROUPS);
}

rd_group_rows rd_group_rows_place(void *buffer, int64_t M, int64_t K) {
  rd_group_rows x = {.rows = M, .cols = K, .pieces = pieces(K)};
  const int64_t n = M * x.pieces;
  unsigned char *at = buffer;
  x.low = (int8_t *)at, at += n * RD_PIECE;
  x.high = (int8_t *)at, at += n * RD_PIECE;
  x.offset = (int32_t *)(void *)at, at += n * RD_TILE_GROUPS * 4;
  x.step = (float *)(void *)at, at += n * RD_STEPS * 4;
  x.spill = at;
  return x;
}

typedef struct rounding {
  rd_group_rows *out;
  const void *x;
  rd_dtype type;
  int64_t stride;
  const rd_group_kernels *kernels;
  const rd_kernels *plain;
} rounding;

/* Piece i of a row as f32, zeros after its end as far as the last of its steps reaches. Returns the
 * number of these. */
static int piece(float *out /* (RD_PIECE) */, const rounding *j, int64_t row, int64_t i) {
  enum { STEP = RD_STEP_GROUPS * RD_GROUP };
  const int64_t left = j->out->cols - i * RD_PIECE, n = left < RD_PIECE ? left : RD_PIECE;
  const int64_t steps = (n + STEP - 1) / STEP;
  j->plain->to_f32[j->type](out, rd_at_const(j->x, j->type, row * j->stride + i * RD_PIECE), n);
  memset(out + n, 0, (size_t)(steps * STEP - n) * sizeof *out);
  return (int)steps;
}

/* The mean magnitude of a row; not a number where one of it is none. */
static float mean_of(const rounding *j, int64_t row) {
  float x[RD_PIECE], sums[RD_LANES] = {0}, sum = 0;
  for (int64_t i = 0; i < j->out->pieces; i++) {
    const int steps = piece(x, j, row, i);
    j->kernels->measure(sums, x, steps);
  }
  for (int i = 0; i < RD_LANES; i++)
    sum += sums[i];
  return isfinite(sum) ? sum / (float)j->out->cols : NAN;
}

static void round_rows(void *context, int thread, int64_t first, int64_t last) {
  (void)thread;
  const rounding *j = context;
  const rd_group_rows *out = j->out;
  for (int64_t r = first; r < last; r++) {
    float x[RD_PIECE];
    const float mean = mean_of(j, r);
    for (int64_t i = 0; i < out->pieces; i++) {
      const int64_t at = i * out->rows + r;
      const int steps = piece(x, j, r, i);
      if (isnan(mean))
        memset(x, 0, sizeof x);
      j->kernels->round(out->low + at * RD_PIECE, out->high + at * RD_PIECE,
                        out->spill + at * RD_TILE_GROUPS, out->offset + at * RD_TILE_GROUPS,
                        out->step + at * RD_STEPS, x, mean, steps);
    }
  }
}

void rd_group_rows_round(rd_group_rows *out, const void *x, rd_dtype type, int64_t stride_) {
  rounding j = {out, x, type, stride_, rd_group_kernels_get(), rd_kernels_get()};
  rd_parallel(out->rows, 1 + 4096 / (out->cols + 1), round_rows, &j);
}
