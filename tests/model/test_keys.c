/* SPDX-License-Identifier: MIT */
/* Keys that people write into config.json and adapter_config.json, beside transformers and peft:
 * tests/golden/keys.json holds what tools/judges/keys.py made, a model of tests/golden/families.zip
 * with keys laid over its own, an adapter whose numbers follow from names, and some logits of the
 * last row. Tables of what is refused, and of what the weights of a folder may be called. */
#include "computed.h"
#include "family.h"
#include "family_records.h"

enum { STEP = 5 }; /* of the vocabulary, in keys.json */

static const char *const gone = "(no such key)";

/* config.json with other keys. */
static void lay_over(const record *r, const json_t *keys) {
  rd_error e = {0};
  const char *key = NULL;
  json_t *value = NULL, *config = json_deep_copy(json_object_get(r->json, "config"));
  json_object_foreach((json_t *)(uintptr_t)keys, key, value) {
    if (json_is_string(value) && strcmp(json_string_value(value), gone) == 0)
      json_object_del(config, key);
    else
      json_object_set(config, key, value);
  }
  assert_int_equal(rd_json_write(r->folder, "config.json", config, &e), RD_OK);
  json_decref(config);
}

static void write_adapter(const char *folder, const json_t *row) {
  rd_error e = {0};
  assert_int_equal(
      rd_json_write(folder, "adapter_config.json", json_object_get(row, "adapter"), &e), RD_OK);
  write_tensors(in(folder, "adapter_model.safetensors"), json_object_get(row, "tensors"),
                "magnitude", 1);
}

/* Merged, an adapter's biases need a place. */
static bool has_no_place(const rd_error *e) {
  return strstr(e->message, "a bias, which the model has no place for") != NULL;
}

static void check_row(const json_t *row, rd_adapter_use use) {
  static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors"};
  const json_t *logits = json_object_get(row, "logits");
  const bool adapted = json_object_get(row, "adapter") != NULL;
  char adapter[64];
  record r;
  rd_error e = {0};
  rd_model *m = NULL;
  open_record(&r, json_string_value(json_object_get(row, "base")));
  lay_over(&r, json_object_get(row, "keys"));
  temporary(adapter, sizeof adapter);
  if (adapted)
    write_adapter(adapter, row);
  rd_model_options o = {
      .path = r.path, .adapter = adapted ? adapter : NULL, .precision = "f32", .use = use};
  char *said = json_dumps(adapted ? json_object_get(row, "adapter") : json_object_get(row, "keys"),
                          JSON_COMPACT);
  const rd_code code = rd_model_open(&m, &o, &e);
  if (code != RD_OK && !(use == RD_ADAPTER_MERGED && has_no_place(&e)))
    fail_msg("%s: %s", said, e.message);
  if (code != RD_OK) {
    /* what stands in families that have biases, and in those that have none */
    assert_true(strstr(said, "lora_bias") && !strstr(r.name, "biases"));
    free(said);
    sweep(adapter, files, 2);
    close_record(&r);
    return;
  }
  r.block = m->config.block;
  float *found = run(&r, m, (int64_t[]){r.count, 0});
  double size = 0, off = 0;
  for (size_t i = 0; i < json_array_size(logits); i++) {
    double want = json_number_value(json_array_get(logits, i)),
           is = (double)found[(r.count - 1) * m->config.vocab + STEP * (int64_t)i];
    size += want * want;
    off += (is - want) * (is - want);
  }
  if (!(size > 0 && off <= 1e-8 * size))
    fail_msg("%s: off by %g of the norm", said, sqrt(off / size));
  free(found);
  free(said);
  rd_model_close(&m);
  sweep(adapter, files, 2);
  close_record(&r);
}

static void keys_are_the_judges(void **state) {
  (void)state;
  json_t *rows = NULL, *row = NULL;
  size_t i = 0;
  rd_error e = {0};
  assert_int_equal(rd_json_open(&rows, GOLDEN "keys.json", &e), RD_OK);
  assert_true(json_array_size(rows) >= 10);
  json_array_foreach(rows, i, row)
    for (rd_adapter_use use = RD_ADAPTER_AUTO; use <= RD_ADAPTER_MERGED; use++)
      check_row(row, use);
  json_decref(rows);
}

