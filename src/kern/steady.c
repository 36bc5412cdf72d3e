/* SPDX-License-Identifier: MIT */
/* Tiles of rows by panels of columns over spans of K. A panel is laid out once and stays in the
 * first cache while all rows are multiplied with it. */
#include "steady.h"

#include <string.h>

#include "cpu.h"
#include "steady_kernels.h"
#include "whole.h"

enum {
  SPAN = 256,
  PANELS = 4,
  BLOCK = 16 * RD_STEADY_ROWS /* rows of a turned a, laid out at a time */
};

static const rd_steady_kernels *kernels(void) {
#if defined(__x86_64__)
  if (rd_cpu_level() >= RD_CPU_AVX2)
    return &rd_steady_avx2;
#endif
  return &rd_steady_scalar;
}

bool rd_steady_wanted(rd_mat c, rd_mat a, rd_mat b) {
  return rd_cpu_level() < RD_CPU_AVX512 && a.type == RD_F32 && c.type == RD_F32 &&
         (a.col_stride == 1 || a.row_stride == 1) && c.col_stride == 1 &&
         !rd_is_packed(b.row_stride, b.col_stride);
}

/* Up to 16 columns of b, of which each lies together or none does; those that are missing are 0. */
static void lay_columns(float *panel, const float *from, rd_mat b, int64_t span, int cols) {
  if (cols < RD_STEADY_COLS)
    memset(panel, 0, (size_t)(span * RD_STEADY_COLS) * sizeof *panel);
  int j = 0;
  for (; b.row_stride == 1 && j + 8 <= cols; j += 8)
    kernels()->turn(panel + j, from + j * b.col_stride, b.col_stride, span);
  for (; j < cols; j++)
    for (int64_t i = 0; i < span; i++)
      panel[i * RD_STEADY_COLS + j] = from[i * b.row_stride + j * b.col_stride];
}

/* Columns of b from (k, col) on, as many as there is room for. Where rows lie together four lines
 * are read at a time: what is 4096 bytes apart shares few places of a cache. */
static void lay_panels(float panels[PANELS][SPAN * RD_STEADY_COLS], rd_mat b, int64_t k,
                       int64_t col, int64_t span) {
  const float *from = (const float *)b.data + k * b.row_stride + col * b.col_stride;
  const int64_t cols = rd_least(PANELS * RD_STEADY_COLS, b.cols - col);
  const int64_t whole = b.col_stride == 1 ? cols / RD_STEADY_COLS : 0;
  for (int64_t i = 0; i < span; i++)
    for (int64_t p = 0; p < whole; p++)
      memcpy(panels[p] + i * RD_STEADY_COLS, from + i * b.row_stride + p * RD_STEADY_COLS,
             RD_STEADY_COLS * sizeof *from);
  for (int64_t p = whole; p * RD_STEADY_COLS < cols; p++)
    lay_columns(panels[p], from + p * RD_STEADY_COLS * b.col_stride, b, span,
                (int)rd_least(RD_STEADY_COLS, cols - p * RD_STEADY_COLS));
}

/* Rows of a turned a, whose columns lie together, in tiles of (span, RD_STEADY_ROWS). */
static void lay_rows(float *to, const float *a, int64_t next, int64_t span, int64_t rows) {
  for (int64_t k = 0; k < span; k++, a += next, to += RD_STEADY_ROWS) {
    int64_t row = 0;
    for (; row + RD_STEADY_ROWS <= rows; row += RD_STEADY_ROWS)
      memcpy(to + row * span, a + row, RD_STEADY_ROWS * sizeof *to);
    memcpy(to + row * span, a + row, (size_t)(rows - row) * sizeof *to);
  }
}

/* Rows of c, by all columns of b, over one span. */
static void multiply_span(rd_mat c, const rd_steady_tile *like, int64_t tile_step, rd_mat b,
                          int64_t k) {
  const rd_steady_kernels *run = kernels();
  float panels[PANELS][SPAN * RD_STEADY_COLS] __attribute__((aligned(64)));
  for (int64_t col = 0; col < c.cols; col += RD_STEADY_COLS) {
    const int64_t at = col / RD_STEADY_COLS % PANELS;
    if (at == 0)
      lay_panels(panels, b, k, col, like->span);
    rd_steady_tile t = *like;
    t.panel = panels[at];
    t.cols = (int)rd_least(RD_STEADY_COLS, c.cols - col);
    for (int64_t row = 0; row < c.rows; row += RD_STEADY_ROWS, t.a += tile_step) {
      t.c = (float *)c.data + row * c.row_stride + col;
      t.rows = (int)rd_least(RD_STEADY_ROWS, c.rows - row);
      run->multiply(&t);
    }
  }
}

static void multiply_turned(rd_mat c, rd_steady_tile like, rd_mat a, rd_mat b, int64_t k) {
  float laid[SPAN * BLOCK] __attribute__((aligned(64)));
  like.a = laid;
  like.a_stride = RD_STEADY_LAID;
  for (int64_t row = 0; row < c.rows; row += BLOCK) {
    const int64_t rows = rd_least(BLOCK, c.rows - row);
    lay_rows(laid, (const float *)a.data + k * a.col_stride + row, a.col_stride, like.span, rows);
    multiply_span(rd_mat_part(c, row, rows), &like, RD_STEADY_ROWS * like.span, b, k);
  }
}

static void multiply_columns(rd_mat c, rd_mat a, rd_mat b, float beta) {
  const int64_t span = rd_over(rd_over(a.cols, rd_over(a.cols, SPAN)), 8) * 8;
  for (int64_t k = 0; k < a.cols; k += span) {
    const rd_steady_tile like = {.a = (const float *)a.data + k,
                                 .c_stride = c.row_stride,
                                 .a_stride = a.row_stride,
                                 .span = rd_least(span, a.cols - k),
                                 .add = beta != 0 || k > 0};
    if (a.col_stride == 1)
      multiply_span(c, &like, RD_STEADY_ROWS * a.row_stride, b, k);
    else
      multiply_turned(c, like, a, b, k);
  }
}

/* Few rows wait for b, which is then read along its columns; of many the span of a stays near. */
void rd_steady_multiply(rd_mat c, rd_mat a, rd_mat b, float beta) {
  const int64_t most = c.rows > RD_STEADY_ROWS ? c.cols : PANELS * RD_STEADY_COLS;
  for (int64_t col = 0; col < c.cols; col += most) {
    const int64_t count = rd_least(most, c.cols - col);
    multiply_columns(rd_mat_columns(c, col, count), a, rd_mat_columns(b, col, count), beta);
  }
}
