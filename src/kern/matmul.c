/* SPDX-License-Identifier: MIT */
/* Matrix products: cut into parts for our threads, which oneDNN multiplies one by one. Its own
 * threads would be OpenMP's, which spin. */
#include "matmul.h"

#include <assert.h>
#include <stdatomic.h>

#include "cpu.h"
#include "kernels.h"
#include "onednn.h"
#include "ops.h"
#include "parallel.h"
#include "steady.h"
#include "whole.h"

/* Columns first .. first + count; of a packed matrix from a multiple of RD_PACKED_COLS on. */
static rd_mat columns(rd_mat m, int64_t first, int64_t count) {
  if (!rd_is_packed(m.row_stride, m.col_stride))
    return rd_mat_columns(m, first, count);
  m.data = rd_at(m.data, m.type, first * rd_over(m.rows, RD_PACKED_ROWS) * RD_PACKED_ROWS);
  m.cols = count;
  return m;
}

/* The first failure of those who work on parts. */
typedef struct verdict {
  atomic_int code;
  rd_error error;
} verdict;

static void note(verdict *v, rd_code code, const rd_error *e) {
  int none = RD_OK;
  if (code != RD_OK && atomic_compare_exchange_strong(&v->code, &none, (int)code))
    v->error = *e;
}

static rd_code verdict_of(const verdict *v, rd_error *e) {
  const rd_code code = (rd_code)atomic_load(&v->code);
  if (code != RD_OK && e != NULL)
    *e = v->error;
  return code;
}

/* A product in parts: of rows, or of columns. */
typedef struct parts {
  rd_mat c, a, b;
  float beta;
  bool by_columns;
  int64_t size;
  float *apart; /* (threads, M, size): where parts of columns are computed */
  const rd_kernels *kernels;
  verdict verdict;
} parts;

/* A part, on the calling thread. */
static rd_code multiply(rd_mat c, rd_mat a, rd_mat b, float beta, rd_error *e) {
  if (!rd_steady_wanted(c, a, b))
    return rd_onednn_multiply(c, a, b, beta, e);
  rd_steady_multiply(c, a, b, beta);
  return RD_OK;
}

/* oneDNN wants the rows of c to follow each other, else it takes a slower way that adds up in
 * another order: parts of columns are computed apart, in f32, and brought home. */
static rd_code run_apart(parts *j, rd_mat c, rd_mat b, float *apart, rd_error *e) {
  RD_TRY(rd_onednn_multiply(rd_mat_rows(apart, RD_F32, c.rows, c.cols), j->a, b, 0, e));
  for (int64_t r = 0; r < c.rows; r++, apart += c.cols) {
    void *home = rd_at(c.data, c.type, r * c.row_stride);
    if (j->beta != 0)
      j->kernels->add[c.type](apart, home, 1.0f, c.cols);
    j->kernels->from_f32[c.type](home, apart, c.cols);
  }
  return RD_OK;
}

static rd_code run_part(parts *j, int thread, int64_t at, int64_t count, rd_error *e) {
  if (!j->by_columns)
    return multiply(rd_mat_part(j->c, at, count), rd_mat_part(j->a, at, count), j->b, j->beta, e);
  const rd_mat c = columns(j->c, at, count), b = columns(j->b, at, count);
  if (rd_steady_wanted(c, j->a, b))
    return multiply(c, j->a, b, j->beta, e);
  return run_apart(j, c, b, j->apart + thread * j->c.rows * j->size, e);
}

static void run_parts(void *context, int thread, int64_t first, int64_t last) {
  parts *j = context;
  const int64_t all = j->by_columns ? j->c.cols : j->c.rows;
  for (int64_t i = first; i < last; i++) {
    const int64_t at = i * j->size, count = all - at < j->size ? all - at : j->size;
    rd_error e = {0};
    note(&j->verdict, run_part(j, thread, at, count, &e), &e);
  }
}

/* How a product is cut for `threads`. Parts of columns where those of b lie side by side, so that
 * no two threads lay out the same weights; else, or where rows are so many that this costs nothing,
 * parts of rows. A part is worth a hand-off: a number of b that comes from memory takes the time of
 * some 16 products. Rows of a turned matrix (the gradients of weights) are always cut: oneDNN is
 * faster on parts of it than on the whole, and adds up in another order, which must not depend on
 * threads. */
