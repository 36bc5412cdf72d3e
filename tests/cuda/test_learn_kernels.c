/* SPDX-License-Identifier: MIT */
/* What comes back through the kernels beside what comes back through their twins of the processor,
 * over the same cases and sizes; losses, hard and soft; and products with their operands the other
 * way. */
#include "on_device.h"

#include "kern/op_cases.h"
#include "matmul.h"

typedef struct way {
  const char *name; /* of the case */
  /* Makes in y what the case makes of o->dout in o->din[which]; y begins as zeros. */
  void (*run)(rd_device *d, const op_data *o, void *y, size_t bytes);
  int which;
  int64_t least; /* columns: of one nothing is left but rounding */
  bool typed;    /* what comes back is of the type under test, whatever the case says */
} way;

static rd_blocks elements(const rd_device *d, int64_t n) {
  return (rd_blocks){(n + 99) / 100, 1, d->threads, 0};
}
static rd_blocks rows(const rd_device *d, int64_t n) {
  return (rd_blocks){n, 1, d->threads, (size_t)d->threads * 8 + 512};
}
static rd_blocks columns(const rd_device *d, int64_t D) {
  return rows(d, (D + RD_WARP_SIZE - 1) / RD_WARP_SIZE);
}

/* dy is f32, and may be added. */
static void norm(rd_device *d, const op_data *o, void *y, size_t bytes) {
  const rd_norm_back_args a = {.dx = y,
                               .dy = o->dout,
                               .x = o->in[0],
                               .norm = o->in[1],
                               .rstd = o->rstd,
                               .D = o->D,
                               .add = 1};
  const rd_blocks grid = rows(d, o->T);
  launch_both_ways(d, &d->kernels->norm_back, &grid, &a, y, bytes);
}

static void norm_weights(rd_device *d, const op_data *o, void *y, size_t bytes) {
  const rd_sum_rows_args a = {
      .sum = y, .dy = o->dout, .x = o->in[0], .rstd = o->rstd, .n = o->T, .D = o->D};
  const rd_blocks grid = columns(d, o->D);
  launch_both_ways(d, &d->kernels->sum_rows, &grid, &a, y, bytes);
}

/* In place. */
static void head_norm(rd_device *d, const op_data *o, void *y, size_t bytes) {
  const int64_t hd = op_head(o->T, o->D);
  const rd_norm_back_args a = {.dx = y,
                               .dy = y,
                               .x = o->in[0],
                               .norm = o->in[1],
                               .rstd = o->rstd,
                               .D = hd,
                               .dx_type = (int32_t)o->type,
                               .type = (int32_t)o->type};
  const rd_blocks grid = rows(d, o->T * (o->D / hd));
  memcpy(y, o->dout, bytes);
  launch_both_ways(d, &d->kernels->norm_back, &grid, &a, y, bytes);
}

static void head_norm_weights(rd_device *d, const op_data *o, void *y, size_t bytes) {
  const int64_t hd = op_head(o->T, o->D);
  const rd_sum_rows_args a = {.sum = y,
                              .dy = o->dout,
                              .x = o->in[0],
                              .rstd = o->rstd,
                              .n = o->T * (o->D / hd),
                              .D = hd,
                              .type = (int32_t)o->type};
  const rd_blocks grid = columns(d, hd);
  launch_both_ways(d, &d->kernels->sum_rows, &grid, &a, y, bytes);
}

static void rope(rd_device *d, const op_data *o, void *y, size_t bytes) {
  memcpy(y, o->dout, bytes);
  if (op_rotated(o) != o->D) {
    memcpy(y, o->din[0], bytes); /* a size that no head has */
    return;
  }
  rd_device_row *places = rows_in_order(o->T);
  rd_rope_args_on a = rope_args(y, y, places, o->cosines, o->sines, o->D, o->type);
  a.x_type = (int32_t)o->type;
  a.back = 1;
  const rd_blocks grid = rows(d, o->T);
  launch_both_ways(d, &d->kernels->rope, &grid, &a, y, bytes);
  free(places);
}

static void bias(rd_device *d, const op_data *o, void *y, size_t bytes) {
  const rd_sum_rows_args a = {
      .sum = y, .dy = o->dout, .n = o->T, .D = o->D, .type = (int32_t)o->type};
  const rd_blocks grid = columns(d, o->D);
  launch_both_ways(d, &d->kernels->sum_rows, &grid, &a, y, bytes);
}

