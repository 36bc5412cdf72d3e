/* SPDX-License-Identifier: MIT */
/* Which table serves which processor. */
#include "rows.h"

static const rd_rows *const levels[RD_CPU_LEVELS] = {
#if defined(__x86_64__)
    [RD_CPU_SCALAR] = &rd_rows_scalar,
    [RD_CPU_AVX2] = &rd_rows_avx2,
    [RD_CPU_AVX512] = &rd_rows_avx512,
    [RD_CPU_AVX512BF16] = &rd_rows_avx512bf16,
#else
    [RD_CPU_SCALAR] = &rd_rows_scalar,
#endif
};

const rd_rows *rd_rows_get(void) {
  return levels[rd_cpu_level()];
}
