/* SPDX-License-Identifier: MIT */
/* Every engine that this machine can run gives the golden logits, and what the processor's gives:
 * over lanes, behind a gate, guided, with more rows than a chunk. What no device computes is
 * refused, or goes to the processor. */
#include "cpu.h"
#include "engine.h"
#include "golden_cases.h"
#include "rope.h"
#include "scene.h"

static const char *engine_now;

static rd_code compare(void *context, int64_t need, int64_t first, int64_t count, float *logits,
                       rd_error *e) {
  (void)need, (void)e;
  golden_compare(context, logits, first, count);
  return RD_OK;
}

static void run_engine(golden_case *c) {
  rd_error e = {0};
  rd_engine *engine = NULL;
  rd_wanted wanted[MOST_ROWS] = {0};
  rd_need need = {.canvas = c->ids,
                  .length = c->count,
                  .end = c->count,
                  .attention = c->block,
                  .wanted = wanted,
                  .count = c->wanted};
  for (int32_t i = 0; i < c->wanted; i++)
    wanted[i].position = c->rows[i];
  if (rd_engine_open(&engine, engine_now, c->model, c->count, c->count, &e) ||
      engine->scores(engine, &need, 1, compare, c, &e))
    fail_msg("%s on %s: %s", c->path, engine_now, e.message);
  rd_engine_close(&engine);
}

static void every_engine_agrees_with_the_reference(void **state) {
  (void)state;
  rd_threads_set(2);
  for (size_t i = 0; i < rd_engine_count; i++) {
    if (!rd_engines[i].able())
      continue;
    engine_now = rd_engines[i].name;
    print_message("%s\n", engine_now);
    golden_all(&golden_f32, false, run_engine);
    golden_all(&golden_bf16, false, run_engine);
    golden_all(&golden_int8, false, run_engine);
    golden_all(&golden_f32, true, run_engine);
  }
}

/* --- beside the processor's ------------------------------------------------------------------- */

enum { T = SCENE_LENGTH };

static void scene_init(scene *s, const rd_model *m, int64_t attention, int64_t first, int64_t end,
                       int64_t gated) {
  const rd_propose_rule rule = {.temperature = 1, .top_k = 4, .top_p = 0.9, .eos = -1, .seed = 11};
  const rd_need need = {
      .first = first, .end = end, .gated = gated, .attention = attention, .guidance = 0.7};
  scene_begin(s, T, m->config.vocab, rule, 2, need);
}

/* What is asked one after the other over one lane each: all, then a range, then with a gate. */
typedef struct plan {
  int64_t attention, first, end, gated;
  bool guided, stepwise;
} plan;
static const plan plans[][3] = {
    {{0, 0, T, 0, false, false}, {0, 5, 20, 0, false, false}, {0, 30, T, 0, false, false}},
    {{8, 0, T, 0, true, false}, {8, 8, 16, 0, true, false}, {8, 32, T, 0, true, false}},
    {{1, 0, 33, 0, false, false}, {1, 33, 34, 0, false, true}, {1, 34, T, 0, false, true}},
    {{0, 0, T, 9, true, false}, {0, 9, T, 9, true, false}, {4, 9, T, 12, true, false}},
    {{0, 0, 2, T, false, false}, {0, 2, T, 17, false, false}, {0, 17, T, 17, false, false}},
};
enum { PLANS = sizeof plans / sizeof *plans };

static bool proposes; /* which takes long beside all else here */

/* All plans at once: scores, then proposals. */
static void run_plans(const rd_model *m, const char *name, int step, scene *s, rd_engine *engine,
                      rd_lane *lanes[PLANS][2]) {
  rd_need needs[PLANS];
  rd_error e = {0};
  int n = 0;
  for (int i = 0; i < PLANS; i++) {
    const plan *p = &plans[i][step];
    if (p->gated > 0 && !m->weights.plain)
      continue;
    scene_init(&s[n], m, p->attention, p->first, p->end, p->gated);
    s[n].need.lane = lanes[i][0];
    s[n].need.stepwise = p->stepwise ? 1 : 0;
    s[n].need.unguided = p->guided ? s[n].masked : NULL;
    s[n].need.unguided_lane = p->guided ? lanes[i][1] : NULL;
    needs[n] = s[n].need;
    n++;
  }
  if (engine->scores(engine, needs, n, scene_keep, s, &e) != RD_OK ||
      (proposes && engine->propose(engine, needs, n, &e) != RD_OK))
    fail_msg("%s, step %d: %s", name, step, e.message);
}

