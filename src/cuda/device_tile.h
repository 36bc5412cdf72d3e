/* SPDX-License-Identifier: MIT */
/* Products of 16 x 16 tiles of f32 by a warp, number by number, out of memory that a block shares.
 *
 *   rd_tile sum;
 *   tile_clear(&sum);
 *   for (int k = 0; k < K; k += 16)
 *     tile_add(&sum, at(a, k), stride, at(b, k), stride, true);
 *   tile_put(&sum, out, out_stride);
 */
#ifndef RD_DEVICE_TILE_H
#define RD_DEVICE_TILE_H

#include "device_grid.h"

enum { RD_TILE = 16, RD_TILE_EACH = RD_TILE * RD_TILE / RD_WARP };

/* A 16 x 16 tile, spread over the lanes of a warp: 8 columns from 8 (lane % 2) on, of row lane / 2.
 */
typedef struct rd_tile {
  float x[RD_TILE_EACH];
} rd_tile;

RD_DEVICE_CODE void tile_clear(rd_tile *t) {
  RD_UNROLL
  for (int i = 0; i < RD_TILE_EACH; i++)
    t->x[i] = 0;
}

/* t += a b. Number (i, k) of a lies at a[i * a_stride + k]; (k, j) of b at b[k * b_stride + j], or
 * across, at b[j * b_stride + k]. */
RD_DEVICE_CODE void tile_add(rd_tile *t, const float *a, int a_stride, const float *b, int b_stride,
                             bool b_across) {
  const int i = grid_lane() / 2, first = grid_lane() % 2 * RD_TILE_EACH;
  RD_ROLLED
  for (int k = 0; k < RD_TILE; k++) {
    const float x = a[i * a_stride + k];
    RD_UNROLL
    for (int j = 0; j < RD_TILE_EACH; j++)
      t->x[j] += x * b[b_across ? (first + j) * b_stride + k : k * b_stride + first + j];
  }
}

/* Its numbers to shared memory, out (16, ..); other lanes may read them behind a barrier. */
RD_DEVICE_CODE void tile_put(const rd_tile *t, float *out, int stride) {
  RD_UNROLL
  for (int j = 0; j < RD_TILE_EACH; j++)
    out[grid_lane() / 2 * stride + grid_lane() % 2 * RD_TILE_EACH + j] = t->x[j];
}

#endif
