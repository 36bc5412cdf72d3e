/* SPDX-License-Identifier: MIT */
/* Matrix products side by side: oneDNN's as matmul.h makes them, and the groups of 8 and 4 bits,
 * for each number of rows. Every round takes each product once, so that a busy machine slows all
 * alike; the best of the rounds is printed as gigabytes of weights a second and as a share of the
 * peak of multiply-adds of the product's own type. Matrices are copied until they exceed the
 * caches.
 *
 *   bench_products [--rounds 9] [--rows 1,4,32] [--threads 2] [--only 4096x4096]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "cpu.h"
#include "group_cases.h"
#include "groups.h"
#include "mapped.h"
#include "matmul.h"
#include "ops.h"
#include "peak.h"
#include "rng.h"

enum { MOST_ROWS = 256, METHODS = 8, BEYOND = 96 << 20 /* bytes: more than the caches */ };

/* What a product reads and writes. */
typedef struct work {
  int64_t M, K, N;
  float *x, *y; /* (M,K), (M,N) */
  rd_bf16 *x16;
  rd_group_rows rows;
  void *rows_buffer;
  unsigned char *weights;
  int64_t copy; /* which of the copies is next */
} work;

typedef struct method {
  const char *name;
  rd_dtype peak;
  const char *kind; /* of groups, or NULL */
  double bits;      /* of a weight, scales apart */
  void (*run)(work *w, const struct method *m, unsigned char *weights);
} method;

/* What memory gives at best: the bytes are only added up. */
static void run_read(work *w, const method *m, unsigned char *weights) {
  const uint64_t *from = (const uint64_t *)(const void *)weights;
  uint64_t sum = 0;
  (void)m;
  for (int64_t i = 0; i < w->K * w->N / 8; i++)
    sum += from[i];
  w->y[0] = (float)sum;
}

static void run_dense(work *w, const method *m, unsigned char *weights) {
  const void *x = m->peak == RD_F32 ? (const void *)w->x : w->x16;
  rd_matmul(rd_mat_rows(w->y, RD_F32, w->M, w->N), rd_mat_rows(x, m->peak, w->M, w->K),
            rd_mat_transposed(rd_mat_rows(weights, m->peak, w->N, w->K)), 0, NULL);
}

static void run_mapped(work *w, const method *m, unsigned char *weights) {
  (void)m;
  if (rd_mapped_fast() && w->M <= RD_MAPPED_MOST)
    rd_mapped_multiply(w->y, RD_F32, w->N, w->x16, w->K, (const rd_bf16 *)(void *)weights, w->M,
                       w->N, w->K, false, NULL);
}

static void run_groups(work *w, const method *m, unsigned char *weights) {
  const rd_group_kind *kind = rd_group_kind_named(m->kind);
  const rd_groups g = {kind, weights, weights + rd_groups_quant_bytes(kind, w->N, w->K), w->N,
                       w->K};
  rd_group_rows_round(&w->rows, w->x, RD_F32, w->K);
  rd_groups_multiply(w->y, RD_F32, w->N, &w->rows, &g, false);
}

static const method methods[] = {
    {"read, one thread", RD_I8, NULL, 8, run_read},
    {"dnn f32", RD_F32, NULL, 32, run_dense},
    {"dnn bf16", RD_BF16, NULL, 16, run_dense},
    {"mapped bf16", RD_BF16, NULL, 16, run_mapped},
    {"i8", RD_I8, "i8", 0, run_groups},
    {"i4", RD_I8, "i4", 0, run_groups},
    {"i4m", RD_I8, "i4m", 0, run_groups},
    {"i4k", RD_I8, "i4k", 0, run_groups},
};
enum { COUNT = sizeof methods / sizeof *methods };

static size_t weight_bytes(const method *m, int64_t K, int64_t N) {
  const rd_group_kind *kind = m->kind ? rd_group_kind_named(m->kind) : NULL;
  const size_t bytes = kind ? rd_groups_quant_bytes(kind, N, K) + rd_groups_scale_bytes(kind, N, K)
                            : (size_t)((double)(K * N) * m->bits / 8);
  return (bytes + 63) / 64 * 64;
}

static void *take(size_t bytes) {
  void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (p == NULL) {
    fprintf(stderr, "no memory: %zu bytes\n", bytes);
    exit(1);
  }
  return p;
}

/* Activations as models have them: most near zero, one channel in fifty ten times as large. */
static void fill(float *x, int64_t M, int64_t K) {
  rd_rng rng = rd_rng_at(3, RD_STREAM_INIT, 0, 0);
  for (int64_t i = 0; i < M * K; i++) {
    float sum = 0;
    for (int u = 0; u < 4; u++)
      sum += (float)rd_rng_uniform(&rng) - 0.5f;
    x[i] = i % K % 50 == 7 ? 10 * sum : sum;
  }
}

