/* SPDX-License-Identifier: MIT */
/* How fast a kind of steps multiplies, tried before a run begins: a square product, a few times. */
#include "clock.h"
#include "device.h"
#include "matmul.h"
#include "step_kind.h"

#include <stdlib.h>

enum { TIMES = 20 };

static double flops_of(int64_t n, double seconds) {
  return 2.0 * (double)n * (double)n * (double)n * TIMES / (seconds + 1e-9);
}

rd_code rd_step_cpu_speed(double *flops, rd_dtype type, rd_error *e) {
  enum { N = 512 };
  const size_t size = (size_t)N * N * sizeof(float);
  char *memory = rd_calloc(3, size, "a product to measure", e);
  if (!memory)
    return RD_NO_MEMORY;
  const rd_mat a = rd_mat_rows(memory, type, N, N), b = rd_mat_rows(memory + size, type, N, N);
  const rd_mat c = rd_mat_rows(memory + 2 * size, RD_F32, N, N);
  rd_code code = rd_matmul(c, a, rd_mat_transposed(b), 0, e);
  const double start = rd_seconds();
  for (int i = 0; code == RD_OK && i < TIMES; i++)
    code = rd_matmul(c, a, rd_mat_transposed(b), 0, e);
  *flops = flops_of(N, rd_seconds() - start);
  free(memory);
  return code;
}

/* A number of what was asked for last is fetched, which waits for all of it. */
static rd_code wait_for(rd_device *d, const void *memory, rd_error *e) {
  float number;
  return d->fetch(d, &number, memory, sizeof number, e);
}

static rd_code try_products(rd_device *d, char *memory, int64_t n, rd_dtype type, double *flops,
                            rd_error *e) {
  const size_t size = (size_t)(n * n) * sizeof(float);
  const rd_product p = {.y = memory,
                        .x = memory + size,
                        .w = memory + 2 * size,
                        .T = n,
                        .N = n,
                        .K = n,
                        .y_stride = n,
                        .alpha = 1,
                        .type = type,
                        .y_type = RD_F32};
  const rd_clear_args clear = {(float *)(void *)memory, 3 * n * n};
  const rd_blocks grid = {.blocks = 256, .sides = 1, .threads = d->threads};
  RD_TRY(d->launch(d, &d->kernels->clear, &grid, &clear, e));
  RD_TRY(d->multiply(d, &p, e));
  RD_TRY(wait_for(d, memory, e));
  const double start = rd_seconds();
  for (int i = 0; i < TIMES; i++)
    RD_TRY(d->multiply(d, &p, e));
  RD_TRY(wait_for(d, memory, e));
  *flops = flops_of(n, rd_seconds() - start);
  return RD_OK;
}

/* On a device, which is closed. */
static rd_code speed_of(rd_device *d, int64_t n, rd_dtype type, double *flops, rd_error *e) {
  void *memory = NULL;
  rd_code code =
      d->take(d, &memory, 3 * (size_t)(n * n) * sizeof(float), "a product to measure", e);
  if (code == RD_OK)
    code = try_products(d, memory, n, type, flops, e);
  if (memory)
    d->give(d, memory);
  rd_device_close(&d);
  return code;
}

rd_code rd_step_cuda_speed(double *flops, rd_dtype type, rd_error *e) {
  rd_device *d = NULL;
  RD_TRY(rd_device_card(&d, e));
  return speed_of(d, 4096, type, flops, e);
}

rd_code rd_step_emulated_speed(double *flops, rd_dtype type, rd_error *e) {
  rd_device *d = NULL;
  RD_TRY(rd_device_host(&d, e));
  return speed_of(d, 256, type, flops, e);
}
