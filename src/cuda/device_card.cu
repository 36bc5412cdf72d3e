/* SPDX-License-Identifier: MIT */
/* A card: libredraft-cuda.so, compiled by nvcc and opened at run time (device_card.c). Everything
 * goes through one stream. Products are cuBLASLt's: which of its algorithms suits a shape is asked
 * once and remembered. */
#include "device.h"

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <initializer_list>
#include <new>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KERNEL_ENTRY(name, args, meets) {#name, sizeof(args), meets, (const void *)rd_run_##name, NULL},
#include "kernels_all.inc"

namespace {

enum { SHAPES = 512, PASSES = 32, WORKSPACE = 32 << 20, BLOCK = 256, SOME = 128 };

/* A product that was asked for before, and how it is made. */
struct shape {
  int64_t T, N, K, y_stride, x_stride, w_stride;
  rd_dtype type, y_type;
  bool add, x_across, w_across, used;
  uint32_t alignment; /* bytes: that all three addresses have */
  cublasLtMatmulDesc_t what;
  cublasLtMatrixLayout_t w, x, y;
  cublasLtMatmulAlgo_t algorithm;
};

/* What was asked for before: a graph of it from the second time on. */
struct pass {
  rd_device_key key;
  bool known;
  cudaGraphExec_t graph; /* NULL: it came once */
};

struct card {
  rd_device base;
  int number; /* of those that CUDA names */
  char name[256];
  cudaStream_t stream;
  cublasLtHandle_t products;
  void *workspace;
  shape shapes[SHAPES];
  pass passes[PASSES];
  pass *recorded; /* that is being asked for, for its graph; or NULL */
  bool plain;     /* no graphs */
  bool early;     /* kernels may begin before those before them have ended */
};

rd_code fail(rd_error *e, rd_code code, const char *format, ...) {
  if (e) {
    va_list list;
    va_start(list, format);
    vsnprintf(e->message, sizeof e->message, format, list);
    va_end(list);
    e->code = code;
  }
  return code;
}

rd_code check(cudaError_t error, const char *what, rd_error *e) {
  if (error == cudaSuccess)
    return RD_OK;
  return fail(e, error == cudaErrorMemoryAllocation ? RD_NO_MEMORY : RD_IO, "CUDA: %s: %s", what,
              cudaGetErrorString(error));
}

/* What this thread asks for next goes to that card: threads begin with the first. */
card *card_of(rd_device *d) {
  card *c = (card *)d;
  if (c->number > 0)
    cudaSetDevice(c->number);
  return c;
}

void memory(rd_device *d, size_t *unused, size_t *all) {
  card_of(d);
  if (cudaMemGetInfo(unused, all) != cudaSuccess)
    *unused = *all = 0;
}

rd_code take(rd_device *d, void **out, size_t bytes, const char *what, rd_error *e) {
  *out = NULL;
  card_of(d);
  const cudaError_t error = cudaMalloc(out, bytes > 0 ? bytes : 256);
  if (error != cudaErrorMemoryAllocation)
    return check(error, what, e);
  size_t unused = 0, all = 0;
  memory(d, &unused, &all);
  (void)cudaGetLastError(); /* it would be reported again */
  return fail(e, RD_NO_MEMORY, "%s: %s needs %.2f GB, and %.2f GB of %.2f GB are left", d->name,
              what, (double)bytes / 1e9, (double)unused / 1e9, (double)all / 1e9);
}

void give(rd_device *d, void *memory) {
  card_of(d);
  cudaFree(memory);
}

rd_code take_here(rd_device *d, void **out, size_t bytes, const char *what, rd_error *e) {
  *out = NULL;
  card_of(d);
  return check(cudaMallocHost(out, bytes > 0 ? bytes : 256), what, e);
}

void give_here(rd_device *d, void *memory) {
  card_of(d);
  cudaFreeHost(memory);
}

/* From memory that is not take_here's: what is sent may be written over when this returns. */
rd_code send(rd_device *d, void *to, const void *from, size_t bytes, rd_error *e) {
  if (bytes == 0)
    return RD_OK;
  return check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, card_of(d)->stream),
               "a copy to the card", e);
}

rd_code move(rd_device *d, void *to, const void *from, size_t bytes, rd_error *e) {
  return check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, card_of(d)->stream),
               "a copy on the card", e);
}

rd_code fetch(rd_device *d, void *to, const void *from, size_t bytes, rd_error *e) {
  const cudaStream_t stream = card_of(d)->stream;
  if (bytes > 0)
    RD_TRY(check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream),
                 "a copy from the card", e));
  return check(cudaStreamSynchronize(stream), "a pass on the card", e);
}

