/* SPDX-License-Identifier: MIT */
/* Asking: a session for each number of iterations, every row's prompt, means over the answers. */
#include "asking.h"
#include "error.h"
#include "request.h"
#include "sampler.h"
#include "shared_rows.h"
#include "task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What every answer costs, a number a row. */
typedef struct costs {
  double *tokens, *iterations, *passes, *seconds; /* (rows) in one block */
  bool *room;                                     /* (rows) there is room for an answer */
} costs;

/* Does the model say how it is to be asked? Then what nobody gave is left to it. */
static bool model_says(const rd_model *m) {
  return m->remembered.defaults != NULL;
}

static bool given(const rd_eval_settings *s, const char *option) {
  return s->options && rd_option_given(s->options, option);
}

/* What generate goes by where nobody gives an option that the sampler takes: a new reference; NULL:
 * e says why. */
static json_t *generates_by(const rd_eval_settings *s, const rd_model *m, const rd_sampler *sampler,
                            const char *option, rd_error *e) {
  const rd_defaults defaults = {.model = m, .continues = s->raw};
  json_t *values = rd_params_defaults(&defaults, &sampler, e);
  json_t *value = json_incref(json_object_get(values, option));
  json_decref(values);
  return value;
}

bool rd_eval_noisy(const rd_eval_settings *s, const rd_model *m) {
  const rd_sampler *sampler = NULL;
  if (rd_sampler_find(&sampler, s->params.sampler, NULL) != RD_OK)
    return false;
  if (!rd_sampler_takes(sampler, "no-noise"))
    return sampler->noise != NULL;
  if (given(s, "no-noise"))
    return !s->params.no_noise;
  if (s->noise || (s->options && rd_options_given(s->options, RD_NOISE_GROUP)))
    return true;
  if (given(s, "noise") || !model_says(m))
    return false;
  json_t *without = generates_by(s, m, sampler, "no-noise", NULL);
  bool noisy = !json_is_true(without);
  json_decref(without);
  return noisy;
}

static rd_code set_number(rd_session *session, const char *name, const char *format, double value,
                          rd_error *e) {
  char text[40];
  snprintf(text, sizeof text, format, value);
  return rd_session_set(session, name, text, e);
}

/* The options of the sampler that the user gave. */
static rd_code set_given(rd_session *session, const rd_options *o, rd_error *e) {
  for (size_t i = 0; o && i < rd_sampler_option_count; i++) {
    const rd_option *row = rd_option_find(o, rd_sampler_options[i].name);
    bool shared = row && row->help == rd_sampler_options[i].help; /* no row of another's */
    if (!shared || !o->given[row - o->rows])
      continue;
    char *text = rd_option_text(o, row);
    rd_code code = text ? rd_session_set(session, row->name, text, e) : RD_OK;
    free(text);
    RD_TRY(code);
  }
  return RD_OK;
}

static rd_code open_session(rd_session **out, const rd_eval *eval, const rd_sampler *sampler,
                            const char *iterations, rd_error *e) {
  const rd_eval_settings *s = eval->settings;
  RD_TRY(rd_session_open(out, eval->model, sampler->name, e));
  RD_TRY(set_given(*out, s->options, e));
  if (given(s, "temperature") || !model_says(eval->model))
    RD_TRY(set_number(*out, "temperature", "%.17g", s->params.temperature, e));
  RD_TRY(set_number(*out, "seed", "%.0f", (double)s->params.seed, e));
  RD_TRY(set_number(*out, "window", "%.0f", (double)s->params.window, e));
  if (iterations)
    RD_TRY(rd_session_set(*out, "iterations", iterations, e));
  if (!rd_sampler_takes(sampler, "no-noise"))
    return RD_OK;
  return rd_session_set(*out, "no-noise", rd_eval_noisy(s, eval->model) ? "false" : "true", e);
}

/* Does the window leave room behind the prompt? A window that the model has not is for the session
 * to refuse. */
static rd_code has_room(const rd_shots *shots, size_t i, bool *room, rd_error *e) {
  const rd_eval *eval = shots->eval;
  const rd_config *c = &eval->model->config;
  int64_t count = 0, window = rd_config_window(c, eval->settings->params.window);
  const char *prompt;
  rd_asking asking;
  int32_t *ids = NULL;
  RD_TRY(rd_row_prompt(shots->rows->items[i], &prompt, e));
  rd_code code = rd_asking_make(&asking, shots, i, prompt, e);
  if (code == RD_OK)
    code = rd_model_prompt(&ids, &count, eval->model, asking.messages, asking.count,
                           eval->settings->raw, e);
  rd_asking_drop(&asking);
  free(ids);
  RD_TRY(code);
  *room = count < window || window > c->positions;
  return RD_OK;
}

