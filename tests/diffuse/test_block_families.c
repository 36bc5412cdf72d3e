/* SPDX-License-Identifier: MIT */
/* Families that write in blocks: what is read from their files, the sampler that each takes by
 * itself, and that no reuse, number of threads or neighbour in a pass changes what it writes. */
#include "cpu.h"
#include "family.h"
#include "params.h"
#include "request.h"
#include "reuse.h"
#include "together.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN RD_SOURCE_DIR "/tests/golden/"
enum { MASK = 285 };

/* What the golden models' files say (tests/golden/make_block_models.py). */
static const struct known {
  const char *folder, *family;
  int64_t block, stride;
  bool shift, qk_norm, qkv_bias;
  int32_t mask;
  const char *sampler; /* NULL: none of its own */
} models[] = {
    {"block-sdar", "sdar", 4, 0, false, true, false, MASK, "dynamic"},
    {"block-fast-dllm-v2", "fast-dllm-v2", 8, 0, true, false, true, MASK, "sub-blocks"},
    {"block-stable-diffcoder", "stable-diffcoder", 4, 0, false, false, false, 5, "static"},
    {"block-sdlm", "sdlm", 1, 4, false, false, true, MASK, "longest-prefix"},
    {"block-a2d-llama", "llama-diffusion", 0, 0, false, false, false, MASK, "low-confidence"},
    {"block-a2d-qwen2", "qwen2-diffusion", 0, 0, false, false, true, MASK, "low-confidence"},
    {"block-a2d-qwen3", "qwen3-diffusion", 0, 0, false, true, false, MASK, "low-confidence"},
    {"block-illada", "llada", 0, 0, false, false, false, 5, "low-confidence"},
};
enum { MODELS = sizeof models / sizeof *models };

