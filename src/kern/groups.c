/* SPDX-License-Identifier: MIT */
/* Kinds of groups, and the product: panels of 32 outputs are shared out over the threads. Of a
 * panel some 512 numbers along K at a time stay in the first cache while all rows pass over them;
 * the f32 sums of up to 256 rows wait in the second. Nibbles are widened to bytes once for all
 * these rows. Neither order changes a bit: a sum takes its groups from first to last. */
#include "groups.h"

#include <assert.h>

#include "cpu.h"
#include "groups_kernels.h"
#include "kernels.h"
#include "parallel.h"
#include "whole.h"

enum { CHUNK = 256 /* rows whose sums wait at a time */ };

/* Scales of i4k: for 8 groups, f16 units of scales (32) and of minima (32), then their multiples
 * (8, 32) and (8, 32). */
typedef struct span {
  rd_f16 scale[RD_PANEL], minimum[RD_PANEL];
  uint8_t scales[8 * RD_PANEL], minima[8 * RD_PANEL];
} span;

static void expand_f16(const rd_group_kernels *k, float *scales, float *minima, const void *from,
                       int64_t groups) {
  (void)minima;
  k->from_f16(scales, from, 1.0f, groups * RD_PANEL);
}

static void expand_bf16(const rd_group_kernels *k, float *scales, float *minima, const void *from,
                        int64_t groups) {
  (void)minima;
  k->from_bf16(scales, from, groups * RD_PANEL);
}

static void expand_f16_pairs(const rd_group_kernels *k, float *scales, float *minima,
                             const void *from, int64_t groups) {
  const rd_f16 *pair = from; /* (groups, 2, 32) */
  for (int64_t g = 0; g < groups; g++, pair += 2L * RD_PANEL) {
    k->from_f16(scales + g * RD_PANEL, pair, 1.0f, RD_PANEL);
    k->from_f16(minima + g * RD_PANEL, pair + RD_PANEL, -1.0f / 128, RD_PANEL);
  }
}

static void expand_multiples(const rd_group_kernels *k, float *scales, float *minima,
                             const void *from, int64_t groups) {
  const span *s = from;
  for (int64_t g = 0; g < groups; g += 8, s++) {
    float unit[RD_PANEL];
    k->from_f16(unit, s->scale, 1.0f, RD_PANEL);
    k->multiples(scales + g * RD_PANEL, unit, s->scales, 8);
    k->from_f16(unit, s->minimum, 1.0f / 128, RD_PANEL); /* these minima are subtracted */
    k->multiples(minima + g * RD_PANEL, unit, s->minima, 8);
  }
}

const rd_group_kind rd_group_kinds[] = {
    {"i8", "8 bits, scale in f16", 1024, 64, 1, false, 0, expand_f16},
    {"i8b", "8 bits, scale in bf16", 1024, 64, 1, false, 0, expand_bf16},
    {"i4", "4 bits, scale in f16", 512, 64, 1, false, 120, expand_f16},
    {"i4m", "4 bits, scale and minimum in f16", 512, 128, 1, true, 128, expand_f16_pairs},
    {"i4k", "4 bits, scale and minimum of 6 bits", 512, sizeof(span), 8, true, 128,
     expand_multiples},
};
const size_t rd_group_kind_count = sizeof rd_group_kinds / sizeof *rd_group_kinds;

const rd_group_kind *rd_group_kind_named(const char *name) {
  for (size_t i = 0; i < rd_group_kind_count; i++)
    if (strcmp(rd_group_kinds[i].name, name) == 0)
      return &rd_group_kinds[i];
  return NULL;
}

const rd_group_kernels *rd_group_kernels_get(void) {
#if defined(__x86_64__)
  if (rd_i8_fast())
    return &rd_group_kernels_avx512vnni;
  if (rd_cpu_level() >= RD_CPU_AVX2)
    return &rd_group_kernels_avx2;
#endif
  return &rd_group_kernels_scalar;
}

/* Spans of groups along K. */
static int64_t spans(const rd_group_kind *kind, int64_t K) {
  return rd_over(K, RD_GROUP * kind->span);
}

size_t rd_groups_quant_bytes(const rd_group_kind *kind, int64_t N, int64_t K) {
  return (size_t)(rd_over(N, RD_PANEL) * spans(kind, K) * kind->span * kind->quant_bytes);
}