/* room[i]: row i can be asked. Those that cannot are named, once for all numbers of iterations. */
static rd_code find_room(const rd_shots *shots, bool *room, rd_error *e) {
  const rd_eval *eval = shots->eval;
  const rd_rows *rows = shots->rows;
  const rd_row_rules told = {.note = eval->watch.note, .context = eval->watch.context};
  size_t without = 0;
  for (size_t i = 0; i < rows->count; i++) {
    RD_TRY(has_room(shots, i, &room[i], e));
    if (!room[i])
      rd_row_note(&told, eval->settings->data, rows->lines[i], ++without,
                  "the prompt fills the window", "counts as an empty answer");
  }
  return RD_OK;
}

/* Raw, the text is gone on from. */
static rd_code ask_session(rd_session *session, const rd_eval *eval, const rd_asking *asking,
                           rd_result *result, rd_error *e) {
  int32_t *ids = NULL;
  int64_t count = 0;
  if (!eval->settings->raw)
    return rd_generate_messages(session, asking->messages, asking->count, NULL, NULL, result, e);
  RD_TRY(rd_model_prompt(&ids, &count, eval->model, asking->messages, asking->count, true, e));
  rd_code code = rd_generate_ids(session, ids, count, NULL, NULL, result, e);
  free(ids);
  return code;
}

/* The answer to a row; an empty one where the prompt leaves no room. */
static rd_code answer(rd_session *session, const rd_shots *shots, size_t i, bool room,
                      rd_result *result, rd_error *e) {
  const char *prompt;
  rd_asking asking;
  *result = (rd_result){0};
  RD_TRY(rd_row_prompt(shots->rows->items[i], &prompt, e));
  if (room) {
    rd_code code = rd_asking_make(&asking, shots, i, prompt, e);
    if (code == RD_OK)
      code = ask_session(session, shots->eval, &asking, result, e);
    rd_asking_drop(&asking);
    return code;
  }
  result->text = rd_strdup("", e);
  return result->text ? RD_OK : RD_NO_MEMORY;
}

/* What row `i` cost, and what the task makes of it; the first rank alone writes, and may fail. */
static rd_code take(const rd_eval *eval, const rd_sweep *sweep, size_t i, const rd_result *result,
                    costs *c, rd_error *e) {
  c->tokens[i] = (double)result->tokens;
  c->iterations[i] = (double)result->iterations;
  c->seconds[i] = result->seconds;
  c->passes[i] = (double)result->passes;
  return rd_ranks_agree(eval->ranks, sweep->answered(sweep->context, i, result, e), e);
}

/* Rank i answers the i-th of every `count` rows; then all hear all of them, in order, and of a
 * failure: nobody leaves alone, since the others would wait. */
static rd_code ask(const rd_shots *shots, rd_session *session, const rd_sweep *sweep, costs *c,
                   rd_error *e) {
  const rd_rows *rows = shots->rows;
  const rd_eval *eval = shots->eval;
  const size_t count = (size_t)eval->ranks->count, rank = (size_t)eval->ranks->rank;
  for (size_t first = 0; first < rows->count; first += count) {
    rd_result mine = {0};
    const size_t own = first + rank;
    rd_code code = own < rows->count ? answer(session, shots, own, c->room[own], &mine, e) : RD_OK;
    for (size_t i = first; i < first + count && i < rows->count; i++) {
      rd_result theirs = {0};
      rd_result *result = i == own ? &mine : &theirs;
      code = rd_shared_result(eval->ranks, (int)(i - first), code, result, e);
      if (code == RD_OK)
        code = take(eval, sweep, i, result, c, e);
      rd_result_drop(&theirs);
      if (code != RD_OK)
        break;
      rd_eval_progress(eval, i + 1, rows->count);
    }
    rd_result_drop(&mine);
    RD_TRY(code);
  }
  return RD_OK;
}

static void add_mean(rd_finding *f, const char *name, const double *values, const rd_eval *eval) {
  double sum = 0;
  for (size_t i = 0; i < f->rows; i++)
    sum += values[i];
  rd_finding_add(f, name, sum / (double)f->rows,
                 rd_bootstrap(values, NULL, f->rows, (uint64_t)eval->settings->params.seed), false);
}

/* The numbers of iterations to ask with: those given; where the model's files say how it is asked,
 * and for what searches in the base, the one that generate asks with; else eval's own few drafts.
 */
