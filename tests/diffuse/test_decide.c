/* SPDX-License-Identifier: MIT */
/* Decisions: what may be asked, probabilities that are those of the model's own scores, questions
 * that do not see one another, draws of noise. */
#include "decide_body.h"
#include "scratch_files.h"

#include "cpu.h"
#include "model.h"

#include <math.h>

typedef struct asked {
  rd_decide_body body;
  rd_decision out;
  rd_decider d;
} asked;

static rd_model *open_golden(const char *name) {
  char path[200];
  rd_model *m = NULL;
  rd_error e = {0};
  snprintf(path, sizeof path, GOLDEN "models/%s", name);
  if (rd_model_load(&m, path, NULL, &e) != RD_OK)
    fail_msg("%s", e.message);
  return m;
}

static rd_code ask(asked *a, const rd_model *m, const char *json, rd_error *e) {
  json_t *object = NULL;
  *a = (asked){.d = {.model = m}};
  RD_TRY(rd_decide_body_init(&a->body, e));
  rd_code code = rd_json_parse(&object, json, strlen(json), "the body", e);
  if (code == RD_OK)
    code = rd_decide_body_read(&a->body, object, e);
  if (code == RD_OK)
    code = rd_decide(&a->out, &a->d, a->body.state, &a->body.questions, &a->body.settings, e);
  json_decref(object);
  return code;
}

static void drop(asked *a) {
  rd_decision_drop(&a->out);
  rd_decider_drop(&a->d);
  rd_decide_body_drop(&a->body);
}

static void ask_well(asked *a, const rd_model *m, const char *json) {
  rd_error e = {0};
  if (ask(a, m, json, &e) != RD_OK)
    fail_msg("%s", e.message);
}

#define NOUL "\"n\":{\"type\":\"noul\",\"instructions\":\"Is it good?\"}"
#define CHOICE                                                                                     \
  "\"c\":{\"type\":\"choice\",\"instructions\":\"Which?\",\"criteria\":{\"red\":null,\"blue\":"    \
  "\"as the sky\",\"green\":null}}"
#define SCORE                                                                                      \
  "\"s\":{\"type\":\"score\",\"instructions\":\"How much?\",\"criteria\":[\"low\",\"some\","       \
  "\"high\"]}"
#define ABOUT(questions, more)                                                                     \
  "{\"state\":\"The sky.\",\"questions\":{" questions "},\"seed\":7" more "}"

static void probabilities_sum_to_one(void **state) {
  asked a;
  (void)state;
  rd_model *m = open_golden("llada");
  ask_well(&a, m, ABOUT(NOUL "," CHOICE "," SCORE, ""));
  for (int64_t i = 0; i < a.body.questions.count; i++) {
    double sum = 0;
    for (int64_t k = a.out.first[i]; k < a.out.first[i + 1]; k++)
      sum += a.out.shares[k];
    assert_true(fabs(sum - 1) < 1e-12);
  }
  assert_int_equal(a.out.output_tokens, 3);
  assert_in_range(a.out.input_tokens, 30, 400);
  drop(&a);
  rd_model_close(&m);
}

/* Each alone and all together, on one thread or two: the same bits. */
static void questions_do_not_influence_each_other(void **state) {
  static const char *const models[] = {"llada", "llama-mha"}; /* a draft, a base */
  static const char *const alone[] = {ABOUT(NOUL, ""), ABOUT(CHOICE, ""), ABOUT(SCORE, "")};
  (void)state;
  for (int k = 0; k < 2; k++) {
    rd_model *m = open_golden(models[k]);
    asked all, one;
    rd_threads_set(2);
    ask_well(&all, m, ABOUT(NOUL "," CHOICE "," SCORE, ""));
    rd_threads_set(1);
    for (int64_t i = 0; i < 3; i++) {
      ask_well(&one, m, alone[i]);
      assert_memory_equal(one.out.shares, all.out.shares + all.out.first[i],
                          (size_t)one.out.first[1] * sizeof *one.out.shares);
      drop(&one);
    }
    drop(&all);
    rd_model_close(&m);
  }
}

static void packed_questions_share_a_canvas(void **state) {
  asked a, b, c;
  (void)state;
  rd_model *m = open_golden("llada");
  ask_well(&a, m, ABOUT(NOUL "," CHOICE "," SCORE, ",\"mode\":\"packed\""));
  ask_well(&b, m, ABOUT(NOUL "," CHOICE "," SCORE, ",\"mode\":\"packed\""));
  ask_well(&c, m, ABOUT(NOUL "," CHOICE "," SCORE, ""));
  assert_memory_equal(a.out.shares, b.out.shares, 8 * sizeof *a.out.shares);
  assert_true(a.out.input_tokens < c.out.input_tokens); /* the state is read once */
  assert_true(memcmp(a.out.shares, c.out.shares, 8 * sizeof *a.out.shares) != 0);
  drop(&a), drop(&b), drop(&c);
  rd_model_close(&m);
}

static rd_code keep_row(void *context, int64_t need, int64_t first, int64_t count, float *logits,
                        rd_error *e) {
  (void)need, (void)first, (void)e;
  assert_int_equal(count, 1);
  memcpy(context, logits, 288 * sizeof *logits);
  return RD_OK;
}

