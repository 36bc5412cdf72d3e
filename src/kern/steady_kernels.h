/* SPDX-License-Identifier: MIT */
/* The kernels of steady.c, compiled for an instruction set each (steady_body.inc). */
#ifndef RD_STEADY_KERNELS_H
#define RD_STEADY_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

/* A tile of c (rows <= most, cols) over a span of K; `add`: to what stands there. Strides in
 * numbers. */
typedef struct rd_steady_tile {
  float *c;
  const float *a, *b;
  int64_t c_stride, a_stride, b_stride, span, cols;
  bool add;
} rd_steady_tile;

typedef struct rd_steady_kernels {
  int rows; /* of a tile at most */
  /* b (cols, span): what lies together is multiplied and added up at the end. */
  void (*along)(const rd_steady_tile *t, int rows);
  /* b (span, cols): columns side by side. */
  void (*across)(const rd_steady_tile *t, int rows);
} rd_steady_kernels;

extern const rd_steady_kernels rd_steady_scalar, rd_steady_avx2;

#endif
