/* SPDX-License-Identifier: MIT */
/* Sizes and names of element types, and binary16 in plain C. */
#include "dtype.h"

static const struct {
  const char *name;
  size_t size;
} types[] = {
    [RD_F32] = {"f32", 4},
    [RD_BF16] = {"bf16", 2},
    [RD_F16] = {"f16", 2},
    [RD_I8] = {"i8", 1},
};

size_t rd_dtype_size(rd_dtype type) {
  return types[type].size;
}
const char *rd_dtype_name(rd_dtype type) {
  return types[type].name;
}

rd_f16 rd_f16_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const uint32_t sign = (bits >> 16) & 0x8000u;
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return (rd_f16)(sign | 0x7e00u | ((magnitude >> 13) & 0x1ffu));
  if (magnitude >= 0x477ff000u) /* 65520 and above round to infinity */
    return (rd_f16)(sign | 0x7c00u);
  if (magnitude <
      0x38800000u) { /* below 2^-14: adding 0.5 leaves round(x * 2^24) in the low bits */
    float shifted;
    memcpy(&shifted, &magnitude, sizeof shifted);
    shifted += 0.5f;
    uint32_t low;
    memcpy(&low, &shifted, sizeof low);
    return (rd_f16)(sign | (low - 0x3f000000u));
  }
  return (rd_f16)(sign | ((magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13));
}

float rd_f32_of_f16(rd_f16 value) {
  const uint32_t sign = (uint32_t)(value & 0x8000u) << 16;
  const uint32_t exponent = (value >> 10) & 0x1fu, fraction = value & 0x3ffu;
  uint32_t bits;
  if (exponent == 31) {
    bits = 0x7f800000u | (fraction << 13) | (fraction != 0 ? 0x400000u : 0);
  } else if (exponent == 0) {
    const float tiny = (float)fraction * 0x1p-24f;
    memcpy(&bits, &tiny, sizeof bits);
  } else {
    bits = ((exponent + 112) << 23) | (fraction << 13);
  }
  bits |= sign;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}
