/* SPDX-License-Identifier: MIT */
/* Attention of a layer on a device: which kernel, in how many blocks. */
#include "device_pass.h"

#include <stddef.h>

/* Kernels that tensor cores multiply in, by the largest heads that they take. */
static const struct attend_row {
  int64_t most;
  size_t kernel; /* of rd_kernel_set */
} kernels[] = {{64, offsetof(rd_kernel_set, attend_64)},
               {128, offsetof(rd_kernel_set, attend_128)},
               {256, offsetof(rd_kernel_set, attend_256)}};

int64_t rd_device_splits(int64_t keys) {
  return keys > RD_ATTEND_SPLIT ? (keys + RD_ATTEND_SPLIT - 1) / RD_ATTEND_SPLIT : 1;
}

int64_t rd_device_splits_of(const rd_device_stack *s) {
  return s->T <= RD_SPLIT_ROWS ? rd_device_splits(s->key_end) : 1;
}

/* A warp a few queries of one head, in f32. */
static rd_code attend_plain(rd_device_stack *s, const rd_attend_args *args, rd_error *e) {
  enum { WARPS = 4 };
  const size_t wide = (size_t)((args->hd + 3) / 4 * 4 + 4);
  const rd_blocks grid = {.blocks = s->tile_count,
                          .sides = args->heads,
                          .threads = WARPS * RD_WARP_SIZE,
                          .shared = (3 * RD_TILE_MOST * wide + RD_TILE_MOST * 32) * sizeof(float)};
  return RD_LAUNCH(s, attend, &grid, args, e);
}

size_t rd_attend_shared(int64_t hd) {
  const size_t row = (size_t)((hd + 15) / 16 * 16 + 8) * sizeof(uint16_t);
  return RD_ATTEND_WARPS * RD_ATTEND_ROWS * 2 * sizeof(float) +
         (RD_ATTEND_ROWS + 4 * RD_ATTEND_KEYS) * row;
}

static rd_code attend_tiles(rd_device_stack *s, rd_attend_args *args, rd_error *e) {
  const struct attend_row *row = kernels;
  while (row->most < args->hd)
    row++;
  const int64_t group = args->heads / args->kv_heads;
  args->chunks = (int32_t)((s->tile_rows * group + RD_ATTEND_ROWS - 1) / RD_ATTEND_ROWS);
  args->splits = (int32_t)rd_device_splits_of(s);
  const rd_blocks grid = {.blocks = s->tile_count * args->chunks,
                          .sides = (int64_t)args->kv_heads * args->splits,
                          .threads = RD_ATTEND_WARPS * RD_WARP_SIZE,
                          .shared = rd_attend_shared(args->hd)};
  const char *set = (const char *)s->device->kernels;
  const rd_kernel *kernel = (const rd_kernel *)(const void *)(set + row->kernel);
  RD_TRY(s->device->launch(s->device, kernel, &grid, args, e));
  if (args->splits == 1)
    return RD_OK;
  const rd_blocks joins = {.blocks = s->T, .sides = args->heads, .threads = 2 * RD_WARP_SIZE};
  return RD_LAUNCH(s, join, &joins, args, e);
}

/* Every key that is seen is read from where `turn` has put it. */
rd_code rd_device_attend(rd_device_stack *s, int64_t l, rd_error *e) {
  const rd_config *c = s->config;
  rd_attend_args args = {.o = s->att,
                         .q = s->q,
                         .k = s->k,
                         .v = s->v,
                         .tiles = s->there.tiles,
                         .rows = s->there.rows,
                         .layer = l,
                         .heads = (int32_t)c->heads,
                         .kv_heads = (int32_t)c->kv_heads,
                         .hd = (int32_t)c->head_dim,
                         .window = c->layer_kinds[l] & RD_LAYER_LOCAL ? 1 : 0,
                         .type = (int32_t)s->type,
                         .scale = (float)rd_config_attention_scale(c),
                         .cap = (float)c->attention_cap,
                         .parts = s->parts,
                         .marks = s->marks};
  const bool tiles = s->type == RD_BF16 && c->head_dim % 8 == 0;
  return tiles ? attend_tiles(s, &args, e) : attend_plain(s, &args, e);
}
