/* SPDX-License-Identifier: MIT */
/* oneDNN: the one file that knows it.
 *
 * A product of given shapes is a "primitive" that takes a millisecond to make, so each thread keeps
 * the ones it used, ready with their memory objects and a scratchpad (one for all, as long as the
 * largest needs). A hit swaps four pointers and runs. Threads share nothing of ours; oneDNN's own
 * cache shares the generated code. */
#include "onednn.h"

#include "cpu.h"
#include "reserve.h"

#include <dnnl.h>
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SETS = 128, WAYS = 4 }; /* products kept by a thread: shapes are many when lengths vary */

typedef struct shape {
  int64_t m, n, k;
  int64_t a_row, a_col, b_row, b_col, c_row, c_col;
  int32_t a_type, b_type, c_type;
  int32_t accumulate;
} shape;

enum { A, B, C, SCRATCH, MEMORIES };

typedef struct product {
  shape shape;
  dnnl_primitive_t primitive; /* NULL: a free place */
  dnnl_memory_t memories[MEMORIES];
  dnnl_exec_arg_t arguments[MEMORIES];
  uint64_t used; /* when, by the thread's clock */
} product;

/* What one thread keeps. */
typedef struct kept {
  product products[SETS][WAYS];
  void *scratch; /* 64-byte aligned */
  size_t scratch_size;
  void *rooms[RD_ONEDNN_ROOMS];
  size_t room_sizes[RD_ONEDNN_ROOMS];
  uint64_t clock;
  unsigned relieved; /* how often memory had been short when this was looked at last */
  dnnl_stream_t stream;
} kept;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static rd_code started = RD_NO_MEMORY;
static atomic_uint reliefs;

static void product_drop(product *p) {
  if (p->primitive != NULL)
    dnnl_primitive_destroy(p->primitive);
  for (int i = 0; i < MEMORIES; i++)
    if (p->memories[i] != NULL)
      dnnl_memory_destroy(p->memories[i]);
  *p = (product){0};
}

static void products_drop(kept *t) {
  for (int i = 0; i < SETS * WAYS; i++)
    product_drop(&t->products[i / WAYS][i % WAYS]);
}

static void kept_free(void *pointer) {
  kept *t = pointer;
  products_drop(t);
  if (t->stream != NULL)
    dnnl_stream_destroy(t->stream);
  free(t->scratch);
  for (int i = 0; i < RD_ONEDNN_ROOMS; i++)
    free(t->rooms[i]);
  free(t);
}

/* The main thread's key destructor does not run at exit. */
static void drop_main(void) {
  kept *t = pthread_getspecific(key);
  if (t != NULL) {
    pthread_setspecific(key, NULL);
    kept_free(t);
  }
}

/* What oneDNN may use is what we do (cpu.h). It would take matrix tiles (AMX) beyond that, which
 * add up in another order than our products of few rows: a position would get other bits in another
 * company. */
static const dnnl_cpu_isa_t limits[RD_CPU_LEVELS] = {
    [RD_CPU_SCALAR] = dnnl_cpu_isa_sse41,
    [RD_CPU_AVX2] = dnnl_cpu_isa_avx2,
    [RD_CPU_AVX512] = dnnl_cpu_isa_avx512_core_vnni,
    [RD_CPU_AVX512BF16] = dnnl_cpu_isa_avx512_core_bf16};

static void start(void) {
  if (pthread_key_create(&key, kept_free) != 0)
    return;
  (void)dnnl_set_max_cpu_isa(limits[rd_cpu_highest()]); /* refused: it knows no limits */
  if (dnnl_engine_create(&engine, dnnl_cpu, 0) != dnnl_success)
    return;
  atexit(drop_main);
  started = RD_OK;
}

static rd_code refused(dnnl_status_t status, const shape *s, rd_error *e) {
  if (status == dnnl_out_of_memory)
    return rd_fail(e, RD_NO_MEMORY, "no memory for a matrix product of %lld x %lld x %lld",
                   (long long)s->m, (long long)s->k, (long long)s->n);
  return rd_fail(
      e, RD_UNSUPPORTED,
      "oneDNN refuses a product of (%lld,%lld) and (%lld,%lld), %s x %s to %s: status %d",
      (long long)s->m, (long long)s->k, (long long)s->k, (long long)s->n,
      rd_dtype_name((rd_dtype)s->a_type), rd_dtype_name((rd_dtype)s->b_type),
      rd_dtype_name((rd_dtype)s->c_type), (int)status);
}

