/* SPDX-License-Identifier: MIT */
/* Packed groups beside the decoders of the file formats: the same numbers where a packing says so,
 * else within half a step of 8 bits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cpu.h"
#include "format.h"
#include "groups.h"
#include "rng.h"

/* Where in a block f16 numbers lie; -1: no more. Formats whose scales are other numbers (f32 in
 * Q8_K, powers of two in MXFP4, F64) are not here: they go through `decode` as the others do. */
static const struct places {
  const char *name;
  int halves[2];
} places[] = {{"Q8_0", {0, -1}},   {"Q4_0", {0, -1}},   {"Q4_1", {0, 2}},    {"Q5_0", {0, -1}},
              {"Q5_1", {0, 2}},    {"Q2_K", {80, 82}},  {"Q3_K", {108, -1}}, {"Q4_K", {0, 2}},
              {"Q5_K", {0, 2}},    {"Q6_K", {208, -1}}, {"IQ4_NL", {0, -1}}, {"IQ4_XS", {0, -1}},
              {"TQ1_0", {52, -1}}, {"TQ2_0", {64, -1}}};

static bool is_here(const rd_format *s) {
  for (size_t p = 0; p < sizeof places / sizeof *places; p++)
    if (strcmp(places[p].name, s->name) == 0)
      return true;
  return s->dtype >= 0;
}

/* Random rows of a format: any bits, but the f16, bf16 and f32 numbers in them are finite and not
 * extreme. */
static unsigned char *random_rows(const rd_format *s, int64_t rows, int64_t row_bytes) {
  rd_rng rng = rd_rng_at(23, RD_STREAM_INIT, (uint32_t)s->gguf, 0);
  unsigned char *data = malloc((size_t)(rows * row_bytes));
  if (s->dtype >= 0) {
    for (int64_t i = 0; i < rows * row_bytes / s->bytes; i++) {
      const float x = (float)(rd_rng_uniform(&rng) * 2 - 1);
      rd_cast(data + i * s->bytes, (rd_dtype)s->dtype, &x, RD_F32, 1);
    }
    return data;
  }
  for (int64_t i = 0; i < rows * row_bytes; i++)
    data[i] = (unsigned char)(rd_rng_uniform(&rng) * 256);
  for (size_t p = 0; p < sizeof places / sizeof *places; p++)
    for (int h = 0; h < 2; h++)
      for (int64_t b = 0; strcmp(places[p].name, s->name) == 0 && places[p].halves[h] >= 0 &&
                          b < rows * row_bytes / s->bytes;
           b++) {
        const rd_f16 half = rd_f16_of((float)(rd_rng_uniform(&rng) * 2 - 1) * 0.05f);
        memcpy(data + b * s->bytes + places[p].halves[h], &half, sizeof half);
      }
  return data;
}

static void check(const rd_format *s, int64_t N, int64_t K) {
  const rd_group_packing *packing = rd_group_packing_of(s->name);
  const rd_group_kind *kind = rd_group_packing_kind(packing);
  const int64_t row_bytes = K / s->block * s->bytes;
  unsigned char *data = random_rows(s, N, row_bytes);
  rd_groups m = {kind, aligned_alloc(64, (rd_groups_quant_bytes(kind, N, K) + 63) / 64 * 64),
                 aligned_alloc(64, (rd_groups_scale_bytes(kind, N, K) + 63) / 64 * 64), N, K};
  float *packed = malloc((size_t)K * sizeof *packed), *own = malloc((size_t)K * sizeof *own);
  assert_true(rd_groups_pack(&m, packing, data, row_bytes, s->decode));
  for (int64_t n = 0; n < N; n++) {
    rd_groups_row(packed, &m, n);
    s->decode(own, data + n * row_bytes, K);
    for (int64_t k = 0; k < K; k++) {
      float most = 0;
      for (int64_t i = k / RD_GROUP * RD_GROUP; i < K && i < (k / RD_GROUP + 1) * RD_GROUP; i++)
        most = fmaxf(most, fabsf(own[i]));
      /* the step of a rounded group is at most 1 + 2^-7 times its largest number over 127 */
      const float bound = rd_group_packing_exact(packing) ? 0 : most / 254 * 1.009f;
      if (!(fabsf(packed[k] - own[k]) <= bound))
        fail_msg("%s as %s (%ld,%ld) at %ld,%ld: %g, wanted %g", s->name, kind->name, (long)N,
                 (long)K, (long)n, (long)k, (double)packed[k], (double)own[k]);
    }
  }
  free(data), free(m.quants), free(m.scales), free(packed), free(own);
}

static void numbers_are_kept(void **state) {
  (void)state;
  size_t count;
  const rd_format *storages = rd_formats(&count);
  for (size_t i = 0; i < count; i++)
    for (int threads = 1; threads <= 2 && storages[i].decode && is_here(&storages[i]); threads++) {
      rd_threads_set(threads);
      check(&storages[i], 1, 256);
      check(&storages[i], 70, 768);
      check(&storages[i], 64, storages[i].block == 256 ? 512 : storages[i].block == 32 ? 288 : 77);
    }
}

static void exact_formats(void **state) {
  (void)state;
  static const char *const exact[] = {"Q8_0", "Q5_0", "Q4_0", "Q4_1", "Q4_K"};
  for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
    assert_true(rd_group_packing_exact(rd_group_packing_of(exact[i])));
  assert_false(rd_group_packing_exact(rd_group_packing_of("BF16")));
}

/* What is no number is found wherever it stands. */
static void infinities_are_refused(void **state) {
  (void)state;
  enum { N = 33, K = 256 };
  static const char *const names[] = {"Q8_0", "Q4_1", "Q4_K", "F32"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    const rd_format *s = rd_format_named(names[i]);
    const rd_group_packing *packing = rd_group_packing_of(names[i]);
    const rd_group_kind *kind = rd_group_packing_kind(packing);
    const int64_t row_bytes = K / s->block * s->bytes;
    unsigned char *data = random_rows(s, N, row_bytes);
    rd_groups m = {kind, aligned_alloc(64, (rd_groups_quant_bytes(kind, N, K) + 63) / 64 * 64),
                   aligned_alloc(64, (rd_groups_scale_bytes(kind, N, K) + 63) / 64 * 64), N, K};
    assert_true(rd_groups_pack(&m, packing, data, row_bytes, s->decode));
    const float none = INFINITY;
    rd_cast(data + (N - 1) * row_bytes, s->dtype < 0 ? RD_F16 : RD_F32, &none, RD_F32, 1);
    assert_false(rd_groups_pack(&m, packing, data, row_bytes, s->decode));
    free(data), free(m.quants), free(m.scales);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers_are_kept),
      cmocka_unit_test(exact_formats),
      cmocka_unit_test(infinities_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
