/* SPDX-License-Identifier: MIT */
/* Products of few rows, and groups of integers as numbers, for every form that kernels read, beside
 * sums in f64 over what groups.h says the numbers are. */
#include "on_device.h"

#include "device_pass.h"
#include "groups.h"
#include "rng.h"

/* Every form with the kind of groups.h whose panels it reads; plain ones have none. */
static const struct form {
  rd_form form;
  const char *kind;
} forms[] = {{RD_FORM_F32, NULL}, {RD_FORM_BF16, NULL}, {RD_FORM_I8, "i8"},  {RD_FORM_I8B, "i8b"},
             {RD_FORM_I4, "i4"},  {RD_FORM_I4M, "i4m"}, {RD_FORM_I4K, "i4k"}};
enum { FORMS = sizeof forms / sizeof *forms };

static const int64_t sizes[][2] = {{1, 1},    {33, 31},  {70, 100},  {40, 545},
                                   {96, 288}, {9, 1030}, {34, 2056}, {5, 12704}}; /* N, K */
enum { SIZES = sizeof sizes / sizeof *sizes };

static rd_rng random_at(uint32_t which) {
  return rd_rng_at(23, RD_STREAM_INIT, which, 0);
}

static float *random_numbers(int64_t n, uint32_t which) {
  rd_rng rng = random_at(which);
  float *x = malloc((size_t)n * sizeof *x + 64);
  for (int64_t i = 0; i < n; i++)
    x[i] = (float)(rd_rng_uniform(&rng) * 2 - 1);
  return x;
}

static void *of_type(const float *x, rd_dtype type, int64_t n) {
  void *y = aligned_alloc(64, ((size_t)n * rd_dtype_size(type) + 127) / 64 * 64);
  rd_cast(y, type, x, RD_F32, n);
  return y;
}

/* A matrix of a form, and its numbers (N, K). Scales are 0x2000 .. 0x24ff in f16. */
typedef struct sample {
  rd_device_matrix m;
  float *numbers;
  void *data, *scales;
} sample;

static void *random_bytes(size_t n, bool scales, uint32_t which) {
  rd_rng rng = random_at(which);
  uint8_t *x = aligned_alloc(64, (n + 63) / 64 * 64);
  for (size_t i = 0; i < n; i++)
    x[i] = scales && i % 2 ? (uint8_t)(0x20 + (int)(rd_rng_uniform(&rng) * 5))
                           : (uint8_t)(rd_rng_uniform(&rng) * 256);
  return x;
}

static sample sample_of(const struct form *f, int64_t N, int64_t K) {
  sample s = {.numbers = random_numbers(N * K, 1)};
  if (f->kind) {
    const rd_group_kind *kind = rd_group_kind_named(f->kind);
    s.data = random_bytes(rd_groups_quant_bytes(kind, N, K), false, 2);
    s.scales = random_bytes(rd_groups_scale_bytes(kind, N, K), true, 3);
    const rd_groups groups = {kind, s.data, s.scales, N, K};
    for (int64_t n = 0; n < N; n++)
      rd_groups_row(s.numbers + n * K, &groups, n);
  } else {
    const rd_dtype type = f->form == RD_FORM_F32 ? RD_F32 : RD_BF16;
    s.data = of_type(s.numbers, type, N * K);
    rd_cast(s.numbers, RD_F32, s.data, type, N * K);
  }
  s.m = (rd_device_matrix){s.data, s.scales, N, K, (int32_t)f->form};
  return s;
}

static void sample_drop(sample *s) {
  free(s->numbers);
  free(s->data);
  free(s->scales);
}

