/* SPDX-License-Identifier: MIT */
/* Attention of a device beside the processor's, over the same layouts: heads, masks, packed
 * sequences, keys before and behind the queries, windows, caps. Keys lie in the pass or in a lane.
 */
#include "on_device.h"

#include "kern/attention_cases.h"

#include "attention_block.h"

#include "device_pass.h"

enum { MOST_TILES = 64, LAYER = 1 };

/* Heads of many numbers, and keys that blocks share. */
static const layout long_layouts[] = {
    {3, 1, 128, 1, 1, {40}, {90}, {50}, 0, 0},
    {2, 2, 128, 0, 2, {3, 33}, {70, 65}, {9, 0}, 0, 2},
    {4, 1, 256, 1, 1, {9}, {80}, {71}, 0, 0},
    {2, 1, 16, 1, 1, {3}, {1100}, {1097}, 0, 0},
    {4, 2, 24, 0, 2, {1, 2}, {600, 513}, {599, 8}, 0, 0},
    {2, 2, 48, 1, 1, {20}, {1080}, {1060}, 30, 0}, /* parts that nobody sees */
};
enum { LONG_LAYOUTS = sizeof long_layouts / sizeof *long_layouts };

/* The rows of a tensor without what lies between them. */
static void *compact(const void *x, rd_dtype type, int64_t count, int64_t row, int64_t stride) {
  const size_t element = rd_dtype_size(type);
  char *y = malloc((size_t)(count * row) * element + 64);
  for (int64_t i = 0; i < count; i++)
    memcpy(y + (size_t)(i * row) * element, rd_at_const(x, type, i * stride),
           (size_t)row * element);
  return y;
}

/* By the kernel for any type, or by the one that multiplies tiles, with or without splits. */
static void run_attend(rd_device *d, rd_attend_args *args, int64_t tiles, int64_t rows,
                       int64_t keys, int64_t most, bool by_tiles) {
  const int64_t hd = args->hd, group = args->heads / args->kv_heads;
  const size_t bytes = (size_t)(rows * args->heads * hd) * rd_dtype_size((rd_dtype)args->type);
  if (!by_tiles) {
    const size_t shared = (3 * 32 * (size_t)((hd + 3) / 4 * 4 + 4) + 1024) * sizeof(float);
    const rd_blocks grid = {tiles, args->heads, 128, shared};
    launch_both_ways(d, &d->kernels->attend, &grid, args, args->o, bytes);
    return;
  }
  args->chunks = (int32_t)((most * group + RD_ATTEND_ROWS - 1) / RD_ATTEND_ROWS);
  args->splits = (int32_t)rd_device_splits(keys);
  const rd_kernel *kernel = hd <= 64  ? &d->kernels->attend_64
                          : hd <= 128 ? &d->kernels->attend_128
                                      : &d->kernels->attend_256;
  const size_t parts = (size_t)(rows * args->heads * args->splits * (hd + 2));
  float *memory = calloc(parts, sizeof *memory);
  args->parts = memory;
  args->marks = memory + rows * args->heads * args->splits * hd;
  const rd_blocks grid = {tiles * args->chunks, (int64_t)args->kv_heads * args->splits,
                          RD_ATTEND_WARPS * RD_WARP_SIZE, rd_attend_shared(hd)};
  void *out = args->splits > 1 ? (void *)memory : args->o;
  launch_both_ways(d, kernel, &grid, args, out, args->splits > 1 ? parts * sizeof *memory : bytes);
  const rd_blocks joins = {rows, args->heads, 32, 0};
  if (args->splits > 1)
    launch_both_ways(d, &d->kernels->join, &joins, args, args->o, bytes);
  free(memory);
}

/* Where keys lie: in the pass, in a lane, or the first half in a lane and the others in the pass;
 * then what lies in the other place is no number. */
enum { IN_PASS, IN_LANE, IN_BOTH, PLACES };

/* Rows first .. end of a tensor are no numbers. */
static void spoil(void *x, rd_dtype type, int64_t row, int64_t first, int64_t end) {
  memset(rd_at(x, type, first * row), 0xff, (size_t)((end - first) * row) * rd_dtype_size(type));
}

