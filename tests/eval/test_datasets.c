/* SPDX-License-Identifier: MIT */
/* Files of well-known tests: what a row of each becomes, which is taken for which, and what stands
 * before a question. */
#include "asking.h"
#include "exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A row as its file has it, and what it is to have then; `bad`: what is wrong with it. */
static const struct sample {
  const char *dataset, *row, *mended, *bad;
} samples[] = {
    {"gsm8k", "{\"question\":\"How many?\",\"answer\":\"2+2=4\\n#### 1,004\"}",
     "{\"prompt\":\"Question: How many?\\nAnswer:\",\"answer\":\"1,004\",\"worked\":\"2+2=4\\n#### "
     "1,004\"}",
     NULL},
    {"gsm8k", "{\"question\":\"How many?\",\"answer\":\"4\"}", NULL, "no result"},
    {"hellaswag",
     "{\"prompt\":\"He\",\"gold\":\"2\",\"a\":\"p\",\"b\":\"q\",\"c\":\"r\",\"d\":\"s\"}",
     "{\"prompt\":\"He\",\"options\":[\"p\",\"q\",\"r\",\"s\"],\"answer\":2}", NULL},
    {"hellaswag", "{\"gold\":\"x\",\"a\":\"p\",\"b\":\"q\",\"c\":\"r\",\"d\":\"s\"}", NULL,
     "digit"},
    {"humaneval",
     "{\"task_id\":\"T/1\",\"prompt\":\"def f():\",\"canonical_solution\":\" return 1\"}",
     "{\"answer\":\" return 1\"}", NULL},
    {"humaneval", "{\"prompt\":\"def f():\"}", NULL, "canonical_solution"},
    {"mbpp", "{\"text\":\"Write f\",\"code\":\"f=1\"}",
     "{\"prompt\":\"Write f\",\"answer\":\"f=1\"}", NULL},
    {"mmlu",
     "{\"subject\":\"s\",\"question\":\"Why?\",\"a\":\"p\",\"b\":\"q\",\"c\":\"r\",\"d\":\"s\","
     "\"gold\":\"1\"}",
     "{\"prompt\":\"Why?\\nA. p\\nB. q\\nC. r\\nD. "
     "s\\nAnswer:\",\"options\":[\"A\",\"B\",\"C\",\"D\"],\"answer\":1}",
     NULL},
    {"winogrande", "{\"context_options\":[\"A\",\"B\"],\"continuation\":\"c\",\"gold\":1}",
     "{\"prompt\":\"A\",\"prompts\":[\"A\",\"B\"],\"options\":[\"c\",\"c\"]}", NULL},
    {"winogrande", "{\"context_options\":[\"A\"],\"continuation\":\"c\"}", NULL, "context_options"},
};

static json_t *parse(const char *text) {
  json_t *value = NULL;
  rd_error e = {0};
  if (rd_json_parse(&value, text, strlen(text), "a sample", &e) != RD_OK)
    fail_msg("%s", e.message);
  return value;
}

static void rows_become_what_tasks_know(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
    const struct sample *s = &samples[i];
    const rd_dataset *dataset = NULL;
    const char *key;
    rd_error e = {0};
    json_t *row = parse(s->row), *wanted = s->mended ? parse(s->mended) : NULL, *value;
    assert_int_equal(rd_dataset_find(&dataset, s->dataset, "data.jsonl", &e), RD_OK);
    assert_int_equal(dataset->mend(row, &e), s->bad ? RD_BAD_INPUT : RD_OK);
    if (s->bad)
      assert_non_null(strstr(e.message, s->bad));
    json_object_foreach(wanted, key, value)
      if (!json_equal(value, json_object_get(row, key)))
        fail_msg("sample %zu: %s is another", i, key);
    json_decref(row);
    json_decref(wanted);
  }
}

