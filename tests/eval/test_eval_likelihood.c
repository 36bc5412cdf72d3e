/* SPDX-License-Identifier: MIT */
/* Likelihoods against sums written out over all masks, from the logits of single passes; choices
 * by them; intervals against known numbers. */
#include "cpu.h"
#include "likelihood.h"
#include "stack.h"
#include "stats.h"
#include "task.h"

#include "model_files.h"

#include <unistd.h>

/* log p of `target` at `row` of one sequence. */
typedef struct looked {
  int64_t vocab;
  int32_t target;
  double log_p;
} looked;

static rd_code look_at(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  looked *l = context;
  (void)e;
  assert_int_equal(first, 0);
  assert_int_equal(count, 1);
  double top = -INFINITY, sum = 0;
  for (int64_t v = 0; v < l->vocab; v++)
    top = (double)logits[v] > top ? (double)logits[v] : top;
  for (int64_t v = 0; v < l->vocab; v++)
    sum += exp((double)logits[v] - top);
  l->log_p = (double)logits[l->target] - top - log(sum);
  return RD_OK;
}

static double log_p(rd_stack *pass, const rd_model *m, const int32_t *ids, int64_t count,
                    int64_t block, int64_t row, int32_t target) {
  looked l = {m->config.vocab, target, 0};
  rd_error e = {0};
  int32_t wanted = (int32_t)row;
  const rd_sequence s = {.ids = ids, .count = count};
  if (rd_stack_run(pass, &s, 1, block, &e) || rd_stack_logits(pass, &wanted, 1, look_at, &l, &e))
    fail_msg("%s", e.message);
  return l.log_p;
}

enum { PROMPT = 3, ANSWER = 5, COUNT = PROMPT + ANSWER };
static const int32_t text[COUNT] = {1, 65, 30, 40, 77, 90, 31, 122};

static double choose(int n, int k) {
  double ways = 1;
  for (int i = 0; i < k; i++)
    ways = ways * (n - i) / (i + 1);
  return ways;
}

/* E over k uniform in 1..n, over sets of k, of sum log p(masked) n / k. */
static double over_all_masks(const rd_model *m, int answer) {
  rd_stack *pass = NULL;
  rd_error e = {0};
  double sum = 0;
  int count = PROMPT + answer, shift = m->config.shift_logits ? 1 : 0;
  assert_int_equal(rd_stack_new(&pass, &m->config, &m->weights,
                                &(rd_stack_sizes){.rows = COUNT, .longest = COUNT}, &e),
                   RD_OK);
  for (unsigned set = 1; set < 1u << answer; set++) {
    int32_t ids[COUNT];
    int k = __builtin_popcount(set);
    memcpy(ids, text, sizeof ids);
    for (int i = 0; i < answer; i++)
      if (set >> i & 1)
        ids[PROMPT + i] = m->config.mask;
    for (int i = 0; i < answer; i++)
      if (set >> i & 1)
        sum += log_p(pass, m, ids, count, 0, PROMPT + i - shift, text[PROMPT + i]) *
               (1.0 / answer) / choose(answer, k) * answer / k;
  }
  rd_stack_free(&pass);
  return sum;
}

static rd_model *open_golden(const char *name) {
  rd_model *m = NULL;
  rd_error e = {0};
  char path[300];
  snprintf(path, sizeof path, GOLDEN "models/%s", name);
  const rd_model_options options = {.path = path, .precision = "f32"};
  if (rd_model_open(&m, &options, &e) != RD_OK)
    fail_msg("%s", e.message);
  return m;
}

static double likelihood(const rd_model *m, bool causal, int answer, int64_t draws) {
  double out = 0;
  rd_error e = {0};
  int32_t ids[COUNT];
  memcpy(ids, text, sizeof ids);
  const rd_answer_ids a = {ids, PROMPT, PROMPT + answer, 0};
  const rd_likelihood_rules rules = {.model = m, .causal = causal, .draws = draws, .seed = 3};
  if (rd_likelihoods(&out, &a, 1, &rules, &e) != RD_OK)
    fail_msg("%s", e.message);
  return out;
}