static void gated(rd_device *d, const op_data *o, void *y, size_t bytes, rd_curve curve,
                  int which) {
  void *other = malloc(bytes + 64);
  const rd_gated_back_args a = {.dgate = which == 0 ? y : other,
                                .dup = which == 1 ? y : other,
                                .dy = o->dout,
                                .gate = o->in[0],
                                .up = o->in[1],
                                .n = o->T * o->D,
                                .type = (int32_t)o->type,
                                .curve = (int32_t)curve};
  const rd_blocks grid = elements(d, a.n);
  launch_both_ways(d, &d->kernels->gated_back, &grid, &a, y, bytes);
  free(other);
}
#define GATED(name, curve)                                                                         \
  static void name##_gate(rd_device *d, const op_data *o, void *y, size_t bytes) {                 \
    gated(d, o, y, bytes, curve, 0);                                                               \
  }                                                                                                \
  static void name##_up(rd_device *d, const op_data *o, void *y, size_t bytes) {                   \
    gated(d, o, y, bytes, curve, 1);                                                               \
  }
GATED(silu, RD_CURVE_SILU)
GATED(gelu, RD_CURVE_GELU)
GATED(gelu_tanh, RD_CURVE_GELU_TANH)
GATED(gelu_sigmoid, RD_CURVE_GELU_SIGMOID)
GATED(relu_squared, RD_CURVE_RELU_SQUARED)

/* Of each id the rows that looked it up. */
static void embed(rd_device *d, const op_data *o, void *y, size_t bytes) {
  int32_t ids[OP_TABLE], starts[OP_TABLE + 1] = {0}, count = 0, at = 0;
  int32_t *order = malloc((size_t)o->T * sizeof *order);
  for (int32_t id = 0; id < OP_TABLE; id++) {
    const int32_t before = at;
    for (int32_t t = 0; t < o->T; t++)
      if (o->ids[t] == id)
        order[at++] = t;
    if (at > before) {
      ids[count] = id;
      starts[++count] = at;
    }
  }
  const rd_look_up_back_args a = {.table = y,
                                  .dx = o->dout,
                                  .ids = ids,
                                  .starts = starts,
                                  .order = order,
                                  .D = o->D,
                                  .scale = 1};
  const rd_blocks grid = rows(d, count);
  launch_both_ways(d, &d->kernels->look_up_back, &grid, &a, y, bytes);
  free(order);
}

static void cross_entropy(rd_device *d, const op_data *o, void *y, size_t bytes) {
  float *losses = calloc((size_t)o->T, sizeof *losses);
  const rd_loss_args a = {.dlogits = y,
                          .logits = o->in[0],
                          .weights = o->dout,
                          .targets = o->ids,
                          .losses = losses,
                          .V = o->D,
                          .factor = 1,
                          .type = (int32_t)o->type};
  const rd_blocks grid = rows(d, o->T);
  launch_both_ways(d, &d->kernels->loss, &grid, &a, y, bytes);
  assert_near(losses, o->out, RD_F32, o->T, 2e-6, "cross-entropy");
  free(losses);
}

static const way ways[] = {
    {"rmsnorm", norm, 0, 2, false},
    {"rmsnorm", norm_weights, 1, 1, false},
    {"headnorm", head_norm, 0, 2, false},
    {"headnorm", head_norm_weights, 1, 1, false},
    {"rope", rope, 0, 1, false},
    {"bias", bias, 1, 1, false},
    {"silu", silu_gate, 0, 1, false},
    {"silu", silu_up, 1, 1, false},
    {"gelu", gelu_gate, 0, 1, false},
    {"gelu", gelu_up, 1, 1, false},
    {"gelu_pytorch_tanh", gelu_tanh_gate, 0, 1, false},
    {"gelu_pytorch_tanh", gelu_tanh_up, 1, 1, false},
    {"quick_gelu", gelu_sigmoid_gate, 0, 1, false},
    {"quick_gelu", gelu_sigmoid_up, 1, 1, false},
    {"relu2", relu_squared_gate, 0, 1, false},
    {"relu2", relu_squared_up, 1, 1, false},
    {"embed", embed, 0, 1, false},
    {"cross-entropy", cross_entropy, 0, 1, true},
};
enum { WAYS = sizeof ways / sizeof *ways };

static void what_comes_back_is_what_the_twins_give(void **state) {
  (void)state;
  rd_device *d = device_of_test();
  for (int i = 0; i < WAYS; i++)
    for (int size = 0; size < OP_SIZES; size++)
      for (int t = RD_F32; t <= RD_BF16; t++) {
        const op_case *c = op_case_named(ways[i].name);
        const op_array *to = &c->in[ways[i].which];
        op_data o;
        if (!c)
          fail_msg("no case %s", ways[i].name);
        if (op_sizes[size][1] < ways[i].least)
          continue;
        op_init(&o, c, (rd_dtype)t, op_sizes[size][0], op_sizes[size][1]);
        const rd_dtype type = ways[i].typed ? o.type : op_gradient_type(to, &o);
        const int64_t n = op_count(to, &o);
        const size_t bytes = (size_t)n * rd_dtype_size(type);
        void *y = calloc(bytes + 64, 1);
        c->forward(&o);
        c->backward(&o);
        ways[i].run(d, &o, y, bytes);
        assert_near(y, o.din[ways[i].which], type, n, t == RD_F32 ? 5e-6 : 1.2e-2, ways[i].name);
        free(y);
        op_drop(&o);
      }
  rd_device_close(&d);
}

