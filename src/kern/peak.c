/* SPDX-License-Identifier: MIT */
/* The machine's limits: a loop of multiply-adds that never leaves the registers, and a walk through
 * memory. */
#include "peak.h"

#include "clock.h"
#include "cpu.h"

#include <omp.h>
#include <stdlib.h>
#include <time.h>

typedef struct row {
  rd_dtype type;
  rd_cpu level;
  float (*run)(long rounds);
  double flops;      /* of a round */
  bool (*fit)(void); /* NULL: the level is enough */
} row;

/* Best first. */
static const row rows[] = {{RD_BF16, RD_CPU_AVX512BF16, rd_peak_bf16_avx512bf16, 12 * 64, NULL},
                           {RD_I8, RD_CPU_AVX512, rd_peak_i8_avx512vnni, 12 * 128, rd_i8_fast},
                           {RD_F32, RD_CPU_AVX512, rd_peak_f32_avx512, 12 * 32, NULL},
                           {RD_F32, RD_CPU_AVX2, rd_peak_f32_avx2, 12 * 16, NULL},
                           {RD_F32, RD_CPU_SCALAR, rd_peak_f32_scalar, 12 * 2, NULL}};

rd_peak rd_peak_flops(rd_dtype type) {
  enum { REPEATS = 6 };
  const long rounds = 4 << 20;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (rows[i].type != type || rd_cpu_level() < rows[i].level || (rows[i].fit && !rows[i].fit()))
      continue;
    rd_peak best = {0};
    volatile float sink = 0;
    int threads = rd_threads_get();
    for (int r = 0; r < REPEATS; r++) {
      double start = rd_seconds(), cpu = 0;
#pragma omp parallel num_threads(threads)
      {
        double cpu_start = rd_thread_seconds();
        float value = rows[i].run(rounds);
#pragma omp masked
        cpu = rd_thread_seconds() - cpu_start;
#pragma omp atomic
        sink += value;
      }
      double flops = rows[i].flops * (double)rounds;
      double rate = flops * threads / (rd_seconds() - start), cpu_rate = flops / cpu;
      best.rate = rate > best.rate ? rate : best.rate;
      best.cpu_rate = cpu_rate > best.cpu_rate ? cpu_rate : best.cpu_rate;
    }
    return best;
  }
  return (rd_peak){0};
}

double rd_peak_bandwidth(void) {
  const int64_t n = (int64_t)32 << 20; /* 256 MB */
  uint64_t *data = malloc((size_t)n * sizeof *data);
  double best = 0;
  if (!data)
    return 0;
  int threads = rd_threads_get();
#pragma omp parallel for num_threads(threads)
  for (int64_t i = 0; i < n; i++)
    data[i] = (uint64_t)i;
  for (int r = 0; r < 4; r++) {
    uint64_t sum = 0;
    double start = rd_seconds();
#pragma omp parallel for num_threads(threads) reduction(+ : sum)
    for (int64_t i = 0; i < n; i++)
      sum += data[i];
    double rate = (double)n * sizeof *data / (rd_seconds() - start);
    best = rate > best && sum > 0 ? rate : best;
  }
  free(data);
  return best;
}