static void near(double expected, double found, double share) {
  if (!(fabs(expected - found) <= share * fabs(expected)))
    fail_msg("expected %.9g, found %.9g", expected, found);
}

/* As many draws as masks: the expectation itself, for rows that predict in place and shifted. */
static void all_masks_give_the_expectation(void **state) {
  (void)state;
  static const char *const names[] = {"llada", "dream"};
  for (size_t i = 0; i < 2; i++) {
    rd_model *m = open_golden(names[i]);
    for (int n = 1; n <= ANSWER; n++)
      near(over_all_masks(m, n), likelihood(m, false, n, (1 << n) - 1), 1e-5);
    rd_model_close(&m);
  }
}

/* Fewer draws estimate it: means over seeds come near, and one mask is what one mask gives. */
static void drawn_masks_estimate_it(void **state) {
  (void)state;
  rd_model *m = open_golden("llada");
  double expected = over_all_masks(m, ANSWER), sum = 0, squares = 0;
  enum { SEEDS = 100 };
  int32_t ids[COUNT];
  memcpy(ids, text, sizeof ids);
  const rd_answer_ids a = {ids, PROMPT, COUNT, 0};
  for (uint64_t seed = 0; seed < SEEDS; seed++) {
    double out;
    rd_error e = {0};
    const rd_likelihood_rules rules = {.model = m, .draws = 20, .seed = seed};
    assert_int_equal(rd_likelihoods(&out, &a, 1, &rules, &e), RD_OK);
    sum += out / SEEDS;
    squares += out * out / SEEDS;
  }
  double error = sqrt((squares - sum * sum) / SEEDS);
  assert_true(error > 0);
  if (fabs(sum - expected) > 3 * error)
    fail_msg("expected %.6f, found %.6f +- %.6f", expected, sum, error);
  rd_model_close(&m);
}

/* A causal model: the chain rule. */
static void causal_likelihood_is_the_chain_rule(void **state) {
  (void)state;
  rd_model *m = open_golden("llama-mha");
  rd_stack *pass = NULL;
  rd_error e = {0};
  double expected = 0;
  assert_int_equal(rd_stack_new(&pass, &m->config, &m->weights,
                                &(rd_stack_sizes){.rows = COUNT, .longest = COUNT}, &e),
                   RD_OK);
  for (int i = PROMPT; i < COUNT; i++)
    expected += log_p(pass, m, text, i, 1, i - 1, text[i]);
  near(expected, likelihood(m, true, ANSWER, 1), 1e-5);
  rd_stack_free(&pass);
  rd_model_close(&m);
}

/* log p of `target`, predicted by row `row`, behind a gate: a pass of the stack over what lies
 * before it, causal and the base's own, and the rows behind. */
static double gated_log_p(const rd_model *m, const int32_t *ids, int64_t gate, int64_t count,
                          int64_t row, int32_t target) {
  looked l = {m->config.vocab, target, 0};
  rd_error e = {0};
  rd_stack *pass = NULL;
  rd_cache *cache = NULL;
  int32_t wanted = (int32_t)row;
  if (rd_stack_new(&pass, &m->config, &m->weights,
                   &(rd_stack_sizes){.rows = COUNT, .longest = COUNT}, &e) ||
      rd_cache_new(&cache, &m->config, m->weights.type, COUNT, &e))
    fail_msg("%s", e.message);
  const rd_sequence both[] = {
      {.ids = ids, .count = gate, .cache = cache, .length = gate, .clean = true},
      {.ids = ids + gate, .count = count - gate, .first = gate, .cache = cache, .length = count}};
  if (rd_stack_run(pass, both, 2, 0, &e) || rd_stack_logits(pass, &wanted, 1, look_at, &l, &e))
    fail_msg("%s", e.message);
  rd_cache_free(&cache);
  rd_stack_free(&pass);
  return l.log_p;
}

