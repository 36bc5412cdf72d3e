/* SPDX-License-Identifier: MIT */
/* Models written as GGUF files open as the same models: their logits, sizes, special tokens, words
 * and what is remembered; also as the one file of a folder. */
#include "convert.h"
#include "gguf.h"
#include "inspect.h"
#include "model_files.h"

static const char file_name[] = "model.gguf";

static rd_model *opened(const char *path) {
  rd_model *m = NULL;
  rd_error e = {0};
  if (rd_model_open(&m, &(rd_model_options){.path = path, .precision = "f32"}, &e) != RD_OK)
    fail_msg("%s", e.message);
  return m;
}

static void same_ids(const rd_model *a, const rd_model *b) {
  static const char text[] = "It's 2026,  isn't it?\n\tZ\xC3\xBCrich <|end_of_text|> 12.5%";
  int32_t *x = NULL, *y = NULL;
  size_t n = 0, m = 0;
  rd_error e = {0};
  assert_int_equal(
      rd_tokenizer_encode(a->tokenizer, text, strlen(text), RD_TOK_SPECIAL, &x, &n, &e), RD_OK);
  assert_int_equal(
      rd_tokenizer_encode(b->tokenizer, text, strlen(text), RD_TOK_SPECIAL, &y, &m, &e), RD_OK);
  assert_int_equal(n, m);
  assert_memory_equal(x, y, n * sizeof *x);
  free(x);
  free(y);
}

