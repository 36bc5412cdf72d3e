/* SPDX-License-Identifier: MIT */
/* Attention, forward. With bf16 instructions a task is a run of queries of one key head, in tiles
 * (attention_tiles.h). Elsewhere a task is one block of queries of one head of one sequence: the
 * scores of the block with all visible keys (a matrix product), exp in f32 written as the
 * activation type, and the product of that with the values, divided by the sum. A few queries alone
 * (decoding) go through vector kernels instead, since the number of keys changes with every token
 * and a prepared product would serve once. */
#include "attention.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "attention_block.h"
#include "attention_tiles.h"
#include "cpu.h"
#include "kernels.h"
#include "matmul.h"
#include "parallel.h"

enum {
  LEAST = 16 /* rows of a product with keys: oneDNN sums fewer in another order, and a query's
                result must not depend on how many others are asked with it */
};

typedef struct forward {
  const rd_attention *a;
  const rd_kernels *kernels;
  void *o;
  float *lse;
  const void *q, *k, *v;
  char *workspace;
  size_t slice;   /* bytes of workspace per thread */
  int64_t chunks; /* with tiles: runs of queries that a sequence is cut into */
  atomic_int code;
  rd_error error; /* of the thread that set the code first */
} forward;

/* A span's keys and values of one head, from its first row on. */
static const void *keys_of(const forward *f, const rd_span *s, int64_t k_head) {
  const rd_attention *a = f->a;
  const int64_t row = s->own_k ? 0 : s->k;
  return rd_at_const(s->own_k ? s->own_k : f->k, a->type, row * a->k_stride + k_head * a->head_dim);
}

static const void *values_of(const forward *f, const rd_span *s, int64_t k_head) {
  const rd_attention *a = f->a;
  const int64_t row = s->own_v ? 0 : s->k;
  return rd_at_const(s->own_v ? s->own_v : f->v, a->type, row * a->v_stride + k_head * a->head_dim);
}

/* A query's scores become weights in p (keys), 0 where it does not see; p may be the scores. Gives
 * the log of the sum of exp; the weights are to be multiplied by *inverse. Keys below a window are
 * multiplied like others and given no weight: a sum over keys that begins elsewhere would be
 * rounded in another way, and a query's result would depend on which others are asked with it. */
static float soften(const forward *f, const rd_span *s, int64_t i, rd_dtype type, void *p,
                    float *inverse, float *scores, int64_t keys) {
  const rd_attention *a = f->a;
  const int64_t from = rd_attention_from(a, s, i), seen = rd_attention_seen(a, s, i) - from;
  if (a->cap > 0)
    f->kernels->cap(scores + from, a->scale / a->cap, a->cap, seen);
  memset(p, 0, (size_t)from * rd_dtype_size(type));
  return f->kernels->softmax[type](rd_at(p, type, from), inverse, scores + from,
                                   a->cap > 0 ? 1.0f : a->scale, seen, keys - from);
}

static void attend_few(const forward *f, const rd_span *s, int64_t head, char *memory) {
  const rd_attention *a = f->a;
  const int64_t hd = a->head_dim, k_head = head / (a->heads / a->kv_heads);
  float *sum = (float *)memory;
  float *scores = sum + (hd + 15) / 16 * 16;
  const void *k = keys_of(f, s, k_head), *v = values_of(f, s, k_head);
  for (int64_t i = 0; i < s->queries; i++) {
    const int64_t row = s->q + i, seen = rd_attention_seen(a, s, i);
    const int64_t from = rd_attention_from(a, s, i);
    f->kernels->scores[a->type](
        scores + from, rd_at_const(f->q, a->type, row * a->q_stride + head * hd),
        rd_at_const(k, a->type, from * a->k_stride), seen - from, a->k_stride, hd);
    float inverse;
    const float lse = soften(f, s, i, RD_F32, scores, &inverse, scores, seen);
    if (f->lse != NULL)
      f->lse[row * a->heads + head] = lse;
    f->kernels->mix[a->type](rd_at(f->o, a->type, row * a->o_stride + head * hd), sum,
                             scores + from, rd_at_const(v, a->type, from * a->v_stride),
                             seen - from, inverse, a->v_stride, hd);
  }
}