/* E over masks of positions open .. end - 1 of rows that begin at `gate`. */
static double gated_over_all_masks(const rd_model *m, int64_t gate, int64_t open, int64_t end) {
  int n = (int)(end - open), shift = m->remembered.gate.shift;
  double sum = 0;
  for (unsigned set = 1; set < 1u << n; set++) {
    int32_t ids[COUNT];
    int k = __builtin_popcount(set);
    memcpy(ids, text, sizeof ids);
    for (int i = 0; i < n; i++)
      if (set >> i & 1)
        ids[open + i] = m->config.mask;
    for (int i = 0; i < n; i++)
      if (set >> i & 1)
        sum += gated_log_p(m, ids, gate, end, open + i - shift, text[open + i]) / choose(n, k) / k;
  }
  return sum;
}

/* A golden adapter with a gate, over its model. */
static rd_model *open_gated(const char *remembered) {
  static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors",
                                      "redraft.json"};
  rd_model *m = NULL;
  rd_error e = {0};
  char folder[64], path[400];
  temporary(folder, sizeof folder);
  for (int i = 0; i < 2; i++) {
    snprintf(path, sizeof path, GOLDEN "adapters/llama-mha-norms/%s", files[i]);
    copy_file(path, in(folder, files[i]));
  }
  write_bytes(in(folder, files[2]), remembered, strlen(remembered));
  rd_model_options options = {
      .path = GOLDEN "models/llama-mha", .adapter = folder, .precision = "f32"};
  if (rd_model_open(&m, &options, &e) != RD_OK)
    fail_msg("%s", e.message);
  sweep(folder, files, 3);
  return m;
}

/* The whole answer behind the gate, in place; blocks of two in place; and shifted blocks of three,
 * whose first words are the base's: by single passes of the stack. From left to right the adapter
 * does not count. */
static void a_gate_is_kept(void **state) {
  (void)state;
  static const struct {
    const char *remembered;
    int64_t block, shift;
  } cases[] = {{"{\"gate\":\"answer\",\"mask_token_id\":7}", ANSWER, 0},
               {"{\"gate\":\"answer\",\"block\":2,\"mask_token_id\":7}", 2, 0},
               {"{\"gate\":\"answer\",\"shift\":true,\"block\":3,\"mask_token_id\":7}", 3, 1}};
  rd_model *base = open_golden("llama-mha");
  rd_stack *pass = NULL;
  rd_error e = {0};
  assert_int_equal(rd_stack_new(&pass, &base->config, &base->weights,
                                &(rd_stack_sizes){.rows = COUNT, .longest = COUNT}, &e),
                   RD_OK);
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    rd_model *m = open_gated(cases[c].remembered);
    double expected = 0;
    for (int64_t first = PROMPT; first < COUNT; first += cases[c].block) {
      int64_t end = first + cases[c].block < COUNT ? first + cases[c].block : COUNT;
      if (cases[c].shift)
        expected += log_p(pass, base, text, first, 1, first - 1, text[first]);
      expected += gated_over_all_masks(m, first, first + cases[c].shift, end);
    }
    near(expected, likelihood(m, false, ANSWER, (1 << ANSWER) - 1), 1e-5);
    near(likelihood(base, true, ANSWER, 1), likelihood(m, true, ANSWER, 1), 1e-12);
    rd_model_close(&m);
  }
  rd_stack_free(&pass);
  rd_model_close(&base);
}