/* What the base says behind the lead, computed apart: the softmax of the allowed rows of scores. */
static void they_are_the_softmax_of_the_models_own_scores(void **state) {
  asked a;
  rd_error e = {0};
  (void)state;
  rd_model *m = open_golden("llama-mha");
  ask_well(&a, m,
           "{\"state\":\"\",\"questions\":{\"c\":{\"type\":\"choice\",\"instructions\":\"Which?\","
           "\"criteria\":{\"red\":null,\"blue\":null,\"green\":null}}},\"temperature\":2}");
  assert_int_equal(m->config.vocab, 288);
  int32_t *prompt, *words[3], *lead;
  int64_t prompt_count;
  size_t lead_count, counts[3];
  static const char *const texts[] = {"The answer is red", "The answer is blue",
                                      "The answer is green"};
  const rd_message message = {"user", "Which?"};
  assert_int_equal(rd_model_prompt(&prompt, &prompt_count, m, &message, 1, false, &e), RD_OK);
  for (int i = 0; i < 3; i++)
    assert_int_equal(
        rd_tokenizer_encode(m->tokenizer, texts[i], strlen(texts[i]), 0, &words[i], &counts[i], &e),
        RD_OK);
  for (lead_count = 0; words[0][lead_count] == words[1][lead_count] &&
                       words[0][lead_count] == words[2][lead_count];)
    lead_count++;
  int64_t n = prompt_count + (int64_t)lead_count;
  lead = malloc((size_t)n * sizeof *lead);
  memcpy(lead, prompt, (size_t)prompt_count * sizeof *lead);
  memcpy(lead + prompt_count, words[0], lead_count * sizeof *lead);
  float row[288];
  rd_engine *engine;
  const rd_wanted wanted = {.position = n - 1};
  const rd_need need = {
      .canvas = lead, .length = n, .end = n, .attention = RD_CAUSAL, .wanted = &wanted, .count = 1};
  assert_int_equal(rd_engine_open(&engine, NULL, m, n, n, &e), RD_OK);
  assert_int_equal(engine->scores(engine, &need, 1, keep_row, row, &e), RD_OK);
  double sum = 0;
  for (int i = 0; i < 3; i++)
    sum += exp((double)row[words[i][lead_count]] / 2);
  for (int i = 0; i < 3; i++)
    assert_true(fabs(a.out.shares[i] - exp((double)row[words[i][lead_count]] / 2) / sum) < 1e-6);
  rd_engine_close(&engine);
  free(lead);
  free(prompt);
  for (int i = 0; i < 3; i++)
    free(words[i]);
  drop(&a);
  rd_model_close(&m);
}

/* Draws of noise: one seed, the same bits; the mean lies among them, the error says how far. */
static void draws_are_averaged(void **state) {
  asked a, b, c, one;
  (void)state;
  rd_model *m = open_golden("llada");
  ask_well(&a, m, ABOUT(CHOICE, ",\"samples\":8"));
  ask_well(&b, m, ABOUT(CHOICE "," NOUL, ",\"samples\":8"));
  ask_well(&c, m, "{\"state\":\"The sky.\",\"questions\":{" CHOICE "},\"seed\":8,\"samples\":8}");
  ask_well(&one, m, ABOUT(CHOICE, ""));
  assert_int_equal(a.out.samples, 8);
  assert_memory_equal(a.out.shares, b.out.shares, 3 * sizeof *a.out.shares);
  assert_memory_equal(a.out.errors, b.out.errors, 3 * sizeof *a.out.errors);
  assert_true(memcmp(a.out.shares, c.out.shares, 3 * sizeof *a.out.shares) != 0);
  assert_null(one.out.errors);
  for (int i = 0; i < 3; i++) {
    assert_true(a.out.errors[i] > 0 && a.out.errors[i] < 0.5);
    assert_true(a.out.scores[i] == one.out.scores[i]); /* the first draw has no noise */
  }
  drop(&a), drop(&b), drop(&c), drop(&one);
  rd_model_close(&m);
}

/* Time that is over ends the draws, not the answer. */
static void a_deadline_leaves_one_draw(void **state) {
  asked a;
  (void)state;
  rd_model *m = open_golden("llada");
  ask_well(&a, m, ABOUT(CHOICE, ",\"samples\":8,\"deadline_ms\":0.000001"));
  assert_int_equal(a.out.samples, 1);
  assert_true(a.out.shares[0] > 0 && a.out.errors[0] == 0);
  drop(&a);
  rd_model_close(&m);
}

