/* SPDX-License-Identifier: MIT */
/* What the processor offers, and how many threads kernels use. */
#ifndef RD_CPU_H
#define RD_CPU_H

#include <stdbool.h>

#include "error.h"

/* Instruction sets with kernels of their own, in rising order: each contains the ones before. */
typedef enum rd_cpu {
  RD_CPU_SCALAR,
  RD_CPU_AVX2,      /* AVX2, FMA, F16C */
  RD_CPU_AVX512,    /* AVX-512 F, BW, DQ, VL */
  RD_CPU_AVX512BF16 /* and AVX512_BF16 */
} rd_cpu;
enum { RD_CPU_LEVELS = RD_CPU_AVX512BF16 + 1 };

/* "scalar", "avx2", "avx512", "avx512bf16": the names that REDRAFT_CPU takes. */
const char *rd_cpu_name(rd_cpu level);

/* Refuses a REDRAFT_CPU that is set and no such name: without this call it is as if it were not
 * set.
 */
rd_code rd_cpu_check(rd_error *e);

/* The highest level that processor and system support (CPUID and XGETBV), not above the one named
 * by the environment variable REDRAFT_CPU when it is set, nor above the last rd_cpu_cap. Kernels of
 * every level give the same results up to rounding. */
rd_cpu rd_cpu_level(void);

/* The same without rd_cpu_cap: it does not change while the program runs. */
rd_cpu rd_cpu_highest(void);

/* Cap the level from now on (RD_CPU_LEVELS - 1 takes the cap away), for tests. Not to be called
 * while kernels run in other threads. */
void rd_cpu_cap(rd_cpu level);

/* Whether products of bf16 matrices run on bf16 instructions; where not, they are correct but no
 * faster than f32, and f32 activations are the better choice. */
bool rd_bf16_fast(void);
/* Whether they are also faster than those of f32 numbers that are at hand: Intel's multiply half as
 * many numbers a second (measured on an Emerald Rapids), AMD's twice as many. */
bool rd_bf16_faster(void);
/* The same for products of 8-bit integers (AVX512-VNNI). */
bool rd_i8_fast(void);

/* Threads that kernels called from this thread use, at least 1: one for each processor that the
 * process may run on, until this thread says otherwise. The results of forward kernels do not
 * depend on it. */
void rd_threads_set(int threads);
int rd_threads_get(void);
/* From now on kernels called from this thread run on it alone, as inside rd_parallel, or no more.
 */
void rd_threads_alone(bool yes);

#endif