static void files_are_known_by_their_names(void **state) {
  (void)state;
  static const struct {
    const char *name, *path, *found;
  } cases[] = {{"auto", "data/gsm8k_test.jsonl.zst", "gsm8k"},
               {"auto", "MMLU_dev.csv", "mmlu"},
               {"auto", "mmlu_test.csv.zst", "mmlu"},
               {"auto", "mmlu.jsonl", "auto"},
               {"auto", "hellaswag.json", "auto"},
               {"auto", "hellaswag_val.txt", "hellaswag"},
               {"auto", "gsm8k/mine.jsonl", "auto"},
               {"none", "gsm8k_test.jsonl", "none"},
               {"mmlu", "a.csv", "mmlu"},
               {"chess", "a.csv", NULL}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const rd_dataset *dataset = NULL;
    rd_error e = {0};
    rd_code code = rd_dataset_find(&dataset, cases[i].name, cases[i].path, &e);
    assert_int_equal(code, cases[i].found ? RD_OK : RD_USAGE);
    if (code == RD_OK)
      assert_string_equal(dataset->name, cases[i].found);
    else
      assert_non_null(strstr(e.message, "winogrande"));
  }
}

static void numbers_are_compared(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    bool same;
  } cases[] = {{"So it is 1,004.", "1004", true},
               {"4 and 5", "5", true},
               {"5 and 4", "5", false},
               {"-3", "3", false},
               {"$2.50", "2.5", true},
               {"none", "3", false},
               {"none", "none", false},
               {"x = 7.", "7.0", true},
               {".", "0", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    if (rd_exact_same_number(cases[i].a, cases[i].b) != cases[i].same)
      fail_msg("%s, %s", cases[i].a, cases[i].b);
}

/* Rows a, b, c: "a?" with the answer "A." .. */
static rd_rows three(void) {
  static size_t lines[] = {1, 2, 3};
  rd_rows rows = {.items = calloc(3, sizeof(json_t *)), .lines = lines, .count = 3};
  assert_non_null(rows.items);
  rows.items[0] = parse("{\"prompt\":\"a?\",\"answer\":\"A.\"}");
  rows.items[1] = parse("{\"prompt\":\"b?\",\"options\":[\"no\",\"B.\"],\"answer\":1}");
  rows.items[2] = parse("{\"prompt\":\"c?\",\"answer\":\"C.\",\"worked\":\"as C.\"}");
  return rows;
}

static void solved_rows_stand_before_a_question(void **state) {
  (void)state;
  rd_rows rows = three();
  static char data[] = "rows.jsonl";
  rd_eval_settings settings = {.data = data, .shots = 2, .raw = true};
  const rd_eval eval = {.settings = &settings};
  const rd_shots shots = {.eval = &eval, .rows = &rows};
  static const char *const texts[] = {"b? B.\n\nc? as C.\n\na?", "a? A.\n\nc? as C.\n\nb?",
                                      "a? A.\n\nb? B.\n\nc?"};
  static const char *const prompts[] = {"a?", "b?", "c?"};
  rd_asking asking;
  rd_error e = {0};
  for (size_t i = 0; i < 3; i++) {
    assert_int_equal(rd_asking_make(&asking, &shots, i, prompts[i], &e), RD_OK);
    assert_int_equal(asking.count, 1);
    assert_string_equal(asking.messages[0].content, texts[i]);
    rd_asking_drop(&asking);
  }
  settings.raw = false;
  assert_int_equal(rd_asking_make(&asking, &shots, 0, "a?", &e), RD_OK);
  assert_int_equal(asking.count, 5);
  assert_string_equal(asking.messages[1].role, "assistant");
  assert_string_equal(asking.messages[1].content, "B.");
  assert_string_equal(asking.messages[4].content, "a?");
  rd_asking_drop(&asking);
  settings.shots = 3;
  assert_int_equal(rd_asking_make(&asking, &shots, 0, "a?", &e), RD_USAGE);
  assert_non_null(strstr(e.message, "2 other rows"));
  rd_asking_drop(&asking);
  for (size_t i = 0; i < 3; i++)
    json_decref(rows.items[i]);
  free(rows.items);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_become_what_tasks_know),
      cmocka_unit_test(files_are_known_by_their_names),
      cmocka_unit_test(numbers_are_compared),
      cmocka_unit_test(solved_rows_stand_before_a_question),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