/* The calling thread's products. */
static rd_code mine(kept **out, rd_error *e) {
  pthread_once(&once, start);
  if (started != RD_OK)
    return rd_fail(e, started, "oneDNN does not start");
  kept *t = pthread_getspecific(key);
  if (t == NULL) {
    t = rd_calloc(1, sizeof *t, "matrix products", e);
    if (t == NULL)
      return RD_NO_MEMORY;
    if (dnnl_stream_create(&t->stream, engine, dnnl_stream_default_flags) != dnnl_success ||
        pthread_setspecific(key, t) != 0) {
      kept_free(t);
      return rd_fail(e, RD_NO_MEMORY, "no memory for matrix products");
    }
  }
  if (t->relieved != atomic_load(&reliefs)) {
    t->relieved = atomic_load(&reliefs);
    products_drop(t);
  }
  *out = t;
  return RD_OK;
}

/* What was prepared can be prepared again: where the reserve is not whole it goes, here and in
 * oneDNN's own cache, and in other threads as soon as they multiply. */
static rd_code with_relief(kept *t, rd_code (*ask)(rd_error *e), rd_error *e) {
  if (ask(NULL) == RD_OK)
    return RD_OK;
  int capacity = 0;
  t->relieved = atomic_fetch_add(&reliefs, 1) + 1;
  products_drop(t);
  if (dnnl_get_primitive_cache_capacity(&capacity) == dnnl_success) {
    dnnl_set_primitive_cache_capacity(0);
    dnnl_set_primitive_cache_capacity(capacity);
  }
  return ask(e);
}

/* Grow a 64-byte aligned buffer; its content is lost. On failure it stays as it is: products that
 * were prepared before still need it. */
static rd_code grow(void **buffer, size_t *size, size_t wanted, rd_error *e) {
  if (wanted <= *size)
    return RD_OK;
  wanted = (wanted + 63) / 64 * 64;
  void *larger = aligned_alloc(64, wanted);
  if (larger == NULL)
    return rd_fail(e, RD_NO_MEMORY, "no memory: %zu bytes for a matrix product", wanted);
  free(*buffer);
  *buffer = larger;
  *size = wanted;
  return RD_OK;
}
/* oneDNN multiplies packed matrices for every number of rows on the left with the bits of plain
 * ones. */
static dnnl_status_t describe(dnnl_memory_desc_t *d, int32_t type, int64_t rows, int64_t cols,
                              int64_t row_stride, int64_t col_stride) {
  static const dnnl_data_type_t types[] = {
      [RD_F32] = dnnl_f32, [RD_BF16] = dnnl_bf16, [RD_F16] = dnnl_f16};
  if (rd_is_packed(row_stride, col_stride))
    return dnnl_memory_desc_init_by_tag(d, 2, (dnnl_dims_t){rows, cols}, types[type],
                                        dnnl_BA16a64b2a);
  return dnnl_memory_desc_init_by_strides(d, 2, (dnnl_dims_t){rows, cols}, types[type],
                                          (dnnl_dims_t){row_stride, col_stride});
}

/* The description of a product, with beta as a post-operation and memory given by us. */
static dnnl_status_t plan(dnnl_primitive_desc_t *out, const shape *s, dnnl_memory_desc_t d[3]) {
  dnnl_matmul_desc_t matmul;
  dnnl_primitive_attr_t attributes = NULL;
  dnnl_post_ops_t after = NULL;
  dnnl_status_t status;
#define STEP(call)                                                                                 \
  do {                                                                                             \
    if ((status = (call)) != dnnl_success)                                                         \
      goto end;                                                                                    \
  } while (0)
  STEP(describe(&d[A], s->a_type, s->m, s->k, s->a_row, s->a_col));
  STEP(describe(&d[B], s->b_type, s->k, s->n, s->b_row, s->b_col));
  STEP(describe(&d[C], s->c_type, s->m, s->n, s->c_row, s->c_col));
  STEP(dnnl_matmul_desc_init(&matmul, &d[A], &d[B], NULL, &d[C]));
  STEP(dnnl_primitive_attr_create(&attributes));
  STEP(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user));
  if (s->accumulate) {
    STEP(dnnl_post_ops_create(&after));
    STEP(dnnl_post_ops_append_sum(after, 1.0f));
    STEP(dnnl_primitive_attr_set_post_ops(attributes, after));
  }
  STEP(dnnl_primitive_desc_create(out, &matmul, attributes, engine, NULL));
