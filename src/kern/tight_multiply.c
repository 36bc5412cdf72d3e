/* SPDX-License-Identifier: MIT */
/* Products with bf16 matrices in 12 bits. Up to RD_TIGHT_FEW rows are multiplied as numbers leave
 * the planes, panel after panel, in the order of memory. For more a stretch of columns of a panel
 * is unpacked into the first cache and multiplied by groups of rows there: that is done by all rows
 * once, or once for each few hundred. Sums begin at zero where rd_mapped_multiply's do. */
#include <assert.h>

#include "kernels.h"
#include "mapped_kernels.h"
#include "matmul.h"
#include "parallel.h"
#include "tight_kernels.h"
#include "whole.h"

#if defined(__x86_64__)
enum {
  SLAB = 36 * RD_TIGHT_GROUP, /* rows of x at a time */
  STRETCH = 256,              /* columns that are unpacked at a time: 16 KiB */
  MOST = 4,                   /* panels that share what is in the second cache of x */
  LINE = 64                   /* bytes */
};

/* Rows of x by the matrix. `part` and `total` of a thread have (MOST, M, RD_TIGHT_PANEL) each. */
typedef struct product {
  char *y;
  rd_dtype type;
  int64_t stride;
  const rd_bf16 *x; /* groups of rows, or pairs of all rows */
  int64_t x_stride; /* from group to group */
  int64_t M, group, block;
  const rd_tight *t;
  bool add;
  int64_t together; /* panels */
  float *room;
  const rd_kernels *plain;
} product;

static bool is_few(int64_t M) {
  return M <= RD_TIGHT_FEW;
}

static const float ones[RD_TIGHT_PANEL] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                           1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

/* sums (M, RD_TIGHT_PANEL) of a stretch; `fresh`: they begin at zero. The stretch at `ahead` is
 * next. */
static const rd_tight_number *add_stretch(const product *j, float *sums, const rd_tight_stretch *s,
                                          const void *ahead, bool fresh) {
  if (is_few(j->M))
    return rd_tight_sums(sums, s, j->x + s->first * j->M, (int)j->M);
  _Alignas(64) rd_bf16 numbers[STRETCH * RD_TIGHT_PANEL];
  const rd_tight_number *next = rd_tight_unpack(numbers, s);
  const rd_bf16 *x = j->x + s->first * RD_TIGHT_GROUP_ROOM;
  for (int64_t r = 0; r < j->M; r += j->group, x += j->x_stride)
    rd_tight_tile(sums + r * RD_TIGHT_PANEL, numbers, x, rd_over(s->length, 2),
                  (int)rd_least(j->M - r, j->group), r == 0 ? ahead : NULL, fresh);
  return next;
}

/* `count` panels from `first` on. */
static void panels(const product *j, float *part, float *total, int64_t first, int64_t count) {
  const rd_tight *t = j->t;
  const int64_t K = t->cols, size = j->M * RD_TIGHT_PANEL;
  const int64_t length = is_few(j->M) ? j->block : STRETCH;
  const size_t bytes = rd_tight_bytes(1, K);
  const size_t stretch = (size_t)(length / RD_TIGHT_STEP * RD_TIGHT_STEP_BYTES);
  const rd_tight_number *next[MOST];
  for (int64_t i = 0; i < count; i++)
    next[i] = t->panels[first + i].listed;
  for (int64_t k = 0; k < K; k += length) {
    const bool ends = (k + length) % j->block == 0 || k + length >= K;
    for (int64_t i = 0; i < count; i++) {
      const rd_tight_stretch s = {.panel = &t->panels[first + i],
                                  .planes = t->planes + (size_t)(first + i) * bytes +
                                            (size_t)(k / RD_TIGHT_STEP * RD_TIGHT_STEP_BYTES),
                                  .next = next[i],
                                  .first = k,
                                  .length = rd_least(K - k, length)};
      float *sums = (k < j->block ? total : part) + i * size;
      const unsigned char *then =
          i + 1 < count ? s.planes + bytes : s.planes - (size_t)i * bytes + stretch;
      next[i] = add_stretch(j, sums, &s, then, k % j->block == 0);
      for (int64_t n = 0; ends && k >= j->block && n < size; n++)
        total[i * size + n] += sums[n];
    }
  }
}

