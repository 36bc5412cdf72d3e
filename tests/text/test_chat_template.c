/* SPDX-License-Identifier: MIT */
/* Chat templates: every row rendered, recognised, and safe against tokens written by a user. */
#include "chat_template.h"
#include "file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char pattern_json[] =
    "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":true}";

/* A byte-level tokenizer of 256 bytes and the special tokens of every row. */
static rd_tokenizer *make(void) {
  static const char *const special[] = {"<s>",
                                        "</s>",
                                        "<|user|>",
                                        "<|assistant|>",
                                        "<|system|>",
                                        "<|eot_id|>",
                                        "<|im_end|>",
                                        "<|start_header_id|>",
                                        "<|end_header_id|>",
                                        "<|im_start|>"};
  char *text = NULL, *next;
  rd_tokenizer *t;
  rd_error e = {0};
  text = rd_print("{%s,\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{"
                  "\"SpecialToken\":{\"id\":\"<s>\"}}],\"special_tokens\":{\"<s>\":{\"ids\":[256]"
                  "}}},\"model\":{\"type\":\"BPE\",\"merges\":[],\"vocab\":{",
                  pattern_json);
  for (unsigned b = 0, spare = 256; b < 256; b++) {
    bool printable = (b >= 33 && b <= 126) || (b >= 161 && b != 173);
    unsigned point = printable ? b : spare++;
    next = rd_print("%s%s\"\\u%04X\":%u", text, b ? "," : "", point, b);
    free(text);
    text = next;
  }
  next = rd_print("%s}},\"added_tokens\":[", text);
  free(text);
  text = next;
  for (unsigned i = 0; i < sizeof special / sizeof *special; i++) {
    next = rd_print("%s%s{\"id\":%u,\"content\":\"%s\",\"special\":true}", text, i ? "," : "",
                    256 + i, special[i]);
    free(text);
    text = next;
  }
  next = rd_print("%s]}", text);
  free(text);
  if (rd_tokenizer_open_memory(&t, "tokenizer.json", next, strlen(next), &e) != RD_OK)
    fail_msg("%s", e.message);
  free(next);
  return t;
}

static const rd_message talk[] = {
    {"system", "Be kind."}, {"user", " Hi <s>\n"}, {"assistant", "Hello"}, {"user", "Bye"}};

static const struct render_row {
  const char *name;
  size_t first, count; /* of the talk */
  const char *text;
} render_rows[] = {
    {"plain", 1, 1, "<s> Hi <s>\n"},
    {"tini", 0, 4, "<|system|>Be kind.<|user|> Hi <s>\n<|assistant|>Hello<|user|>Bye<|assistant|>"},
    {"llama-2", 0, 4,
     "<s>[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHi <s> [/INST] Hello <s>[INST] Bye [/INST]"},
    {"llama-3", 1, 1,
     "<s><|start_header_id|>user<|end_header_id|>\n\nHi <s><|eot_id|><|start_header_id|>assistant"
     "<|end_header_id|>\n\n"},
    {"llada", 3, 1,
     "<s><|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|><|start_header_id|>assistant"
     "<|end_header_id|>\n\n"},
    {"llama-3.1", 3, 1,
     "<s><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
     "Today Date: 26 Jul "
     "2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nBye<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"chatml", 2, 2,
     "<|im_start|>assistant\nHello<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"
     "<|im_start|>assistant\n"},
    {"qwen2", 3, 1,
     "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n"
     "<|im_start|>assistant\n"},
    {"qwen2.5", 0, 2,
     "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n Hi <s>\n<|im_end|>\n"
     "<|im_start|>assistant\n"},
};

