/* SPDX-License-Identifier: MIT */
/* Tokenizers beside Hugging Face's: every list of tests/golden/tokenizers.zip (or of the folder
 * given as an argument) names a tokenizer, ./NAME being beside it, and holds texts with their ids,
 * special tokens being tokens or plain text, and some with the text that those ids decode to.
 * tools/judges/hf_tokenizers.py writes those files. */
#include "file.h"
#include "json.h"
#include "tokenizer.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *folder = RD_BUILD_DIR "/golden/tokenizers";

static bool same(const json_t *wanted, const int32_t *ids, size_t count) {
  bool good = json_array_size(wanted) == count;
  for (size_t i = 0; good && i < count; i++)
    good = json_integer_value(json_array_get(wanted, i)) == ids[i];
  return good;
}

static bool encodes(const rd_tokenizer *t, const json_t *row, const char *key, unsigned flags) {
  const json_t *text = json_object_get(row, "text");
  int32_t *ids;
  size_t count;
  rd_error e = {0};
  if (rd_tokenizer_encode(t, json_string_value(text), json_string_length(text), flags, &ids, &count,
                          &e) != RD_OK)
    fail_msg("%s", e.message);
  bool good = same(json_object_get(row, key), ids, count);
  if (!good) {
    char *shown = json_dumps(text, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    char *wanted = json_dumps(json_object_get(row, key), JSON_COMPACT);
    print_message("%s, %s: wanted %s, got", shown, key, wanted);
    for (size_t i = 0; i < count; i++)
      print_message(" %d", ids[i]);
    print_message("\n");
    free(shown);
    free(wanted);
  }
  free(ids);
  return good;
}

static bool decodes(const rd_tokenizer *t, const json_t *row) {
  const json_t *wanted = json_object_get(row, "decoded"), *list = json_object_get(row, "ids");
  size_t count = json_array_size(list), size;
  int32_t *ids = calloc(count + 1, sizeof *ids);
  char *text;
  rd_error e = {0};
  for (size_t i = 0; i < count; i++)
    ids[i] = (int32_t)json_integer_value(json_array_get(list, i));
  if (rd_tokenizer_decode(t, ids, count, RD_TOK_REPLACE, &text, &size, &e) != RD_OK)
    fail_msg("%s", e.message);
  bool good =
      size == json_string_length(wanted) && memcmp(text, json_string_value(wanted), size) == 0;
  if (!good)
    print_message("wanted \"%s\", decoded \"%s\"\n", json_string_value(wanted), text);
  free(text);
  free(ids);
  return good;
}

/* How many texts of one file differ. */
static size_t compare(const char *name) {
  char *path = rd_path_join(folder, name), *text, *where = NULL;
  size_t size, lines = 0, bad = 0;
  rd_tokenizer *t = NULL;
  rd_error e = {0};
  if (rd_file_read(path, (size_t)1 << 30, &text, &size, &e) != RD_OK)
    fail_msg("%s", e.message);
  for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, lines++) {
    json_t *row;
    if (rd_json_parse(&row, line, (size_t)(end - line), name, &e) != RD_OK)
      fail_msg("%s", e.message);
    if (lines == 0) {
      where = strdup(json_string_value(json_object_get(row, "tokenizer")));
      char *full = *where == '/' ? strdup(where)
                 : *where == '.' ? rd_path_join(folder, where)
                                 : rd_path_join(RD_SOURCE_DIR, where);
      if (rd_tokenizer_open(&t, full, &e) != RD_OK)
        fail_msg("%s", e.message);
      free(full);
    } else {
      bad += encodes(t, row, "ids", RD_TOK_SPECIAL) ? 0 : 1;
      bad += !json_object_get(row, "plain") || encodes(t, row, "plain", 0) ? 0 : 1;
      bad += !json_object_get(row, "decoded") || decodes(t, row) ? 0 : 1;
    }
    json_decref(row);
    if (bad > 20)
      break;
  }
  print_message("%s: %zu texts, %zu differ\n", where, lines ? lines - 1 : 0, bad);
  rd_tokenizer_close(&t);
  free(where);
  free(text);
  free(path);
  return bad;
}

static void test_tokenizers(void **state) {
  (void)state;
  DIR *dir = opendir(folder);
  size_t files = 0, bad = 0;
  assert_non_null(dir);
  for (struct dirent *entry; (entry = readdir(dir));) {
    const char *dot = strrchr(entry->d_name, '.');
    if (!dot || strcmp(dot, ".jsonl") != 0)
      continue;
    bad += compare(entry->d_name);
    files++;
  }
  closedir(dir);
  assert_true(files > 0);
  assert_int_equal(bad, 0);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_tokenizers)};
  folder = argc > 1 ? argv[1] : folder;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
