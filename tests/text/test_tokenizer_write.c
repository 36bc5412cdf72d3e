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

static void put_types(rd_gguf_writer *w, const rd_tokenizer *t) {
  for (size_t i = 0; i < t->vocab.count; i++) {
    int32_t type = 1;
    while (rd_piece_types[type] != t->vocab.pieces[i].kind)
      type++;
    rd_gguf_put_items(w, &type, sizeof type);
  }
}

static void put_words(rd_gguf_writer *w, const rd_tokenizer *t) {
  for (size_t i = 0; i < t->vocab.count; i++) {
    const rd_slice piece = rd_vocab_piece(&t->vocab, (int32_t)i);
    rd_gguf_put_item(w, piece.data, piece.size);
  }
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
  put_words(&w, t);
  rd_gguf_put_array(&w, "tokenizer.ggml.scores", RD_GGUF_F32, n);
  for (size_t i = 0; i < n; i++)
    rd_gguf_put_items(&w, &(float){(float)t->unigram.scores[i]}, sizeof(float));
  rd_gguf_put_array(&w, "tokenizer.ggml.token_type", RD_GGUF_I32, n);
  put_types(&w, t);
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
    snprintf(path, sizeof path, RD_BUILD_DIR "/golden/tokenizers/%s/tokenizer.model", names[i]);
    model = opened(path);
    assert_int_equal(rd_map_open(&map, path, &e), RD_OK);
    const rd_slice rules = field_of(field_of((rd_slice){(const char *)map.data, map.size}, 3), 2);
    unsigned char *file = as_gguf(model, rules, &size);
    rd_map_close(&map);
    if (rd_tokenizer_open_memory(&t, "gguf", (const char *)file, size, &e) != RD_OK)
      fail_msg("%s: %s", names[i], e.message);
    snprintf(path, sizeof path, RD_BUILD_DIR "/golden/tokenizers/%s.jsonl", names[i]);
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

static const char *const phi3_words[] = {"<|endoftext|>",    "<|assistant|>",    "<|placeholder1|>",
                                         "<|placeholder2|>", "<|placeholder3|>", "<|placeholder4|>",
                                         "<|system|>",       "<|end|>",          "<|placeholder5|>",
                                         "<|placeholder6|>", "<|user|>"};
enum { PHI3_WORDS = sizeof phi3_words / sizeof *phi3_words };

static void put_names(rd_gguf_writer *w, const char *architecture, const char *name) {
  rd_gguf_put_text(w, "general.architecture", architecture, strlen(architecture));
  rd_gguf_put_text(w, "general.name", name, strlen(name));
}

/* The vocabulary with Phi-3's words behind it, in a file of that architecture and name. */
static rd_tokenizer *with_phi3_words(const rd_tokenizer *t, const char *architecture,
                                     const char *name) {
  rd_gguf_writer w = {0};
  rd_error e = {0};
  rd_tokenizer *out = NULL;
  unsigned char *head = NULL;
  const size_t n = t->vocab.count, all = n + PHI3_WORDS;
  const int32_t control = 3;
  size_t size = 0;
  put_names(&w, architecture, name);
  rd_gguf_put_text(&w, "tokenizer.ggml.model", "llama", 5);
  rd_gguf_put_u32(&w, "tokenizer.ggml.bos_token_id", 1);
  rd_gguf_put_array(&w, "tokenizer.ggml.tokens", RD_GGUF_TEXT, all);
  put_words(&w, t);
  for (size_t i = 0; i < PHI3_WORDS; i++)
    rd_gguf_put_item(&w, phi3_words[i], strlen(phi3_words[i]));
  rd_gguf_put_array(&w, "tokenizer.ggml.scores", RD_GGUF_F32, all);
  for (size_t i = 0; i < all; i++)
    rd_gguf_put_items(&w, &(float){i < n ? rd_rank_score(t->vocab.pieces[i].rank) : -1000},
                      sizeof(float));
  rd_gguf_put_array(&w, "tokenizer.ggml.token_type", RD_GGUF_I32, all);
  put_types(&w, t);
  for (size_t i = 0; i < PHI3_WORDS; i++)
    rd_gguf_put_items(&w, &control, sizeof control);
  assert_int_equal(rd_gguf_head(&head, &size, &w, NULL, 0, &e), RD_OK);
  if (rd_tokenizer_open_memory(&out, "gguf", (const char *)head, size, &e) != RD_OK)
    fail_msg("%s", e.message);
  rd_gguf_writer_drop(&w);
  free(head);
  return out;
}

/* Is a text the same to the tokenizer as another? */
static bool as_good_as(const rd_tokenizer *t, const char *text, const char *other) {
  int32_t *x = NULL, *y = NULL;
  size_t n = 0, m = 0;
  rd_error e = {0};
  assert_int_equal(rd_tokenizer_encode(t, text, strlen(text), RD_TOK_SPECIAL, &x, &n, &e), RD_OK);
  assert_int_equal(rd_tokenizer_encode(t, other, strlen(other), RD_TOK_SPECIAL, &y, &m, &e), RD_OK);
  const bool same = n == m && memcmp(x, y, n * sizeof *x) == 0;
  free(x);
  free(y);
  return same;
}

static const char phi3_prompt[] = "<|user|>\nSYS\nHI<|end|>\n<|assistant|>\n";

/* Phi-3's words take the white space behind them, but for three, in files that say that they are of
 * a Phi-3 by their architecture or, as llama.cpp looks, by their name; in no others. */
static void phi3_takes_white_space(void **state) {
  (void)state;
  static const char plain[] = "<|user|>SYS\nHI<|end|><|assistant|>";
  static const struct {
    const char *architecture, *name;
    bool takes;
  } rows[] = {{"phi3", "model", true},
              {"llama", "Microsoft Phi-3 Mini", true},
              {"llama", "PHI3", true},
              {"llama", "phi", false}};
  rd_tokenizer *base = opened(RD_SOURCE_DIR "/models/stories260K/stories260K.gguf");
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    rd_tokenizer *t = with_phi3_words(base, rows[i].architecture, rows[i].name);
    assert_int_equal(as_good_as(t, phi3_prompt, plain), rows[i].takes);
    assert_int_equal(as_good_as(t, "a</s> \n\tb", "a</s>b"), rows[i].takes);
    assert_false(as_good_as(t, "<|endoftext|>\na", "<|endoftext|>a"));
    assert_false(as_good_as(t, "<s>\na", "<s>a"));
    assert_false(as_good_as(t, "<unk>\na", "<unk>a"));
    rd_tokenizer_close(&t);
  }
  rd_tokenizer_close(&base);
}

