/* SPDX-License-Identifier: MIT */
/* Tasks that generate: what counts as the same answer, damaged rows, whole runs on a tiny model,
 * words that repeat. */
#include "cpu.h"
#include "exact.h"
#include "file.h"
#include "ngrams.h"
#include "task.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void answers_are_compared_by_their_words(void **state) {
  (void)state;
  static const struct {
    const char *a, *b;
    bool same;
  } cases[] = {{"Paris.", " paris", true},
               {"It is Paris , France!", "It is Paris, France", true},
               {"Paris", "Paris France", false},
               {"", "", true},
               {"...", "", false},
               {"+", " + ", true}, /* without a word: as it is */
               {"*", "+", false},
               {"3.5", "35", false},
               {"a b", "ab", false}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(rd_exact_same(cases[i].a, cases[i].b), cases[i].same);
}

static char *file_of(const char *text) {
  char *path = strdup("/tmp/redraft-eval-XXXXXX");
  int fd = mkstemp(path);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  close(fd);
  return path;
}

static rd_code needs_answer(const json_t *row, rd_error *e) {
  const char *text;
  RD_TRY(rd_row_prompt(row, &text, e));
  return rd_row_text(row, "answer", &text, e);
}

static void take_note(void *context, const char *message) {
  char *notes = context;
  strncat(notes, message, 900 - strlen(notes));
  strcat(notes, "\n");
}

