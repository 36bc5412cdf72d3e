/* SPDX-License-Identifier: MIT */
/* Products of integers that keep the model: weights in groups of 32 along K with a scale (and, in
 * some kinds, a minimum) of their own, and activations rounded to integers of 8 bits whose outliers
 * spill into a second plane, so that one large channel does not coarsen the others.
 *
 *   y[r][n] = sum over fours of groups s of step[r][s] * sum over groups g in s of
 *             scale[n][g] * sum over k in g of (q[n][k] * x[r][k])  +  minimum[n][g] * sum x[r][k]
 *
 * Sums inside a group are exact integers; the rest is added in f32 in rising order. So a row of y
 * is bitwise the same whatever the number of rows, of threads and of outputs computed with it.
 *
 * A matrix (N outputs, K inputs) is packed once, by rd_groups_pack, from the blocks of its file,
 * into buffers aligned to 64:
 *
 *   rd_groups m = {kind, quants, scales, N, K};   // rd_groups_quant_bytes, rd_groups_scale_bytes
 *   rd_groups_pack(&m, data, row_bytes, decode);
 *   rd_group_rows x = rd_group_rows_place(buffer, M, K);
 *   rd_group_rows_round(&x, activations, RD_F32, K);
 *   rd_groups_multiply(y, RD_F32, N, &x, &m, false);
 */
#ifndef RD_GROUPS_H
#define RD_GROUPS_H

#include <stdbool.h>

#include "dtype.h"

enum {
  RD_GROUP = 32, /* numbers along K that share a scale */
  RD_PANEL = 32, /* outputs whose numbers lie together */
  RD_TILE_GROUPS =
      16, /* groups that are multiplied at a time: their weights stay in the first cache */
  RD_PIECE = RD_GROUP * RD_TILE_GROUPS, /* numbers of a row that lie together */
  RD_STEP_GROUPS = 4,                   /* groups of a row of activations that share a step */
  RD_STEPS = RD_TILE_GROUPS / RD_STEP_GROUPS
};

struct rd_group_kernels;

/* How a group is stored. q is an unsigned byte in the kernels: the integer plus 128. */
typedef struct rd_group_kind {
  const char *name;    /* "i8", "i8b", "i4", "i4m", "i4k" */
  const char *what;    /* one line for users */
  int64_t quant_bytes; /* of a group of a panel: 32 x 32 numbers */
  int64_t scale_bytes; /* of `span` groups of a panel */
  int64_t span;        /* groups whose scales lie together: 1, or 8 where blocks hold 256 numbers */
  bool minimum;        /* groups have a minimum beside the scale */
  int bias;            /* nibbles become bytes by adding this; 0: bytes already */
  /* scales (groups, 32) and minima (groups, 32), if any, times -1/128, of `groups` groups */
  void (*expand)(const struct rd_group_kernels *kernels, float *scales, float *minima,
                 const void *from, int64_t groups);
} rd_group_kind;

/* i8: integers of 8 bits, scale in f16 (Q8_0 and Q5_0 as they are). i8b: the same with the scale in
 * bf16, for what is rounded here. i4: 0..15 less 8, f16 (Q4_0). i4m: 0..15, f16 scale and minimum
 * (Q4_1). i4k: 0..15, scale and minimum as 6-bit multiples of two f16 (Q4_K). */
extern const rd_group_kind rd_group_kinds[];
extern const size_t rd_group_kind_count;
const rd_group_kind *rd_group_kind_named(const char *name); /* NULL: unknown */

/* A packed matrix. Rows are padded to panels and columns to the kind's span, with zeros. */
typedef struct rd_groups {
  const rd_group_kind *kind;
  void *quants, *scales;
  int64_t rows, cols; /* N outputs, K inputs */
} rd_groups;

/* Bytes of the two buffers of an (N, K) matrix. */
size_t rd_groups_quant_bytes(const rd_group_kind *kind, int64_t N, int64_t K);
size_t rd_groups_scale_bytes(const rd_group_kind *kind, int64_t N, int64_t K);

/* How blocks of a file become groups. */
typedef void rd_group_decode(float *out, const unsigned char *in, int64_t n);
typedef struct rd_group_packing rd_group_packing;

/* The packing for a storage format by its name ("Q8_0"): one that keeps every number where there is
 * one, else one that decodes a row and rounds it to groups of 8 bits. Never NULL. */
const rd_group_packing *rd_group_packing_of(const char *storage);
/* The kind that a packing makes. */
const rd_group_kind *rd_group_packing_kind(const rd_group_packing *packing);
/* Whether the packed numbers are the file's own. */
bool rd_group_packing_exact(const rd_group_packing *packing);

/* Fill panels first <= p < last (of 32 rows each; there are (N + 31) / 32) of `m` from the rows at
 * `data`, `row_bytes` apart. `decode` turns a row of blocks into K numbers; an exact packing does
 * not call it and it may be NULL then. On the calling thread alone: threads share the panels out.
 * False, with the matrix half filled, where a number is not finite. */
bool rd_groups_pack_panels(const rd_groups *m, const rd_group_packing *packing, const void *data,
                           int64_t row_bytes, rd_group_decode *decode, int64_t first, int64_t last);
/* All of it on all threads. */
bool rd_groups_pack(const rd_groups *m, const rd_group_packing *packing, const void *data,
                    int64_t row_bytes, rd_group_decode *decode);

/* Row `row` as numbers, for tests and for what wants single rows (embeddings): out (K). */
void rd_groups_row(float *out, const rd_groups *m, int64_t row);

/* Activations as integers x = low + 256 high of 16 bits, most of which fit the lower plane; value =
 * step * x. */
typedef struct rd_group_rows {
  int64_t rows, cols; /* M, K */
  int64_t pieces;     /* ceil(K / 512): of each, all rows lie together */
  int8_t *low, *high; /* (pieces, M, 512): zero beyond K, as far as a step reaches */
  uint8_t *spill;     /* (pieces, M, 16): bit t: the high plane is not zero in numbers 4t .. 4t + 3
                         of the group */
  int32_t *offset;    /* (pieces, M, 16): -128 times the sum of the group's x */
  float *step;        /* (pieces, M, 4): what 1 means in four groups */
} rd_group_rows;

/* Bytes for M rows of K numbers, and the rows placed in that many bytes (aligned to 64). */
size_t rd_group_rows_bytes(int64_t M, int64_t K);
rd_group_rows rd_group_rows_place(void *buffer, int64_t M, int64_t K);

/* Round `x` (M, K), rows `stride` elements apart, f32 or bf16. Steps are a share of what is
 * largest in four groups, or of the row's mean magnitude: see groups_rows.c. A row with a number
 * that is not finite becomes NaN. On all threads. */
void rd_group_rows_round(rd_group_rows *out, const void *x, rd_dtype type, int64_t stride);

/* y (M, N), f32 or bf16, rows `stride` elements apart, = x m' (or is added to: `add`, in f32 before
 * rounding). x->cols == m->cols. On all threads, from any thread. */
void rd_groups_multiply(void *y, rd_dtype type, int64_t stride, const rd_group_rows *x,
                        const rd_groups *m, bool add);

#endif
