/* SPDX-License-Identifier: MIT */
/* What the small files beside a vocabulary change of the ids, and SentencePiece's user-defined
 * pieces: ids as SentencePiece (0.2.3) and transformers (5.24) give them. Single quotes stand for
 * double ones. */
#include "gguf_write.h"
#include "scratch_files.h"
#include "tok_model.h"

enum { MOST = 7 };

/* A tokenizer.model of BPE: normal pieces but for the first three and two that are user-defined. */
static void write_model(const char *path, bool prefix) {
  static const char *const pieces[] = {"<unk>",   "<s>",     "</s>", "\u2581",       "a",  "b",
                                       "\u2581a", "\u2581b", "<e>",  "\u2581\u2581", "<x>"};
  static const char types[] = {2, 3, 3, 1, 1, 1, 1, 1, 1, 4, 4};
  char out[400];
  size_t size = 0;
  for (int i = 0; i < (int)sizeof types; i++) {
    const char name = (char)strlen(pieces[i]);
    const float score = (float)-i;
    const char head[] = {0x0A, (char)(name + 9), 0x0A, name}, tail[] = {0x18, types[i]};
    memcpy(out + size, head, 4);
    memcpy(out + size + 4, pieces[i], (size_t)name);
    size += 4 + (size_t)name;
    out[size++] = 0x15;
    memcpy(out + size, &score, 4);
    memcpy(out + size + 4, tail, 2);
    size += 6;
  }
  const char rest[] = {0x12, 2, 0x18, 2, 0x1A, 4, 0x18, prefix, 0x20, 0};
  memcpy(out + size, rest, sizeof rest);
  write_bytes(path, out, size + sizeof rest);
}

/* A Unigram of which rules make h H, with two pieces more that are user-defined. */
static void write_unigram(const char *path) {
  static const char more[] = "\x0A\x0B\x0A\x02th\x15\0\0\0\0\x18\x04"
                             "\x0A\x0F\x0A\x06\u2581\u2581\x15\0\0\0\0\x18\x04"
                             "\x1A\x02\x20"; /* and 0: spaces are not squeezed */
  rd_error e = {0};
  rd_map map;
  char out[4096];
  assert_int_equal(
      rd_map_open(&map, RD_BUILD_DIR "/golden/tokenizers/sentencepiece-unigram/tokenizer.model",
                  &e),
      RD_OK);
  assert_true(map.size + sizeof more <= sizeof out);
  memcpy(out, map.data, map.size);
  memcpy(out + map.size, more, sizeof more);
  write_bytes(path, out, map.size + sizeof more);
  rd_map_close(&map);
}

#define Y "{'content':'<y>','normalized':true}"
#define BPE "{'model':{'type':'BPE','vocab':{'a':0,'b':1,'<e>':2,'ab':3,'bb':4,'\u2581\u2581':5},"
#define MERGES "'merges':['a b','b b','a b']}"

