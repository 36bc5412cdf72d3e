/* SPDX-License-Identifier: MIT */
/* What tensor cores do, on the thin layer: a warp multiplies tiles of bf16 numbers that its lanes
 * have pieces of, and reads such pieces from memory that a block shares; and copies into that
 * memory that nobody waits for. A card has instructions for it (mma.m16n8k16, ldmatrix, cp.async);
 * the processor does the same with the same layout of pieces.
 *
 * A tile is 8 x 8 numbers, of which lane l has numbers 2 (l % 4) and the next of row l / 4, the
 * first in the lower half of a word. */
#ifndef RD_DEVICE_MMA_H
#define RD_DEVICE_MMA_H

#include "device_grid.h"

#ifdef __CUDACC__

/* Four tiles at once: row l % 8 of tile l / 8 begins at the address that lane l gives, which is a
 * multiple of 16 bytes in shared memory. All lanes of a block's warps call it. */
RD_DEVICE_CODE void warp_tiles(uint32_t *r, const uint16_t *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"((uint32_t)__cvta_generic_to_shared(row))
               : "memory");
}
/* The same with rows and columns of each tile exchanged. */
RD_DEVICE_CODE void warp_tiles_turned(uint32_t *r, const uint16_t *row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"((uint32_t)__cvta_generic_to_shared(row))
               : "memory");
}

/* c (16, 8) += a (16, 16) b' (8, 16). a: four tiles, above left, below left, above right, below
 * right; b: left, right; c as two tiles of f32, above, below. */
RD_DEVICE_CODE void warp_multiply(float *c, const uint32_t *a, const uint32_t *b) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, "
               "{%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* Two numbers as one word, each to the nearest bf16. */
RD_DEVICE_CODE uint32_t bf16_pair(float low, float high) {
  uint32_t r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
}

/* Begin to copy 16 bytes into shared memory; both addresses are multiples of 16. */
RD_DEVICE_CODE void grid_copy(void *shared, const void *from) {
  asm volatile(
      "cp.async.cg.shared.global [%0], [%1], 16;" ::"r"((uint32_t)__cvta_generic_to_shared(shared)),
      "l"(from)
      : "memory");
}
/* What this thread has begun since the last call is one lot. */
RD_DEVICE_CODE void grid_copies_end(void) {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
/* Wait for this thread's lots but the last one. A barrier then shows them to the block. */
RD_DEVICE_CODE void grid_copies_wait(void) {
  asm volatile("cp.async.wait_group 1;" ::: "memory");
}

#define RD_OVER_QUAD(name, combine)                                                                \
  RD_DEVICE_CODE float name(float x) {                                                             \
    for (int m = 2; m > 0; m /= 2) {                                                               \
      const float y = __shfl_xor_sync(0xffffffffu, x, m);                                          \
      x = combine(x, y);                                                                           \
    }                                                                                              \
    return x;                                                                                      \
  }

#else

RD_DEVICE_CODE void warp_tiles(uint32_t *r, const uint16_t *row) {
  const uint64_t *given = rd_crew_meet((uint64_t)(uintptr_t)row);
  const int lane = grid_lane();
  for (int i = 0; i < 4; i++) {
    const uint16_t *from = (const uint16_t *)(uintptr_t)given[8 * i + lane / 4];
    memcpy(&r[i], from + 2 * (lane % 4), sizeof r[i]);
  }
}
RD_DEVICE_CODE void warp_tiles_turned(uint32_t *r, const uint16_t *row) {
  const uint64_t *given = rd_crew_meet((uint64_t)(uintptr_t)row);
  const int lane = grid_lane(), column = lane / 4;
  for (int i = 0; i < 4; i++) {
    const uint64_t *rows = given + 8 * i + 2 * (lane % 4);
    const uint32_t low = ((const uint16_t *)(uintptr_t)rows[0])[column];
    r[i] = low | (uint32_t)((const uint16_t *)(uintptr_t)rows[1])[column] << 16;
  }
}

/* Every lane shows its pieces to the others, and keeps them until all have looked. */
typedef struct rd_pieces {
  uint32_t a[4], b[2];
} rd_pieces;

RD_DEVICE_CODE float piece_of(uint32_t word, int half) {
  return bf16_value((uint16_t)(word >> 16 * half));
}

RD_DEVICE_CODE void warp_multiply(float *c, const uint32_t *a, const uint32_t *b) {
  rd_pieces own;
  memcpy(own.a, a, sizeof own.a);
  memcpy(own.b, b, sizeof own.b);
  const uint64_t *given = rd_crew_meet((uint64_t)(uintptr_t)&own);
  const int lane = grid_lane();
  for (int i = 0; i < 4; i++) {
    const int row = lane / 4, below = i / 2, column = 2 * (lane % 4) + i % 2;
    for (int k = 0; k < 16; k++) {
      const rd_pieces *of_a = (const rd_pieces *)(uintptr_t)given[4 * row + k % 8 / 2];
      const rd_pieces *of_b = (const rd_pieces *)(uintptr_t)given[4 * column + k % 8 / 2];
      c[i] += piece_of(of_a->a[below + 2 * (k / 8)], k % 2) * piece_of(of_b->b[k / 8], k % 2);
    }
  }
  rd_crew_meet(0);
}

RD_DEVICE_CODE uint32_t bf16_pair(float low, float high) {
  return bf16_nearest(low) | (uint32_t)bf16_nearest(high) << 16;
}

RD_DEVICE_CODE void grid_copy(void *shared, const void *from) {
  memcpy(shared, from, 16);
}
RD_DEVICE_CODE void grid_copies_end(void) {}
RD_DEVICE_CODE void grid_copies_wait(void) {}

#define RD_OVER_QUAD(name, combine)                                                                \
  RD_DEVICE_CODE float name(float x) {                                                             \
    const uint64_t *given = rd_crew_meet(bits_of(x)) + grid_lane() / 4 * 4;                        \
    const float u = float_of((uint32_t)given[0]), v = float_of((uint32_t)given[1]);                \
    const float w = float_of((uint32_t)given[2]), z = float_of((uint32_t)given[3]);                \
    const float even = combine(u, w), odd = combine(v, z);                                         \
    return combine(even, odd);                                                                     \
  }

#endif

/* x of four lanes, which begin at a multiple of four, combined; each has the result. */
RD_OVER_QUAD(quad_sum, RD_SUM_OF)
RD_OVER_QUAD(quad_max, RD_LARGER_OF)

#endif