static void cut(parts *j, int64_t threads) {
  enum {
    LINE = 16 /* numbers of a cache line */,
    SHARES = 4,
    LEAST = 1 << 21,
    MANY = 512,
    MEMORY = 16,
    APART = 1 << 16
  };
  const rd_mat *a = &j->a, *b = &j->b, *c = &j->c;
  const bool packed = rd_is_packed(b->row_stride, b->col_stride);
  const bool turned = a->col_stride != 1 && a->row_stride == 1;
  const bool side_by_side = packed || (b->row_stride == 1 && b->col_stride == b->rows);
  const int64_t line = packed ? RD_PACKED_COLS : LINE, many = packed ? RD_PACKED_COLS : MANY;
  j->by_columns = side_by_side && c->col_stride == 1 && c->row_stride == c->cols && !turned &&
                  c->cols >= 2 * line * threads && c->rows < many * threads;
  const int64_t all = j->by_columns ? c->cols : c->rows;
  const int64_t cost = a->cols * (j->by_columns ? c->rows + MEMORY : c->cols);
  int64_t size = rd_over(all, threads * SHARES),
          most = turned && all > LINE ? rd_over(all, 2) : all;
  if (j->by_columns && size > APART / c->rows) /* what is computed apart stays in the cache */
    size = APART / c->rows;
  size = size < LEAST / cost ? LEAST / cost : size < 1 ? 1 : size;
  if (!j->by_columns && size < many && all >= many * threads)
    size = many;
  size = rd_over(size, line) * line;
  j->size = size < most ? size : rd_over(most, line) * line;
  /* oneDNN adds up a few columns, above all one, in another order: no part has less than a line */
  while (j->by_columns && j->size < all && all % j->size != 0 && all % j->size < line)
    j->size += line;
}

/* The product, by all threads. */
static rd_code share(rd_mat c, rd_mat a, rd_mat b, float beta, rd_error *e) {
  parts j = {.c = c, .a = a, .b = b, .beta = beta, .kernels = rd_kernels_get()};
  const int threads = rd_threads_get();
  j.size = c.rows;
  if (threads > 1 || a.col_stride != 1)
    cut(&j, threads);
  const int64_t count = rd_over(j.by_columns ? c.cols : c.rows, j.size);
  if (count == 1)
    return multiply(c, a, b, beta, e);
  if (j.by_columns) {
    j.apart = rd_onednn_room(RD_ROOM_APART, (size_t)(threads * c.rows * j.size) * sizeof(float), e);
    if (j.apart == NULL)
      return RD_NO_MEMORY;
  }
  rd_parallel_each(count, run_parts, &j);
  return verdict_of(&j.verdict, e);
}

/* Copy a narrow matrix as f32 into `to`, its contiguous direction kept. */
typedef struct copying {
  float *to;
  rd_mat from;
} copying;

static void copy_lines(void *context, int thread, int64_t first, int64_t last) {
  (void)thread;
  const copying *j = context;
  const bool by_rows = j->from.col_stride == 1;
  const int64_t length = by_rows ? j->from.cols : j->from.rows;
  const int64_t stride = by_rows ? j->from.row_stride : j->from.col_stride;
  for (int64_t i = first; i < last; i++)
    rd_cast(j->to + i * length, RD_F32, rd_at_const(j->from.data, j->from.type, i * stride),
            j->from.type, length);
}

static rd_mat as_f32(float *to, rd_mat from) {
  copying j = {to, from};
  const bool by_rows = from.col_stride == 1;
  const int64_t lines = by_rows ? from.rows : from.cols;
  const int64_t length = by_rows ? from.cols : from.rows;
  rd_parallel(lines, 1 + 65536 / (length + 1), copy_lines, &j);
  return by_rows ? rd_mat_rows(to, RD_F32, from.rows, from.cols)
                 : rd_mat_transposed(rd_mat_rows(to, RD_F32, from.cols, from.rows));
}

/* Narrow operands in f32: all of a, and b in pieces of columns that stay in the cache. A piece of c
 * is computed apart: with rows that do not follow each other, oneDNN sums fewer than 16 of them in
 * another order. */