/* Alone or packed with hundreds of others. */
static void packing_changes_nothing(void **state) {
  (void)state;
  rd_model *m = open_golden("llada");
  enum { MANY = 300 };
  rd_answer_ids answers[MANY];
  double out[MANY];
  int32_t ids[COUNT];
  rd_error e = {0};
  memcpy(ids, text, sizeof ids);
  for (int i = 0; i < MANY; i++)
    answers[i] = (rd_answer_ids){ids, PROMPT, PROMPT + 1 + i % ANSWER, 0};
  const rd_likelihood_rules rules = {.model = m, .draws = 8, .seed = 3};
  assert_int_equal(rd_likelihoods(out, answers, MANY, &rules, &e), RD_OK);
  for (int i = 0; i < MANY; i++)
    near(likelihood(m, false, 1 + i % ANSWER, 8), out[i], 1e-6);
  rd_model_close(&m);
}

static void refusals(void **state) {
  (void)state;
  rd_model *m = open_golden("llada");
  rd_error e = {0};
  double out;
  int32_t *ids = calloc((size_t)m->config.positions + 1, sizeof *ids);
  const rd_answer_ids a = {ids, 1, m->config.positions + 1, 0};
  rd_likelihood_rules rules = {.model = m, .draws = 1};
  assert_int_equal(rd_likelihoods(&out, &a, 1, &rules, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "positions"));
  rd_model maskless = *m;
  maskless.config.mask = -1;
  rules.model = &maskless;
  const rd_answer_ids b = {ids, 1, 2, 0};
  assert_int_equal(rd_likelihoods(&out, &b, 1, &rules, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "no mask token"));
  free(ids);
  rd_model_close(&m);
}

/* --- choice ----------------------------------------------------------------------------------- */

static rd_code keep_finding(void *context, const rd_finding *finding, rd_error *e) {
  (void)e;
  *(rd_finding *)context = *finding;
  return RD_OK;
}

static rd_code keep_row(void *context, const json_t *row, rd_error *e) {
  (void)e;
  (void)context;
  const json_t *list = json_object_get(row, "log_likelihoods");
  json_int_t chosen = json_integer_value(json_object_get(row, "chosen"));
  for (size_t i = 0; i < json_array_size(list); i++)
    assert_true(json_number_value(json_array_get(list, i)) <=
                json_number_value(json_array_get(list, (size_t)chosen)));
  return RD_OK;
}