/* Cards from compute capability 9.0 on begin a kernel's blocks before the last ones of the kernel
 * before it have ended; kernels know when to wait (device_grid.h). */
rd_code launch(rd_device *d, const rd_kernel *kernel, const rd_blocks *grid, const void *args,
               rd_error *e) {
  void *list[] = {(void *)args};
  cudaLaunchAttribute early = {};
  cudaLaunchConfig_t config = {};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  config.gridDim = dim3((unsigned)grid->blocks, (unsigned)grid->sides);
  config.blockDim = dim3((unsigned)grid->threads);
  config.dynamicSmemBytes = grid->shared;
  config.stream = card_of(d)->stream;
  config.attrs = &early;
  config.numAttrs = card_of(d)->early ? 1 : 0;
  return check(cudaLaunchKernelExC(&config, kernel->entry, list), kernel->name, e);
}

cudaDataType_t type_of(rd_dtype type) {
  return type == RD_F32 ? CUDA_R_32F : CUDA_R_16BF;
}

/* cuBLAS reads columns: y' (N, T) = w (N, K) x' (K, T), where w lies as its transpose unless it
 * lies across, and x' the other way round. */
rd_code prepare(card *c, shape *s, rd_error *e) {
  const cublasOperation_t w_turned = s->w_across ? CUBLAS_OP_N : CUBLAS_OP_T;
  const cublasOperation_t x_turned = s->x_across ? CUBLAS_OP_T : CUBLAS_OP_N;
  const uint64_t w_size[] = {(uint64_t)s->K, (uint64_t)s->N}, x_size[] = {(uint64_t)s->K, (uint64_t)s->T};
  cublasLtMatmulPreference_t preference = NULL;
  cublasLtMatmulHeuristicResult_t found;
  const size_t room = WORKSPACE;
  int count = 0;
  cublasLtMatmulDescCreate(&s->what, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  cublasLtMatmulDescSetAttribute(s->what, CUBLASLT_MATMUL_DESC_TRANSA, &w_turned, sizeof w_turned);
  cublasLtMatmulDescSetAttribute(s->what, CUBLASLT_MATMUL_DESC_TRANSB, &x_turned, sizeof x_turned);
  cublasLtMatrixLayoutCreate(&s->w, type_of(s->type), w_size[s->w_across], w_size[!s->w_across],
                             s->w_stride > 0 ? s->w_stride : (int64_t)w_size[s->w_across]);
  cublasLtMatrixLayoutCreate(&s->x, type_of(s->type), x_size[s->x_across], x_size[!s->x_across],
                             s->x_stride > 0 ? s->x_stride : (int64_t)x_size[s->x_across]);
  cublasLtMatrixLayoutCreate(&s->y, type_of(s->y_type), (uint64_t)s->N, (uint64_t)s->T,
                             s->y_stride);
  cublasLtMatmulPreferenceCreate(&preference);
  cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &room,
                                       sizeof room);
  for (const cublasLtMatmulPreferenceAttributes_t which :
       {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    cublasLtMatmulPreferenceSetAttribute(preference, which, &s->alignment, sizeof s->alignment);
  const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
      c->products, s->what, s->w, s->x, s->y, s->y, preference, 1, &found, &count);
  cublasLtMatmulPreferenceDestroy(preference);
  if (status != CUBLAS_STATUS_SUCCESS || count == 0)
    return fail(e, RD_UNSUPPORTED,
                "cuBLAS has no product of %lld rows, %lld to %lld numbers (status %d)",
                (long long)s->T, (long long)s->K, (long long)s->N, (int)status);
  s->algorithm = found.algo;
  s->used = true;
  return RD_OK;
}

void forget(shape *s) {
  if (s->what)
    cublasLtMatmulDescDestroy(s->what);
  if (s->w)
    cublasLtMatrixLayoutDestroy(s->w);
  if (s->x)
    cublasLtMatrixLayoutDestroy(s->x);
  if (s->y)
    cublasLtMatrixLayoutDestroy(s->y);
  memset(s, 0, sizeof *s);
}

/* The largest power of two, up to 256, that all addresses of a product are multiples of: the
 * algorithm has to read from there. */
uint32_t alignment_of(const rd_product *p) {
  const uintptr_t all = (uintptr_t)p->y | (uintptr_t)p->x | (uintptr_t)p->w | (uintptr_t)p->from | 256;
  return (uint32_t)(all & (~all + 1));
}

/* Its place by a hash; what stood there and is another is made anew. */
shape *shape_of(card *c, const rd_product *p) {
  const uint32_t alignment = alignment_of(p);
  const uint64_t mixed = (uint64_t)p->T * 0x9E3779B97F4A7C15u ^ (uint64_t)p->N * 0xC2B2AE3D27D4EB4Fu ^
                         (uint64_t)p->K * 0x165667B19E3779F9u ^ (uint64_t)p->y_stride << 7 ^
                         (uint64_t)p->x_stride << 24 ^ (uint64_t)p->w_stride << 41 ^
                         (uint64_t)(64 * p->type + 32 * p->y_type + 16 * (p->beta != 0) +
                                    8 * p->x_across + 4 * p->w_across) ^
                         (uint64_t)alignment << 20;
  shape *s = &c->shapes[(mixed ^ mixed >> 29) % SHAPES];
  if (s->used && s->T == p->T && s->N == p->N && s->K == p->K && s->y_stride == p->y_stride &&
      s->x_stride == p->x_stride && s->w_stride == p->w_stride &&
      s->type == p->type && s->y_type == p->y_type && s->add == (p->beta != 0) &&
      s->x_across == p->x_across && s->w_across == p->w_across && s->alignment == alignment)
    return s;
  forget(s);
  s->T = p->T;
  s->N = p->N;
  s->K = p->K;
  s->y_stride = p->y_stride;
  s->x_stride = p->x_stride;
  s->w_stride = p->w_stride;
  s->type = p->type;
  s->y_type = p->y_type;
  s->add = p->beta != 0;
  s->x_across = p->x_across;
  s->w_across = p->w_across;
  s->alignment = alignment;
  return s;
}

rd_code multiply(rd_device *d, const rd_product *p, rd_error *e) {
  card *c = card_of(d);
  shape *s = shape_of(c, p);
  if (!s->used)
    RD_TRY(prepare(c, s, e));
  const cublasStatus_t status =
      cublasLtMatmul(c->products, s->what, &p->alpha, p->w, s->w, p->x, s->x, &p->beta,
                     p->from ? p->from : p->y, s->y, p->y, s->y, &s->algorithm, c->workspace, WORKSPACE, c->stream);
  return status == CUBLAS_STATUS_SUCCESS
             ? RD_OK
             : fail(e, RD_IO, "cuBLAS: a product of %lld rows, %lld to %lld numbers: status %d",
                    (long long)p->T, (long long)p->K, (long long)p->N, (int)status);
}

/* --- what comes again ------------------------------------------------------------------------- */

bool same(const rd_device_key *a, const rd_device_key *b) {
  bool is = a->owner == b->owner;
  for (size_t i = 0; i < sizeof a->n / sizeof *a->n; i++)
    is = is && a->n[i] == b->n[i];
  return is;
}

void forget_pass(pass *p) {
  if (p->graph)
    cudaGraphExecDestroy(p->graph);
  *p = pass();
}

/* The first time all is asked for as it comes, which also loads what the card has not loaded; the
 * second time it is recorded. Its place is by a hash; what stood there and is another goes. */
rd_code begin_pass(rd_device *d, const rd_device_key *key, bool *done, rd_error *e) {
  card *c = card_of(d);
  uint64_t mixed = (uint64_t)(uintptr_t)key->owner;
  for (int64_t n : key->n)
    mixed = (mixed ^ (uint64_t)n) * 0x9E3779B97F4A7C15u;
  pass *p = &c->passes[(mixed >> 32) % PASSES];
  *done = false;
  c->recorded = NULL;
  if (c->plain)
    return RD_OK;
  if (!p->known || !same(&p->key, key)) {
    forget_pass(p);
    p->key = *key;
    p->known = true;
    return RD_OK;
  }
  *done = p->graph != NULL;
  if (p->graph)
    return check(cudaGraphLaunch(p->graph, c->stream), "a pass by its graph", e);
  c->recorded = p;
  return check(cudaStreamBeginCapture(c->stream, cudaStreamCaptureModeThreadLocal),
               "a graph's beginning", e);
}

/* Where no graph comes of it, which no card should do, none is tried again. */
rd_code end_pass(rd_device *d, bool *again, rd_error *e) {
  card *c = card_of(d);
  pass *p = c->recorded;
  cudaGraph_t graph = NULL;
  c->recorded = NULL;
  *again = false;
  if (!p)
    return RD_OK;
  const bool is = cudaStreamEndCapture(c->stream, &graph) == cudaSuccess &&
                  cudaGraphInstantiate(&p->graph, graph, 0) == cudaSuccess;
  if (graph)
    cudaGraphDestroy(graph);
  if (is)
    return check(cudaGraphLaunch(p->graph, c->stream), "a pass by its graph", e);
  (void)cudaGetLastError();
  p->graph = NULL;
  c->plain = *again = true;
  return RD_OK;
}

void forget_owner(rd_device *d, const void *owner) {
  card *c = card_of(d);
  cudaStreamSynchronize(c->stream);
  for (pass &p : c->passes)
    if (p.known && p.key.owner == owner)
      forget_pass(&p);
}

void close_card(rd_device *d) {
  card *c = card_of(d);
  for (pass &p : c->passes)
    forget_pass(&p);
  for (int i = 0; i < SHAPES; i++)
    forget(&c->shapes[i]);
  cudaFree(c->workspace);
  if (c->products)
    cublasLtDestroy(c->products);
  if (c->stream)
    cudaStreamDestroy(c->stream);
  delete c;
}

#define RD_LEARN_HEADS(name)                                                                       \
  (const void *)rd_run_##name, (const void *)rd_run_##name##_64, (const void *)rd_run_##name##_128, \
      (const void *)rd_run_##name##_256

/* Attention shares more memory than a block has unless it asks. */
rd_code begin(card *c, rd_error *e) {
  RD_TRY(check(cudaSetDevice(c->number), "the card of this number", e));
  cudaDeviceProp properties;
  int most = 0;
  RD_TRY(check(cudaGetDeviceProperties(&properties, c->number), "what the card is", e));
  c->early = properties.major >= 9;
  snprintf(c->name, sizeof c->name, "%s", properties.name);
  RD_TRY(check(cudaStreamCreateWithFlags(&c->stream, cudaStreamNonBlocking), "a stream", e));
  RD_TRY(check(cudaMalloc(&c->workspace, WORKSPACE), "cuBLAS's workspace", e));
  RD_TRY(check(cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, c->number),
               "shared memory", e));
  const void *const eager[] = {(const void *)rd_run_attend,
                               (const void *)rd_run_attend_64,
                               (const void *)rd_run_attend_128,
                               (const void *)rd_run_attend_256,
                               (const void *)rd_run_some_groups,
                               RD_LEARN_HEADS(attend_keep),
                               RD_LEARN_HEADS(attend_back_queries),
                               RD_LEARN_HEADS(attend_back_keys)};
  for (const void *kernel : eager)
    RD_TRY(check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most),
                 "shared memory", e));
  c->base.shared = (size_t)most;
  return cublasLtCreate(&c->products) == CUBLAS_STATUS_SUCCESS
             ? RD_OK
             : fail(e, RD_IO, "cuBLAS does not start on %s", c->name);
}

} // namespace

