/* SPDX-License-Identifier: MIT */
/* From the blocks of a file to panels. A packing takes one block of one row apart: its integers as
 * eight words of four bytes (8 bits) or four words (nibbles: lower halves are numbers 0..15 of a
 * group, upper ones 16..31, as Q4_0 and Q4_1 have them), and its scales. Word t of output n goes to
 * place [t][n] of the panel's group. Formats without a kind of their own are decoded and rounded.
 */
#include "groups.h"

#include <math.h>
#include <stdatomic.h>

#include "parallel.h"

/* Where the parts of a group go: those of the block's output in its panel. Words lie 32 apart. */
typedef struct place {
  uint32_t *words;       /* of the first group */
  unsigned char *scales; /* of the first span of the panel, at its start */
  int64_t n;             /* the output's place in the panel */
  bool *finite;          /* made false by a scale that is no number */
} place;

struct rd_group_packing {
  const char *storage;
  const char *kind;
  int64_t block, bytes;                                  /* numbers and bytes of a block */
  void (*pack)(const place *p, const unsigned char *in); /* NULL: decode and round */
};

static uint32_t word_at(const unsigned char *p) {
  uint32_t v;
  memcpy(&v, p, sizeof v);
  return v;
}

/* The f16 `slot` of the panel's scales. */
static void put_half(const place *p, int64_t slot, const unsigned char *half) {
  memcpy(p->scales + 2 * (slot * RD_PANEL + p->n), half, 2);
  if ((half[1] & 0x7c) == 0x7c)
    *p->finite = false;
}

static void pack_q8_0(const place *p, const unsigned char *in) {
  put_half(p, 0, in);
  for (int t = 0; t < 8; t++)
    p->words[t * RD_PANEL] = word_at(in + 2 + 4 * t) ^ 0x80808080u;
}

static void pack_q4_0(const place *p, const unsigned char *in) {
  put_half(p, 0, in);
  for (int t = 0; t < 4; t++)
    p->words[t * RD_PANEL] = word_at(in + 2 + 4 * t);
}

static void pack_q4_1(const place *p, const unsigned char *in) {
  put_half(p, 0, in);
  put_half(p, 1, in + 2);
  for (int t = 0; t < 4; t++)
    p->words[t * RD_PANEL] = word_at(in + 4 + 4 * t);
}

/* Sixteen times d, 4 bytes of fifth bits, nibbles: q - 16 + 128 as a byte. */
static void pack_q5_0(const place *p, const unsigned char *in) {
  const uint32_t fifth = word_at(in + 2);
  put_half(p, 0, in);
  for (int t = 0; t < 8; t++) {
    const uint32_t nibbles = word_at(in + 6 + 4 * (t % 4)) >> (t < 4 ? 0 : 4) & 0x0f0f0f0fu;
    const uint32_t bits = fifth >> (4 * t) & 15;
    /* bit i to bit 8 i + 4 */
    const uint32_t high = (bits & 1) << 4 | (bits & 2) << 11 | (bits & 4) << 18 | (bits & 8) << 25;
    p->words[t * RD_PANEL] = (nibbles | high) + 0x70707070u;
  }
}

/* d, dmin, 12 bytes with 8 scales and 8 minima of 6 bits, 8 runs of nibbles: 32 bytes hold a run in
 * their lower halves and the next in the upper ones. */
static void pack_q4_k(const place *p, const unsigned char *in) {
  unsigned char *multiples = p->scales + 4L * RD_PANEL + p->n;
  const unsigned char *s = in + 4;
  put_half(p, 0, in);
  put_half(p, 1, in + 2);
  for (int j = 0; j < 8; j++) {
    const int scale = j < 4 ? s[j] & 63 : (s[j + 4] & 15) | s[j - 4] >> 6 << 4;
    const int minimum = j < 4 ? s[j + 4] & 63 : s[j + 4] >> 4 | s[j] >> 6 << 4;
    multiples[j * RD_PANEL] = (unsigned char)scale;
    multiples[(8 + j) * RD_PANEL] = (unsigned char)minimum;
  }
  for (int j = 0; j < 8; j++)
    for (int t = 0; t < 4; t++) {
      const unsigned char *q = in + 16 + 32 * (j / 2) + 4 * t;
      const uint32_t first = word_at(q) >> (j % 2 * 4) & 0x0f0f0f0fu;
      const uint32_t second = word_at(q + 16) >> (j % 2 * 4) & 0x0f0f0f0fu;
      p->words[(j * 4 + t) * RD_PANEL] = first | second << 4;
    }
}

static const rd_group_packing packings[] = {
    {"Q8_0", "i8", 32, 34, pack_q8_0},    {"Q5_0", "i8", 32, 22, pack_q5_0},
    {"Q4_0", "i4", 32, 18, pack_q4_0},    {"Q4_1", "i4m", 32, 20, pack_q4_1},
    {"Q4_K", "i4k", 256, 144, pack_q4_k}, {NULL, "i8b", RD_GROUP, 0, NULL},
};

const rd_group_packing *rd_group_packing_of(const char *storage) {
  const rd_group_packing *p = packings;
  while (p->storage != NULL && strcmp(p->storage, storage) != 0)
    p++;
  return p;
}

