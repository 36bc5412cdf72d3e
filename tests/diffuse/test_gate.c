/* SPDX-License-Identifier: MIT */
/* Drafts behind a gate: what their passes ask for, that what is kept changes nothing, and that the
 * left-to-right baseline is the base's. */
#include "attention.h"
#include "cpu.h"
#include "likeliest_state.h"
#include "params.h"
#include "request.h"
#include "reuse.h"
#include "scratch_files.h"
#include "together.h"

#include <math.h>

enum { PROMPT = 7, TOKENS = 24, MOST = 200 };

static const int32_t prompt[PROMPT] = {280, 70, 71, 104, 92, 33, 140};
static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors",
                                    "redraft.json"};

/* The kinds of gate that adapters have. */
static const struct layout {
  const char *remembered;
  bool shift;
  int64_t block;
} layouts[] = {{"{\"gate\":\"answer\",\"mask_token_id\":9}", false, 0},
               {"{\"gate\":\"answer\",\"mask_token_id\":9,\"shift\":true,\"block\":8}", true, 8},
               {"{\"gate\":\"answer\",\"mask_token_id\":9,\"shift\":true}", true, 0},
               {"{\"gate\":\"answer\",\"mask_token_id\":9,\"block\":6}", false, 6}};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

typedef struct plan {
  const char *sampler, *options[8];
} plan;

static const plan plans[] = {
    {"lad", {"iterations", "16"}},
    {"lad", {"iterations", "20", "no-noise", "true", "patience", "2"}},
    {"lad-generic", {"iterations", "12", "retention", "locked"}},
    {"threshold", {"threshold", "0.3"}},
    {"factor", {"factor", "2"}},
    {"low-confidence", {"iterations", "12", "cfg-scale", "1.5"}},
    {"random", {"iterations", "12", "temperature", "0.7"}},
    {"maskgit", {"iterations", "12"}},
    {"origin", {"iterations", "12"}},
    {"ar", {NULL}},
    {"ar", {"temperature", "0.8"}},
    {"lad", {"iterations", "16", "base-weight", "0.5"}},
    {"lad-generic", {"iterations", "12", "base-weight", "0.3"}},
    {"threshold", {"threshold", "0.3", "base-weight", "0.7"}},
    {"factor", {"factor", "2", "base-weight", "1"}},
    {"lad", {"iterations", "40", "base-lead", "true", "base-weight", "0.5"}},
    {"lad-generic", {"iterations", "24", "base-lead", "true"}},
    {"lad", {"iterations", "40", "temperature", "0", "base-lead", "true", "likeliest", "true"}},
};
enum { PLANS = sizeof plans / sizeof *plans };

