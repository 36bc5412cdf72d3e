/* SPDX-License-Identifier: MIT */
/* Who says which sampler and which options: the request, the service, the model's files, each
 * before the next; and what a redraft.json comes to, whatever the order and the spelling of its
 * keys. */
#include "model.h"
#include "params.h"
#include "sampler.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODELS RD_SOURCE_DIR "/tests/golden/models/"

static rd_model *causal, *both; /* reads from left to right; reads both ways */

static int open_models(void **state) {
  rd_error e = {0};
  (void)state;
  if (rd_model_load(&causal, MODELS "llama-mha", "none", &e) == RD_OK &&
      rd_model_load(&both, MODELS "llada", "none", &e) == RD_OK)
    return 0;
  print_error("%s\n", e.message);
  return -1;
}

static int close_models(void **state) {
  (void)state;
  rd_model_close(&causal);
  rd_model_close(&both);
  return 0;
}

/* Options as a user or a service gives them. */
typedef struct said {
  rd_params params;
  bool given[64];
  rd_options o;
} said;

static void say(said *s, const char *const *pairs) {
  rd_error e = {0};
  *s = (said){0};
  s->o = (rd_options){rd_sampler_options, rd_sampler_option_count, &s->params, s->given};
  assert_int_equal(rd_options_default(&s->o, &e), RD_OK);
  for (; pairs && *pairs; pairs += 2)
    if (rd_option_set(&s->o, rd_option_find(&s->o, pairs[0]), pairs[1], &e) != RD_OK)
      fail_msg("%s", e.message);
}

/* What a redraft.json says, one object after the other; the code of the last. */
static rd_code remember(rd_model *m, const char *files, rd_error *e) {
  rd_remembered_drop(&m->remembered);
  rd_code code = RD_OK;
  while (files && *files && code == RD_OK) {
    json_error_t why;
    json_t *json = json_loads(files, JSON_DISABLE_EOF_CHECK, &why);
    assert_non_null(json);
    files += why.position;
    code = rd_remembered_take(&m->remembered, json, e);
    json_decref(json);
  }
  return code;
}

/* One question: who says what, and the sampler that comes of it, or a part of the message. */
typedef struct question {
  const char *what;
  rd_model **model;
  const char *request[5], *service[5], *files, *sampler, *refused;
  bool continues;
} question;

static void answer(const question *q) {
  said request, service;
  rd_error e = {0};
  const rd_sampler *sampler = NULL;
  say(&request, q->request);
  say(&service, q->service);
  rd_code code = remember(*q->model, q->files, &e);
  const rd_defaults d = {.model = *q->model, .service = &service.o, .continues = q->continues};
  if (code == RD_OK)
    code = rd_params_resolve(&request.params, &request.o, &d, &sampler, &e);
  if (q->refused) {
    if (code == RD_OK || !strstr(e.message, q->refused))
      fail_msg("%s: expected %s, found %s", q->what, q->refused, code ? e.message : sampler->name);
  } else if (code != RD_OK || strcmp(sampler->name, q->sampler) != 0) {
    fail_msg("%s: expected %s, found %s", q->what, q->sampler, code ? e.message : sampler->name);
  }
  rd_options_drop(&request.o);
  rd_options_drop(&service.o);
  remember(*q->model, NULL, &e);
}

#define GAP "a {mask:3} b"

static void the_sampler_is_theirs_who_say_it(void **state) {
  (void)state;
  static const question questions[] = {
      {"nobody", &causal, .sampler = "ar"},
      {"a request's gap", &causal, {"template", GAP}, .sampler = "infill"},
      {"a service's gap", &causal, .service = {"template", GAP}, .sampler = "infill"},
      {"a service's suffix", &causal, .service = {"suffix", " b"}, .sampler = "infill"},
      {"a service's gap, going on", &causal, .service = {"suffix", " b"}, .sampler = "infill",
       .continues = true},
      {"the files' gap", &causal, .files = "{\"defaults\":{\"template\":\"" GAP "\"}}",
       .sampler = "infill"},
      {"the files' gap beside a sampler", &causal,
       .files = "{\"defaults\":{\"sampler\":\"lad\",\"template\":\"" GAP "\"}}", .sampler = "lad"},
      {"a gap and a service's sampler",
       &causal,
       {"template", GAP},
       {"sampler", "lad"},
       .sampler = "lad"},
      {"a service's open gap, both ways", &both, .service = {"template", "a {mask} b"},
       .sampler = "daedal"},
      {"a service's gap of a length, both ways", &both, .service = {"template", GAP},
       .sampler = "low-confidence"},
      {"a request's verify", &causal, {"verify", "true"}, {"sampler", "lad"}, .sampler = "verify"},
      {"a service's verify", &causal, .service = {"verify", "true"}, .sampler = "verify"},
      {"a service's verify, refused by the request",
       &causal,
       {"verify", "false"},
       {"verify", "true"},
       .sampler = "ar"},
      {"a service's verify, and another sampler asked for",
       &causal,
       {"sampler", "lad"},
       {"verify", "true"},
       .sampler = "lad"},
      {"a service's verify, and a request's gap",
       &causal,
       {"template", GAP},
       {"verify", "true"},
       .sampler = "infill"},
      {"a service's verify beside a sampler", &causal,
       .service = {"verify", "true", "sampler", "lad"}, .refused = "with --sampler lad it means"},
      {"a service's verify beside ar", &causal, .service = {"verify", "true", "sampler", "ar"},
       .sampler = "verify"},
      {"the files' verify", &causal, .files = "{\"defaults\":{\"verify\":true}}",
       .sampler = "verify"},
      {"the files' verify beside a sampler", &causal,
       .files = "{\"defaults\":{\"verify\":true,\"sampler\":\"lad\"}}",
       .refused = "redraft.json: defaults: --verify"},
      {"the files' verify, and another sampler asked for",
       &causal,
       {"sampler", "lad"},
       .files = "{\"defaults\":{\"verify\":true}}",
       .sampler = "lad"},
      {"the files' verify, which is none", &causal, .files = "{\"defaults\":{\"verify\":\"yes\"}}",
       .refused = "verify: expected true or false"},
      {"the files' sampler, which is none", &causal,
       .files = "{\"defaults\":{\"sampler\":\"chess\"}}",
       .refused = "redraft.json: defaults: unknown sampler chess"},
      {"the files' verify where text goes on", &causal, .files = "{\"defaults\":{\"verify\":true}}",
       .sampler = "ar", .continues = true},
      {"a flag that is taken back",
       &causal,
       {"sampler", "ar", "base-lead", "false"},
       .refused = "--no-base-lead means nothing"},
  };
  for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
    answer(&questions[i]);
}

