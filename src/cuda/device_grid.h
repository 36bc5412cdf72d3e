/* SPDX-License-Identifier: MIT */
/* The thin layer that kernels are written against: a grid of blocks, threads of a block that meet
 * at barriers and share memory, warps of 32 that exchange numbers. nvcc compiles it for a card; a
 * C compiler compiles the same kernels for the processor, where crew.c runs block after block and
 * thread after thread.
 *
 *   RD_KERNEL(bound, rd_bound_args) {   // `a` are the arguments
 *     for (int64_t i = grid_item(); i < a.n; i += grid_items())
 *       a.x[i] *= a.factor;
 *   }
 *
 * All threads of a block call whatever makes them meet (barriers and everything over a warp or a
 * block) the same number of times, in the same order. */
#ifndef RD_DEVICE_GRID_H
#define RD_DEVICE_GRID_H

#include "kernel_args.h"

#include <math.h>

enum { RD_WARP = RD_WARP_SIZE, RD_MOST_THREADS = RD_MOST_WARPS * RD_WARP_SIZE };

#ifdef __CUDACC__

#define RD_DEVICE_CODE static __device__ __forceinline__
/* A kernel's blocks are there while those of the kernel before it still run, as far as the card
 * can, and wait for it before they touch what it makes. RD_KERNEL waits at once; RD_EAGER_KERNEL is
 * for those that call grid_wait themselves, all threads of them, having asked for weights: what the
 * kernel right before it writes must not be among these. */
#define RD_EAGER_KERNEL(name, args)                                                                \
  static __global__ void __launch_bounds__(RD_MOST_THREADS)                                        \
      rd_run_##name(const __grid_constant__ args a)
#define RD_KERNEL(name, args)                                                                      \
  RD_DEVICE_CODE void rd_body_##name(const args &a);                                               \
  RD_EAGER_KERNEL(name, args) {                                                                    \
    grid_wait();                                                                                   \
    rd_body_##name(a);                                                                             \
  }                                                                                                \
  RD_DEVICE_CODE void rd_body_##name(const args &a)
#define RD_UNROLL _Pragma("unroll")
#define RD_ROLLED _Pragma("unroll 1") /* a loop that is long enough as it is */

