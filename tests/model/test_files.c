/* SPDX-License-Identifier: MIT */
/* Damaged model files: every one is refused with a message that names the thing, none is believed.
 */
#include "adapter.h"
#include "family.h"
#include "gguf.h"
#include "model.h"
#include "model_store.h"
#include "scratch_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A safetensors file: the header's length (the true one for 0), the header padded to 8, `size`
 * bytes of data. Exact allocation, so that a read beyond it is seen by the sanitizers. */
static unsigned char *file_of(const char *header, uint64_t claimed, size_t size, size_t *total) {
  size_t length = strlen(header), n = claimed ? length : (length + 7) / 8 * 8;
  unsigned char *out = calloc(1, 8 + n + size);
  if (claimed == 0)
    claimed = n;
  memcpy(out, &claimed, 8);
  memset(out + 8, ' ', n);
  memcpy(out + 8, header, length);
  *total = 8 + n + size;
  return out;
}

static void damaged_safetensors_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *header;
    uint64_t claimed;
    size_t size;
    const char *message;
  } cases[] = {
      {"", 1, 0, "a header of 1 bytes in a file of 8"},
      {"{}", UINT64_C(1) << 60, 0, "a header of 1152921504606846976 bytes"},
      {"{", 0, 0, "not valid JSON"},
      {"[]      ", 0, 0, "the header is no JSON object"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 0, 4,
       "tensor w: ends at byte 8 of the data, the file has 4"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}  ", 0, 4,
       "tensor w: F32 of shape (2) takes 8 bytes, the file gives 4"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 0, 8, "is no count"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 0, 8, "make no range"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,8]}} ", 0,
       8, "the file gives 8"},
      {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
       "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}  ",
       0, 12, "tensors a and b overlap"},
      {"{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[1,5]}}   ", 0, 8,
       "8 bytes of data, 4 of them in no tensor"},
      {"{\"w\":3}", 0, 0, "tensor w: its entry needs"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    size_t total = 0;
    unsigned char *data = file_of(cases[i].header, cases[i].claimed, cases[i].size, &total);
    rd_tensors t = {0};
    rd_error e = {0};
    if (rd_safetensors_parse(&t, data, total, &e) == RD_OK || !strstr(e.message, cases[i].message))
      fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].message, e.message);
    rd_tensors_drop(&t);
    free(data);
  }
}

/* Every prefix of a real GGUF file, and every byte of its head flipped: errors or a sound parse, no
 * crash. */
static void damaged_gguf_is_refused(void **state) {
  (void)state;
  rd_map map;
  rd_error e = {0};
  assert_int_equal(rd_map_open(&map, GOLDEN "gguf/llama-gqa-tied.gguf", &e), RD_OK);
  rd_gguf g;
  assert_int_equal(rd_gguf_parse(&g, map.data, map.size, &e), RD_OK);
  assert_true(g.count > 5 && g.tensors.count > 10);
  rd_gguf_drop(&g);
  size_t head = map.size < 6000 ? map.size : 6000;
  for (size_t n = 0; n < head; n += n < 64 ? 1 : 37) {
    unsigned char *cut = malloc(n ? n : 1);
    memcpy(cut, map.data, n);
    assert_int_not_equal(rd_gguf_parse(&g, cut, n, &e), RD_OK);
    free(cut);
  }
  unsigned char *copy = malloc(map.size);
  for (size_t i = 0; i < head; i++) {
    memcpy(copy, map.data, map.size);
    copy[i] ^= (unsigned char)(1u << i % 8);
    if (rd_gguf_parse(&g, copy, map.size, &e) == RD_OK)
      rd_gguf_drop(&g);
  }
  free(copy);
  rd_map_close(&map);
  assert_int_equal(rd_gguf_parse(&g, (const unsigned char *)"GGUF\x09\0\0\0", 8, &e), RD_BAD_INPUT);
}

/* A small configuration, and one thing more. */
#define SMALL(type, more)                                                                          \
  "{\"model_type\":\"" type "\",\"num_hidden_layers\":2,\"hidden_size\":32,"                       \
  "\"num_attention_heads\":4,\"head_dim\":8,\"intermediate_size\":64,\"vocab_size\":10," more "}"

