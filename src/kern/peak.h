/* SPDX-License-Identifier: MIT */
/* What this machine can do at most, measured: the yardstick every speed is reported against. */
#ifndef RD_PEAK_H
#define RD_PEAK_H

#include "dtype.h"

/* Floating-point operations (integer ones for RD_I8) of multiply-add on registers, best of several
 * tenths of a second. 0 where the processor has no instruction for the type. */
typedef struct rd_peak {
  double rate;     /* a second, on the threads kernels use */
  double cpu_rate; /* a second of processor time: what other programs take does not count */
} rd_peak;
rd_peak rd_peak_flops(rd_dtype type);
/* Bytes a second read from memory by all threads, from a buffer far larger than the caches. 0 when
 * there is no memory for it. */
double rd_peak_bandwidth(void);

/* `rounds` rounds of a block of independent multiply-adds; the result keeps the compiler honest.
 * One for each instruction set; the operations of a round are in the name's row of peak.c. */
float rd_peak_f32_scalar(long rounds);
float rd_peak_f32_avx2(long rounds);
float rd_peak_f32_avx512(long rounds);
float rd_peak_bf16_avx512bf16(long rounds);
float rd_peak_i8_avx512vnni(long rounds);

#endif