static const struct beside_row {
  const char *vocabulary; /* of tokenizer.json; NULL: vocab.json with merges.txt; or .. */
  const char *config, *added, *text;
  int32_t ids[MOST];
  size_t count;
} rows[] = {
    /* .. of tokenizer.model, with a space in front or without. User-defined pieces are found behind
     * the spaces' marks, and nothing is put behind them */
    {"prefix", "{}", "{}", "a  b", {6, 9, 5}, 3},
    {"prefix", "{}", "{}", "a<x>b", {6, 10, 5}, 3},
    {"none", "{}", "{}", "a  b", {4, 9, 5}, 3},
    {"none",
     "{'added_tokens_decoder':{'9':{'content':'\u2581\u2581'}}}",
     "{}",
     "a  b",
     {4, 9, 5},
     3},
    /* .. which rules leave as they are, and which a Unigram takes before others */
    {"unigram", "{}", "{}", "hath  tha", {3, 20, 19, 27, 28, 27, 19}, 7},
    {"unigram", "{}", "{}", "  a", {28, 12}, 2},
    /* tokens that are added are found in the text as it is, whether normalized or not */
    {"prefix", "{'added_tokens_decoder':{'11':" Y "}}", "{}", "a<y>b", {6, 11, 7}, 3},
    {"prefix",
     "{'added_tokens_decoder':{'11':" Y "},'legacy':false}",
     "{}",
     "a<y> b",
     {6, 11, 7},
     3},
    {"prefix",
     "{'added_tokens_decoder':{'11':" Y "},'legacy':false}",
     "{}",
     "a<y>b",
     {6, 11, 5},
     3},
    {"prefix",
     "{'added_tokens_decoder':{'11':" Y "},'add_prefix_space':false}",
     "{}",
     "a<y>b",
     {4, 11, 5},
     3},
    {"prefix", "{}", "{'<y>':11}", "a<y>b", {6, 11, 7}, 3},
    {"prefix", "{'added_tokens_decoder':{}}", "{'<y>':11}", "a<y>b", {6, 0, 5}, 3},
    /* tokens that are named, one by the letters that it stands for too */
    {"prefix", "{'eos_token':'<e>'}", "{}", "a<e>b", {6, 8, 7}, 3},
    {BPE MERGES "}", "{}", "{}", "a<e>b", {3}, 1},
    {BPE MERGES "}", "{'eos_token':{'content':'<e>'}}", "{}", "a<e>b", {0, 2, 1}, 3},
    {BPE MERGES "}", "{'pad_token':'a'}", "{}", "aab", {0, 0, 1}, 3},
    {BPE MERGES "}", "{'pad_token':'nothing'}", "{}", "aab", {0, 3}, 2},
    {BPE MERGES "}", "{'image_token':'<e>','add_bos_token':true}", "{}", "a<e>b", {0, 2, 1}, 3},
    {BPE MERGES "}", "{'extra_special_tokens':{'image':'<e>'}}", "{}", "a<e>b", {0, 2, 1}, 3},
    {BPE MERGES "}", "{'extra_special_tokens':['<e>']}", "{}", "a<e>b", {0, 2, 1}, 3},
    {BPE MERGES "}",
     "{'extra_special_tokens':['ab'],'additional_special_tokens':['<e>']}",
     "{}",
     "a<e>b",
     {3},
     1},
    {BPE MERGES "}", "{'eos_token':'<e>','split_special_tokens':true}", "{}", "a<e>b", {3}, 1},
    {BPE MERGES "}",
     "{'added_tokens_decoder':{'7':{'content':'<z>'},'6':{'content':'<y>'},'2':{'content':'<e>'}}}",
     "{}",
     "a<y>b<z><e>",
     {0, 6, 1, 7, 2},
     5},
    {NULL, "{}", "{}", "a a", {0, 1}, 2},
    {NULL, "{'add_prefix_space':true}", "{}", "a a", {1, 1}, 2},
    /* of a merge that is listed twice the last place counts */
    {BPE MERGES "}", "{}", "{}", "abb", {0, 4}, 2},
    /* marks of added tokens are spaces when they are decoded */
    {BPE MERGES
     ",'added_tokens':[{'id':5,'content':'\u2581\u2581'}],'normalizer':{'type':'Replace',"
     "'pattern':{'String':' '},'content':'\u2581'}}",
     "{}",
     "{}",
     "a\u2581\u2581b",
     {0, 5, 1},
     3},
};

static void write_quoted(const char *path, const char *text) {
  char *json = strdup(text);
  for (char *at = json; (at = strchr(at, '\''));)
    *at = '"';
  write_bytes(path, json, strlen(json));
  free(json);
}

static void check(const struct beside_row *row) {
  static const char *const files[] = {"tokenizer.json",    "vocab.json",
                                      "merges.txt",        "tokenizer.model",
                                      "added_tokens.json", "tokenizer_config.json"};
  const char *vocabulary = row->vocabulary;
  char folder[64], *text = NULL;
  int32_t *ids = NULL;
  size_t count = 0, size = 0;
  rd_error e = {0};
  rd_tokenizer *t = NULL;
  temporary(folder, sizeof folder);
  write_quoted(in(folder, "tokenizer_config.json"), row->config);
  write_quoted(in(folder, "added_tokens.json"), row->added);
  if (!vocabulary) {
    write_quoted(in(folder, "vocab.json"), "{'a':0,'\u0120a':1,'\u0120':2}");
    write_quoted(in(folder, "merges.txt"), "\u0120 a\n");
  } else if (*vocabulary == '{')
    write_quoted(in(folder, "tokenizer.json"), vocabulary);
  else if (*vocabulary == 'u')
    write_unigram(in(folder, "tokenizer.model"));
  else
    write_model(in(folder, "tokenizer.model"), *vocabulary == 'p');
  if (rd_tokenizer_open(&t, folder, &e) != RD_OK ||
      rd_tokenizer_encode(t, row->text, strlen(row->text), RD_TOK_SPECIAL, &ids, &count, &e) !=
          RD_OK ||
      rd_tokenizer_decode(t, ids, count, 0, &text, &size, &e) != RD_OK)
    fail_msg("%s, %s: %s", row->config, row->text, e.message);
  if (count != row->count || memcmp(ids, row->ids, count * sizeof *ids) != 0)
    fail_msg("%s, %s: %zu ids, %d %d ..", row->config, row->text, count, ids[0], ids[1]);
  assert_null(strstr(text, "\u2581"));
  free(ids);
  free(text);
  rd_tokenizer_close(&t);
  sweep(folder, files, sizeof files / sizeof *files);
}

static void ids_are_the_judges(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    check(&rows[i]);
}