/* Keys that begin alike are told apart by labels; 255 of them too where the vocabulary has room. */
static void labels_stand_for_keys_that_begin_alike(void **state) {
  asked a;
  rd_error e = {0};
  (void)state;
  rd_model *m = open_golden("llada");
  ask_well(&a, m,
           "{\"state\":\"x\",\"questions\":{\"c\":{\"type\":\"choice\",\"criteria\":{\"refund all\""
           ":null,\"refund all but one\":null}}}}");
  assert_true(a.out.shares[0] > 0 && a.out.shares[1] > 0 && a.out.shares[0] != a.out.shares[1]);
  drop(&a);
  char *text = NULL;
  size_t size;
  FILE *to = open_memstream(&text, &size);
  fputs("{\"state\":\"x\",\"questions\":{\"c\":{\"type\":\"choice\",\"criteria\":{", to);
  for (int i = 0; i < 255; i++)
    fprintf(to, "%s\"k%d\":null", i ? "," : "", i);
  fputs("}}}}", to);
  fclose(to);
  rd_code code = ask(&a, m, text, &e); /* 288 words are too few */
  assert_int_equal(code, RD_USAGE);
  assert_non_null(strstr(e.message, "labels of one token"));
  drop(&a);
  free(text);
  rd_model_close(&m);
}

static void answers_have_the_protocols_shape(void **state) {
  asked a;
  (void)state;
  rd_model *m = open_golden("llada");
  ask_well(&a, m, ABOUT(NOUL "," CHOICE "," SCORE, ""));
  json_t *body = rd_decision_json(&a.out, &a.body.questions, "m");
  json_t *answers = json_object_get(body, "answers"), *noul = json_object_get(answers, "n"),
         *choice = json_object_get(answers, "c"), *score = json_object_get(answers, "s");
  assert_string_equal(json_string_value(json_object_get(body, "model")), "m");
  assert_int_equal(json_object_size(noul), 2); /* type and noul: no confidence */
  assert_true(json_is_real(json_object_get(noul, "noul")));
  assert_int_equal(json_object_size(json_object_get(choice, "probabilities")), 3);
  assert_true(json_is_string(json_object_get(choice, "choice")));
  assert_string_equal(json_string_value(json_object_get(json_object_get(score, "legend"), "2")),
                      "high");
  double expected = 0;
  for (int i = 0; i < 3; i++)
    expected += i * a.out.shares[a.out.first[2] + i];
  assert_true(json_real_value(json_object_get(score, "score")) == expected);
  json_decref(body);
  drop(&a);
  rd_model_close(&m);
  const double flat[4] = {0.25, 0.25, 0.25, 0.25}, sure[4] = {0, 1, 0, 0};
  assert_true(rd_confidence(flat, 4) < 1e-12 && rd_confidence(sure, 4) == 1);
}

static void mistakes_are_named(void **state) {
  static const struct {
    const char *body, *word;
  } cases[] = {
      {"[]", "object with state"},
      {"{\"questions\":{" NOUL "}}", "state"},
      {"{\"state\":3,\"questions\":{" NOUL "}}", "state: expected text"},
      {"{\"state\":\"x\"}", "questions"},
      {"{\"state\":\"x\",\"questions\":{}}", "at least one"},
      {"{\"state\":\"x\",\"questions\":{\"q\":3}}", "questions: q: expected an object"},
      {"{\"state\":\"x\",\"questions\":{\"q\":{\"type\":\"box\"}}}", "noul, choice and score"},
      {"{\"state\":\"x\",\"questions\":{\"q\":{\"type\":\"noul\"}}}", "give instructions"},
      {"{\"state\":\"x\",\"questions\":{\"q\":{\"type\":\"choice\",\"criteria\":{\"a\":null}}}}",
       "2 to 255"},
      {"{\"state\":\"x\",\"questions\":{\"q\":{\"type\":\"choice\",\"criteria\":{\"a\":1,\"b\":2}}}"
       "}",
       "criteria: a: expected text"},
      {"{\"state\":\"x\",\"questions\":{\"q\":{\"type\":\"score\",\"criteria\":[\"a\",null]}}}",
       "level 1 is not described"},
      {"{\"state\":\"x\",\"questions\":{\"q\":{\"type\":\"score\",\"criteria\":{\"a\":1}}}}",
       "2 to 10"},
      {"{\"state\":\"x\",\"assets\":{},\"questions\":{" NOUL "}}", "no pictures"},
      {ABOUT(NOUL, ",\"samples\":9"), "samples"},
      {ABOUT(NOUL, ",\"mode\":\"both\""), "independent"},
      {ABOUT(NOUL, ",\"reader\":\"base\""), "does not read from left to right"},
  };
  (void)state;
  rd_model *m = open_golden("llada");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    asked a;
    rd_error e = {0};
    rd_code code = ask(&a, m, cases[i].body, &e);
    if ((code != RD_BAD_INPUT && code != RD_USAGE) || !strstr(e.message, cases[i].word))
      fail_msg("%s: %d %s", cases[i].body, (int)code, e.message);
    drop(&a);
  }
  rd_model_close(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(probabilities_sum_to_one),
      cmocka_unit_test(questions_do_not_influence_each_other),
      cmocka_unit_test(packed_questions_share_a_canvas),
      cmocka_unit_test(they_are_the_softmax_of_the_models_own_scores),
      cmocka_unit_test(draws_are_averaged),
      cmocka_unit_test(a_deadline_leaves_one_draw),
      cmocka_unit_test(labels_stand_for_keys_that_begin_alike),
      cmocka_unit_test(answers_have_the_protocols_shape),
      cmocka_unit_test(mistakes_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