/* All that the kernels before this one wrote is there; the one after it may begin. */
RD_DEVICE_CODE void grid_wait(void) {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

RD_DEVICE_CODE int grid_thread(void) {
  return (int)threadIdx.x;
}
RD_DEVICE_CODE int grid_threads(void) {
  return (int)blockDim.x;
}
RD_DEVICE_CODE int64_t grid_block(void) {
  return blockIdx.x;
}
RD_DEVICE_CODE int64_t grid_blocks(void) {
  return gridDim.x;
}
RD_DEVICE_CODE int64_t grid_side(void) {
  return blockIdx.y;
}
RD_DEVICE_CODE int64_t grid_sides(void) {
  return gridDim.y;
}
RD_DEVICE_CODE void *grid_shared(void) {
  extern __shared__ __align__(16) unsigned char rd_shared[];
  return rd_shared;
}
RD_DEVICE_CODE void grid_barrier(void) {
  __syncthreads();
}
RD_DEVICE_CODE void grid_warp_barrier(void) {
  __syncwarp();
}

/* name(x): x of all lanes of a warp, combined two by two; every lane has the same result. */
#define RD_OVER_WARP(name, type, combine)                                                          \
  RD_DEVICE_CODE type name(type x) {                                                               \
    for (int m = RD_WARP / 2; m > 0; m /= 2) {                                                     \
      const type y = __shfl_xor_sync(0xffffffffu, x, m);                                           \
      x = combine(x, y);                                                                           \
    }                                                                                              \
    return x;                                                                                      \
  }

#else

#include "crew.h"

#define RD_DEVICE_CODE static inline
#define RD_KERNEL(name, args) static void rd_run_##name(const args a)
#define RD_EAGER_KERNEL RD_KERNEL
#define RD_UNROLL
#define RD_ROLLED

RD_DEVICE_CODE void grid_wait(void) {}
RD_DEVICE_CODE int grid_thread(void) {
  return rd_crew_now->thread;
}
RD_DEVICE_CODE int grid_threads(void) {
  return rd_crew_now->threads;
}
RD_DEVICE_CODE int64_t grid_block(void) {
  return rd_crew_now->block;
}
RD_DEVICE_CODE int64_t grid_blocks(void) {
  return rd_crew_now->blocks;
}
RD_DEVICE_CODE int64_t grid_side(void) {
  return rd_crew_now->side;
}
RD_DEVICE_CODE int64_t grid_sides(void) {
  return rd_crew_now->sides;
}
RD_DEVICE_CODE void *grid_shared(void) {
  return rd_crew_now->shared;
}
RD_DEVICE_CODE void grid_barrier(void) {
  rd_crew_meet(0);
}
RD_DEVICE_CODE void grid_warp_barrier(void) {
  rd_crew_meet(0);
}

#define RD_OVER_WARP(name, type, combine)                                                          \
  RD_DEVICE_CODE type name(type x) {                                                               \
    type all[RD_WARP];                                                                             \
    uint64_t bits = 0;                                                                             \
    memcpy(&bits, &x, sizeof x);                                                                   \
    const uint64_t *given = rd_crew_meet(bits);                                                    \
    for (int i = 0; i < RD_WARP; i++)                                                              \
      memcpy(&all[i], &given[i], sizeof x);                                                        \
    for (int m = RD_WARP / 2; m > 0; m /= 2)                                                       \
      for (int i = 0; i < m; i++)                                                                  \
        all[i] = combine(all[i], all[i + m]);                                                      \
    return all[0];                                                                                 \
  }

#endif

/* --- what follows is the same for both -------------------------------------------------------- */

/* The number of this thread among all of the grid's first side, and how many there are. */
RD_DEVICE_CODE int64_t grid_item(void) {
  return grid_block() * grid_threads() + grid_thread();
}
RD_DEVICE_CODE int64_t grid_items(void) {
  return grid_blocks() * grid_threads();
}
RD_DEVICE_CODE int grid_lane(void) {
  return grid_thread() % RD_WARP;
}
RD_DEVICE_CODE int grid_warp(void) {
  return grid_thread() / RD_WARP;
}
RD_DEVICE_CODE int grid_warps(void) {
  return grid_threads() / RD_WARP;
}

#define RD_SUM_OF(x, y) ((x) + (y))
#define RD_LARGER_OF(x, y) ((x) > (y) ? (x) : (y))
RD_OVER_WARP(warp_sum, float, RD_SUM_OF)
RD_OVER_WARP(warp_sum_f64, double, RD_SUM_OF)
RD_OVER_WARP(warp_max, float, RD_LARGER_OF)
RD_OVER_WARP(warp_max_u64, uint64_t, RD_LARGER_OF)

/* The same over a block: first warps, then their results from first to last. `room`: RD_ROOM bytes
 * that the block shares and that nobody else uses meanwhile. */
enum { RD_ROOM = RD_MOST_THREADS / RD_WARP * 8 };
#define RD_OVER_BLOCK(name, type, over_warp, combine)                                              \
  RD_DEVICE_CODE type name(type x, void *room) {                                                   \
    type *all = (type *)room;                                                                      \
    x = over_warp(x);                                                                              \
    if (grid_lane() == 0)                                                                          \
      all[grid_warp()] = x;                                                                        \
    grid_barrier();                                                                                \
    x = all[0];                                                                                    \
    for (int i = 1; i < grid_warps(); i++)                                                         \
      x = combine(x, all[i]);                                                                      \
    grid_barrier();                                                                                \
    return x;                                                                                      \
  }
RD_OVER_BLOCK(block_sum, float, warp_sum, RD_SUM_OF)
RD_OVER_BLOCK(block_max, float, warp_max, RD_LARGER_OF)
RD_OVER_BLOCK(block_sum_f64, double, warp_sum_f64, RD_SUM_OF)
RD_OVER_BLOCK(block_max_u64, uint64_t, warp_max_u64, RD_LARGER_OF)

RD_DEVICE_CODE uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
RD_DEVICE_CODE float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Byte i of a word less `less`: in the low bits of 2^23, which is then taken off; a conversion
 * takes a card four times as long. */
RD_DEVICE_CODE float byte_less(uint32_t word, int i, float less) {
#ifdef __CUDACC__
  return __uint_as_float(__byte_perm(word, 0x4b000000u, 0x7440u + (unsigned)i)) - (0x1p23f + less);
#else
  return float_of(0x4b000000u | (word >> 8 * i & 255)) - (0x1p23f + less);
#endif
}

RD_DEVICE_CODE float bf16_value(uint16_t x) {
  return float_of((uint32_t)x << 16);
}
/* To nearest even; NaN stays NaN. */
RD_DEVICE_CODE uint16_t bf16_nearest(float x) {
  const uint32_t bits = bits_of(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return (uint16_t)(bits >> 16 | 0x40u);
  return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
/* A finite f16: its exponent is moved by a product, which subnormals go through too. */
RD_DEVICE_CODE float f16_value(uint16_t x) {
  const float magnitude = float_of((uint32_t)(x & 0x7fffu) << 13) * 0x1p112f;
  return x & 0x8000u ? -magnitude : magnitude;
}

/* Element i of an array of f32 or bf16. */
RD_DEVICE_CODE float load(const void *p, int type, int64_t i) {
  return type == RD_F32 ? ((const float *)p)[i] : bf16_value(((const uint16_t *)p)[i]);
}
RD_DEVICE_CODE void store(void *p, int type, int64_t i, float x) {
  if (type == RD_F32)
    ((float *)p)[i] = x;
  else
    ((uint16_t *)p)[i] = bf16_nearest(x);
}

/* Four numbers that are read at once: 16 bytes of f32 at an address that is a multiple of that. */
typedef struct rd_four {
  float x, y, z, w;
} rd_four;
RD_DEVICE_CODE rd_four four_at(const float *p) {
#ifdef __CUDACC__
  const float4 v = *(const float4 *)p;
  const rd_four f = {v.x, v.y, v.z, v.w};
#else
  const rd_four f = {p[0], p[1], p[2], p[3]};
#endif
  return f;
}

/* Four numbers of f32 or bf16 from i on, a multiple of four in an array that lies straight. */
RD_DEVICE_CODE rd_four load_four(const void *p, int type, int64_t i) {
  if (type == RD_F32)
    return four_at((const float *)p + i);
#ifdef __CUDACC__
  const uint2 v = *(const uint2 *)((const uint16_t *)p + i);
  const uint32_t low = v.x, high = v.y;
#else
  uint32_t low, high;
  memcpy(&low, (const uint16_t *)p + i, sizeof low);
  memcpy(&high, (const uint16_t *)p + i + 2, sizeof high);
#endif
  const rd_four f = {float_of(low << 16), float_of(low & 0xffff0000u), float_of(high << 16),
                     float_of(high & 0xffff0000u)};
  return f;
}
RD_DEVICE_CODE void store_four(void *p, int type, int64_t i, rd_four f) {
  const uint32_t low = bf16_nearest(f.x) | (uint32_t)bf16_nearest(f.y) << 16;
  const uint32_t high = bf16_nearest(f.z) | (uint32_t)bf16_nearest(f.w) << 16;
#ifdef __CUDACC__
  if (type == RD_F32)
    *(float4 *)((float *)p + i) = make_float4(f.x, f.y, f.z, f.w);
  else
    *(uint2 *)((uint16_t *)p + i) = make_uint2(low, high);
#else
  if (type == RD_F32) {
    memcpy((float *)p + i, &f, sizeof f);
  } else {
    memcpy((uint16_t *)p + i, &low, sizeof low);
    memcpy((uint16_t *)p + i + 2, &high, sizeof high);
  }
#endif
}

#endif