static void test_render(void **state) {
  (void)state;
  rd_tokenizer *t = make();
  for (size_t i = 0; i < sizeof render_rows / sizeof *render_rows; i++) {
    const struct render_row *row = &render_rows[i];
    const rd_chat_template *template;
    rd_error e = {0};
    int32_t *ids;
    size_t count, size, begins = 0;
    char *text;
    assert_int_equal(rd_chat_template_find(&template, row->name, &e), RD_OK);
    if (rd_chat_render(t, template, talk + row->first, row->count, &ids, &count, &e) != RD_OK)
      fail_msg("%s: %s", row->name, e.message);
    assert_int_equal(rd_tokenizer_decode(t, ids, count, 0, &text, &size, &e), RD_OK);
    assert_string_equal(text, row->text);
    for (size_t k = 0; k < count; k++)
      begins += ids[k] == 256;
    /* the user's own "<s>" is text: only the template's are tokens */
    size_t expected = strncmp(row->text, "<s>", 3) == 0;
    expected += strstr(row->text, "Hello <s>[INST]") != NULL;
    assert_int_equal(begins, expected);
    free(ids);
    free(text);
  }
  rd_tokenizer_close(&t);
}

static const struct detect_row {
  const char *jinja, *name;
} detect_rows[] = {
    {"{% for m in messages %}{{ '<|im_start|>' + m['role'] }}<|im_end|>", "chatml"},
    {"<|im_start|>system\nYou are a helpful assistant.<|im_end|>", "qwen2"},
    {"<|start_header_id|> <|eot_id|> {% if add_generation_prompt %}", "llama-3"},
    {"<|start_header_id|> <|eot_id|>", "llada"},
    {"<|start_header_id|> <|eot_id|> Cutting Knowledge Date: December 2023", "llama-3.1"},
    {"{{ bos_token + '[INST] ' }} [/INST] <<SYS>>", "llama-2"},
};

static void test_detect(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof detect_rows / sizeof *detect_rows; i++) {
    const rd_chat_template *row = rd_chat_template_detect(detect_rows[i].jinja);
    assert_non_null(row);
    assert_string_equal(row->name, detect_rows[i].name);
  }
  assert_null(rd_chat_template_detect("{{ messages }}"));
  assert_null(rd_chat_template_detect(NULL));
}

static const struct model_row {
  const char *path, *name;
} model_rows[] = {
    {RD_SOURCE_DIR "/models/tini", "tini"},
    {RD_SOURCE_DIR "/../shared/data/tokenizers/qwen2.5", "qwen2.5"},
};

static void test_models(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof model_rows / sizeof *model_rows; i++) {
    rd_tokenizer *t;
    const rd_chat_template *row;
    rd_error e = {0};
    if (!rd_path_exists(model_rows[i].path)) {
      print_message("skipped: %s is not here\n", model_rows[i].path);
      continue;
    }
    assert_int_equal(rd_tokenizer_open(&t, model_rows[i].path, &e), RD_OK);
    assert_int_equal(rd_chat_template_choose(&row, t, NULL, &e), RD_OK);
    assert_string_equal(row->name, model_rows[i].name);
    rd_tokenizer_close(&t);
  }
}

static void test_refusals(void **state) {
  (void)state;
  static const rd_message late[] = {{"user", "a"}, {"system", "b"}};
  static const rd_message tool[] = {{"tool", "a"}};
  rd_tokenizer *t;
  const rd_chat_template *row;
  rd_error e = {0};
  int32_t *ids;
  size_t count;
  assert_int_equal(rd_chat_template_find(&row, "nosuch", &e), RD_USAGE);
  assert_non_null(strstr(e.message, "llama-2"));
  t = make();
  assert_int_equal(rd_chat_template_choose(&row, t, NULL, &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "--chat-template"));
  assert_int_equal(rd_chat_template_find(&row, "plain", &e), RD_OK);
  assert_int_equal(rd_chat_render(t, row, late, 2, &ids, &count, &e), RD_BAD_INPUT);
  assert_int_equal(rd_chat_render(t, row, tool, 1, &ids, &count, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "tool"));
  rd_tokenizer_close(&t);
  assert_int_equal(rd_tokenizer_open(&t, RD_SOURCE_DIR "/models/tini", &e), RD_OK);
  assert_int_equal(rd_chat_template_find(&row, "chatml", &e), RD_OK);
  assert_int_equal(rd_chat_render(t, row, late, 1, &ids, &count, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "<|im_start|>"));
  rd_tokenizer_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_render), cmocka_unit_test(test_detect),
                                     cmocka_unit_test(test_models),
                                     cmocka_unit_test(test_refusals)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