#undef STEP
end:
  if (after != NULL)
    dnnl_post_ops_destroy(after);
  if (attributes != NULL)
    dnnl_primitive_attr_destroy(attributes);
  return status;
}

/* Make the product of `s` in the free place `p`; *scratch: the bytes that it works in. Where memory
 * is short oneDNN ends the program in here, so it is asked only while the reserve is whole. */
static dnnl_status_t make(product *p, const shape *s, size_t *scratch) {
  static const int roles[MEMORIES] = {[A] = DNNL_ARG_SRC,
                                      [B] = DNNL_ARG_WEIGHTS,
                                      [C] = DNNL_ARG_DST,
                                      [SCRATCH] = DNNL_ARG_SCRATCHPAD};
  dnnl_memory_desc_t d[MEMORIES];
  dnnl_primitive_desc_t description = NULL;
  dnnl_status_t status = plan(&description, s, d);
  if (status == dnnl_success) {
    d[SCRATCH] = *dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0);
    *scratch = dnnl_memory_desc_get_size(&d[SCRATCH]);
    status = dnnl_primitive_create(&p->primitive, description);
  }
  if (description != NULL)
    dnnl_primitive_desc_destroy(description);
  for (int i = 0; i < MEMORIES && status == dnnl_success; i++) {
    status = dnnl_memory_create(&p->memories[i], &d[i], engine, DNNL_MEMORY_NONE);
    p->arguments[i] = (dnnl_exec_arg_t){roles[i], p->memories[i]};
  }
  return status;
}

static rd_code prepare(kept *t, product *p, const shape *s, rd_error *e) {
  size_t scratch = 0;
  RD_TRY(with_relief(t, rd_reserve_begin, e));
  const dnnl_status_t status = make(p, s, &scratch);
  rd_reserve_end();
  if (status != dnnl_success) {
    product_drop(p);
    return refused(status, s, e);
  }
  p->shape = *s;
  const rd_code code = grow(&t->scratch, &t->scratch_size, scratch, e);
  if (code != RD_OK)
    product_drop(p);
  return code;
}

/* The thread's product of this shape, made if it is not there; the one unused for longest goes. */
static rd_code find(kept *t, product **out, const shape *s, rd_error *e) {
  uint64_t hash = 0;
  const int64_t words[] = {s->m,     s->n,     s->k,     s->a_row,      s->a_col,
                           s->b_row, s->b_col, s->c_row, s->accumulate, s->c_type + 8 * s->b_type};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    hash = (hash ^ (uint64_t)words[i]) * 0x9e3779b97f4a7c15u, hash ^= hash >> 29;
  product *set = t->products[hash % SETS], *oldest = &set[0];
  t->clock++;
  for (int i = 0; i < WAYS; i++) {
    if (set[i].primitive != NULL && memcmp(&set[i].shape, s, sizeof *s) == 0) {
      set[i].used = t->clock;
      *out = &set[i];
      return RD_OK;
    }
    if (set[i].used < oldest->used)
      oldest = &set[i];
  }
  product_drop(oldest);
  RD_TRY(prepare(t, oldest, s, e));
  oldest->used = t->clock;
  *out = oldest;
  return RD_OK;
}

/* A stride along a size of 1 means nothing; give it the value oneDNN expects of a plain matrix. */
static void tidy(rd_mat *m) {
  if (rd_is_packed(m->row_stride, m->col_stride))
    return;
  if (m->rows == 1)
    m->row_stride = m->col_stride == 1 ? m->cols : 1;
  if (m->cols == 1 && m->row_stride == 1 && m->rows > 1)
    m->col_stride = m->rows;
}

/* oneDNN's threads would be OpenMP's: none from here on. The number is the thread's own, whose
 * owner may use OpenMP too. */
