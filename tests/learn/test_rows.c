/* SPDX-License-Identifier: MIT */
/* Files of rows as people have them: marks, arrays, tables, and files that are no text. */
#include "rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Prompts and answers of all good rows, "prompt>answer;" each, with the lines of bad ones. */
typedef struct gathered {
  char text[512], notes[1024];
} gathered;

static rd_code take(void *context, const json_t *row, size_t line, rd_error *e) {
  gathered *g = context;
  const char *prompt, *answer;
  (void)line;
  RD_TRY(rd_row_prompt(row, &prompt, e));
  RD_TRY(rd_row_answer(row, 0, &answer, e));
  strcat(strcat(strcat(strcat(g->text, prompt), ">"), answer), ";");
  return RD_OK;
}

static void take_note(void *context, const char *message) {
  gathered *g = context;
  strcat(strcat(g->notes, message), "\n");
}

static rd_code read_rows(gathered *g, const char *path, const char *content, size_t size,
                         const char *columns, rd_error *e) {
  const rd_row_rules rules = {
      .allow_bad = true, .columns = columns, .note = take_note, .context = g};
  rd_row_count count = {.path = path};
  *g = (gathered){0};
  RD_TRY(rd_rows_plain(path, &content, &size, e));
  return rd_rows_each(&count, content, size, &rules, take, g, e);
}