static void check_product(rd_device *d, const struct form *f, int64_t N, int64_t K, int64_t T,
                          bool add) {
  for (int xt = RD_F32; xt <= RD_BF16; xt++)
    for (int yt = RD_F32; yt <= RD_BF16; yt++) {
      sample s = sample_of(f, N, K);
      float *x = random_numbers(T * K, 4), *y = random_numbers(T * N, 5);
      void *xd = of_type(x, (rd_dtype)xt, T * K), *yd = of_type(y, (rd_dtype)yt, T * N);
      rd_cast(x, RD_F32, xd, (rd_dtype)xt, T * K);
      rd_cast(y, RD_F32, yd, (rd_dtype)yt, T * N);
      for (int64_t t = 0; t < T; t++)
        for (int64_t n = 0; n < N; n++) {
          double sum = 0;
          for (int64_t k = 0; k < K; k++)
            sum += (double)x[t * K + k] * (double)s.numbers[n * K + k];
          y[t * N + n] = (float)(0.5 * sum + (add ? (double)y[t * N + n] : 0));
        }
      rd_few_args args = {.parts = {{.y = yd, .w = s.m}},
                          .x = xd,
                          .T = T,
                          .y_stride = N,
                          .alpha = 0.5f,
                          .count = 1,
                          .add = add,
                          .y_type = yt,
                          .x_type = xt};
      const rd_blocks grid = rd_few_blocks(d, &args);
      const size_t bytes = (size_t)(T * N) * rd_dtype_size((rd_dtype)yt);
      launch_both_ways(d, f->kind ? &d->kernels->few_groups : &d->kernels->few, &grid, &args, yd,
                       bytes);
      void *expected = of_type(y, (rd_dtype)yt, T * N);
      assert_near(yd, expected, (rd_dtype)yt, T * N, yt == RD_F32 ? 1e-5 : 1e-2, "few rows");
      free(expected);
      free(x);
      free(y);
      free(xd);
      free(yd);
      sample_drop(&s);
    }
}

static void products_of_few_rows_are_right(void **state) {
  (void)state;
  rd_device *d = device_of_test();
  for (int f = 0; f < FORMS; f++)
    for (int i = 0; i < SIZES; i++)
      for (int64_t T = 1; T <= RD_FEW_MOST; T += 3)
        check_product(d, &forms[f], sizes[i][0], sizes[i][1], T, (i + T) % 2);
  rd_device_close(&d);
}

/* Some rows by tiles: within the rounding of their matrices to bf16. */
static void check_some(rd_device *d, const struct form *f, int64_t N, int64_t K, int64_t T) {
  sample s = sample_of(f, N, K);
  float *x = random_numbers(T * K, 4), *y = random_numbers(T * N, 5);
  void *xd = of_type(x, RD_BF16, T * K);
  rd_cast(x, RD_F32, xd, RD_BF16, T * K);
  float *yd = of_type(y, RD_F32, T * N);
  for (int64_t t = 0; t < T; t++)
    for (int64_t n = 0; n < N; n++) {
      double sum = 0;
      for (int64_t k = 0; k < K; k++)
        sum += (double)x[t * K + k] * (double)s.numbers[n * K + k];
      y[t * N + n] += (float)(0.5 * sum);
    }
  rd_few_args args = {.parts = {{.y = yd, .w = s.m}},
                      .x = xd,
                      .T = T,
                      .y_stride = N,
                      .alpha = 0.5f,
                      .count = 1,
                      .add = true,
                      .y_type = RD_F32,
                      .x_type = RD_BF16};
  const rd_blocks grid = rd_some_blocks(d, &args);
  launch_both_ways(d, &d->kernels->some_groups, &grid, &args, yd, (size_t)(T * N) * sizeof *yd);
  assert_near(yd, y, RD_F32, T * N, 4e-3, "some rows");
  free(x);
  free(y);
  free(xd);
  free(yd);
  sample_drop(&s);
}

