/* SPDX-License-Identifier: MIT */
/* PEFT adapters: what is refused and why, settings written and read back, and factors for query and
 * key rows reaching the rows of a GGUF, which lie in another order. */
#include "adapter.h"
#include "adapter_targets.h"
#include "model_files.h"
#include "rng.h"

static void settings_are_read(void **state) {
  (void)state;
  static const struct {
    const char *text, *message; /* NULL: read, with this scale */
    double scale;
  } cases[] = {
      {"{\"r\":4,\"lora_alpha\":8,\"target_modules\":[\"q_proj\",\"v_proj\"]}", NULL, 2},
      {"{\"r\":4,\"lora_alpha\":8,\"use_rslora\":true,\"target_modules\":[\"q_proj\"]}", NULL, 4},
      {"{\"r\":4,\"target_modules\":\"all-linear\"}", NULL, 2}, /* peft's own alpha is 8 */
      {"{\"r\":4,\"target_modules\":\".*self_attn.(q_proj|k_proj)\"}", NULL, 2},
      {"{\"target_modules\":[\"q_proj\"]}", "r is missing", 0},
      {"{\"r\":0,\"target_modules\":[\"q_proj\"]}", "r: 0 is outside 1..65536", 0},
      {"{\"r\":4}", "target_modules: expected a list of names or a pattern", 0},
      {"{\"r\":4,\"use_dora\":true,\"target_modules\":[\"q_proj\"]}", NULL, 2},
      {"{\"r\":4,\"init_lora_weights\":\"pissa_niter_4\"}",
       "init_lora_weights is \"pissa_niter_4\"", 0},
      {"{\"r\":4,\"init_lora_weights\":\"corda\"}", "init_lora_weights is \"corda\"", 0},
      {"{\"r\":4,\"init_lora_weights\":\"loftq\"}", "init_lora_weights is \"loftq\"", 0},
      {"{\"r\":4,\"alora_invocation_tokens\":[5]}", "alora_invocation_tokens is [5]", 0},
      {"{\"r\":4,\"use_qalora\":true}", "use_qalora is true", 0},
      {"{\"r\":4,\"fan_in_fan_out\":true}", "fan_in_fan_out is true", 0},
      {"{\"r\":4,\"bias\":\"some\"}", "bias \"some\"", 0},
      {"{\"r\":4,\"bias\":\"all\",\"target_modules\":[\"q_proj\"]}", NULL, 2},
      {"{\"r\":4,\"peft_type\":\"IA3\"}", "a PEFT adapter of type IA3", 0},
      {"{\"r\":4,\"target_modules\":[],\"rank_pattern\":{\"q_proj\":2}}", NULL, 2},
      {"{\"r\":4,\"target_modules\":[],\"rank_pattern\":{\"q_proj\":0}}",
       "rank_pattern of q_proj: expected an integer in 1..65536", 0},
      {"{\"r\":4,\"target_modules\":[],\"alpha_pattern\":{\"q_proj\":\"a\"}}",
       "alpha_pattern of q_proj: expected a number", 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_adapter_config config, again;
    rd_error e = {0};
    json_t *read = NULL;
    assert_int_equal(rd_json_parse(&read, cases[i].text, strlen(cases[i].text), "text", &e), RD_OK);
    rd_code code = rd_adapter_config_read(&config, read, &e);
    if (cases[i].message) {
      if (code == RD_OK || !strstr(e.message, cases[i].message))
        fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].message, e.message);
      json_decref(read);
      continue;
    }
    if (code != RD_OK)
      fail_msg("case %zu: %s", i, e.message);
    int64_t rank = 0;
    float scale = 0;
    assert_int_equal(rd_adapter_module(&config, "up_proj", &rank, &scale, &e), RD_OK);
    assert_true(rank == 4 && fabs((double)scale - cases[i].scale) < 1e-6);
    json_t *json = rd_adapter_config_json(&config, "base");
    /* PEFT takes a word here for a way to initialise, and knows none of this name */
    assert_true(json_is_true(json_object_get(json, "init_lora_weights")));
    assert_int_equal(rd_adapter_config_read(&again, json, &e), RD_OK);
    assert_int_equal(again.rank, config.rank);
    assert_int_equal(again.rslora, config.rslora);
    assert_true(json_equal(again.targets, config.targets));
    assert_true(!config.rank_pattern || json_equal(again.rank_pattern, config.rank_pattern));
    json_decref(json);
    json_decref(read);
  }
}

