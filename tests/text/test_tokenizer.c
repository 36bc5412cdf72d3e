/* SPDX-License-Identifier: MIT */
/* Tokenizers: published vectors, round trips, hostile text, special ids. */
#include "file.h"
#include "tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SHARED RD_SOURCE_DIR "/../shared/data/"

static rd_tokenizer *open_or_skip(const char *path) {
  rd_tokenizer *t = NULL;
  rd_error e = {0};
  if (!rd_path_exists(path)) {
    print_message("skipped: %s is not here\n", path);
    skip();
  }
  if (rd_tokenizer_open(&t, path, &e) != RD_OK)
    fail_msg("%s", e.message);
  return t;
}

/* decode(encode(text)) == text, and nothing fails. */
static void check_round_trip(const rd_tokenizer *t, const char *text, size_t size, unsigned flags) {
  rd_error e = {0};
  int32_t *ids;
  size_t count, back_size;
  char *back;
  if (rd_tokenizer_encode(t, text, size, flags, &ids, &count, &e) != RD_OK)
    fail_msg("%s", e.message);
  if (rd_tokenizer_decode(t, ids, count, flags & RD_TOK_CONTINUE, &back, &back_size, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_int_equal(back_size, size);
  assert_memory_equal(back, text, size);
  free(ids);
  free(back);
}

static const struct vector_row {
  const char *vectors, *tokenizer;
} vector_rows[] = {
    {"llama-bpe", "tokenizers/llama3/tokenizer.model"},
    {"llama-spm", "tokenizers/llama2/tokenizer.model"},
    {"llama-spm", "tokenizers/llama2/tokenizer.bin"},
    {"llama-spm", "tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf"},
    {"gpt-2", "tokenizers/gpt2"},
    {"gpt-2", "tokenizers/ggml-vocab/ggml-vocab-gpt-2.gguf"},
    {"qwen2", "tokenizers/qwen2.5/merges.txt"},
};

/* Inputs end with a line of their own; the ids of one input are one line. */
static void check_vectors(const struct vector_row *row) {
  static const char end_mark[] = "\n__ggml_vocab_test__\n";
  char path[2][512];
  char *inputs, *outputs;
  size_t size;
  rd_error e = {0};
  (void)snprintf(path[0], sizeof path[0], SHARED "%s", row->tokenizer);
  rd_tokenizer *t = open_or_skip(path[0]);
  (void)snprintf(path[0], sizeof path[0], SHARED "tokenizers/vectors/%s.inp", row->vectors);
  (void)snprintf(path[1], sizeof path[1], SHARED "tokenizers/vectors/%s.out", row->vectors);
  assert_int_equal(rd_file_read(path[0], 1 << 20, &inputs, &size, &e), RD_OK);
  assert_int_equal(rd_file_read(path[1], 1 << 20, &outputs, NULL, &e), RD_OK);
  int checked = 0;
  char *expected = outputs;
  for (char *from = inputs, *to; (to = strstr(from, end_mark)); from = to + sizeof end_mark - 1) {
    int32_t *ids;
    size_t count;
    assert_int_equal(rd_tokenizer_encode(t, from, (size_t)(to - from), 0, &ids, &count, &e), RD_OK);
    char *line_end = strchr(expected, '\n');
    assert_non_null(line_end);
    for (size_t i = 0; i < count; i++)
      if (strtol(expected, &expected, 10) != ids[i])
        fail_msg("%s: input %d, token %zu is %d", row->vectors, checked, i, ids[i]);
    while (*expected == ' ')
      expected++;
    assert_ptr_equal(expected, line_end);
    expected++;
    free(ids);
    check_round_trip(t, from, (size_t)(to - from), 0);
    checked++;
  }
  assert_true(checked >= 23);
  free(inputs);
  free(outputs);
  rd_tokenizer_close(&t);
  assert_null(t);
}

static void test_vectors(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof vector_rows / sizeof *vector_rows; i++)
    check_vectors(&vector_rows[i]);
}

static rd_tokenizer *open_tini(void) {
  return open_or_skip(RD_SOURCE_DIR "/models/tini");
}

static void test_tini(void **state) {
  (void)state;
  rd_tokenizer *t = open_tini();
  size_t count;
  const int32_t *eos = rd_tokenizer_eos(t, &count);
  assert_int_equal(rd_tokenizer_size(t), 8192);
  assert_int_equal(count, 1);
  assert_int_equal(eos[0], 0);
  assert_int_equal(rd_tokenizer_mask(t), 4);
  assert_int_equal(rd_tokenizer_pad(t), 0);
  assert_int_equal(rd_tokenizer_bos(t), -1);
  assert_int_equal(rd_tokenizer_id(t, "<|user|>"), 1);
  assert_true(rd_tokenizer_is_special(t, 1));
  assert_non_null(rd_tokenizer_chat_template(t));
  int32_t *ids;
  rd_error e = {0};
  assert_int_equal(rd_tokenizer_encode(t, "<|user|>hi", 10, RD_TOK_SPECIAL, &ids, &count, &e),
                   RD_OK);
  assert_int_equal(ids[0], 1);
  free(ids);
  assert_int_equal(rd_tokenizer_encode(t, "<|user|>hi", 10, 0, &ids, &count, &e), RD_OK);
  for (size_t i = 0; i < count; i++)
    assert_false(rd_tokenizer_is_special(t, ids[i]));
  free(ids);
  assert_int_equal(rd_tokenizer_encode(t, "a", 1, RD_TOK_BOS, &ids, &count, &e), RD_UNSUPPORTED);
  int32_t id;
  assert_int_equal(rd_tokenizer_word(t, "zqxjzqxj", &id, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "tokens of this tokenizer"));
  rd_tokenizer_close(&t);
}

/* Every byte pair, and special tokens written in the text. */
static void test_any_bytes(void **state) {
  (void)state;
  rd_tokenizer *t = open_tini();
  char text[256 * 4];
  for (unsigned a = 0; a < 256; a++) {
    for (unsigned b = 0; b < 256; b++) {
      text[4 * b] = (char)a;
      text[4 * b + 1] = (char)b;
      text[4 * b + 2] = (char)(b * 7 + a);
      text[4 * b + 3] = (char)(a ^ b);
    }
    check_round_trip(t, text, sizeof text, 0);
  }
  static const char special[] = "<|user|> a<|mask|><|mask|>\xE2\x96 b<|endoftext|>";
  check_round_trip(t, special, sizeof special - 1, RD_TOK_SPECIAL);
  check_round_trip(t, "", 0, 0);
  rd_tokenizer_close(&t);
}

/* A megabyte of what a careless encoder is quadratic in; the test's own time limit is the check. */
static void test_hostile(void **state) {
  (void)state;
  enum { SIZE = 1 << 20 };
  rd_tokenizer *t = open_tini();
  char *text = malloc(SIZE);
  assert_non_null(text);
  memset(text, 'a', SIZE);
  check_round_trip(t, text, SIZE, 0);
  memset(text, ' ', SIZE);
  check_round_trip(t, text, SIZE, 0);
  for (size_t i = 0; i < SIZE; i++)
    text[i] = (char)('a' + i * 7919 % 26);
  check_round_trip(t, text, SIZE, 0);
  for (size_t i = 0; i < SIZE; i++)
    text[i] = "<|"[i & 1];
  check_round_trip(t, text, SIZE, RD_TOK_SPECIAL);
  free(text);
  rd_tokenizer_close(&t);
}

static void test_composes(void **state) {
  (void)state;
  rd_tokenizer *t = open_or_skip(SHARED "tokenizers/qwen2.5");
  static const char split[] = "e\xCC\x81\xCC\xA3 caf\x65\xCC\x81 \xFF"; /* marks out of order too */
  static const char whole[] = "\xE1\xBA\xB9\xCC\x81 caf\xC3\xA9 \xFF";
  int32_t *ids;
  size_t count, size;
  char *text;
  rd_error e = {0};
  assert_int_equal(rd_tokenizer_encode(t, split, sizeof split - 1, 0, &ids, &count, &e), RD_OK);
  assert_int_equal(rd_tokenizer_decode(t, ids, count, 0, &text, &size, &e), RD_OK);
  assert_int_equal(size, sizeof whole - 1);
  assert_memory_equal(text, whole, size);
  free(ids);
  free(text);
  rd_tokenizer_close(&t);
}

static void test_stories(void **state) {
  (void)state;
  rd_tokenizer *t = open_or_skip(SHARED "models/tinystories-656k");
  size_t count;
  assert_int_equal(rd_tokenizer_bos(t), 1);
  assert_int_equal(*rd_tokenizer_eos(t, &count), 2);
  assert_true(rd_tokenizer_adds_bos(t));
  static const char text[] = "Once upon a time,  two spaces\n and <|end_story|>";
  check_round_trip(t, text, sizeof text - 1, 0);
  check_round_trip(t, text, sizeof text - 1, RD_TOK_CONTINUE);
  int32_t *ids;
  rd_error e = {0};
  /* its special tokens are normalised, a space in front: the one before them is part of them */
  static const int32_t wanted[] = {80, 147, 201, 282, 215, 80, 1209, 415, 53, 1499, 3, 85, 389, 2};
  assert_int_equal(rd_tokenizer_encode(t, text, sizeof text - 1, RD_TOK_SPECIAL, &ids, &count, &e),
                   RD_OK);
  assert_int_equal(count, sizeof wanted / sizeof *wanted);
  assert_memory_equal(ids, wanted, sizeof wanted);
  free(ids);
  /* no byte pieces here: neighbouring unknown characters are one unknown token */
  assert_int_equal(rd_tokenizer_encode(t, "\xFF\xC3\xA9", 3, RD_TOK_CONTINUE, &ids, &count, &e),
                   RD_OK);
  assert_int_equal(count, 1);
  assert_int_equal(ids[0], 0);
  free(ids);
  rd_tokenizer_close(&t);
}

#define GROWS                                                                                      \
  "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaaaaaaaaaa\"}"

static const struct bad_row {
  const char *format, *data, *message;
} bad_rows[] = {
    {"tokenizer.json", "", "JSON"},
    {"tokenizer.json", "{}", "\"model\" is missing"},
    {"tokenizer.json", "{\"model\":{\"type\":\"Markov\",\"vocab\":{}}}", "\"Markov\" is not"},
    {"tokenizer.json", "{\"model\":{\"type\":\"WordPiece\",\"vocab\":{\"a\":0}}}", "unk_token"},
    {"tokenizer.json",
     "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0},\"unk_token\":\"b\"}}", "unk_token"},
    {"tokenizer.json", "{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",-1.5]]}}", "unk_id"},
    {"tokenizer.json", "{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",x]]}}", "a number"},
    {"tokenizer.json", "{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",1e999]]}}", "a number"},
    {"tokenizer.json", "{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",1,2]]}}", "more than"},
    {"tokenizer.json",
     "{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"},\"model\":{}}",
     "cut off"},
    {"tokenizer.json",
     "{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"?\"},\"model\":{}}",
     "base64"},
    {"tokenizer.json", "{\"pre_tokenizer\":{\"type\":\"FixedLength\",\"length\":0},\"model\":{}}",
     "FixedLength of 0"},
    {"tokenizer.json", "{\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"},\"model\":{}}",
     "UnicodeScripts"},
    {"tokenizer.json", "{\"pre_tokenizer\":{\"type\":\"Bert\"},\"model\":{}}", "Bert"},
    {"tokenizer.json",
     "{\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":"
     "\"[g]\"}},{\"SpecialToken\":{\"id\":\"<s>\"}},{\"Sequence\":{\"id\":\"A\"}}],"
     "\"special_tokens\":{\"[g]\":{\"ids\":[0]}}},\"model\":{}}",
     "puts \"[g]\" and more before a text"},
    {"tokenizer.json", "{\"model\":{\"vocab\":{\"a\":1e3},\"merges\":[]}}", "an integer"},
    {"tokenizer.json", "{\"model\":{\"vocab\":{\"a\":99999999},\"merges\":[]}}", "99999999"},
    {"tokenizer.json", "{\"model\":{\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}", "merge 0"},
    {"tokenizer.json", "{\"model\":{\"vocab\":{},\"merges\":[]}}", "empty"},
    /* ids that the library does not give: of another piece, in the place of the text's own, behind
     * a gap */
    {"tokenizer.json",
     "{\"added_tokens\":[{\"id\":0,\"content\":\"<x>\"}],\"model\":{\"vocab\":{\"a\":0},\"merges\":"
     "[]}"
     "}",
     "\"<x>\" has id 0, but Hugging Face's library gives it 1"},
    {"tokenizer.json",
     "{\"added_tokens\":[{\"id\":1,\"content\":\"a\"}],\"model\":{\"vocab\":{\"a\":0},\"merges\":[]"
     "}}",
     "gives it 0"},
    {"tokenizer.json",
     "{\"added_tokens\":[{\"id\":1,\"content\":\"b\"},{\"id\":3,\"content\":\"c\"}],\"model\":{"
     "\"vocab\":{\"a\":0},\"merges\":[]}}",
     "\"c\" has id 3, but Hugging Face's library gives it 2"},
    {"tokenizer.json",
     "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[" GROWS "," GROWS "," GROWS "," GROWS
     "]},\"added_tokens\":[{\"id\":1,\"content\":\"aa\",\"normalized\":true}],\"model\":{\"vocab\":"
     "{"
     "\"a\":0},\"merges\":[]}}",
     "at most 16 times"},
    {"tokenizer.json", "{\"model\":{\"vocab\":{\"a\":0},\"merges\":[]}} \n{}",
     "the end of the file"},
    {"pairs", "{\"a\":0}", "NUL"},
    {"sentencepiece", "\n\x7F", "SentencePiece"},
    {"tiktoken", "IQ== 0\n?? 1\n", "line 2"},
    {"llama2.c", "abcdefgh", "token 0"},
    {"gguf", "GGUF", ""},
    {"nosuch", "", "nosuch"},
};

static void test_bad_files(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
    const struct bad_row *row = &bad_rows[i];
    rd_tokenizer *t;
    rd_error e = {0};
    rd_code code = rd_tokenizer_open_memory(&t, row->format, row->data, strlen(row->data), &e);
    assert_int_not_equal(code, RD_OK);
    assert_null(t);
    if (!strstr(e.message, row->message))
      fail_msg("row %zu: \"%s\" does not name \"%s\"", i, e.message, row->message);
  }
  static const char rest[] = "{\"a\":0}x\0#version: 0.2\n"; /* behind the vocabulary of a pair */
  rd_tokenizer *t;
  rd_error e = {0};
  assert_int_equal(rd_tokenizer_open_memory(&t, "pairs", rest, sizeof rest - 1, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "the end of the file"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_vectors),   cmocka_unit_test(test_tini),
      cmocka_unit_test(test_any_bytes), cmocka_unit_test(test_hostile),
      cmocka_unit_test(test_composes),  cmocka_unit_test(test_stories),
      cmocka_unit_test(test_bad_files),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
