/* SPDX-License-Identifier: MIT */
/* Samplers whose drafts the base checks: their answers are those of left-to-right decoding, token
 * for token, in every precision, at temperature 0 and above, whatever drafts. */
#include "cpu.h"
#include "params.h"
#include "request.h"
#include "scratch_files.h"

#include <math.h>

enum { PROMPT = 7, MOST = 64 };

static int32_t prompt[PROMPT] = {280, 70, 71, 104, 92, 33, 140};
static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors",
                                    "redraft.json"};
static const struct pair {
  const char *model, *adapter;
} pairs[] = {
    {"llama-mha", "llama-mha-norms"}, {"train-tiny", "train-tiny-seven"}, {"qwen3", "qwen3-seven"}};
static const char *const gates[] = {
    "{\"gate\":\"answer\",\"mask_token_id\":9}",
    "{\"gate\":\"answer\",\"mask_token_id\":9,\"shift\":true,\"block\":8}",
    "{\"gate\":\"answer\",\"mask_token_id\":9,\"block\":8}"};

static rd_model *open_model(const struct pair *pair, const char *gate, const char *precision) {
  char folder[64], path[400], adapter[400];
  rd_model *m;
  rd_error e = {0};
  temporary(folder, sizeof folder);
  for (int i = 0; i < 2; i++) {
    snprintf(adapter, sizeof adapter, GOLDEN "adapters/%s/%s", pair->adapter, files[i]);
    copy_file(adapter, in(folder, files[i]));
  }
  write_bytes(in(folder, files[2]), gate ? gate : "{}", strlen(gate ? gate : "{}"));
  snprintf(path, sizeof path, GOLDEN "models/%s", pair->model);
  rd_model_options o = {.path = path, .adapter = gate ? folder : NULL, .precision = precision};
  if (rd_model_open(&m, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  sweep(folder, files, 3);
  return m;
}

typedef struct ending {
  int32_t ids[MOST];
  int64_t tokens, iterations, drafted, accepted, drafts;
  char stopped[16];
} ending;

/* What is the base's own never changes again; what is said at the end adds up. */
static rd_code watch(void *context, const rd_event *event) {
  ending *out = context;
  if (event->kind == RD_EVENT_DRAFT)
    out->drafts++;
  if (event->kind == RD_EVENT_DONE) {
    out->drafted = event->drafted;
    out->accepted = event->accepted;
    assert_int_equal(event->iteration, out->drafts);
  }
  return RD_OK;
}

static rd_code run(const rd_model *model, const char *const *pairs_of_options, ending *out,
                   rd_error *e) {
  rd_params params = {0};
  bool given[64] = {0};
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &params, given};
  rd_request request = {.model = model,
                        .params = &params,
                        .prompt = prompt,
                        .prompt_count = PROMPT,
                        .observer = watch,
                        .context = out};
  rd_draft *draft = NULL;
  rd_engine *engine = NULL;
  memset(out, 0, sizeof *out);
  assert_int_equal(rd_options_default(&o, e), RD_OK);
  for (const char *const *p = pairs_of_options; *p; p += 2)
    assert_int_equal(rd_option_set(&o, rd_option_find(&o, p[0]), p[1], e), RD_OK);
  rd_code code = rd_params_resolve(&params, &o, NULL, &request.sampler, e);
  if (code == RD_OK)
    code = rd_request_draft(&draft, &request, e);
  if (code == RD_OK)
    code = rd_engine_open(&engine, NULL, model, 100, 100, e);
  if (code == RD_OK)
    code = rd_draft_run(draft, engine, NULL, e);
  if (code == RD_OK) {
    rd_draft_result result = rd_draft_so_far(draft);
    out->tokens = result.tokens;
    out->iterations = result.iterations;
    snprintf(out->stopped, sizeof out->stopped, "%s", result.stopped);
    memcpy(out->ids, result.answer, (size_t)result.tokens * sizeof *out->ids);
  }
  rd_draft_free(&draft);
  rd_engine_close(&engine);
  rd_options_drop(&o);
  return code;
}

static void answer(const rd_model *model, const char *sampler, const char *temperature,
                   const char *tokens, ending *out) {
  const char *const options[] = {"sampler", sampler,  "temperature", temperature, "seed",
                                 "11",      "tokens", tokens,        NULL};
  rd_error e = {0};
  if (run(model, options, out, &e) != RD_OK)
    fail_msg("%s: %s", sampler, e.message);
}

static void assert_same(const ending *is, const ending *want, const char *what) {
  if (is->tokens != want->tokens || memcmp(is->ids, want->ids, sizeof is->ids) != 0)
    fail_msg("%s: another answer than ar's, %lld tokens for %lld", what, (long long)is->tokens,
             (long long)want->tokens);
  assert_string_equal(is->stopped, want->stopped);
}

static void answers_are_those_of_left_to_right(void **state) {
  (void)state;
  static const char *const precisions[] = {"f32", "bf16", "int8"},
                           *const temperatures[] = {"0", "0.9"}, *const lengths[] = {"1", "24"},
                           *const guessing[] = {"jacobi", "strided"};
  int64_t drafted = 0, accepted = 0, saved[2] = {0};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    for (int p = 0; p < 3; p++) {
      rd_model *models[4] = {open_model(&pairs[i], NULL, precisions[p])};
      for (int g = 0; g < 3; g++)
        models[g + 1] = open_model(&pairs[i], gates[g], precisions[p]);
      for (int t = 0; t < 4; t++) {
        ending want, is;
        const char *temperature = temperatures[t / 2], *length = lengths[t % 2];
        rd_threads_set(1 + (int)i % 3);
        answer(models[0], "ar", temperature, length, &want);
        rd_threads_set(1 + (int)(i + 1) % 3);
        for (int g = 0; g < 4; g++) {
          for (int way = 0; way < 2; way++) {
            answer(models[g], guessing[way], temperature, length, &is);
            assert_same(&is, &want, guessing[way]);
            assert_true(is.iterations <= want.iterations && is.drafted == 0);
            saved[way] += want.iterations - is.iterations;
          }
          if (g == 0)
            continue;
          answer(models[g], "verify", temperature, length, &is);
          assert_same(&is, &want, "verify");
          assert_true(is.accepted <= is.drafted && is.iterations <= 2 * want.iterations);
          drafted += is.drafted;
          accepted += is.accepted;
        }
      }
      for (int g = 0; g < 4; g++)
        rd_model_close(&models[g]);
    }
  assert_true(drafted > 0 && accepted > 0 && saved[0] > 0 &&
              saved[1] > 0); /* else nothing was tested */
}

/* As many words drafted as are asked for, in passes that check: the same answers, in fewer passes,
 * with any number of threads. */
static void any_number_may_be_drafted(void **state) {
  (void)state;
  static const char *const precisions[] = {"f32", "bf16"}, *const temperatures[] = {"0", "0.9"},
                           *const lengths[] = {"1", "2", "3", "4", "7", "8"};
  int64_t saved = 0;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
    for (int p = 0; p < 2; p++) {
      rd_model *model = open_model(&pairs[i], gates[1], precisions[p]);
      for (size_t k = 0; k < sizeof lengths / sizeof *lengths; k++)
        for (int t = 0; t < 2; t++) {
          const char *const options[] = {
              "sampler", "verify",       "temperature", temperatures[t], "seed",
              "11",      "block-length", lengths[k],    "tokens",        "40",
              NULL};
          ending want, is;
          rd_error e = {0};
          rd_threads_set(1 + (int)k % 3);
          answer(model, "ar", temperatures[t], "40", &want);
          rd_threads_set(1 + (int)(k + 1) % 3);
          if (run(model, options, &is, &e) != RD_OK)
            fail_msg("%s words drafted: %s", lengths[k], e.message);
          assert_same(&is, &want, lengths[k]);
          assert_true(is.drafted > 0 && is.accepted <= is.drafted);
          assert_true(is.iterations + is.accepted >=
                      want.iterations); /* a pass, a word, and those */
          assert_true(is.iterations <= want.iterations);
          saved += want.iterations - is.iterations;
        }
      rd_model_close(&model);
    }
  rd_threads_set(2);
  assert_true(saved > 0);
}

/* --- what is drawn ---------------------------------------------------------------------------- */

enum { WORDS = 3, CHOICES = 3, CELLS = CHOICES * CHOICES * CHOICES, DRAWS = 600, PROMPTS = 12 };

/* The base's probabilities of all answers that can be drawn among its best CHOICES words at a time,
 * word by word from its own scores. */
typedef struct table {
  int32_t words[CELLS][WORDS];
  double probability[CELLS];
} table;

typedef struct best {
  int32_t ids[CHOICES];
  double probability[CHOICES];
} best;

static void keep_best(void *context, int64_t index, const float *logits,
                      const rd_proposal *proposal) {
  best *b = context;
  float scores[CHOICES];
  (void)index, (void)proposal;
  const rd_row_query query = {.best = b->ids, .best_scores = scores, .best_count = CHOICES};
  double sum = 0;
  rd_query_row(&query, logits, 288);
  for (int i = 0; i < CHOICES; i++)
    sum += b->probability[i] = exp((double)scores[i]);
  for (int i = 0; i < CHOICES; i++)
    b->probability[i] /= sum;
}

static void tabulate(table *t, const rd_model *model) {
  rd_engine *engine = NULL;
  rd_error e = {0};
  assert_int_equal(rd_engine_open(&engine, "cpu", model, 32, 32, &e), RD_OK);
  for (int cell = 0; cell < CELLS; cell++) {
    int32_t canvas[PROMPT + WORDS];
    int choices[WORDS] = {cell / (CHOICES * CHOICES), cell / CHOICES % CHOICES, cell % CHOICES};
    memcpy(canvas, prompt, sizeof prompt);
    t->probability[cell] = 1;
    for (int w = 0; w < WORDS; w++) {
      best b;
      rd_proposal out;
      const rd_propose_rule rule = {.top_p = 1, .eos = -1};
      const rd_wanted wanted = {.position = PROMPT + w, .draw = {&rule, 1, 1}};
      const rd_need need = {.canvas = canvas,
                            .length = PROMPT + w,
                            .end = PROMPT + w,
                            .attention = RD_CAUSAL,
                            .shift = true,
                            .wanted = &wanted,
                            .count = 1,
                            .out = &out,
                            .see = keep_best,
                            .context = &b};
      assert_int_equal(engine->propose(engine, &need, 1, &e), RD_OK);
      t->words[cell][w] = canvas[PROMPT + w] = b.ids[choices[w]];
      t->probability[cell] *= b.probability[choices[w]];
    }
  }
  rd_engine_close(&engine);
}

/* The sum of (seen - expected)^2 / expected. */
static double chi_squared(const int64_t seen[CELLS], const double probability[CELLS]) {
  double sum = 0;
  for (int i = 0; i < CELLS; i++) {
    const double expected = probability[i] * DRAWS;
    sum += ((double)seen[i] - expected) * ((double)seen[i] - expected) / expected;
  }
  return sum;
}

static bool has_end(const table *t, const rd_model *m) {
  for (int i = 0; i < CELLS; i++)
    for (int w = 0; w < WORDS; w++)
      if (rd_config_is_eos(&m->config, t->words[i][w]))
        return true;
  return false;
}

/* Answers of many seeds, counted. Returns how many drafted words stayed. */
static int64_t draw(int64_t seen[CELLS], const table *t, const rd_model *model, int first) {
  int64_t accepted = 0;
  for (int seed = first; seed < first + DRAWS; seed++) {
    char text[16];
    snprintf(text, sizeof text, "%d", seed);
    const char *const options[] = {"sampler", "verify", "temperature", "1", "top-k",        "3",
                                   "seed",    text,     "tokens",      "3", "block-length", "2",
                                   NULL};
    ending is;
    rd_error e = {0};
    int cell = 0;
    if (run(model, options, &is, &e) != RD_OK)
      fail_msg("%s", e.message);
    while (cell < CELLS && memcmp(t->words[cell], is.ids, sizeof t->words[cell]) != 0)
      cell++;
    assert_true(is.tokens == WORDS && cell < CELLS);
    seen[cell]++;
    accepted += is.accepted;
  }
  return accepted;
}

/* Drawn answers of drafts that were checked follow the base's distribution: of many seeds the
 * counts fit its probabilities, and do not fit others. Prompts whose answers may end are left out.
 */
static void the_distribution_is_the_base_s(void **state) {
  (void)state;
  const int32_t first = prompt[3];
  rd_model *base = open_model(&pairs[1], NULL, "f32");
  rd_model *model = open_model(&pairs[1], gates[1], "f32");
  double even[CELLS], fits = 0, unlike = 0, freedom = 0;
  int64_t accepted = 0;
  assert_int_equal(base->config.vocab, 288);
  for (int i = 0; i < CELLS; i++)
    even[i] = 1.0 / CELLS;
  for (int k = 0; k < PROMPTS; k++) {
    static table t;
    int64_t seen[CELLS] = {0};
    prompt[3] = 33 + 17 * k;
    tabulate(&t, base);
    if (has_end(&t, base))
      continue;
    accepted += draw(seen, &t, model, k * DRAWS);
    fits += chi_squared(seen, t.probability);
    unlike += chi_squared(seen, even);
    freedom += CELLS - 1;
  }
  prompt[3] = first;
  const double one_in_a_thousand = freedom + 3.1 * sqrt(2 * freedom) + 6;
  if (!(fits < one_in_a_thousand))
    fail_msg("chi-squared %.1f with %.0f degrees of freedom", fits, freedom);
  assert_true(freedom > 0 && unlike > one_in_a_thousand);
  assert_true(accepted > 100);
  rd_model_close(&base);
  rd_model_close(&model);
}

static void what_makes_no_sense_is_said(void **state) {
  (void)state;
  static const struct {
    const char *options[6], *message;
  } cases[] = {
      {{"verify", "true"}, "no adapter with a gate"},
      {{"sampler", "verify"}, "no adapter with a gate"},
      {{"verify", "true", "sampler", "lad"}, "--sampler lad it means nothing"},
      {{"verify", "true", "iterations", "3"}, "--iterations means nothing to --sampler verify"},
  };
  rd_model *base = open_model(&pairs[0], NULL, "f32");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *options[7] = {0};
    ending out;
    rd_error e = {0};
    memcpy(options, cases[i].options, sizeof cases[i].options);
    rd_code code = run(base, options, &out, &e);
    if (code != RD_USAGE || !strstr(e.message, cases[i].message))
      fail_msg("case %zu: %d, \"%s\"", i, code, e.message);
  }
  rd_model_close(&base);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_are_those_of_left_to_right),
      cmocka_unit_test(any_number_may_be_drafted),
      cmocka_unit_test(the_distribution_is_the_base_s),
      cmocka_unit_test(what_makes_no_sense_is_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
