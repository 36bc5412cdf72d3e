/* SPDX-License-Identifier: MIT */
/* Attention in tiles that stay in the first caches, with bf16 instructions: keys and values of a
 * head packed once for all its queries, scores never in memory beyond a tile (Dao et al. 2022,
 * "FlashAttention"). A row's result depends on its own query and on the keys alone. */
#ifndef RD_ATTENTION_TILES_H
#define RD_ATTENTION_TILES_H

#include "dtype.h"

enum { RD_TILE_QUERIES = 24, RD_TILE_KEYS = 256 };

/* A packed head. */
typedef struct rd_tiles {
  int64_t keys, hd; /* hd is even */
  rd_bf16 *k, *v;   /* rd_tiles_elements each */
} rd_tiles;

/* Elements of packed keys or of packed values. */
int64_t rd_tiles_elements(int64_t keys, int64_t hd);
/* Bytes of scratch of rd_tiles_attend. */
size_t rd_tiles_scratch(int64_t hd);

/* Pack rows of hd at a stride. */
void rd_tiles_pack(const rd_tiles *t, const rd_bf16 *k, int64_t k_stride, const rd_bf16 *v,
                   int64_t v_stride);

/* o[i] = softmax(scale q[i] K') V over the keys from[i] <= j < seen[i] (not empty, neither bound
 * falling), for count <= RD_TILE_QUERIES rows; lse[i] is the log of the sum of exp. Scratch is
 * aligned to 64. */
void rd_tiles_attend(const rd_tiles *t, rd_bf16 *o, int64_t o_stride, float *lse, const rd_bf16 *q,
                     int64_t q_stride, const int64_t *from, const int64_t *seen, int64_t count,
                     float scale, void *scratch);

#endif