/* A copy with zeros below, `rows` in all. */
static rd_mat filled_up(void *to, rd_mat q, int64_t rows) {
  const size_t line = (size_t)q.cols * rd_dtype_size(q.type);
  for (int64_t i = 0; i < q.rows; i++)
    memcpy((char *)to + (size_t)i * line, rd_at_const(q.data, q.type, i * q.row_stride), line);
  memset((char *)to + (size_t)q.rows * line, 0, (size_t)(rows - q.rows) * line);
  return rd_mat_rows(to, q.type, rows, q.cols);
}

static rd_code attend_block(const forward *f, const rd_span *s, int64_t head, int64_t first,
                            int64_t count, char *memory, rd_error *e) {
  const rd_attention *a = f->a;
  const int64_t hd = a->head_dim, k_head = head / (a->heads / a->kv_heads);
  const int64_t keys = rd_attention_width(a, s, first + count - 1);
  const int64_t row = s->q + first, rows = count < LEAST ? LEAST : count;
  float *scores = (float *)memory;
  void *p = memory + rd_attention_pad((size_t)(rows * keys) * sizeof *scores);
  const rd_mat k = rd_mat_view(keys_of(f, s, k_head), a->type, keys, hd, a->k_stride);
  const rd_mat v = rd_mat_view(values_of(f, s, k_head), a->type, keys, hd, a->v_stride);
  float *sums = (float *)(void *)((char *)p + rd_attention_pad((size_t)(count * keys) *
                                                               rd_dtype_size(a->type)));
  float *inverses = sums + rows * hd;
  rd_mat q = rd_mat_view(rd_at_const(f->q, a->type, row * a->q_stride + head * hd), a->type, count,
                         hd, a->q_stride);
  if (count < rows)
    q = filled_up(inverses + rows, q, rows);
  RD_TRY(rd_matmul(rd_mat_rows(scores, RD_F32, rows, keys), q, rd_mat_transposed(k), 0, e));
  for (int64_t i = 0; i < count; i++) {
    const float lse = soften(f, s, first + i, a->type, rd_at(p, a->type, i * keys), &inverses[i],
                             scores + i * keys, keys);
    if (f->lse != NULL)
      f->lse[(row + i) * a->heads + head] = lse;
  }
  RD_TRY(rd_matmul(rd_mat_rows(sums, RD_F32, count, hd), rd_mat_rows(p, a->type, count, keys), v, 0,
                   e));
  for (int64_t i = 0; i < count; i++)
    f->kernels->scaled[a->type](rd_at(f->o, a->type, (row + i) * a->o_stride + head * hd),
                                sums + i * hd, inverses[i], hd);
  return RD_OK;
}

#if defined(__x86_64__)
static bool tiled(const rd_attention *a) {
  return a->type == RD_BF16 && rd_bf16_fast() && a->head_dim % 2 == 0 && !(a->cap > 0);
}

/* Queries first <= i < last of the heads that read one key head. */
static void attend_run(const forward *f, const rd_span *s, int64_t k_head, int64_t first,
                       int64_t last, char *memory) {
  const rd_attention *a = f->a;
  const int64_t hd = a->head_dim, heads = a->heads / a->kv_heads;
  const int64_t longest = rd_attention_seen(a, s, last - 1);
  const size_t packed = rd_attention_pad((size_t)rd_tiles_elements(longest, hd) * sizeof(rd_bf16));
  const rd_tiles t = {longest, hd, (rd_bf16 *)(void *)memory, (rd_bf16 *)(void *)(memory + packed)};
  const rd_bf16 *q = f->q;
  rd_bf16 *o = f->o;
  rd_tiles_pack(&t, keys_of(f, s, k_head), a->k_stride, values_of(f, s, k_head), a->v_stride);
  for (int64_t head = k_head * heads; head < (k_head + 1) * heads; head++)
    for (int64_t i = first; i < last; i += RD_TILE_QUERIES) {
      const int64_t count = last - i < RD_TILE_QUERIES ? last - i : RD_TILE_QUERIES, row = s->q + i;
      int64_t from[RD_TILE_QUERIES], seen[RD_TILE_QUERIES];
      float lse[RD_TILE_QUERIES];
      for (int64_t n = 0; n < count; n++) {
        from[n] = rd_attention_from(a, s, i + n);
        seen[n] = rd_attention_seen(a, s, i + n);
      }
      rd_tiles_attend(&t, o + row * a->o_stride + head * hd, a->o_stride, lse,
                      q + row * a->q_stride + head * hd, a->q_stride, from, seen, count, a->scale,
                      memory + 2 * packed);
      for (int64_t n = 0; f->lse != NULL && n < count; n++)
        f->lse[(row + n) * a->heads + head] = lse[n];
    }
}

