/* SPDX-License-Identifier: MIT */
/* The task `exact`: questions with right answers, generated and compared after normalising. */
#include "exact.h"

#include "number.h"
#include "task.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The next word without punctuation at its ends; *size 0 at the end. Punctuation alone is no word.
 */
static const char *next_word(const char **at, size_t *size) {
  for (;;) {
    const char *p = *at;
    while (isspace((unsigned char)*p))
      p++;
    const char *end = p;
    while (*end && !isspace((unsigned char)*end))
      end++;
    *at = end;
    const char *word_end = end;
    while (p < word_end && ispunct((unsigned char)*p))
      p++;
    while (word_end > p && ispunct((unsigned char)word_end[-1]))
      word_end--;
    *size = (size_t)(word_end - p);
    if (*size > 0 || !*end)
      return p;
  }
}

/* Is one text the other, but for white space around it? */
static bool same_trimmed(const char *a, const char *b) {
  static const char spaces[] = " \t\r\n";
  size_t m = strlen(a += strspn(a, spaces)), n = strlen(b += strspn(b, spaces));
  while (m > 0 && strchr(spaces, a[m - 1]))
    m--;
  while (n > 0 && strchr(spaces, b[n - 1]))
    n--;
  return m == n && memcmp(a, b, n) == 0;
}

bool rd_exact_same(const char *a, const char *b) {
  const char *got = a, *expected = b;
  for (bool words = false;; words = true) {
    size_t m = 0, n = 0;
    const char *x = next_word(&a, &m), *y = next_word(&b, &n);
    if (m != n || strncasecmp(x, y, m) != 0)
      return false;
    if (m == 0)
      return words || same_trimmed(got, expected);
  }
}

/* The last number of a text; false: there is none. */
static bool last_number(const char *text, double *number) {
  const char *end = text + strlen(text);
  char digits[64];
  size_t n = 0;
  while (end > text && !isdigit((unsigned char)end[-1]))
    end--;
  const char *first = end;
  while (first > text && (isdigit((unsigned char)first[-1]) || strchr(".,", first[-1])))
    first--;
  for (const char *p = first; p < end && n + 2 < sizeof digits; p++)
    if (*p != ',')
      digits[n++] = *p;
  digits[n] = '\0';
  *number = rd_number_read(digits, NULL);
  if (first > text && first[-1] == '-')
    *number = -*number;
  return n > 0;
}

bool rd_exact_same_number(const char *a, const char *b) {
  double x, y;
  return last_number(a, &x) && last_number(b, &y) && x == y;
}

typedef struct work {
  const rd_eval *eval;
  const rd_rows *rows;
  size_t right;
} work;

static rd_code check(const json_t *row, rd_error *e) {
  const char *prompt, *answer;
  RD_TRY(rd_row_prompt(row, &prompt, e));
  RD_TRY(rd_row_answer(row, 0, &answer, e));
  for (size_t i = 1; answer; i++)
    RD_TRY(rd_row_answer(row, i, &answer, e));
  return RD_OK;
}

static rd_code answered(void *context, size_t row, const rd_result *r, rd_error *e) {
  work *w = context;
  const char *prompt, *expected;
  RD_TRY(rd_row_prompt(w->rows->items[row], &prompt, e));
  RD_TRY(rd_row_answer(w->rows->items[row], 0, &expected, e));
  bool (*same)(const char *, const char *) =
      rd_eval_dataset(w->eval)->numbers ? rd_exact_same_number : rd_exact_same;
  bool right = same(r->text, expected);
  const char *other = expected;
  for (size_t i = 1; other && !right; i++) {
    RD_TRY(rd_row_answer(w->rows->items[row], i, &other, e));
    right = other && same(r->text, other);
  }
  w->right += right;
  /* a row with an identity is one that another program judges */
  json_t *task = json_object_get(w->rows->items[row], "task_id");
  return rd_eval_tell(w->eval,
                      json_pack("{s:s, s:s, s:s, s:b, s:I, s:I, s:O*, s:s*}", "prompt", prompt,
                                "expected", expected, "got", r->text, "right", right, "iterations",
                                (json_int_t)r->iterations, "tokens", (json_int_t)r->tokens,
                                "task_id", task, "completion", task ? r->text : NULL),
                      e);
}

static rd_code finish(void *context, rd_finding *finding, rd_error *e) {
  (void)e;
  work *w = context;
  size_t right = w->right, n = w->rows->count;
  w->right = 0;
  rd_finding_add(finding, "exact", (double)right / (double)n, rd_wilson(right, n), true);
  return RD_OK;
}

rd_code rd_task_exact(const rd_eval *eval, rd_error *e) {
  rd_rows rows = {0};
  work w = {eval, &rows, 0};
  const rd_sweep sweep = {&w, answered, finish};
  rd_code code = rd_ranks_agree(eval->ranks, rd_eval_rows(&rows, eval, check, e), e);
  if (code == RD_OK)
    code = rd_eval_sweep(eval, &rows, check, &sweep, e);
  rd_rows_drop(&rows);
  return code;
}
