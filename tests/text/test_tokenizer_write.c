/* SPDX-License-Identifier: MIT */
/* Vocabularies from inside GGUF files, written as files of their own: the folder tokenizes equally,
 * has the same special tokens, and says the same in its chat template. */
#include "scratch_files.h"
#include "tokenizer.h"

#define SHARED RD_SOURCE_DIR "/../shared/data/"

static const char *const written[] = {"tokenizer.json", "tokenizer.model", "tokenizer_config.json"};
enum { WRITTEN = sizeof written / sizeof *written };

static rd_tokenizer *opened(const char *path) {
  rd_tokenizer *t = NULL;
  rd_error e = {0};
  if (rd_tokenizer_open(&t, path, &e) != RD_OK)
    fail_msg("%s", e.message);
  return t;
}

static void same_ids(const rd_tokenizer *a, const rd_tokenizer *b, const char *text, size_t size,
                     unsigned flags) {
  int32_t *x = NULL, *y = NULL;
  size_t n = 0, m = 0, length = 0, again = 0;
  char *before = NULL, *after = NULL;
  rd_error e = {0};
  rd_code code = rd_tokenizer_encode(a, text, size, flags, &x, &n, &e);
  assert_int_equal(rd_tokenizer_encode(b, text, size, flags, &y, &m, &e), code);
  if (code != RD_OK) /* a vocabulary of three pieces cannot write everything */
    return;
  for (size_t i = 0; i < n && i < m; i++)
    if (x[i] != y[i])
      fail_msg("token %zu of \"%.40s\": %d became %d", i, text, x[i], y[i]);
  assert_int_equal(n, m);
  assert_int_equal(rd_tokenizer_decode(a, x, n, 0, &before, &length, &e), RD_OK);
  assert_int_equal(rd_tokenizer_decode(b, y, m, 0, &after, &again, &e), RD_OK);
  assert_int_equal(length, again);
  assert_memory_equal(before, after, length);
  free(x);
  free(y);
  free(before);
  free(after);
}

static void same_tokenizer(const rd_tokenizer *a, const rd_tokenizer *b) {
  static const char *const texts[] = {
      "",
      "Hello, world",
      "  two  spaces ",
      "it's 2026, isn't it?\n\n\tYes: 100%",
      "Z\xC3\xBCrich e\xCC\x81t\xC3\xA9 \xE6\x97\xA5\xE6\x9C\xAC \xF0\x9F\x99\x82",
      "<s>a</s> <unk> <|endoftext|> <|im_start|>user <|begin_of_text|>",
      "\xFF\xC3(\x80"};
  for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
    same_ids(a, b, texts[i], strlen(texts[i]), 0);
    same_ids(a, b, texts[i], strlen(texts[i]), RD_TOK_SPECIAL);
    same_ids(a, b, texts[i], strlen(texts[i]), RD_TOK_CONTINUE);
  }
  size_t count = 0;
  const int32_t *eos = rd_tokenizer_eos(a, &count);
  assert_int_equal(rd_tokenizer_bos(a), rd_tokenizer_bos(b));
  assert_int_equal(rd_tokenizer_pad(a), rd_tokenizer_pad(b));
  assert_int_equal(rd_tokenizer_mask(a), rd_tokenizer_mask(b));
  assert_int_equal(rd_tokenizer_adds_bos(a), rd_tokenizer_adds_bos(b));
  if (count > 0)
    assert_int_equal(eos[0], *rd_tokenizer_eos(b, &count));
  const char *jinja = rd_tokenizer_chat_template(a), *again = rd_tokenizer_chat_template(b);
  assert_true((jinja == NULL) == (again == NULL));
  if (jinja)
    assert_string_equal(jinja, again);
}

/* Published texts, where they are. */
static void same_on_file(const rd_tokenizer *a, const rd_tokenizer *b, const char *path) {
  char *text = NULL;
  size_t size = 0;
  rd_error e = {0};
  if (!path || !rd_path_exists(path))
    return;
  assert_int_equal(rd_file_read(path, 1 << 24, &text, &size, &e), RD_OK);
  same_ids(a, b, text, size, 0);
  free(text);
}

static void gguf_vocabularies_become_files(void **state) {
  (void)state;
  static const struct {
    const char *path, *text;
  } rows[] = {
      {RD_SOURCE_DIR "/models/stories260K/stories260K.gguf",
       SHARED "tokenizers/vectors/llama-spm.inp"},
      {GOLDEN "gguf/llama-gqa-tied.gguf", GOLDEN "README.md"},
      {GOLDEN "gguf/llama-quant.gguf", GOLDEN "README.md"},
      {SHARED "tokenizers/ggml-vocab/ggml-vocab-gpt-2.gguf", SHARED "tokenizers/vectors/gpt-2.inp"},
      {SHARED "tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf",
       SHARED "tokenizers/vectors/llama-spm.inp"},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char folder[64];
    rd_error e = {0};
    if (!rd_path_exists(rows[i].path)) {
      print_message("skipped: %s is not here\n", rows[i].path);
      continue;
    }
    temporary(folder, sizeof folder);
    rd_tokenizer *before = opened(rows[i].path);
    if (rd_tokenizer_write(before, folder, &e) != RD_OK)
      fail_msg("%s: %s", rows[i].path, e.message);
    rd_tokenizer *after = opened(folder);
    same_tokenizer(before, after);
    same_on_file(before, after, rows[i].text);
    rd_tokenizer_close(&before);
    rd_tokenizer_close(&after);
    sweep(folder, written, WRITTEN);
  }
}

/* Seeds of the fuzzer: small vocabularies of both kinds with every kind of piece in them. */
static void odd_vocabularies_too(void **state) {
  (void)state;
  static const char *const seeds[] = {"gguf_bpe", "gguf_spm"};
  for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
    char folder[64];
    rd_error e = {0};
    rd_map map;
    rd_tokenizer *before = NULL;
    temporary(folder, sizeof folder);
    assert_int_equal(rd_map_open(&map, in(RD_BUILD_DIR "/corpus/tokenizer", seeds[i]), &e), RD_OK);
    if (rd_tokenizer_open_memory(&before, "gguf", map.data + 1, map.size - 1, &e) != RD_OK ||
        rd_tokenizer_write(before, folder, &e) != RD_OK)
      fail_msg("%s: %s", seeds[i], e.message);
    rd_tokenizer *after = opened(folder);
    same_tokenizer(before, after);
    rd_tokenizer_close(&before);
    rd_tokenizer_close(&after);
    rd_map_close(&map);
    sweep(folder, written, WRITTEN);
  }
}

static void others_are_copied(void **state) {
  (void)state;
  rd_error e = {0};
  rd_tokenizer *t = opened(GOLDEN "models/llama-mha");
  assert_int_equal(rd_tokenizer_write(t, "/nonexistent", &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "format tokenizer.json is copied"));
  rd_tokenizer_close(&t);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gguf_vocabularies_become_files),
      cmocka_unit_test(odd_vocabularies_too),
      cmocka_unit_test(others_are_copied),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