static void check_layout(rd_device *d, const layout *l, rd_dtype type, int place, int most,
                         bool by_tiles) {
  scene s;
  int64_t longest = 0;
  scene_init(&s, l, type);
  const rd_attention *a = &s.a;
  const int64_t wide = a->heads * a->head_dim, narrow = a->kv_heads * a->head_dim;
  const size_t element = rd_dtype_size(type);
  void *q = compact(s.data[Q], type, s.rows, wide, a->q_stride);
  void *k = compact(s.data[K], type, s.key_rows, narrow, a->k_stride);
  void *v = compact(s.data[V], type, s.key_rows, narrow, a->v_stride);
  void *lane_k = compact(k, type, s.key_rows, narrow, narrow);
  void *lane_v = compact(v, type, s.key_rows, narrow, narrow);
  void *o = calloc((size_t)(s.rows * wide), element);
  rd_device_row *rows = calloc((size_t)s.rows, sizeof *rows);
  rd_device_tile tiles[MOST_TILES];
  int64_t count = 0;
  const int64_t layer = place == IN_PASS ? 0 : LAYER; /* the keys are those of layer 1 of a lane */
  for (int64_t n = 0; n < a->sequences; n++) {
    const rd_span *x = &s.spans[n];
    const int64_t offset = x->k * narrow * (int64_t)element;
    const int64_t kept = place == IN_PASS ? 0 : place == IN_LANE ? x->keys : x->keys / 2;
    spoil(k, type, narrow, x->k, x->k + kept);
    spoil(lane_k, type, narrow, x->k + kept, x->k + x->keys);
    spoil(v, type, narrow, x->k, x->k + kept);
    spoil(lane_v, type, narrow, x->k + kept, x->k + x->keys);
    for (int64_t i = 0; i < x->queries; i++)
      rows[x->q + i] = (rd_device_row){.from = {0, (int32_t)rd_attention_from(a, x, i)},
                                       .seen = {0, (int32_t)rd_attention_seen(a, x, i)}};
    longest = x->keys > longest ? x->keys : longest;
    for (int64_t i = 0; i < x->queries; i += most) {
      const int64_t left = x->queries - i < most ? x->queries - i : most;
      assert_true(count < MOST_TILES);
      tiles[count++] =
          (rd_device_tile){.row = (int32_t)(x->q + i),
                           .count = (int32_t)left,
                           .from = {0, rows[x->q + i].from[1]},
                           .end = {0, rows[x->q + i + left - 1].seen[1]},
                           .kept = kept,
                           .first = x->k,
                           .k = kept ? (unsigned char *)lane_k + offset - LAYER * 8 : NULL,
                           .v = kept ? (unsigned char *)lane_v + offset - LAYER * 8 : NULL,
                           .stride = 8};
    }
  }
  rd_attend_args args = {.o = o,
                         .q = q,
                         .k = k,
                         .v = v,
                         .tiles = tiles,
                         .rows = rows,
                         .layer = layer,
                         .heads = (int32_t)a->heads,
                         .kv_heads = (int32_t)a->kv_heads,
                         .hd = (int32_t)a->head_dim,
                         .window = 1,
                         .type = (int32_t)type,
                         .scale = a->scale,
                         .cap = a->cap};
  run_attend(d, &args, count, s.rows, longest, most, by_tiles);
  assert_int_equal(
      rd_attention_forward(a, s.data[O], s.lse, s.data[Q], s.data[K], s.data[V], s.workspace, NULL),
      RD_OK);
  for (int64_t n = 0; n < a->sequences; n++)
    for (int64_t i = 0; i < s.spans[n].queries; i++) {
      const int64_t row = s.spans[n].q + i;
      assert_near(rd_at(o, type, row * wide), rd_at(s.data[O], type, row * a->o_stride), type, wide,
                  type == RD_F32 ? 2e-5 : 3e-2, "attention");
    }
  free(q);
  free(k);
  free(v);
  free(lane_k);
  free(lane_v);
  free(o);
  free(rows);
  scene_drop(&s);
}

static void attention_agrees_with_the_processors(void **state) {
  (void)state;
  rd_device *d = device_of_test();
  for (int i = 0; i < LAYOUTS; i++)
    for (int t = RD_F32; t <= RD_BF16; t++) {
      check_layout(d, &layouts[i], (rd_dtype)t, i % PLACES, RD_TILE_MOST, false);
      check_layout(d, &layouts[i], (rd_dtype)t, (i + 1) % PLACES, 7, false);
    }
  rd_device_close(&d);
}

static void tiles_agree_with_the_processors(void **state) {
  (void)state;
  rd_device *d = device_of_test();
  for (int i = 0; i < LAYOUTS; i++)
    if (layouts[i].head_dim % 8 == 0) {
      check_layout(d, &layouts[i], RD_BF16, i % PLACES, RD_TILE_MOST, true);
      check_layout(d, &layouts[i], RD_BF16, (i + 1) % PLACES, 7, true);
    }
  for (int i = 0; i < LONG_LAYOUTS; i++) {
    check_layout(d, &long_layouts[i], RD_BF16, i % 2 ? IN_BOTH : IN_PASS, RD_TILE_MOST, true);
    check_layout(d, &long_layouts[i], RD_BF16, i % 2 ? IN_LANE : IN_BOTH, 2, true);
  }
  rd_device_close(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(attention_agrees_with_the_processors),
      cmocka_unit_test(tiles_agree_with_the_processors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