static float *random_numbers(int64_t n, uint32_t which) {
  return op_values(RD_F32, n, which);
}

/* Against a distribution, with and without a gradient, in place, capped and scaled. */
static void losses_against_distributions_are_the_processors(void **state) {
  (void)state;
  enum { N = 5, V = 301 };
  rd_device *d = device_of_test();
  for (int capped = 0; capped < 2; capped++) {
    float *logits = random_numbers(N * V, 1), *goals = random_numbers(N * V, 2);
    float *weights = random_numbers(N, 3), losses[N], wanted[N], dlogits[N * V];
    const float cap = capped ? 2.5f : 0, factor = capped ? 0.7f : 1;
    const rd_loss_args a = {.dlogits = dlogits,
                            .logits = logits,
                            .goals = goals,
                            .weights = weights,
                            .losses = losses,
                            .V = V,
                            .factor = factor,
                            .cap = cap};
    const rd_blocks grid = rows(d, N);
    double loss = 0;
    float *spent = malloc(sizeof dlogits), *should = malloc(sizeof dlogits);
    memcpy(spent, logits, sizeof dlogits);
    launch_both_ways(d, &d->kernels->loss, &grid, &a, dlogits, sizeof dlogits);
    rd_loss_args alone = a;
    alone.dlogits = NULL;
    launch_both_ways(d, &d->kernels->loss, &grid, &alone, losses, sizeof losses);
    rd_cross_entropy_soft(&loss, wanted, should, RD_F32, spent, goals, weights, N, V);
    if (capped) {
      rd_cap_backward(should, RD_F32, logits, 1 / cap, cap, N * V);
      rd_scale(should, RD_F32, factor, N * V);
    }
    assert_near(losses, wanted, RD_F32, N, 2e-6, "soft losses");
    assert_near(dlogits, should, RD_F32, N * V, 2e-6, "soft slopes");
    free(logits);
    free(goals);
    free(weights);
    free(spent);
    free(should);
  }
  rd_device_close(&d);
}

/* 1 - cosine of hidden states, and its slope by central differences. */
static void what_aligns_states_agrees_with_differences(void **state) {
  (void)state;
  enum { N = 2, ROWS = 4, D = 37 };
  rd_device *d = device_of_test();
  float *x = random_numbers(ROWS * D, 1), *own = random_numbers(ROWS * D, 2), *dx;
  const int32_t picked[N] = {3, 1}, parents[N] = {0, 2};
  const float weights[N] = {0.5f, 2};
  double apart[N], side[2][N];
  dx = calloc(ROWS * D, sizeof *dx);
  rd_align_args a = {.dx = dx,
                     .apart = apart,
                     .x = x,
                     .own = own,
                     .rows = picked,
                     .parents = parents,
                     .weights = weights,
                     .D = D,
                     .weight = 3};
  const rd_blocks grid = rows(d, N);
  launch_both_ways(d, &d->kernels->align, &grid, &a, dx, ROWS * D * sizeof *dx);
  for (int row = 0; row < ROWS; row++)
    for (int i = 0; i < D; i += 9) {
      const float saved = x[row * D + i], h = 0.02f;
      a.dx = NULL;
      for (int s = 0; s < 2; s++) {
        a.apart = side[s];
        x[row * D + i] = saved + (s ? h : -h);
        launch_both_ways(d, &d->kernels->align, &grid, &a, side[s], sizeof side[s]);
      }
      x[row * D + i] = saved;
      double slope = 0;
      for (int k = 0; k < N; k++)
        slope += 3 * (double)weights[k] * (side[1][k] - side[0][k]) / (2 * (double)h);
      assert_true(fabs(slope - (double)dx[row * D + i]) < 1e-4);
    }
  assert_true(apart[0] > 0 && apart[0] < 2);
  free(x);
  free(own);
  free(dx);
  rd_device_close(&d);
}

