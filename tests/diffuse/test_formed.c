/* SPDX-License-Identifier: MIT */
/* Answers that keep to a form: whatever the sampler, the model and the length, the answer is a text
 * of the form; from left to right and checked they are the same; what cannot fit is said at once.
 */
#include "form_path.h"
#include "params.h"
#include "request.h"
#include "scratch_files.h"
#include "words_shelf.h"

enum { PROMPT = 5, MASK = 9 };

static const int32_t prompt[PROMPT] = {280, 70, 71, 104, 92};
static rd_model *model;

/* The small model of the golden files; gated: with an adapter that drafts. */
static rd_model *open_model(bool gated) {
  static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors",
                                      "redraft.json"};
  static const char gate[] = "{\"gate\":\"answer\",\"mask_token_id\":9,\"shift\":true,\"block\":8}";
  static const char plain[] = "{\"mask_token_id\":9}";
  char folder[64], adapter[400];
  rd_model *m = NULL;
  rd_error e = {0};
  temporary(folder, sizeof folder);
  for (int i = 0; i < 2; i++) {
    snprintf(adapter, sizeof adapter, GOLDEN "adapters/llama-mha-norms/%s", files[i]);
    copy_file(adapter, in(folder, files[i]));
  }
  write_bytes(in(folder, files[2]), gated ? gate : plain, strlen(gated ? gate : plain));
  rd_model_options o = {.path = GOLDEN "models/llama-mha", .adapter = folder, .precision = "f32"};
  if (rd_model_open(&m, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  sweep(folder, files, 3);
  return m;
}

typedef struct answered {
  char *text;
  rd_code code;
  rd_error e;
  bool drafts_fit; /* was every draft shown as one that can still become a text of the form? */
  const rd_form *form;
  int64_t room; /* tokens of an answer: what a whole block has beyond is cut off */
} answered;

/* Words of a draft from its beginning to the first mask lead somewhere; a whole one is a text. */
static rd_code watch(void *context, const rd_event *event) {
  answered *a = context;
  if (event->kind != RD_EVENT_DRAFT || !a->form)
    return RD_OK;
  int32_t state = rd_form_start(a->form);
  for (int64_t p = 0; p < event->count && p < a->room && event->ids[p] != MASK; p++)
    state = rd_form_next(a->form, state, event->ids[p]);
  a->drafts_fit = a->drafts_fit && state != RD_NOWHERE;
  return RD_OK;
}

static answered run(const rd_model *m, const char *const *pairs, const rd_form *form) {
  rd_params params = {0};
  bool given[64] = {0};
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &params, given};
  answered a = {.drafts_fit = true, .form = form};
  rd_request request = {.model = m,
                        .params = &params,
                        .prompt = prompt,
                        .prompt_count = PROMPT,
                        .observer = watch,
                        .context = &a};
  assert_int_equal(rd_options_default(&o, &a.e), RD_OK);
  for (const char *const *p = pairs; *p; p += 2)
    if (rd_option_set(&o, rd_option_find(&o, p[0]), p[1], &a.e) != RD_OK)
      fail_msg("%s", a.e.message);
    else
      given[rd_option_find(&o, p[0]) - o.rows] = true;
  const rd_defaults defaults = {.model = m};
  a.code = rd_params_resolve(&params, &o, &defaults, &request.sampler, &a.e);
  a.room = params.tokens;
  if (a.code == RD_OK)
    a.code = rd_request_run(&a.text, &request, NULL, NULL, &a.e);
  rd_options_drop(&o);
  return a;
}

/* Is the text one of the form? It is cut into single bytes' words, or whatever the tokenizer says.
 */
static bool has_form(const rd_model *m, const rd_form *form, const char *text) {
  int32_t *ids;
  size_t count;
  int32_t state = rd_form_start(form);
  assert_int_equal(
      rd_tokenizer_encode(m->tokenizer, text, strlen(text), RD_TOK_CONTINUE, &ids, &count, NULL),
      RD_OK);
  for (size_t i = 0; i < count; i++)
    state = rd_form_next(form, state, ids[i]);
  free(ids);
  return rd_form_accepts(form, state);
}

static rd_form *open_form(const rd_model *m, const char *source) {
  const rd_words *words;
  rd_form *form = NULL;
  rd_error e = {0};
  assert_int_equal(rd_words_shelf_take(&words, m->shelf, m->tokenizer, m->config.vocab,
                                       m->config.eos, m->config.eos_count, m->config.mask, &e),
                   RD_OK);
  if (rd_form_open(&form, source, words, &e) != RD_OK)
    fail_msg("%s", e.message);
  return form;
}

static const char *const sources[] = {
    "regex:[0-9]+( [a-z]+){1,3}",
    "json-schema:{\"properties\":{\"a\":{\"type\":\"string\",\"maxLength\":5},\"b\":{\"type\":"
    "\"array\","
    "\"items\":{\"type\":\"integer\"}}},\"required\":[\"a\"]}",
};

