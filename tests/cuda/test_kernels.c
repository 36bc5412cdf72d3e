/* SPDX-License-Identifier: MIT */
/* Kernels over rows beside their twins of the processor, over the same cases and sizes; and what
 * becomes of a kernel whose threads part ways. */
#include "on_device.h"

#include "kern/op_cases.h"

#include "crew.h"

enum { TURN_ROWS = 32 };

typedef struct twin {
  const char *name; /* of the case */
  /* Makes in `y`, of o->type or f32 as the case says, what the case makes in o->out; false: the
   * kernel does not take this size. */
  bool (*run)(rd_device *d, const op_data *o, void *y, size_t bytes);
} twin;

static rd_blocks elements(const rd_device *d, int64_t n) {
  return (rd_blocks){(n + 99) / 100, 1, d->threads, 0};
}
static rd_blocks rows(const rd_device *d, int64_t n, int threads) {
  return (rd_blocks){n, 1, threads, (size_t)d->threads * 8 + 512};
}

static float *as_f32(const void *x, rd_dtype type, int64_t n) {
  float *y = malloc((size_t)n * sizeof *y + 64);
  rd_cast(y, RD_F32, x, type, n);
  return y;
}

static bool norm(rd_device *d, const op_data *o, void *y, size_t bytes) {
  const rd_norm_args a = {.y = y,
                          .x = o->in[0],
                          .plain = o->in[1],
                          .norm = o->in[1],
                          .clean = o->T / 2,
                          .D = o->D,
                          .eps = 1e-5f,
                          .type = (int32_t)o->type};
  for (int threads = 32; threads <= 256; threads += 224) {
    const rd_blocks grid = rows(d, o->T, threads);
    launch_both_ways(d, &d->kernels->norm, &grid, &a, y, bytes);
  }
  return true;
}

static bool head_norm(rd_device *d, const op_data *o, void *y, size_t bytes) {
  const int64_t hd = op_head(o->T, o->D), n = o->T * (o->D / hd);
  float *x = as_f32(o->in[0], o->type, o->T * o->D);
  const rd_norm_args a = {.y = y,
                          .x = x,
                          .plain = NULL, /* nobody's */
                          .norm = o->in[1],
                          .D = hd,
                          .eps = 1e-6f,
                          .type = (int32_t)o->type};
  const rd_blocks grid = rows(d, n, 64);
  launch_both_ways(d, &d->kernels->norm, &grid, &a, y, bytes);
  free(x);
  return true;
}

/* A head of queries, one of keys and one of values, all with the numbers of `a`: queries and keys
 * are what it makes of them; odd rows are kept in a lane. */
static void check_turn(rd_device *d, const rd_rope_args_on *a, const void *turned,
                       const rd_device_row *places, int64_t all) {
  enum { LAYER = 1 };
  const int64_t hd = a->hd, T = all < TURN_ROWS ? all : TURN_ROWS;
  const rd_dtype type = (rd_dtype)a->type;
  const size_t row = (size_t)hd * rd_dtype_size(type), lane = (size_t)T * row;
  unsigned char *out = calloc(7, lane);
  float *x = calloc((size_t)(3 * T * hd), sizeof *x);
  void *plain = calloc(1, lane);
  rd_device_row rows[TURN_ROWS];
  int64_t count = 0;
  for (; count < T; count++) {
    for (int i = 0; i < 3; i++)
      memcpy(x + (3 * count + i) * hd, (const float *)a->x + count * hd, (size_t)hd * sizeof *x);
    rows[count] = places[count];
    if (count % 2 == 0)
      continue;
    rows[count].k = out + 3 * lane + (size_t)count * row;
    rows[count].v = out + 5 * lane + (size_t)count * row;
    rows[count].stride = (int64_t)lane;
  }
  rd_cast(plain, type, a->x, RD_F32, count * hd);
  const rd_turn_args args = {.q = out,
                             .k = out + lane,
                             .v = out + 2 * lane,
                             .x = x,
                             .rows = rows,
                             .cosines = a->cosines,
                             .sines = a->sines,
                             .layer = LAYER,
                             .heads = 1,
                             .kv_heads = 1,
                             .hd = a->hd,
                             .turned = a->turned,
                             .interleaved = a->interleaved,
                             .type = a->type};
  const rd_blocks grid = {count, 2, 32, 0};
  launch_both_ways(d, &d->kernels->turn, &grid, &args, out, 7 * lane);
  for (int64_t t = 0; t < count; t++) {
    const size_t at = (size_t)t * row;
    const size_t k = t % 2 ? 4 * lane : lane, v = t % 2 ? 6 * lane : 2 * lane;
    assert_memory_equal(out + at, (const char *)turned + at, row);
    assert_memory_equal(out + k + at, (const char *)turned + at, row);
    assert_memory_equal(out + v + at, (const char *)plain + at, row);
  }
  free(out);
  free(x);
  free(plain);
}

