/* SPDX-License-Identifier: MIT */
/* Products of 16 x 16 tiles by a warp, out of memory that a block shares: on a card bf16 by its
 * tensor cores, f32 number by number; on the processor both so. Which of the two is meant is a
 * constant where a kernel is compiled.
 *
 *   rd_tile sum;
 *   tile_clear(&sum);
 *   for (int k = 0; k < K; k += 16)
 *     tile_add(&sum, RD_BF16, at(a, k), stride, false, at(b, k), stride, true);
 *   tile_put(&sum, RD_BF16, out, out_stride);
 *
 * Operands begin at a multiple of 32 bytes, and their strides are multiples of 8 numbers. */
#ifndef RD_DEVICE_TILE_H
#define RD_DEVICE_TILE_H

#include "device_grid.h"

enum { RD_TILE = 16, RD_TILE_EACH = RD_TILE * RD_TILE / RD_WARP };

#ifdef __CUDACC__
#include <mma.h>
typedef nvcuda::wmma::fragment<nvcuda::wmma::accumulator, RD_TILE, RD_TILE, RD_TILE, float>
    rd_tile_sum;
#endif

/* A 16 x 16 tile of f32, spread over the lanes of a warp. */
typedef struct rd_tile {
  float x[RD_TILE_EACH]; /* of f32: 8 columns from 8 (lane % 2) on, of row lane / 2 */
#ifdef __CUDACC__
  rd_tile_sum sum; /* of bf16 */
#endif
} rd_tile;

RD_DEVICE_CODE void tile_clear(rd_tile *t) {
  RD_UNROLL
  for (int i = 0; i < RD_TILE_EACH; i++)
    t->x[i] = 0;
#ifdef __CUDACC__
  nvcuda::wmma::fill_fragment(t->sum, 0.0f);
#endif
}

#ifdef __CUDACC__
template <class A, class B>
RD_DEVICE_CODE void tile_multiply(rd_tile *t, const void *a, int a_stride, const void *b,
                                  int b_stride) {
  using namespace nvcuda::wmma;
  fragment<matrix_a, RD_TILE, RD_TILE, RD_TILE, __nv_bfloat16, A> x;
  fragment<matrix_b, RD_TILE, RD_TILE, RD_TILE, __nv_bfloat16, B> y;
  load_matrix_sync(x, (const __nv_bfloat16 *)a, (unsigned)a_stride);
  load_matrix_sync(y, (const __nv_bfloat16 *)b, (unsigned)b_stride);
  mma_sync(t->sum, x, y, t->sum);
}
#endif

/* t += a b. Number (i, k) of a lies at a[i * a_stride + k], or across, at a[k * a_stride + i]; (k,
 * j) of b at b[k * b_stride + j], or across, at b[j * b_stride + k]. */
RD_DEVICE_CODE void tile_add(rd_tile *t, int type, const void *a, int a_stride, bool a_across,
                             const void *b, int b_stride, bool b_across) {
#ifdef __CUDACC__
  using namespace nvcuda::wmma;
  if (type == RD_BF16) {
    if (a_across && b_across)
      tile_multiply<col_major, col_major>(t, a, a_stride, b, b_stride);
    else if (a_across)
      tile_multiply<col_major, row_major>(t, a, a_stride, b, b_stride);
    else if (b_across)
      tile_multiply<row_major, col_major>(t, a, a_stride, b, b_stride);
    else
      tile_multiply<row_major, row_major>(t, a, a_stride, b, b_stride);
    return;
  }
#endif
  const int i = grid_lane() / 2, first = grid_lane() % 2 * RD_TILE_EACH;
  RD_ROLLED
  for (int k = 0; k < RD_TILE; k++) {
    const float x = load(a, type, a_across ? k * a_stride + i : i * a_stride + k);
    RD_UNROLL
    for (int j = 0; j < RD_TILE_EACH; j++)
      t->x[j] +=
          x * load(b, type, b_across ? (first + j) * b_stride + k : k * b_stride + first + j);
  }
}

/* Its numbers to shared memory, out (16, ..); other lanes may read them behind a barrier. */
RD_DEVICE_CODE void tile_put(const rd_tile *t, int type, float *out, int stride) {
#ifdef __CUDACC__
  if (type == RD_BF16) {
    nvcuda::wmma::store_matrix_sync(out, t->sum, (unsigned)stride, nvcuda::wmma::mem_row_major);
    return;
  }
#else
  (void)type;
#endif
  RD_UNROLL
  for (int j = 0; j < RD_TILE_EACH; j++)
    out[grid_lane() / 2 * stride + grid_lane() % 2 * RD_TILE_EACH + j] = t->x[j];
}

#endif