static void modules_have_overrides(void **state) {
  (void)state;
  static const char text[] =
      "{\"r\":4,\"lora_alpha\":8,\"target_modules\":[\"q_proj\"],"
      "\"rank_pattern\":{\"layers.1.self_attn.q_proj\":16,\"k_proj\":2,\"^model\\\\.layers\\\\.[0-"
      "2]\\\\."
      ".*v_proj\":1},\"alpha_pattern\":{\"layers.1.self_attn.q_proj\":4,\"o_proj|down_proj\":3}}";
  static const struct {
    const char *module;
    int64_t rank;
    double scale;
  } cases[] = {
      {"model.layers.0.self_attn.q_proj", 4, 2},    {"model.layers.1.self_attn.q_proj", 16, 0.25},
      {"model.layers.11.self_attn.q_proj", 4, 2},   {"model.layers.7.self_attn.k_proj", 2, 4},
      {"model.layers.2.self_attn.v_proj", 1, 8},    {"model.layers.3.self_attn.v_proj", 4, 2},
      {"model.layers.0.self_attn.o_proj", 4, 0.75}, {"model.layers.5.mlp.down_proj", 4, 0.75},
      {"model.layers.0.mlp.xk_proj", 4, 2},
  };
  json_t *json = NULL;
  rd_adapter_config config;
  rd_error e = {0};
  assert_int_equal(rd_json_parse(&json, text, sizeof text - 1, "text", &e), RD_OK);
  assert_int_equal(rd_adapter_config_read(&config, json, &e), RD_OK);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    int64_t rank = 0;
    float scale = 0;
    if (rd_adapter_module(&config, cases[i].module, &rank, &scale, &e) != RD_OK)
      fail_msg("%s", e.message);
    if (rank != cases[i].rank || fabs((double)scale - cases[i].scale) > 1e-6)
      fail_msg("%s: rank %lld, scale %g", cases[i].module, (long long)rank, (double)scale);
  }
  json_decref(json);
  static const char bad[] = "{\"r\":4,\"target_modules\":[],\"rank_pattern\":{\"(q_proj\":2}}";
  int64_t rank = 0;
  float scale = 0;
  assert_int_equal(rd_json_parse(&json, bad, sizeof bad - 1, "text", &e), RD_OK);
  assert_int_equal(rd_adapter_config_read(&config, json, &e), RD_OK);
  assert_int_equal(rd_adapter_module(&config, "q_proj", &rank, &scale, &e), RD_BAD_INPUT);
  json_decref(json);
}

static void adapters_of_other_models_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *model, *adapter, *message;
  } cases[] = {
      {GOLDEN "models/qwen3", GOLDEN "adapters/llada-seven", "made for another model"},
      {GOLDEN "models/llama-gqa-tied", GOLDEN "adapters/llama-mha-qv",
       "v_proj.lora_B.weight: "
       "expected shape (16, 4), "
       "found (32, 4)"},
      {GOLDEN "models/llama-mha", GOLDEN "adapters/none", "adapters/none/adapter_config.json"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_model *m = NULL;
    rd_error e = {0};
    const rd_model_options o = {.path = cases[i].model, .adapter = cases[i].adapter};
    if (rd_model_open(&m, &o, &e) == RD_OK || !strstr(e.message, cases[i].message))
      fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].message, e.message);
    assert_null(m);
  }
}

/* Factors for q and k of both layers of llama-gqa-tied (width 32, q 32, k 16 rows). */
enum { TENSORS = 8, MOST = 160 };
static const char *const adapter_files[] = {"adapter_config.json", "adapter_model.safetensors"};

/* An adapter in a new folder. The factors are those of ranks 2 (q) and 1 (k), B times `scale` of
 * its module, and are filled up with zeros to the ranks wanted. */
static void write_adapter(char folder[64], const char *config, const int64_t ranks[2],
                          const float scales[2]) {
  static float numbers[TENSORS][MOST];
  char names[TENSORS][120];
  rd_tensor tensors[TENSORS];
  rd_error e = {0};
  memset(numbers, 0, sizeof numbers);
  for (int i = 0; i < TENSORS; i++) {
    int layer = i / 4, k = i / 2 % 2, b = i % 2;
    int64_t out = k ? 16 : 32, own = k ? 1 : 2, rank = ranks[k];
    rd_rng rng = rd_rng_at(7, RD_STREAM_INIT, 0, (uint32_t)i);
    for (int64_t n = 0; n < own * (b ? out : 32); n++) {
      float number = (float)rd_rng_normal(&rng);
      numbers[i][b ? n / own * rank + n % own : n] = b ? number * scales[k] : number;
    }
    snprintf(names[i], sizeof names[i],
             "base_model.model.model.layers.%d.self_attn.%s.lora_%c.weight", layer,
             k ? "k_proj" : "q_proj", b ? 'B' : 'A');
    int64_t rows = b ? out : rank, cols = b ? rank : 32;
    assert_true(rows * cols <= MOST);
    tensors[i] = (rd_tensor){.name = names[i],
                             .format = rd_format_named("F32"),
                             .dims = 2,
                             .shape = {rows, cols, 1, 1},
                             .data = (const unsigned char *)numbers[i],
                             .size = (size_t)(rows * cols) * 4};
  }
  temporary(folder, 64);
  write_bytes(in(folder, adapter_files[0]), config, strlen(config));
  assert_int_equal(rd_safetensors_write(in(folder, adapter_files[1]), tensors, TENSORS, &e), RD_OK);
}

