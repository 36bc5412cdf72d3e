/* SPDX-License-Identifier: MIT */
/* The processor in a card's place. Blocks are shared out over threads, each with a crew of its own;
 * memory is the processor's, and products are those of matmul.h, so that a row of one does not
 * depend on how many there are. */
#include "device.h"

#include "cpu.h"
#include "matmul.h"
#include "ops.h"
#include "parallel.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define KERNEL_ENTRY(name, args, meets) {#name, sizeof(args), meets, NULL, rd_call_##name},
#define KERNEL_CALL(name, args, meets)                                                             \
  static void rd_run_##name(const args a);                                                         \
  static void rd_call_##name(const void *a) {                                                      \
    rd_run_##name(*(const args *)a);                                                               \
  }
RD_KERNEL_LIST(KERNEL_CALL)
#include "kernels_all.inc"

enum { CREWS = 64, SHARED = 1 << 18, THREADS = 64, SOME = 128 };

typedef struct host_device {
  rd_device base;
  bool backwards;
  int crew_count;
  rd_crew *crews[CREWS]; /* one for each thread */
} host_device;

static rd_code take(rd_device *d, void **out, size_t bytes, const char *what, rd_error *e) {
  (void)d;
  *out = aligned_alloc(256, (bytes + 255) / 256 * 256 + 256);
  return *out ? RD_OK : rd_fail(e, RD_NO_MEMORY, "no memory for %zu bytes: %s", bytes, what);
}

static void give(rd_device *d, void *memory) {
  (void)d;
  free(memory);
}

static rd_code copy(rd_device *d, void *to, const void *from, size_t bytes, rd_error *e) {
  (void)d, (void)e;
  if (bytes > 0)
    memcpy(to, from, bytes);
  return RD_OK;
}

typedef struct launching {
  host_device *d;
  const rd_kernel *kernel;
  const rd_blocks *grid;
  const void *args;
  atomic_bool apart;
} launching;

static void run_blocks(void *context, int thread, int64_t first, int64_t last) {
  launching *l = context;
  for (int64_t i = first; i < last; i++) {
    const rd_crew_place place = {.threads = l->grid->threads,
                                 .block = i % l->grid->blocks,
                                 .blocks = l->grid->blocks,
                                 .side = i / l->grid->blocks,
                                 .sides = l->grid->sides};
    if (!rd_crew_run(l->d->crews[thread], &place, l->kernel->work, l->args, l->kernel->meets,
                     l->d->backwards))
      atomic_store(&l->apart, true);
  }
}

static rd_code launch(rd_device *base, const rd_kernel *kernel, const rd_blocks *grid,
                      const void *args, rd_error *e) {
  host_device *d = (host_device *)base;
  launching l = {.d = d, .kernel = kernel, .grid = grid, .args = args};
  assert(grid->shared <= SHARED && grid->threads <= RD_MOST_THREADS &&
         grid->threads % RD_WARP == 0);
  if (rd_threads_get() <= d->crew_count)
    rd_parallel(grid->blocks * grid->sides, 1, run_blocks, &l);
  else /* more threads than when it was opened */
    run_blocks(&l, 0, 0, grid->blocks * grid->sides);
  return atomic_load(&l.apart)
           ? rd_fail(e, RD_IO, "kernel %s: some threads of a block wait for others that have ended",
                     kernel->name)
           : RD_OK;
}

/* Rows that do not follow each other would be added up in another order (matmul.h): they are made
 * side by side and brought to their places. */
static rd_code multiply_apart(const rd_product *p, rd_mat x, rd_mat w, rd_error *e) {
  const size_t size = rd_dtype_size(p->y_type), bytes = (size_t)p->N * size;
  unsigned char *rows = rd_matmul_scratch((size_t)p->T * bytes, e);
  if (!rows)
    return RD_NO_MEMORY;
  for (int64_t t = 0; p->beta != 0 && t < p->T; t++)
    memcpy(rows + (size_t)t * bytes, rd_at(p->y, p->y_type, t * p->y_stride), bytes);
  RD_TRY(rd_matmul(rd_mat_rows(rows, p->y_type, p->T, p->N), x, w, p->beta, e));
  for (int64_t t = 0; t < p->T; t++)
    memcpy(rd_at(p->y, p->y_type, t * p->y_stride), rows + (size_t)t * bytes, bytes);
  return RD_OK;
}

