/* SPDX-License-Identifier: MIT */
/* I-DLM: what tells its folders from SDAR's, whose model_type they say, and its strided decoding,
 * pass by pass, beside tests/golden/make_strided.py. */
#include "cpu.h"
#include "family.h"
#include "json.h"
#include "params.h"
#include "request.h"
#include "scratch_files.h"

enum { MOST = 32 };

static const char *const files[] = {"config.json", "model.safetensors", "tokenizer.json",
                                    "tokenizer_config.json"};
enum { FILES = sizeof files / sizeof *files };

/* The golden SDAR model with other keys: a JSON object that is laid over its config.json. */
static rd_code open_with(rd_model **out, const char *keys, rd_error *e) {
  const char *from = GOLDEN "models/block-sdar";
  char folder[64];
  json_t *config = NULL, *more = json_loads(keys, 0, NULL);
  *out = NULL;
  assert_non_null(more);
  temporary(folder, sizeof folder);
  for (int i = 1; i < FILES; i++)
    copy_file(in(from, files[i]), in(folder, files[i]));
  assert_int_equal(rd_json_open(&config, in(from, files[0]), e), RD_OK);
  json_object_update(config, more);
  char *text = json_dumps(config, 0);
  write_bytes(in(folder, files[0]), text, strlen(text));
  rd_code code = rd_model_open(out, &(rd_model_options){.path = folder, .precision = "f32"}, e);
  sweep(folder, files, FILES);
  free(text);
  json_decref(config);
  json_decref(more);
  return code;
}