static double peaks[4];

/* Time on the wall; that of the processor with one thread, which other programs do not lengthen. */
static double now(void) {
  return rd_threads_get() > 1 ? rd_seconds() : rd_thread_seconds();
}

static void measure(int64_t K, int64_t N, int64_t M, int rounds, unsigned char *weights) {
  work w = {.M = M, .K = K, .N = N};
  double best[COUNT];
  w.x = take((size_t)(M * K) * 4), w.x16 = take((size_t)(M * K) * 2);
  w.y = take((size_t)(M * N) * 4);
  w.rows_buffer = take(rd_group_rows_bytes(M, K));
  w.rows = rd_group_rows_place(w.rows_buffer, M, K);
  fill(w.x, M, K);
  rd_cast(w.x16, RD_BF16, w.x, RD_F32, M * K);
  for (int i = 0; i < COUNT; i++)
    best[i] = INFINITY;
  for (int r = 0; r < rounds; r++)
    for (int i = 0; i < COUNT; i++) {
      const size_t bytes = weight_bytes(&methods[i], K, N);
      const int64_t copies = (int64_t)(BEYOND / bytes) + 1;
      const int64_t repeats = 1 + (int64_t)(4e8 / ((double)(M + 20) * (double)(K * N)));
      methods[i].run(&w, &methods[i], weights);
      const double start = now();
      for (int64_t n = 0; n < repeats; n++)
        methods[i].run(&w, &methods[i], weights + (size_t)(++w.copy % copies) * bytes);
      const double took = (now() - start) / (double)repeats;
      best[i] = took < best[i] ? took : best[i];
    }
  for (int i = 0; i < COUNT; i++) {
    if (methods[i].run == run_mapped && M > RD_MAPPED_MOST)
      continue;
    const double flops = 2.0 * (double)M * (double)N * (double)K;
    printf("| %ld x %ld x %ld | %s | %.1f | %.1f | %.0f | %.0f%% |\n", (long)M, (long)K, (long)N,
           methods[i].name, best[i] * 1e6, (double)weight_bytes(&methods[i], K, N) / best[i] / 1e9,
           flops / best[i] / 1e9, 100 * flops / best[i] / peaks[methods[i].peak]);
  }
  fflush(stdout);
  free(w.x), free(w.x16), free(w.y);
  free(w.rows_buffer);
}

int main(int argc, char **argv) {
  int rounds = 9;
  const char *rows = NULL, *only = NULL;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (strcmp(argv[i], "--rounds") == 0)
      rounds = atoi(argv[i + 1]);
    else if (strcmp(argv[i], "--rows") == 0)
      rows = argv[i + 1];
    else if (strcmp(argv[i], "--threads") == 0)
      rd_threads_set(atoi(argv[i + 1]));
    else if (strcmp(argv[i], "--only") == 0)
      only = argv[i + 1];
  }
  for (int t = RD_F32; t <= RD_I8; t++)
    peaks[t] = rd_threads_get() > 1 ? rd_peak_flops((rd_dtype)t).rate
                                    : rd_peak_flops((rd_dtype)t).cpu_rate;
  printf("%s, %d threads; peak f32 %.0f, bf16 %.0f, i8 %.0f Gop/s; memory %.1f GB/s\n",
         rd_cpu_name(rd_cpu_level()), rd_threads_get(), peaks[RD_F32] / 1e9, peaks[RD_BF16] / 1e9,
         peaks[RD_I8] / 1e9, rd_peak_bandwidth() / 1e9);
  printf("| M x K x N | product | us | GB/s | Gop/s | of the peak |\n|---|---|---|---|---|---|\n");
  const size_t size = (size_t)BEYOND + ((size_t)4096 * 14336 * 4) + 4096;
  unsigned char *weights = take(size);
  for (size_t i = 0; i < size; i += 2) { /* any bits are integers; as f16 or f32 these are small */
    weights[i] = (unsigned char)(i * 2654435761u >> 13);
    weights[i + 1] = 0x21;
  }
  for (size_t s = 0; s < sizeof group_shapes / sizeof *group_shapes; s++) {
    char name[64];
    snprintf(name, sizeof name, "%ldx%ld", (long)group_shapes[s].K, (long)group_shapes[s].N);
    if (only != NULL && strcmp(only, name) != 0)
      continue;
    for (size_t r = 0; r < sizeof group_counts / sizeof *group_counts; r++) {
      const char *at = rows;
      bool wanted = rows == NULL;
      for (char *end; at != NULL && *at != '\0'; at = *end == ',' ? end + 1 : end)
        wanted |= strtol(at, &end, 10) == group_counts[r];
      if (wanted)
        measure(group_shapes[s].K, group_shapes[s].N, group_counts[r], rounds, weights);
    }
  }
  free(weights);
  return 0;
}
