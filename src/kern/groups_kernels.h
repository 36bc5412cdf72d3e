/* SPDX-License-Identifier: MIT */
/* What the products of groups.h are made of, one set for each instruction set. All sets compute the
 * same integers; f32 sums differ by the rounding of multiply-adds alone. */
#ifndef RD_GROUPS_KERNELS_H
#define RD_GROUPS_KERNELS_H

#include "groups.h"

enum {
  RD_TILE_ROWS = 4, /* rows of activations at a time, at most */
  RD_GROUP_BYTES = RD_GROUP * RD_PANEL,
  RD_LANES = 64 /* sums over a row run side by side */
};

/* Some groups of a panel, ready for the tile kernel. Bytes of a group: [8 steps of 4 numbers][32
 * outputs][4 numbers]. */
typedef struct rd_group_block {
  const uint8_t *quants; /* (groups, 8, 32, 4): the integer plus 128; packed: (groups, 4, 32, 4) */
  const float *scales;   /* (groups, 32) */
  const float *minima;   /* (groups, 32): times -1/128, as the offsets hold -128; or NULL */
  int64_t groups;
  bool packed; /* nibbles, as widen takes them: bias 128 where there are minima, else 120 */
} rd_group_block;

/* The same groups of some rows of activations, from the first row on. */
typedef struct rd_group_slice {
  const int8_t *low, *high; /* (rows, RD_PIECE) */
  const uint8_t *spill;     /* (rows, RD_TILE_GROUPS) */
  const int32_t *offset;    /* (rows, RD_TILE_GROUPS) */
  const float *step;        /* (rows, RD_STEPS) */
  const char *next;         /* what is read after this, to be fetched in time: */
  int64_t lines;            /* so many cache lines for each group */
} rd_group_slice;

/* The sums of a tile: where they come from, and where they go to with what is added to them. */
typedef struct rd_group_sums {
  const float *from; /* (rows, 32); NULL: zeros */
  float *to;         /* rows of 32, `stride` apart */
  int64_t stride;
  bool add; /* to what is there */
} rd_group_sums;

typedef struct rd_group_kernels {
  bool packed; /* tile takes nibbles */
  /* s->to (rows, 32) = s->from + the products of a block with `rows` <= RD_TILE_ROWS rows. */
  void (*tile)(const rd_group_sums *s, const rd_group_block *b, const rd_group_slice *a, int rows);
  /* `groups` groups of nibbles to bytes, each plus `bias` (120 or 128). In a group of 512 bytes [4
   * steps][32][4] the lower halves are steps 0..3, the upper ones 4..7. `from` may lie anywhere. */
  void (*widen)(uint8_t *out, const uint8_t *from, int64_t groups, int bias);
  /* n multiples of 32: 16-bit floats to f32 times `factor`. */
  void (*from_f16)(float *out, const rd_f16 *from, float factor, int64_t n);
  void (*from_bf16)(float *out, const rd_bf16 *from, int64_t n);
  /* out (groups, 32) = unit (32) times the multiples (groups, 32) */
  void (*multiples)(float *out, const float *unit, const uint8_t *multiples, int64_t groups);
  /* The first `steps` x RD_STEP_GROUPS groups of a piece of activations: sums (RD_LANES) += |x|. */
  void (*measure)(float *sums, const float *x, int steps);
  /* The same part of a row whose magnitudes are `mean` on average to integers, as rd_group_rows has
   * them; a mean that is no number makes steps that are none. */
  void (*round)(int8_t *low, int8_t *high, uint8_t *spill, int32_t *offset, float *step,
                const float *x, float mean, int steps);
} rd_group_kernels;

/* The step of RD_STEP_GROUPS groups whose largest magnitude is `top`, in a row whose magnitudes are
 * `mean` on average, and (the result) what numbers are multiplied by to become integers. Both
 * bounds were measured: bench/SPEED.md. */
static inline float rd_group_step(float *step, float top, float mean) {
  const float far = 5, reach = 3, most = 127 * 256 /* what both planes hold */;
  float s = top / 127;
  if (top > mean * far) {
    const float fine = mean * (reach / 127);
    s = fine * most < top ? top / most : fine;
  }
  const float inverse = s > 0x1p-100f ? 1 / s : 0;
  *step = mean != mean ? mean : inverse > 0 ? s : 0;
  return inverse;
}

extern const rd_group_kernels rd_group_kernels_scalar, rd_group_kernels_avx2,
    rd_group_kernels_avx512vnni;

/* The set for rd_cpu_level. */
const rd_group_kernels *rd_group_kernels_get(void);

#endif
