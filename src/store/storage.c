/* SPDX-License-Identifier: MIT */
/* Plain and block-quantised formats. The block layouts are GGUF's (ggml's documented structs): a
 * block carries f16 scales and packed integers; the K formats hold 256 numbers in sub-blocks with
 * scales of their own. */
#include "storage.h"

#include <string.h>

static float half_at(const unsigned char *p) {
  rd_f16 h;
  memcpy(&h, p, sizeof h);
  return rd_f32_of_f16(h);
}

static void decode_f32(float *out, const unsigned char *in, int64_t n) {
  memcpy(out, in, (size_t)n * sizeof *out);
}

static void decode_f16(float *out, const unsigned char *in, int64_t n) {
  rd_cast(out, RD_F32, in, RD_F16, n);
}

static void decode_bf16(float *out, const unsigned char *in, int64_t n) {
  rd_cast(out, RD_F32, in, RD_BF16, n);
}

/* 32 numbers: d, 32 x i8 */
static void decode_q8_0(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 32; b++, in += 34) {
    float d = half_at(in);
    for (int i = 0; i < 32; i++)
      *out++ = d * (float)(int8_t)in[2 + i];
  }
}

/* 32 numbers: d [, m]; [4 bytes of fifth bits;] 16 bytes of nibbles: low halves first, then high
 * ones. value = d * (q - centre) + m */
static void decode_nibbles(float *out, const unsigned char *in, int64_t n, int fifth, int minimum) {
  int64_t bytes = 2 + 2 * minimum + 4 * fifth + 16;
  int centre = minimum ? 0 : fifth ? 16 : 8;
  for (int64_t b = 0; b < n / 32; b++, in += bytes, out += 32) {
    float d = half_at(in), m = minimum ? half_at(in + 2) : 0;
    const unsigned char *high = in + 2 + 2 * minimum, *low = high + 4 * fifth;
    uint32_t bits = 0;
    if (fifth)
      memcpy(&bits, high, sizeof bits);
    for (int i = 0; i < 32; i++) {
      int q = i < 16 ? low[i] & 15 : low[i - 16] >> 4;
      q |= (int)(bits >> i & 1) << 4;
      out[i] = d * (float)(q - centre) + m;
    }
  }
}

static void decode_q4_0(float *o, const unsigned char *in, int64_t n) {
  decode_nibbles(o, in, n, 0, 0);
}
static void decode_q4_1(float *o, const unsigned char *in, int64_t n) {
  decode_nibbles(o, in, n, 0, 1);
}
static void decode_q5_0(float *o, const unsigned char *in, int64_t n) {
  decode_nibbles(o, in, n, 1, 0);
}
static void decode_q5_1(float *o, const unsigned char *in, int64_t n) {
  decode_nibbles(o, in, n, 1, 1);
}

/* The 6-bit scale and minimum of sub-block j of 8, packed in 12 bytes. */
static void scale_and_minimum(const unsigned char *s, int j, float *scale, float *minimum) {
  if (j < 4) {
    *scale = (float)(s[j] & 63);
    *minimum = (float)(s[j + 4] & 63);
  } else {
    *scale = (float)((s[j + 4] & 15) | (s[j - 4] >> 6) << 4);
    *minimum = (float)((s[j + 4] >> 4) | (s[j] >> 6) << 4);
  }
}

/* 256 numbers: d, dmin, 12 bytes of scales, 128 bytes of nibbles; each 32 bytes hold two sub-blocks
 */
static void decode_q4_k(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 256; b++, in += 144) {
    float d = half_at(in), dmin = half_at(in + 2);
    for (int j = 0; j < 8; j++) {
      const unsigned char *q = in + 16 + 32 * (j / 2);
      float scale, minimum;
      scale_and_minimum(in + 4, j, &scale, &minimum);
      for (int i = 0; i < 32; i++) {
        int v = j % 2 ? q[i] >> 4 : q[i] & 15;
        *out++ = d * scale * (float)v - dmin * minimum;
      }
    }
  }
}

/* 256 numbers: 128 bytes of low nibbles, 64 of high pairs, 16 x i8 scales, d; two halves of 128
 * numbers, each four runs of 32 */
static void decode_q6_k(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 256; b++, in += 210) {
    float d = half_at(in + 208);
    for (int half = 0; half < 2; half++)
      for (int run = 0; run < 4; run++)
        for (int i = 0; i < 32; i++) {
          unsigned char l = in[64 * half + 32 * (run % 2) + i], h = in[128 + 32 * half + i];
          int q = (run < 2 ? l & 15 : l >> 4) | (h >> (2 * run) & 3) << 4;
          float scale = (float)(int8_t)in[192 + 8 * half + 2 * run + i / 16];
          *out++ = d * scale * (float)(q - 32);
        }
  }
}

static const rd_storage storages[] = {
    {"F32", 0, RD_F32, 1, 4, decode_f32},     {"F16", 1, RD_F16, 1, 2, decode_f16},
    {"BF16", 30, RD_BF16, 1, 2, decode_bf16}, {"Q4_0", 2, -1, 32, 18, decode_q4_0},
    {"Q4_1", 3, -1, 32, 20, decode_q4_1},     {"Q5_0", 6, -1, 32, 22, decode_q5_0},
    {"Q5_1", 7, -1, 32, 24, decode_q5_1},     {"Q8_0", 8, -1, 32, 34, decode_q8_0},
    {"Q4_K", 12, -1, 256, 144, decode_q4_k},  {"Q6_K", 14, -1, 256, 210, decode_q6_k},
};

const rd_storage *rd_storages(size_t *count) {
  *count = sizeof storages / sizeof *storages;
  return storages;
}

const rd_storage *rd_storage_named(const char *name) {
  for (size_t i = 0; i < sizeof storages / sizeof *storages; i++)
    if (strcmp(storages[i].name, name) == 0)
      return &storages[i];
  return NULL;
}

const rd_storage *rd_storage_of_gguf(uint32_t type) {
  for (size_t i = 0; i < sizeof storages / sizeof *storages; i++)
    if (storages[i].gguf >= 0 && (uint32_t)storages[i].gguf == type)
      return &storages[i];
  return NULL;
}
