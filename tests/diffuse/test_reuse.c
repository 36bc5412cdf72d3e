/* SPDX-License-Identifier: MIT */
/* Reuse: the ranges as pure functions; and whole drafts, where every row that claims to be exact
 * gives the draft that computing everything gives. */
#include "cpu.h"
#include "params.h"
#include "request.h"
#include "reuse.h"
#include "together.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const rd_reuse *row_of(const char *name, int64_t attention) {
  const rd_reuse *row;
  rd_error e = {0};
  if (rd_reuse_find(&row, name, attention, &e) != RD_OK)
    fail_msg("%s", e.message);
  return row;
}

/* --- ranges ----------------------------------------------------------------------------------- */

static void ranges_are_what_the_rows_say(void **state) {
  (void)state;
  static const struct {
    const char *name;
    rd_reuse_view view;
    int64_t first, end;
  } cases[] = {
      /* length, block, begins, changed, wanted rows, attention, origin, led, moving */
      {"none", {100, 40, 60, false, 45, 45, 60, 0, 0, false, 0, 0}, 0, 100},
      {"prefix", {100, 40, 60, true, 0, 40, 60, 0, 0, false, 0, 0}, 0, 100},
      {"prefix", {100, 40, 60, false, 45, 45, 60, 0, 0, false, 0, 0}, 40, 100},
      {"prefix",
       {100, 40, 60, false, 45, 39, 59, 0, 0, false, 0, 0},
       39,
       100}, /* a row before predicts */
      {"dual", {100, 40, 60, true, 30, 40, 60, 0, 0, false, 0, 0}, 0, 100},
      {"dual", {100, 40, 60, false, 45, 45, 60, 0, 0, false, 0, 0}, 40, 60},
      {"dual",
       {50, 40, 60, false, 45, 45, 50, 0, 0, false, 0, 0},
       40,
       50}, /* not yet grown to the block's end */
      {"dual",
       {100, 40, 60, false, 100, 100, 100, 0, 0, false, 0, 0},
       40,
       60}, /* nothing is wanted */
      {"causal", {100, 40, 60, false, 0, 99, 100, 1, 0, false, 0, 0}, 0, 100},
      {"causal", {100, 40, 60, false, 99, 99, 100, 1, 0, false, 0, 0}, 99, 100},
      {"causal", {100, 40, 60, true, 45, 50, 55, 8, 0, false, 0, 0}, 40, 56},
      {"causal", {100, 40, 60, true, 63, 50, 55, 8, 0, false, 0, 0}, 48, 56}, /* 63 is not seen */
      {"prefix", {100, 40, 60, true, 45, 50, 55, 8, 0, false, 0, 0}, 40, 56},
      {"dual", {100, 40, 60, false, 45, 98, 100, 8, 0, false, 0, 0}, 40, 100},
      {"exact", {100, 40, 60, false, 45, 45, 60, 0, 0, false, 0, 0}, 0, 100},
      {"exact", {100, 40, 60, false, 45, 45, 60, 4, 0, false, 0, 0}, 44, 60},
      {"causal", {100, 40, 60, false, 100, 100, 100, 4, 0, false, 0, 0}, 99, 100},
      /* 64 masks behind the block; what is wanted; all, where attention looks back */
      {"near", {300, 40, 60, true, 40, 45, 60, 0, 0, false, 0, 0}, 0, 124},
      {"near", {300, 40, 60, false, 45, 45, 60, 0, 0, false, 0, 0}, 40, 124},
      {"near", {300, 40, 60, false, 45, 45, 290, 0, 0, false, 0, 0}, 40, 290},
      {"near", {100, 40, 60, false, 45, 45, 60, 0, 0, false, 0, 0}, 40, 100},
      {"near", {300, 40, 60, false, 45, 45, 60, 4, 0, false, 0, 0}, 44, 60},
      {"settled", {100, 40, 60, false, 45, 45, 60, 0, 0, false, 45, 70}, 45, 70},
      {"settled",
       {100, 40, 60, true, 45, 45, 90, 0, 0, false, 50, 70},
       45,
       90}, /* what is wanted */
      {"settled", {100, 40, 60, true, 0, 45, 90, 0, 0, false, 0, 110}, 0, 100},
      {"settled", {100, 40, 60, false, 44, 45, 60, 4, 0, false, 50, 52}, 44, 60}, /* exact */
      /* blocks of 8 that begin at 5: 0..4, 5..12, 13..20 */
      {"causal", {30, 21, 29, true, 14, 21, 29, 8, 5, false, 0, 0}, 13, 29},
      {"causal", {30, 13, 21, true, 3, 13, 21, 8, 5, false, 0, 0}, 0, 21},
      {"exact", {24, 21, 29, false, 22, 21, 24, 8, 5, false, 0, 0}, 21, 24},
      /* a word and 3 masks ahead, at 20; words before it are not yet known */
      {"exact", {24, 0, 9, false, 17, 20, 24, 4, 20, true, 0, 0}, 17, 24},
      {"exact", {24, 0, 9, false, 20, 20, 24, 4, 20, true, 0, 0}, 20, 24},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const rd_reuse *row = row_of(cases[i].name, cases[i].view.attention);
    rd_reuse_range range = rd_reuse_choose(row, &cases[i].view);
    if (range.first != cases[i].first || range.end != cases[i].end)
      fail_msg("case %zu, %s: %lld to %lld", i, cases[i].name, (long long)range.first,
               (long long)range.end);
  }
}

