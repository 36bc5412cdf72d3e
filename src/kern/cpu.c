/* SPDX-License-Identifier: MIT */
/* CPUID says what the processor can do, XGETBV whether the system saves the registers; both are
 * needed. */
#include "cpu.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const names[RD_CPU_LEVELS] = {
    [RD_CPU_SCALAR] = "scalar",
    [RD_CPU_AVX2] = "avx2",
    [RD_CPU_AVX512] = "avx512",
    [RD_CPU_AVX512BF16] = "avx512bf16",
};

const char *rd_cpu_name(rd_cpu level) {
  return names[level];
}

rd_code rd_cpu_check(rd_error *e) {
  static const rd_table table = RD_TABLE("instruction set", names);
  const char *wish = getenv("REDRAFT_CPU");
  if (wish == NULL || *wish == '\0' || rd_table_find(&table, wish, e) != NULL)
    return RD_OK;
  return rd_prefix(e, RD_USAGE, "REDRAFT_CPU");
}

#if defined(__x86_64__)
static bool has(unsigned word, unsigned mask) {
  return (word & mask) == mask;
}

static rd_cpu detect(void) {
  unsigned a, b, c, d, b7, c7, d7, a71 = 0;
  if (!__get_cpuid(1, &a, &b, &c, &d) ||
      !has(c, bit_OSXSAVE | bit_AVX | bit_FMA | bit_F16C | bit_MOVBE) ||
      !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
    return RD_CPU_SCALAR;
  unsigned saved, high;
  __asm__("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
  enum { YMM = 0x06, ZMM = 0xe6 }; /* SSE and AVX state; and masks, upper halves, registers 16-31 */
  if (!has(saved, YMM) || !has(b7, bit_AVX2))
    return RD_CPU_SCALAR;
  if (!has(saved, ZMM) || !has(b7, bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL))
    return RD_CPU_AVX2;
  if (a >= 1)
    __get_cpuid_count(7, 1, &a71, &b, &c, &d);
  return has(a71, bit_AVX512BF16) ? RD_CPU_AVX512BF16 : RD_CPU_AVX512;
}

static bool is_intel(void) {
  unsigned a, b, c, d;
  return __get_cpuid(0, &a, &b, &c, &d) && b == signature_INTEL_ebx && d == signature_INTEL_edx &&
         c == signature_INTEL_ecx;
}

static bool has_vnni(void) {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && has(c, bit_AVX512VNNI);
}
#else
static bool is_intel(void) {
  return false;
}

static bool has_vnni(void) {
  return false;
}

static rd_cpu detect(void) {
  return RD_CPU_SCALAR;
}
#endif

static atomic_int found = -1; /* the level of the machine and the environment, once looked up */
static atomic_int capped = RD_CPU_LEVELS - 1;

rd_cpu rd_cpu_highest(void) {
  int level = atomic_load_explicit(&found, memory_order_relaxed);
  if (level < 0) { /* several threads may look it up; they find the same */
    level = (int)detect();
    const char *wish = getenv("REDRAFT_CPU");
    for (int i = 0; wish != NULL && i < level; i++)
      if (rd_name_same(wish, names[i]))
        level = i;
    atomic_store_explicit(&found, level, memory_order_relaxed);
  }
  return (rd_cpu)level;
}

rd_cpu rd_cpu_level(void) {
  const int level = (int)rd_cpu_highest();
  const int cap = atomic_load_explicit(&capped, memory_order_relaxed);
  return (rd_cpu)(level < cap ? level : cap);
}

void rd_cpu_cap(rd_cpu level) {
  atomic_store(&capped, (int)level);
}

bool rd_bf16_fast(void) {
  return rd_cpu_level() >= RD_CPU_AVX512BF16;
}

bool rd_bf16_faster(void) {
  return rd_bf16_fast() && !is_intel();
}

/* Looked up once: CPUID takes tens of microseconds in a virtual machine. */
bool rd_i8_fast(void) {
  static atomic_int vnni = -1;
  int known = atomic_load_explicit(&vnni, memory_order_relaxed);
  if (known < 0)
    atomic_store_explicit(&vnni, known = has_vnni(), memory_order_relaxed);
  return rd_cpu_level() >= RD_CPU_AVX512 && known > 0;
}

static _Thread_local int chosen; /* threads; 0: one for each processor */
static _Thread_local bool alone;

/* Processors that this process may run on. */
static int processors(void) {
  static atomic_int known;
  int count = atomic_load_explicit(&known, memory_order_relaxed);
  if (count == 0) {
    cpu_set_t set;
    count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                        : (int)sysconf(_SC_NPROCESSORS_ONLN);
    count = count < 1 ? 1 : count;
    atomic_store_explicit(&known, count, memory_order_relaxed);
  }
  return count;
}

void rd_threads_set(int threads) {
  chosen = threads < 1 ? 1 : threads;
}
int rd_threads_get(void) {
  return alone ? 1 : chosen > 0 ? chosen : processors();
}
void rd_threads_alone(bool yes) {
  alone = yes;
}