static rd_model *open_model(const char *remembered, const char *precision) {
  char folder[64], path[400];
  rd_model *m;
  rd_error e = {0};
  temporary(folder, sizeof folder);
  for (int i = 0; i < 2 && remembered; i++) {
    snprintf(path, sizeof path, GOLDEN "adapters/llama-mha-norms/%s", files[i]);
    copy_file(path, in(folder, files[i]));
  }
  if (remembered)
    write_bytes(in(folder, files[2]), remembered, strlen(remembered));
  rd_model_options o = {.path = GOLDEN "models/llama-mha",
                        .adapter = remembered ? folder : NULL,
                        .precision = precision};
  if (rd_model_open(&m, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  sweep(folder, files, 3);
  return m;
}

typedef struct running {
  rd_params params;
  bool given[64];
  rd_draft *draft;
} running;

static rd_options options_of(running *r) {
  return (rd_options){rd_sampler_options, rd_sampler_option_count, &r->params, r->given};
}

static void begin_with(running *r, const rd_model *model, const plan *p, const char *reuse,
                       const int32_t *ids, int64_t count) {
  rd_error e = {0};
  rd_options o = options_of(r);
  const char *const fixed[] = {"sampler", p->sampler, "reuse", reuse, "seed", "3", "tokens", "24"};
  rd_request request = {.model = model, .params = &r->params, .prompt = ids, .prompt_count = count};
  assert_int_equal(rd_options_default(&o, &e), RD_OK);
  for (int i = 0; i < 8; i += 2)
    assert_int_equal(rd_option_set(&o, rd_option_find(&o, fixed[i]), fixed[i + 1], &e), RD_OK);
  for (int i = 0; i < 8 && p->options[i]; i += 2)
    assert_int_equal(rd_option_set(&o, rd_option_find(&o, p->options[i]), p->options[i + 1], &e),
                     RD_OK);
  if (rd_params_resolve(&r->params, &o, NULL, &request.sampler, &e) != RD_OK ||
      rd_request_draft(&r->draft, &request, &e) != RD_OK)
    fail_msg("%s: %s", p->sampler, e.message);
}

static void begin(running *r, const rd_model *model, const plan *p, const char *reuse) {
  begin_with(r, model, p, reuse, prompt, PROMPT);
}

/* What a draft came to. */
typedef struct ending {
  int32_t ids[TOKENS];
  int64_t count, iterations;
} ending;

static void end(running *r, ending *out) {
  rd_draft_result so_far = rd_draft_so_far(r->draft);
  rd_options o = options_of(r);
  assert_non_null(so_far.stopped);
  memset(out, 0, sizeof *out);
  out->count = so_far.count;
  out->iterations = so_far.iterations;
  memcpy(out->ids, so_far.region, (size_t)so_far.count * sizeof *out->ids);
  rd_draft_free(&r->draft);
  rd_options_drop(&o);
}

static void run_alone(const rd_model *model, rd_engine *engine, const plan *p, const char *reuse,
                      ending *out) {
  running r = {0};
  rd_error e = {0};
  begin(&r, model, p, reuse);
  if (rd_draft_run(r.draft, engine, NULL, &e) != RD_OK)
    fail_msg("%s, %s: %s", p->sampler, reuse, e.message);
  end(&r, out);
}

/* Every plan, each iteration of all in one call. */
static void run_plans_together(const rd_model *model, rd_engine *engine, const char *reuse,
                               ending *out) {
  running runs[PLANS] = {0};
  rd_error e = {0};
  for (int i = 0; i < PLANS; i++) {
    begin(&runs[i], model, &plans[i], reuse);
    assert_int_equal(rd_draft_open_lanes(runs[i].draft, engine, &e), RD_OK);
  }
  rd_draft *drafts[PLANS];
  for (int i = 0; i < PLANS; i++)
    drafts[i] = runs[i].draft;
  run_together(engine, drafts, PLANS, reuse);
  for (int i = 0; i < PLANS; i++)
    end(&runs[i], &out[i]);
}

static void assert_ending(const ending *is, const ending *want, int layout, int i,
                          const char *what) {
  if (is->count != want->count || is->iterations != want->iterations ||
      memcmp(is->ids, want->ids, sizeof is->ids) != 0)
    fail_msg("layout %d, plan %d (%s), %s: another draft", layout, i, plans[i].sampler, what);
}

/* Keys and values that are kept change nothing, alone and packed. */
static void what_is_kept_changes_nothing(void **state) {
  (void)state;
  rd_threads_set(2);
  for (int l = 0; l < LAYOUTS; l++) {
    rd_model *model = open_model(layouts[l].remembered, "f32");
    rd_engine *engine;
    rd_error e = {0};
    ending want[PLANS], is[PLANS];
    assert_int_equal(rd_engine_open(&engine, NULL, model, MOST, 64, &e), RD_OK);
    for (int i = 0; i < PLANS; i++)
      run_alone(model, engine, &plans[i], "exact", &want[i]);
    for (size_t r = 0; r < rd_reuse_count; r++) {
      run_plans_together(model, engine, rd_reuses[r].name, is);
      for (int i = 0; i < PLANS; i++)
        assert_ending(&is[i], &want[i], l, i, rd_reuses[r].name);
    }
    rd_engine_close(&engine);
    rd_model_close(&model);
  }
}

/* From left to right the adapter is never asked. */
static void left_to_right_is_the_bases_own(void **state) {
  (void)state;
  static const char *const precisions[] = {"f32", "bf16"};
  static const plan ar = {"ar", {NULL}};
  rd_error e = {0};
  for (int p = 0; p < 2; p++) {
    ending want, is;
    rd_model *base = open_model(NULL, precisions[p]);
    rd_engine *engine;
    assert_int_equal(rd_engine_open(&engine, NULL, base, MOST, 64, &e), RD_OK);
    run_alone(base, engine, &ar, "exact", &want);
    rd_engine_close(&engine);
    rd_model_close(&base);
    for (int l = 0; l < LAYOUTS; l++) {
      rd_model *gated = open_model(layouts[l].remembered, precisions[p]);
      assert_int_equal(rd_engine_open(&engine, NULL, gated, MOST, 64, &e), RD_OK);
      run_alone(gated, engine, &ar, "exact", &is);
      assert_ending(&is, &want, l, 9, "beside the base");
      rd_engine_close(&engine);
      rd_model_close(&gated);
    }
  }
}

/* What each pass asks for. The prompt is computed once; with a shift the base says the first word
 * of a block, in the pass that makes the block before it clean, and that word stays. */
static void passes_ask_for_what_the_layout_says(void **state) {
  (void)state;
  static const plan filling = {"threshold", {"threshold", "0.999"}},
                    refining = {"lad", {"iterations", "20", "no-noise", "true"}};
  const plan *both[] = {&filling, &refining};
  rd_error e = {0};
  for (int l = 0; l < LAYOUTS; l++)
    for (int k = 0; k < 2; k++) {
      rd_model *model = open_model(layouts[l].remembered, "f32");
      running r = {0};
      ending out;
      rd_engine *engine;
      rd_need need;
      int64_t size = layouts[l].block ? layouts[l].block : TOKENS, block = -1, passes = 0;
      int32_t first_word = -1;
      assert_int_equal(rd_engine_open(&engine, NULL, model, MOST, 64, &e), RD_OK);
      begin(&r, model, both[k], "exact");
      assert_int_equal(rd_draft_open_lanes(r.draft, engine, &e), RD_OK);
      for (; rd_draft_need(r.draft, &need); passes++) {
        int64_t begins = need.gated, is = (begins - PROMPT) / size;
        bool lead = need.length == begins, next = is == block + 1;
        assert_true(begins == PROMPT + is * size && (next || is == block));
        assert_true(need.shift == layouts[l].shift && need.end == need.length);
        assert_int_equal(lead, layouts[l].shift && next);
        assert_int_equal(need.length, lead ? begins : begins + size);
        /* the prompt first, then each block that is finished, once */
        assert_int_equal(need.first, !next ? begins : is == 0 ? 0 : begins - size);
        if (lead)
          assert_true(need.count == 1 && need.wanted[0].position == begins);
        else if (layouts[l].shift)
          assert_int_equal(need.canvas[begins], first_word);
        assert_int_equal(engine->propose(engine, &need, 1, &e), RD_OK);
        first_word = lead ? need.out[0].id : first_word;
        assert_int_equal(rd_draft_advance(r.draft, &e), RD_OK);
        block = is;
      }
      end(&r, &out);
      assert_true(out.count <= TOKENS && passes > 1);
      rd_engine_close(&engine);
      rd_model_close(&model);
    }
}

/* Rows that are asked for, by an engine that passes on what it is given. */
typedef struct counting {
  rd_engine base;
  rd_engine *real;
  int64_t rows;
} counting;

static rd_code count_rows(rd_engine *self, const rd_need *needs, int64_t n, rd_error *e) {
  counting *c = (counting *)self;
  for (int64_t i = 0; i < n; i++)
    c->rows += rd_need_rows(&needs[i]);
  return c->real->propose(c->real, needs, n, e);
}

/* Lanes are the real engine's. */
static rd_code open_real_lane(rd_engine *self, rd_lane **out, int64_t positions, rd_error *e) {
  counting *c = (counting *)self;
  return rd_lane_open(out, c->real, positions, e);
}

/* A second prompt that goes on from the first: the answer is what it would be alone, and what both
 * have in common is computed once; also where another sampler wrote in between. */
static void a_conversation_is_computed_once(void **state) {
  (void)state;
  static const plan turns[] = {{"lad", {"iterations", "6"}},
                               {"lad", {"iterations", "6"}},
                               {"ar", {NULL}},
                               {"verify", {NULL}},
                               {"threshold", {NULL}},
                               {"jacobi", {NULL}},
                               {"lad", {"iterations", "6", "base-weight", "0.5"}}};
  static const int64_t prompts[] = {3, 30, 44, 44, 58, 72, 86};
  enum { TURNS = sizeof turns / sizeof *turns };
  rd_error e = {0};
  for (int l = 0; l < LAYOUTS; l++) {
    rd_model *model = open_model(layouts[l].remembered, "f32");
    rd_kept kept = {0};
    int64_t rows[2][TURNS];
    for (int t = 0; t < TURNS; t++) {
      ending out[2];
      for (int alone = 0; alone < 2; alone++) {
        running r = {0};
        int32_t ids[86];
        for (int i = 0; i < 86; i++)
          ids[i] = 33 + 11 * i % 200;
        rd_kept fresh = {0}, *k = alone ? &fresh : &kept;
        begin_with(&r, model, &turns[t], "exact", ids, prompts[t]);
        if (!k->engine)
          assert_int_equal(rd_engine_open(&k->engine, NULL, model, MOST, MOST, &e), RD_OK);
        k->rows = k->longest = MOST;
        counting c = {.base = *k->engine, .real = k->engine};
        rd_engine *real = k->engine;
        c.base.propose = count_rows;
        c.base.widen = NULL;
        c.base.lane_open = open_real_lane;
        k->engine = &c.base;
        if (!k->lane)
          assert_int_equal(rd_lane_open(&k->lane, real, MOST, &e), RD_OK);
        if (rd_kept_run(k, model, MOST, r.draft, NULL, &e) != RD_OK)
          fail_msg("%s: %s", turns[t].sampler, e.message);
        k->engine = real;
        assert_int_equal(k->prompt, prompts[t] > RD_ATTENTION_FEW ? prompts[t] : 0);
        rows[alone][t] = c.rows;
        end(&r, &out[alone]);
        rd_kept_drop(&fresh);
      }
      bool timed = strcmp(turns[t].sampler, "verify") == 0; /* how much it drafts */
      if (timed)
        out[0].iterations = out[1].iterations;
      assert_ending(&out[0], &out[1], l, 0, turns[t].sampler);
      if (t > 0 && !timed) /* but for the last rows of a prompt */
        assert_true(rows[0][t] <= rows[1][t] - prompts[t - 1] + 5);
    }
    rd_kept_drop(&kept);
    rd_model_close(&model);
  }
}

/* With all the weight the base decides alone: the draft becomes what it writes from left to right.
 * With none, nothing is read. */
static void all_the_weight_is_the_base_alone(void **state) {
  (void)state;
  static const plan ar = {"ar", {"eos-bias", "-5"}},
                    all = {"lad",
                           {"no-noise", "true", "temperature", "0", "eos-bias", "-5", "base-weight",
                            "1"}},
                    none[] = {{"lad", {"base-weight", "0"}}, {"lad", {NULL}}};
  rd_error e = {0};
  rd_model *model = open_model(layouts[0].remembered, "f32");
  rd_engine *engine;
  ending want, is;
  assert_int_equal(rd_engine_open(&engine, NULL, model, MOST, 64, &e), RD_OK);
  run_alone(model, engine, &ar, "exact", &want);
  run_alone(model, engine, &all, "exact", &is);
  assert_true(is.iterations > 3 && is.iterations < 64); /* it settled */
  assert_int_equal(is.count, TOKENS);
  assert_memory_equal(is.ids, want.ids, sizeof want.ids);
  run_alone(model, engine, &none[0], "exact", &is);
  run_alone(model, engine, &none[1], "exact", &want);
  assert_ending(&is, &want, 0, 0, "no weight");
  rd_engine_close(&engine);
  rd_model_close(&model);
}

/* Where the base leads, the answer is the one of `ar`, however its words are drawn, whatever noise
 * there is and however much it says of what comes behind; and a pass settles a word at least. */
static void where_the_base_leads_it_writes(void **state) {
  (void)state;
  static const char *const precisions[] = {"f32", "bf16", "int8"};
  static const struct {
    plan ar, led;
  } pairs[] = {
      {{"ar", {"top-k", "0"}},
       {"lad", {"iterations", "64", "temperature", "0", "base-lead", "true", "top-k", "0"}}},
      {{"ar", {"temperature", "0.9", "top-k", "5"}},
       {"lad", {"iterations", "64", "temperature", "0.9", "base-lead", "true", "top-k", "5"}}},
      {{"ar", {"temperature", "0.7", "top-k", "20"}},
       {"lad-generic", {"iterations", "64", "base-lead", "true", "base-weight", "0.5"}}},
      {{"ar", {"temperature", "0.7", "top-k", "20"}},
       {"lad-generic", {"iterations", "64", "base-lead", "true", "retention", "locked"}}}};
  rd_error e = {0};
  for (int l = 0; l < LAYOUTS; l++)
    for (int k = 0; k < 3; k++) {
      rd_model *model = open_model(layouts[l].remembered, precisions[k]);
      rd_engine *engine;
      ending want, is;
      assert_int_equal(rd_engine_open(&engine, NULL, model, MOST, 64, &e), RD_OK);
      for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        run_alone(model, engine, &pairs[i].ar, "exact", &want);
        run_alone(model, engine, &pairs[i].led, "exact", &is);
        assert_true(want.count > 0 && is.count >= want.count);
        assert_true(is.iterations <= want.count + 1);
        for (int64_t p = 0; p < want.count; p++)
          if (is.ids[p] != want.ids[p])
            fail_msg("%s %zu, %s, layout %d, after %lld iterations: word %lld is %d, not %d",
                     pairs[i].led.sampler, i, precisions[k], l, (long long)is.iterations,
                     (long long)p, is.ids[p], want.ids[p]);
      }
      rd_engine_close(&engine);
      rd_model_close(&model);
    }
}

static bool is_eos(const rd_model *model, int32_t id) {
  bool is = false;
  for (int i = 0; i < model->config.eos_count; i++)
    is = is || model->config.eos[i] == id;
  return is;
}

/* The pair of words behind these ids that the base finds likeliest, by looking behind each of the
 * best first words; and whether the first word of it is the best one. */
static bool best_pair(const rd_model *model, rd_engine *engine, const int32_t *ids, int32_t *pair) {
  enum { LOOKED = RD_LIKELIEST_WORDS };
  int32_t canvas[PROMPT + 1], first[LOOKED], second;
  float scores[LOOKED], score, most = -INFINITY;
  rd_row_query asks[2] = {{.best = first, .best_scores = scores, .best_count = LOOKED},
                          {.best = &second, .best_scores = &score, .best_count = 1}};
  rd_error e = {0};
  memcpy(canvas, ids, PROMPT * sizeof *ids);
  for (int i = -1; i < LOOKED; i++) {
    rd_proposal out;
    static const rd_propose_rule greedy = {.top_p = 1, .eos = -1};
    const rd_wanted wanted = {
        .position = PROMPT + (i >= 0), .draw = {&greedy, 1, 0}, .query = &asks[i >= 0]};
    const rd_need need = {.canvas = canvas,
                          .length = wanted.position,
                          .end = wanted.position,
                          .gated = wanted.position,
                          .attention = RD_CAUSAL,
                          .shift = true,
                          .wanted = &wanted,
                          .count = 1,
                          .out = &out};
    canvas[PROMPT] = i >= 0 ? first[i] : 0;
    assert_int_equal(engine->propose(engine, &need, 1, &e), RD_OK);
    if (i >= 0 && !is_eos(model, first[i]) && scores[i] + score > most) {
      most = scores[i] + score;
      pair[0] = first[i];
      pair[1] = second;
    }
  }
  return pair[0] == first[0];
}

/* Of two words the pair is found that no other is likelier than, where the best first word is not
 * part of it too; and one that the best words are is found in no more passes than without. */
static void the_likeliest_answer_is_found(void **state) {
  (void)state;
  static const plan looking = {"lad",
                               {"temperature", "0", "base-lead", "true", "likeliest", "true",
                                "tokens", "2"}},
                    led = {"lad", {"temperature", "0", "base-lead", "true", "tokens", "2"}};
  rd_error e = {0};
  rd_model *model = open_model(layouts[0].remembered, "f32");
  rd_engine *engine;
  int others = 0;
  assert_int_equal(rd_engine_open(&engine, NULL, model, MOST, 64, &e), RD_OK);
  for (int32_t i = 0; i < 24; i++) {
    int32_t ids[PROMPT], pair[2];
    running found = {0}, plain = {0};
    ending is, best;
    memcpy(ids, prompt, sizeof ids);
    ids[PROMPT - 1] += i;
    const bool same = best_pair(model, engine, ids, pair);
    begin_with(&found, model, &looking, "exact", ids, PROMPT);
    begin_with(&plain, model, &led, "exact", ids, PROMPT);
    assert_int_equal(rd_draft_run(found.draft, engine, NULL, &e), RD_OK);
    assert_int_equal(rd_draft_run(plain.draft, engine, NULL, &e), RD_OK);
    assert_string_equal(rd_draft_so_far(found.draft).stopped, "converged");
    end(&found, &is);
    end(&plain, &best);
    if (is_eos(model, best.ids[0])) /* the base says nothing, which is no pair */
      continue;
    assert_int_equal(is.count, 2);
    assert_memory_equal(is.ids, pair, sizeof pair);
    assert_int_equal(memcmp(best.ids, pair, sizeof pair) == 0, same);
    others += !same;
  }
  assert_in_range(others, 1, 23);
  rd_engine_close(&engine);
  rd_model_close(&model);
}

/* When the passes are over before the search is, the best that is known is the draft, and it does
 * not count as settled. */
static void a_search_that_is_cut_has_its_best(void **state) {
  (void)state;
  static const plan cut = {
      "lad", {"temperature", "0", "base-lead", "true", "likeliest", "true", "eos-bias", "-5"}};
  rd_error e = {0};
  rd_model *model = open_model(layouts[0].remembered, "f32");
  rd_engine *engine;
  running r = {0};
  ending is;
  assert_int_equal(rd_engine_open(&engine, NULL, model, MOST, 64, &e), RD_OK);
  begin(&r, model, &cut, "exact");
  assert_int_equal(rd_draft_run(r.draft, engine, NULL, &e), RD_OK);
  const rd_draft_result result = rd_draft_so_far(r.draft);
  assert_string_equal(result.stopped, "iterations");
  assert_int_equal(result.iterations, 64);
  assert_false(result.converged);
  const int64_t tokens = result.tokens;
  end(&r, &is);
  assert_true(tokens > 0 && (tokens == TOKENS || is_eos(model, is.ids[tokens]))); /* it is whole */
  for (int64_t p = 0; p < tokens; p++)
    assert_int_not_equal(is.ids[p], 9);
  rd_engine_close(&engine);
  rd_model_close(&model);
}

/* What the search needs is said where it is asked for, and a default gives way. */
static void a_search_needs_best_words_and_noise(void **state) {
  (void)state;
  static const struct {
    const char *option, *value, *words;
  } against[] = {{"base-lead", "false", "without --base-lead"},
                 {"temperature", "0.5", "at a temperature above 0"},
                 {"no-noise", "true", "beside --no-noise"},
                 {"suffix", " end", "before fixed text"},
                 {"grammar", "regex:a+", "with --grammar"}};
  for (size_t i = 0; i < sizeof against / sizeof *against; i++)
    for (int asked = 0; asked < 2; asked++) {
      running r = {0};
      rd_error e = {0};
      const rd_sampler *sampler;
      rd_options o = options_of(&r);
      const char *const given[][2] = {{"sampler", "lad"},    {"temperature", "0"},
                                      {"base-lead", "true"}, {"tokens", "4"},
                                      {"likeliest", "true"}, {against[i].option, against[i].value}};
      assert_int_equal(rd_options_default(&o, &e), RD_OK);
      for (int k = 0; k < 6; k++)
        assert_int_equal(rd_option_set(&o, rd_option_find(&o, given[k][0]), given[k][1], &e),
                         RD_OK);
      r.given[rd_option_find(&o, "likeliest") - o.rows] = asked;
      rd_code code = rd_params_resolve(&r.params, &o, NULL, &sampler, &e);
      assert_int_equal(code, asked ? RD_USAGE : RD_OK);
      assert_true(!asked || strstr(e.message, against[i].words));
      assert_false(!asked && r.params.likeliest);
      rd_options_drop(&o);
    }
  /* who asks for it asks for noise, which a default has switched off */
  static const plan asked = {
      "lad", {"temperature", "0", "base-lead", "true", "no-noise", "true", "likeliest", "true"}};
  running r = {0};
  rd_error e = {0};
  const rd_sampler *sampler;
  rd_options o = options_of(&r);
  assert_int_equal(rd_options_default(&o, &e), RD_OK);
  assert_int_equal(rd_option_set(&o, rd_option_find(&o, "sampler"), asked.sampler, &e), RD_OK);
  for (int k = 0; k < 8; k += 2)
    assert_int_equal(
        rd_option_set(&o, rd_option_find(&o, asked.options[k]), asked.options[k + 1], &e), RD_OK);
  r.given[rd_option_find(&o, "no-noise") - o.rows] = false;
  assert_int_equal(rd_params_resolve(&r.params, &o, NULL, &sampler, &e), RD_OK);
  assert_true(r.params.likeliest && !r.params.no_noise);
  rd_options_drop(&o);
}

/* The words that a reading is: none in a first pass; then the last proposals, a word up to the
 * first end token and no further, with one row for each place that the base speaks for. */
static void readings_are_of_the_last_draft(void **state) {
  (void)state;
  static const plan both[] = {
      {"lad", {"iterations", "12", "temperature", "0", "eos-bias", "3", "base-weight", "0.5"}},
      {"threshold", {"threshold", "0.999", "base-weight", "0.5"}}};
  rd_error e = {0};
  for (int l = 0; l < LAYOUTS; l++)
    for (int k = 0; k < 2; k++) {
      rd_model *model = open_model(layouts[l].remembered, "f32");
      running r = {0};
      rd_engine *engine;
      rd_need need;
      ending out;
      int32_t last[TOKENS];
      int64_t reads = 0;
      memset(last, 0xff, sizeof last);
      assert_int_equal(rd_engine_open(&engine, NULL, model, MOST, 64, &e), RD_OK);
      begin(&r, model, &both[k], "exact");
      assert_int_equal(rd_draft_open_lanes(r.draft, engine, &e), RD_OK);
      while (rd_draft_need(r.draft, &need)) {
        if (reads == 0 && need.read == NULL)
          assert_true(last[TOKENS - 1] < 0); /* nothing was proposed for the whole of it yet */
        if (need.read) {
          reads++;
          assert_true(need.read_first < need.wanted[0].position && need.read_end < need.length);
          if (need.wanted[0].position == PROMPT) /* more rows than are gone through one by one */
            assert_true(need.read_first == 0 || PROMPT - need.read_first > RD_ATTENTION_FEW);
          for (int64_t p = PROMPT; p < need.read_end; p++) {
            int32_t stood = need.canvas[p];
            assert_int_equal(need.read[p], stood == 9 ? last[p - PROMPT] : stood);
            assert_false(is_eos(model, need.read[p]));
          }
          for (int64_t i = 0; i < need.count; i++)
            assert_int_equal(rd_need_reads(&need, i), need.wanted[i].position <= need.read_end);
          assert_true(need.read_end + 1 == need.length || is_eos(model, need.read[need.read_end]) ||
                      last[need.read_end - PROMPT] < 0);
        }
        assert_int_equal(engine->propose(engine, &need, 1, &e), RD_OK);
        for (int64_t i = 0; i < need.count; i++)
          last[need.wanted[i].position - PROMPT] = need.out[i].id;
        assert_int_equal(rd_draft_advance(r.draft, &e), RD_OK);
      }
      assert_true(reads > 0);
      end(&r, &out);
      rd_engine_close(&engine);
      rd_model_close(&model);
    }
}

static void without_a_gate_nobody_reads(void **state) {
  (void)state;
  rd_model *model = open_model(NULL, "f32");
  running r = {0};
  rd_error e = {0};
  rd_options o = options_of(&r);
  rd_request request = {
      .model = model, .params = &r.params, .prompt = prompt, .prompt_count = PROMPT};
  static const char *const given[][2] = {{"sampler", "lad"}, {"base-weight", "0.5"}};
  assert_int_equal(rd_options_default(&o, &e), RD_OK);
  for (int i = 0; i < 2; i++)
    assert_int_equal(rd_option_set(&o, rd_option_find(&o, given[i][0]), given[i][1], &e), RD_OK);
  assert_int_equal(rd_params_resolve(&r.params, &o, NULL, &request.sampler, &e), RD_OK);
  assert_int_equal(rd_request_draft(&r.draft, &request, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "no adapter with a gate"));
  assert_int_equal(rd_option_set(&o, rd_option_find(&o, "sampler"), "threshold", &e), RD_OK);
  assert_int_equal(rd_option_set(&o, rd_option_find(&o, "cfg-scale"), "1", &e), RD_OK);
  assert_int_equal(rd_params_resolve(&r.params, &o, NULL, &request.sampler, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "one of them must be 0"));
  rd_options_drop(&o);
  rd_model_close(&model);
}

/* An end token in a block that is finished, and a plan that does not divide by the blocks. */
static void blocks_stop_a_draft(void **state) {
  (void)state;
  static const plan ends = {"lad", {"iterations", "16", "eos-bias", "5"}},
                    steps = {"lad", {"iterations", "11", "patience", "0", "eos-bias", "-5"}};
  const plan *both[] = {&ends, &steps};
  rd_error e = {0};
  rd_model *model = open_model(layouts[3].remembered, "f32");
  for (int i = 0; i < 2; i++) {
    running r = {0};
    rd_engine *engine;
    assert_int_equal(rd_engine_open(&engine, NULL, model, MOST, 64, &e), RD_OK);
    begin(&r, model, both[i], "exact");
    assert_int_equal(rd_draft_run(r.draft, engine, NULL, &e), RD_OK);
    rd_draft_result result = rd_draft_so_far(r.draft);
    assert_string_equal(result.stopped, "iterations"); /* both drafts were still changing */
    assert_int_equal(result.count, i ? TOKENS : layouts[3].block);
    assert_true(i == 0 || result.iterations == 8); /* 4 blocks of 2 */
    ending out;
    end(&r, &out);
    rd_engine_close(&engine);
  }
  rd_model_close(&model);
}

static void a_first_word_needs_a_prompt(void **state) {
  (void)state;
  static const plan filling = {"threshold", {NULL}};
  rd_model *model = open_model(layouts[1].remembered, "f32");
  running r = {0};
  rd_error e = {0};
  rd_options o = options_of(&r);
  rd_request request = {.model = model, .params = &r.params};
  assert_int_equal(rd_options_default(&o, &e), RD_OK);
  assert_int_equal(rd_option_set(&o, rd_option_find(&o, "sampler"), filling.sampler, &e), RD_OK);
  assert_int_equal(rd_params_resolve(&r.params, &o, NULL, &request.sampler, &e), RD_OK);
  assert_int_equal(rd_request_draft(&r.draft, &request, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "needs a prompt"));
  rd_options_drop(&o);
  rd_model_close(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_is_kept_changes_nothing),
      cmocka_unit_test(left_to_right_is_the_bases_own),
      cmocka_unit_test(passes_ask_for_what_the_layout_says),
      cmocka_unit_test(a_conversation_is_computed_once),
      cmocka_unit_test(all_the_weight_is_the_base_alone),
      cmocka_unit_test(where_the_base_leads_it_writes),
      cmocka_unit_test(the_likeliest_answer_is_found),
      cmocka_unit_test(a_search_that_is_cut_has_its_best),
      cmocka_unit_test(a_search_needs_best_words_and_noise),
      cmocka_unit_test(readings_are_of_the_last_draft),
      cmocka_unit_test(without_a_gate_nobody_reads),
      cmocka_unit_test(blocks_stop_a_draft),
      cmocka_unit_test(a_first_word_needs_a_prompt),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