static void configurations_that_make_no_sense_are_named(void **state) {
  (void)state;
  static const struct {
    const char *text, *message;
  } cases[] = {
      {"{}", "model_type is missing"},
      {"{\"model_type\":\"mamba\"}", "type \"mamba\"; the known families are llama, qwen2"},
      {"{\"model_type\":\"llama\"}", "num_hidden_layers is missing; family llama needs it"},
      {"{\"model_type\":\"llama\",\"num_hidden_layers\":\"two\"}",
       "expected an integer, found a string"},
      {"{\"model_type\":\"llama\",\"num_hidden_layers\":2,\"hidden_size\":32,\"num_attention_"
       "heads\":4,"
       "\"num_key_value_heads\":3,\"intermediate_size\":64,\"vocab_size\":10}",
       "4 heads cannot share 3 key/value heads evenly"},
      {"{\"model_type\":\"llama\",\"num_hidden_layers\":2000,\"hidden_size\":32,\"num_attention_"
       "heads\":4,"
       "\"intermediate_size\":64,\"vocab_size\":10}",
       "layers: 2000 is outside 1..1024"},
      {"{\"model_type\":\"llama\",\"num_hidden_layers\":2,\"hidden_size\":32,\"num_attention_"
       "heads\":4,"
       "\"intermediate_size\":64,\"vocab_size\":10,\"rope_scaling\":{\"rope_type\":"
       "\"proportional\"}}",
       "rope_scaling of type \"proportional\"; default, linear, llama3, yarn, dynamic and "
       "longrope"},
      {"{\"model_type\":\"llama\",\"num_hidden_layers\":2,\"hidden_size\":32,\"num_attention_"
       "heads\":4,"
       "\"intermediate_size\":64,\"vocab_size\":10,\"eos_token_id\":[3,10]}",
       "eos_token_id: 10 is outside the vocabulary of 10"},
      {SMALL("llama", "\"hidden_act\":\"xielu\""),
       "hidden_act is \"xielu\", which is not computed here; what is computed: silu, swish, gelu"},
      {SMALL("gemma2", "\"hidden_activation\":\"mish\""), "hidden_activation is \"mish\""},
      {SMALL("llama", "\"hidden_activation\":\"gelu\""), "hidden_activation is \"gelu\""},
      {SMALL("llama", "\"partial_rotary_factor\":0.5"),
       "partial_rotary_factor is 0.5, which is not computed for family llama"},
      {SMALL("llama", "\"rope_parameters\":{\"partial_rotary_factor\":0.5}"),
       "partial_rotary_factor is 0.5"},
      {SMALL("llama", "\"rope_parameters\":{\"full_attention\":{\"rope_theta\":500}}"),
       "rope_parameters has full_attention, which family llama does not compute"},
      {SMALL("gemma3_text", "\"rope_parameters\":{\"rope_theta\":500}"),
       "rope_parameters has rope_theta, which family gemma3 does not compute"},
      {SMALL("gemma3_text", "\"rope_scaling\":{\"sliding_attention\":{}}"),
       "rope_scaling has sliding_attention"},
      {SMALL("mistral", "\"sliding_window\":0"), "sliding_window: 0 is outside 1.."},
      {SMALL("phi3", "\"partial_rotary_factor\":0.4"), "turns 3 of 8 numbers of a head"},
      {SMALL("llama", "\"use_sliding_window\":true"), "use_sliding_window is true"},
      {SMALL("llama", "\"layer_types\":[\"full_attention\",\"sliding_attention\"]"),
       "layer 1 is \"sliding_attention\", which family llama with a sliding_window of 0"},
      {SMALL("mistral", "\"sliding_window\":4,\"layer_types\":[\"full_attention\","
                        "\"sliding_attention\"]"),
       "layer 0 is \"full_attention\", which family mistral"},
      {SMALL("qwen2", "\"layer_types\":[\"full_attention\",\"linear_attention\"]"),
       "layer_types: layer 1 is \"linear_attention\"; what is computed: full_attention"},
      {SMALL("gemma3_text", "\"layer_types\":[\"full_attention\"]"), "names 1 layers of 2"},
      {SMALL("smollm3", "\"no_rope_layers\":[1]"), "no_rope_layers names 1 layers of 2"},
      {SMALL("gemma3_text", "\"attn_logit_softcapping\":50.0"), "attn_logit_softcapping is 50.0"},
      {SMALL("granite", "\"logits_scaling\":0"), "logits_scaling"},
      {SMALL("mistral", "\"mlp_bias\":true"), "mlp_bias is true"},
      {SMALL("llama", "\"rope_scaling\":{\"rope_type\":\"dynamic\"}"), "no factor"},
      {SMALL("llama", "\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":0.5}"),
       "factor 0.5 is below 1"},
      {SMALL("llama", "\"rope_scaling\":{\"rope_type\":\"longrope\",\"factor\":2,"
                      "\"short_factor\":[1,1],\"long_factor\":[1,1]}"),
       "longrope needs short_factor, a list of 4 numbers"},
      {SMALL("llama", "\"rope_scaling\":{\"rope_type\":\"longrope\",\"factor\":2,"
                      "\"short_factor\":[1,1,1,0],\"long_factor\":[1,1,1,1]}"),
       "short_factor: number 3 is no divisor"},
      {SMALL("llama", "\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":2},\"rope_theta\":1"),
       "yarn with a rope_theta of 1"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    json_t *json = NULL;
    rd_config c;
    rd_error e = {0};
    assert_int_equal(rd_json_parse(&json, cases[i].text, strlen(cases[i].text), "text", &e), RD_OK);
    if (rd_config_read(&c, json, NULL, &e) == RD_OK || !strstr(e.message, cases[i].message))
      fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].message, e.message);
    json_decref(json);
  }
}

