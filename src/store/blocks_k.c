/* SPDX-License-Identifier: MIT */
/* The K formats of 2, 3, 5 and 8 bits. A block's numbers run half by half (128), and in a half by
 * the bits of its bytes: all lowest pairs first, then the next. */
#include "blocks.h"

/* 16 bytes of scale (low nibble) and minimum (high), 64 of pairs, d, dmin; sub-blocks of 16 */
void rd_decode_q2_k(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 256; b++, in += 84) {
    float d = rd_half_at(in + 80), dmin = rd_half_at(in + 82);
    for (int i = 0; i < 256; i++) {
      unsigned char s = in[i / 16], q = in[16 + 32 * (i / 128) + i % 32];
      *out++ = d * (float)(s & 15) * (float)(q >> (2 * (i / 32 % 4)) & 3) - dmin * (float)(s >> 4);
    }
  }
}

/* The 6-bit scale of sub-block j of 16 in 12 bytes: nibbles in the first eight, pairs above them in
 * the last four. */
static float q3_scale(const unsigned char *s, int j) {
  int low = j < 8 ? s[j] & 15 : s[j - 8] >> 4, high = s[8 + j % 4] >> (2 * (j / 4)) & 3;
  return (float)((low | high << 4) - 32);
}

/* 32 bytes of third bits, one bit for each run of 32, 64 of pairs, 12 of scales, d; a third bit
 * that is not set takes 4 away */
void rd_decode_q3_k(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 256; b++, in += 110) {
    float d = rd_half_at(in + 108);
    for (int i = 0; i < 256; i++) {
      int q = in[32 + 32 * (i / 128) + i % 32] >> (2 * (i / 32 % 4)) & 3;
      int third = in[i % 32] >> (i / 32) & 1;
      *out++ = d * q3_scale(in + 96, i / 16) * (float)(third ? q : q - 4);
    }
  }
}

/* d, dmin, 12 bytes of scales, 32 of fifth bits, one bit for each sub-block of 32, 128 of nibbles
 */
void rd_decode_q5_k(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 256; b++, in += 176) {
    float d = rd_half_at(in), dmin = rd_half_at(in + 2);
    for (int j = 0; j < 8; j++) {
      const unsigned char *low = in + 48 + 32 * (j / 2), *fifth = in + 16;
      float scale, minimum;
      rd_scale_and_minimum(in + 4, j, &scale, &minimum);
      for (int i = 0; i < 32; i++) {
        int q = (j % 2 ? low[i] >> 4 : low[i] & 15) | (fifth[i] >> j & 1) << 4;
        *out++ = d * scale * (float)q - dmin * minimum;
      }
    }
  }
}

/* d as f32, 256 x i8, and sums of 16 that only products use */
void rd_decode_q8_k(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 256; b++, in += 292) {
    float d;
    memcpy(&d, in, sizeof d);
    for (int i = 0; i < 256; i++)
      *out++ = d * (float)(int8_t)in[4 + i];
  }
}