static void bad_rows_are_named_and_counted(void **state) {
  (void)state;
  static const struct {
    const char *text, *note, *message;
  } cases[] = {{"{\"prompt\":\"a\",\"answer\":\"b\"}\n{\"prompt\":\"a\"}\n",
                ":2: answer is missing; skipped", "1 of 2 rows are bad"},
               {"{", ":1: not JSON", "1 of 1 rows are bad"},
               {"\n \n", "", "no rows"},
               {"[1]", ":1: a row must be a JSON object", "1 of 1"},
               {"\n{\"question\":1,\"answer\":\"b\"}", ":2: question: expected a string", "1 of 1"},
               {"{\"query\":\"a\",\"answer\":\" \"}", ":1: answer is empty", "1 of 1"},
               {"{\"answer\":\"b\"}", ":1: has none of prompt, question, query", "1 of 1"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *path = file_of(cases[i].text), notes[1024] = "";
    rd_rows rows;
    rd_error e = {0};
    const rd_row_rules rules = {.check = needs_answer, .note = take_note, .context = notes};
    assert_int_equal(rd_rows_read(&rows, path, &rules, &e), RD_BAD_INPUT);
    if (!strstr(e.message, cases[i].message) || !strstr(notes, cases[i].note))
      fail_msg("expected \"%s\" and \"%s\", found \"%s\" and \"%s\"", cases[i].message,
               cases[i].note, e.message, notes);
    unlink(path);
    free(path);
  }
}

/* One of a hundred is borne, or any number when told so; a limit counts good ones. */
static void few_bad_rows_are_left_out(void **state) {
  (void)state;
  static const char good[] = "{\"prompt\":\"a\",\"answer\":\"b\"}\n";
  char text[100 * sizeof good] = "{}\n";
  for (int i = 0; i < 99; i++)
    strcat(text, good);
  char *path = file_of(text), *worse = file_of("{}\n{\"prompt\":\"a\",\"answer\":\"b\"}\n");
  rd_rows rows;
  rd_error e = {0};
  rd_row_rules rules = {.check = needs_answer};
  assert_int_equal(rd_rows_read(&rows, path, &rules, &e), RD_OK);
  assert_int_equal(rows.count, 99);
  assert_int_equal(rows.bad, 1);
  rd_rows_drop(&rows);
  rules.allow_bad = true;
  rules.limit = 1;
  assert_int_equal(rd_rows_read(&rows, worse, &rules, &e), RD_OK);
  assert_int_equal(rows.count, 1);
  assert_int_equal(rows.bad, 1);
  rd_rows_drop(&rows);
  unlink(path);
  unlink(worse);
  free(path);
  free(worse);
}

/* --- a run ------------------------------------------------------------------------------------ */

typedef struct seen {
  size_t rows, findings, done;
  rd_finding last;
} seen;

static rd_code see_row(void *context, const json_t *row, rd_error *e) {
  seen *s = context;
  (void)e;
  s->rows += json_object_size(row) > 0;
  return RD_OK;
}

static rd_code see_finding(void *context, const rd_finding *finding, rd_error *e) {
  seen *s = context;
  (void)e;
  s->findings++;
  s->last = *finding;
  return RD_OK;
}

static void see_progress(void *context, size_t done, size_t of) {
  seen *s = context;
  assert_true(done <= of);
  s->done = done;
}

static double measured(const rd_finding *f, const char *name) {
  for (size_t i = 0; i < f->count; i++)
    if (strcmp(f->measures[i].name, name) == 0)
      return f->measures[i].value;
  fail_msg("no measure %s", name);
  return 0;
}

static rd_eval_settings settings_for(const char *task, char *data) {
  static char iterations[] = "1,4", sampler[] = "lad", objective[] = "structural";
  return (rd_eval_settings){.task = (char *)(uintptr_t)task,
                            .data = data,
                            .iterations = iterations,
                            .params = {.sampler = sampler, .window = 48, .seed = 1},
                            .objective = objective,
                            .draws = 128};
}

/* Run a task over the rows on the tiny model, which is its own judge. */
static seen run(const char *task, const char *data) {
  rd_model *m = NULL;
  rd_error e = {0};
  const rd_task *row = NULL;
  char *path = file_of(data);
  seen s = {0};
  rd_eval_settings settings = settings_for(task, path);
  if (rd_model_load(&m, RD_SOURCE_DIR "/tests/golden/models/llada", NULL, &e) ||
      rd_task_find(&row, task, &e))
    fail_msg("%s", e.message);
  const rd_eval eval = {.ranks = &(const rd_ranks){.count = 1},
                        .settings = &settings,
                        .model = m,
                        .judge = m,
                        .watch = {&s, NULL, see_progress, see_row, see_finding}};
  if (row->run(&eval, &e) != RD_OK)
    fail_msg("%s", e.message);
  rd_model_close(&m);
  unlink(path);
  free(path);
  return s;
}

/* What the model answers at most `iterations` drafts, as a row that expects it. */
static char *row_of_own_answer(const char *iterations) {
  rd_model *m = NULL;
  rd_session *session = NULL;
  rd_result result;
  rd_error e = {0};
  if (rd_model_load(&m, RD_SOURCE_DIR "/tests/golden/models/llada", NULL, &e) ||
      rd_session_open(&session, m, "lad", &e) || rd_session_set(session, "window", "48", &e) ||
      rd_session_set(session, "iterations", iterations, &e) ||
      rd_session_set(session, "temperature", "0", &e) ||
      rd_session_set(session, "no-noise", "true", &e) ||
      rd_generate(session, "Hello", NULL, NULL, &result, &e))
    fail_msg("%s", e.message);
  json_t *row = json_pack("{s:s, s:s}", "prompt", "Hello", "answer", result.text);
  char *text = json_dumps(row, 0);
  json_decref(row);
  rd_result_drop(&result);
  rd_session_close(&session);
  rd_model_close(&m);
  return text;
}

/* The model's own answer is right, another is not; one finding for each number of iterations. */
static void a_run_counts_what_is_right(void **state) {
  (void)state;
  char *own = row_of_own_answer("4");
  char *data = rd_print("%s\n{\"prompt\":\"Hello\",\"answer\":\"certainly not\"}\n", own);
  seen s = run("exact", data);
  assert_int_equal(s.findings, 2);
  assert_int_equal(s.rows, 4);
  assert_int_equal(s.done, 2);
  assert_int_equal(s.last.iterations, 4);
  assert_int_equal(s.last.rows, 2);
  assert_true(fabs(measured(&s.last, "exact") - 0.5) < 1e-12);
  assert_true(measured(&s.last, "mean_iterations") <= 4);
  free(own);
  free(data);
}

/* The same text thrice: distinct words fall to a third; perplexity is the model's own. */
static void given_texts_are_judged(void **state) {
  (void)state;
  static const char one[] = "{\"text\":\"one two three four five six\"}\n";
  char thrice[3 * sizeof one];
  snprintf(thrice, sizeof thrice, "%s%s%s", one, one, one);
  seen a = run("perplexity", one), b = run("perplexity", thrice);
  assert_int_equal(a.findings, 1);
  assert_true(measured(&a.last, "perplexity") > 1);
  assert_true(fabs(measured(&a.last, "perplexity") / measured(&b.last, "perplexity") - 1) < 1e-5);
  assert_true(fabs(measured(&a.last, "distinct_1") - 1) < 1e-12);
  assert_true(fabs(measured(&b.last, "distinct_1") - 1.0 / 3) < 1e-12);
  assert_true(fabs(measured(&b.last, "distinct_2") - 1.0 / 3) < 1e-12);
}

static void generated_texts_are_judged(void **state) {
  (void)state;
  seen s = run("perplexity", "{\"prompt\":\"Hello\"}\n{\"prompt\":\"You\"}\n");
  assert_int_equal(s.findings, 2);
  assert_true(measured(&s.last, "perplexity") > 1);
  assert_true(measured(&s.last, "mean_tokens") > 0);
}

static void the_loss_is_a_function_of_seed_and_example(void **state) {
  (void)state;
  static const char rows[] = "{\"prompt\":\"Hello\",\"answer\":\"you there, who are you\"}\n"
                             "{\"text\":\"some words and some more\"}\n";
  seen a = run("loss", rows), b = run("loss", rows);
  assert_int_equal(a.findings, 1);
  assert_int_equal(a.last.rows, 2);
  assert_true(measured(&a.last, "loss") > 0);
  assert_memory_equal(&a.last.measures[0].value, &b.last.measures[0].value, sizeof(double));
}

/* --- repetition ------------------------------------------------------------------------------- */

static void runs_of_words_are_counted(void **state) {
  (void)state;
  static const struct {
    const char *text;
    size_t n, count, distinct;
    double repetition;
  } cases[] = {{"a b a b a b", 1, 6, 2, 4.0 / 6},   {"a b a b a b", 2, 5, 2, 3.0 / 5},
               {" a  b\na b ", 4, 1, 1, 0},         {"a b", 4, 0, 0, 0},
               {"ab c a bc", 2, 3, 3, 0},           {"", 1, 0, 0, 0},
               {"x x x x x x x", 4, 4, 1, 3.0 / 4}, {"b a c b a c", 3, 4, 3, 1.0 / 4}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_ngrams g = {.n = cases[i].n};
    double share;
    rd_error e = {0};
    assert_int_equal(rd_ngrams_add(&g, cases[i].text, &e), RD_OK);
    assert_int_equal(g.count, cases[i].count);
    assert_int_equal(rd_ngrams_distinct(&g), cases[i].distinct);
    assert_int_equal(rd_repetition(&share, cases[i].text, cases[i].n, &e), RD_OK);
    assert_true(fabs(share - cases[i].repetition) < 1e-12);
    rd_ngrams_drop(&g);
  }
}

static void tasks_are_found_by_name(void **state) {
  (void)state;
  const rd_task *task;
  rd_error e = {0};
  for (size_t i = 0; i < rd_task_count; i++) {
    assert_int_equal(rd_task_find(&task, rd_tasks[i].name, &e), RD_OK);
    assert_ptr_equal(task, &rd_tasks[i]);
  }
  assert_int_equal(rd_task_find(&task, "chess", &e), RD_USAGE);
  assert_non_null(strstr(e.message, "unknown task chess; there are exact, loss, "));
}

int main(void) {
  rd_threads_set(1); /* models this small are slower on more */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(answers_are_compared_by_their_words),
      cmocka_unit_test(bad_rows_are_named_and_counted),
      cmocka_unit_test(few_bad_rows_are_left_out),
      cmocka_unit_test(a_run_counts_what_is_right),
      cmocka_unit_test(given_texts_are_judged),
      cmocka_unit_test(generated_texts_are_judged),
      cmocka_unit_test(the_loss_is_a_function_of_seed_and_example),
      cmocka_unit_test(runs_of_words_are_counted),
      cmocka_unit_test(tasks_are_found_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