static void keys_tell_it_from_sdar(void **state) {
  (void)state;
  static const struct {
    const char *keys, *family, *message;
  } cases[] = {
      {"{}", "sdar", NULL},
      {"{\"use_regular_causal\": true}", "i-dlm", NULL},
      {"{\"use_regular_causal\": true, \"block_size\": 3}", "i-dlm", NULL},
      {"{\"use_regular_causal\": true, \"block_size\": 7}", "i-dlm", NULL},
      {"{\"use_regular_causal\": null, \"block_size\": 8}", "sdar", NULL},
      {"{\"use_regular_causal\": false, \"block_size\": 2}", "sdar", NULL},
      {"{\"block_size\": 3}", NULL, "block_size 3: published models of family sdar have 4 or more"},
      {"{\"block_size\": 1}", NULL, "add \"use_regular_causal\": true"},
      {"{\"block_size\": 2, \"use_regular_causal\": null}", NULL, "block_size 2"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_model *m = NULL;
    rd_error e = {0};
    rd_code code = open_with(&m, cases[i].keys, &e);
    if (cases[i].family) {
      if (code != RD_OK)
        fail_msg("%s: %s", cases[i].keys, e.message);
      assert_string_equal(m->config.family->name, cases[i].family);
      bool causal = strcmp(cases[i].family, "i-dlm") == 0;
      assert_true((m->config.block == 1) == causal && m->config.shift_logits == causal);
      assert_string_equal(rd_model_preference(m)->sampler, causal ? "strided" : "dynamic");
    } else {
      assert_int_equal(code, RD_UNSUPPORTED);
      assert_non_null(strstr(e.message, cases[i].message));
    }
    rd_model_close(&m);
  }
}

static void what_is_written_is_read_again(void **state) {
  (void)state;
  rd_model *m = NULL;
  rd_config again;
  rd_error e = {0};
  assert_int_equal(open_with(&m, "{\"use_regular_causal\": true}", &e), RD_OK);
  json_t *json = rd_config_json(&m->config, RD_F32);
  assert_int_equal(rd_config_read(&again, json, NULL, &e), RD_OK);
  assert_ptr_equal(again.family, m->config.family);
  assert_true(again.block == 1 && again.shift_logits && again.mask == m->config.mask);
  json_decref(json);
  rd_model_close(&m);
}

/* --- passes ----------------------------------------------------------------------------------- */

typedef struct watched {
  int32_t seen[MOST];
  int64_t count;
  const json_t *passes;
  size_t pass;
} watched;

static rd_code watch(void *context, const rd_event *event) {
  watched *w = context;
  if (event->kind == RD_EVENT_NOISE) { /* the canvas of the next pass, where masks came into it */
    assert_true(event->count <= MOST);
    w->count = event->count;
    memcpy(w->seen, event->ids, (size_t)event->count * sizeof *w->seen);
  }
  if (event->kind != RD_EVENT_DRAFT)
    return RD_OK;
  const json_t *pass = json_array_get(w->passes, w->pass++), *seen = json_object_get(pass, "seen");
  assert_non_null(pass);
  int64_t wanted = (int64_t)json_array_size(seen);
  if (wanted == w->count) /* else no mask was added, and nobody said what stands */
    for (int64_t i = 0; i < wanted; i++)
      assert_int_equal(w->seen[i], json_integer_value(json_array_get(seen, (size_t)i)));
  w->count = 0;
  assert_int_equal(event->sure, json_integer_value(json_object_get(pass, "words")));
  return RD_OK;
}

static void write_one(const rd_model *m, const json_t *row) {
  char stride[16], tokens[16];
  int32_t prompt[MOST];
  bool given[64] = {0};
  rd_params params = {0};
  rd_error e = {0};
  const json_t *ids = json_object_get(row, "prompt"), *answer = json_object_get(row, "answer");
  watched w = {.passes = json_object_get(row, "passes")};
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &params, given};
  rd_request request = {.model = m,
                        .params = &params,
                        .prompt = prompt,
                        .prompt_count = (int64_t)json_array_size(ids),
                        .observer = watch,
                        .context = &w};
  rd_engine *engine = NULL;
  rd_draft *draft = NULL;
  assert_true(rd_sampler_option_count <= 64 && request.prompt_count <= MOST);
  for (size_t i = 0; i < json_array_size(ids); i++)
    prompt[i] = (int32_t)json_integer_value(json_array_get(ids, i));
  snprintf(stride, sizeof stride, "%lld", json_integer_value(json_object_get(row, "stride")));
  snprintf(tokens, sizeof tokens, "%lld", json_integer_value(json_object_get(row, "tokens")));
  const char *const pairs[][2] = {
      {"block-length", stride}, {"tokens", tokens}, {"temperature", "0"}, {"seed", "1"}};
  assert_int_equal(rd_options_default(&o, &e), RD_OK);
  for (int i = 0; i < 4; i++)
    assert_int_equal(rd_option_set(&o, rd_option_find(&o, pairs[i][0]), pairs[i][1], &e), RD_OK);
  const rd_defaults defaults = {.model = m};
  if (rd_params_resolve(&params, &o, &defaults, &request.sampler, &e) != RD_OK ||
      rd_request_draft(&draft, &request, &e) != RD_OK ||
      rd_engine_open(&engine, NULL, m, 64, 64, &e) != RD_OK ||
      rd_draft_run(draft, engine, NULL, &e) != RD_OK)
    fail_msg("%s", e.message);
  rd_draft_result last = rd_draft_so_far(draft);
  assert_int_equal(w.pass, json_array_size(w.passes));
  assert_int_equal(last.tokens, json_array_size(answer));
  for (int64_t i = 0; i < last.tokens; i++)
    assert_int_equal(last.answer[i], json_integer_value(json_array_get(answer, (size_t)i)));
  rd_draft_free(&draft);
  rd_engine_close(&engine);
  rd_options_drop(&o);
}

static void every_pass_is_the_makers(void **state) {
  (void)state;
  rd_model *m = NULL;
  json_t *rows = NULL, *row = NULL;
  size_t i = 0;
  rd_error e = {0};
  assert_int_equal(open_with(&m, "{\"use_regular_causal\": true}", &e), RD_OK);
  assert_int_equal(rd_json_open(&rows, GOLDEN "strided.json", &e), RD_OK);
  assert_true(json_array_size(rows) >= 3);
  json_array_foreach(rows, i, row)
    write_one(m, row);
  json_decref(rows);
  rd_model_close(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(keys_tell_it_from_sdar),
                                     cmocka_unit_test(what_is_written_is_read_again),
                                     cmocka_unit_test(every_pass_is_the_makers)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
