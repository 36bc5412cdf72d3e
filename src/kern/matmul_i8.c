/* SPDX-License-Identifier: MIT */
/* Scaled products of integers: blocks whose plain sums stay in the second cache until they have
 * been scaled into place. (Scales of rows as a post-operation send oneDNN to its reference code.)
 * Sums of integers are exact, so that the blocks may depend on the number of threads. */
#include "matmul.h"

#include <assert.h>
#include <stdatomic.h>

#include "cpu.h"
#include "kernels.h"
#include "parallel.h"

typedef struct product {
  rd_mat c, a, b;
  const float *a_scale, *b_scale;
  bool add;
  const rd_kernels *kernels;
  int64_t rows, cols; /* of a block */
  int64_t across;     /* blocks in a row of blocks */
  atomic_int code;
  rd_error error; /* of the thread that set the code first */
} product;

static int64_t blocks(int64_t n, int64_t size) {
  return (n + size - 1) / size;
}

static rd_code block(const product *p, int64_t row, int64_t col, rd_error *e) {
  const int64_t rows = p->c.rows - row < p->rows ? p->c.rows - row : p->rows;
  const int64_t cols = p->c.cols - col < p->cols ? p->c.cols - col : p->cols;
  float *sums = rd_matmul_scratch((size_t)(p->rows * p->cols) * sizeof *sums, e);
  if (!sums)
    return RD_NO_MEMORY;
  const rd_mat b = rd_mat_transposed(rd_mat_part(rd_mat_transposed(p->b), col, cols));
  RD_TRY(rd_matmul(rd_mat_rows(sums, RD_F32, rows, cols), rd_mat_part(p->a, row, rows), b, 0, e));
  for (int64_t i = row; i < row + rows; i++)
    p->kernels->unquantize[p->c.type](rd_at(p->c.data, p->c.type, i * p->c.row_stride + col),
                                      sums + (i - row) * cols, p->a_scale[i], p->b_scale + col,
                                      p->add, cols);
  return RD_OK;
}

static void work(void *context, int thread, int64_t first, int64_t last) {
  (void)thread;
  product *p = context;
  for (int64_t i = first; i < last; i++) {
    rd_error e = {0};
    int none = RD_OK;
    const rd_code code = block(p, i / p->across * p->rows, i % p->across * p->cols, &e);
    if (code != RD_OK && atomic_compare_exchange_strong(&p->code, &none, (int)code))
      p->error = e;
  }
}

/* Blocks of half a MiB of sums, wide before high, and at least two for each thread. */
static void cut(product *p) {
  enum { AREA = 1 << 17, WIDE = 1024, NARROW = 512 };
  const int64_t wanted = 2 * (int64_t)rd_threads_get();
  p->cols = p->c.cols <= WIDE ? p->c.cols : NARROW;
  p->across = blocks(p->c.cols, p->cols);
  p->rows = AREA / p->cols / 16 * 16;
  const int64_t share = blocks(p->c.rows, blocks(wanted, p->across));
  if (share < p->rows)
    p->rows = blocks(share, 16) * 16;
  if (p->rows > p->c.rows)
    p->rows = p->c.rows;
}

rd_code rd_matmul_i8(rd_mat c, rd_mat a, const float *a_scale, rd_mat b, const float *b_scale,
                     float beta, rd_error *e) {
  assert(a.rows == c.rows && b.cols == c.cols && a.cols == b.rows);
  assert(a.type == RD_I8 && b.type == RD_I8 && c.col_stride == 1);
  assert((c.type == RD_F32 || c.type == RD_BF16) && (beta == 0 || beta == 1));
  if (c.rows == 0 || c.cols == 0)
    return RD_OK;
  product p = {.c = c,
               .a = a,
               .b = b,
               .a_scale = a_scale,
               .b_scale = b_scale,
               .add = beta != 0,
               .kernels = rd_kernels_get()};
  cut(&p);
  rd_parallel_each(blocks(c.rows, p.rows) * p.across, work, &p);
  const rd_code code = (rd_code)atomic_load(&p.code);
  if (code != RD_OK && e != NULL)
    *e = p.error;
  return code;
}