/* Forms of rows; whatever the model likes best, one of two rows with opposite answers is right. */
static void choices_are_read_in_every_form(void **state) {
  (void)state;
  static const char rows[] =
      "{\"prompt\":\"Hello\",\"options\":[\"you\",\"me there\"],\"answer\":0}\n"
      "{\"question\":\"Hello\",\"options\":[\"you\",\"me there\"],\"answer\":\"b\"}\n"
      "{\"query\":\"Hello\",\"choices\":[\"you\",\"me there\"],\"gold\":0}\n"
      "{\"query\":\"Hello\",\"choices\":[\"you\",\"me there\"],\"answer\":\"me there\"}\n";
  rd_model *m = open_golden("llada");
  rd_error e = {0};
  char folder[64], objective[] = "mask", task[] = "choice";
  temporary(folder, sizeof folder);
  char path[128];
  snprintf(path, sizeof path, "%s/rows.jsonl", folder);
  write_bytes(path, rows, sizeof rows - 1);
  const rd_eval_settings s = {
      .task = task, .data = path, .objective = objective, .draws = 16, .params.seed = 1};
  rd_finding f = {0};
  const rd_eval eval = {.ranks = &(const rd_ranks){.count = 1},
                        .settings = &s,
                        .model = m,
                        .watch = {&f, NULL, NULL, keep_row, keep_finding}};
  if (rd_task_choice(&eval, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_int_equal(f.rows, 4);
  assert_int_equal(f.bad, 0);
  assert_true(fabs(f.measures[0].value - 0.5) < 1e-12);
  assert_true(fabs(f.measures[1].value - 0.5) < 1e-12);
  assert_true(fabs(f.measures[2].value - 0.5) < 1e-12);
  unlink(path);
  rmdir(folder);
  rd_model_close(&m);
}

static void bad_choices_are_named(void **state) {
  (void)state;
  static const struct {
    const char *row, *message;
  } cases[] = {
      {"{\"prompt\":\"a\",\"options\":[\"b\"],\"answer\":0}", "options: expected 2 to 26, found 1"},
      {"{\"prompt\":\"a\",\"options\":[\"b\",2],\"answer\":0}", "options: number 2 is no text"},
      {"{\"prompt\":\"a\",\"options\":[\" \",\"c\"],\"answer\":0}", "options: number 1 is empty"},
      {"{\"prompt\":\"a\",\"options\":[\"b\",\"c\"],\"answer\":2}", "found 2"},
      {"{\"prompt\":\"a\",\"options\":[\"b\",\"c\"],\"answer\":-1}", "found -1"},
      {"{\"prompt\":\"a\",\"options\":[\"b\",\"c\"],\"answer\":\"D\"}", "found \"D\""},
      {"{\"prompt\":\"a\",\"options\":[\"b\",\"c\"]}", "found nothing"},
      {"{\"options\":[\"b\",\"c\"],\"answer\":1}", "has none of prompt, question, query"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_error e = {0};
    json_t *row = json_loads(cases[i].row, 0, NULL);
    assert_int_equal(rd_choice_check(row, &e), RD_BAD_INPUT);
    if (!strstr(e.message, cases[i].message))
      fail_msg("expected \"%s\", found \"%s\"", cases[i].message, e.message);
    json_decref(row);
  }
}

/* --- intervals -------------------------------------------------------------------------------- */

/* 8 of 10: 0.490 to 0.943 (Wilson 1927, as tabulated by Newcombe 1998). */
static void shares_have_wilsons_interval(void **state) {
  (void)state;
  rd_interval i = rd_wilson(8, 10);
  assert_true(i.low > 0.4901 && i.low < 0.4903 && i.high > 0.9432 && i.high < 0.9434);
  i = rd_wilson(0, 0);
  assert_true(i.low <= 0 && i.high >= 1);
}

/* Means of 400 numbers 0..399: the bootstrap agrees with the normal interval within a tenth. */
static void means_have_a_bootstrap_interval(void **state) {
  (void)state;
  enum { N = 400 };
  double x[N], y[N], same[2] = {3, 3};
  for (int i = 0; i < N; i++) {
    x[i] = i;
    y[i] = 2;
  }
  double mean = (N - 1) / 2.0, half = 1.96 * sqrt((N * N - 1) / 12.0 / N);
  rd_interval i = rd_bootstrap(x, NULL, N, 1), halved = rd_bootstrap(x, y, N, 1);
  assert_true(fabs(i.low - (mean - half)) < 0.1 * half);
  assert_true(fabs(i.high - (mean + half)) < 0.1 * half);
  assert_true(fabs(halved.low - i.low / 2) < 1e-9 && fabs(halved.high - i.high / 2) < 1e-9);
  i = rd_bootstrap(same, NULL, 2, 1);
  assert_true(fabs(i.low - 3) < 1e-12 && fabs(i.high - 3) < 1e-12);
  i = rd_bootstrap(x, NULL, 0, 1);
  assert_true(isnan(i.low) && isnan(i.high));
}

int main(void) {
  rd_threads_set(1); /* models this small are slower on more */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(all_masks_give_the_expectation),
      cmocka_unit_test(drawn_masks_estimate_it),
      cmocka_unit_test(causal_likelihood_is_the_chain_rule),
      cmocka_unit_test(a_gate_is_kept),
      cmocka_unit_test(packing_changes_nothing),
      cmocka_unit_test(refusals),
      cmocka_unit_test(choices_are_read_in_every_form),
      cmocka_unit_test(bad_choices_are_named),
      cmocka_unit_test(shares_have_wilsons_interval),
      cmocka_unit_test(means_have_a_bootstrap_interval),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