static bool rope(rd_device *d, const op_data *o, void *y, size_t bytes) {
  if (op_rotated(o) != o->D)
    return false;
  float *x = as_f32(o->in[0], o->type, o->T * o->D);
  rd_device_row *places = rows_in_order(o->T);
  const rd_rope_args_on a = rope_args(y, x, places, o->cosines, o->sines, o->D, o->type);
  const rd_blocks grid = rows(d, o->T, 64);
  launch_both_ways(d, &d->kernels->rope, &grid, &a, y, bytes);
  check_turn(d, &a, y, places, o->T);
  free(places);
  free(x);
  return true;
}

static bool bias(rd_device *d, const op_data *o, void *y, size_t bytes) {
  const rd_bias_args a = {
      .x = y, .bias = o->in[1], .n = o->T * o->D, .D = o->D, .type = (int32_t)o->type};
  const rd_blocks grid = elements(d, a.n);
  memcpy(y, o->in[0], op_bytes(o));
  launch_both_ways(d, &d->kernels->bias, &grid, &a, y, bytes);
  return true;
}

static bool gated(rd_device *d, const op_data *o, void *y, size_t bytes, rd_curve curve) {
  rd_gated_args a = {.y = y,
                     .gate = o->in[0],
                     .up = o->in[1],
                     .n = o->T * o->D,
                     .y_type = (int32_t)o->type,
                     .type = (int32_t)o->type,
                     .curve = (int32_t)curve};
  const rd_blocks grid = elements(d, a.n);
  launch_both_ways(d, &d->kernels->gated, &grid, &a, y, bytes);
  /* side by side, to the same bits */
  const size_t row = (size_t)o->D * rd_dtype_size(o->type);
  char *both = malloc(2 * bytes + 64), *again = calloc(1, bytes);
  for (int64_t t = 0; t < o->T; t++)
    for (int i = 0; i < 2; i++)
      memcpy(both + (size_t)(2 * t + i) * row, (const char *)o->in[i] + (size_t)t * row, row);
  a.y = again;
  a.gate = both;
  a.up = both + row;
  a.D = o->D;
  a.stride = 2 * o->D;
  launch_both_ways(d, &d->kernels->gated, &grid, &a, again, bytes);
  assert_memory_equal(again, y, bytes);
  free(both);
  free(again);
  return true;
}
#define GATED(name, curve)                                                                         \
  static bool name(rd_device *d, const op_data *o, void *y, size_t bytes) {                        \
    return gated(d, o, y, bytes, curve);                                                           \
  }
GATED(silu, RD_CURVE_SILU)
GATED(gelu, RD_CURVE_GELU)
GATED(gelu_tanh, RD_CURVE_GELU_TANH)
GATED(gelu_sigmoid, RD_CURVE_GELU_SIGMOID)
GATED(relu_squared, RD_CURVE_RELU_SQUARED)

static bool cap(rd_device *d, const op_data *o, void *y, size_t bytes) {
  const rd_bound_args a = {y, 0.75f, 1.5f, o->T * o->D};
  const rd_blocks grid = elements(d, a.n);
  memcpy(y, o->in[0], bytes);
  launch_both_ways(d, &d->kernels->bound, &grid, &a, y, bytes);
  return true;
}

static bool embed(rd_device *d, const op_data *o, void *y, size_t bytes) {
  const rd_gather_args a = {.y = y,
                            .ids = o->ids,
                            .m = {.data = o->in[0],
                                  .rows = OP_TABLE,
                                  .cols = o->D,
                                  .form = o->type == RD_F32 ? RD_FORM_F32 : RD_FORM_BF16},
                            .scale = 1};
  const rd_blocks grid = rows(d, o->T, 64);
  launch_both_ways(d, &d->kernels->gather, &grid, &a, y, bytes);
  return true;
}

static bool add(rd_device *d, const op_data *o, void *y, size_t bytes) {
  float *x = as_f32(o->in[1], o->type, o->T * o->D);
  const rd_add_args a = {y, x, 0.75f, o->T * o->D};
  const rd_blocks grid = elements(d, a.n);
  memcpy(y, o->in[0], bytes);
  launch_both_ways(d, &d->kernels->add, &grid, &a, y, bytes);
  free(x);
  return true;
}