static void attend_tiled(void *context, int thread, int64_t first, int64_t last) {
  const forward *f = context;
  const rd_attention *a = f->a;
  char *memory = f->workspace + f->slice * (size_t)thread;
  const int64_t heads = a->heads / a->kv_heads;
  for (int64_t item = first; item < last; item++) {
    const rd_span *s = &a->spans[item / (a->kv_heads * f->chunks)];
    const int64_t k_head = item / f->chunks % a->kv_heads, chunk = item % f->chunks;
    const int64_t blocks = (s->queries + RD_TILE_QUERIES - 1) / RD_TILE_QUERIES;
    const int64_t from = blocks * chunk / f->chunks * RD_TILE_QUERIES;
    const int64_t to = blocks * (chunk + 1) / f->chunks * RD_TILE_QUERIES;
    if (s->queries > RD_ATTENTION_FEW && from < to)
      attend_run(f, s, k_head, from, to < s->queries ? to : s->queries, memory);
    for (int64_t h = 0; s->queries <= RD_ATTENTION_FEW && chunk == 0 && h < heads; h++)
      attend_few(f, s, k_head * heads + h, memory);
  }
}

/* False: not for these tensors or this processor, and nothing is done. Keys are packed for each
 * chunk again: no more of them than threads need. */
static bool attend_in_tiles(forward *f) {
  const rd_attention *a = f->a;
  if (!tiled(a))
    return false;
  const int64_t groups = a->sequences * a->kv_heads, wanted = 4 * (int64_t)rd_threads_get();
  f->chunks = groups >= wanted || groups == 0 ? 1 : (wanted + groups - 1) / groups;
  rd_parallel_each(groups * f->chunks, attend_tiled, f);
  return true;
}

static size_t tiles_workspace(const rd_attention *a, int64_t longest) {
  const size_t elements = (size_t)rd_tiles_elements(longest, a->head_dim);
  return 2 * rd_attention_pad(elements * sizeof(rd_bf16)) + rd_tiles_scratch(a->head_dim);
}
#else
static bool attend_in_tiles(forward *f) {
  (void)f;
  return false;
}

static size_t tiles_workspace(const rd_attention *a, int64_t longest) {
  (void)a, (void)longest;
  return 0;
}
#endif

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
    if (s->queries <= RD_ATTENTION_FEW) {
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
    assert(a->spans[i].first + a->spans[i].queries <= a->spans[i].keys);
    tasks += a->heads * rd_attention_blocks(&a->spans[i]);
    longest = a->spans[i].keys > longest ? a->spans[i].keys : longest;
  }
  forward f = {.a = a,
               .kernels = rd_kernels_get(),
               .o = o,
               .lse = lse,
               .q = q,
               .k = k,
               .v = v,
               .workspace = workspace,
               .slice = rd_attention_workspace(a, 1, longest)};
  if (attend_in_tiles(&f))
    return RD_OK;
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
  const size_t blocks = 2 * (scores + probabilities + sums) + rows;
  const size_t tiles = tiles_workspace(a, longest);
  const size_t all = blocks > tiles ? blocks : tiles;
  return (size_t)threads * rd_attention_pad(all > few ? all : few);
}