const rd_group_kind *rd_group_packing_kind(const rd_group_packing *packing) {
  return rd_group_kind_named(packing->kind);
}

bool rd_group_packing_exact(const rd_group_packing *packing) {
  return packing->pack != NULL;
}

/* A group of numbers as i8b: the scale is bf16, rounded up so that the largest fits 127. */
static void round_group(const place *p, const float *x) {
  int32_t top = 0;
  for (int i = 0; i < RD_GROUP; i++) {
    int32_t magnitude;
    memcpy(&magnitude, x + i, sizeof magnitude);
    magnitude &= 0x7fffffff;
    top = magnitude > top ? magnitude : top;
  }
  if (top >= 0x7f800000)
    *p->finite = false;
  float most;
  memcpy(&most, &top, sizeof most);
  const rd_bf16 least = 1 << 7; /* 2^-126: smaller steps would be subnormal */
  uint32_t bits;
  const float step = most / 127;
  memcpy(&bits, &step, sizeof bits);
  rd_bf16 scale = (rd_bf16)((bits + 0xffff) >> 16);
  scale = scale < least ? least : scale;
  memcpy(p->scales + 2 * p->n, &scale, sizeof scale);
  const float inverse = 1 / rd_f32_of_bf16(scale);
  uint32_t q[RD_GROUP];
  unsigned char bytes[RD_GROUP];
  for (int i = 0; i < RD_GROUP; i++) { /* to the nearest integer, and 128 more */
    const float shifted = x[i] * inverse + 12582912.0f;
    memcpy(&q[i], &shifted, sizeof q[i]);
  }
  for (int i = 0; i < RD_GROUP; i++)
    bytes[i] = (unsigned char)(q[i] - (0x4b400000u - 128));
  for (int t = 0; t < 8; t++)
    p->words[t * RD_PANEL] = word_at(bytes + 4 * t);
}

enum { PIECE = 256 }; /* numbers decoded at a time: the longest block */

/* One row, decoded piece by piece. `bytes` are those of a piece. */
static void round_row(place p, const rd_groups *m, const unsigned char *row, int64_t row_bytes,
                      rd_group_decode *decode) {
  for (int64_t k = 0; k < m->cols; k += PIECE) {
    const int64_t n = m->cols - k < PIECE ? m->cols - k : PIECE;
    float x[PIECE] = {0};
    decode(x, row + row_bytes * k / m->cols, n);
    for (int64_t g = 0; g < n; g += RD_GROUP, p.scales += m->kind->scale_bytes,
                 p.words += m->kind->quant_bytes / (int64_t)sizeof *p.words)
      round_group(&p, x + g);
  }
}

bool rd_groups_pack_panels(const rd_groups *m, const rd_group_packing *packing, const void *data,
                           int64_t row_bytes, rd_group_decode *decode, int64_t first,
                           int64_t last) {
  const rd_group_kind *kind = m->kind;
  const int64_t spans = (m->cols + RD_GROUP * kind->span - 1) / (RD_GROUP * kind->span);
  const int64_t quant_bytes = kind->quant_bytes * kind->span;
  bool finite = true;
  for (int64_t i = first; i < last; i++) {
    unsigned char *quants = (unsigned char *)m->quants + i * spans * quant_bytes;
    unsigned char *scales = (unsigned char *)m->scales + i * spans * kind->scale_bytes;
    const int64_t rows = m->rows - i * RD_PANEL < RD_PANEL ? m->rows - i * RD_PANEL : RD_PANEL;
    const unsigned char *from = (const unsigned char *)data + i * RD_PANEL * row_bytes;
    if (rows < RD_PANEL) {
      memset(quants, 0, (size_t)(spans * quant_bytes));
      memset(scales, 0, (size_t)(spans * kind->scale_bytes));
    }
    for (int64_t n = 0; packing->pack == NULL && n < rows; n++) {
      const place p = {(uint32_t *)(void *)quants + n, scales, n, &finite};
      round_row(p, m, from + n * row_bytes, row_bytes, decode);
    }
    for (int64_t b = 0; packing->pack != NULL && b < spans; b++)
      for (int64_t n = 0; n < rows; n++) {
        const place p = {(uint32_t *)(void *)(quants + b * quant_bytes) + n,
                         scales + b * kind->scale_bytes, n, &finite};
        packing->pack(&p, from + n * row_bytes + b * packing->bytes);
      }
  }
  return finite;
}

typedef struct job {
  const rd_groups *m;
  const rd_group_packing *packing;
  const void *data;
  int64_t row_bytes;
  rd_group_decode *decode;
  atomic_bool failed;
} job;

static void pack(void *context, int thread, int64_t first, int64_t last) {
  (void)thread;
  job *j = context;
  if (!rd_groups_pack_panels(j->m, j->packing, j->data, j->row_bytes, j->decode, first, last))
    atomic_store(&j->failed, true);
}

bool rd_groups_pack(const rd_groups *m, const rd_group_packing *packing, const void *data,
                    int64_t row_bytes, rd_group_decode *decode) {
  job j = {m, packing, data, row_bytes, decode, false};
  rd_parallel_each((m->rows + RD_PANEL - 1) / RD_PANEL, pack, &j);
  return !atomic_load(&j.failed);
}
