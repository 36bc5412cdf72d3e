/* SPDX-License-Identifier: MIT */
/* Tokenizers that do not fit their embedding, and words that stand in the files beside an adapter:
 * more words than rows, and the mask that LAD's trainer wrote down. */
#include "model_files.h"

static const char *const files[] = {"config.json",         "model.safetensors",
                                    "tokenizer.json",      "tokenizer_config.json",
                                    "adapter_config.json", "adapter_model.safetensors",
                                    "resolved_config.json"};
enum { FILES = sizeof files / sizeof *files };

/* 64 rows, 288 words: it opens, no special token is adopted that has no row, and an id without one
 * is refused by its number where it is used. */
static void more_words_than_rows(void **state) {
  (void)state;
  char folder[64];
  rd_error e = {0};
  rd_model *m = NULL;
  rd_stack *pass = NULL;
  temporary(folder, sizeof folder);
  copy_file(GOLDEN "peft/llama/config.json", in(folder, "config.json"));
  copy_file(GOLDEN "peft/llama/model.safetensors", in(folder, "model.safetensors"));
  copy_file(GOLDEN "models/llama-mha/tokenizer.json", in(folder, "tokenizer.json"));
  copy_file(GOLDEN "models/llama-mha/tokenizer_config.json", in(folder, "tokenizer_config.json"));
  if (rd_model_open(&m, &(rd_model_options){.path = folder, .precision = "f32"}, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_int_equal(m->config.vocab, 64);
  assert_true(rd_tokenizer_size(m->tokenizer) > 64);
  assert_true(m->config.mask < 64 && m->config.bos < 64 && m->config.pad < 64);
  for (int i = 0; i < m->config.eos_count; i++)
    assert_true(m->config.eos[i] < 64);
  assert_int_equal(m->wordless_count, 0);
  const int32_t ids[] = {3, 200};
  const rd_sequence sequence = {.ids = ids, .count = 2};
  assert_int_equal(
      rd_stack_new(&pass, &m->config, &m->weights, &(rd_stack_sizes){.rows = 2, .longest = 2}, &e),
      RD_OK);
  assert_int_equal(rd_stack_run(pass, &sequence, 1, 1, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "token id 200 is outside the vocabulary of 64"));
  rd_stack_free(&pass);
  rd_model_close(&m);
  const rd_model_options o = {.path = folder, .mask_token = "MASK"};
  assert_int_equal(rd_model_open(&m, &o, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "the embedding has 64 rows"));
  sweep(folder, files, FILES);
}

static void the_mask_of_a_lad_run(void **state) {
  (void)state;
  static const char good[] = "{\"mask_token\": \"MASK\", \"precision\": \"bf16\"}",
                    bad[] = "{\"mask_token\": \"two words\"}";
  char folder[64];
  rd_error e = {0};
  rd_model *m = NULL;
  temporary(folder, sizeof folder);
  copy_file(GOLDEN "adapters/llama-mha-qv/adapter_config.json", in(folder, "adapter_config.json"));
  copy_file(GOLDEN "adapters/llama-mha-qv/adapter_model.safetensors",
            in(folder, "adapter_model.safetensors"));
  write_bytes(in(folder, "resolved_config.json"), good, strlen(good));
  const rd_model_options o = {
      .path = GOLDEN "models/llama-mha", .adapter = folder, .precision = "f32"};
  if (rd_model_open(&m, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  const int32_t word = rd_tokenizer_id(m->tokenizer, "MASK");
  assert_true(word >= 0);
  assert_int_equal(m->config.mask, word);
  assert_int_equal(m->remembered.mask, word);
  rd_model_close(&m);
  write_bytes(in(folder, "resolved_config.json"), bad, strlen(bad));
  assert_int_equal(rd_model_open(&m, &o, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "resolved_config.json: mask_token"));
  sweep(folder, files, FILES);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(more_words_than_rows),
                                     cmocka_unit_test(the_mask_of_a_lad_run)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
