/* SPDX-License-Identifier: MIT */
/* Which table serves which processor. */
#include "kernels.h"

static const rd_kernels *const levels[RD_CPU_LEVELS] = {
#if defined(__x86_64__)
    [RD_CPU_SCALAR] = &rd_kernels_scalar,
    [RD_CPU_AVX2] = &rd_kernels_avx2,
    [RD_CPU_AVX512] = &rd_kernels_avx512,
    [RD_CPU_AVX512BF16] = &rd_kernels_avx512bf16,
#else
    [RD_CPU_SCALAR] = &rd_kernels_scalar,
#endif
};

const rd_kernels *rd_kernels_get(void) {
  return levels[rd_cpu_level()];
}