static void files_are_read(void **state) {
  (void)state;
  static const struct {
    const char *path, *columns, *text, *rows, *note;
  } cases[] = {
      {"a.jsonl", NULL, "\xef\xbb\xbf{\"prompt\":\"a\",\"answer\":\"b\"}\r\n", "a>b;", ""},
      {"a.json", NULL,
       "\n [ {\"prompt\":\"a\",\"answer\":\"b\"},\n{\"prompt\":\"c\",\n\"answer\":\"d\"}\n] \n",
       "a>b;c>d;", ""},
      {"a.jsonl", NULL, "[\n{\"prompt\":\"a\",\"answer\":\"b\"},\n\n{\"prompt\":\"c\"}]", "a>b;",
       ":4: has none of"},
      {"a.json", NULL, "[1, {\"prompt\":\"a\",\"answer\":\"b\"}]", "a>b;", ":1: a row must be"},
      {"a.json", NULL, "[]", "", ""},
      {"a.csv", NULL, "prompt,answer\na,b\nc,d", "a>b;c>d;", ""},
      {"a.csv", NULL, "\xef\xbb\xbfprompt;answer\r\n\"a;\r\n\"\"x\"\"\";b\r\n\r\nc;d\r\n",
       "a;\r\n\"x\">b;c>d;", ""},
      {"a.csv", NULL, "prompt,answer\na\nc,d\n", "c>d;", ":2: 1 columns, the header names 2"},
      {"a.CSV", "prompt=Question,answer=Best reply", "id,Question,Best reply\n1,a,\"b, c\"\n",
       "a>b, c;", ""},
      {"a.tsv", NULL, "prompt\tanswer\na, b\tc\n", "a, b>c;", ""},
      {"a.jsonl", "prompt=q,answer=a", "{\"q\":\"x\",\"a\":[\"y\",\"z\"]}\n", "x>y;", ""},
      {"a.jsonl", "prompt=answer,answer=prompt", "{\"prompt\":\"x\",\"answer\":\"y\"}\n", "y>x;",
       ""},
      {"a.jsonl", "prompt=answer,answer=response",
       "{\"prompt\":\"w\",\"answer\":\"x\",\"response\":\"y\"}\n", "x>y;", ""},
      {"a.jsonl", "prompt=answer", "{\"answer\":\"x\",\"response\":\"y\"}\n", "x>y;", ""},
      {"a.jsonl", "query=q,response=r",
       "{\"prompt\":\"v\",\"answer\":\"w\",\"q\":\"x\",\"r\":\"y\"}\n", "x>y;", ""},
      {"a.jsonl", "prompt=q", "{\"prompt\":\"x\",\"answer\":\"y\"}\n", "x>y;", ""},
      {"a.jsonl", NULL, "{\"prompt\":null,\"question\":\"x\",\"answer\":null,\"output\":\"y\"}\n",
       "x>y;", ""},
      {"a.jsonl", NULL,
       "{\"question\":\"x\",\"answers\":{\"text\":[\"y\"],\"answer_start\":[1]}}\n", "x>y;", ""},
      {"a.jsonl", NULL, "{\"question\":\"x\",\"answer\":{\"value\":\"y\",\"aliases\":[\"z\"]}}\n",
       "x>y;", ""},
      {"a.jsonl", NULL, "{\"question\":\"x\",\"answers\":[]}\n", "", ":1: answers is neither"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gathered g;
    rd_error e = {0};
    assert_int_equal(
        read_rows(&g, cases[i].path, cases[i].text, strlen(cases[i].text), cases[i].columns, &e),
        RD_OK);
    assert_string_equal(g.text, cases[i].rows);
    assert_non_null(strstr(g.notes, cases[i].note));
    assert_int_equal(!*g.notes, !*cases[i].note);
  }
}

static void files_are_refused(void **state) {
  (void)state;
  static const struct {
    const char *path, *text, *message;
    size_t size; /* 0: all of the text */
  } cases[] = {
      {"a.parquet", "PAR1....", "a Parquet file, not rows or text; python3 -c \"import pandas", 0},
      {"a.jsonl", "\x1f\x8b\x08", "gunzip -k a.jsonl", 0},
      {"a.jsonl", "\xff\xfe{\0\"\0", "iconv -f UTF-16 -t UTF-8 a.jsonl", 6},
      {"a.txt", "abc\0def", "a zero byte stands at 3", 7},
      {"a.json", "[{\"prompt\":\"a\",\"answer\":\"b\"}", "its ] is missing", 0},
      {"a.json", "[{\"prompt\":\"a\",\"answer\":\"b\"}\n{\"prompt\"",
       "a.json:2: not JSON: a comma or ]", 0},
      {"a.json", "[\n{\"prompt\":,}]", "a.json:2: not JSON", 0},
      {"a.csv", "prompt,answer\na,\"b\n", "line 2: a quote is opened", 0},
      {"a.csv", "prompt,prompt\na,b\n", "names the column prompt twice", 0},
      {"a.csv", "pr\xff,answer\na,b\n", "not UTF-8", 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    gathered g;
    rd_error e = {0};
    size_t size = cases[i].size ? cases[i].size : strlen(cases[i].text);
    assert_int_equal(read_rows(&g, cases[i].path, cases[i].text, size, NULL, &e), RD_BAD_INPUT);
    if (!strstr(e.message, cases[i].message))
      fail_msg("expected \"%s\", found \"%s\"", cases[i].message, e.message);
  }
}

static void all_right_answers_are_found(void **state) {
  (void)state;
  static const char *const rows[] = {
      "{\"answer\": [\"a\", \"b\", \"c\"]}", "{\"answers\": {\"text\": [\"a\", \"b\", \"c\"]}}",
      "{\"answer\": {\"value\": \"a\", \"aliases\": [\"b\", \"c\"]}}"};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    json_t *row = json_loads(rows[i], 0, NULL);
    const char *text;
    for (size_t n = 0; n < 3; n++) {
      assert_int_equal(rd_row_answer(row, n, &text, NULL), RD_OK);
      assert_string_equal(text, n == 0 ? "a" : n == 1 ? "b" : "c");
    }
    assert_int_equal(rd_row_answer(row, 3, &text, NULL), RD_OK);
    assert_null(text);
    json_decref(row);
  }
}

static void columns_are_checked(void **state) {
  (void)state;
  assert_int_equal(rd_row_columns_check(NULL, NULL), RD_OK);
  assert_int_equal(rd_row_columns_check("prompt=a b,answer=c", NULL), RD_OK);
  static const struct {
    const char *columns, *says;
  } wrong[] = {{"prompt", "prompt: expected KEY=NAME"},
               {"prompt=", "prompt=: expected KEY=NAME"},
               {"=a", "=a: expected KEY=NAME"},
               {"prompt=a,b", "b: expected KEY=NAME"},
               {"promt=a", "promt=a: rows have no key promt; did you mean prompt?"},
               {"a_key_that_is_longer_than_any_key_of_a_row=a", "rows have no key a_key_that"},
               {"prompt=a,prompt=b", "prompt is named twice"}};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    rd_error e = {0};
    assert_int_equal(rd_row_columns_check(wrong[i].columns, &e), RD_USAGE);
    if (!strstr(e.message, wrong[i].says))
      fail_msg("%s: %s", wrong[i].columns, e.message);
  }
}