static rd_model *open_model(const char *folder, const char *adapter) {
  char path[400], beside[400];
  rd_model *m = NULL;
  rd_error e = {0};
  snprintf(path, sizeof path, GOLDEN "models/%s", folder);
  snprintf(beside, sizeof beside, GOLDEN "adapters/%s", adapter ? adapter : "");
  rd_model_options o = {.path = path, .adapter = adapter ? beside : NULL, .precision = "f32"};
  if (rd_model_open(&m, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  return m;
}

static void files_say_what_a_family_is(void **state) {
  (void)state;
  for (int i = 0; i < MODELS; i++) {
    rd_model *m = open_model(models[i].folder, NULL);
    const rd_config *c = &m->config;
    const rd_preference *own = rd_model_preference(m);
    if (strcmp(c->family->name, models[i].family) != 0 || c->block != models[i].block ||
        c->stride != models[i].stride || c->shift_logits != models[i].shift ||
        c->qk_norm != models[i].qk_norm || c->qkv_bias != models[i].qkv_bias ||
        c->mask != models[i].mask)
      fail_msg("%s: %s, block %lld, stride %lld, shift %d, q/k norms %d, biases %d, mask %d",
               models[i].folder, c->family->name, (long long)c->block, (long long)c->stride,
               c->shift_logits, c->qk_norm, c->qkv_bias, c->mask);
    assert_int_equal(own != NULL, models[i].sampler != NULL);
    if (own)
      assert_string_equal(own->sampler, models[i].sampler);
    rd_model_close(&m);
  }
}

/* A configuration that is written and read again is the same, its family too. */
static void what_is_written_is_read_again(void **state) {
  (void)state;
  for (int i = 0; i < MODELS; i++) {
    rd_model *m = open_model(models[i].folder, NULL);
    json_t *json = rd_config_json(&m->config, RD_F32);
    rd_config again;
    rd_error e = {0};
    if (rd_config_read(&again, json, NULL, &e) != RD_OK)
      fail_msg("%s: %s", models[i].folder, e.message);
    assert_ptr_equal(again.family, m->config.family);
    assert_true(again.block == m->config.block && again.stride == m->config.stride);
    assert_true(again.mask == m->config.mask && again.qk_norm == m->config.qk_norm);
    assert_true(again.shift_logits == m->config.shift_logits);
    if (strcmp(again.family->name, "llada") == 0) /* without which its makers build another model */
      assert_string_equal(json_string_value(json_object_get(json, "layer_norm_type")), "rms");
    json_decref(json);
    rd_model_close(&m);
  }
}

static void families_prefer_what_there_is(void **state) {
  (void)state;
  size_t count = 0;
  const rd_family *rows = rd_families(&count);
  for (size_t i = 0; i < count; i++) {
    const rd_preference *both[] = {&rows[i].own, &rows[i].own_blocks};
    for (int k = 0; k < 2; k++) {
      const rd_sampler *s = NULL;
      if (!both[k]->sampler)
        continue;
      if (rd_sampler_find(&s, both[k]->sampler, NULL) != RD_OK)
        fail_msg("%s: no sampler %s", rows[i].name, both[k]->sampler);
      for (int o = 0; both[k]->options[o][0]; o++)
        assert_true(rd_sampler_takes(s, both[k]->options[o][0]));
    }
  }
}

/* WeDLM's keys: biases of q, k and v alone where nothing else is said, norms where it is. */
static void wedlm_is_read_by_its_keys(void **state) {
  (void)state;
  static const struct {
    const char *keys;
    bool bias, norm;
  } cases[] = {{"", true, false},
               {",\"attention_bias\":false,\"qk_norm\":true", false, true},
               {",\"attention_bias\":true,\"qk_norm\":false,\"mask_token_id\":7", true, false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[400];
    rd_config c, again;
    rd_error e = {0};
    snprintf(text, sizeof text,
             "{\"model_type\":\"wedlm\",\"num_hidden_layers\":2,\"hidden_size\":16,"
             "\"num_attention_heads\":2,\"num_key_value_heads\":1,\"intermediate_size\":24,"
             "\"vocab_size\":%d,\"rms_norm_eps\":1e-6%s}",
             i == 0 ? 151936 : 300, cases[i].keys);
    json_t *json = json_loads(text, 0, NULL);
    assert_int_equal(rd_config_read(&c, json, NULL, &e), RD_OK);
    assert_true(c.block == 1 && !c.shift_logits && !c.out_bias);
    assert_true(c.qkv_bias == cases[i].bias && c.qk_norm == cases[i].norm);
    assert_int_equal(c.mask, i == 0 ? 151665 : i == 1 ? -1 : 7);
    json_t *written = rd_config_json(&c, RD_F32);
    assert_int_equal(rd_config_read(&again, written, NULL, &e), RD_OK);
    assert_true(again.qkv_bias == c.qkv_bias && again.qk_norm == c.qk_norm && again.mask == c.mask);
    json_decref(json);
    json_decref(written);
  }
}

/* --- options ---------------------------------------------------------------------------------- */

enum { OPTIONS = 64 };

typedef struct running {
  rd_params params;
  bool given[OPTIONS];
  const rd_sampler *sampler;
  rd_draft *draft;
} running;

static rd_options options_of(running *r) {
  return (rd_options){rd_sampler_options, rd_sampler_option_count, &r->params, r->given};
}

/* Options in pairs, resolved for a model. */
static rd_code resolve(running *r, const rd_model *m, const char *const *pairs, rd_error *e) {
  rd_options o = options_of(r);
  assert_true(rd_sampler_option_count <= OPTIONS);
  RD_TRY(rd_options_default(&o, e));
  const rd_defaults defaults = {.model = m};
  for (; *pairs; pairs += 2)
    RD_TRY(rd_option_set(&o, rd_option_find(&o, pairs[0]), pairs[1], e));
  return rd_params_resolve(&r->params, &o, &defaults, &r->sampler, e);
}

static void drop(running *r) {
  rd_options o = options_of(r);
  rd_draft_free(&r->draft);
  rd_options_drop(&o);
  memset(r, 0, sizeof *r);
}

static void nothing_named_is_the_models_own(void **state) {
  (void)state;
  running r = {0};
  rd_error e = {0};
  rd_model *sdar = open_model("block-sdar", NULL), *a2d = open_model("block-a2d-qwen3", NULL);
  assert_int_equal(resolve(&r, sdar, (const char *const[]){NULL}, &e), RD_OK);
  assert_string_equal(r.sampler->name, "dynamic");
  assert_true(r.params.threshold == 0.85 && r.params.temperature == 1 && r.params.top_k == 0);
  drop(&r);
  assert_int_equal(resolve(&r, sdar, (const char *const[]){"threshold", "0.5", NULL}, &e), RD_OK);
  assert_true(r.params.threshold == 0.5);
  drop(&r);
  assert_int_equal(resolve(&r, sdar, (const char *const[]){"sampler", "lad", NULL}, &e), RD_OK);
  assert_string_equal(r.sampler->name, "lad");
  drop(&r);
  assert_int_equal(resolve(&r, a2d, (const char *const[]){NULL}, &e), RD_OK);
  assert_string_equal(r.sampler->name, "low-confidence");
  assert_int_equal(r.params.block_length, 32);
  drop(&r);
  assert_int_equal(resolve(&r, a2d, (const char *const[]){"sampler", "threshold", NULL}, &e),
                   RD_OK);
  assert_int_equal(r.params.block_length, 0); /* the family's options are those of its sampler */
  drop(&r);
  a2d->config.block = 32; /* as attention_block in config.json */
  assert_int_equal(resolve(&r, a2d, (const char *const[]){NULL}, &e), RD_OK);
  assert_string_equal(r.sampler->name, "bd3lm");
  drop(&r);
  assert_int_equal(resolve(&r, sdar, (const char *const[]){"suffix", "a", NULL}, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "--suffix means nothing to --sampler dynamic"));
  drop(&r);
  rd_model_close(&sdar);
  rd_model_close(&a2d);
  rd_model *adapted = open_model("qwen3", "qwen3-qv");
  assert_null(rd_model_preference(adapted));
  rd_model_close(&adapted);
}

/* --- drafts ----------------------------------------------------------------------------------- */

enum { PROMPTS = 5, TOKENS = 26, MOST = 44 };

typedef struct ending {
  int32_t ids[MOST];
  int64_t count, tokens, iterations;
} ending;

static void begin(running *r, const rd_model *m, const char *reuse, const char *sampler, int i) {
  static const int32_t prompt[] = {280, 70, 71, 104, 92, 33, 140, 55, 61};
  rd_error e = {0};
  const char *pairs[] = {"reuse", reuse, "tokens", "26", "seed", "7", "sampler", sampler, NULL};
  pairs[sampler ? 8 : 6] = NULL;
  rd_request request = {.model = m, .params = &r->params, .prompt = prompt, .prompt_count = 3 + i};
  if (resolve(r, m, pairs, &e) != RD_OK)
    fail_msg("%s", e.message);
  request.sampler = r->sampler;
  if (rd_request_draft(&r->draft, &request, &e) != RD_OK)
    fail_msg("%s: %s", r->sampler->name, e.message);
}

/* Drafts of prompts of several lengths, each iteration of all in one call, or one by one. */
static void run_all(const rd_model *m, const char *reuse, const char *sampler, bool together,
                    ending *out) {
  running runs[PROMPTS] = {0};
  rd_engine *engine;
  rd_error e = {0};
  assert_int_equal(rd_engine_open(&engine, NULL, m, 120, 64, &e), RD_OK);
  for (int i = 0; i < PROMPTS; i++) {
    begin(&runs[i], m, reuse, sampler, i);
    if (!together && rd_draft_run(runs[i].draft, engine, NULL, &e) != RD_OK)
      fail_msg("%s: %s", reuse, e.message);
    assert_int_equal(rd_draft_open_lanes(runs[i].draft, engine, &e), RD_OK);
  }
  rd_draft *drafts[PROMPTS];
  for (int i = 0; i < PROMPTS; i++)
    drafts[i] = runs[i].draft;
  run_together(engine, drafts, PROMPTS, reuse);
  for (int i = 0; i < PROMPTS; i++) {
    rd_draft_result last = rd_draft_so_far(runs[i].draft);
    assert_true(last.count <= MOST && last.tokens <= TOKENS);
    out[i] = (ending){.count = last.count, .tokens = last.tokens, .iterations = last.iterations};
    memcpy(out[i].ids, last.region, (size_t)last.count * sizeof *last.region);
    drop(&runs[i]);
  }
  rd_engine_close(&engine);
}

static void compare(const rd_model *m, const char *sampler) {
  ending want[PROMPTS], is[PROMPTS];
  rd_threads_set(2);
  run_all(m, "none", sampler, false, want);
  for (int threads = 1; threads <= 3; threads += 2)
    for (int together = 0; together < 2; together++)
      for (size_t r = 0; r < rd_reuse_count; r++) {
        rd_threads_set(threads);
        run_all(m, rd_reuses[r].name, sampler, together, is);
        for (int i = 0; i < PROMPTS; i++)
          if (is[i].count != want[i].count || is[i].iterations != want[i].iterations ||
              is[i].tokens != want[i].tokens ||
              memcmp(is[i].ids, want[i].ids, (size_t)is[i].count * sizeof *is[i].ids) != 0)
            fail_msg("%s, %s, prompt %d, --reuse %s, %d threads: another draft", m->name,
                     sampler ? sampler : "its own", i, rd_reuses[r].name, threads);
      }
  rd_threads_set(2);
}

/* Attention that looks back: every row of the reuses is exact, alone and packed. */
static void every_reuse_writes_the_same(void **state) {
  (void)state;
  for (int i = 0; i < MODELS; i++) {
    rd_model *m = open_model(models[i].folder, NULL);
    if (models[i].block > 1 || models[i].stride > 0)
      compare(m, NULL);
    else
      compare(m, "bd3lm");
    if (models[i].block == 1 || models[i].qk_norm)
      compare(m, "sliding");
    rd_model_close(&m);
  }
}

/* The answer of a model made for whole blocks is cut where it was asked to end. */
static void last_blocks_are_whole(void **state) {
  (void)state;
  static const struct {
    const char *folder;
    int64_t size;
  } cases[] = {{"block-sdar", 4}, {"block-fast-dllm-v2", 8}};
  for (int k = 0; k < 2; k++) {
    rd_model *m = open_model(cases[k].folder, NULL);
    ending is[PROMPTS];
    run_all(m, "exact", NULL, false, is);
    for (int i = 0; i < PROMPTS; i++)
      assert_int_equal((3 + i + is[i].count) % cases[k].size, 0);
    rd_model_close(&m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_say_what_a_family_is),
      cmocka_unit_test(what_is_written_is_read_again),
      cmocka_unit_test(families_prefer_what_there_is),
      cmocka_unit_test(wedlm_is_read_by_its_keys),
      cmocka_unit_test(nothing_named_is_the_models_own),
      cmocka_unit_test(every_reuse_writes_the_same),
      cmocka_unit_test(last_blocks_are_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