/* Every row of the table that this model can be asked with. */
static void test_samplers(void **state) {
  (void)state;
  for (size_t k = 0; k < sizeof sources / sizeof *sources; k++) {
    rd_form *form = open_form(model, sources[k]);
    int32_t least = rd_form_least(form, rd_form_start(form));
    for (size_t i = 0; i < rd_sampler_count; i++)
      for (int more = -1; more < 24; more += 8)
        for (int warm = 0; warm < 2; warm++) {
          char tokens[20];
          const rd_sampler *s = &rd_samplers[i];
          snprintf(tokens, sizeof tokens, "%d", (int)least + more);
          const char *const pairs[] = {
              "sampler", s->name, "grammar",     sources[k],         "seed", "4",
              "tokens",  tokens,  "temperature", warm ? "1.2" : "0", NULL};
          if (s->drafts || rd_sampler_fits(s)) /* needs a gate, below; knows no forms */
            continue;
          answered a = run(model, pairs, form);
          if (more < 0) {
            char number[40];
            snprintf(number, sizeof number, "at least %d", (int)least);
            assert_int_equal(a.code, RD_USAGE);
            assert_non_null(strstr(a.e.message, number));
          } else if (a.code != RD_OK) {
            fail_msg("%s, %s tokens: %s", s->name, tokens, a.e.message);
          } else if (!has_form(model, form, a.text)) {
            fail_msg("%s, %s tokens: \"%s\" is no text of %s", s->name, tokens, a.text, sources[k]);
          }
          assert_true(a.drafts_fit || s->checks);
          free(a.text);
        }
    rd_form_close(&form);
  }
}

static void test_checked(void **state) {
  (void)state;
  rd_model *gated = open_model(true);
  rd_form *form = open_form(gated, sources[1]);
  static const char *const samplers[] = {"ar", "jacobi", "verify"}, *const warmth[] = {"0", "0.9"};
  for (int w = 0; w < 2; w++) {
    char *first = NULL;
    for (int i = 0; i < 3; i++) {
      const char *const pairs[] = {"sampler", samplers[i], "grammar",     sources[1], "seed", "7",
                                   "tokens",  "30",        "temperature", warmth[w],  NULL};
      answered a = run(gated, pairs, NULL);
      if (a.code != RD_OK)
        fail_msg("%s: %s", samplers[i], a.e.message);
      assert_true(has_form(gated, form, a.text));
      if (first)
        assert_string_equal(a.text, first);
      else
        first = a.text;
      if (first != a.text)
        free(a.text);
    }
    free(first);
  }
  rd_form_close(&form);
  rd_model_close(&gated);
}

/* Text that is given is part of the form's text, and must be. */
static void test_given(void **state) {
  (void)state;
  const char *const fits[] = {"sampler", "lad",        "grammar", sources[1], "tokens", "30",
                              "prefix",  "{\"a\":\"x", "seed",    "1",        NULL};
  const char *const not [] = {"sampler", "lad",    "grammar", sources[1], "tokens",
                              "30",      "prefix", "{\"c",    NULL};
  const char *const exclude[] = {"sampler", "low-confidence", "grammar", sources[1],
                                 "no-eos",  "true",           NULL};
  rd_form *form = open_form(model, sources[1]);
  answered a = run(model, fits, form);
  assert_int_equal(a.code, RD_OK);
  assert_true(has_form(model, form, a.text));
  assert_int_equal(strncmp(a.text, "{\"a\":\"x", 7), 0);
  free(a.text);
  a = run(model, not, NULL);
  assert_int_equal(a.code, RD_USAGE);
  assert_non_null(strstr(a.e.message, "the text that is given"));
  free(a.text);
  a = run(model, exclude, NULL);
  assert_int_equal(a.code, RD_USAGE);
  assert_non_null(strstr(a.e.message, "--grammar"));
  free(a.text);
  rd_form_close(&form);
}

/* A deadline that is over at once: what there is is brought to an end. */
static void test_deadline(void **state) {
  (void)state;
  rd_model *gated = open_model(true);
  const rd_model *const models[] = {model, gated};
  for (int m = 0; m < 2; m++)
    for (size_t k = 0; k < sizeof sources / sizeof *sources; k++) {
      rd_form *form = open_form(models[m], sources[k]);
      for (size_t i = 0; i < rd_sampler_count; i++) {
        const rd_sampler *s = &rd_samplers[i];
        const char *const pairs[] = {"sampler", s->name, "grammar",  sources[k], "seed", "4",
                                     "tokens",  "30",    "deadline", "1e-9",     NULL};
        if (rd_sampler_fits(s) || (s->drafts && m == 0) ||
            (s->sorts && m == 1)) /* see draft_setup.c */
          continue;
        answered a = run(models[m], pairs, NULL);
        if (a.code != RD_OK)
          fail_msg("%s: %s", s->name, a.e.message);
        if (!has_form(models[m], form, a.text))
          fail_msg("%s: \"%s\" is no text of %s", s->name, a.text, sources[k]);
        free(a.text);
      }
      rd_form_close(&form);
    }
  rd_model_close(&gated);
}

static int setup(void **state) {
  (void)state;
  model = open_model(false);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  rd_model_close(&model);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_samplers),
      cmocka_unit_test(test_checked),
      cmocka_unit_test(test_given),
      cmocka_unit_test(test_deadline),
  };
  return cmocka_run_group_tests(tests, setup, teardown);
}
