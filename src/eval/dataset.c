/* SPDX-License-Identifier: MIT */
/* The table of datasets. A function puts keys beside those of the file: `prompt`, `options` and
 * `answer`, `prompts` where each option has its own, and `worked`, an answer as it is shown. */
#include "dataset.h"

#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rd_code put(json_t *row, const char *key, json_t *value, rd_error *e) {
  return value && json_object_set_new(row, key, value) == 0
           ? RD_OK
           : rd_fail(e, RD_NO_MEMORY, "out of memory: %s", key);
}

static rd_code text_of(const json_t *row, const char *key, const char **out, rd_error *e) {
  *out = json_string_value(json_object_get(row, key));
  return *out ? RD_OK : rd_fail(e, RD_BAD_INPUT, "%s: expected a string", key);
}

/* A digit as text is the number of an option. */
static rd_code put_number(json_t *row, const char *key, rd_error *e) {
  const char *text;
  RD_TRY(text_of(row, key, &text, e));
  if (*text < '0' || *text > '9' || text[1])
    return rd_fail(e, RD_BAD_INPUT, "%s: expected a digit, found %.40s", key, text);
  return put(row, "answer", json_integer(*text - '0'), e);
}

/* Parts of the row as a list. */
static rd_code put_options(json_t *row, const char *const keys[4], rd_error *e) {
  json_t *options = json_array();
  for (int i = 0; i < 4; i++)
    json_array_append(options, json_object_get(row, keys[i]));
  return put(row, "options", options, e);
}

/* Six lines: a scene, the number of its right ending, four endings. */
static rd_code mend_hellaswag(json_t *row, rd_error *e) {
  static const char *const endings[] = {"a", "b", "c", "d"};
  RD_TRY(put_options(row, endings, e));
  return put_number(row, "gold", e);
}

/* Subject, question, four choices, the right one's number: asked for by its letter. */
static rd_code mend_mmlu(json_t *row, rd_error *e) {
  const char *question, *choices[4];
  static const char *const keys[] = {"a", "b", "c", "d"};
  RD_TRY(text_of(row, "question", &question, e));
  for (int i = 0; i < 4; i++)
    RD_TRY(text_of(row, keys[i], &choices[i], e));
  char *prompt = rd_print("%s\nA. %s\nB. %s\nC. %s\nD. %s\nAnswer:", question, choices[0],
                          choices[1], choices[2], choices[3]);
  rd_code code = put(row, "prompt", prompt ? json_string(prompt) : NULL, e);
  free(prompt);
  if (code == RD_OK)
    code = put(row, "options", json_pack("[s, s, s, s]", "A", "B", "C", "D"), e);
  return code == RD_OK ? put_number(row, "gold", e) : code;
}

/* A worked answer, whose result stands behind ####. */
static rd_code mend_gsm8k(json_t *row, rd_error *e) {
  const char *question, *worked;
  RD_TRY(text_of(row, "question", &question, e));
  RD_TRY(text_of(row, "answer", &worked, e));
  const char *mark = strstr(worked, "####");
  if (!mark)
    return rd_fail(e, RD_BAD_INPUT, "answer: no result behind ####");
  const char *result = mark + 4 + strspn(mark + 4, " ");
  char *prompt = rd_print("Question: %s\nAnswer:", question);
  rd_code code = put(row, "prompt", prompt ? json_string(prompt) : NULL, e);
  free(prompt);
  if (code == RD_OK)
    code = put(row, "worked", json_string(worked), e);
  return code == RD_OK ? put(row, "answer", json_string(result), e) : code;
}

/* A function's head and documentation, and its body. */
static rd_code mend_humaneval(json_t *row, rd_error *e) {
  const char *body;
  RD_TRY(text_of(row, "canonical_solution", &body, e));
  return put(row, "answer", json_string(body), e);
}

static rd_code mend_mbpp(json_t *row, rd_error *e) {
  const char *text, *code;
  RD_TRY(text_of(row, "text", &text, e));
  RD_TRY(text_of(row, "code", &code, e));
  RD_TRY(put(row, "prompt", json_string(text), e));
  return put(row, "answer", json_string(code), e);
}

/* Two beginnings and one end: the beginning that makes the end likelier. */
static rd_code mend_winogrande(json_t *row, rd_error *e) {
  json_t *beginnings = json_object_get(row, "context_options");
  json_t *end = json_object_get(row, "continuation");
  if (!json_is_string(end) || json_array_size(beginnings) < 2)
    return rd_fail(e, RD_BAD_INPUT, "expected context_options, and a continuation of them");
  json_t *options = json_array();
  for (size_t i = 0; i < json_array_size(beginnings); i++)
    json_array_append(options, end);
  RD_TRY(put(row, "options", options, e));
  RD_TRY(put(row, "prompts", json_incref(beginnings), e));
  return put(row, "prompt", json_incref(json_array_get(beginnings, 0)), e);
}

static const rd_dataset datasets[] = {
    {"auto", "by the beginning of the file's name, and its ending; else none", NULL, NULL, 0, NULL,
     false},
    {"none", "rows are as tasks know them", NULL, NULL, 0, NULL, false},
    {"gsm8k", "exact: a worked answer, of which the number behind #### counts", NULL, NULL, 0,
     mend_gsm8k, true},
    {"hellaswag", "choice: six lines a row: a scene, the right ending's number, four endings",
     ".txt", "prompt,gold,a,b,c,d", 6, mend_hellaswag, false},
    {"humaneval", "exact: code; --out has task_id and completion, for the program that runs it",
     NULL, NULL, 0, mend_humaneval, false},
    {"mbpp", "exact: the same", NULL, NULL, 0, mend_mbpp, false},
    {"mmlu", "choice: subject, question, four choices, the right one's number; asked by letter",
     ".csv", "subject,question,a,b,c,d,gold", 0, mend_mmlu, false},
    {"svamp", "exact: the last number counts", NULL, NULL, 0, NULL, true},
    {"winogrande", "choice: two beginnings of one end", NULL, NULL, 0, mend_winogrande, false},
};
const rd_table rd_dataset_table = RD_TABLE("dataset", datasets);

rd_code rd_dataset_find(const rd_dataset **out, const char *name, const char *path, rd_error *e) {
  const char *slash = strrchr(path, '/'), *file = slash ? slash + 1 : path;
  if (strcmp(name, "auto") != 0) {
    *out = rd_table_find(&rd_dataset_table, name, e);
    return *out ? RD_OK : RD_USAGE;
  }
  *out = &datasets[0]; /* reads as none */
  for (size_t i = 1; i < sizeof datasets / sizeof *datasets; i++)
    if (strncasecmp(file, datasets[i].name, strlen(datasets[i].name)) == 0 &&
        (!datasets[i].ending || rd_rows_end_in(file, datasets[i].ending)))
      *out = &datasets[i];
  return RD_OK;
}
