/* SPDX-License-Identifier: MIT */
/* Gated rows: before the gate the base's own, bit for bit; behind it the adapter's, which see both
 * halves; however the rows are cut into passes, and whatever shares them. Adapters beside their
 * matrices and in them, with norms and without. */
#include "cpu.h"
#include "engine.h"
#include "lane_of.h"
#include "scratch_files.h"

#include <math.h>

enum { T = 24, MOST_V = 288, ROWS = 200 };

static const struct pair {
  const char *model, *adapter;
} pairs[] = {{"llama-mha", "llama-mha-norms"},   /* beside its matrices */
             {"train-tiny", "train-tiny-seven"}, /* added into them, where it is thick */
             {"qwen3", "qwen3-seven"}};          /* norms of heads */

static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors",
                                    "redraft.json"};

/* A copy of a golden adapter, with or without a gate. */
static void write_adapter(char folder[64], const char *name, const char *remembered) {
  char path[400];
  temporary(folder, 64);
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, GOLDEN "adapters/%s/%s", name, files[i]);
    copy_file(path, in(folder, files[i]));
  }
  if (remembered)
    write_bytes(in(folder, files[2]), remembered, strlen(remembered));
}

static rd_model *open_model(const char *name, const char *adapter, const char *precision,
                            rd_adapter_use use) {
  rd_model *m;
  rd_error e = {0};
  char path[400];
  snprintf(path, sizeof path, GOLDEN "models/%s", name);
  rd_model_options o = {.path = path, .adapter = adapter, .precision = precision, .use = use};
  if (rd_model_open(&m, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  return m;
}

static rd_engine *engine_of(const rd_model *m, int64_t rows) {
  rd_engine *engine;
  rd_error e = {0};
  if (rd_engine_open(&engine, NULL, m, rows, T, &e) != RD_OK)
    fail_msg("%s", e.message);
  return engine;
}

/* A need for the logits of all that it computes. */
typedef struct scene {
  int32_t ids[T], masked[T];
  rd_wanted wanted[T];
  float logits[T][MOST_V];
  int64_t V;
  rd_need need;
} scene;

static void scene_init(scene *s, int64_t first, int64_t end, int64_t length, int64_t gated) {
  memset(s, 0, sizeof *s);
  for (int i = 0; i < T; i++) {
    s->ids[i] = 33 + 11 * i % 200;
    s->masked[i] = i < 5 ? 285 : s->ids[i];
  }
  s->need = (rd_need){.canvas = s->ids,
                      .length = length,
                      .first = first,
                      .end = end,
                      .gated = gated,
                      .guidance = 1,
                      .wanted = s->wanted};
  for (int64_t p = first; p < end; p++)
    s->wanted[s->need.count++] = (rd_wanted){.position = p};
}

static rd_code keep(void *context, int64_t need, int64_t first, int64_t count, float *logits,
                    rd_error *e) {
  scene *s = (scene *)context + need;
  (void)e;
  for (int64_t i = 0; i < count; i++)
    memcpy(s->logits[s->wanted[first + i].position], logits + i * s->V,
           (size_t)s->V * sizeof *logits);
  return RD_OK;
}

static void score(rd_engine *engine, int64_t V, scene *s, int64_t n) {
  rd_need needs[8];
  rd_error e = {0};
  for (int64_t i = 0; i < n; i++) {
    s[i].V = V;
    needs[i] = s[i].need;
  }
  if (engine->scores(engine, needs, n, keep, s, &e) != RD_OK)
    fail_msg("%s", e.message);
}

static void assert_same(const scene *a, const scene *b, int64_t first, int64_t end,
                        const char *what) {
  for (int64_t p = first; p < end; p++)
    if (memcmp(a->logits[p], b->logits[p], (size_t)a->V * sizeof a->logits[p][0]) != 0)
      fail_msg("%s: position %lld is another, %.9g for %.9g", what, (long long)p,
               (double)a->logits[p][0], (double)b->logits[p][0]);
}

static bool differ(const scene *a, const scene *b, int64_t p) {
  return memcmp(a->logits[p], b->logits[p], (size_t)a->V * sizeof a->logits[p][0]) != 0;
}

typedef void gated_test(const rd_model *base, const rd_model *gated);

/* For every pair, in every precision, with the adapter where it would be put and beside. */
static void each_pair(gated_test *test) {
  static const char *const precisions[] = {"f32", "bf16", "int8"};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++)
      for (rd_adapter_use use = RD_ADAPTER_AUTO; use <= RD_ADAPTER_BESIDE; use++) {
        char folder[64];
        write_adapter(folder, pairs[i].adapter, "{\"gate\":\"answer\"}");
        rd_model *base = open_model(pairs[i].model, NULL, precisions[p], RD_ADAPTER_AUTO);
        rd_model *gated = open_model(pairs[i].model, folder, precisions[p], use);
        assert_true(gated->remembered.gate.answer);
        assert_true(gated->weights.plain == &gated->plain);
        rd_threads_set(2);
        test(base, gated);
        rd_model_close(&base);
        rd_model_close(&gated);
        sweep(folder, files, 3);
      }
}

/* One pass over both halves; the base alone over the first; the rows behind differ from it. (Four
 * queries and fewer go through other kernels of attention than more do, so what is compared has as
 * many rows in both.) */
static void clean_half(const rd_model *base, const rd_model *gated) {
  rd_engine *own = engine_of(base, ROWS), *both = engine_of(gated, ROWS);
  rd_lane *lane = lane_of(both, T);
  int64_t V = base->config.vocab;
  static const int64_t gates[] = {1, 7, T - 1, T, 2 * T};
  for (size_t i = 0; i < sizeof gates / sizeof *gates; i++) {
    int64_t gate = gates[i] < T ? gates[i] : T;
    scene whole, clean;
    scene_init(&whole, 0, T, T, gates[i]);
    whole.need.lane = lane;
    score(both, V, &whole, 1);
    scene_init(&clean, 0, gate, gate, 0);
    clean.need.attention = RD_CAUSAL;
    score(own, V, &clean, 1);
    assert_same(&whole, &clean, 0, gate, "before the gate");
    scene_init(&clean, 0, T, T, 0);
    clean.need.attention = RD_CAUSAL;
    score(own, V, &clean, 1);
    for (int64_t p = gate; p < T; p++)
      assert_true(differ(&whole, &clean, p));
    assert_int_equal(rd_lane_changed(lane, whole.ids, T), gate); /* what is behind is not kept */
  }
  rd_lane_close(&lane);
  rd_engine_close(&own);
  rd_engine_close(&both);
}

static void before_the_gate_all_is_the_bases_own(void **state) {
  (void)state;
  each_pair(clean_half);
}

/* The clean half in pieces, then the rows behind the gate over what the lane knows; once more after
 * a change there, and with the gate moved on, as a block is done. */
static void over_a_lane(const rd_model *base, const rd_model *gated) {
  rd_engine *engine = engine_of(gated, ROWS);
  rd_lane *lane = lane_of(engine, T), *fresh = lane_of(engine, T);
  int64_t V = base->config.vocab;
  static const int64_t cuts[] = {0, 5, 10};
  scene whole, part;
  for (int i = 0; i < 2; i++) {
    scene_init(&part, cuts[i], cuts[i + 1], cuts[i + 1], T);
    part.need.lane = lane;
    score(engine, V, &part, 1);
    assert_int_equal(rd_lane_changed(lane, part.ids, T), cuts[i + 1]);
  }
  for (int round = 0; round < 3; round++) {
    int64_t gate = round < 2 ? 10 : 17;
    scene_init(&part, 10, T, T, gate);
    scene_init(&whole, 0, T, T, gate);
    part.ids[13] = whole.ids[13] = round ? 99 : 44;
    part.need.lane = lane;
    whole.need.lane = fresh;
    score(engine, V, &part, 1);
    score(engine, V, &whole, 1);
    assert_same(&part, &whole, 10, T, "over a lane");
  }
  rd_lane_close(&lane);
  rd_lane_close(&fresh);
  rd_engine_close(&engine);
}

static void cut_into_passes_it_is_the_same(void **state) {
  (void)state;
  each_pair(over_a_lane);
}

/* Needs with gates, without, guided, and of another attention: the bits of each alone, in one pass
 * and in several, with any number of threads. */
static void packed(const rd_model *base, const rd_model *gated) {
  static const struct {
    int64_t first, gated, attention;
    bool guided;
  } cases[] = {{0, 9, 0, false}, {6, 6, 0, true},  {0, 0, 0, false}, {4, 12, 0, true},
               {0, T, 1, false}, {3, 9, 0, false}, {0, T, 0, false}};
  enum { CASES = sizeof cases / sizeof *cases };
  int64_t V = base->config.vocab;
  for (int threads = 1; threads <= 3; threads += 2)
    for (int64_t rows = 2 * T; rows <= ROWS; rows += ROWS - 2 * T) {
      static scene alone[CASES], all[CASES];
      rd_lane *lanes[2][CASES][2];
      rd_threads_set(threads);
      rd_engine *engine = engine_of(gated, rows);
      for (int pass = 0; pass < 2; pass++)
        for (int which = 0; which < 2; which++)
          for (int i = 0; i < CASES; i++) {
            scene *s = which ? &all[i] : &alone[i];
            scene_init(s, pass ? cases[i].first : 0, T, T, cases[i].gated);
            s->need.attention = cases[i].attention;
            if (pass == 0)
              for (int k = 0; k < 2; k++)
                lanes[which][i][k] = lane_of(engine, T);
            s->need.lane = lanes[which][i][0];
            if (cases[i].guided) {
              s->need.unguided = s->masked;
              s->need.unguided_lane = lanes[which][i][1];
            }
            if (which == 0)
              score(engine, V, s, 1);
            if (which == 1 && i + 1 == CASES)
              score(engine, V, all, CASES);
          }
      for (int i = 0; i < CASES; i++) {
        assert_same(&all[i], &alone[i], cases[i].first, T, "packed");
        for (int which = 0; which < 2; which++)
          for (int k = 0; k < 2; k++)
            rd_lane_close(&lanes[which][i][k]);
      }
      rd_engine_close(&engine);
    }
  rd_threads_set(2);
}

static void gated_needs_are_packed_with_anything(void **state) {
  (void)state;
  each_pair(packed);
}

/* A draft that the base reads: logits are those of the adapter, those of the base over what is
 * read, or between the two, as each position is weighed, whatever shares the pass; behind what is
 * read, and elsewhere, nothing changes. */
static void read_by_the_base(const rd_model *base, const rd_model *gated) {
  enum { P = 9, END = 20 };
  static const float weights[] = {0.375f, 1, 0};
  static scene is[2], plain, read;
  int64_t V = base->config.vocab;
  rd_engine *engine = engine_of(gated, ROWS), *own = engine_of(base, ROWS);
  rd_lane *lane = lane_of(engine, T), *lanes[2] = {lane_of(engine, T), lane_of(engine, T)};
  scene_init(&plain, 0, T, T, P);
  plain.need.lane = lane;
  score(engine, V, &plain, 1);
  scene_init(&read, 0, T, T, 0);
  for (int i = P; i < T; i++)
    read.ids[i] = 40 + i;
  read.need.attention = RD_CAUSAL;
  score(own, V, &read, 1);
  for (int which = 0; which < 2; which++) {
    scene_init(&is[which], P, T, T, P);
    is[which].need.lane = lane;
    is[which].need.read = read.ids;
    is[which].need.read_lane = lanes[which];
    is[which].need.read_first = P - 1;
    is[which].need.read_end = END;
    for (int i = 0; i < T - P; i++)
      is[which].wanted[i].base_weight = weights[i % 3];
    assert_int_equal(rd_need_rows(&is[which].need), T - P + END - P + 1);
  }
  score(engine, V, &is[0], 1);
  assert_int_equal(rd_lane_changed(lanes[0], read.ids, T), END);
  assert_int_equal(rd_lane_changed(lane, plain.ids, T), P);
  scene both[2] = {is[1], plain};
  score(engine, V, both, 2);
  assert_same(&both[0], &is[0], P, T, "packed with another");
  assert_same(&both[1], &plain, 0, T, "beside a draft that is read");
  for (int64_t p = P; p < T; p++)
    for (int64_t v = 0; v < V; v++) {
      float a = plain.logits[p][v], b = read.logits[p - 1][v], got = is[0].logits[p][v];
      const float w = p <= END ? weights[(p - P) % 3] : 0;
      float want = (1 - w) * a + w * b;
      if (!(fabsf(got - want) <= 0.02f * (1 + fabsf(a) + fabsf(b))))
        fail_msg("position %lld, token %lld: %g for %g", (long long)p, (long long)v, (double)got,
                 (double)want);
    }
  rd_lane_close(&lane);
  for (int i = 0; i < 2; i++)
    rd_lane_close(&lanes[i]);
  rd_engine_close(&engine);
  rd_engine_close(&own);
}

static void the_base_has_its_say(void **state) {
  (void)state;
  each_pair(read_by_the_base);
}

static void refuse(rd_engine *engine, const rd_need *need, rd_code code, const char *said) {
  rd_proposal out[T];
  rd_error e = {0};
  rd_need asked = *need;
  asked.out = out;
  asked.count = 0;
  rd_code is = engine->propose(engine, &asked, 1, &e);
  if (is != code || !strstr(e.message, said))
    fail_msg("code %d: \"%s\" does not say \"%s\"", is, e.message, said);
}

static void what_makes_no_sense_is_said(void **state) {
  (void)state;
  char folder[64];
  scene s;
  write_adapter(folder, pairs[0].adapter, "{\"gate\":\"answer\"}");
  rd_model *gated = open_model(pairs[0].model, folder, "f32", RD_ADAPTER_AUTO);
  rd_engine *engine = engine_of(gated, ROWS);
  rd_lane *lane = lane_of(engine, T);
  scene_init(&s, 0, T, T, 9);
  refuse(engine, &s.need, RD_USAGE, "a gate at position 9 needs a lane");
  s.need.lane = lane;
  score(engine, gated->config.vocab, &s, 1);
  scene_init(&s, 12, T, T, 9); /* the lane keeps nothing of what lies behind the gate */
  s.need.lane = lane;
  refuse(engine, &s.need, RD_USAGE, "position 9 of a canvas is seen");
  rd_lane *other = lane_of(engine, T);
  scene_init(&s, 9, T, T, 9);
  s.need.lane = lane;
  s.need.read = s.masked;
  s.need.read_end = T;
  refuse(engine, &s.need, RD_USAGE, "needs a gate, a lane and no guidance");
  s.need.read_lane = other;
  s.need.read_first = T;
  refuse(engine, &s.need, RD_USAGE, "positions 24 to 24 of a draft of 24 make no range");
  s.need.read_first = 8; /* by other ids than the lane's */
  refuse(engine, &s.need, RD_USAGE, "positions before 8 of a draft are read, but known to no lane");
  rd_lane_close(&other);
  rd_lane_close(&lane);
  rd_engine_close(&engine);
  rd_model_close(&gated);
  sweep(folder, files, 3);
  write_adapter(folder, pairs[0].adapter, NULL);
  rd_model *open = open_model(pairs[0].model, folder, "f32", RD_ADAPTER_AUTO);
  engine = engine_of(open, ROWS);
  lane = lane_of(engine, T);
  scene_init(&s, 0, T, T, 3);
  s.need.lane = lane;
  refuse(engine, &s.need, RD_UNSUPPORTED, "from position 3 on");
  rd_lane_close(&lane);
  rd_engine_close(&engine);
  rd_model_close(&open);
  sweep(folder, files, 2);
}

/* What redraft.json says of a gate; an adapter with one is not merged. */
static void gates_are_read(void **state) {
  (void)state;
  static const struct {
    const char *text, *message;
    bool shift;
    int64_t block;
  } cases[] = {
      {"{\"gate\":\"answer\",\"shift\":true,\"block\":32}", NULL, true, 32},
      {"{\"gate\":\"answer\"}", NULL, false, 0},
      {"{\"gate\":\"prompt\"}", "gate: \"prompt\"; \"answer\" is known", false, 0},
      {"{\"block\":8}", "there is no gate", false, 0},
      {"{\"gate\":\"answer\",\"block\":-1}", "block: -1 is outside", false, 0},
  };
  rd_error e = {0};
  char folder[64];
  rd_model *m;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_remembered r = {.mask = -1}, again = {.mask = -1};
    write_adapter(folder, pairs[0].adapter, cases[i].text);
    rd_code code = rd_remembered_read(&r, folder, &e);
    if (cases[i].message && (code == RD_OK || !strstr(e.message, cases[i].message)))
      fail_msg("case %zu: \"%s\"", i, e.message);
    if (!cases[i].message) {
      assert_int_equal(code, RD_OK);
      assert_true(r.gate.answer && r.gate.shift == cases[i].shift &&
                  r.gate.block == cases[i].block);
      assert_int_equal(rd_remembered_write(&r, folder, &e), RD_OK);
      assert_int_equal(rd_remembered_read(&again, folder, &e), RD_OK);
      assert_true(again.gate.answer && again.gate.shift == r.gate.shift &&
                  again.gate.block == r.gate.block);
    }
    sweep(folder, files, 3);
  }
  write_adapter(folder, pairs[0].adapter, "{\"gate\":\"answer\"}");
  rd_model_options o = {
      .path = GOLDEN "models/llama-mha", .adapter = folder, .use = RD_ADAPTER_MERGED};
  assert_int_equal(rd_model_open(&m, &o, &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "cannot be merged"));
  sweep(folder, files, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(before_the_gate_all_is_the_bases_own),
      cmocka_unit_test(cut_into_passes_it_is_the_same),
      cmocka_unit_test(gated_needs_are_packed_with_anything),
      cmocka_unit_test(the_base_has_its_say),
      cmocka_unit_test(what_makes_no_sense_is_said),
      cmocka_unit_test(gates_are_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
