/* SPDX-License-Identifier: MIT */
/* Attention as cases: heads, masks, packed sequences, cached keys. One list for three uses:
 * test_attention checks each against the formulas, test_gradients takes differences,
 * bench/op_times.c times both directions. */
#ifndef ATTENTION_CASES_H
#define ATTENTION_CASES_H

#include "attention.h"
#include "rng.h"

#include <stdlib.h>

typedef struct layout {
  int64_t heads, kv_heads, head_dim, block;
  int64_t sequences;
  int64_t queries[3], keys[3], first[3]; /* first: the position of a sequence's first query */
  int64_t window;
  float cap;
} layout;

static const layout layouts[] = {
    {1, 1, 8, 0, 1, {5}, {5}, {0}, 0, 0},
    {4, 2, 16, 0, 1, {33}, {33}, {0}, 0, 0},
    {4, 2, 16, 1, 1, {33}, {33}, {0}, 0, 0},
    {6, 2, 24, 4, 1, {30}, {33}, {3}, 0, 0},
    {6, 6, 48, 0, 3, {40, 7, 65}, {40, 7, 65}, {0}, 0, 0},
    {4, 1, 20, 1, 3, {9, 1, 70}, {30, 44, 70}, {21, 43}, 0, 0},
    {2, 2, 16, 32, 2, {3, 100}, {64, 100}, {61}, 0, 0},
    {2, 1, 16, 1, 1, {300}, {310}, {10}, 0, 0},
    {2, 1, 64, 0, 1, {290}, {290}, {0}, 0, 0},
    {3, 3, 8, 8, 2, {1, 2}, {50, 2}, {49}, 0, 0},
    {4, 2, 16, 0, 3, {9, 3, 64}, {40, 40, 300}, {8, 21, 128}, 0, 0}, /* in the middle */
    {6, 2, 24, 8, 3, {16, 2, 40}, {40, 60, 90}, {8, 4, 48}, 0, 0},
    {6, 6, 48, 0, 1, {128}, {128}, {0}, 0, 0}, /* tini's heads */
    {8, 2, 64, 1, 1, {1}, {256}, {255}, 0, 0}, /* a token behind a cache */
    {4, 2, 16, 1, 2, {33, 3}, {33, 40}, {0, 37}, 5, 0},
    {2, 1, 24, 1, 1, {300}, {340}, {20}, 100, 0}, /* more than a tile of keys */
    {2, 1, 16, 1, 1, {60}, {480}, {420}, 37, 0},  /* tiles that nobody sees */
    {4, 1, 16, 0, 2, {40, 5}, {40, 90}, {0, 50}, 9, 0},
    {2, 2, 16, 8, 1, {64}, {64}, {0}, 12, 0},
    {2, 1, 16, 1, 2, {33, 2}, {33, 20}, {0, 18}, 0, 3},
    {2, 1, 16, 0, 1, {70}, {70}, {0}, 20, 1.5f},
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts, PAD = 3 };

enum { Q, K, V, O, DO, DQ, DK, DV, TENSORS };

/* One case: tensors of the type, and the same values in f64. */
typedef struct scene {
  rd_attention a;
  rd_span spans[3];
  int64_t rows, key_rows;
  int64_t n[TENSORS];
  void *data[TENSORS];
  double *exact[TENSORS];
  float *lse;
  double *exact_lse;
  void *workspace;
} scene;

static inline void scene_init(scene *s, const layout *l, rd_dtype t) {
  *s = (scene){0};
  int64_t longest = 0;
  s->rows = 2; /* rows before the first span belong to nobody */
  for (int64_t i = 0; i < l->sequences; i++) {
    s->spans[i] = (rd_span){.q = s->rows,
                            .queries = l->queries[i],
                            .k = s->key_rows,
                            .keys = l->keys[i],
                            .first = l->first[i]};
    s->rows += l->queries[i];
    s->key_rows += l->keys[i];
    longest = l->keys[i] > longest ? l->keys[i] : longest;
  }
  const int64_t wide = l->heads * l->head_dim + PAD, narrow = l->kv_heads * l->head_dim + PAD;
  s->a = (rd_attention){.type = t,
                        .heads = l->heads,
                        .kv_heads = l->kv_heads,
                        .head_dim = l->head_dim,
                        .q_stride = wide,
                        .k_stride = narrow,
                        .v_stride = narrow,
                        .o_stride = wide,
                        .block = l->block,
                        .scale = 0.3f,
                        .spans = s->spans,
                        .sequences = l->sequences,
                        .window = l->window,
                        .cap = l->cap};
  for (int i = 0; i < TENSORS; i++) {
    const bool keys = i == K || i == V || i == DK || i == DV;
    s->n[i] = keys ? s->key_rows * narrow : s->rows * wide;
    float *values = calloc((size_t)s->n[i], sizeof *values);
    rd_rng rng = rd_rng_at(3, RD_STREAM_INIT, (uint32_t)i, 0);
    for (int64_t j = 0; i <= DO && i != O && j < s->n[i]; j++)
      values[j] = (float)(rd_rng_uniform(&rng) * 4 - 2);
    s->data[i] = calloc((size_t)s->n[i] + 16, rd_dtype_size(t));
    s->exact[i] = calloc((size_t)s->n[i], sizeof(double));
    rd_cast(s->data[i], t, values, RD_F32, s->n[i]);
    rd_cast(values, RD_F32, s->data[i], t, s->n[i]);
    for (int64_t j = 0; j < s->n[i]; j++)
      s->exact[i][j] = (double)values[j];
    free(values);
  }
  s->lse = calloc((size_t)(s->rows * l->heads), sizeof *s->lse);
  s->exact_lse = calloc((size_t)(s->rows * l->heads), sizeof *s->exact_lse);
  const size_t size = rd_attention_workspace(&s->a, 3, longest);
  s->workspace = aligned_alloc(64, (size + 63) / 64 * 64);
}

static inline void scene_drop(scene *s) {
  for (int i = 0; i < TENSORS; i++) {
    free(s->data[i]);
    free(s->exact[i]);
  }
  free(s->lse);
  free(s->exact_lse);
  free(s->workspace);
}

#endif
