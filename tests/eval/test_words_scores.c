/* SPDX-License-Identifier: MIT */
/* What redraft.h offers beside answers: words, scores, likelihoods, ids as prompts, option rows. */
#include "json.h"
#include "scratch_files.h"

#include <math.h>

static rd_model *model;

static int open_model(void **state) {
  rd_error e = {0};
  (void)state;
  if (rd_model_load(&model, GOLDEN "models/llama-mha", NULL, &e) != RD_OK)
    print_error("%s\n", e.message);
  return model ? 0 : -1;
}

static int close_model(void **state) {
  (void)state;
  rd_model_close(&model);
  return 0;
}

static void words_become_ids_and_come_back(void **state) {
  static const char text[] = "Refined, \xe2\x98\x82";
  int32_t *ids = NULL;
  int64_t count = 0;
  char *back = NULL;
  size_t size = 0;
  rd_error e = {0};
  (void)state;
  assert_int_equal(rd_model_encode(model, text, strlen(text), &ids, &count, &e), RD_OK);
  assert_in_range(count, 1, (int64_t)strlen(text));
  assert_int_equal(rd_model_decode(model, ids, count, &back, &size, &e), RD_OK);
  assert_int_equal(size, strlen(text));
  assert_string_equal(back, text);
  free(back);
  free(ids);
  const rd_message turns[] = {{"user", "Hi"}, {"assistant", "Yes"}, {"user", "Why?"}};
  assert_int_equal(rd_model_encode_messages(model, turns, 1, &ids, &count, &e), RD_OK);
  assert_true(count > 0);
  for (int64_t i = 0; i < count; i++)
    assert_in_range(ids[i], 0, rd_model_vocab(model) - 1);
  free(ids);
  const int32_t none[] = {1 << 20};
  assert_int_equal(rd_model_decode(model, none, 1, &back, &size, &e), RD_BAD_INPUT);
  assert_null(back);
}

/* log p of `target` in a row of logits. */
static double log_p(const float *row, int64_t vocab, int32_t target) {
  double sum = 0;
  for (int64_t v = 0; v < vocab; v++)
    sum += exp((double)row[v]);
  return (double)row[target] - log(sum);
}

static int32_t best(const float *row, int64_t vocab) {
  int32_t at = 0;
  for (int32_t v = 1; v < vocab; v++)
    at = row[v] > row[at] ? v : at;
  return at;
}

static void likelihoods_are_those_of_the_logits(void **state) {
  int32_t ids[] = {65, 30, 40, 77, 90};
  enum { COUNT = sizeof ids / sizeof *ids };
  int64_t V = rd_model_vocab(model);
  float *logits = calloc((size_t)(COUNT * V), sizeof *logits);
  rd_error e = {0};
  (void)state;
  assert_non_null(logits);
  assert_int_equal(rd_model_logits(model, ids, COUNT, "causal", -1, logits, &e), RD_OK);
  double exact = log_p(logits + 2 * V, V, ids[3]) + log_p(logits + 3 * V, V, ids[4]);
  int32_t likely[] = {65, 30, 40, best(logits + 2 * V, V)};
  rd_scored answers[] = {{.ids = ids, .prompt = 3, .count = 5},
                         {.ids = likely, .prompt = 3, .count = 4}};
  assert_int_equal(rd_model_likelihoods(model, answers, 2, 0, 0, &e), RD_OK);
  assert_true(fabs(answers[0].nats - exact) < 1e-3);
  assert_true(answers[1].greedy);
  assert_false(answers[0].greedy);
  assert_int_equal(rd_model_likelihoods(model, answers, 2, 4, 0, &e), RD_OK);
  assert_true(answers[0].nats < 0 && fabs(answers[0].nats - exact) > 1e-6);
  assert_false(answers[1].greedy);
  const int32_t outside[] = {(int32_t)V, 2000000000, -5};
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
    likely[3] = outside[i];
    for (int64_t draws = 0; draws < 2; draws++)
      assert_int_equal(rd_model_likelihoods(model, answers, 2, draws, 0, &e), RD_BAD_INPUT);
    assert_non_null(strstr(e.message, "answer 1: token id"));
  }
  answers[1].prompt = 0;
  assert_int_equal(rd_model_likelihoods(model, answers, 2, 0, 0, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "answer 1"));
  assert_int_equal(rd_model_likelihoods(model, answers, 1, -1, 0, &e), RD_USAGE);
  float *whole = calloc((size_t)(COUNT * V), sizeof *whole); /* a block beyond all is all */
  assert_non_null(whole);
  assert_int_equal(rd_model_logits(model, ids, COUNT, "bidirectional", -1, whole, &e), RD_OK);
  assert_int_equal(rd_model_logits(model, ids, COUNT, "block:9223372036854775807", -1, logits, &e),
                   RD_OK);
  assert_memory_equal(whole, logits, (size_t)(COUNT * V) * sizeof *logits);
  free(whole);
  assert_int_equal(rd_model_logits(model, ids, COUNT, "sideways", -1, logits, &e), RD_USAGE);
  assert_int_equal(rd_model_logits(model, ids, COUNT, NULL, 2, logits, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "no adapter with a gate"));
  assert_int_equal(rd_model_logits(model, ids, 0, NULL, -1, logits, &e), RD_USAGE);
  free(logits);
}

