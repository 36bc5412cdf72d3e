/* SPDX-License-Identifier: MIT */
/* The task `choice`: of several options the likeliest one is the model's answer. */
#include "asking.h"
#include "likelihood.h"
#include "objective.h"
#include "shared_rows.h"
#include "task.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_OPTIONS = 26 };

/* A row taken apart; texts point into it. */
typedef struct question {
  const char *prompt;
  const json_t *prompts; /* each option's own, or NULL */
  const json_t *options;
  size_t count, right;
} question;

static const json_t *either(const json_t *row, const char *key, const char *other) {
  const json_t *value = json_object_get(row, key);
  return value ? value : json_object_get(row, other);
}

/* A number from 0, a letter, or the text of an option. */
static rd_code find_right(question *q, const json_t *answer, rd_error *e) {
  const char *text = json_string_value(answer);
  q->right = q->count;
  if (json_is_integer(answer) && json_integer_value(answer) >= 0)
    q->right = (size_t)json_integer_value(answer);
  for (size_t i = 0; text && i < q->count; i++)
    if (strcmp(text, json_string_value(json_array_get(q->options, i))) == 0)
      q->right = i;
  if (text && q->right == q->count && isalpha((unsigned char)text[0]) && !text[1])
    q->right = (size_t)(toupper((unsigned char)text[0]) - 'A');
  if (q->right < q->count)
    return RD_OK;
  char *found = answer ? rd_json_dumps(answer, JSON_ENCODE_ANY) : NULL;
  rd_code code = rd_fail(e, RD_BAD_INPUT,
                         "answer: expected a number below %zu, a letter or the text of an option, "
                         "found %.60s",
                         q->count, found ? found : "nothing");
  free(found);
  return code;
}

static rd_code read_question(question *q, const json_t *row, rd_error *e) {
  *q = (question){.options = either(row, "options", "choices"),
                  .prompts = json_object_get(row, "prompts")};
  RD_TRY(rd_row_prompt(row, &q->prompt, e));
  q->count = json_array_size(q->options);
  if (q->prompts && json_array_size(q->prompts) != q->count)
    return rd_fail(e, RD_BAD_INPUT, "prompts: expected one for each of %zu options", q->count);
  if (q->count < 2 || q->count > MOST_OPTIONS)
    return rd_fail(e, RD_BAD_INPUT, "options: expected 2 to %d, found %zu", MOST_OPTIONS, q->count);
  for (size_t i = 0; i < q->count; i++) {
    const char *text = json_string_value(json_array_get(q->options, i));
    if (!text || !text[strspn(text, " \t\r\n")])
      return rd_fail(e, RD_BAD_INPUT, "options: number %zu is %s", i + 1,
                     text ? "empty" : "no text");
  }
  return find_right(q, either(row, "answer", "gold"), e);
}

/* What stands before option `o`. */
static const char *prompt_of(const question *q, size_t o) {
  const char *own = json_string_value(json_array_get(q->prompts, o));
  return own ? own : q->prompt;
}

bool rd_choice_shown(const json_t *row, const char **prompt, const char **answer) {
  question q;
  if (read_question(&q, row, NULL) != RD_OK)
    return false;
  *prompt = prompt_of(&q, q.right);
  *answer = json_string_value(json_array_get(q.options, q.right));
  return true;
}

rd_code rd_choice_check(const json_t *row, rd_error *e) {
  question q;
  return read_question(&q, row, e);
}

typedef struct work {
  const rd_eval *eval;
  rd_rows rows;
  rd_shots shots;
  rd_answer_ids *answers; /* (count) every option of every row that fits */
  double *nats;           /* (count) */
  size_t count, right, right_by_byte;
  double chance;
} work;

static rd_code encode_option(work *w, size_t i, const question *q, size_t o, rd_answer_ids *out,
                             rd_error *e) {
  rd_asking asking;
  rd_code code = rd_asking_make(&asking, &w->shots, i, prompt_of(q, o), e);
  if (code == RD_OK)
    code = rd_answer_ids_encode(out, w->eval->model, asking.messages, asking.count,
                                w->eval->settings->raw,
                                json_string_value(json_array_get(q->options, o)), e);
  rd_asking_drop(&asking);
  return code;
}