/* Items: panels that are done together. */
static void multiply(void *context, int thread, int64_t first, int64_t last) {
  const product *j = context;
  const int64_t size = j->M * RD_TIGHT_PANEL, N = j->t->rows;
  float *part = j->room + thread * 2 * j->together * size, *total = part + j->together * size;
  for (int64_t c = first; c < last; c++) {
    const int64_t p = c * j->together;
    const int64_t count = rd_least(rd_over(N, RD_TIGHT_PANEL) - p, j->together);
    panels(j, part, total, p, count);
    for (int64_t r = 0; r < j->M; r++)
      for (int64_t i = 0; i < count; i++) {
        const int64_t n = (p + i) * RD_TIGHT_PANEL;
        j->plain->unquantize[j->type](rd_at(j->y, j->type, r * j->stride + n),
                                      total + i * size + r * RD_TIGHT_PANEL, 1, ones, j->add,
                                      rd_least(N - n, RD_TIGHT_PANEL));
      }
  }
}

typedef struct grouping {
  rd_bf16 *out;
  const rd_bf16 *x;
  int64_t x_stride, out_stride, M, group, K;
} grouping;

static void group(void *context, int thread, int64_t first, int64_t last) {
  (void)thread;
  const grouping *g = context;
  for (int64_t i = first; i < last; i++)
    rd_tight_group(g->out + i * g->out_stride, g->x + i * g->group * g->x_stride, g->x_stride,
                   rd_least(g->M - i * g->group, g->group), g->K);
}

/* Up to SLAB rows. */
static rd_code multiply_slab(product *j, const rd_bf16 *x, int64_t x_stride, rd_error *e) {
  const rd_tight *t = j->t;
  const int64_t K = t->cols, groups = rd_over(j->M, RD_TIGHT_GROUP), threads = rd_threads_get();
  const int64_t all = rd_over(t->rows, RD_TIGHT_PANEL);
  const bool few = is_few(j->M);
  j->group = rd_over(j->M, groups); /* of one size */
  j->x_stride = rd_over(K, 32) * 32 * RD_TIGHT_GROUP_ROOM;
  j->together = few ? 1 : rd_least(MOST, rd_over(all, 4 * threads));
  const size_t numbers = (size_t)(few ? j->M * rd_over(K, 2) * 2 : groups * j->x_stride);
  const size_t bytes = (numbers * sizeof(rd_bf16) + LINE - 1) / LINE * LINE;
  const size_t sums = (size_t)(threads * 2 * j->together * j->M * RD_TIGHT_PANEL) * sizeof(float);
  char *room = rd_matmul_scratch(bytes + sums, e);
  if (room == NULL)
    return RD_NO_MEMORY;
  rd_bf16 *copy = (rd_bf16 *)(void *)room;
  grouping g = {copy, x, x_stride, j->x_stride, j->M, j->group, K};
  if (few)
    rd_rows_in_pairs(copy, x, x_stride, j->M, K);
  else
    rd_parallel(groups, rd_over(1 << 14, K + 1), group, &g);
  j->x = copy;
  j->room = (float *)(void *)(room + bytes);
  /* a hand-off to another thread is worth some 2^17 numbers */
  rd_parallel(rd_over(all, j->together), rd_over(1 << 17, j->together * RD_TIGHT_PANEL * (K + 1)),
              multiply, j);
  return RD_OK;
}

rd_code rd_tight_multiply(void *y, rd_dtype type, int64_t stride, const rd_bf16 *x,
                          int64_t x_stride, int64_t M, const rd_tight *t, bool add, rd_error *e) {
  assert(rd_tight_fast() && (type == RD_F32 || type == RD_BF16));
  if (M == 0 || t->rows == 0)
    return RD_OK;
  const int64_t slab = rd_over(M, rd_over(M, SLAB));
  for (int64_t r = 0; r < M; r += slab) {
    product j = {.y = rd_at(y, type, r * stride),
                 .type = type,
                 .stride = stride,
                 .M = rd_least(M - r, slab),
                 .block = rd_mapped_block_of(t->cols),
                 .t = t,
                 .add = add,
                 .plain = rd_kernels_get()};
    RD_TRY(multiply_slab(&j, x + r * x_stride, x_stride, e));
  }
  return RD_OK;
}
#else
rd_code rd_tight_multiply(void *y, rd_dtype type, int64_t stride, const rd_bf16 *x,
                          int64_t x_stride, int64_t M, const rd_tight *t, bool add, rd_error *e) {
  (void)y, (void)type, (void)stride, (void)x, (void)x_stride, (void)M, (void)t, (void)add;
  return rd_fail(e, RD_UNSUPPORTED, "this processor has no bf16 products: nothing is packed on it");
}
#endif
