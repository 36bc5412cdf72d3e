/* SPDX-License-Identifier: MIT */
/* Formats whose codes are places in a table: four bits that are not evenly spaced (IQ4, MXFP4), and
 * the three values of the ternary ones. */
#include "blocks.h"

/* ggml's: denser around zero, as weights are */
static const int8_t uneven[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                  1,    13,   25,  38,  53,  69,  89,  113};
/* twice the numbers of a sign, two bits of exponent and one of mantissa */
static const int8_t e2m1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/* 32 numbers from 16 bytes: low nibbles first, then high ones. */
static float *look_up(float *out, const unsigned char *q, const int8_t *table, float scale) {
  for (int i = 0; i < 32; i++)
    *out++ = scale * (float)table[i < 16 ? q[i] & 15 : q[i - 16] >> 4];
  return out;
}

/* 32 numbers: d, nibbles */
void rd_decode_iq4_nl(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 32; b++, in += 18)
    out = look_up(out, in + 2, uneven, rd_half_at(in));
}

/* 256 numbers: d, the high pairs of 8 scales in 16 bits, their low nibbles, nibbles */
void rd_decode_iq4_xs(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 256; b++, in += 136)
    for (int j = 0; j < 8; j++) {
      int low = in[4 + j / 2] >> (4 * (j % 2)) & 15, high = in[2 + j / 4] >> (2 * (j % 4)) & 3;
      out = look_up(out, in + 8 + 16 * j, uneven, rd_half_at(in) * (float)((low | high << 4) - 32));
    }
}

/* Half of 2^(e - 127), the table's numbers being doubled: below 2 it is no normal number. */
static float half_power(unsigned char e) {
  uint32_t bits = e < 2 ? UINT32_C(0x00200000) << e : (uint32_t)(e - 1) << 23;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* 32 numbers: an exponent for all of them, nibbles */
void rd_decode_mxfp4(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 32; b++, in += 17)
    out = look_up(out, in + 1, e2m1, half_power(*in));
}

/* `count` bytes hold that many numbers at each of `digits` places in base 3, as a fraction of 256:
 * times 3^place, cut to 8 bits, times 3 is the digit above 8 bits. */
static float *ternary(float *out, const unsigned char *q, int count, int digits, float d) {
  static const unsigned char powers[] = {1, 3, 9, 27, 81};
  for (int place = 0; place < digits; place++)
    for (int i = 0; i < count; i++) {
      unsigned fraction = (unsigned)q[i] * powers[place] & 255;
      *out++ = d * (float)((int)(fraction * 3 >> 8) - 1);
    }
  return out;
}

/* 256 numbers: 32 bytes of five, 16 of five, 4 of four; d */
void rd_decode_tq1_0(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 256; b++, in += 54) {
    float d = rd_half_at(in + 52);
    out = ternary(out, in, 32, 5, d);
    out = ternary(out, in + 32, 16, 5, d);
    out = ternary(out, in + 48, 4, 4, d);
  }
}

/* 256 numbers: 64 bytes of pairs, half by half; d */
void rd_decode_tq2_0(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 256; b++, in += 66) {
    float d = rd_half_at(in + 64);
    for (int i = 0; i < 256; i++)
      *out++ = d * (float)((in[32 * (i / 128) + i % 32] >> (2 * (i / 32 % 4)) & 3) - 1);
  }
}