static rd_code iterations_of(char **out, const rd_eval *eval, const rd_sampler *sampler,
                             rd_error *e) {
  const rd_eval_settings *s = eval->settings;
  const bool as_generate = model_says(eval->model) || rd_sampler_causal(sampler);
  if (given(s, "iterations") || !as_generate || !rd_sampler_takes(sampler, "iterations")) {
    *out = rd_strdup(s->iterations, e);
    return *out ? RD_OK : RD_NO_MEMORY;
  }
  json_t *own = generates_by(s, eval->model, sampler, "iterations", e);
  if (!own)
    return e->code != RD_OK ? e->code : RD_NO_MEMORY;
  *out = rd_print("%lld", (long long)json_integer_value(own));
  json_decref(own);
  return *out ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: numbers of iterations");
}

/* The task's measures and those of the answers. */
static rd_code report(const rd_eval *eval, const rd_sweep *sweep, rd_finding *finding,
                      const costs *c, rd_error *e) {
  RD_TRY(sweep->finish(sweep->context, finding, e));
  add_mean(finding, "mean_iterations", c->iterations, eval);
  add_mean(finding, "mean_passes", c->passes, eval);
  add_mean(finding, "mean_tokens", c->tokens, eval);
  add_mean(finding, "mean_seconds", c->seconds, eval);
  return rd_eval_report(eval, finding, e);
}

/* One number of iterations; NULL: the sampler takes none. */
static rd_code ask_at(const rd_shots *shots, const rd_sampler *sampler, const char *iterations,
                      const rd_sweep *sweep, costs *c, rd_error *e) {
  const rd_eval *eval = shots->eval;
  const rd_rows *rows = shots->rows;
  rd_session *session = NULL;
  rd_finding finding = {
      .iterations = iterations ? atoll(iterations) : 0, .rows = rows->count, .bad = rows->bad};
  rd_code code =
      rd_ranks_agree(eval->ranks, open_session(&session, eval, sampler, iterations, e), e);
  if (code == RD_OK)
    code = ask(shots, session, sweep, c, e);
  rd_session_close(&session);
  RD_TRY(code);
  return rd_ranks_agree(eval->ranks, report(eval, sweep, &finding, c, e), e);
}

/* A list is refused as a whole before the first number is measured. */
static rd_code check_numbers(const rd_eval *eval, const rd_sampler *sampler, const char *list,
                             rd_error *e) {
  char *copy = rd_strdup(list, e), *rest = copy;
  rd_code code = copy ? RD_OK : RD_NO_MEMORY;
  for (char *at = NULL; code == RD_OK && (at = strsep(&rest, ","));) {
    rd_session *session = NULL;
    const char *word = at + strspn(at, " "), *more = word + strcspn(word, " ");
    code = more[strspn(more, " ")]
             ? rd_fail(e, RD_USAGE, "--iterations: expected numbers with commas between, found %s",
                       at)
             : open_session(&session, eval, sampler, at, e);
    rd_session_close(&session);
  }
  free(copy);
  return code;
}

rd_code rd_eval_sweep(const rd_eval *eval, const rd_rows *rows, rd_row_check *check,
                      const rd_sweep *sweep, rd_error *e) {
  const rd_sampler *sampler;
  rd_shots shots = {0};
  size_t n = rows->count;
  char *list = NULL;
  RD_TRY(rd_sampler_find(&sampler, eval->settings->params.sampler, e));
  double *block = rd_calloc(4 * n, sizeof *block, "costs of answers", e);
  bool *room = rd_calloc(n, sizeof *room, "rooms for answers", e);
  rd_code code = block && room ? iterations_of(&list, eval, sampler, e) : RD_NO_MEMORY;
  if (code == RD_OK && rd_sampler_takes(sampler, "iterations"))
    code = check_numbers(eval, sampler, list, e);
  if (code == RD_OK)
    code = rd_shots_open(&shots, eval, rows, check, e);
  if (code == RD_OK)
    code = find_room(&shots, room, e);
  code = rd_ranks_agree(eval->ranks, code, e);
  costs c = {block, block + n, block + 2 * n, block + 3 * n, room};
  char *rest = list;
  if (code == RD_OK && !rd_sampler_takes(sampler, "iterations"))
    code = ask_at(&shots, sampler, NULL, sweep, &c, e);
  else
    for (char *at = NULL; code == RD_OK && (at = strsep(&rest, ","));)
      code = ask_at(&shots, sampler, at, sweep, &c, e);
  rd_shots_drop(&shots);
  free(list);
  free(room);
  free(block);
  return code;
}
