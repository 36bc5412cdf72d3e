/* SPDX-License-Identifier: MIT */
/* The kernels of steady.c, compiled for an instruction set each (steady_body.inc). */
#ifndef RD_STEADY_KERNELS_H
#define RD_STEADY_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

/* Columns of a panel of b, laid out (span, RD_STEADY_COLS), and rows of a tile of c at most. */
enum { RD_STEADY_COLS = 16, RD_STEADY_ROWS = 6 };

/* In place of a stride: the tile's rows of a are laid out (span, RD_STEADY_ROWS). */
enum { RD_STEADY_LAID = -1 };

/* A tile of c (rows, cols) from a panel; `add`: to what stands there. Strides in numbers. */
typedef struct rd_steady_tile {
  float *c;
  const float *a, *panel; /* the panel aligned to 32 */
  int64_t c_stride, a_stride, span;
  int rows, cols;
  bool add;
} rd_steady_tile;

typedef struct rd_steady_kernels {
  void (*multiply)(const rd_steady_tile *t);
  /* 8 columns of b, each of `span` numbers that lie together, `stride` apart, into a panel. */
  void (*turn)(float *panel, const float *b, int64_t stride, int64_t span);
} rd_steady_kernels;

extern const rd_steady_kernels rd_steady_scalar, rd_steady_avx2;

#endif