/* What the judges refuse, or pass over with a warning. */
static void what_is_not_computed_is_named(void **state) {
  (void)state;
  static const struct {
    const char *base, *keys, *message;
  } cases[] = {
      {"llama", "{\"is_causal\": null}", "is_causal is neither true nor false"},
      {"llama", "{\"eos_token_id\": \"2\"}", "eos_token_id is neither a number nor a list"},
      {"llama", "{\"quantization_config\": {\"quant_method\": \"bitnet\"}}",
       "quantization_config is {\"quant_method\":\"bitnet\"}"},
      {"llama", "{\"hidden_act\": \"mish\"}", "hidden_act is \"mish\""},
      {"llama", "{\"rope_scaling\": {\"type\": \"mrope\"}}", "rope_scaling of type \"mrope\""},
      {"llama", "{\"rope_scaling\": {\"type\": \"linear\", \"factor\": \"2\"}}",
       "factor: expected a number"},
      {"llama", "{\"partial_rotary_factor\": 0.5}", "partial_rotary_factor is 0.5"},
      {"qwen2", "{\"layer_types\": [\"linear_attention\", \"a\", \"b\"]}", "\"linear_attention\""},
      {"llama", "{\"num_attention_heads\": 4.0}", "num_attention_heads: expected an integer"},
      {"smollm3", "{\"no_rope_layers\": [1, 0]}", "no_rope_layers names 2 layers of 5"},
      {"gemma3", "{\"attn_logit_softcapping\": 5.0}", "attn_logit_softcapping is 5.0"},
      {"gemma2", "{\"tie_word_embeddings\": false}", "tensor lm_head.weight is missing"},
      {"olmo2", "{\"clip_qkv\": 1.0}", "clip_qkv is 1.0"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    json_t *keys = json_loads(cases[i].keys, 0, NULL);
    rd_error e = {0};
    rd_model *m = NULL;
    record r;
    open_record(&r, cases[i].base);
    lay_over(&r, keys);
    rd_code code = rd_model_open(&m, &(rd_model_options){.path = r.path}, &e);
    if (code == RD_OK || !strstr(e.message, cases[i].message))
      fail_msg("%s: %d \"%s\"", cases[i].keys, (int)code, e.message);
    close_record(&r);
    json_decref(keys);
  }
}

static void adapters_hold_what_they_name(void **state) {
  (void)state;
  static const char q[] = "model.layers.0.self_attn.q_proj",
                    v[] = "model.layers.1.self_attn.v_proj";
  static const struct {
    const char *keys, *module;
    bool dora;
    const char *message; /* NULL: it opens */
  } cases[] = {
      {"{\"target_modules\": [\"q_proj\"]}", q, false, NULL},
      {"{\"target_modules\": [\"self_attn.q_proj\"]}", q, false, NULL},
      {"{\"target_modules\": [\"model.layers.0.self_attn.q_proj\"]}", q, false, NULL},
      {"{\"target_modules\": [\"proj\"]}", q, false, "q_proj has factors, but target_modules"},
      {"{\"target_modules\": \"all-linear\"}", q, false, NULL},
      {"{\"target_modules\": \".*\\\\.q_proj\"}", q, false, NULL},
      {"{\"target_modules\": \"q_proj\"}", q, false, "q_proj has factors"},
      {"{\"target_modules\": [\"q_proj\"]}", v, false, "v_proj has factors"},
      {"{\"target_modules\": [\"v_proj\"], \"layers_to_transform\": [1]}", v, false, NULL},
      {"{\"target_modules\": [\"v_proj\"], \"layers_to_transform\": 1, \"layers_pattern\": "
       "\"layers\"}",
       v, false, NULL},
      {"{\"target_modules\": [\"v_proj\"], \"layers_to_transform\": [0, 2]}", v, false,
       "layers_to_transform leave it out"},
      {"{\"target_modules\": [\"v_proj\"], \"layers_to_transform\": 1, \"layers_pattern\": "
       "[\"h\"]}",
       v, false, "layers_to_transform leave it out"},
      {"{\"target_modules\": [\"v_proj\"], \"exclude_modules\": [\"v_proj\"]}", v, false,
       "exclude_modules"},
      {"{\"target_modules\": [\"v_proj\"], \"exclude_modules\": \".*layers.1.*\"}", v, false,
       "exclude_modules"},
      {"{\"target_modules\": [\"q_proj\"], \"use_dora\": true}", q, true, NULL},
      {"{\"target_modules\": [\"q_proj\"], \"use_dora\": true}", q, false,
       "use_dora is true, but model.layers.0.self_attn.q_proj has no lora_magnitude_vector"},
      {"{\"target_modules\": [\"q_proj\"]}", q, true, "use_dora is not true"},
      {"{\"target_modules\": [\"q_proj\"], \"modules_to_save\": [\"lm_head\"]}", q, false,
       "modules_to_save names lm_head, of which the adapter's file holds nothing"},
  };
  static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors"};
  record r;
  open_record(&r, "llama");
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const int64_t width = 32, rows = cases[i].module == q ? 32 : 16;
    char folder[64], a[120], b[120], m[120];
    rd_error e = {0};
    rd_model *model = NULL;
    snprintf(a, sizeof a, "base_model.model.%s.lora_A.weight", cases[i].module);
    snprintf(b, sizeof b, "base_model.model.%s.lora_B.weight", cases[i].module);
    snprintf(m, sizeof m, "base_model.model.%s.lora_magnitude_vector", cases[i].module);
    json_t *row =
        json_pack("{s:o, s:{s:[i,I], s:[I,i]}}", "adapter", json_loads(cases[i].keys, 0, NULL),
                  "tensors", a, 2, (json_int_t)width, b, (json_int_t)rows, 2);
    json_object_set_new(json_object_get(row, "adapter"), "r", json_integer(2));
    if (cases[i].dora)
      json_object_set_new(json_object_get(row, "tensors"), m, json_pack("[I]", (json_int_t)rows));
    temporary(folder, sizeof folder);
    write_adapter(folder, row);
    rd_code code = rd_model_open(
        &model, &(rd_model_options){.path = r.path, .adapter = folder, .precision = "f32"}, &e);
    if (cases[i].message ? code == RD_OK || !strstr(e.message, cases[i].message) : code != RD_OK)
      fail_msg("%s: %d \"%s\"", cases[i].keys, (int)code, e.message);
    rd_model_close(&model);
    json_decref(row);
    sweep(folder, files, 2);
  }
  close_record(&r);
}