/* A column that some row has is found, whichever row; one that none has is named. */
static void columns_are_found(void **state) {
  (void)state;
  static const char *const columns = "prompt=q,answer=a,system=s";
  unsigned long long found = 0;
  rd_error e = {0};
  for (int i = 0; i < 2; i++) {
    json_t *row = json_pack("{s:s, s:s}", i ? "a" : "q", "x", "answer", "y");
    assert_int_equal(rd_row_columns_put(row, columns, &found, &e), RD_OK);
    json_decref(row);
  }
  assert_int_equal(rd_row_columns_found("answer=a,prompt=q", found, &e), RD_OK);
  assert_int_equal(rd_row_columns_found(NULL, 0, &e), RD_OK);
  assert_int_equal(rd_row_columns_found(columns, found, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "columns: system=s: no row has s"));
}

/* What the zstd program made of {"prompt":"a","answer":"b"}, nine lines of it. */
static const unsigned char packed[] = {
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x1d, 0x01, 0x00, 0xe0, 0x7b, 0x22, 0x70, 0x72, 0x6f, 0x6d,
    0x70, 0x74, 0x22, 0x3a, 0x22, 0x61, 0x22, 0x2c, 0x22, 0x61, 0x6e, 0x73, 0x77, 0x65, 0x72, 0x22,
    0x3a, 0x22, 0x62, 0x22, 0x7d, 0x0a, 0x01, 0x00, 0x74, 0x9f, 0x9a, 0x4e, 0xcf, 0x17, 0x1e, 0xfa};

static void packed_rows_are_unpacked(void **state) {
  (void)state;
  gathered g;
  char *unpacked = NULL;
  rd_error e = {0};
  for (size_t cut = 0; cut + 4 <= sizeof packed; cut++) {
    const char *text = (const char *)packed;
    size_t size = sizeof packed - cut;
    rd_code code = rd_rows_unpack("a.jsonl.zst", &text, &size, &unpacked, &e);
    assert_int_equal(code, cut == 0 ? RD_OK : RD_BAD_INPUT);
    if (code == RD_OK) {
      assert_int_equal(read_rows(&g, "a.jsonl.zst", text, size, NULL, &e), RD_OK);
      assert_string_equal(g.text, "a>b;a>b;a>b;a>b;a>b;a>b;a>b;a>b;a>b;");
    } else {
      assert_non_null(strstr(e.message, "a.jsonl.zst: "));
    }
    free(unpacked);
  }
}

static rd_code read_nameless(gathered *g, const char *path, const char *text, const char *header,
                             size_t lines, rd_error *e) {
  const rd_row_rules rules = {
      .allow_bad = true, .header = header, .lines = lines, .note = take_note, .context = g};
  rd_row_count count = {.path = path};
  *g = (gathered){0};
  return rd_rows_each(&count, text, strlen(text), &rules, take, g, e);
}

static void files_without_names_get_them(void **state) {
  (void)state;
  gathered g;
  rd_error e = {0};
  assert_int_equal(read_nameless(&g, "a.csv", "a,b\n\"c\nd\",e\n", "prompt,answer", 0, &e), RD_OK);
  assert_string_equal(g.text, "a>b;c\nd>e;");
  assert_int_equal(read_nameless(&g, "a.csv.zst", "a,b\nc\n", "prompt,answer", 0, &e), RD_OK);
  assert_string_equal(g.text, "a>b;");
  assert_non_null(strstr(g.notes, "a.csv.zst:2: "));
  assert_int_equal(read_nameless(&g, "a.txt", "a\r\nb\nc\nd\ne\n", "prompt,answer", 2, &e), RD_OK);
  assert_string_equal(g.text, "a>b;c>d;");
  assert_non_null(strstr(g.notes, "a.txt:5: 1 of its 2 lines are missing"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(files_are_read),
                                     cmocka_unit_test(files_are_refused),
                                     cmocka_unit_test(all_right_answers_are_found),
                                     cmocka_unit_test(columns_are_checked),
                                     cmocka_unit_test(columns_are_found),
                                     cmocka_unit_test(packed_rows_are_unpacked),
                                     cmocka_unit_test(files_without_names_get_them)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