/* Ids are the prompt as it stands: those of the template give the answer that the words give. */
/* Whatever is read and must be there is named where it is NULL. */
static void what_is_null_is_named(void **state) {
  (void)state;
  rd_error e = {0};
  int32_t *ids = NULL;
  int64_t count = 0;
  size_t size = 0;
  char *text = NULL;
  float scores = 0;
  rd_scored scored = {.prompt = 1, .count = 2};
  const rd_message empty = {"user", NULL};
#define REFUSES(call, words)                                                                       \
  do {                                                                                             \
    assert_int_equal((call), RD_USAGE);                                                            \
    assert_string_equal(e.message, words);                                                         \
  } while (0)
  REFUSES(rd_model_encode(model, NULL, 1, &ids, &count, &e),
          "rd_model_encode: text is NULL, and must be given");
  REFUSES(rd_model_encode_messages(model, &empty, 1, &ids, &count, &e),
          "message 1: its content is NULL, and must be given");
  REFUSES(rd_model_decode(model, NULL, 1, &text, &size, &e),
          "rd_model_decode: ids is NULL, and must be given");
  REFUSES(rd_model_logits(model, NULL, 1, NULL, -1, &scores, &e),
          "rd_model_logits: ids is NULL, and must be given");
  REFUSES(rd_model_likelihoods(model, &scored, 1, 0, 0, &e),
          "answer 0: its ids are NULL, and must be given");
  REFUSES(rd_model_likelihoods(NULL, &scored, 1, 0, 0, &e),
          "rd_model_likelihoods: model is NULL, and must be given");
#undef REFUSES
}

static void ids_are_a_prompt(void **state) {
  const rd_message message = {"user", "Hello"};
  int32_t *ids = NULL;
  int64_t count = 0;
  rd_session *session = NULL;
  rd_result words = {0}, same = {0}, none = {0};
  rd_error e = {0};
  (void)state;
  assert_int_equal(rd_model_encode_messages(model, &message, 1, &ids, &count, &e), RD_OK);
  assert_int_equal(rd_session_open(&session, model, "lad", &e), RD_OK);
  assert_int_equal(rd_session_set(session, "seed", "4", &e), RD_OK);
  assert_int_equal(rd_generate(session, "Hello", NULL, NULL, &words, &e), RD_OK);
  assert_int_equal(rd_generate_ids(session, ids, count, NULL, NULL, &same, &e), RD_OK);
  assert_string_equal(words.text, same.text);
  assert_int_equal(rd_generate_ids(session, ids, 0, NULL, NULL, &none, &e), RD_USAGE);
  rd_result_drop(&words);
  rd_result_drop(&same);
  rd_session_close(&session);
  free(ids);
}

static void options_are_listed(void **state) {
  char *text = rd_session_options();
  json_t *rows = NULL;
  bool found = false;
  size_t i;
  json_t *row;
  (void)state;
  assert_non_null(text);
  assert_int_equal(rd_json_parse(&rows, text, strlen(text), "options", NULL), RD_OK);
  rd_session *session = NULL;
  assert_int_equal(rd_session_open(&session, model, NULL, NULL), RD_OK);
  json_array_foreach(rows, i, row) {
    const char *name = json_string_value(json_object_get(row, "name"));
    const json_t *value = json_object_get(row, "default");
    char *given = json_is_string(value) ? strdup(json_string_value(value))
                                        : json_dumps(value, JSON_ENCODE_ANY);
    if (!json_is_null(value))
      assert_int_equal(rd_session_set(session, name, given, NULL), RD_OK);
    found = found || strcmp(name, "top-k") == 0;
    free(given);
  }
  assert_true(found);
  rd_session_close(&session);
  json_decref(rows);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(words_become_ids_and_come_back),
      cmocka_unit_test(likelihoods_are_those_of_the_logits),
      cmocka_unit_test(what_is_null_is_named),
      cmocka_unit_test(ids_are_a_prompt),
      cmocka_unit_test(options_are_listed),
  };
  return cmocka_run_group_tests(tests, open_model, close_model);
}