/* --- names of weights ------------------------------------------------------------------------- */

/* The record's logits, with its tensors under other names or with one more; NULL: refused. */
static float *logits_with(const record *r, json_t *tensors, rd_error *e) {
  rd_model *m = NULL;
  write_tensors(in(r->folder, "model.safetensors"), tensors, "norm", 1);
  if (rd_model_open(&m, &(rd_model_options){.path = r->path, .precision = "f32"}, e) != RD_OK)
    return NULL;
  float *out = run(r, m, (int64_t[]){r->count, 0});
  rd_model_close(&m);
  return out;
}

/* Biases that the configuration does not speak of are no part of the model, as with transformers.
 */
static void tensors_nobody_speaks_of_change_nothing(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int size;
  } more[] = {{"model.layers.0.self_attn.q_proj.bias", 32},
              {"model.layers.0.self_attn.o_proj.bias", 32},
              {"model.layers.1.mlp.up_proj.bias", 40},
              {"model.layers.0.self_attn.q_norm.weight", 8},
              {"model.layers.0.self_attn.rotary_emb.inv_freq", 4},
              {"model.layers.7.mlp.up_proj.weight", 3}};
  record r;
  rd_error e = {0};
  open_record(&r, "llama");
  json_t *tensors = json_deep_copy(json_object_get(r.json, "tensors"));
  float *want = logits_with(&r, tensors, &e);
  assert_non_null(want);
  for (size_t i = 0; i < sizeof more / sizeof *more; i++)
    json_object_set_new(tensors, more[i].name, json_pack("[i]", more[i].size));
  float *found = logits_with(&r, tensors, &e);
  assert_non_null(found);
  assert_memory_equal(found, want, (size_t)(r.count * 96) * sizeof *want);
  free(found);
  free(want);
  json_decref(tensors);
  close_record(&r);
}

/* The record's tensors, each under the name that `form` makes of it, the first word off where
 * `bare`. Numbers follow from names, so that logits of the others are compared, not these. */
static json_t *renamed(const record *r, const char *form, bool bare) {
  json_t *out = json_object(), *shape = NULL;
  const char *name = NULL;
  json_object_foreach(json_object_get(r->json, "tensors"), name, shape) {
    char text[200];
    bool body = strncmp(name, "model.", 6) == 0;
    snprintf(text, sizeof text, form, bare && body ? name + 6 : name);
    json_object_set(out, text, shape);
  }
  return out;
}

static void names_may_lack_their_first_word(void **state) {
  (void)state;
  record r;
  rd_error e = {0};
  rd_model *m = NULL;
  open_record(&r, "smollm3"); /* tied: complete without its head */
  json_t *bare = renamed(&r, "%s", true), *wrapped = renamed(&r, "module.%s", false);
  float *found = logits_with(&r, bare, &e);
  if (!found)
    fail_msg("%s", e.message);
  free(found);
  write_tensors(in(r.folder, "model.safetensors"), wrapped, "norm", 1);
  assert_int_equal(rd_model_open(&m, &(rd_model_options){.path = r.path}, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "there is module.model.embed_tokens.weight"));
  json_decref(bare);
  json_decref(wrapped);
  close_record(&r);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(keys_are_the_judges),
      cmocka_unit_test(what_is_not_computed_is_named),
      cmocka_unit_test(adapters_hold_what_they_name),
      cmocka_unit_test(tensors_nobody_speaks_of_change_nothing),
      cmocka_unit_test(names_may_lack_their_first_word),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