/* Logits by the norm of their difference; proposals where the processor's are no near thing. */
static void assert_alike(const scene *is, const scene *should, double bound, const char *what) {
  double difference = 0, norm = 0;
  for (int64_t p = should->need.first; p < should->need.end; p++)
    for (int64_t v = 0; v < should->vocab; v++) {
      const double x = (double)is->logits[p][v], y = (double)should->logits[p][v];
      difference += (x - y) * (x - y);
      norm += y * y;
    }
  if (!(sqrt(difference / norm) <= bound))
    fail_msg("%s: off by %g of the norm", what, sqrt(difference / norm));
  for (int64_t i = 0; proposes && i < should->need.count; i++) {
    assert_int_equal(is->out[i].id, should->out[i].id);
    assert_true(fabsf(is->out[i].probability - should->out[i].probability) < 1e-3f);
    assert_true(fabsf(is->out[i].margin - should->out[i].margin) < 1e-3f);
    assert_true(fabsf(is->out[i].entropy - should->out[i].entropy) < 1e-3f);
  }
}

static void beside_the_processor(const rd_model *m, const char *name, double bound,
                                 const char *what) {
  static scene is[PLANS], should[PLANS];
  const char *const names[2] = {name, "cpu"};
  rd_engine *engines[2];
  rd_lane *lanes[2][PLANS][2];
  rd_error e = {0};
  for (int k = 0; k < 2; k++) {
    if (rd_engine_open(&engines[k], names[k], m, 500, T, &e) != RD_OK)
      fail_msg("%s", e.message);
    for (int i = 0; i < 2 * PLANS; i++)
      assert_int_equal(rd_lane_open(&lanes[k][i / 2][i % 2], engines[k], T, &e), RD_OK);
  }
  for (int step = 0; step < 3; step++) {
    memset(is, 0, sizeof is);
    memset(should, 0, sizeof should);
    run_plans(m, names[0], step, is, engines[0], lanes[0]);
    run_plans(m, names[1], step, should, engines[1], lanes[1]);
    for (int i = 0; i < PLANS; i++)
      if (should[i].need.count > 0)
        assert_alike(&is[i], &should[i], bound, what);
  }
  for (int k = 0; k < 2; k++) {
    for (int i = 0; i < 2 * PLANS; i++)
      rd_lane_close(&lanes[k][i / 2][i % 2]);
    rd_engine_close(&engines[k]);
  }
}

static const struct pair {
  const char *model, *adapter;
} pairs[] = {{"llama-mha", "llama-mha-norms"},
             {"train-tiny", "train-tiny-seven"},
             {"qwen3", "qwen3-seven"},
             {"llama-gqa-tied", NULL}};

static const struct precision {
  const char *name;
  double bound; /* int8: the processor rounds what it multiplies, a device does not */
} precisions[] = {{"f32", 2e-5}, {"bf16", 3e-2}, {"int8", 6e-2}};

static void devices_agree_with_the_processor(void **state) {
  (void)state;
  rd_threads_set(2);
  for (size_t k = 0; k < rd_engine_count; k++)
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
      for (size_t p = 0; p < 3; p++)
        for (rd_adapter_use use = RD_ADAPTER_AUTO; use <= RD_ADAPTER_BESIDE; use++) {
          proposes = p == 0 && use == RD_ADAPTER_AUTO;
          char *path = rd_print(GOLDEN "models/%s", pairs[i].model);
          char *adapter =
              pairs[i].adapter ? rd_print(GOLDEN "adapters/%s", pairs[i].adapter) : NULL;
          rd_model *m = NULL;
          rd_error e = {0};
          rd_model_options o = {.path = path,
                                .adapter = adapter,
                                .precision = precisions[p].name,
                                .apart = adapter != NULL,
                                .use = use};
          if (rd_model_open(&m, &o, &e) != RD_OK)
            fail_msg("%s", e.message);
          if (rd_engines[k].able() && strcmp(rd_engines[k].name, "cpu") != 0)
            beside_the_processor(m, rd_engines[k].name, precisions[p].bound, pairs[i].model);
          rd_model_close(&m);
          free(path);
          free(adapter);
        }
}

