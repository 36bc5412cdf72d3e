/* SPDX-License-Identifier: MIT */
/* Attention, backward. With P = softmax(S), S = scale Q K', O = P V (Dao 2023, "FlashAttention-2",
 * section 3.1.2): dV = P' dO, dP = dO V', dS = scale P (dP - delta) with delta = rowsum(dO O), dQ =
 * dS K, dK = dS' Q. P is made again from S and the log-sum-exp of the forward pass. A task is one
 * key head of one sequence: it alone adds to its dK and dV, over its query heads and blocks in
 * order. */
#include "attention.h"

#include <stdatomic.h>
#include <string.h>

#include "attention_block.h"
#include "kernels.h"
#include "matmul.h"
#include "parallel.h"

typedef struct backward {
  const rd_attention *a;
  const rd_kernels *kernels;
  void *dq, *dk, *dv;
  const void *d_o, *o, *q, *k, *v;
  const float *lse;
  char *workspace;
  size_t slice; /* bytes of workspace per thread */
  atomic_int code;
  rd_error error; /* of the thread that set the code first */
} backward;

/* The memory of a task. */
typedef struct buffers {
  float *scores, *dp; /* (rows, keys) */
  void *p, *ds;       /* (rows, keys) of the type */
  float *dk, *dv;     /* (keys, hd) */
} buffers;

static buffers place(const rd_attention *a, const rd_span *s, char *memory) {
  const size_t area = rd_attention_area(s->keys), keys = (size_t)s->keys;
  const size_t f32 = rd_attention_pad(area * sizeof(float));
  const size_t typed = rd_attention_pad(area * rd_dtype_size(a->type));
  const size_t sums = rd_attention_pad(keys * (size_t)a->head_dim * sizeof(float));
  buffers b;
  b.scores = (float *)memory, memory += f32;
  b.dp = (float *)memory, memory += f32;
  b.p = memory, memory += typed;
  b.ds = memory, memory += typed;
  b.dk = (float *)memory, memory += sums;
  b.dv = (float *)memory;
  return b;
}

/* `count` rows of a head from row `row`. */
static rd_mat part(const rd_attention *a, const void *data, int64_t stride, int64_t row,
                   int64_t head, int64_t count) {
  const int64_t hd = a->head_dim;
  return rd_mat_view(rd_at_const(data, a->type, row * stride + head * hd), a->type, count, hd,
                     stride);
}

/* Weights and gradients of scores of query i of the span, row `at` of the block. */
static void soften(const backward *w, const buffers *b, const rd_span *s, int64_t i, int64_t at,
                   int64_t keys, float lse, float delta) {
  const rd_attention *a = w->a;
  const rd_dtype t = a->type;
  const int64_t from = rd_attention_from(a, s, i), seen = rd_attention_seen(a, s, i) - from;
  float *scores = b->scores + at * keys + from;
  void *p = rd_at(b->p, t, at * keys), *ds = rd_at(b->ds, t, at * keys);
  if (a->cap > 0)
    w->kernels->cap(scores, a->scale / a->cap, a->cap, seen);
  memset(p, 0, (size_t)from * rd_dtype_size(t));
  memset(ds, 0, (size_t)from * rd_dtype_size(t));
  w->kernels->softmax_backward[t](rd_at(p, t, from), rd_at(ds, t, from), scores,
                                  b->dp + at * keys + from, a->cap > 0 ? 1.0f : a->scale, lse,
                                  delta, seen, keys - from);
  if (a->cap > 0)
    w->kernels->cap_backward[t](rd_at(ds, t, from), scores, a->scale / a->cap, a->cap, seen);
}