/* A template and fixed ends do not go together: the nearer of the two holds. */
static void fixed_text_is_theirs_too(void **state) {
  (void)state;
  said request, service;
  rd_error e = {0};
  const rd_sampler *sampler = NULL;
  say(&request, (const char *const[]){"suffix", " end", NULL});
  say(&service, (const char *const[]){"template", GAP, "tokens", "5", NULL});
  const rd_defaults d = {.model = causal, .service = &service.o};
  if (rd_params_resolve(&request.params, &request.o, &d, &sampler, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_null(request.params.gaps);
  assert_string_equal(request.params.suffix, " end");
  assert_int_equal(request.params.tokens, 5);
  rd_options_drop(&request.o);
  say(&request, (const char *const[]){"tokens", "9", NULL}); /* as every client of OpenAI's says */
  assert_int_equal(rd_params_resolve(&request.params, &request.o, &d, &sampler, &e), RD_OK);
  assert_string_equal(request.params.gaps, GAP);
  rd_options_drop(&request.o);
  rd_options_drop(&service.o);
}

/* A redraft.json, or a model's and its adapter's, and what lad comes to by it. */
static void keys_mean_the_same_in_any_order(void **state) {
  (void)state;
  static const struct {
    const char *files;
    double iterations, base_weight; /* 0: refused */
    const char *said;
  } cases[] = {
      {"{\"defaults\":{\"sampler\":\"lad\",\"iterations\":9,\"base_weight\":0.4,"
       "\"lad\":{\"base-weight\":0.2}}}",
       9, 0.2, ""},
      {"{\"defaults\":{\"lad\":{\"base-weight\":0.2},\"base_weight\":0.4,\"iterations\":9,"
       "\"sampler\":\"lad\"}}",
       9, 0.2, ""},
      {"{\"defaults\":{\"sampler\":\"ar\",\"iterations\":9,\"lad\":{\"base_weight\":0.3}}}", 64,
       0.3, ""},
      {"{\"defaults\":{\"sampler\":\"lad\",\"base-weight\":0.1,\"lad\":{\"iterations\":7}}}"
       "{\"defaults\":{\"base_weight\":0.6,\"lad\":{\"patience\":1}}}",
       7, 0.6, ""},
      {"{\"defaults\":{\"base_weight\":0.9,\"base-weight\":0.1}}", 0, 0,
       "base-weight is there twice"},
      {"{\"defaults\":{\"lad\":{\"no_noise\":true,\"no-noise\":true}}}", 0, 0,
       "no-noise is there twice"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    said request;
    rd_error e = {0};
    const rd_sampler *sampler = NULL;
    say(&request, (const char *const[]){"sampler", "lad", NULL});
    rd_code code = remember(causal, cases[i].files, &e);
    const rd_defaults d = {.model = causal};
    if (code == RD_OK)
      code = rd_params_resolve(&request.params, &request.o, &d, &sampler, &e);
    assert_int_equal(code, cases[i].iterations > 0 ? RD_OK : RD_BAD_INPUT);
    if (code == RD_OK && ((double)request.params.iterations != cases[i].iterations ||
                          request.params.base_weight != cases[i].base_weight))
      fail_msg("case %zu: %lld iterations, base-weight %g", i, (long long)request.params.iterations,
               request.params.base_weight);
    if (code != RD_OK && !strstr(e.message, cases[i].said))
      fail_msg("case %zu: \"%s\" does not say %s", i, e.message, cases[i].said);
    rd_options_drop(&request.o);
    remember(causal, NULL, &e);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_sampler_is_theirs_who_say_it),
                                     cmocka_unit_test(fixed_text_is_theirs_too),
                                     cmocka_unit_test(keys_mean_the_same_in_any_order)};
  return cmocka_run_group_tests(tests, open_models, close_models);
}