static rd_code run_pieces(rd_mat c, rd_mat a, rd_mat b, float beta, rd_error *e) {
  enum { PIECE = 1 << 19 }; /* elements of b at a time */
  int64_t width = PIECE / a.cols / 16 * 16;
  if (width < 16)
    width = 16;
  if (width > c.cols)
    width = c.cols;
  const int64_t a_size = (a.rows * a.cols + 15) / 16 * 16;
  const int64_t b_size = (a.cols * width + 15) / 16 * 16;
  const bool direct = c.type == RD_F32 && width == c.cols;
  const int64_t c_size = direct ? 0 : c.rows * width;
  float *pieces =
      rd_onednn_room(RD_ROOM_PIECES, (size_t)(a_size + b_size + c_size) * sizeof(float), e);
  if (pieces == NULL)
    return RD_NO_MEMORY;
  float *b_data = pieces + a_size, *c_data = b_data + b_size;
  const rd_mat a32 = as_f32(pieces, a);
  for (int64_t first = 0; first < c.cols; first += width) {
    const int64_t count = c.cols - first < width ? c.cols - first : width;
    const rd_mat b32 = as_f32(b_data, columns(b, first, count));
    const rd_mat part = columns(c, first, count);
    if (direct) {
      RD_TRY(share(part, a32, b32, beta, e));
      continue;
    }
    const rd_mat c32 = beta != 0 ? as_f32(c_data, part)
                     : part.col_stride == 1
                         ? rd_mat_rows(c_data, RD_F32, part.rows, count)
                         : rd_mat_transposed(rd_mat_rows(c_data, RD_F32, count, part.rows));
    RD_TRY(share(c32, a32, b32, beta, e));
    const bool by_rows = part.col_stride == 1;
    const int64_t lines = by_rows ? part.rows : count, length = by_rows ? count : part.rows;
    for (int64_t i = 0; i < lines; i++)
      rd_cast(rd_at(part.data, c.type, i * (by_rows ? part.row_stride : part.col_stride)), c.type,
              c_data + i * length, RD_F32, length);
  }
  return RD_OK;
}

/* K = 0: an empty sum. */
static void clear(rd_mat c) {
  const bool by_rows = c.col_stride == 1;
  const int64_t lines = by_rows ? c.rows : c.cols, length = by_rows ? c.cols : c.rows;
  for (int64_t i = 0; i < lines; i++)
    memset(rd_at(c.data, c.type, i * (by_rows ? c.row_stride : c.col_stride)), 0,
           (size_t)length * rd_dtype_size(c.type));
}

rd_code rd_matmul(rd_mat c, rd_mat a, rd_mat b, float beta, rd_error *e) {
  assert(a.rows == c.rows && b.cols == c.cols && a.cols == b.rows);
  assert(a.type == b.type && (a.type == RD_F32 || a.type == RD_BF16));
  assert(c.type == RD_F32 || (c.type == RD_BF16 && a.type == RD_BF16));
  assert(beta == 0 || beta == 1);
  if (c.rows == 0 || c.cols == 0)
    return RD_OK;
  if (a.cols == 0) {
    if (beta == 0)
      clear(c);
    return RD_OK;
  }
  if (a.type == RD_BF16 && !rd_bf16_fast())
    return run_pieces(c, a, b, beta, e);
  return share(c, a, b, beta, e);
}

size_t rd_matmul_packed_size(rd_mat b) {
  const int64_t rows = rd_over(b.rows, RD_PACKED_ROWS) * RD_PACKED_ROWS;
  const int64_t cols = rd_over(b.cols, RD_PACKED_COLS) * RD_PACKED_COLS;
  return b.type == RD_BF16 && rd_bf16_fast() ? (size_t)(rows * cols) * sizeof(rd_bf16) : 0;
}
typedef struct packing {
  void *to;
  rd_mat b;
  verdict verdict;
} packing;

/* Items: blocks of columns. */
static void pack_blocks(void *context, int thread, int64_t first, int64_t last) {
  packing *j = context;
  rd_error e = {0};
  (void)thread;
  const int64_t at = first * RD_PACKED_COLS, end = last * RD_PACKED_COLS;
  const rd_mat to = columns(rd_mat_packed(j->to, j->b.type, j->b.rows, j->b.cols), at, 0);
  const rd_mat part = columns(j->b, at, (end < j->b.cols ? end : j->b.cols) - at);
  note(&j->verdict, rd_onednn_pack(to.data, part, &e), &e);
}

rd_code rd_matmul_pack(void *to, rd_mat b, rd_error *e) {
  packing j = {.to = to, .b = b};
  rd_parallel(rd_over(b.cols, RD_PACKED_COLS), 1 + (1 << 20) / (RD_PACKED_COLS * (b.rows + 1)),
              pack_blocks, &j);
  return verdict_of(&j.verdict, e);
}
void *rd_matmul_scratch(size_t bytes, rd_error *e) {
  return rd_onednn_room(RD_ROOM_LENT, bytes, e);
}