size_t rd_groups_scale_bytes(const rd_group_kind *kind, int64_t N, int64_t K) {
  return (size_t)(rd_over(N, RD_PANEL) * spans(kind, K) * kind->scale_bytes);
}

/* Groups first .. first + count of panel p, as the tile kernel takes them. */
typedef struct opened {
  uint8_t quants[RD_TILE_GROUPS * RD_GROUP_BYTES];
  float scales[RD_TILE_GROUPS * RD_PANEL], minima[RD_TILE_GROUPS * RD_PANEL];
} opened;

static const unsigned char *quants_at(const rd_groups *m, int64_t p, int64_t group) {
  const int64_t groups = spans(m->kind, m->cols) * m->kind->span;
  return (const unsigned char *)m->quants + (p * groups + group) * m->kind->quant_bytes;
}

/* `first` is a multiple of RD_TILE_GROUPS, and so of the kind's span. */
static rd_group_block open_block(opened *o, const rd_groups *m, const rd_group_kernels *kernels,
                                 bool widen, int64_t p, int64_t first, int64_t count) {
  const rd_group_kind *kind = m->kind;
  const unsigned char *quants = quants_at(m, p, first);
  const int64_t place = p * spans(kind, m->cols) + first / kind->span;
  const unsigned char *scales = (const unsigned char *)m->scales + place * kind->scale_bytes;
  kind->expand(kernels, o->scales, o->minima, scales, count);
  const bool nibbles = kind->bias != 0;
  if (nibbles && widen) {
    kernels->widen(o->quants, quants, count, kind->bias);
    quants = o->quants;
  }
  return (rd_group_block){quants, o->scales, kind->minimum ? o->minima : NULL, count,
                          nibbles && !widen};
}

void rd_groups_row(float *out, const rd_groups *m, int64_t row) {
  const rd_group_kernels *kernels = rd_group_kernels_get();
  const int64_t n = row % RD_PANEL;
  opened o;
  for (int64_t first = 0; first < m->cols; first += RD_PIECE) {
    const int64_t left = rd_over(m->cols - first, RD_GROUP);
    const rd_group_block b = open_block(&o, m, kernels, true, row / RD_PANEL, first / RD_GROUP,
                                        left < RD_TILE_GROUPS ? left : RD_TILE_GROUPS);
    for (int64_t k = 0; k < b.groups * RD_GROUP && first + k < m->cols; k++) {
      const int64_t g = k / RD_GROUP, step = k % RD_GROUP / 4;
      const int q = b.quants[g * RD_GROUP_BYTES + step * 128 + n * 4 + k % 4] - 128;
      const float least = b.minima ? b.minima[g * RD_PANEL + n] * -128 : 0;
      out[first + k] = b.scales[g * RD_PANEL + n] * (float)q + least;
    }
  }
}

typedef struct product {
  void *y;
  rd_dtype type;
  int64_t stride;
  const rd_group_rows *x;
  const rd_groups *m;
  bool add;
  const rd_group_kernels *kernels;
  const rd_kernels *plain;
  int64_t panels, run; /* of the matrix; of an item */
} product;

/* Rows first .. last of the result's panel p will be written: without this, stores that miss fill
 * the processor's queue and it waits. */
static void expect(const product *j, int64_t p, int64_t first, int64_t last) {
  for (int64_t r = first; r < last; r++) {
    const char *to = rd_at(j->y, j->type, r * j->stride + p * RD_PANEL);
    __builtin_prefetch(to, 1, 2);
    __builtin_prefetch(to + 64, 1, 2);
  }
}

/* Sums of rows first .. first + rows over panel p: in blocks of rows that differ by one at most.
 * `whole`: the last of them are y itself. */
