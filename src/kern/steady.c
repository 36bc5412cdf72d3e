/* SPDX-License-Identifier: MIT */
/* Tiles of rows by columns over spans of K. A stretch of b that fits into a core's second cache is
 * multiplied with all rows before the next one comes. */
#include "steady.h"

#include "cpu.h"
#include "steady_kernels.h"
#include "whole.h"

enum { SPAN = 512, STRETCH = 96 /* columns */ };

static const rd_steady_kernels *kernels(void) {
#if defined(__x86_64__)
  if (rd_cpu_level() >= RD_CPU_AVX2)
    return &rd_steady_avx2;
#endif
  return &rd_steady_scalar;
}

bool rd_steady_processor(void) {
  return rd_cpu_level() < RD_CPU_AVX512;
}

bool rd_steady_wanted(rd_mat c, rd_mat a, rd_mat b) {
  return rd_steady_processor() && a.type == RD_F32 && c.type == RD_F32 && a.col_stride == 1 &&
         c.col_stride == 1 && !rd_is_packed(b.row_stride, b.col_stride);
}

void rd_steady_multiply(rd_mat c, rd_mat a, rd_mat b, float beta) {
  const rd_steady_kernels *run = kernels();
  const bool along = b.col_stride != 1; /* its columns lie together */
  const int64_t apart = along ? b.col_stride : b.row_stride;
  for (int64_t k = 0; k < a.cols; k += SPAN)
    for (int64_t col = 0; col < c.cols; col += STRETCH)
      for (int64_t row = 0; row < c.rows; row += run->rows) {
        const rd_steady_tile t = {.c = (float *)c.data + row * c.row_stride + col,
                                  .a = (const float *)a.data + row * a.row_stride + k,
                                  .b = (const float *)b.data +
                                       (along ? col * apart + k : k * apart + col),
                                  .c_stride = c.row_stride,
                                  .a_stride = a.row_stride,
                                  .b_stride = apart,
                                  .span = rd_least(SPAN, a.cols - k),
                                  .cols = rd_least(STRETCH, c.cols - col),
                                  .add = beta != 0 || k > 0};
        (along ? run->along : run->across)(&t, (int)rd_least(run->rows, c.rows - row));
      }
}