/* What llama.cpp makes of a prompt, over LLaMA's vocabulary, which is Phi-3's up to those words. */
static void phi3_as_llama_cpp(void **state) {
  (void)state;
  static const int32_t expected[] = {32010, 317, 21554, 13, 17628, 32007, 32001};
  static const char path[] = SHARED "tokenizers/ggml-vocab/ggml-vocab-llama-spm.gguf";
  int32_t *ids = NULL;
  size_t n = 0;
  rd_error e = {0};
  if (!rd_path_exists(path))
    skip();
  rd_tokenizer *base = opened(path), *t = with_phi3_words(base, "phi3", "Phi3");
  assert_int_equal(
      rd_tokenizer_encode(t, phi3_prompt, strlen(phi3_prompt), RD_TOK_SPECIAL, &ids, &n, &e),
      RD_OK);
  assert_int_equal(n, sizeof expected / sizeof *expected);
  assert_memory_equal(ids, expected, sizeof expected);
  free(ids);
  rd_tokenizer_close(&t);
  rd_tokenizer_close(&base);
}

static rd_code put_as(const rd_tokenizer *t, const char *architecture, rd_error *e) {
  rd_gguf_writer w = {0};
  put_names(&w, architecture, "model");
  rd_code code = rd_tokenizer_put(t, &w, (int64_t)t->vocab.count, e);
  rd_gguf_writer_drop(&w);
  return code;
}

/* A folder says it of each word; a GGUF file does where its reader will know it. */
static void phi3_is_written(void **state) {
  (void)state;
  char folder[64];
  rd_error e = {0};
  rd_tokenizer *base = opened(RD_SOURCE_DIR "/models/stories260K/stories260K.gguf");
  rd_tokenizer *t = with_phi3_words(base, "phi3", "model"),
               *other = with_phi3_words(base, "llama", "model");
  temporary(folder, sizeof folder);
  if (rd_tokenizer_write(t, folder, &e) != RD_OK)
    fail_msg("%s", e.message);
  rd_tokenizer *again = opened(folder);
  same_tokenizer(t, again);
  same_ids(t, again, phi3_prompt, strlen(phi3_prompt), RD_TOK_SPECIAL);
  same_ids(t, again, phi3_prompt, strlen(phi3_prompt), 0);
  if (put_as(again, "phi3", &e) != RD_OK || put_as(other, "llama", &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_int_equal(put_as(again, "llama", &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "has rstrip, which the keys of GGUF cannot say"));
  assert_int_equal(put_as(other, "phi3", &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "has no rstrip, as tokens of a Phi-3 have"));
  rd_tokenizer_close(&again);
  rd_tokenizer_close(&other);
  rd_tokenizer_close(&t);
  rd_tokenizer_close(&base);
  sweep(folder, written, WRITTEN);
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
      cmocka_unit_test(phi3_takes_white_space),
      cmocka_unit_test(phi3_as_llama_cpp),
      cmocka_unit_test(phi3_is_written),
      cmocka_unit_test(others_are_copied),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