static void sum_panel(const product *j, float *sums /* (rows, 32) */, int64_t p, int64_t first,
                      int64_t rows, bool whole) {
  const rd_group_rows *x = j->x;
  const int64_t blocks = rd_over(rows, RD_TILE_ROWS), groups = rd_over(x->cols, RD_GROUP);
  /* Nibbles are widened for several blocks of rows; one takes them as they are. */
  const bool widen = blocks > 1 || !j->kernels->packed;
  /* The next weights arrive in equal parts while the blocks pass over these; memory sets the pace
   * of a single one, which looks half as far ahead. A single row is so fast that the processor's
   * own prefetching, of one stream, does better with a short look only. */
  const int64_t lines = rd_over(j->m->kind->quant_bytes / 64, blocks),
                ahead = rows > 1 ? 8192 : 1024;
  opened o;
  for (int64_t i = 0; i < x->pieces; i++) {
    const int64_t left = groups - i * RD_TILE_GROUPS;
    const rd_group_block block = open_block(&o, j->m, j->kernels, widen, p, i * RD_TILE_GROUPS,
                                            left < RD_TILE_GROUPS ? left : RD_TILE_GROUPS);
    const char *next = (const char *)(blocks > 1 ? quants_at(j->m, p, (i + 1) * RD_TILE_GROUPS)
                                                 : block.quants + ahead);
    for (int64_t b = 0; b < blocks; b++) {
      const int64_t from = rows * b / blocks, to = rows * (b + 1) / blocks;
      const int64_t r = i * x->rows + first + from;
      const rd_group_slice slice = {x->low + r * RD_PIECE,
                                    x->high + r * RD_PIECE,
                                    x->spill + r * RD_TILE_GROUPS,
                                    x->offset + r * RD_TILE_GROUPS,
                                    x->step + r * RD_STEPS,
                                    next + b * lines * 64 * RD_TILE_GROUPS,
                                    lines};
      float *const own = sums + from * RD_PANEL;
      rd_group_sums s = {i > 0 ? own : NULL, own, RD_PANEL, false};
      if (i + 1 == x->pieces) {
        expect(j, p, first + from, first + to);
        if (whole)
          s = (rd_group_sums){s.from, (float *)j->y + (first + from) * j->stride + p * RD_PANEL,
                              j->stride, j->add};
      }
      j->kernels->tile(&s, &block, &slice, (int)(to - from));
    }
  }
}

static const float ones[RD_PANEL] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                     1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* Items: for each run of panels, the chunks of rows. */
static void multiply(void *context, int thread, int64_t first, int64_t last) {
  (void)thread;
  const product *j = context;
  const int64_t chunks = rd_over(j->x->rows, CHUNK), N = j->m->rows;
  float sums[CHUNK * RD_PANEL];
  for (int64_t i = first; i < last; i++) {
    const int64_t row = i % chunks * CHUNK;
    const int64_t rows = j->x->rows - row < CHUNK ? j->x->rows - row : CHUNK;
    const int64_t end =
        (i / chunks + 1) * j->run < j->panels ? (i / chunks + 1) * j->run : j->panels;
    for (int64_t p = i / chunks * j->run; p < end; p++) {
      const int64_t n = N - p * RD_PANEL < RD_PANEL ? N - p * RD_PANEL : RD_PANEL;
      const bool whole = j->type == RD_F32 && n == RD_PANEL;
      sum_panel(j, sums, p, row, rows, whole);
      for (int64_t r = 0; !whole && r < rows; r++)
        j->plain->unquantize[j->type](rd_at(j->y, j->type, (row + r) * j->stride + p * RD_PANEL),
                                      sums + r * RD_PANEL, 1, ones, j->add, n);
    }
  }
}

void rd_groups_multiply(void *y, rd_dtype type, int64_t stride, const rd_group_rows *x,
                        const rd_groups *m, bool add) {
  assert(x->cols == m->cols && (type == RD_F32 || type == RD_BF16));
  if (x->rows == 0 || m->rows == 0)
    return;
  product j = {.y = y,
               .type = type,
               .stride = stride,
               .x = x,
               .m = m,
               .add = add,
               .kernels = rd_group_kernels_get(),
               .plain = rd_kernels_get(),
               .panels = rd_over(m->rows, RD_PANEL)};
  /* An item is worth a hand-off to another thread, and there are some for each thread. */
  enum { WORTH = 1 << 17, SHARES = 8 }; /* products */
  const int64_t panel = RD_PANEL * m->cols * (x->rows < CHUNK ? x->rows : CHUNK);
  const int64_t shared = rd_over(j.panels, SHARES * (int64_t)rd_threads_get());
  j.run = rd_over(WORTH, panel) > shared ? rd_over(WORTH, panel) : shared;
  rd_parallel_each(rd_over(j.panels, j.run) * rd_over(x->rows, CHUNK), multiply, &j);
}