/* A matrix (rows, cols), or with `across` one that lies as its transpose. */
static rd_mat matrix_as(const void *x, rd_dtype type, bool across, int64_t rows, int64_t cols,
                        int64_t stride) {
  const int64_t own_rows = across ? cols : rows, own_cols = across ? rows : cols;
  const rd_mat m = rd_mat_view(x, type, own_rows, own_cols, stride > 0 ? stride : own_cols);
  return across ? rd_mat_transposed(m) : m;
}

static rd_code multiply(rd_device *d, const rd_product *p, rd_error *e) {
  (void)d;
  const rd_mat y = rd_mat_view(p->y, p->y_type, p->T, p->N, p->y_stride);
  const rd_mat x = matrix_as(p->x, p->type, p->x_across, p->T, p->K, p->x_stride);
  const rd_mat w = matrix_as(p->w, p->type, !p->w_across, p->K, p->N, p->w_stride);
  for (int64_t t = 0; p->from && p->from != p->y && p->beta != 0 && t < p->T; t++)
    memcpy(rd_at(p->y, p->y_type, t * p->y_stride),
           rd_at_const(p->from, p->y_type, t * p->y_stride),
           (size_t)p->N * rd_dtype_size(p->y_type));
  RD_TRY(p->y_stride == p->N ? rd_matmul(y, x, w, p->beta, e) : multiply_apart(p, x, w, e));
  assert(p->alpha == 1 || p->beta == 0);
  for (int64_t t = 0; p->alpha != 1 && t < p->T; t++)
    rd_scale(rd_at(p->y, p->y_type, t * p->y_stride), p->y_type, p->alpha, p->N);
  return RD_OK;
}

static void memory(rd_device *d, size_t *unused, size_t *all) {
  (void)d;
  const size_t page = (size_t)sysconf(_SC_PAGESIZE);
  *unused = (size_t)sysconf(_SC_AVPHYS_PAGES) * page;
  *all = (size_t)sysconf(_SC_PHYS_PAGES) * page;
}

static void close_host(rd_device *base) {
  host_device *d = (host_device *)base;
  for (int i = 0; i < d->crew_count; i++)
    rd_crew_free(&d->crews[i]);
  free(d);
}

rd_code rd_device_host(rd_device **out, rd_error *e) {
  *out = NULL;
  host_device *d = rd_calloc(1, sizeof *d, "a device", e);
  if (!d)
    return RD_NO_MEMORY;
  d->base = (rd_device){.name = "the processor in a card's place",
                        .kernels = &kernels,
                        .threads = THREADS,
                        .shared = SHARED,
                        .few = RD_FEW_MOST,
                        .some = SOME,
                        .take = take,
                        .give = give,
                        .take_here = take,
                        .give_here = give,
                        .send = copy,
                        .move = copy,
                        .fetch = copy,
                        .launch = launch,
                        .multiply = multiply,
                        .memory = memory,
                        .close = close_host};
  const int wanted = rd_threads_get() < CREWS ? rd_threads_get() : CREWS;
  rd_code code = RD_OK;
  for (; code == RD_OK && d->crew_count < wanted; d->crew_count += code == RD_OK)
    code = rd_crew_new(&d->crews[d->crew_count], RD_MOST_THREADS, SHARED, e);
  if (code != RD_OK) {
    close_host(&d->base);
    return code;
  }
  *out = &d->base;
  return RD_OK;
}

void rd_device_host_backwards(rd_device *d, bool backwards) {
  ((host_device *)d)->backwards = backwards;
}

void rd_device_close(rd_device **d) {
  if (d && *d)
    (*d)->close(*d);
  if (d)
    *d = NULL;
}