/* Whatever the numbers are: never empty, inside the canvas, and what is wanted is in it. */
static void ranges_hold_what_is_wanted(void **state) {
  (void)state;
  srand(1);
  for (int n = 0; n < 20000; n++) {
    static const int64_t kinds[] = {0, 1, 4, 32};
    rd_reuse_view v = {.length = 1 + rand() % 90, .attention = kinds[rand() % 4]};
    v.block_first = rand() % v.length;
    v.block_end = v.block_first + 1 + rand() % 40;
    v.begins = rand() % 2;
    v.changed = rand() % (v.length + 1);
    v.wanted_first = rand() % v.length;
    v.wanted_end = v.wanted_first + 1 + rand() % (v.length - v.wanted_first);
    v.moving_first = rand() % v.length;
    v.moving_end = v.moving_first + 1 + rand() % 50;
    for (size_t i = 0; i < rd_reuse_count; i++) {
      if (rd_reuses[i].looks_back && v.attention == 0)
        continue;
      rd_reuse_range range = rd_reuse_choose(&rd_reuses[i], &v);
      assert_true(0 <= range.first && range.first <= v.wanted_first);
      assert_true(v.wanted_end <= range.end && range.end <= range.seen && range.seen <= v.length);
      assert_true(range.first < range.end);
      if (v.attention > 0) /* exact: from the first change on, whole blocks */
        assert_true(range.first <= v.changed && range.first % v.attention == 0);
    }
  }
}

static void rows_are_found_or_refused(void **state) {
  (void)state;
  const rd_reuse *row;
  rd_error e = {0};
  assert_string_equal(row_of(NULL, 0)->name, "none");
  assert_string_equal(row_of("exact", 1)->name, "causal");
  assert_string_equal(row_of("exact", 32)->name, "causal");
  assert_int_equal(rd_reuse_find(&row, "causal", 0, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "only looks back"));
  assert_int_equal(rd_reuse_find(&row, "all", 1, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "unknown reuse all; there are exact, none, "));
}

/* --- drafts ----------------------------------------------------------------------------------- */

enum { TOKENS = 24 };

/* What a draft came to. */
typedef struct ending {
  int32_t ids[TOKENS];
  int64_t count, iterations;
} ending;

typedef struct plan {
  const char *sampler, *options[6];
} plan;

/* Several block lengths: less than attention's, the same, more, and none. */
static const plan plans[] = {
    {"threshold", {"threshold", "0.3", "block-length", "8"}},
    {"threshold", {"threshold", "0.3", "block-length", "12"}},
    {"factor", {"factor", "2", "block-length", "4"}},
    {"low-confidence", {"iterations", "12", "block-length", "6"}},
    {"low-confidence", {"iterations", "8", "cfg-scale", "1.5", "block-length", "12"}},
    {"random", {"iterations", "12", "block-length", "8", "temperature", "0.7"}},
    {"maskgit", {"iterations", "8"}},
    {"entropy", {"iterations", "8"}},
    {"lad", {"iterations", "8", "grow", "7"}},
    {"lad-generic", {"iterations", "8", "retention", "locked"}},
    {"ar", {NULL}},
    {"ar", {"temperature", "0.8"}},
};
enum { PLANS = sizeof plans / sizeof *plans };

