/* SPDX-License-Identifier: MIT */
/* PEFT adapters: what is refused and why, settings written and read back, and factors for query and
 * key rows reaching the rows of a GGUF, which lie in another order. */
#include "adapter.h"
#include "model_files.h"
#include "rng.h"

static rd_code read_text(const char *text, rd_adapter_config *out, rd_error *e) {
  json_t *json = NULL;
  rd_code code = rd_json_parse(&json, text, strlen(text), "adapter_config.json", e);
  if (code == RD_OK)
    code = rd_adapter_config_read(out, json, e);
  json_decref(json);
  return code;
}

static void settings_are_read(void **state) {
  (void)state;
  static const struct {
    const char *text, *message; /* NULL: read, with these targets and this scale */
    const char *targets;
    double scale;
  } cases[] = {
      {"{\"r\":4,\"lora_alpha\":8,\"target_modules\":[\"q_proj\",\"v_proj\"]}", NULL, "qv", 2},
      {"{\"r\":4,\"lora_alpha\":8,\"use_rslora\":true,\"target_modules\":[\"q_proj\"]}", NULL, "q",
       4},
      {"{\"r\":4,\"target_modules\":\"all-linear\"}", NULL, "qkvogud", 1},
      {"{\"r\":4,\"target_modules\":\".*self_attn.(q_proj|k_proj)\"}", NULL, "qk", 1},
      {"{\"r\":4,\"target_modules\":[\"layers.0.mlp.down_proj\"]}", NULL, "d", 1},
      {"{\"target_modules\":[\"q_proj\"]}", "r is missing", NULL, 0},
      {"{\"r\":0,\"target_modules\":[\"q_proj\"]}", "r: 0 is outside 1..65536", NULL, 0},
      {"{\"r\":4}", "target_modules: expected a list of names or a pattern", NULL, 0},
      {"{\"r\":4,\"use_dora\":true}", "DoRA", NULL, 0},
      {"{\"r\":4,\"bias\":\"all\"}", "bias \"all\"", NULL, 0},
      {"{\"r\":4,\"peft_type\":\"IA3\"}", "a PEFT adapter of type IA3", NULL, 0},
      {"{\"r\":4,\"rank_pattern\":{\"q_proj\":8}}", "rank_pattern and alpha_pattern", NULL, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_adapter_config config;
    rd_error e = {0};
    rd_code code = read_text(cases[i].text, &config, &e);
    if (cases[i].message) {
      if (code == RD_OK || !strstr(e.message, cases[i].message))
        fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].message, e.message);
      continue;
    }
    if (code != RD_OK)
      fail_msg("case %zu: %s", i, e.message);
    for (int p = 0; p < RD_PROJECTIONS; p++)
      assert_int_equal(config.targets[p], strchr(cases[i].targets, "qkvogud"[p]) != NULL);
    assert_true(fabs((double)rd_adapter_scale(&config) - cases[i].scale) < 1e-6);
    json_t *json = rd_adapter_config_json(&config, "base");
    rd_adapter_config again;
    assert_int_equal(rd_adapter_config_read(&again, json, &e), RD_OK);
    assert_int_equal(again.rank, config.rank);
    assert_int_equal(again.rslora, config.rslora);
    assert_memory_equal(again.targets, config.targets, sizeof config.targets);
    json_decref(json);
  }
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

/* Factors of rank 2 for q and k of both layers of llama-gqa-tied (width 32, q 32, k 16 rows). */
static void adapters_fit_gguf_rows(void **state) {
  (void)state;
  enum { TENSORS = 8, MOST = 64 };
  static float numbers[TENSORS][MOST];
  static const char *const written[] = {"adapter_config.json", "adapter_model.safetensors"};
  char names[TENSORS][120], folder[64];
  rd_tensor tensors[TENSORS];
  rd_error e = {0};
  for (int i = 0; i < TENSORS; i++) {
    int layer = i / 4, k = i / 2 % 2, b = i % 2;
    int64_t rows = !b ? 2 : k ? 16 : 32, cols = b ? 2 : 32;
    rd_rng rng = rd_rng_at(7, RD_STREAM_INIT, 0, (uint32_t)i);
    for (int64_t n = 0; n < rows * cols; n++)
      numbers[i][n] = (float)rd_rng_normal(&rng);
    snprintf(names[i], sizeof names[i],
             "base_model.model.model.layers.%d.self_attn.%s.lora_%c.weight", layer,
             k ? "k_proj" : "q_proj", b ? 'B' : 'A');
    tensors[i] = (rd_tensor){.name = names[i],
                             .storage = rd_storage_named("F32"),
                             .dims = 2,
                             .shape = {rows, cols, 1, 1},
                             .data = (const unsigned char *)numbers[i],
                             .size = (size_t)(rows * cols) * 4};
  }
  static const char config[] = "{\"r\":2,\"target_modules\":[\"q_proj\",\"k_proj\"]}";
  temporary(folder, sizeof folder);
  write_bytes(in(folder, written[0]), config, sizeof config - 1);
  assert_int_equal(rd_safetensors_write(in(folder, written[1]), tensors, TENSORS, &e), RD_OK);
  rd_model_options o = {
      .path = GOLDEN "models/llama-gqa-tied", .adapter = folder, .precision = RD_PRECISION_F32};
  int64_t n = 0;
  float *expected = logits_of(&o, &n);
  for (int merge = 0; merge < 2; merge++) {
    o.path = GOLDEN "gguf/llama-gqa-tied.gguf";
    o.merge = merge;
    float *found = logits_of(&o, &n);
    double d = distance(found, expected, n);
    if (!(d < 1e-4))
      fail_msg("merge %d: logits differ by %g", merge, d);
    free(found);
  }
  free(expected);
  sweep(folder, written, 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(settings_are_read),
                                     cmocka_unit_test(adapters_of_other_models_are_refused),
                                     cmocka_unit_test(adapters_fit_gguf_rows)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