static void expect_same(const char *model, const char *folder, const float *expected) {
  for (rd_adapter_use use = RD_ADAPTER_AUTO; use <= RD_ADAPTER_MERGED; use++) {
    int64_t n = 0;
    float *found = logits_of(
        &(rd_model_options){.path = model, .adapter = folder, .precision = "f32", .use = use}, &n);
    double d = distance(found, expected, n);
    if (!(d < 1e-4))
      fail_msg("%s, use %d: logits differ by %g", model, (int)use, d);
    free(found);
  }
}

static void adapters_fit_gguf_rows(void **state) {
  (void)state;
  char folder[64];
  int64_t n = 0;
  write_adapter(folder, "{\"r\":2,\"lora_alpha\":2,\"target_modules\":[\"q_proj\",\"k_proj\"]}",
                (const int64_t[]){2, 2}, (const float[]){1, 1});
  float *expected = logits_of(&(rd_model_options){.path = GOLDEN "models/llama-gqa-tied",
                                                  .adapter = folder,
                                                  .precision = "f32"},
                              &n);
  expect_same(GOLDEN "gguf/llama-gqa-tied.gguf", folder, expected);
  free(expected);
  sweep(folder, adapter_files, 2);
}

/* q of rank 2 and scale 3, k of rank 1 and scale 0.5, said by patterns and by numbers. */
static void overrides_reach_the_logits(void **state) {
  (void)state;
  static const char model[] = GOLDEN "models/llama-gqa-tied";
  char folder[64];
  int64_t n = 0;
  write_adapter(folder, "{\"r\":2,\"lora_alpha\":2,\"target_modules\":[\"q_proj\",\"k_proj\"]}",
                (const int64_t[]){2, 2}, (const float[]){3, 0.5f});
  float *expected =
      logits_of(&(rd_model_options){.path = model, .adapter = folder, .precision = "f32"}, &n);
  sweep(folder, adapter_files, 2);
  write_adapter(folder,
                "{\"r\":2,\"lora_alpha\":6,\"target_modules\":[\"q_proj\",\"k_proj\"],"
                "\"rank_pattern\":{\"k_proj\":1},\"alpha_pattern\":{\"k_proj\":0.5}}",
                (const int64_t[]){2, 1}, (const float[]){1, 1});
  expect_same(model, folder, expected);
  free(expected);
  sweep(folder, adapter_files, 2);
}

/* What peft gives no factors: modules under a name of modules_to_save, the head under "all-linear",
 * layers of another word than the pattern's. */
static void settings_name_modules(void **state) {
  (void)state;
  static const char query[] = "model.layers.1.self_attn.q_proj";
  static const struct {
    const char *text, *module;
    bool yes;
  } cases[] = {
      {"{\"target_modules\":[\"q_proj\"]}", query, true},
      {"{\"target_modules\":[\"q_proj\"],\"modules_to_save\":[\"self_attn\"]}", query, false},
      {"{\"target_modules\":[\"q_proj\"],\"modules_to_save\":[\"attn\"]}", query, true},
      {"{\"target_modules\":\"all-linear\"}", query, true},
      {"{\"target_modules\":\"all-linear\"}", "lm_head", false},
      {"{\"target_modules\":\"all-linear\"}", "model.embed_tokens", false},
      {"{\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[1],\"layers_pattern\":"
       "\"model.layers\"}",
       query, true},
      {"{\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[1],\"layers_pattern\":"
       "[\"h\",\"layers\"]}",
       query, true},
      {"{\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[1],\"layers_pattern\":\"h\"}",
       query, false},
      {"{\"target_modules\":[\"q_proj\"],\"layers_to_transform\":[0]}", query, false},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_error e = {0};
    json_t *read = NULL;
    bool yes = false;
    assert_int_equal(rd_json_parse(&read, cases[i].text, strlen(cases[i].text), "text", &e), RD_OK);
    assert_int_equal(rd_targets_module(read, cases[i].module, &yes, &e), RD_OK);
    if (yes != cases[i].yes)
      fail_msg("%s: %s is %s", cases[i].text, cases[i].module, yes ? "named" : "not named");
    json_decref(read);
  }
  rd_error e = {0};
  bool yes = false;
  json_t *read = json_pack("{s:[s], s:[i], s:s}", "target_modules", "q_proj", "layers_to_transform",
                           1, "layers_pattern", "layer[s]");
  assert_int_equal(rd_targets_module(read, query, &yes, &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "layers_pattern \"layer[s]\" is an expression"));
  json_decref(read);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(settings_are_read),
                                     cmocka_unit_test(settings_name_modules),
                                     cmocka_unit_test(adapters_of_other_models_are_refused),
                                     cmocka_unit_test(adapters_fit_gguf_rows),
                                     cmocka_unit_test(modules_have_overrides),
                                     cmocka_unit_test(overrides_reach_the_logits)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