static const twin twins[] = {
    {"rmsnorm", norm},
    {"headnorm", head_norm},
    {"rope", rope},
    {"bias", bias},
    {"silu", silu},
    {"gelu", gelu},
    {"gelu_pytorch_tanh", gelu_tanh},
    {"quick_gelu", gelu_sigmoid},
    {"relu2", relu_squared},
    {"cap", cap},
    {"embed", embed},
    {"add", add},
};
enum { TWINS = sizeof twins / sizeof *twins };

static void kernels_agree_with_their_twins(void **state) {
  (void)state;
  rd_device *d = device_of_test();
  for (int i = 0; i < TWINS; i++)
    for (int size = 0; size < OP_SIZES; size++)
      for (int t = RD_F32; t <= RD_BF16; t++) {
        const op_case *c = op_case_named(twins[i].name);
        op_data o;
        if (!c)
          fail_msg("no case %s", twins[i].name);
        op_init(&o, c, (rd_dtype)t, op_sizes[size][0], op_sizes[size][1]);
        const rd_dtype type = op_type(&c->out, &o);
        const size_t bytes = (size_t)op_count(&c->out, &o) * rd_dtype_size(type);
        void *y = calloc(bytes + 64, 1);
        c->forward(&o);
        if (twins[i].run(d, &o, y, bytes))
          assert_near(y, o.out, type, op_count(&c->out, &o), type == RD_F32 ? 2e-6 : 1e-2,
                      twins[i].name);
        free(y);
        op_drop(&o);
      }
  rd_device_close(&d);
}

/* Rows go to others, and two rows of logits become one. */
static void rows_are_moved_and_guided(void **state) {
  (void)state;
  enum { T = 5, D = 6, V = 300 };
  rd_device *d = device_of_test();
  uint16_t k[T][D], picked[3][D] = {0};
  const int32_t order[3] = {4, 0, 4};
  for (int t = 0; t < T; t++)
    for (int i = 0; i < D; i++)
      k[t][i] = (uint16_t)(10 * t + i);
  const rd_pick_args pick = {picked, k, order, sizeof k[0]};
  rd_blocks grid = rows(d, 3, 32);
  launch_both_ways(d, &d->kernels->pick, &grid, &pick, picked, sizeof picked);
  for (int i = 0; i < 3; i++)
    assert_memory_equal(picked[i], k[order[i]], sizeof k[0]);
  static float logits[4][V], expected[4][V];
  const rd_device_pair pairs[2] = {{0, 1, 2.5f}, {3, 2, 1}};
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < V; j++)
      logits[i][j] = expected[i][j] = (float)(i * i + j % 7 * i);
  rd_propose_guide(expected[0], expected[1], 1.5, V);
  rd_propose_guide(expected[3], expected[2], 0, V);
  const rd_guide_args guide = {logits[0], pairs, V};
  grid = (rd_blocks){3, 2, 64, 0};
  launch_both_ways(d, &d->kernels->guide, &grid, &guide, logits, sizeof logits);
  assert_near(logits, expected, RD_F32, 4L * V, 1e-6, "guide");
  rd_device_close(&d);
}

/* Half the threads of a block end while the others wait. */
static void parts(const void *args) {
  (void)args;
  if (rd_crew_now->thread % 2)
    rd_crew_meet(0);
}

/* Numbers go round a block of three warps: each thread has the sum of its own. */
static void exchanges(const void *args) {
  int64_t *const *out = args;
  int64_t sum = 0;
  for (int round = 0; round < 3; round++) {
    const uint64_t *given = rd_crew_meet((uint64_t)(rd_crew_now->thread * (round + 1)));
    for (int i = 0; i < 32; i++)
      sum += (int64_t)given[i];
  }
  (*out)[rd_crew_now->thread] = sum;
}

static void a_crew_sees_who_waits_in_vain(void **state) {
  (void)state;
  rd_crew *crew = NULL;
  rd_error e = {0};
  int64_t sums[96] = {0}, *out = sums;
  const rd_crew_place place = {.threads = 96, .blocks = 1, .sides = 1};
  assert_int_equal(rd_crew_new(&crew, 96, 64, &e), RD_OK);
  for (int round = 0; round < 2; round++) {
    assert_false(rd_crew_run(crew, &place, parts, NULL, true, round));
    assert_true(rd_crew_run(crew, &place, exchanges, &out, true, round));
    for (int i = 0; i < 96; i++)
      assert_int_equal(sums[i], 6 * (i / 32 * 32 * 32 + 31 * 16));
  }
  rd_crew_free(&crew);
  assert_null(crew);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(kernels_agree_with_their_twins),
      cmocka_unit_test(rows_are_moved_and_guided),
      cmocka_unit_test(a_crew_sees_who_waits_in_vain),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
