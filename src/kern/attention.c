/* SPDX-License-Identifier: MIT */
/* Attention, forward. A task is one block of queries of one head of one sequence: the scores of the
 * block with all visible keys (a matrix product), exp in f32 written as the activation type, and
 * the product of that with the values, divided by the sum. A few queries alone (decoding) go
 * through vector kernels instead, since the number of keys changes with every token and a prepared
 * product would serve once. */
#include "attention.h"

#include <assert.h>
#include <stdatomic.h>

#include "attention_block.h"
#include "matmul.h"
#include "parallel.h"
#include "rows.h"

enum { FEW = 4 }; /* queries for which vector kernels are better */

typedef struct forward {
  const rd_attention *a;
  const rd_rows *rows;
  void *o;
  float *lse;
  const void *q, *k, *v;
  char *workspace;
  size_t slice; /* bytes of workspace per thread */
  atomic_int code;
  rd_error error; /* of the thread that set the code first */
} forward;

static void attend_few(const forward *f, const rd_span *s, int64_t head, char *memory) {
  const rd_attention *a = f->a;
  const int64_t hd = a->head_dim, k_head = head / (a->heads / a->kv_heads);
  float *sum = (float *)memory;
  float *scores = sum + (hd + 15) / 16 * 16;
  const void *k = rd_at_const(f->k, a->type, s->k * a->k_stride + k_head * hd);
  const void *v = rd_at_const(f->v, a->type, s->k * a->v_stride + k_head * hd);
  for (int64_t i = 0; i < s->queries; i++) {
    const int64_t row = s->q + i, seen = rd_attention_seen(a, s, i);
    f->rows->scores[a->type](scores, rd_at_const(f->q, a->type, row * a->q_stride + head * hd), k,
                             seen, a->k_stride, hd);
    float inverse;
    const float lse = f->rows->softmax[RD_F32](scores, &inverse, scores, a->scale, seen, seen);
    if (f->lse != NULL)
      f->lse[row * a->heads + head] = lse;
    f->rows->mix[a->type](rd_at(f->o, a->type, row * a->o_stride + head * hd), sum, scores, v, seen,
                          inverse, a->v_stride, hd);
  }
}

static rd_code attend_block(const forward *f, const rd_span *s, int64_t head, int64_t first,
                            int64_t count, char *memory, rd_error *e) {
  const rd_attention *a = f->a;
  const int64_t hd = a->head_dim, k_head = head / (a->heads / a->kv_heads);
  const int64_t keys = rd_attention_width(a, s, first + count - 1);
  const int64_t row = s->q + first;
  float *scores = (float *)memory;
  void *p = memory + rd_attention_pad((size_t)(count * keys) * sizeof *scores);
  const rd_mat q = rd_mat_view(rd_at_const(f->q, a->type, row * a->q_stride + head * hd), a->type,
                               count, hd, a->q_stride);
  const rd_mat k = rd_mat_view(rd_at_const(f->k, a->type, s->k * a->k_stride + k_head * hd),
                               a->type, keys, hd, a->k_stride);
  const rd_mat v = rd_mat_view(rd_at_const(f->v, a->type, s->k * a->v_stride + k_head * hd),
                               a->type, keys, hd, a->v_stride);
  float *sums = (float *)(void *)((char *)p + rd_attention_pad((size_t)(count * keys) *
                                                               rd_dtype_size(a->type)));
  float *inverses = sums + count * hd;
  RD_TRY(rd_matmul(rd_mat_rows(scores, RD_F32, count, keys), q, rd_mat_transposed(k), 0, e));
  for (int64_t i = 0; i < count; i++) {
    const float lse =
        f->rows->softmax[a->type](rd_at(p, a->type, i * keys), &inverses[i], scores + i * keys,
                                  a->scale, rd_attention_seen(a, s, first + i), keys);
    if (f->lse != NULL)
      f->lse[(row + i) * a->heads + head] = lse;
  }
  RD_TRY(rd_matmul(rd_mat_rows(sums, RD_F32, count, hd), rd_mat_rows(p, a->type, count, keys), v, 0,
                   e));
  for (int64_t i = 0; i < count; i++)
    f->rows->scaled[a->type](rd_at(f->o, a->type, (row + i) * a->o_stride + head * hd),
                             sums + i * hd, inverses[i], hd);
  return RD_OK;
}

static void attend(void *context, int thread, int64_t first, int64_t last) {
  forward *f = context;
  const rd_attention *a = f->a;
  char *memory = f->workspace + f->slice * (size_t)thread;
  for (int64_t item = first; item < last; item++) {
    int64_t left = item, sequence = 0;
    for (; left >= a->heads * rd_attention_blocks(&a->spans[sequence]); sequence++)
      left -= a->heads * rd_attention_blocks(&a->spans[sequence]);
    const rd_span *s = &a->spans[sequence];
    const int64_t head = left % a->heads, block = left / a->heads;
    const int64_t size = rd_attention_rows(s->keys), at = block * size;
    const int64_t count = s->queries - at < size ? s->queries - at : size;
    if (s->queries <= FEW) {
      attend_few(f, s, head, memory);
      continue;
    }
    rd_error e = {0};
    int none = RD_OK;
    const rd_code code = attend_block(f, s, head, at, count, memory, &e);
    if (code != RD_OK && atomic_compare_exchange_strong(&f->code, &none, (int)code))
      f->error = e;
  }
}

rd_code rd_attention_forward(const rd_attention *a, void *o, float *lse, const void *q,
                             const void *k, const void *v, void *workspace, rd_error *e) {
  int64_t tasks = 0, longest = 0;
  for (int64_t i = 0; i < a->sequences; i++) {
    assert(a->spans[i].queries <= a->spans[i].keys);
    tasks += a->heads * rd_attention_blocks(&a->spans[i]);
    longest = a->spans[i].keys > longest ? a->spans[i].keys : longest;
  }
  forward f = {.a = a,
               .rows = rd_rows_get(),
               .o = o,
               .lse = lse,
               .q = q,
               .k = k,
               .v = v,
               .workspace = workspace,
               .slice = rd_attention_workspace(a, 1, longest)};
  rd_parallel_each(tasks, attend, &f);
  const rd_code code = (rd_code)atomic_load(&f.code);
  if (code != RD_OK && e != NULL)
    *e = f.error;
  return code;
}

size_t rd_attention_workspace(const rd_attention *a, int threads, int64_t longest) {
  const size_t area = rd_attention_area(longest), keys = (size_t)longest;
  const size_t hd = (size_t)a->head_dim, type = rd_dtype_size(a->type);
  const size_t few = (keys + hd + 32) * sizeof(float);
  const size_t scores = rd_attention_pad(area * sizeof(float));
  const size_t probabilities = rd_attention_pad(area * type);
  const size_t sums = rd_attention_pad(keys * hd * sizeof(float));
  const size_t rows = rd_attention_pad(256 * (hd + 1) * sizeof(float));
  const size_t all = 2 * (scores + probabilities + sums) + rows;
  return (size_t)threads * rd_attention_pad(all > few ? all : few);
}
