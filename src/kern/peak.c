/* SPDX-License-Identifier: MIT */
/* The machine's limits: a loop of multiply-adds that never leaves the registers, and a walk through
 * memory. */
#include "peak.h"

#include "clock.h"
#include "cpu.h"
#include "parallel.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { MOST = 1024 /* threads */ };

typedef struct row {
  rd_dtype type;
  rd_cpu level;
  float (*run)(long rounds);
  double flops;      /* of a round */
  bool (*fit)(void); /* NULL: the level is enough */
} row;

/* Best first. */
static const row rows[] = {
#if defined(__x86_64__)
    {RD_BF16, RD_CPU_AVX512BF16, rd_peak_bf16_avx512bf16, 12 * 64, NULL},
    {RD_I8, RD_CPU_AVX512, rd_peak_i8_avx512vnni, 12 * 128, rd_i8_fast},
    {RD_F32, RD_CPU_AVX512, rd_peak_f32_avx512, 12 * 32, NULL},
    {RD_F32, RD_CPU_AVX2, rd_peak_f32_avx2, 12 * 16, NULL},
#endif
    {RD_F32, RD_CPU_SCALAR, rd_peak_f32_scalar, 12 * 2, NULL}};

/* One run of a loop in each thread. */
typedef struct turn {
  const row *row;
  long rounds;
  double cpu[MOST]; /* processor time of each run */
  float sink[MOST];
} turn;

static void run(void *context, int thread, int64_t first, int64_t last) {
  turn *t = context;
  (void)thread;
  for (int64_t i = first; i < last; i++) {
    const double start = rd_thread_seconds();
    t->sink[i] = t->row->run(t->rounds);
    t->cpu[i] = rd_thread_seconds() - start;
  }
}

static int threads_here(void) {
  return rd_threads_get() < MOST ? rd_threads_get() : MOST;
}

rd_peak rd_peak_flops(rd_dtype type) {
  enum { REPEATS = 6 };
  turn t = {.rounds = 4 << 20};
  rd_peak best = {0};
  for (t.row = rows; t.row < rows + sizeof rows / sizeof *rows; t.row++)
    if (t.row->type == type && rd_cpu_level() >= t.row->level && (!t.row->fit || t.row->fit()))
      break;
  if (t.row == rows + sizeof rows / sizeof *rows)
    return best;
  const double flops = t.row->flops * (double)t.rounds;
  const int threads = threads_here();
  for (int r = 0; r < REPEATS; r++) {
    const double start = rd_seconds();
    rd_parallel_each(threads, run, &t);
    const double rate = flops * threads / (rd_seconds() - start), cpu_rate = flops / t.cpu[0];
    best.rate = rate > best.rate ? rate : best.rate;
    best.cpu_rate = cpu_rate > best.cpu_rate ? cpu_rate : best.cpu_rate;
  }
  return best;
}

typedef struct walk {
  uint64_t *data;
  atomic_ullong sum;
} walk;

static void fill(void *context, int thread, int64_t first, int64_t last) {
  const walk *w = context;
  (void)thread;
  for (int64_t i = first; i < last; i++)
    w->data[i] = (uint64_t)i;
}

static void add_up(void *context, int thread, int64_t first, int64_t last) {
  walk *w = context;
  uint64_t sum = 0;
  (void)thread;
  for (int64_t i = first; i < last; i++)
    sum += w->data[i];
  atomic_fetch_add(&w->sum, sum);
}

double rd_peak_bandwidth(void) {
  enum { PAGES = 1 << 16 };
  const int64_t n = (int64_t)32 << 20; /* 256 MB */
  walk w = {.data = malloc((size_t)n * sizeof *w.data)};
  double best = 0;
  if (!w.data)
    return 0;
  rd_parallel(n, PAGES, fill, &w);
  for (int r = 0; r < 4; r++) {
    const double start = rd_seconds();
    rd_parallel(n, PAGES, add_up, &w);
    const double rate = (double)n * sizeof *w.data / (rd_seconds() - start);
    best = rate > best && atomic_load(&w.sum) > 0 ? rate : best;
  }
  free(w.data);
  return best;
}
