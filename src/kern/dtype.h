/* SPDX-License-Identifier: MIT */
/* Element types of tensors and conversions between them. Arithmetic is done in f32; the other types
 * are for storage and for the inputs of matrix products. */
#ifndef RD_DTYPE_H
#define RD_DTYPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef enum rd_dtype { RD_F32, RD_BF16, RD_F16, RD_I8 } rd_dtype;

typedef uint16_t rd_bf16; /* the upper half of an f32 */
typedef uint16_t rd_f16;  /* IEEE 754 binary16 */

/* Bytes of one element. */
size_t rd_dtype_size(rd_dtype type);
/* "f32", "bf16", "f16", "i8". */
const char *rd_dtype_name(rd_dtype type);

/* Round to nearest even; infinities stay, NaN stays NaN (made quiet). */
static inline rd_bf16 rd_bf16_of(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return (rd_bf16)((bits >> 16) | 0x40u);
  return (rd_bf16)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

static inline float rd_f32_of_bf16(rd_bf16 value) {
  uint32_t bits = (uint32_t)value << 16;
  float result;
  memcpy(&result, &bits, sizeof result);
  return result;
}

/* Round to nearest even; overflow gives infinity, subnormals are kept, NaN stays NaN. */
rd_f16 rd_f16_of(float value);
float rd_f32_of_f16(rd_f16 value);

/* dst[i] = src[i] converted, i < n, any pair of types; RD_I8 holds plain integers and saturates.
 * Same type copies. The arrays may not overlap unless they are the same and the elements have the
 * same size. Uses several threads when large. */
void rd_cast(void *dst, rd_dtype dst_type, const void *src, rd_dtype src_type, int64_t n);

/* The address of element `index` of an array of `type`. */
static inline void *rd_at(void *data, rd_dtype type, int64_t index) {
  return (char *)data + (size_t)index * rd_dtype_size(type);
}
static inline const void *rd_at_const(const void *data, rd_dtype type, int64_t index) {
  return (const char *)data + (size_t)index * rd_dtype_size(type);
}

#endif
