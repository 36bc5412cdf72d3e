/* SPDX-License-Identifier: MIT */
/* The parts of tight.h that need AVX512-BF16.
 *
 * Planes of a panel lie in steps of 8 columns, 4 pairs: for each of its two halves of 16 rows the
 * bytes of the 4 pairs, 32 each (rows in turn, both numbers of a pair side by side), then for each
 * half 64 bytes in which word i has the four bits of number i of all 4 pairs, the first lowest.
 * What is unpacked is so one register for each pair of a half, as vdpbf16ps wants it. */
#ifndef RD_TIGHT_KERNELS_H
#define RD_TIGHT_KERNELS_H

#include "tight.h"

enum {
  RD_TIGHT_STEP_BYTES = 384, /* of a panel's planes */
  RD_TIGHT_FEW = 12,         /* rows of x for which numbers go from the planes into the product */
  RD_TIGHT_GROUP = 14,       /* rows of x whose sums stay in registers, two for each */
  RD_TIGHT_GROUP_ROOM = 16   /* rows of x that lie together */
};

/* A stretch of columns of a panel. */
typedef struct rd_tight_stretch {
  const rd_tight_panel *panel;
  const unsigned char *planes; /* of the stretch */
  const rd_tight_number *next; /* the first of the panel's list that is not before the stretch */
  int64_t first, length;       /* columns; `first` begins a step */
} rd_tight_stretch;

/* Fill planes of a panel whose windows are chosen, and its list, from `valid` rows of w, which are
 * `stride` numbers apart. */
void rd_tight_pack_panel(const rd_tight_panel *panel, unsigned char *planes, const rd_bf16 *w,
                         int64_t stride, int64_t valid, int64_t cols);

/* sums (rows <= RD_TIGHT_FEW, 32) = the stretch's products with rows of x, pair by pair: x holds
 * pairs of neighbours along the columns, those of all rows side by side. Gives what is next in the
 * list. */
const rd_tight_number *rd_tight_sums(float *sums, const rd_tight_stretch *s, const rd_bf16 *x,
                                     int rows);

/* out (pairs of the stretch, rounded up to steps, 32 rows, 2) = its numbers. */
const rd_tight_number *rd_tight_unpack(rd_bf16 *out, const rd_tight_stretch *s);
/* sums (rows <= RD_TIGHT_GROUP, 32) += products of `pairs` pairs of w, as unpacked, and of x, whose
 * pairs lie as rd_tight_group leaves them; `fresh`: sums begin at zero. Where `ahead` is not NULL,
 * as many planes as make `pairs` are fetched from there into the second cache meanwhile. */
void rd_tight_tile(float *sums, const rd_bf16 *w, const rd_bf16 *x, int64_t pairs, int rows,
                   const void *ahead, bool fresh);
/* out (cols / 2 rounded up to 16, RD_TIGHT_GROUP_ROOM, 2) = pairs of up to so many rows of x, zeros
 * behind the last column. */
void rd_tight_group(rd_bf16 *out, const rd_bf16 *x, int64_t x_stride, int64_t rows, int64_t cols);

#endif