typedef struct running {
  rd_params params;
  bool given[64];
  rd_draft *draft;
} running;

static rd_options options_of(running *r) {
  return (rd_options){rd_sampler_options, rd_sampler_option_count, &r->params, r->given};
}

static void begin(running *r, const rd_model *model, const plan *p, const char *reuse,
                  const int32_t *prompt, int64_t count) {
  rd_error e = {0};
  rd_options o = options_of(r);
  const char *const fixed[] = {"sampler", p->sampler, "reuse", reuse, "seed", "3", "tokens", "24"};
  rd_request request = {
      .model = model, .params = &r->params, .prompt = prompt, .prompt_count = count};
  assert_int_equal(rd_options_default(&o, &e), RD_OK);
  for (int i = 0; i < 8; i += 2)
    assert_int_equal(rd_option_set(&o, rd_option_find(&o, fixed[i]), fixed[i + 1], &e), RD_OK);
  for (int i = 0; i < 6 && p->options[i]; i += 2)
    assert_int_equal(rd_option_set(&o, rd_option_find(&o, p->options[i]), p->options[i + 1], &e),
                     RD_OK);
  if (rd_params_resolve(&r->params, &o, NULL, &request.sampler, &e) != RD_OK ||
      rd_request_draft(&r->draft, &request, &e) != RD_OK)
    fail_msg("%s: %s", p->sampler, e.message);
}

static void end(running *r, ending *out) {
  rd_draft_result so_far = rd_draft_so_far(r->draft);
  rd_options o = options_of(r);
  assert_non_null(so_far.stopped);
  out->count = so_far.count;
  out->iterations = so_far.iterations;
  memcpy(out->ids, so_far.region, (size_t)so_far.count * sizeof *out->ids);
  rd_draft_free(&r->draft);
  rd_options_drop(&o);
}

/* Every plan with one reuse, each iteration of all in one call; or one after the other. */
static void run_plans(const rd_model *model, const char *reuse, bool together, ending *out) {
  static const int32_t prompt[] = {280, 70, 71, 104, 92, 33, 140};
  running runs[PLANS] = {0};
  rd_engine *engine;
  rd_error e = {0};
  assert_int_equal(rd_engine_open(&engine, NULL, model, 200, 64, &e), RD_OK);
  for (int i = 0; i < PLANS; i++) {
    begin(&runs[i], model, &plans[i], reuse, prompt, 4 + i % 4);
    if (!together && rd_draft_run(runs[i].draft, engine, NULL, &e) != RD_OK)
      fail_msg("%s, %s: %s", plans[i].sampler, reuse, e.message);
    assert_int_equal(rd_draft_open_lanes(runs[i].draft, engine, &e), RD_OK);
  }
  rd_draft *drafts[PLANS];
  for (int i = 0; i < PLANS; i++)
    drafts[i] = runs[i].draft;
  run_together(engine, drafts, PLANS, reuse);
  for (int i = 0; i < PLANS; i++)
    end(&runs[i], &out[i]);
  rd_engine_close(&engine);
}

/* A golden model made to look back in blocks: every row, alone and packed, on several threads,
 * writes what computing everything writes. */
