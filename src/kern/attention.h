/* SPDX-License-Identifier: MIT */
/* Attention over packed sequences: softmax(cap(scale Q K') + mask) V for each sequence and head,
 * forward and backward, without the whole score matrix in memory (one block of queries at a time).
 *
 * q, o (rows, H*hd) and k, v (rows, K*hd) are blocks of columns of larger matrices: head h of row r
 * lies at r * stride + h * hd. Query head h reads key head h / (H / K). */
#ifndef RD_ATTENTION_H
#define RD_ATTENTION_H

#include "dtype.h"
#include "error.h"

#include <stdbool.h>

/* The rows of one sequence: `queries` rows of q and o from row q, `keys` rows of k and v from row
 * k. Key j has position j, query i position first + i: keys before and behind the queries are a
 * cache's. first + queries <= keys. */
typedef struct rd_span {
  int64_t q, queries, k, keys;
  int64_t first;
  int64_t origin;            /* blocks are counted from this position, forwards and backwards */
  bool led;                  /* positions before the origin see none behind themselves */
  const void *own_k, *own_v; /* (keys, ..) keys and values that lie elsewhere than the call's, from
                                their first row on, strides the same; NULL: row k of the call's.
                                Forward only */
} rd_span;

/* The queries of a span of no more than this many are gone through one by one: each has the bits
 * that it has alone. */
enum { RD_ATTENTION_FEW = 4 };

typedef struct rd_attention {
  rd_dtype type; /* of q, k, v, o and their gradients: RD_F32 or RD_BF16 */
  int64_t heads, kv_heads, head_dim;
  int64_t q_stride, k_stride, v_stride, o_stride; /* elements from row to row */
  int64_t block; /* 0 bidirectional; 1 causal; N block-causal: a position sees up to the end of its
                    block of N, which a span's origin and `led` may move */
  float scale;   /* of the scores, usually 1 / sqrt(hd) */
  const rd_span *spans; /* (sequences) */
  int64_t sequences;
  int64_t window; /* 0: none; W: position p sees no key below p - W + 1, and where attention is
                     bidirectional none from p + W on */
  float cap;      /* 0: none; else scores are cap * tanh(scaled score / cap) */
} rd_attention;

/* Where the block of N positions begins that `position` is in; below 0 where the origin makes the
 * first one shorter. */
static inline int64_t rd_block_start(int64_t position, int64_t N, int64_t origin) {
  const int64_t in = (position - origin) % N;
  return position - (in < 0 ? in + N : in);
}

/* Keys that a position sees of `keys`: those from 0 up to this number. */
static inline int64_t rd_sees(int64_t position, int64_t keys, int64_t block, int64_t origin,
                              bool led) {
  const bool causal = led && position < origin;
  const int64_t seen = block == 0 ? keys
                     : causal     ? position + 1
                                  : rd_block_start(position, block, origin) + block;
  return seen < keys ? seen : keys;
}

/* Bytes of workspace for forward and backward calls with the heads of `a` (spans and sequences are
 * not read), at most `threads` threads and `longest` keys in a sequence. Aligned to 64 bytes. */
size_t rd_attention_workspace(const rd_attention *a, int threads, int64_t longest);

/* o (rows, H*hd), and unless NULL lse (rows, H), the log of the sum of exp of a query's scores,
 * which the backward pass needs. rows counts from 0 as the spans do; rows in no span are not
 * written. Results are bitwise independent of the number of threads and of the other sequences.
 * Errors: those of rd_matmul. */
rd_code rd_attention_forward(const rd_attention *a, void *o, float *lse, const void *q,
                             const void *k, const void *v, void *workspace, rd_error *e);

/* Gradients of the inputs from d_o and what forward gave: dq has the stride of q, dk of k, dv of v,
 * d_o of o. The rows of the spans are overwritten. No two spans may share rows of k. */
rd_code rd_attention_backward(const rd_attention *a, void *dq, void *dk, void *dv, const void *d_o,
                              const void *o, const float *lse, const void *q, const void *k,
                              const void *v, void *workspace, rd_error *e);

#endif