static void configurations_survive_writing_and_reading(void **state) {
  (void)state;
  static const char *const models[] = {"llama3-rope-scaled", "qwen3", "llada", "dream"};
  for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
    char *path = rd_print(GOLDEN "models/%s/config.json", models[i]);
    json_t *json = NULL;
    rd_config c, again;
    rd_error e = {0};
    if (rd_json_open(&json, path, &e) || rd_config_read(&c, json, NULL, &e))
      fail_msg("%s", e.message);
    json_t *written = rd_config_json(&c, RD_F32);
    assert_int_equal(rd_config_read(&again, written, NULL, &e), RD_OK);
    assert_memory_equal(&c, &again, sizeof c);
    json_decref(written);
    json_decref(json);
    free(path);
  }
}

static void models_that_cannot_be_opened_say_why(void **state) {
  (void)state;
  static const struct {
    const char *path, *adapter, *message;
  } cases[] = {
      {"/nonexistent", NULL, "/nonexistent/config.json: no such file"},
      {RD_SOURCE_DIR "/tests", NULL, "a model is a Hugging Face folder with config.json"},
      {RD_SOURCE_DIR "/missing.gguf", NULL, "missing.gguf: cannot open"},
      {GOLDEN "models/llama-mha", "/nonexistent", "/nonexistent/adapter_config.json: cannot open"},
      {GOLDEN "models/llama-gqa-tied", GOLDEN "adapters/qwen3-seven", "expected shape"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_model_options o = {.path = cases[i].path, .adapter = cases[i].adapter};
    rd_model *m = NULL;
    rd_error e = {0};
    if (rd_model_open(&m, &o, &e) == RD_OK || m || !strstr(e.message, cases[i].message))
      fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].message, e.message);
  }
}

/* A model of every kind opens, with as many tensors as it has. */
static void every_kind_of_files_opens(void **state) {
  (void)state;
  static const struct {
    const char *end, *file;
    size_t tensors;
  } cases[] = {
      {".gguf", GOLDEN "gguf/llama-gqa-tied.gguf", 20},
      {".safetensors", GOLDEN "models/llama-mha/model.safetensors", 21},
      {".bin", GOLDEN "torch/llama-mha.bin", 21},
      {".pth", GOLDEN "torch/llama-mha.bin", 21},
      {".pt", GOLDEN "torch/llama-mha.bin", 21},
      {"", GOLDEN "models/llama-mha", 21},
  };
  char folder[64];
  temporary(folder, sizeof folder);
  copy_file(GOLDEN "models/llama-mha/config.json", in(folder, "config.json"));
  const char *end;
  for (size_t i = 0; (end = rd_table_name(&rd_model_file_kinds, i)); i++) {
    size_t c = 0;
    while (c < sizeof cases / sizeof *cases && strcmp(cases[c].end, end) != 0)
      c++;
    if (c == sizeof cases / sizeof *cases)
      fail_msg("no model of the kind \"%s\": add one above", end);
    const char *path = cases[c].file;
    rd_model_file file;
    rd_config config;
    rd_error e = {0};
    if (*end) {
      char name[40];
      snprintf(name, sizeof name, "weights%s", end);
      path = in(folder, name);
      copy_file(cases[c].file, path);
    }
    if (rd_model_file_open(&file, &config, path, &e) != RD_OK)
      fail_msg("%s: %s", path, e.message);
    assert_int_equal(file.tensors.count, cases[c].tensors);
    assert_non_null(config.family);
    assert_non_null(file.names);
    rd_model_file_drop(&file);
    if (*end)
      unlink(path);
  }
  static const char *const left[] = {"config.json"};
  sweep(folder, left, 1);
}

/* A file that may be missing, and is a link that leads nowhere: no model opens without it. */
static void links_that_lead_nowhere_are_said(void **state) {
  (void)state;
  static const char *const names[] = {"config.json", "generation_config.json",
                                      "tokenizer_config.json", "model.safetensors",
                                      "tokenizer.json"};
  enum { NAMES = sizeof names / sizeof *names };
  char folder[64];
  temporary(folder, sizeof folder);
  for (size_t i = 0; i < NAMES; i++) {
    for (size_t k = 0; k < NAMES; k++) {
      const char *path = in(folder, names[k]);
      unlink(path);
      if (k == i)
        assert_int_equal(symlink("nowhere", path), 0);
      else
        copy_file(in(GOLDEN "models/llama-mha", names[k]), path);
    }
    const rd_model_options o = {.path = folder};
    rd_model *m = NULL;
    rd_error e = {0};
    assert_int_equal(rd_model_open(&m, &o, &e), RD_IO);
    if (!strstr(e.message, names[i]) || !strstr(e.message, "leads nowhere"))
      fail_msg("%s: %s", names[i], e.message);
  }
  sweep(folder, names, NAMES);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(damaged_safetensors_are_refused),
      cmocka_unit_test(damaged_gguf_is_refused),
      cmocka_unit_test(configurations_that_make_no_sense_are_named),
      cmocka_unit_test(configurations_survive_writing_and_reading),
      cmocka_unit_test(models_that_cannot_be_opened_say_why),
      cmocka_unit_test(every_kind_of_files_opens),
      cmocka_unit_test(links_that_lead_nowhere_are_said),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