static int alone_begin(void) {
  const int threads = omp_get_max_threads();
  omp_set_num_threads(1);
  return threads;
}

static void alone_end(int threads) {
  omp_set_num_threads(threads);
}

rd_code rd_onednn_multiply(rd_mat c, rd_mat a, rd_mat b, float beta, rd_error *e) {
  kept *t = NULL;
  RD_TRY(mine(&t, e));
  RD_TRY(with_relief(t, rd_reserve_check, e));
  tidy(&a);
  tidy(&b);
  tidy(&c);
  shape s;
  memset(&s, 0, sizeof s); /* compared as bytes */
  s.m = c.rows, s.n = c.cols, s.k = a.cols;
  s.a_row = a.row_stride, s.a_col = a.col_stride;
  s.b_row = b.row_stride, s.b_col = b.col_stride;
  s.c_row = c.row_stride, s.c_col = c.col_stride;
  s.a_type = (int32_t)a.type, s.b_type = (int32_t)b.type, s.c_type = (int32_t)c.type;
  s.accumulate = beta != 0;
  product *p = NULL;
  const int threads = alone_begin();
  rd_code code = find(t, &p, &s, e);
  if (code == RD_OK) {
    void *const data[MEMORIES] = {a.data, b.data, c.data, t->scratch};
    for (int i = 0; i < MEMORIES; i++)
      dnnl_memory_set_data_handle(p->memories[i], data[i]);
    const dnnl_status_t status =
        dnnl_primitive_execute(p->primitive, t->stream, MEMORIES, p->arguments);
    if (status != dnnl_success)
      code = refused(status, &s, e);
  }
  alone_end(threads);
  return code;
}
rd_code rd_onednn_pack(void *to, rd_mat b, rd_error *e) {
  kept *t = NULL;
  RD_TRY(mine(&t, e));
  dnnl_memory_desc_t d[2];
  dnnl_memory_t memories[2] = {NULL, NULL};
  dnnl_primitive_desc_t description = NULL;
  dnnl_primitive_t reorder = NULL;
  void *const data[2] = {b.data, to};
  static const int roles[2] = {DNNL_ARG_FROM, DNNL_ARG_TO};
  dnnl_exec_arg_t arguments[2];
  RD_TRY(with_relief(t, rd_reserve_begin, e));
  const int threads = alone_begin();
  dnnl_status_t status =
      describe(&d[0], (int32_t)b.type, b.rows, b.cols, b.row_stride, b.col_stride);
  if (status == dnnl_success)
    status = describe(&d[1], (int32_t)b.type, b.rows, b.cols, 0, 1);
  for (int i = 0; i < 2 && status == dnnl_success; i++) {
    status = dnnl_memory_create(&memories[i], &d[i], engine, data[i]);
    arguments[i] = (dnnl_exec_arg_t){roles[i], memories[i]};
  }
  if (status == dnnl_success)
    status = dnnl_reorder_primitive_desc_create(&description, &d[0], engine, &d[1], engine, NULL);
  if (status == dnnl_success)
    status = dnnl_primitive_create(&reorder, description);
  if (status == dnnl_success)
    status = dnnl_primitive_execute(reorder, t->stream, 2, arguments);
  alone_end(threads);
  rd_reserve_end();
  if (reorder != NULL)
    dnnl_primitive_destroy(reorder);
  if (description != NULL)
    dnnl_primitive_desc_destroy(description);
  for (int i = 0; i < 2; i++)
    if (memories[i] != NULL)
      dnnl_memory_destroy(memories[i]);
  return status == dnnl_success
           ? RD_OK
           : rd_fail(e, status == dnnl_out_of_memory ? RD_NO_MEMORY : RD_UNSUPPORTED,
                     "oneDNN does not pack a matrix of (%lld,%lld): status %d", (long long)b.rows,
                     (long long)b.cols, (int)status);
}

void *rd_onednn_room(int which, size_t bytes, rd_error *e) {
  kept *t = NULL;
  return mine(&t, e) == RD_OK && grow(&t->rooms[which], &t->room_sizes[which], bytes, e) == RD_OK
           ? t->rooms[which]
           : NULL;
}