/* The options of row `i`, or none of them when one cannot be asked for. */
static rd_code encode_row(void *context, size_t i, rd_error *e) {
  work *w = context;
  const rd_model *m = w->eval->model;
  question q;
  size_t before = w->count;
  RD_TRY(read_question(&q, w->rows.items[i], e));
  rd_code code = RD_OK;
  for (size_t o = 0; o < q.count && code == RD_OK; o++) {
    rd_answer_ids *a = &w->answers[w->count++];
    code = encode_option(w, i, &q, o, a, e);
    a->key = (uint32_t)i;
    if (code == RD_OK && a->count > m->config.positions)
      code = rd_fail(e, RD_BAD_INPUT, "longer than the model's %lld positions",
                     (long long)m->config.positions);
  }
  while (code != RD_OK && w->count > before)
    rd_answer_ids_drop(&w->answers[--w->count]);
  return code;
}

static rd_code encode(work *w, rd_error *e) {
  size_t options = 0, count = w->rows.count;
  for (size_t i = 0; i < count; i++)
    options += json_array_size(either(w->rows.items[i], "options", "choices"));
  w->answers = rd_calloc(options, sizeof *w->answers, "options", e);
  w->nats = rd_calloc(options, sizeof *w->nats, "likelihoods", e);
  return w->answers && w->nats ? rd_eval_keep(&w->rows, w->eval, encode_row, w, e) : RD_NO_MEMORY;
}

/* The options of one row, their likelihoods from `nats` on. */
static rd_code judge_row(work *w, const json_t *row, const double *nats, size_t *options,
                         rd_error *e) {
  question q;
  RD_TRY(read_question(&q, row, e));
  size_t best = 0, best_by_byte = 0;
  double top = 0;
  json_t *list = json_array();
  for (size_t o = 0; o < q.count; o++) {
    double by_byte = nats[o] / (double)json_string_length(json_array_get(q.options, o));
    best = nats[o] > nats[best] ? o : best;
    best_by_byte = o == 0 || by_byte > top ? o : best_by_byte;
    top = best_by_byte == o ? by_byte : top;
    json_array_append_new(list, json_real(nats[o]));
  }
  *options = q.count;
  w->right += best == q.right;
  w->right_by_byte += best_by_byte == q.right;
  w->chance += 1 / (double)q.count;
  return rd_eval_tell(w->eval,
                      json_pack("{s:s, s:O, s:o, s:I, s:I, s:b}", "prompt", q.prompt, "options",
                                q.options, "log_likelihoods", list, "chosen", (json_int_t)best,
                                "answer", (json_int_t)q.right, "right", best == q.right),
                      e);
}

static rd_code judge(work *w, rd_error *e) {
  const double *nats = w->nats;
  for (size_t i = 0; i < w->rows.count; i++) {
    size_t options = 0;
    RD_TRY(judge_row(w, w->rows.items[i], nats, &options, e));
    nats += options;
  }
  size_t n = w->rows.count;
  rd_finding f = {.rows = n, .bad = w->rows.bad};
  rd_finding_add(&f, "right", (double)w->right / (double)n, rd_wilson(w->right, n), true);
  rd_finding_add(&f, "right_by_byte", (double)w->right_by_byte / (double)n,
                 rd_wilson(w->right_by_byte, n), true);
  rd_finding_add(&f, "chance", w->chance / (double)n, RD_NO_INTERVAL, true);
  return rd_eval_report(w->eval, &f, e);
}

static void progress(void *context, size_t done, size_t of) {
  rd_eval_progress(context, done, of);
}

static rd_code prepare(work *w, rd_error *e) {
  RD_TRY(rd_shots_open(&w->shots, w->eval, &w->rows, rd_choice_check, e));
  return encode(w, e);
}

static rd_code measure(work *w, rd_error *e) {
  const rd_eval_settings *s = w->eval->settings;
  const rd_objective *objective;
  RD_TRY(rd_objective_find(&objective, s->objective, e));
  RD_TRY(rd_ranks_agree(w->eval->ranks, prepare(w, e), e));
  const rd_likelihood_rules rules = {.model = w->eval->model,
                                     .causal = !objective->corruption,
                                     .draws = s->draws,
                                     .seed = (uint64_t)s->params.seed,
                                     .progress = progress,
                                     .context = (void *)(uintptr_t)w->eval};
  RD_TRY(rd_shared_likelihoods(w->eval->ranks, w->nats, w->answers, w->count, &rules, e));
  return judge(w, e);
}

rd_code rd_task_choice(const rd_eval *eval, rd_error *e) {
  work w = {.eval = eval};
  rd_code code = rd_ranks_agree(eval->ranks, rd_eval_rows(&w.rows, eval, rd_choice_check, e), e);
  if (code == RD_OK)
    code = measure(&w, e);
  for (size_t i = 0; i < w.count; i++)
    rd_answer_ids_drop(&w.answers[i]);
  free(w.answers);
  free(w.nats);
  rd_shots_drop(&w.shots);
  rd_rows_drop(&w.rows);
  return code;
}
