/* SPDX-License-Identifier: MIT */
/* Decoders of ggml's block formats, for the rows of format.c: out[i], i < n, from n / block blocks
 * at `in`, which may lie at any address. */
#ifndef RD_BLOCKS_H
#define RD_BLOCKS_H

#include "dtype.h"

/* 256 numbers in sub-blocks that have scales of their own (blocks_k.c). */
void rd_decode_q2_k(float *out, const unsigned char *in, int64_t n);
void rd_decode_q3_k(float *out, const unsigned char *in, int64_t n);
void rd_decode_q5_k(float *out, const unsigned char *in, int64_t n);
void rd_decode_q8_k(float *out, const unsigned char *in, int64_t n);
/* Codes that stand for the entries of a small table (blocks_iq.c). */
void rd_decode_iq4_nl(float *out, const unsigned char *in, int64_t n);
void rd_decode_iq4_xs(float *out, const unsigned char *in, int64_t n);
void rd_decode_mxfp4(float *out, const unsigned char *in, int64_t n);
void rd_decode_tq1_0(float *out, const unsigned char *in, int64_t n);
void rd_decode_tq2_0(float *out, const unsigned char *in, int64_t n);

/* The f16 at any address. */
static inline float rd_half_at(const unsigned char *p) {
  rd_f16 h;
  memcpy(&h, p, sizeof h);
  return rd_f32_of_f16(h);
}

/* The 6-bit scale and minimum of sub-block j of 8, packed in 12 bytes: Q4_K and Q5_K. */
static inline void rd_scale_and_minimum(const unsigned char *s, int j, float *scale,
                                        float *minimum) {
  if (j < 4) {
    *scale = (float)(s[j] & 63);
    *minimum = (float)(s[j + 4] & 63);
  } else {
    *scale = (float)((s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
    *minimum = (float)((s[j + 4] >> 4) | (s[j] >> 6) << 4);
  }
}

#endif
