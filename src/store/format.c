/* SPDX-License-Identifier: MIT */
/* Plain and block-quantised formats. The block layouts are GGUF's (ggml's documented structs): a
 * block carries f16 scales and packed integers; the K formats hold 256 numbers in sub-blocks with
 * scales of their own. What products run in beside plain arrays are integer groups. */
#include "format.h"

#include <math.h>
#include <string.h>

#include "blocks.h"
#include "groups.h"
#include "mapped.h"
#include "ops.h"
#include "tight.h"

static void decode_f32(float *out, const unsigned char *in, int64_t n) {
  memcpy(out, in, (size_t)n * sizeof *out);
}

static void decode_f16(float *out, const unsigned char *in, int64_t n) {
  rd_cast(out, RD_F32, in, RD_F16, n);
}

static void decode_bf16(float *out, const unsigned char *in, int64_t n) {
  rd_cast(out, RD_F32, in, RD_BF16, n);
}

/* What f32 cannot hold is rounded; nothing is used in place. */
static void decode_f64(float *out, const unsigned char *in, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    double x;
    memcpy(&x, in + 8 * i, sizeof x);
    out[i] = (float)x;
  }
}

/* 32 numbers: d, 32 x i8 */
static void decode_q8_0(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 32; b++, in += 34) {
    float d = rd_half_at(in);
    for (int i = 0; i < 32; i++)
      *out++ = d * (float)(int8_t)in[2 + i];
  }
}

/* As ggml rounds: the largest magnitude becomes 127, by a step whose half-precision copy is kept.
 */
static void pack_q8_0(const rd_matrix *m, const float *x, int64_t first, int64_t count) {
  unsigned char *out = (unsigned char *)m->data + first * (m->cols / 32) * 34;
  for (int64_t b = 0; b < count * m->cols / 32; b++, x += 32, out += 34) {
    float most = 0;
    for (int i = 0; i < 32; i++)
      most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    const float d = most / 127, inverse = d > 0 ? 1 / d : 0;
    const rd_f16 half = rd_f16_of(d);
    memcpy(out, &half, sizeof half);
    for (int i = 0; i < 32; i++)
      out[2 + i] = (unsigned char)(int8_t)roundf(x[i] * inverse);
  }
}

/* As ggml rounds: the number of the largest magnitude becomes -8. */
static void pack_q4_0(const rd_matrix *m, const float *x, int64_t first, int64_t count) {
  unsigned char *out = (unsigned char *)m->data + first * (m->cols / 32) * 18;
  for (int64_t b = 0; b < count * m->cols / 32; b++, x += 32, out += 18) {
    float most = 0;
    for (int i = 0; i < 32; i++)
      most = fabsf(x[i]) > fabsf(most) ? x[i] : most;
    const float d = most / -8, inverse = d != 0 ? 1 / d : 0;
    const rd_f16 half = rd_f16_of(d);
    memcpy(out, &half, sizeof half);
    for (int i = 0; i < 16; i++) {
      int low = (int)(x[i] * inverse + 8.5f), high = (int)(x[i + 16] * inverse + 8.5f);
      low = low < 15 ? low : 15;
      high = high < 15 ? high : 15;
      out[2 + i] = (unsigned char)(low | high << 4);
    }
  }
}

/* 32 numbers: d [, m]; [4 bytes of fifth bits;] 16 bytes of nibbles: low halves first, then high
 * ones. value = d * (q - centre) + m */