/* Two tensors, one that decays and has a bf16 copy, over three steps; and the sum of squares. */
static void the_optimizer_is_the_processors(void **state) {
  (void)state;
  enum { N = 1001, TENSORS = 2 };
  rd_device *d = device_of_test();
  float *own[TENSORS][4], *wanted[TENSORS][4]; /* weights, moments, gradient */
  uint16_t working[N], rounded[N];
  rd_adamw_item items[TENSORS];
  for (uint32_t t = 0; t < TENSORS; t++) {
    for (uint32_t k = 0; k < 4; k++) {
      own[t][k] = random_numbers(N, 4 * t + k);
      wanted[t][k] = random_numbers(N, 4 * t + k);
      for (int i = 0; k == 2 && i < N; i++)
        own[t][k][i] = wanted[t][k][i] = fabsf(own[t][k][i]);
    }
    items[t] = (rd_adamw_item){.master = own[t][0],
                               .m = own[t][1],
                               .v = own[t][2],
                               .gradient = own[t][3],
                               .working = t == 0 ? working : NULL,
                               .count = N - (int)t,
                               .decays = t == 0};
  }
  for (int64_t step = 1; step <= 3; step++) {
    rd_adamw_step how = {.lr = 0.1f,
                         .beta1 = 0.9f,
                         .beta2 = 0.99f,
                         .eps = 1e-8f,
                         .weight_decay = 0.2f,
                         .grad_scale = 0.5f,
                         .step = step};
    const rd_adamw_args a = {items, rd_adamw_factors_of(&how)};
    const rd_blocks grid = {3, TENSORS, d->threads, 0};
    assert_int_equal(d->launch(d, &d->kernels->adamw, &grid, &a, NULL), RD_OK);
    for (int t = 0; t < TENSORS; t++) {
      how.weight_decay = t == 0 ? 0.2f : 0;
      rd_adamw(wanted[t][0], wanted[t][1], wanted[t][2], wanted[t][3], N - t, &how);
      for (int k = 0; k < 3; k++)
        assert_near(own[t][k], wanted[t][k], RD_F32, N, 1e-6, "AdamW");
    }
  }
  rd_cast(rounded, RD_BF16, own[0][0], RD_F32, N);
  assert_memory_equal(rounded, working, sizeof working);
  double sums[RD_SQUARES_BLOCKS], sum = 0;
  const rd_squares_args a = {sums, own[0][3], N};
  const rd_blocks grid = rows(d, RD_SQUARES_BLOCKS);
  launch_both_ways(d, &d->kernels->squares, &grid, &a, sums, sizeof sums);
  for (int i = 0; i < RD_SQUARES_BLOCKS; i++)
    sum += sums[i];
  assert_true(fabs(sum - rd_sum_squares(own[0][3], N)) < 1e-9 * sum);
  for (int t = 0; t < TENSORS; t++)
    for (int k = 0; k < 4; k++) {
      free(own[t][k]);
      free(wanted[t][k]);
    }
  rd_device_close(&d);
}

/* y = x w' with either operand lying across, added or not. */
static void products_take_operands_across(void **state) {
  (void)state;
  enum { T = 7, N = 5, K = 9 };
  rd_device *d = device_of_test();
  for (int t = RD_F32; t <= RD_BF16; t++)
    for (int turn = 0; turn < 8; turn++) {
      const rd_dtype type = (rd_dtype)t;
      const bool x_across = turn & 1, w_across = turn & 2, add = turn & 4;
      void *x = op_values(type, T * K, 1), *w = op_values(type, N * K, 2);
      float y[T][N];
      rd_error e = {0};
      const rd_product p = {.y = y,
                            .x = x,
                            .w = w,
                            .T = T,
                            .N = N,
                            .K = K,
                            .y_stride = N,
                            .alpha = add ? 1 : 0.5f,
                            .beta = add,
                            .type = type,
                            .x_across = x_across,
                            .w_across = w_across};
      for (int i = 0; i < T; i++)
        for (int j = 0; j < N; j++)
          y[i][j] = (float)(i - j);
      assert_int_equal(d->multiply(d, &p, &e), RD_OK);
      for (int i = 0; i < T; i++)
        for (int j = 0; j < N; j++) {
          double sum = add ? i - j : 0;
          for (int k = 0; k < K; k++) {
            float u, v;
            rd_cast(&u, RD_F32, rd_at(x, type, x_across ? k * T + i : i * K + k), type, 1);
            rd_cast(&v, RD_F32, rd_at(w, type, w_across ? k * N + j : j * K + k), type, 1);
            sum += (double)(add ? 1 : 0.5f) * (double)u * (double)v;
          }
          assert_true(fabs(sum - (double)y[i][j]) < 1e-4);
        }
      free(x);
      free(w);
    }
  rd_device_close(&d);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_comes_back_is_what_the_twins_give),
      cmocka_unit_test(losses_against_distributions_are_the_processors),
      cmocka_unit_test(what_aligns_states_agrees_with_differences),
      cmocka_unit_test(the_optimizer_is_the_processors),
      cmocka_unit_test(products_take_operands_across),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