static rd_code block(const backward *w, const buffers *b, const rd_span *s, int64_t head,
                     int64_t first, int64_t count, rd_error *e) {
  const rd_attention *a = w->a;
  const rd_dtype t = a->type;
  const int64_t hd = a->head_dim, k_head = head / (a->heads / a->kv_heads), row = s->q + first;
  const int64_t keys = rd_attention_width(a, s, first + count - 1);
  const rd_mat q = part(a, w->q, a->q_stride, row, head, count);
  const rd_mat dq = part(a, w->dq, a->q_stride, row, head, count);
  const rd_mat d_o = part(a, w->d_o, a->o_stride, row, head, count);
  const rd_mat o = part(a, w->o, a->o_stride, row, head, count);
  const rd_mat k = part(a, w->k, a->k_stride, s->k, k_head, keys);
  const rd_mat v = part(a, w->v, a->v_stride, s->k, k_head, keys);
  const rd_mat p = rd_mat_rows(b->p, t, count, keys), ds = rd_mat_rows(b->ds, t, count, keys);
  RD_TRY(rd_matmul(rd_mat_rows(b->scores, RD_F32, count, keys), q, rd_mat_transposed(k), 0, e));
  RD_TRY(rd_matmul(rd_mat_rows(b->dp, RD_F32, count, keys), d_o, rd_mat_transposed(v), 0, e));
  for (int64_t i = 0; i < count; i++) {
    const float delta = w->kernels->dot[t](rd_at_const(d_o.data, t, i * a->o_stride),
                                           rd_at_const(o.data, t, i * a->o_stride), hd);
    soften(w, b, s, first + i, i, keys, w->lse[(row + i) * a->heads + head], delta);
  }
  RD_TRY(rd_matmul(dq, ds, k, 0, e));
  RD_TRY(rd_matmul(rd_mat_rows(b->dk, RD_F32, keys, hd), rd_mat_transposed(ds), q, 1, e));
  return rd_matmul(rd_mat_rows(b->dv, RD_F32, keys, hd), rd_mat_transposed(p), d_o, 1, e);
}

static rd_code group(const backward *w, const rd_span *s, int64_t k_head, char *memory,
                     rd_error *e) {
  const rd_attention *a = w->a;
  const buffers b = place(a, s, memory);
  const int64_t hd = a->head_dim, heads = a->heads / a->kv_heads;
  const int64_t rows = rd_attention_rows(s->keys);
  memset(b.dk, 0, (size_t)(s->keys * hd) * sizeof *b.dk);
  memset(b.dv, 0, (size_t)(s->keys * hd) * sizeof *b.dv);
  for (int64_t h = 0; h < heads; h++)
    for (int64_t first = 0; first < s->queries; first += rows)
      RD_TRY(block(w, &b, s, k_head * heads + h, first,
                   s->queries - first < rows ? s->queries - first : rows, e));
  for (int64_t j = 0; j < s->keys; j++) {
    const int64_t at = s->k + j;
    w->kernels->from_f32[a->type](rd_at(w->dk, a->type, at * a->k_stride + k_head * hd),
                                  b.dk + j * hd, hd);
    w->kernels->from_f32[a->type](rd_at(w->dv, a->type, at * a->v_stride + k_head * hd),
                                  b.dv + j * hd, hd);
  }
  return RD_OK;
}

static void work(void *context, int thread, int64_t first, int64_t last) {
  backward *w = context;
  char *memory = w->workspace + w->slice * (size_t)thread;
  for (int64_t item = first; item < last; item++) {
    rd_error e = {0};
    int none = RD_OK;
    const rd_code code =
        group(w, &w->a->spans[item / w->a->kv_heads], item % w->a->kv_heads, memory, &e);
    if (code != RD_OK && atomic_compare_exchange_strong(&w->code, &none, (int)code))
      w->error = e;
  }
}

rd_code rd_attention_backward(const rd_attention *a, void *dq, void *dk, void *dv, const void *d_o,
                              const void *o, const float *lse, const void *q, const void *k,
                              const void *v, void *workspace, rd_error *e) {
  int64_t longest = 0;
  for (int64_t i = 0; i < a->sequences; i++)
    longest = a->spans[i].keys > longest ? a->spans[i].keys : longest;
  backward w = {.a = a,
                .kernels = rd_kernels_get(),
                .dq = dq,
                .dk = dk,
                .dv = dv,
                .d_o = d_o,
                .o = o,
                .q = q,
                .k = k,
                .v = v,
                .lse = lse,
                .workspace = workspace,
                .slice = rd_attention_workspace(a, 1, longest)};
  rd_parallel_each(a->sequences * a->kv_heads, work, &w);
  const rd_code code = (rd_code)atomic_load(&w.code);
  if (code != RD_OK && e != NULL)
    *e = w.error;
  return code;
}