/* Ids that the library would not give, and a mask that is no word. */
static void what_cannot_be_is_named(void **state) {
  (void)state;
  static const char *const files[] = {"tokenizer.json", "tokenizer_config.json"};
  static const struct {
    const char *config, *says;
    rd_code code;
  } cases[] = {
      {"{'added_tokens_decoder':{'7':{'content':'<y>'}}}", "\"<y>\" has id 7", RD_UNSUPPORTED},
      {"{'added_tokens_decoder':{'0':{'content':'<y>'}}}", "gives it 6", RD_UNSUPPORTED},
      {"{'added_tokens_decoder':{'6':{'content':'<e>'}}}", "gives it 2", RD_UNSUPPORTED},
      {"{'mask_token':'<Y>'}",
       "tokenizer_config.json names mask_token \"<Y>\", which is no word of this tokenizer", RD_OK},
      {"{'mask_token':'<e>'}", NULL, RD_OK},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char folder[64];
    rd_error e = {0};
    rd_tokenizer *t = NULL;
    temporary(folder, sizeof folder);
    write_quoted(in(folder, files[0]), BPE MERGES "}");
    write_quoted(in(folder, files[1]), cases[i].config);
    const rd_code code = rd_tokenizer_open(&t, folder, &e);
    const char *said = code == RD_OK ? rd_tokenizer_lost_mask(t) : e.message;
    if (code != cases[i].code || !said != !cases[i].says || (said && !strstr(said, cases[i].says)))
      fail_msg("%s: %d, %s", cases[i].config, (int)code, said ? said : "nothing");
    rd_tokenizer_close(&t);
    sweep(folder, files, 2);
  }
}

static void expect(const rd_tokenizer *t, const char *text, const int32_t *wanted, size_t count) {
  int32_t *ids = NULL;
  size_t n = 0;
  rd_error e = {0};
  assert_int_equal(rd_tokenizer_encode(t, text, strlen(text), 0, &ids, &n, &e), RD_OK);
  assert_int_equal(n, count);
  assert_memory_equal(ids, wanted, count * sizeof *ids);
  free(ids);
}

/* User-defined pieces go through a GGUF file, where they have spaces, and back; where a space is
 * put in front the keys cannot say where they are found. */
static void user_defined_are_written(void **state) {
  (void)state;
  static const char *const files[] = {"tokenizer.model", "tokenizer_config.json"};
  static const int32_t wanted[] = {4, 9, 5, 10, 5};
  for (int prefix = 0; prefix < 2; prefix++) {
    char folder[64];
    rd_error e = {0};
    rd_tokenizer *t = NULL, *inside = NULL, *again = NULL;
    rd_gguf_writer w = {0};
    unsigned char *head = NULL;
    size_t size = 0;
    temporary(folder, sizeof folder);
    write_model(in(folder, files[0]), prefix);
    assert_int_equal(rd_tokenizer_open(&t, folder, &e), RD_OK);
    const rd_code code = rd_tokenizer_put(t, &w, (int64_t)rd_tokenizer_size(t), &e);
    assert_int_equal(code, prefix ? RD_UNSUPPORTED : RD_OK);
    if (prefix)
      assert_non_null(strstr(e.message, "has normalized"));
    if (!prefix) {
      assert_int_equal(rd_gguf_head(&head, &size, &w, NULL, 0, &e), RD_OK);
      assert_int_equal(rd_tokenizer_open_memory(&inside, "gguf", head, size, &e), RD_OK);
      assert_int_equal(rd_tokenizer_write(inside, folder, &e), RD_OK);
      assert_int_equal(rd_tokenizer_open(&again, folder, &e), RD_OK);
      char *said = NULL;
      assert_int_equal(rd_file_read(in(folder, files[1]), 4096, &said, NULL, &e), RD_OK);
      assert_non_null(strstr(said, "\"legacy\": true"));
      assert_non_null(strstr(said, "\"add_prefix_space\": false"));
      free(said);
      expect(t, "a  b<x>b", wanted, 5);
      expect(inside, "a  b<x>b", wanted, 5);
      expect(again, "a  b<x>b", wanted, 5);
    }
    free(head);
    rd_gguf_writer_drop(&w);
    rd_tokenizer_close(&t);
    rd_tokenizer_close(&inside);
    rd_tokenizer_close(&again);
    sweep(folder, files, 2);
  }
}

/* A NUL in a GGUF file's template is no end of it. */
static void templates_are_text(void **state) {
  (void)state;
  static const char *const files[] = {"tokenizer.model"};
  char folder[64];
  rd_error e = {0};
  rd_tokenizer *t = NULL, *inside = NULL;
  rd_gguf_writer w = {0};
  unsigned char *head = NULL;
  size_t size = 0;
  temporary(folder, sizeof folder);
  write_model(in(folder, files[0]), false);
  assert_int_equal(rd_tokenizer_open(&t, folder, &e), RD_OK);
  assert_int_equal(rd_tokenizer_put(t, &w, (int64_t)rd_tokenizer_size(t), &e), RD_OK);
  rd_gguf_put_text(&w, "tokenizer.chat_template", "A\0B", 3);
  assert_int_equal(rd_gguf_head(&head, &size, &w, NULL, 0, &e), RD_OK);
  assert_int_equal(rd_tokenizer_open_memory(&inside, "gguf", head, size, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "tokenizer.chat_template: byte 1 is NUL"));
  free(head);
  rd_gguf_writer_drop(&w);
  rd_tokenizer_close(&t);
  sweep(folder, files, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ids_are_the_judges), cmocka_unit_test(what_cannot_be_is_named),
      cmocka_unit_test(user_defined_are_written), cmocka_unit_test(templates_are_text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
