/* SPDX-License-Identifier: MIT */
/* Engines on a golden model: what a lane knows and how exact it is, needs that make no sense, ids
 * that are not allowed, scores in pieces. Every row of the table is tested that this machine can
 * run. */
#include "cpu.h"
#include "engine.h"
#include "lane_of.h"
#include "linear.h"
#include "precision.h"
#include "rope.h"
#include "scene.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { T = 24, V = 288, ROWS = 200, WORDS = (V + 63) / 64 };

static void scene_init(scene *s, int64_t attention, int64_t first, int64_t end) {
  const rd_propose_rule rule = {.temperature = 0, .top_p = 1, .eos = -1, .seed = 7};
  scene_begin(s, T, V, rule, 1,
              (rd_need){.first = first, .end = end, .attention = attention, .guidance = 1});
}

/* Scores of scenes s[0..n) in one call. */
static void score(rd_engine *engine, scene *s, int64_t n) {
  rd_need needs[8];
  rd_error e = {0};
  for (int64_t i = 0; i < n; i++)
    needs[i] = s[i].need;
  if (engine->scores(engine, needs, n, scene_keep, s, &e) != RD_OK)
    fail_msg("%s", e.message);
}

static rd_model *open_model(const char *precision, const char *engine) {
  rd_model *m;
  rd_error e = {0};
  rd_model_options o = {.path = RD_SOURCE_DIR "/tests/golden/models/llama-gqa-tied",
                        .precision = precision,
                        .engine = engine};
  if (rd_model_open(&m, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  return m;
}

static bool rounds; /* the engine under test promises numbers, not bits */
static const char *under_test, *in_precision;

/* Call `test` for every engine of this machine, or for $ENGINE, in every precision. */
static void each_engine(void (*test)(rd_engine *engine, const rd_model *model)) {
  static const char *const precisions[] = {"f32", "bf16", "int8"};
  const char *only = getenv("ENGINE");
  for (size_t i = 0; i < rd_engine_count; i++)
    for (size_t p = 0; p < sizeof precisions / sizeof *precisions; p++) {
      rd_model *m = open_model(precisions[p], rd_engines[i].name);
      rd_engine *engine;
      rd_error e = {0};
      assert_true(rd_engines[i].name && rd_engines[i].help);
      rd_threads_set(3);
      rounds = rd_engines[i].rounds;
      under_test = rd_engines[i].name;
      in_precision = precisions[p];
      if (rd_engines[i].able() && (!only || strcmp(only, rd_engines[i].name) == 0)) {
        if (rd_engine_open(&engine, NULL, m, ROWS, T, &e) != RD_OK)
          fail_msg("%s", e.message);
        test(engine, m);
        rd_engine_close(&engine);
        assert_null(engine);
      }
      rd_model_close(&m);
    }
}

static bool near(const float *a, const float *b) {
  float difference = 0, most = 0;
  for (int v = 0; v < V; v++) {
    difference = fmaxf(difference, fabsf(a[v] - b[v]));
    most = fmaxf(most, fabsf(b[v]));
  }
  return difference <= 2e-2f * most;
}

static void assert_same(const scene *a, const scene *b, int64_t first, int64_t end,
                        const char *what) {
  for (int64_t p = first; p < end; p++)
    if (!(rounds && near(a->logits[p], b->logits[p])) &&
        memcmp(a->logits[p], b->logits[p], sizeof a->logits[p]) != 0)
      fail_msg("engine %s, %s, %s: position %lld is another, %.9g for %.9g", under_test,
               in_precision, what, (long long)p, (double)a->logits[p][0], (double)b->logits[p][0]);
}

/* Where attention is in blocks of 8, the blocks computed one after the other over a lane, and a
 * middle one again after a change, give the bits of a whole pass. */
static void blocks_over_a_lane(rd_engine *engine, const rd_model *model) {
  (void)model;
  scene whole, part;
  rd_lane *lane = lane_of(engine, T);
  scene_init(&whole, 8, 0, T);
  score(engine, &whole, 1);
  for (int64_t first = 0; first < T; first += 8) {
    scene_init(&part, 8, first, first + 8);
    part.need.lane = lane;
    score(engine, &part, 1);
    assert_same(&part, &whole, first, first + 8, "a block");
    assert_int_equal(rd_lane_changed(lane, part.ids, T), first + 8);
  }
  for (int round = 0; round < 2; round++) {
    scene_init(&part, 8, 8, 16);
    scene_init(&whole, 8, 0, T);
    if (round == 0)
      part.ids[9] = whole.ids[9] = 60;
    part.need.lane = lane;
    assert_int_equal(rd_lane_changed(lane, part.ids, T), 9); /* there, or back again */
    score(engine, &part, 1);
    score(engine, &whole, 1);
    assert_same(&part, &whole, 8, 16, "a block written again");
  }
  scene_init(&part, 8, 16, T); /* what follows was computed from the first version */
  scene_init(&whole, 8, 0, T);
  part.need.lane = lane;
  score(engine, &part, 1);
  score(engine, &whole, 1);
  assert_same(&part, &whole, 16, T, "the block behind");
  rd_lane_close(&lane);
  assert_null(lane);
}

static void a_lane_gives_the_bits_of_a_whole_pass(void **state) {
  (void)state;
  each_engine(blocks_over_a_lane);
}

/* Both ways: a range computed again from the same ids changes nothing, guided or not. */
static void same_again(rd_engine *engine, const rd_model *model) {
  (void)model;
  for (int guided = 0; guided < 2; guided++) {
    scene whole, part;
    rd_lane *lane = lane_of(engine, T), *other = lane_of(engine, T);
    scene_init(&whole, 0, 0, T);
    scene_init(&part, 0, 6, 17);
    whole.need.lane = part.need.lane = lane;
    if (guided) {
      whole.need.unguided = whole.masked;
      part.need.unguided = part.masked;
      whole.need.unguided_lane = part.need.unguided_lane = other;
    }
    score(engine, &whole, 1);
    score(engine, &part, 1);
    assert_same(&part, &whole, 6, 17, guided ? "guided" : "plain");
    rd_lane_close(&lane);
    rd_lane_close(&other);
  }
}

static void a_range_computed_again_is_the_same(void **state) {
  (void)state;
  each_engine(same_again);
}

/* What stands outside the range is read as it was left: a frozen suffix of other words is seen. */
static void frozen(rd_engine *engine, const rd_model *model) {
  (void)model;
  scene before, part, whole;
  rd_lane *lane = lane_of(engine, T);
  scene_init(&before, 0, 0, T);
  before.ids[T - 1] = 200;
  before.need.lane = lane;
  score(engine, &before, 1);
  scene_init(&part, 0, 4, 12);
  part.need.lane = lane;
  score(engine, &part, 1);
  scene_init(&whole, 0, 0, T);
  score(engine, &whole, 1);
  assert_same(&part, &before, 4, 12, "the range over the old suffix");
  assert_true(memcmp(part.logits[5], whole.logits[5], sizeof part.logits[5]) != 0);
  assert_int_equal(rd_lane_changed(lane, part.ids, T), T - 1);
  rd_lane_close(&lane);
}

static void what_is_not_computed_stays(void **state) {
  (void)state;
  each_engine(frozen);
}

/* Needs of several kinds and lanes in one call, in one pass or many, on any number of threads: the
 * bits of each alone. */
static void packed(rd_engine *engine, const rd_model *model) {
  scene all[5], alone;
  rd_lane *lanes[5];
  static const int64_t kinds[5] = {0, 8, 1, 8, 0}, firsts[5] = {5, 8, 10, 16, 0},
                       ends[5] = {20, 16, 19, T, T};
  for (int threads = 1; threads <= 3; threads++)
    for (int64_t rows = T; rows <= ROWS; rows += ROWS - T) {
      rd_engine *small;
      rd_error e = {0};
      rd_threads_set(threads);
      assert_int_equal(rd_engine_open(&small, NULL, model, rows, T, &e), RD_OK);
      for (int i = 0; i < 5; i++) {
        lanes[i] = lane_of(small, T);
        scene_init(&all[i], kinds[i], 0, T);
        all[i].need.lane = lanes[i];
      }
      score(small, all, 5);
      for (int i = 0; i < 5; i++) {
        scene_init(&all[i], kinds[i], firsts[i], ends[i]);
        all[i].need.lane = lanes[i];
      }
      score(small, all, 5);
      for (int i = 0; i < 5; i++) {
        rd_lane *lane = lane_of(engine, T);
        scene_init(&alone, kinds[i], 0, T);
        alone.need.lane = lane;
        score(engine, &alone, 1);
        scene_init(&alone, kinds[i], firsts[i], ends[i]);
        alone.need.lane = lane;
        score(engine, &alone, 1);
        assert_same(&all[i], &alone, firsts[i], ends[i], "packed");
        rd_lane_close(&lane);
        rd_lane_close(&lanes[i]);
      }
      rd_engine_close(&small);
    }
}

static void lanes_are_packed_with_anything(void **state) {
  (void)state;
  each_engine(packed);
}

static void refuse(rd_engine *engine, const rd_need *need, rd_code code, const char *said) {
  rd_error e = {0};
  rd_code is = engine->propose(engine, need, 1, &e);
  if (is != code || !strstr(e.message, said))
    fail_msg("code %d: \"%s\" does not say \"%s\"", is, e.message, said);
}

static void refused(rd_engine *engine, const rd_model *model) {
  scene s;
  (void)model;
  rd_lane *lane = lane_of(engine, T), *small = lane_of(engine, T - 1);
  rd_error e = {0};
  scene_init(&s, 0, 4, 12);
  refuse(engine, &s.need, RD_USAGE, "position 0 of a canvas is seen");
  s.need.lane = lane;
  refuse(engine, &s.need, RD_USAGE, "position 0 of a canvas is seen");
  scene_init(&s, 0, 0, T);
  s.need.lane = small;
  refuse(engine, &s.need, RD_USAGE, "a canvas of 24 positions in a lane for 23");
  int32_t positions[T] = {0};
  s.need.lane = lane;
  s.need.positions = positions;
  refuse(engine, &s.need, RD_USAGE, "another order than the text's: attention must look back");
  s.need.attention = RD_CAUSAL;
  positions[3] = T;
  refuse(engine, &s.need, RD_USAGE, "place 3 of a canvas of 24 has position 24");
  scene_init(&s, 0, 0, T);
  s.need.lane = lane;
  score(engine, &s, 1);
  rd_lane_forget(lane, 15, 17);
  assert_int_equal(rd_lane_changed(lane, s.ids, T), 15);
  scene_init(&s, 0, 4, 12);
  s.need.lane = lane;
  refuse(engine, &s.need, RD_USAGE, "position 15 of a canvas is seen");
  s.need.attention = 8; /* looks back: 15 is in the block of 8..15 */
  refuse(engine, &s.need, RD_USAGE, "position 15 of a canvas is seen");
  s.need.attention = 4; /* sees up to 11 */
  score(engine, &s, 1);
  s.need.unguided = s.masked;
  refuse(engine, &s.need, RD_USAGE, "position 0 of a canvas is seen");
  scene_init(&s, 0, 0, T);
  s.need.gated = 3;
  refuse(engine, &s.need, RD_USAGE, "a gate at position 3 needs a lane");
  scene_init(&s, 0, 5, 5);
  refuse(engine, &s.need, RD_USAGE, "make no range");
  scene_init(&s, 0, 0, T);
  s.need.length = T + 1;
  refuse(engine, &s.need, RD_USAGE, "opened for 24");
  scene_init(&s, 1, 0, T);
  s.need.end = T - 1;
  s.need.count = 2;
  s.wanted[1].position = T - 1;
  refuse(engine, &s.need, RD_USAGE, "row 23 is wanted, but 0 to 23 are computed");
  s.need.shift = true; /* the row before it is */
  assert_int_equal(engine->propose(engine, &s.need, 1, &e), RD_OK);
  scene_init(&s, 0, 0, T);
  s.ids[3] = V;
  s.need.lane = lane;
  refuse(engine, &s.need, RD_BAD_INPUT, "token id 288");
  assert_int_equal(rd_lane_changed(lane, s.ids, T), 0); /* forgotten */
  rd_lane_close(&lane);
  rd_lane_close(&small);
}

static void what_makes_no_sense_is_said(void **state) {
  (void)state;
  rd_engine *engine;
  rd_error e = {0};
  rd_model *m = open_model("f32", NULL);
  each_engine(refused);
  assert_int_equal(rd_engine_open(&engine, "abacus", m, T, T, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "unknown engine abacus; there "));
  assert_null(engine);
  rd_model_close(&m);
}

/* The best allowed id is chosen, as if the others were not there. */
static void allowed(rd_engine *engine, const rd_model *model) {
  scene s;
  uint64_t bits[WORDS] = {0}, nothing[WORDS] = {0};
  static const int may[] = {3, 64, 127, 128, 250, 287};
  (void)model;
  for (int i = 0; i < 6; i++)
    bits[may[i] / 64] |= (uint64_t)1 << (may[i] % 64);
  scene_init(&s, 0, 0, T);
  score(engine, &s, 1);
  for (int k = 0; k < 2; k++) { /* the largest; then drawn among all */
    s.rule.temperature = k;
    for (int p = 0; p < T; p++)
      s.wanted[p].allowed = p % 2 ? bits : NULL;
    rd_error e = {0};
    if (engine->propose(engine, &s.need, 1, &e) != RD_OK)
      fail_msg("%s", e.message);
    for (int p = 1; p < T; p += 2) {
      int best = may[0], among = 0;
      double sum = 0;
      for (int i = 0; i < 6; i++)
        best = s.logits[p][may[i]] > s.logits[p][best] ? may[i] : best;
      for (int i = 0; i < 6; i++) {
        among |= s.out[p].id == may[i];
        sum += exp((double)s.logits[p][may[i]] - (double)s.logits[p][s.out[p].id]);
      }
      assert_true(among);
      if (k == 0)
        assert_int_equal(s.out[p].id, best);
      assert_true(fabs((double)s.out[p].probability - 1 / sum) < 1e-5);
      assert_true(isfinite(s.out[p].entropy) && isfinite(s.out[p].margin));
    }
  }
  s.wanted[4].allowed = nothing;
  refuse(engine, &s.need, RD_USAGE, "position 4: no token is allowed");
}

static void only_what_is_allowed_is_chosen(void **state) {
  (void)state;
  each_engine(allowed);
}

/* Rows of an embedding for which there is no word: what was best is not chosen once it has none,
 * and there are as many as the vocabulary lacks. */
static void ids_without_a_word_are_not_chosen(void **state) {
  (void)state;
  enum { ROWS_OF_QWEN2 = 304 };
  rd_engine *engine = NULL;
  rd_error e = {0};
  scene s, again;
  rd_model *m = NULL;
  const char *path = RD_SOURCE_DIR "/tests/golden/models/qwen2";
  assert_int_equal(rd_model_open(&m, &(rd_model_options){.path = path, .precision = "f32"}, &e),
                   RD_OK);
  assert_int_equal(m->config.vocab, ROWS_OF_QWEN2);
  assert_int_equal(m->wordless_count, ROWS_OF_QWEN2 - V);
  for (int i = 0; i < ROWS_OF_QWEN2 - V; i++)
    assert_int_equal(m->wordless[i], V + i);
  assert_int_equal(rd_engine_open(&engine, NULL, m, ROWS, T, &e), RD_OK);
  scene_init(&s, 0, 0, T);
  assert_int_equal(engine->propose(engine, &s.need, 1, &e), RD_OK);
  for (int p = 0; p < T; p++)
    assert_true(s.out[p].id < V);
  rd_engine_close(&engine); /* which may have sent the list to a device */
  m->wordless[0] = s.out[5].id;
  assert_int_equal(rd_engine_open(&engine, NULL, m, ROWS, T, &e), RD_OK);
  scene_init(&again, 0, 0, T);
  assert_int_equal(engine->propose(engine, &again.need, 1, &e), RD_OK);
  for (int p = 0; p < T; p++)
    assert_true(s.out[p].id == s.out[5].id || again.out[p].id == s.out[p].id ||
                again.out[p].id == V); /* which has a word now */
  for (int p = 0; p < T; p++)
    assert_true(again.out[p].id != s.out[5].id);
  rd_engine_close(&engine);
  rd_model_close(&m);
}

/* States of two needs, (T, D) each. */
typedef struct states {
  int64_t width;
  float *rows[2];
} states;

static rd_code keep_state(void *context, int64_t need, int64_t index, const float *state,
                          rd_error *e) {
  const states *s = context;
  (void)e;
  memcpy(s->rows[need] + index * s->width, state, (size_t)s->width * sizeof *state);
  return RD_OK;
}

static void states_open(states *s, const rd_model *m) {
  s->width = m->config.width;
  for (int i = 0; i < 2; i++) {
    s->rows[i] = calloc((size_t)(T * s->width), sizeof(float));
    assert_non_null(s->rows[i]);
  }
}

/* States are what scores are made of, whatever shares the pass. */
static void check_states(rd_engine *engine, const rd_model *m) {
  static scene s[2];
  states both, alone;
  rd_error e = {0};
  rd_need needs[2];
  states_open(&both, m);
  states_open(&alone, m);
  for (int i = 0; i < 2; i++) {
    scene_init(&s[i], RD_BIDIRECTIONAL, 0, T);
    s[i].ids[3] += i;
    needs[i] = s[i].need;
  }
  assert_int_equal(engine->states(engine, needs, 2, keep_state, &both, &e), RD_OK);
  assert_int_equal(engine->states(engine, needs, 1, keep_state, &alone, &e), RD_OK);
  size_t bytes = (size_t)(T * both.width) * sizeof(float);
  if (!rounds)
    assert_memory_equal(both.rows[0], alone.rows[0], bytes);
  assert_true(memcmp(both.rows[0], both.rows[1], bytes) != 0);
  if (strcmp(m->precision->name, "f32") == 0) {
    static float again[T][V];
    rd_input in = {.x = rd_mat_rows(both.rows[0], RD_F32, T, both.width)};
    score(engine, s, 1);
    assert_int_equal(rd_linear_forward(&m->weights.head, rd_mat_rows(again, RD_F32, T, V), false,
                                       &in, 0, NULL, &e),
                     RD_OK);
    for (int64_t i = 0; i < T * V; i++)
      assert_true(fabsf(s[0].logits[i / V][i % V] - again[i / V][i % V]) < 1e-4F);
  }
  for (int i = 0; i < 2; i++) {
    free(both.rows[i]);
    free(alone.rows[i]);
  }
}

static void states_are_what_scores_are_made_of(void **state) {
  (void)state;
  each_engine(check_states);
}

/* An engine for a block at a time, which becomes one for what follows the first block. */
static void widened(rd_engine *engine, const rd_model *model) {
  rd_engine *narrow;
  rd_error e = {0};
  scene whole, part;
  assert_int_equal(rd_engine_open(&narrow, NULL, model, 8, T, &e), RD_OK);
  rd_lane *lane = lane_of(narrow, T);
  for (int64_t first = 0; narrow->widen && first <= 8; first += 8) {
    scene_init(&whole, 8, 0, T);
    scene_init(&part, 8, first, first > 0 ? T : 8);
    part.need.lane = lane;
    if (first > 0) {
      refuse(narrow, &part.need, RD_USAGE, "16 positions do not fit in a pass of 8");
      assert_int_equal(narrow->widen(narrow, 16, &e), RD_OK);
    }
    score(narrow, &part, 1);
    score(engine, &whole, 1);
    assert_same(&part, &whole, first, part.need.end, "a wider pass");
  }
  rd_lane_close(&lane);
  rd_engine_close(&narrow);
}

static void an_engine_becomes_wider(void **state) {
  (void)state;
  each_engine(widened);
}

/* longrope has two sets of angles: what was computed with the one is nothing to the other. */
static void lanes_are_of_one_kind_of_angles(void **state) {
  (void)state;
  int32_t ids[4] = {1, 2, 3, 4};
  rd_config config = {.rope = {.original = 8}};
  rd_lane lane = {.positions = 4, .ids = ids, .config = &config};
  const rd_rope_kind *longrope = rd_table_row(&rd_rope_table, "longrope");
  const rd_rope_kind *dynamic = rd_table_row(&rd_rope_table, "dynamic");
  rd_lane_suit(&lane, 9);
  assert_int_equal(ids[0], 1); /* without a scaling nothing goes by the length */
  config.rope.kind = longrope;
  rd_lane_suit(&lane, 8);
  assert_int_equal(ids[0], 1);
  rd_lane_suit(&lane, 9);
  assert_int_equal(ids[0], -1);
  ids[0] = 1;
  rd_lane_suit(&lane, 12);
  assert_int_equal(ids[0], 1);
  rd_lane_suit(&lane, 7);
  assert_int_equal(ids[0], -1);
  config.rope.kind = dynamic; /* keys of one text keep their angles, as in transformers */
  ids[0] = 1;
  rd_lane_suit(&lane, 9);
  assert_int_equal(ids[0], 1);
  rd_lane_renew(&lane, 6); /* another text gets its own */
  assert_int_equal(ids[0], -1);
  ids[0] = 1;
  rd_lane_renew(&lane, 8);
  assert_int_equal(ids[0], 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lanes_are_of_one_kind_of_angles),
      cmocka_unit_test(ids_without_a_word_are_not_chosen),
      cmocka_unit_test(a_lane_gives_the_bits_of_a_whole_pass),
      cmocka_unit_test(a_range_computed_again_is_the_same),
      cmocka_unit_test(what_is_not_computed_stays),
      cmocka_unit_test(lanes_are_packed_with_anything),
      cmocka_unit_test(what_makes_no_sense_is_said),
      cmocka_unit_test(only_what_is_allowed_is_chosen),
      cmocka_unit_test(states_are_what_scores_are_made_of),
      cmocka_unit_test(an_engine_becomes_wider),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
