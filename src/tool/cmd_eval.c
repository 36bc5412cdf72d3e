/* SPDX-License-Identifier: MIT */
/* redraft eval: a task over a file of rows, at each number of iterations asked for. */
#include "commands.h"
#include "common.h"
#include "exact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
  rd_common common;
  char *task, *data, *iterations, *sampler, *window, *temperature, *seed;
  int64_t limit;
  bool noise;
} settings;

static const rd_option rows[] = {
    {"task", 0, RD_CHOICE, "exact", 0, 0, "exact", "Task", NULL,
     "exact: {\"prompt\",\"answer\"} rows, generated and compared after normalising",
     offsetof(settings, task)},
    {"data", 0, RD_TEXT, NULL, 0, 0, NULL, "Task", "FILE", "JSONL rows", offsetof(settings, data)},
    {"limit", 0, RD_INT, "0", 0, 1e9, NULL, "Task", NULL, "rows at most; 0: all",
     offsetof(settings, limit)},
    {"iterations", 'n', RD_TEXT, "16", 0, 0, NULL, "Sampler", "N,N", "drafts at most, a row each",
     offsetof(settings, iterations)},
    {"sampler", 0, RD_TEXT, "lad", 0, 0, NULL, "Sampler", "NAME", "as in generate",
     offsetof(settings, sampler)},
    {"noise", 0, RD_FLAG, "false", 0, 0, NULL, "Sampler", NULL,
     "noise between iterations; without it drafts are refined from themselves (lad)",
     offsetof(settings, noise)},
    {"temperature", 't', RD_TEXT, "0", 0, 0, NULL, "Sampler", "F", "0: always the best token",
     offsetof(settings, temperature)},
    {"window", 0, RD_TEXT, NULL, 0, 0, NULL, "Sampler", "N", "canvas", offsetof(settings, window)},
    {"seed", 0, RD_TEXT, "1", 0, 0, NULL, "Sampler", "N", "of all random numbers",
     offsetof(settings, seed)},
    RD_COMMON_OPTIONS(offsetof(settings, common))};

static rd_code open_session(rd_session **out, rd_model *m, const settings *s,
                            const char *iterations, rd_error *e) {
  RD_TRY(rd_session_open(out, m, s->sampler, e));
  const struct {
    const char *name, *value;
  } sets[] = {{"iterations", strcmp(s->sampler, "ar") ? iterations : NULL},
              {"temperature", s->temperature},
              {"seed", s->seed},
              {"window", s->window},
              {"no-noise", strcmp(s->sampler, "lad") || s->noise ? NULL : "true"}};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    if (sets[i].value)
      RD_TRY(rd_session_set(*out, sets[i].name, sets[i].value, e));
  return RD_OK;
}

/* With --verbose: what was answered wrong. */
static rd_code show(void *context, const rd_exact_row *row, const char *answer, bool right,
                    int64_t iterations) {
  const settings *s = context;
  if (s->common.verbose && !right)
    fprintf(stderr, "%s\n  expected: %s\n  found:    %s (%lld iterations)\n", row->prompt,
            row->answer, answer, (long long)iterations);
  return RD_OK;
}

static void report(const settings *s, const char *iterations, const rd_exact_score *r) {
  double share = (double)r->right / (double)r->rows;
  if (!s->common.json) {
    printf("%10s %6zu %8.1f%% %6.1f..%.1f%% %10.1f %8.2f %10.4f\n", iterations, r->rows,
           100 * share, 100 * r->low, 100 * r->high, r->iterations, r->tokens, r->seconds);
    fflush(stdout);
    return;
  }
  json_t *row = json_pack("{s:s, s:s, s:s, s:i, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "task",
                          s->task, "sampler", s->sampler, "data", s->data, "iterations",
                          atoi(iterations), "rows", (json_int_t)r->rows, "exact", share, "low",
                          r->low, "high", r->high, "mean_iterations", r->iterations, "mean_tokens",
                          r->tokens, "mean_seconds", r->seconds);
  json_dumpf(row, stdout, 0);
  putchar('\n');
  json_decref(row);
}

static rd_code sweep(settings *s, rd_model *m, const rd_exact_rows *questions, rd_error *e) {
  rd_code code = RD_OK;
  char *rest = s->iterations;
  if (!s->common.json)
    printf("%10s %6s %9s %13s %10s %8s %10s\n", "iterations", "rows", "exact", "95%", "mean its",
           "tokens", "seconds");
  for (char *n = strsep(&rest, ","); n && code == RD_OK; n = strsep(&rest, ",")) {
    rd_session *session = NULL;
    rd_exact_score score;
    code = open_session(&session, m, s, n, e);
    if (code == RD_OK)
      code = rd_exact_run(&score, session, questions, show, s, e);
    if (code == RD_OK)
      report(s, n, &score);
    rd_session_close(&session);
  }
  return code;
}

static rd_code run(settings *s, rd_error *e) {
  rd_exact_rows questions = {0};
  rd_model *m = NULL;
  if (!s->data)
    return rd_fail(e, RD_USAGE, "--data FILE is needed; --help says more");
  rd_code code = rd_exact_read(&questions, s->data, (size_t)s->limit, e);
  if (code == RD_OK)
    code = rd_tool_open(&m, &s->common, false, e);
  if (code == RD_OK)
    code = sweep(s, m, &questions, e);
  rd_model_close(&m);
  rd_exact_drop(&questions);
  return code;
}

rd_code rd_cmd_eval(int argc, char **argv, rd_error *e) {
  settings s = {0};
  rd_options o = {rows, sizeof rows / sizeof *rows, &s, NULL};
  char **rest = NULL;
  int count = 0;
  bool stop = false;
  rd_code code = rd_tool_parse(&o, &s.common, argc, argv, 0, &rest, &count, &stop, e);
  if (code == RD_OK && !stop)
    code = run(&s, e);
  free(rest);
  rd_options_drop(&o);
  return code;
}