static void products_of_some_rows_are_right(void **state) {
  (void)state;
  static const int64_t rows[] = {5, 8, 33, 70};
  rd_device *d = device_of_test();
  for (int f = 0; f < FORMS; f++)
    for (int i = 0; forms[f].kind && i < SIZES; i++)
      check_some(d, &forms[f], sizes[i][0], sizes[i][1], rows[i % 4]);
  check_some(d, &forms[FORMS - 1], 8200, 32, 6); /* two panels a block */
  check_some(d, &forms[2], 4130, 40, 33);
  rd_device_close(&d);
}

/* Three matrices in one launch give side by side what each gives alone. */
static void parts_are_those_of_each_alone(void **state) {
  (void)state;
  enum { K = 296, T = 3 };
  static const int64_t rows[] = {40, 33, 7}, all = 80;
  rd_device *d = device_of_test();
  for (int f = 0; f < FORMS; f++) {
    sample parts[3];
    float *x = random_numbers(T * K, 4), *together = random_numbers(T * all, 5), *alone = NULL;
    rd_few_args args = {.x = x,
                        .T = T,
                        .y_stride = all,
                        .alpha = 1,
                        .count = 3,
                        .y_type = RD_F32,
                        .x_type = RD_F32};
    const rd_kernel *kernel = forms[f].kind ? &d->kernels->few_groups : &d->kernels->few;
    int64_t at = 0;
    for (int i = 0; i < 3; i++) {
      parts[i] = sample_of(&forms[f], rows[i], K);
      args.parts[i] = (rd_few_part){.y = together + at, .w = parts[i].m};
      at += rows[i];
    }
    rd_blocks grid = rd_few_blocks(d, &args);
    launch_both_ways(d, kernel, &grid, &args, together, (size_t)(T * all) * sizeof *together);
    at = 0;
    for (int i = 0; i < 3; i++) {
      alone = random_numbers(T * rows[i], 6);
      args.count = 1;
      args.y_stride = rows[i];
      args.parts[0] = (rd_few_part){.y = alone, .w = parts[i].m};
      grid = rd_few_blocks(d, &args);
      launch_both_ways(d, kernel, &grid, &args, alone, (size_t)(T * rows[i]) * sizeof *alone);
      for (int64_t t = 0; t < T; t++)
        assert_memory_equal(together + t * all + at, alone + t * rows[i],
                            (size_t)rows[i] * sizeof *alone);
      at += rows[i];
      free(alone);
      sample_drop(&parts[i]);
    }
    free(x);
    free(together);
  }
  rd_device_close(&d);
}

/* Whole matrices, and those of their panels from the second on. */
static void groups_become_their_numbers(void **state) {
  (void)state;
  rd_device *d = device_of_test();
  for (int f = 0; f < FORMS; f++)
    for (int i = 0; forms[f].kind && i < SIZES; i++)
      for (int t = RD_F32; t <= RD_BF16; t++)
        for (int64_t first = 0; first < sizes[i][0]; first += 32) {
          const int64_t K = sizes[i][1], count = sizes[i][0] - first;
          sample s = sample_of(&forms[f], sizes[i][0], K);
          void *y = of_type(s.numbers, (rd_dtype)t, count * K);
          memset(y, 0, (size_t)(count * K) * rd_dtype_size((rd_dtype)t));
          const rd_ungroup_args args = {y, s.m, first, count, t};
          const rd_blocks grid = {(count + 31) / 32, 1 + i % 3, 64, 0};
          launch_both_ways(d, &d->kernels->ungroup, &grid, &args, y,
                           (size_t)(count * K) * rd_dtype_size((rd_dtype)t));
          void *expected = of_type(s.numbers + first * K, (rd_dtype)t, count * K);
          assert_near(y, expected, (rd_dtype)t, count * K, t == RD_F32 ? 1e-6 : 8e-3, "ungroup");
          free(expected);
          free(y);
          sample_drop(&s);
        }
  rd_device_close(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(products_of_few_rows_are_right),
      cmocka_unit_test(products_of_some_rows_are_right),
      cmocka_unit_test(parts_are_those_of_each_alone),
      cmocka_unit_test(groups_become_their_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