static void exact_rows_change_nothing(void **state) {
  (void)state;
  static const char *const models[] = {"llama-mha", "qwen3", "dream"};
  rd_error e = {0};
  for (size_t m = 0; m < sizeof models / sizeof *models; m++)
    for (int64_t block = 4; block <= 16; block *= 2) {
      char path[400];
      rd_model *model;
      ending want[PLANS], is[PLANS];
      snprintf(path, sizeof path, RD_SOURCE_DIR "/tests/golden/models/%s", models[m]);
      rd_model_options o = {.path = path, .precision = "f32"};
      if (rd_model_open(&model, &o, &e) != RD_OK)
        fail_msg("%s", e.message);
      model->config.block = block;
      rd_threads_set(2);
      run_plans(model, "none", false, want);
      for (int threads = 1; threads <= 3; threads += 2)
        for (int together = 0; together < 2; together++)
          for (size_t r = 0; r < rd_reuse_count; r++) {
            rd_threads_set(threads);
            run_plans(model, rd_reuses[r].name, together, is);
            for (int i = 0; i < PLANS; i++)
              if (is[i].count != want[i].count || is[i].iterations != want[i].iterations ||
                  memcmp(is[i].ids, want[i].ids, (size_t)is[i].count * sizeof *is[i].ids) != 0)
                fail_msg("%s, blocks of %lld, plan %d (%s), --reuse %s: another draft", models[m],
                         (long long)block, i, plans[i].sampler, rd_reuses[r].name);
          }
      rd_model_close(&model);
    }
  rd_threads_set(2);
}

/* Where attention looks both ways and all masks are near, nothing is left out. */
static void near_masks_are_seen(void **state) {
  (void)state;
  rd_model *model;
  rd_error e = {0};
  ending want[PLANS], is[PLANS];
  rd_model_options o = {.path = RD_SOURCE_DIR "/tests/golden/models/dream", .precision = "f32"};
  if (rd_model_open(&model, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  model->config.block = 0;
  run_plans(model, "prefix", false, want);
  run_plans(model, "near", true, is);
  for (int i = 0; i < PLANS; i++)
    if (is[i].count != want[i].count || is[i].iterations != want[i].iterations ||
        memcmp(is[i].ids, want[i].ids, (size_t)is[i].count * sizeof *is[i].ids) != 0)
      fail_msg("plan %d (%s): another draft", i, plans[i].sampler);
  rd_model_close(&model);
}

/* Where attention looks both ways: all is computed at every fourth pass, less in between, and what
 * is not asked keeps its token. */
static void what_is_settled_is_not_asked_again(void **state) {
  (void)state;
  static const int32_t prompt[] = {280, 70, 71, 104, 92, 33, 140};
  static const plan noiseless = {"lad", {"iterations", "16", "no-noise", "true", "top-k", "1"}};
  enum { ALL = 7 + TOKENS };
  running r = {0};
  rd_model *model;
  rd_engine *engine;
  rd_need need;
  rd_error e = {0};
  rd_model_options o = {.path = RD_SOURCE_DIR "/tests/golden/models/llama-mha", .precision = "f32"};
  int64_t pass = 0, computed = 0;
  if (rd_model_open(&model, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_int_equal(rd_engine_open(&engine, NULL, model, ALL, ALL, &e), RD_OK);
  begin(&r, model, &noiseless, "settled", prompt, 7);
  assert_int_equal(rd_draft_open_lanes(r.draft, engine, &e), RD_OK);
  for (; rd_draft_need(r.draft, &need); pass++) {
    int32_t before[TOKENS];
    memcpy(before, need.canvas + 7, sizeof before);
    int64_t first = need.count > 0 ? need.wanted[0].position - 7 : TOKENS;
    int64_t end = first + need.count;
    if (pass % 4 == 0)
      assert_true(need.first == 0 && need.end == ALL && need.count == TOKENS);
    computed += need.end - need.first;
    assert_int_equal(engine->propose(engine, &need, 1, &e), RD_OK);
    assert_int_equal(rd_draft_advance(r.draft, &e), RD_OK);
    for (int64_t p = 0; p < TOKENS; p++)
      if (p < first || p >= end)
        assert_int_equal(rd_draft_so_far(r.draft).region[p], before[p]);
  }
  assert_in_range(pass, 5, 16);
  assert_in_range(computed, pass / 4 * ALL, pass * ALL - 1);
  rd_draft_free(&r.draft);
  rd_options options = options_of(&r);
  rd_options_drop(&options);
  rd_engine_close(&engine);
  rd_model_close(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranges_are_what_the_rows_say),
      cmocka_unit_test(ranges_hold_what_is_wanted),
      cmocka_unit_test(rows_are_found_or_refused),
      cmocka_unit_test(exact_rows_change_nothing),
      cmocka_unit_test(near_masks_are_seen),
      cmocka_unit_test(what_is_settled_is_not_asked_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