/* Opens a model of a pair in f32, with its adapter behind a gate where it has one. */
static rd_model *open_pair(const struct pair *pair) {
  rd_model *m = NULL;
  rd_error e = {0};
  char *path = rd_print(GOLDEN "models/%s", pair->model);
  char *adapter = pair->adapter ? rd_print(GOLDEN "adapters/%s", pair->adapter) : NULL;
  rd_model_options o = {
      .path = path, .adapter = adapter, .precision = "f32", .apart = adapter != NULL};
  if (rd_model_open(&m, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  free(path);
  free(adapter);
  return m;
}

/* Needs that ask for more rows of logits than are made at once: an odd number first, so that a pair
 * falls apart. And what is seen of a proposal's row is what it was drawn from. */
enum { GUIDED = 5 };
static void see(void *context, int64_t index, const float *logits, const rd_proposal *proposal) {
  scene *s = context;
  memcpy(s->logits[index], logits, (size_t)s->vocab * sizeof *logits);
  assert_true(logits[proposal->id] > -INFINITY);
}

static void pairs_that_fall_apart_are_joined(void **state) {
  (void)state;
  static scene s[2][GUIDED];
  const char *const names[2] = {"emulated", "cpu"};
  rd_model *m = open_pair(&pairs[3]);
  rd_error e = {0};
  for (int k = 0; k < 2; k++) {
    rd_engine *engine = NULL;
    rd_need needs[GUIDED];
    assert_int_equal(rd_engine_open(&engine, names[k], m, 500, T, &e), RD_OK);
    for (int i = 0; i < GUIDED; i++) {
      scene_init(&s[k][i], m, 0, 0, T, 0);
      s[k][i].need.unguided = i ? s[k][i].masked : NULL;
      s[k][i].need.count -= !i;
      s[k][i].need.see = i % 2 ? see : NULL;
      s[k][i].need.context = &s[k][i];
      needs[i] = s[k][i].need;
    }
    if (engine->propose(engine, needs, GUIDED, &e) != RD_OK)
      fail_msg("%s", e.message);
    rd_engine_close(&engine);
  }
  for (int i = 0; i < GUIDED; i++)
    for (int64_t p = 0; p < s[1][i].need.count; p++) {
      assert_int_equal(s[0][i].out[p].id, s[1][i].out[p].id);
      assert_true(fabsf(s[0][i].out[p].probability - s[1][i].out[p].probability) < 1e-3f);
      for (int64_t v = 0; i % 2 && v < s[1][i].vocab; v++)
        assert_true(fabsf(s[0][i].logits[p][v] - s[1][i].logits[p][v]) < 1e-3f);
    }
  rd_model_close(&m);
}

/* The base reads a draft: over the lane of the canvas at first, then over its own. */
static void the_base_reads_drafts(void **state) {
  (void)state;
  enum { P = 9, END = 30 };
  static scene s[2][2];
  const char *const names[2] = {"emulated", "cpu"};
  rd_error e = {0};
  for (int i = 0; i < 3; i++) {
    rd_model *m = open_pair(&pairs[i]);
    for (int k = 0; k < 2; k++) {
      rd_engine *engine = NULL;
      rd_lane *lanes[2];
      assert_int_equal(rd_engine_open(&engine, names[k], m, 200, T, &e), RD_OK);
      for (int l = 0; l < 2; l++)
        assert_int_equal(rd_lane_open(&lanes[l], engine, T, &e), RD_OK);
      for (int round = 0; round < 2; round++) {
        scene *now = &s[k][round];
        scene_init(now, m, 0, round ? P : 0, T, P);
        now->need.lane = lanes[0];
        if (round) {
          for (int j = P; j < T; j++)
            now->masked[j] = 40 + j;
          memcpy(now->masked, now->ids, P * sizeof *now->ids);
          now->need.read = now->masked;
          now->need.read_lane = lanes[1];
          now->need.read_first = P - 1;
          now->need.read_end = END;
          for (int64_t j = 0; j < now->need.count; j++)
            now->wanted[j].base_weight = 0.5 * (double)(j % 3);
        }
        if (engine->scores(engine, &now->need, 1, scene_keep, now, &e) != RD_OK)
          fail_msg("%s", e.message);
      }
      for (int l = 0; l < 2; l++)
        rd_lane_close(&lanes[l]);
      rd_engine_close(&engine);
    }
    proposes = false;
    for (int round = 0; round < 2; round++)
      assert_alike(&s[0][round], &s[1][round], 2e-5, "read by the base");
    rd_model_close(&m);
  }
}

/* --- refusals --------------------------------------------------------------------------------- */

static void what_no_device_computes_is_said(void **state) {
  (void)state;
  rd_model *m = NULL;
  rd_engine *engine = NULL;
  rd_error e = {0};
  rd_model_options o = {.path = GOLDEN "models/llama-mha", .precision = "f32"};
  assert_int_equal(rd_model_open(&m, &o, &e), RD_OK);
  assert_int_equal(rd_engine_open(&engine, "emulated", m, (int64_t)1 << 40, T, &e), RD_NO_MEMORY);
  assert_null(engine);
  assert_non_null(strstr(e.message, "GB left; the weights take"));
  assert_non_null(strstr(e.message, "--engine cpu"));
  m->config.rope.kind = rd_table_row(&rd_rope_table, "dynamic");
  m->config.rope.original = 8;
  m->config.rope.factor = 2;
  assert_int_equal(rd_engine_open(&engine, "emulated", m, T, T, &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "rotary positions (dynamic)"));
  assert_int_equal(rd_engine_open(&engine, NULL, m, T, T, &e), RD_OK); /* the processor's */
  rd_engine_close(&engine);
  if (!rd_engines[0].able()) {
    assert_int_equal(rd_engine_open(&engine, "cuda", m, T, T, &e), RD_UNSUPPORTED);
    assert_non_null(strstr(e.message, "no engine cuda"));
  }
  rd_model_close(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_engine_agrees_with_the_reference),
      cmocka_unit_test(devices_agree_with_the_processor),
      cmocka_unit_test(pairs_that_fall_apart_are_joined),
      cmocka_unit_test(the_base_reads_drafts),
      cmocka_unit_test(what_no_device_computes_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