static void decode_nibbles(float *out, const unsigned char *in, int64_t n, int fifth, int minimum) {
  int64_t bytes = 2 + 2 * minimum + 4 * fifth + 16;
  int centre = minimum ? 0 : fifth ? 16 : 8;
  for (int64_t b = 0; b < n / 32; b++, in += bytes, out += 32) {
    float d = rd_half_at(in), m = minimum ? rd_half_at(in + 2) : 0;
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

/* 256 numbers: d, dmin, 12 bytes of scales, 128 bytes of nibbles; each 32 bytes hold two sub-blocks
 */
static void decode_q4_k(float *out, const unsigned char *in, int64_t n) {
  for (int64_t b = 0; b < n / 256; b++, in += 144) {
    float d = rd_half_at(in), dmin = rd_half_at(in + 2);
    for (int j = 0; j < 8; j++) {
      const unsigned char *q = in + 16 + 32 * (j / 2);
      float scale, minimum;
      rd_scale_and_minimum(in + 4, j, &scale, &minimum);
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
    float d = rd_half_at(in + 208);
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

static void pack_plain(const rd_matrix *m, const float *x, int64_t first, int64_t count) {
  rd_dtype type = (rd_dtype)m->format->dtype;
  rd_cast(rd_at(m->data, type, first * m->cols), type, x, RD_F32, count * m->cols);
}

static rd_mat plain(const rd_matrix *m) {
  return rd_mat_rows(m->data, (rd_dtype)m->format->dtype, m->rows, m->cols);
}

static rd_code multiply_plain(rd_mat y, const rd_matrix *w, const rd_input *x, float beta,
                              rd_error *e) {
  return rd_matmul(y, x->x, rd_mat_transposed(plain(w)), beta, e);
}

static rd_code multiply_plain_back(rd_mat dx, const rd_matrix *w, rd_mat dy, float beta,
                                   rd_error *e) {
  return rd_matmul(dx, dy, plain(w), beta, e);
}

/* Packed for products in both directions: w' at `data`, w at `scales` (rd_matmul_pack). */
static rd_code multiply_packed(rd_mat y, const rd_matrix *w, const rd_input *x, float beta,
                               rd_error *e) {
  return rd_matmul(y, x->x, rd_mat_packed(w->data, RD_BF16, w->cols, w->rows), beta, e);
}

static rd_code multiply_packed_back(rd_mat dx, const rd_matrix *w, rd_mat dy, float beta,
                                    rd_error *e) {
  return rd_matmul(dx, dy, rd_mat_packed(w->scales, RD_BF16, w->rows, w->cols), beta, e);
}

/* Few rows are multiplied where the matrix lies; the bits are the same. */
static rd_code multiply_bf16(rd_mat y, const rd_matrix *w, const rd_input *x, float beta,
                             rd_error *e) {
  if (y.rows > RD_MAPPED_MOST || x->x.type != RD_BF16 || !rd_mapped_fast())
    return multiply_plain(y, w, x, beta, e);
  return rd_mapped_multiply(y.data, y.type, y.row_stride, x->x.data, x->x.row_stride, w->data,
                            y.rows, w->rows, w->cols, beta != 0, e);
}

/* bf16 in 12 bits: planes in `data`, panels in `scales`. */
static rd_tight tight_of(const rd_matrix *m) {
  return (rd_tight){m->data, m->scales, m->rows, m->cols};
}

static size_t tight_panels(const rd_matrix *m) {
  return rd_tight_panel_bytes(m->rows);
}

static void read_tight(float *out, const rd_matrix *m, int64_t first, int64_t count) {
  const rd_tight t = tight_of(m);
  for (int64_t i = 0; i < count; i++)
    rd_tight_row(out + i * m->cols, &t, first + i);
}

static rd_code multiply_tight(rd_mat y, const rd_matrix *w, const rd_input *x, float beta,
                              rd_error *e) {
  const rd_tight t = tight_of(w);
  return rd_tight_multiply(y.data, y.type, y.row_stride, x->x.data, x->x.row_stride, y.rows, &t,
                           beta != 0, e);
}

/* Integer groups: the kind of groups.h of the same name, its panels in `data` and their scales
 * beside. */
static rd_groups groups_of(const rd_matrix *m) {
  return (rd_groups){rd_group_kind_named(m->format->name), m->data, m->scales, m->rows, m->cols};
}

static size_t group_scales(const rd_matrix *m) {
  return rd_groups_scale_bytes(rd_group_kind_named(m->format->name), m->rows, m->cols);
}

static void read_groups(float *out, const rd_matrix *m, int64_t first, int64_t count) {
  const rd_groups g = groups_of(m);
  for (int64_t i = 0; i < count; i++)
    rd_groups_row(out + i * m->cols, &g, first + i);
}

/* `first` is the first row of a panel. */
static void pack_groups(const rd_matrix *m, const float *x, int64_t first, int64_t count) {
  const rd_group_kind *kind = rd_group_kind_named(m->format->name);
  const rd_groups part = {
      kind, (unsigned char *)m->data + rd_groups_quant_bytes(kind, first, m->cols),
      (unsigned char *)m->scales + rd_groups_scale_bytes(kind, first, m->cols), count, m->cols};
  rd_groups_pack_panels(&part, rd_group_packing_of("F32"), x, m->cols * (int64_t)sizeof *x,
                        decode_f32, 0, (count + RD_PANEL - 1) / RD_PANEL);
}

static bool regroup(const rd_matrix *m, const rd_matrix *stored) {
  const rd_format *from = stored->format;
  const rd_groups g = groups_of(m);
  return rd_groups_pack(&g, rd_group_packing_of(from->name), stored->data,
                        stored->cols / from->block * from->bytes, from->decode);
}

static void round_rows(void *room, rd_mat x) {
  rd_group_rows rows = rd_group_rows_place(room, x.rows, x.cols);
  rd_group_rows_round(&rows, x.data, x.type, x.row_stride);
}

static const rd_rounding groups_rounding = {rd_group_rows_bytes, round_rows};

static rd_code multiply_groups(rd_mat y, const rd_matrix *w, const rd_input *x, float beta,
                               rd_error *e) {
  const rd_groups g = groups_of(w);
  const rd_group_rows rows = rd_group_rows_place(x->room, x->x.rows, w->cols);
  (void)e;
  rd_groups_multiply(y.data, y.type, y.row_stride, &rows, &g, beta != 0);
  return RD_OK;
}

/* A row of integer groups: kinds of groups.h. */
#define GROUPS(NAME, BLOCK, BYTES, PACK)                                                           \
  {                                                                                                \
    .name = NAME, .gguf = -1, .dtype = -1, .block = BLOCK, .bytes = BYTES, .panel = RD_PANEL,      \
    .read = read_groups, .pack = PACK, .regroup = regroup, .scales = group_scales,                 \
    .rounding = &groups_rounding, .multiply = multiply_groups                                      \
  }

static const rd_format formats[] = {
    {.name = "F32",
     .gguf = 0,
     .dtype = RD_F32,
     .block = 1,
     .bytes = 4,
     .decode = decode_f32,
     .pack = pack_plain,
     .multiply = multiply_plain,
     .multiply_back = multiply_plain_back},
    {.name = "F16",
     .gguf = 1,
     .dtype = RD_F16,
     .block = 1,
     .bytes = 2,
     .decode = decode_f16,
     .pack = pack_plain},
    {.name = "BF16",
     .gguf = 30,
     .dtype = RD_BF16,
     .block = 1,
     .bytes = 2,
     .decode = decode_bf16,
     .pack = pack_plain,
     .multiply = multiply_bf16,
     .multiply_back = multiply_plain_back},
    {.name = "Q4_0",
     .gguf = 2,
     .dtype = -1,
     .block = 32,
     .bytes = 18,
     .decode = decode_q4_0,
     .pack = pack_q4_0},
    {.name = "Q4_1", .gguf = 3, .dtype = -1, .block = 32, .bytes = 20, .decode = decode_q4_1},
    {.name = "Q5_0", .gguf = 6, .dtype = -1, .block = 32, .bytes = 22, .decode = decode_q5_0},
    {.name = "Q5_1", .gguf = 7, .dtype = -1, .block = 32, .bytes = 24, .decode = decode_q5_1},
    {.name = "Q8_0",
     .gguf = 8,
     .dtype = -1,
     .block = 32,
     .bytes = 34,
     .decode = decode_q8_0,
     .pack = pack_q8_0},
    {.name = "Q4_K", .gguf = 12, .dtype = -1, .block = 256, .bytes = 144, .decode = decode_q4_k},
    {.name = "Q6_K", .gguf = 14, .dtype = -1, .block = 256, .bytes = 210, .decode = decode_q6_k},
    {.name = "F64", .gguf = 28, .dtype = -1, .block = 1, .bytes = 8, .decode = decode_f64},
    {.name = "Q2_K", .gguf = 10, .dtype = -1, .block = 256, .bytes = 84, .decode = rd_decode_q2_k},
    {.name = "Q3_K", .gguf = 11, .dtype = -1, .block = 256, .bytes = 110, .decode = rd_decode_q3_k},
    {.name = "Q5_K", .gguf = 13, .dtype = -1, .block = 256, .bytes = 176, .decode = rd_decode_q5_k},
    {.name = "Q8_K", .gguf = 15, .dtype = -1, .block = 256, .bytes = 292, .decode = rd_decode_q8_k},
    {.name = "IQ4_NL",
     .gguf = 20,
     .dtype = -1,
     .block = 32,
     .bytes = 18,
     .decode = rd_decode_iq4_nl},
    {.name = "IQ4_XS",
     .gguf = 23,
     .dtype = -1,
     .block = 256,
     .bytes = 136,
     .decode = rd_decode_iq4_xs},
    {.name = "MXFP4", .gguf = 39, .dtype = -1, .block = 32, .bytes = 17, .decode = rd_decode_mxfp4},
    {.name = "TQ1_0",
     .gguf = 34,
     .dtype = -1,
     .block = 256,
     .bytes = 54,
     .decode = rd_decode_tq1_0},
    {.name = "TQ2_0",
     .gguf = 35,
     .dtype = -1,
     .block = 256,
     .bytes = 66,
     .decode = rd_decode_tq2_0},
    GROUPS("i8", 32, 32, NULL),
    GROUPS("i8b", 32, 32, pack_groups),
    GROUPS("i4", 32, 16, NULL),
    GROUPS("i4m", 32, 16, NULL),
    GROUPS("i4k", 256, 128, NULL),
    {.name = "tight",
     .gguf = -1,
     .dtype = -1,
     .block = RD_TIGHT_STEP,
     .bytes = RD_TIGHT_STEP * 3 / 2,
     .panel = RD_TIGHT_PANEL,
     .read = read_tight,
     .scales = tight_panels,
     .multiply = multiply_tight},
    {.name = "packed",
     .gguf = -1,
     .dtype = -1,
     .block = 1,
     .bytes = 2,
     .multiply = multiply_packed,
     .multiply_back = multiply_packed_back},
};
enum { FORMATS = sizeof formats / sizeof *formats };

const rd_format *rd_formats(size_t *count) {
  *count = FORMATS;
  return formats;
}

const rd_format *rd_format_named(const char *name) {
  for (size_t i = 0; i < FORMATS; i++)
    if (strcmp(formats[i].name, name) == 0)
      return &formats[i];
  return NULL;
}

const rd_format *rd_format_grouped(const rd_format *stored) {
  return rd_format_named(rd_group_packing_kind(rd_group_packing_of(stored->name))->name);
}

const rd_format *rd_format_of_gguf(uint32_t type) {
  for (size_t i = 0; i < FORMATS; i++)
    if (formats[i].gguf >= 0 && (uint32_t)formats[i].gguf == type)
      return &formats[i];
  return NULL;
}

const rd_format *rd_format_of(rd_dtype type) {
  for (size_t i = 0; i < FORMATS; i++)
    if (formats[i].dtype == (int)type)
      return &formats[i];
  return NULL;
}