extern "C" __attribute__((visibility("default"))) rd_code
rd_cuda_open(rd_device **out, const rd_device_ask *ask, rd_error *e) {
  int count = 0;
  *out = NULL;
  if (ask->version != RD_DEVICE_VERSION)
    return fail(e, RD_UNSUPPORTED, "libredraft-cuda.so is of another version than redraft");
  const cudaError_t found = cudaGetDeviceCount(&count);
  if (found != cudaSuccess || count == 0)
    return fail(e, RD_UNSUPPORTED, "no engine cuda: %s",
                found != cudaSuccess ? cudaGetErrorString(found) : "there is no card");
  card *c = new (std::nothrow) card();
  if (!c)
    return fail(e, RD_NO_MEMORY, "no memory for a device");
  c->number = ask->number % count;
  c->base.name = c->name;
  c->base.kernels = &kernels;
  c->base.threads = BLOCK;
  c->base.few = RD_FEW_MOST;
  c->base.some = SOME;
  c->base.take = take;
  c->base.give = give;
  c->base.take_here = take_here;
  c->base.give_here = give_here;
  c->base.begin = begin_pass;
  c->base.end = end_pass;
  c->base.forget = forget_owner;
  c->base.send = send;
  c->base.move = move;
  c->base.fetch = fetch;
  c->base.launch = launch;
  c->base.multiply = multiply;
  c->base.memory = memory;
  c->base.close = close_card;
  const rd_code code = begin(c, e);
  if (code != RD_OK) {
    close_card(&c->base);
    return code;
  }
  *out = &c->base;
  return RD_OK;
}