/* Everything that the file must say beside the weights. */
static void same_model(const char *before, const char *after) {
  rd_model *a = opened(before), *b = opened(after);
  const rd_config *c = &a->config, *d = &b->config;
  const int64_t sizes[][2] = {{c->vocab, d->vocab},
                              {c->positions, d->positions},
                              {c->block, d->block},
                              {c->mask, d->mask},
                              {c->shift_logits, d->shift_logits},
                              {c->canvas, d->canvas},
                              {c->tied, d->tied},
                              {c->eos_count, d->eos_count},
                              {c->rope.kind == d->rope.kind, true}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (sizes[i][0] != sizes[i][1])
      fail_msg("%s: fact %zu: %lld became %lld", before, i, (long long)sizes[i][0],
               (long long)sizes[i][1]);
  assert_ptr_equal(c->family, d->family);
  assert_memory_equal(c->eos, d->eos, (size_t)c->eos_count * sizeof *c->eos);
  assert_true((a->chat_template == NULL) == (b->chat_template == NULL));
  assert_int_equal(rd_tokenizer_adds_bos(a->tokenizer), rd_tokenizer_adds_bos(b->tokenizer));
  same_ids(a, b);
  rd_model_close(&a);
  rd_model_close(&b);
}

static void files_keep_the_model(void **state) {
  (void)state;
  static const struct {
    const char *path, *adapter, *to, *storage;
    double bound;
  } cases[] = {
      {"models/llama-mha", NULL, NULL, "F32", 1e-6},
      {"models/llama-mha", NULL, "f16", "F16", 3e-3},
      {"models/llama-gqa-tied", NULL, NULL, "F32", 1e-6},
      {"models/llama-bf16", NULL, "f32", "F32", 1e-6},
      {"models/llama-linear-scaled", NULL, NULL, "F32", 1e-6},
      {"models/llama3-rope-scaled", NULL, NULL, "BF16", 1e-6},
      {"models/qwen2", NULL, "bf16", "BF16", 2e-2},
      {"models/qwen2", NULL, NULL, "BF16", 1e-12},
      {"models/qwen3", "adapters/qwen3-seven", "f32", "F32", 1e-5},
      {"models/llada", NULL, NULL, "F32", 1e-6},
      {"models/dream", NULL, NULL, "BF16", 1e-12},
      {"gguf/llama-gqa-tied.gguf", NULL, "f32", "F32", 1e-12},
      {"../../models/stories260K/stories260K.gguf", NULL, "f32", "F32", 1e-12},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char folder[64], path[300], adapter[300] = "";
    rd_error e = {0};
    temporary(folder, sizeof folder);
    snprintf(path, sizeof path, GOLDEN "%s", cases[i].path);
    if (cases[i].adapter)
      snprintf(adapter, sizeof adapter, GOLDEN "%s", cases[i].adapter);
    const rd_convert_options o = {.path = path,
                                  .adapter = cases[i].adapter ? adapter : NULL,
                                  .to = cases[i].to,
                                  .gguf = true,
                                  .out = in(folder, file_name)};
    if (rd_convert(&o, NULL, &e) != RD_OK)
      fail_msg("%s: %s", cases[i].path, e.message);
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
    same_model(path, in(folder, file_name));
    rd_model *m = opened(folder);
    assert_string_equal(rd_tensors_format(rd_model_tensors(m))->name, cases[i].storage);
    rd_model_close(&m);
    if (rd_convert(&o, NULL, &e) != RD_USAGE || !strstr(e.message, "is there already"))
      fail_msg("a second time: %s", e.message);
    sweep(folder, (const char *const[]){file_name}, 1);
  }
}

/* The numbers of a file of blocks are those that its blocks decode to: written out in f32 they give
 * the same logits to the last bit. Rows that are no whole blocks stay f32. */
static void keep_their_numbers(const char *type, double most) {
  char folder[64];
  rd_error e = {0};
  temporary(folder, sizeof folder);
  const rd_convert_options made[] = {
      {.path = GOLDEN "models/llama-mha", .to = type, .gguf = true, .out = in(folder, "a.gguf")},
      {.path = in(folder, "a.gguf"), .to = "f32", .gguf = true, .out = in(folder, "b.gguf")}};
  int64_t n[3] = {0};
  float *logits[3];
  for (int i = 0; i < 2; i++)
    if (rd_convert(&made[i], NULL, &e) != RD_OK)
      fail_msg("%s", e.message);
  const char *const paths[] = {made[0].path, made[0].out, made[1].out};
  for (int i = 0; i < 3; i++)
    logits[i] = logits_of(&(rd_model_options){.path = paths[i], .precision = "f32"}, &n[i]);
  assert_int_equal(n[1], n[2]);
  assert_memory_equal(logits[1], logits[2], (size_t)n[1] * sizeof(float));
  const double lost = distance(logits[1], logits[0], n[0]);
  if (!(lost > 1e-5 && lost < most))
    fail_msg("%s moves logits by %g", type, lost);
  rd_model *m = opened(made[0].out);
  size_t blocks = 0;
  for (size_t i = 0; i < rd_model_tensors(m)->count; i++)
    blocks += rd_model_tensors(m)->items[i].format->block == 32;
  assert_true(blocks > 0);
  rd_model_close(&m);
  for (int i = 0; i < 3; i++)
    free(logits[i]);
  rd_model *none = NULL;
  if (rd_model_open(&none, &(rd_model_options){.path = folder}, &e) != RD_USAGE ||
      !strstr(e.message, "several GGUF files"))
    fail_msg("a folder of two files: %s", e.message);
  sweep(folder, (const char *const[]){"a.gguf", "b.gguf"}, 2);
}

static void blocks_keep_their_numbers(void **state) {
  (void)state;
  keep_their_numbers("q8_0", 5e-2);
  keep_their_numbers("q4_0", 0.5);
}

/* What is chosen at conversion is remembered, and a redraft.json beside the file counts more; ids
 * of a generation_config.json end answers too. */
static void choices_are_remembered(void **state) {
  (void)state;
  static const char choice[] = "{\"mask_token_id\": 7}", more[] = "{\"eos_token_id\": [3, 9]}";
  char folder[64];
  rd_error e = {0};
  temporary(folder, sizeof folder);
  const rd_convert_options o = {.path = GOLDEN "models/llama-mha",
                                .mask_token = "<|end_header_id|>",
                                .chat_template = "llama-3.1",
                                .gguf = true,
                                .out = in(folder, file_name)};
  if (rd_convert(&o, NULL, &e) != RD_OK)
    fail_msg("%s", e.message);
  rd_model *m = opened(o.out);
  assert_int_equal(m->config.mask, rd_tokenizer_id(m->tokenizer, o.mask_token));
  assert_string_equal(m->remembered.chat_template, "llama-3.1");
  rd_model_close(&m);
  write_bytes(in(folder, "redraft.json"), choice, strlen(choice));
  write_bytes(in(folder, "generation_config.json"), more, strlen(more));
  m = opened(folder);
  assert_int_equal(m->config.mask, 7);
  assert_true(rd_config_is_eos(&m->config, 3) && rd_config_is_eos(&m->config, 9));
  rd_model_close(&m);
  sweep(folder, (const char *const[]){file_name, "redraft.json", "generation_config.json"}, 3);
}

static void refusals_write_nothing(void **state) {
  (void)state;
  static const struct {
    const char *path, *to, *message;
    bool gguf;
  } cases[] = {
      {GOLDEN "models/llama-mha", "q8_0", "--gguf", false},
      {GOLDEN "models/llama-mha", "q3_k", "unknown type of weights", true},
      {RD_BUILD_DIR "/golden/tokenizers/split-words", NULL, "no such file", true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char folder[64];
    rd_error e = {0};
    temporary(folder, sizeof folder);
    const rd_convert_options o = {.path = cases[i].path,
                                  .to = cases[i].to,
                                  .gguf = cases[i].gguf,
                                  .out = cases[i].gguf ? in(folder, file_name) : folder};
    if (rd_convert(&o, NULL, &e) == RD_OK || !strstr(e.message, cases[i].message))
      fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].message, e.message);
    assert_int_equal(rmdir(folder), 0);
  }
}

/* tini cuts digits one by one, GPT-2 does not; its merges join no digits, so that GPT-2's name,
 * which every program knows, makes the same tokens. */
