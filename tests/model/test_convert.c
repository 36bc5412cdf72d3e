/* SPDX-License-Identifier: MIT */
/* Models written anew give the same logits: in every type, with an adapter merged, and from a GGUF
 * whose query and key rows lie in another order. */
#include "adapter.h"
#include "convert.h"
#include "inspect.h"
#include "model_files.h"
#include "weights_folder.h"

static const char *const written[] = {
    "config.json",    "generation_config.json", "redraft.json",         "model.safetensors",
    "tokenizer.json", "tokenizer.model",        "tokenizer_config.json"};

static void conversions_keep_the_logits(void **state) {
  (void)state;
  static const struct {
    const char *path, *adapter, *to, *storage;
    double bound;
    bool tokenizer;
  } cases[] = {
      {"models/llama-mha", NULL, NULL, "F32", 1e-12, true},
      {"models/llama-mha", NULL, "f16", "F16", 3e-3, true},
      {"models/llama-mha", NULL, "bf16", "BF16", 2e-2, true},
      {"models/llama-f16", NULL, NULL, "F16", 1e-12, true},
      {"models/llama-sharded", NULL, "f32", "F32", 1e-12, true},
      {"models/llama3-rope-scaled", NULL, NULL, "BF16", 1e-12, true},
      {"models/qwen2", NULL, "f32", "F32", 1e-12, true},
      {"models/qwen3", "adapters/qwen3-seven", "f32", "F32", 1e-5, true},
      {"models/llada", "adapters/llada-seven", "f32", "F32", 1e-5, true},
      {"models/dream", NULL, "f32", "F32", 1e-12, true},
      {"models/llama-mha", "adapters/llama-mha-norms", NULL, "F32", 1e-5, true},
      {"gguf/llama-gqa-tied.gguf", NULL, "f32", "F32", 1e-5, true},
      {"gguf/llama-quant.gguf", NULL, NULL, "BF16", 2e-2, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char folder[64], path[300], adapter[300] = "";
    rd_error e = {0};
    rd_converted done;
    temporary(folder, sizeof folder);
    snprintf(path, sizeof path, GOLDEN "%s", cases[i].path);
    if (cases[i].adapter)
      snprintf(adapter, sizeof adapter, GOLDEN "%s", cases[i].adapter);
    const rd_convert_options o = {.path = path,
                                  .adapter = cases[i].adapter ? adapter : NULL,
                                  .to = cases[i].to,
                                  .out = folder};
    if (rd_convert(&o, &done, &e) != RD_OK)
      fail_msg("%s: %s", cases[i].path, e.message);
    assert_int_equal(done.tokenizer, cases[i].tokenizer);
    int64_t n = 0, again = 0;
    float *before =
        logits_of(&(rd_model_options){.path = path, .adapter = o.adapter, .precision = "f32"}, &n);
    float *after = logits_of(&(rd_model_options){.path = folder, .precision = "f32"}, &again);
    assert_int_equal(n, again);
    double d = distance(after, before, n);
    if (!(d <= cases[i].bound))
      fail_msg("%s to %s: logits move by %g", cases[i].path, cases[i].storage, d);
    free(before);
    free(after);
    rd_tensors tensors;
    assert_int_equal(rd_weights_folder_open(&tensors, folder, &e), RD_OK);
    assert_string_equal(rd_tensors_format(&tensors)->name, cases[i].storage);
    rd_tensors_drop(&tensors);
    if (rd_convert(&o, NULL, &e) != RD_USAGE || !strstr(e.message, "already holds a model"))
      fail_msg("a second time: %s", e.message);
    sweep(folder, written, sizeof written / sizeof *written);
  }
}

/* An adapter in another type: half the bytes of its factors, norms as they were, nearly the same
 * logits. */
static void adapters_are_written(void **state) {
  (void)state;
  static const char model[] = GOLDEN "models/llama-mha", from[] = GOLDEN "adapters/llama-mha-norms";
  static const char *const types[] = {"bf16", "f16", "f32"}, *const names[] = {"BF16", "F16",
                                                                               "F32"};
  static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors"};
  static const double bounds[] = {1e-2, 2e-3, 1e-12};
  int64_t n = 0;
  rd_model_options o = {.path = model, .adapter = from, .precision = "f32"};
  float *before = logits_of(&o, &n);
  for (size_t i = 0; i < 3; i++) {
    char folder[64], weights[128];
    rd_error e = {0};
    rd_tensors tensors;
    temporary(folder, sizeof folder);
    if (rd_convert_adapter(from, types[i], folder, &e) != RD_OK)
      fail_msg("%s: %s", types[i], e.message);
    snprintf(weights, sizeof weights, "%s/%s", folder, files[1]);
    assert_int_equal(rd_safetensors_open(&tensors, weights, &e), RD_OK);
    for (size_t k = 0; k < tensors.count; k++)
      assert_string_equal(tensors.items[k].format->name,
                          tensors.items[k].dims == 2 ? names[i] : "F32");
    rd_tensors_drop(&tensors);
    o.adapter = folder;
    float *after = logits_of(&o, &n);
    double d = distance(after, before, n);
    if (!(d <= bounds[i]))
      fail_msg("%s: logits move by %g", types[i], d);
    free(after);
    assert_int_equal(rd_convert_adapter(from, types[i], folder, &e), RD_USAGE);
    sweep(folder, files, 2);
  }
  free(before);
}

/* What peft wrote before: a file of torch. */
static void older_adapters_are_written(void **state) {
  (void)state;
  static const char from[] = GOLDEN "peft/older-file-adapter";
  static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors"};
  char folder[64];
  rd_error e = {0};
  rd_tensors before, after;
  temporary(folder, sizeof folder);
  if (rd_convert_adapter(from, "f32", folder, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_int_equal(rd_adapter_tensors_open(&before, from, &e), RD_OK);
  assert_int_equal(rd_safetensors_open(&after, in(folder, files[1]), &e), RD_OK);
  assert_true(before.count > 0 && before.count == after.count);
  for (size_t i = 0; i < before.count; i++) {
    assert_string_equal(before.items[i].name, after.items[i].name);
    assert_int_equal(before.items[i].size, after.items[i].size);
    assert_memory_equal(before.items[i].data, after.items[i].data, after.items[i].size);
  }
  rd_tensors_drop(&before);
  rd_tensors_drop(&after);
  sweep(folder, files, 2);
}

static void failures_write_nothing(void **state) {
  (void)state;
  static const struct {
    const char *path, *adapter, *to, *message;
  } cases[] = {
      {GOLDEN "models/none", NULL, NULL, "no such file"},
      {GOLDEN "models/llama-mha", NULL, "f64", "there are f32, f16, bf16, q8_0 and q4_0"},
      {GOLDEN "models/qwen2", GOLDEN "adapters/llama-mha-qv", NULL, "adapter"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char folder[64];
    rd_error e = {0};
    temporary(folder, sizeof folder);
    const rd_convert_options o = {
        .path = cases[i].path, .adapter = cases[i].adapter, .to = cases[i].to, .out = folder};
    if (rd_convert(&o, NULL, &e) == RD_OK || !strstr(e.message, cases[i].message))
      fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].message, e.message);
    assert_int_equal(rmdir(folder), 0);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(conversions_keep_the_logits), cmocka_unit_test(adapters_are_written),
      cmocka_unit_test(older_adapters_are_written), cmocka_unit_test(failures_write_nothing)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
