/* SPDX-License-Identifier: MIT */
/* Kernels run by the processor in a card's place, for tests: threads from the first to the last and
 * from the last to the first, with the same bits, or a barrier is missing. */
#ifndef ON_DEVICE_H
#define ON_DEVICE_H

#include "cpu.h"
#include "device.h"
#include "kernel_args.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline rd_device *device_of_test(void) {
  rd_device *d = NULL;
  rd_error e = {0};
  rd_threads_set(2);
  if (rd_device_host(&d, &e) != RD_OK)
    fail_msg("%s", e.message);
  return d;
}

/* Launch twice; what the kernel writes is `out`, whose content before is the same both times. */
static inline void launch_both_ways(rd_device *d, const rd_kernel *kernel, const rd_blocks *grid,
                                    const void *args, void *out, size_t bytes) {
  rd_error e = {0};
  void *before = malloc(bytes), *first = malloc(bytes);
  memcpy(before, out, bytes);
  for (int backwards = 0; backwards < 2; backwards++) {
    memcpy(out, before, bytes);
    rd_device_host_backwards(d, backwards);
    if (d->launch(d, kernel, grid, args, &e) != RD_OK)
      fail_msg("%s", e.message);
    if (backwards == 0)
      memcpy(first, out, bytes);
  }
  if (memcmp(first, out, bytes) != 0)
    fail_msg("kernel %s: the order of threads matters", kernel->name);
  rd_device_host_backwards(d, false);
  free(before);
  free(first);
}

/* Rows at the positions 0 .. T of one sequence; to be freed. */
static inline rd_device_row *rows_in_order(int64_t T) {
  rd_device_row *rows = calloc((size_t)T, sizeof *rows);
  for (int64_t t = 0; t < T; t++)
    rows[t].position = (int32_t)t;
  return rows;
}

/* y = x turned: rows of one head of `hd` numbers, all of which turn. */
static inline rd_rope_args_on rope_args(void *y, const void *x, const rd_device_row *rows,
                                        const float *cosines, const float *sines, int64_t hd,
                                        rd_dtype type) {
  return (rd_rope_args_on){.y = y,
                           .x = x,
                           .rows = rows,
                           .cosines = cosines,
                           .sines = sines,
                           .heads = 1,
                           .hd = (int32_t)hd,
                           .turned = (int32_t)hd,
                           .type = (int32_t)type};
}

/* |is - should| <= bound times the largest of should, for n numbers of a type. */
static inline void assert_near(const void *is, const void *should, rd_dtype type, int64_t n,
                               double bound, const char *what) {
  double size = 0;
  for (int pass = 0; pass < 2; pass++)
    for (int64_t i = 0; i < n; i++) {
      float x, y;
      rd_cast(&x, RD_F32, rd_at_const(is, type, i), type, 1);
      rd_cast(&y, RD_F32, rd_at_const(should, type, i), type, 1);
      size = pass == 0 ? fmax(size, fabs((double)y)) : size;
      if (pass == 1 && !(fabs((double)x - (double)y) <= bound * size))
        fail_msg("%s, %s: number %lld of %lld is %g, not %g", what, rd_dtype_name(type),
                 (long long)i, (long long)n, (double)x, (double)y);
    }
}

#endif
