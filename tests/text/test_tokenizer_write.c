/* SPDX-License-Identifier: MIT */
/* Vocabularies from inside GGUF files, written as files of their own: the folder tokenizes equally,
 * has the same special tokens, and says the same in its chat template. */
#include "gguf_write.h"
#include "scratch_files.h"
#include "tok_model.h"

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

/* The bytes of a field of a message of Protocol Buffers; none where it has no such. */
static rd_slice field_of(rd_slice message, uint64_t number) {
  const unsigned char *at = (const unsigned char *)message.data, *end = at + message.size;
  while (at < end) {
    uint64_t values[2] = {0, 0}; /* the tag, and the length or the number */
    for (int i = 0; i < 2; i++) {
      int shift = 0;
      for (; at < end && *at >= 0x80; at++, shift += 7)
        values[i] |= (uint64_t)(*at & 0x7F) << shift;
      values[i] |= (uint64_t)*at++ << shift;
    }
    const bool bytes = (values[0] & 7) == 2;
    assert_true(bytes || (values[0] & 7) == 0);
    if (bytes && values[0] >> 3 == number)
      return (rd_slice){(const char *)at, (size_t)values[1]};
    at += bytes ? values[1] : 0;
  }
  return (rd_slice){"", 0};
}

/* The keys that a converter makes of a Unigram model with compiled rules. */
static unsigned char *as_gguf(const rd_tokenizer *t, rd_slice rules, size_t *size) {
  rd_gguf_writer w = {0};
  rd_error e = {0};
  unsigned char *head = NULL;
  const size_t n = t->vocab.count;
  rd_gguf_put_text(&w, "tokenizer.ggml.model", "t5", 2);
  rd_gguf_put_bool(&w, "tokenizer.ggml.add_space_prefix", t->prefixed);
  rd_gguf_put_bool(&w, "tokenizer.ggml.remove_extra_whitespaces", t->squeezed);
  rd_gguf_put_array(&w, "tokenizer.ggml.precompiled_charsmap", RD_GGUF_U8, rules.size);
  rd_gguf_put_items(&w, rules.data, rules.size);
  rd_gguf_put_array(&w, "tokenizer.ggml.tokens", RD_GGUF_TEXT, n);
  for (size_t i = 0; i < n; i++) {
    const rd_slice piece = rd_vocab_piece(&t->vocab, (int32_t)i);
    rd_gguf_put_item(&w, piece.data, piece.size);
  }
  rd_gguf_put_array(&w, "tokenizer.ggml.scores", RD_GGUF_F32, n);
  for (size_t i = 0; i < n; i++)
    rd_gguf_put_items(&w, &(float){(float)t->unigram.scores[i]}, sizeof(float));
  rd_gguf_put_array(&w, "tokenizer.ggml.token_type", RD_GGUF_I32, n);
  for (size_t i = 0; i < n; i++) {
    int32_t type = 1;
    while (rd_piece_types[type] != t->vocab.pieces[i].kind)
      type++;
    rd_gguf_put_items(&w, &type, sizeof type);
  }
  assert_int_equal(rd_gguf_head(&head, size, &w, NULL, 0, &e), RD_OK);
  rd_gguf_writer_drop(&w);
  return head;
}

/* SentencePiece's Unigram in a GGUF file, over texts that SentencePiece itself encoded. */
static void unigrams_in_gguf_are_read(void **state) {
  (void)state;
  static const char *const names[] = {"sentencepiece-unigram", "sentencepiece-bytes"};
  for (size_t i = 0; i < 2; i++) {
    char path[300], folder[64];
    rd_error e = {0};
    rd_tokenizer *model = NULL, *t = NULL;
    size_t size = 0, text_size = 0, compared = 0;
    char *text = NULL;
    rd_map map;
    snprintf(path, sizeof path, GOLDEN "tokenizers/%s/tokenizer.model", names[i]);
    model = opened(path);
    assert_int_equal(rd_map_open(&map, path, &e), RD_OK);
    const rd_slice rules = field_of(field_of((rd_slice){(const char *)map.data, map.size}, 3), 2);
    unsigned char *file = as_gguf(model, rules, &size);
    rd_map_close(&map);
    if (rd_tokenizer_open_memory(&t, "gguf", (const char *)file, size, &e) != RD_OK)
      fail_msg("%s: %s", names[i], e.message);
    snprintf(path, sizeof path, GOLDEN "tokenizers/%s.jsonl", names[i]);
    assert_int_equal(rd_file_read(path, 1 << 24, &text, &text_size, &e), RD_OK);
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
      json_t *row = NULL;
      assert_int_equal(rd_json_parse(&row, line, (size_t)(end - line), names[i], &e), RD_OK);
      const json_t *said = json_object_get(row, "text");
      if (said) {
        same_ids(model, t, json_string_value(said), json_string_length(said), RD_TOK_SPECIAL);
        compared++;
      }
      json_decref(row);
    }
    assert_int_equal(compared, 60);
    temporary(folder, sizeof folder);
    assert_int_equal(rd_tokenizer_write(t, folder, &e), RD_UNSUPPORTED);
    assert_non_null(strstr(e.message, "Unigram vocabulary is read, not written"));
    sweep(folder, NULL, 0);
    rd_tokenizer_close(&t);
    rd_tokenizer_close(&model);
    free(file);
    free(text);
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
      cmocka_unit_test(unigrams_in_gguf_are_read),
      cmocka_unit_test(others_are_copied),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