static void a_known_name_is_found(void **state) {
  (void)state;
  char folder[64];
  rd_error e = {0};
  rd_gguf g;
  rd_gguf_text name = {0};
  temporary(folder, sizeof folder);
  const rd_convert_options o = {
      .path = RD_SOURCE_DIR "/models/tini", .gguf = true, .out = in(folder, file_name)};
  if (rd_convert(&o, NULL, &e) != RD_OK || rd_gguf_open(&g, o.out, &e) != RD_OK ||
      rd_gguf_text_of(&g, "tokenizer.ggml.pre", &name, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_int_equal(name.size, 5);
  assert_memory_equal(name.data, "gpt-2", 5);
  rd_gguf_drop(&g);
  same_model(o.path, o.out);
  sweep(folder, (const char *const[]){file_name}, 1);
}

/* A Mistral whose layers see everything (v0.2, v0.3) is a LLaMA to every reader of such files. */
static void mistral_without_a_window_is_a_llama(void **state) {
  (void)state;
  static const char *const files[] = {
      "generation_config.json", "model.safetensors", "tokenizer.json",
      "tokenizer_config.json",  "config.json",       file_name};
  static const char config[] =
      "{\"architectures\":[\"MistralForCausalLM\"],\"model_type\":\"mistral\",\"hidden_size\":32,"
      "\"intermediate_size\":64,\"num_attention_heads\":4,\"num_hidden_layers\":2,"
      "\"num_key_value_heads\":4,\"vocab_size\":288,\"rms_norm_eps\":1e-5,"
      "\"max_position_embeddings\":256,\"eos_token_id\":281,\"bos_token_id\":280,"
      "\"tie_word_embeddings\":false,\"sliding_window\":%s}";
  static const char *const windows[] = {"null", "40"}, *const families[] = {"llama", "mistral"};
  for (int i = 0; i < 2; i++) {
    char folder[64], text[600];
    rd_error e = {0};
    int64_t n = 0;
    temporary(folder, sizeof folder);
    for (size_t f = 0; f < 4; f++)
      copy_file(in(GOLDEN "models/llama-mha", files[f]), in(folder, files[f]));
    snprintf(text, sizeof text, config, windows[i]);
    write_bytes(in(folder, "config.json"), text, strlen(text));
    const rd_convert_options o = {.path = folder, .gguf = true, .out = in(folder, file_name)};
    float *before = logits_of(&(rd_model_options){.path = folder, .precision = "f32"}, &n);
    if (rd_convert(&o, NULL, &e) != RD_OK)
      fail_msg("a window of %s: %s", windows[i], e.message);
    rd_model *m = opened(o.out);
    assert_string_equal(m->config.family->name, families[i]);
    rd_model_close(&m);
    float *after = logits_of(&(rd_model_options){.path = o.out, .precision = "f32"}, &n);
    assert_true(distance(after, before, n) <= 1e-6);
    free(before);
    free(after);
    sweep(folder, files, sizeof files / sizeof *files);
  }
}

/* Rows that are no whole blocks stay f32, which is said, and the file's type is one that it has. */
static void wide_rows_are_said(void **state) {
  (void)state;
  static const struct {
    const char *path, *to;
    int64_t matrices, wide, cols, type;
  } cases[] = {{"models/llama-mha", "q8_0", 16, 0, 0, 7},
               {"models/llama-mha", "q4_0", 16, 0, 0, 2},
               {"models/llama-gqa-tied", "q4_0", 15, 2, 48, 2},
               {"models/qwen2", "q4_0", 16, 16, 48, 0},
               {"models/qwen2", NULL, 16, 0, 0, 32}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char folder[64], path[300];
    rd_error e = {0};
    rd_converted done;
    rd_gguf g;
    int64_t type = -1, wide = 0;
    temporary(folder, sizeof folder);
    snprintf(path, sizeof path, GOLDEN "%s", cases[i].path);
    const rd_convert_options o = {
        .path = path, .to = cases[i].to, .gguf = true, .out = in(folder, file_name)};
    if (rd_convert(&o, &done, &e) != RD_OK || rd_gguf_open(&g, o.out, &e) != RD_OK ||
        rd_gguf_int(&g, "general.file_type", 0, 99, &type, &e) != RD_OK)
      fail_msg("%s", e.message);
    for (size_t k = 0; k < g.tensors.count; k++)
      wide += g.tensors.items[k].dims == 2 && g.tensors.items[k].format->dtype == RD_F32;
    assert_int_equal(done.types.matrices, cases[i].matrices);
    assert_int_equal(done.types.wide, cases[i].wide);
    assert_int_equal(wide, cases[i].wide);
    assert_int_equal(done.types.cols, cases[i].cols);
    assert_int_equal(type, cases[i].type);
    rd_gguf_drop(&g);
    sweep(folder, (const char *const[]){file_name}, 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(files_keep_the_model),
                                     cmocka_unit_test(blocks_keep_their_numbers),
                                     cmocka_unit_test(choices_are_remembered),
                                     cmocka_unit_test(refusals_write_nothing),
                                     cmocka_unit_test(a_known_name_is_found),
                                     cmocka_unit_test(mistral_without_a_window_is_a_llama),
                                     cmocka_unit_test(wide_rows_are_said)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
