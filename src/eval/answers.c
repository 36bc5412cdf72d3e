/* SPDX-License-Identifier: MIT */
/* Asking: a session for each number of iterations, every row's prompt, means over the answers. */
#include "error.h"
#include "request.h"
#include "task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What every answer costs, a number a row. */
typedef struct costs {
  double *tokens, *iterations, *seconds; /* (rows) in one block */
  bool *room;                            /* (rows) there is room for an answer */
} costs;

static bool is(const char *a, const char *b) {
  return strcmp(a, b) == 0;
}

static rd_code open_session(rd_session **out, const rd_eval *eval, const char *iterations,
                            rd_error *e) {
  const rd_eval_settings *s = eval->settings;
  char seed[32], window[32];
  snprintf(seed, sizeof seed, "%lld", (long long)s->seed);
  snprintf(window, sizeof window, "%lld", (long long)s->window);
  RD_TRY(rd_session_open(out, eval->model, s->sampler, e));
  const struct {
    const char *name, *value;
  } sets[] = {{"iterations", iterations},
              {"temperature", s->temperature},
              {"seed", seed},
              {"window", window},
              {"no-noise", is(s->sampler, "lad") && !s->noise ? "true" : NULL}};
  for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
    if (sets[i].value)
      RD_TRY(rd_session_set(*out, sets[i].name, sets[i].value, e));
  return RD_OK;
}

/* Does the window leave room behind the prompt? A window that the model has not is for the session
 * to refuse. */
static rd_code has_room(const rd_eval *eval, const json_t *row, bool *room, rd_error *e) {
  const rd_config *c = &eval->model->config;
  int64_t count = 0, window = rd_config_window(c, eval->settings->window);
  rd_message message = {"user", NULL};
  int32_t *ids = NULL;
  RD_TRY(rd_row_prompt(row, &message.content, e));
  RD_TRY(rd_model_prompt(&ids, &count, eval->model, &message, 1, false, e));
  free(ids);
  *room = count < window || window > c->positions;
  return RD_OK;
}

/* room[i]: row i can be asked. Those that cannot are named, once for all numbers of iterations. */
static rd_code find_room(const rd_eval *eval, const rd_rows *rows, bool *room, rd_error *e) {
  const rd_row_rules told = {.note = eval->watch.note, .context = eval->watch.context};
  size_t without = 0;
  for (size_t i = 0; i < rows->count; i++) {
    RD_TRY(has_room(eval, rows->items[i], &room[i], e));
    if (!room[i])
      rd_row_note(&told, eval->settings->data, rows->lines[i], ++without,
                  "the prompt fills the window", "counts as an empty answer");
  }
  return RD_OK;
}

/* The answer to a row; an empty one where the prompt leaves no room. */
static rd_code answer(rd_session *session, const json_t *row, bool room, rd_result *result,
                      rd_error *e) {
  const char *prompt;
  *result = (rd_result){0};
  RD_TRY(rd_row_prompt(row, &prompt, e));
  if (room)
    return rd_generate(session, prompt, NULL, NULL, result, e);
  result->text = rd_strdup("", e);
  return result->text ? RD_OK : RD_NO_MEMORY;
}

static rd_code ask(const rd_eval *eval, rd_session *session, const rd_rows *rows,
                   const rd_sweep *sweep, costs *c, rd_error *e) {
  for (size_t i = 0; i < rows->count; i++) {
    rd_result result;
    rd_code code = answer(session, rows->items[i], c->room[i], &result, e);
    if (code == RD_OK) {
      c->tokens[i] = (double)result.tokens;
      c->iterations[i] = (double)result.iterations;
      c->seconds[i] = result.seconds;
      code = sweep->answered(sweep->context, i, &result, e);
    }
    rd_result_drop(&result);
    RD_TRY(code);
    rd_eval_progress(eval, i + 1, rows->count);
  }
  return RD_OK;
}

static void add_mean(rd_finding *f, const char *name, const double *values, const rd_eval *eval) {
  double sum = 0;
  for (size_t i = 0; i < f->rows; i++)
    sum += values[i];
  rd_finding_add(f, name, sum / (double)f->rows,
                 rd_bootstrap(values, NULL, f->rows, (uint64_t)eval->settings->seed), false);
}

/* One number of iterations; NULL: the sampler has none. */
static rd_code ask_at(const rd_eval *eval, const char *iterations, const rd_rows *rows,
                      const rd_sweep *sweep, costs *c, rd_error *e) {
  rd_session *session = NULL;
  rd_finding finding = {
      .iterations = iterations ? atoll(iterations) : 0, .rows = rows->count, .bad = rows->bad};
  rd_code code = open_session(&session, eval, iterations, e);
  if (code == RD_OK)
    code = ask(eval, session, rows, sweep, c, e);
  rd_session_close(&session);
  RD_TRY(code);
  RD_TRY(sweep->finish(sweep->context, &finding, e));
  add_mean(&finding, "mean_iterations", c->iterations, eval);
  add_mean(&finding, "mean_tokens", c->tokens, eval);
  add_mean(&finding, "mean_seconds", c->seconds, eval);
  return rd_eval_report(eval, &finding, e);
}

rd_code rd_eval_sweep(const rd_eval *eval, const rd_rows *rows, const rd_sweep *sweep,
                      rd_error *e) {
  double *block = rd_calloc(3 * rows->count, sizeof *block, "costs of answers", e);
  char *list = rd_strdup(eval->settings->iterations, e), *rest = list;
  bool *room = rd_calloc(rows->count, sizeof *room, "rooms for answers", e);
  rd_code code = block && list && room ? find_room(eval, rows, room, e) : RD_NO_MEMORY;
  costs c = {block, block + rows->count, block + 2 * rows->count, room};
  if (code == RD_OK && is(eval->settings->sampler, "ar"))
    code = ask_at(eval, NULL, rows, sweep, &c, e);
  else
    for (char *n = NULL; code == RD_OK && (n = strsep(&rest, ","));)
      code = ask_at(eval, n, rows, sweep, &c, e);
  free(list);
  free(room);
  free(block);
  return code;
}
