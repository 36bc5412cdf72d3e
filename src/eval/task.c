/* SPDX-License-Identifier: MIT */
/* The table of tasks, and what all of them do with rows and watchers. */
#include "task.h"

#include <string.h>

const rd_task rd_tasks[] = {
    {"exact", "{prompt, answer} rows, generated and compared after normalising", false, true,
     "objective draws judge", rd_task_exact},
    {"loss", "training rows: cross-entropy under fixed corruption, by noise level", false, false,
     "dataset draws judge shots shots-from raw iterations noise temperature", rd_task_loss},
    {"choice", "{question, options, answer} rows: is the likeliest option the right one", false,
     false, "judge iterations noise temperature window", rd_task_choice},
    {"perplexity", "{prompt} rows, generated, or {text} rows: perplexity under --judge, repetition",
     true, true, "objective draws shots shots-from", rd_task_perplexity},
};
const size_t rd_task_count = sizeof rd_tasks / sizeof *rd_tasks;

const rd_table rd_task_table = RD_TABLE("task", rd_tasks);

rd_code rd_task_find(const rd_task **out, const char *name, rd_error *e) {
  *out = rd_table_find(&rd_task_table, name, e);
  return *out ? RD_OK : RD_USAGE;
}

void rd_finding_add(rd_finding *finding, const char *name, double value, rd_interval interval,
                    bool share) {
  if (finding->count < RD_MOST_MEASURES)
    finding->measures[finding->count++] = (rd_measure){name, value, interval, share};
}

const rd_dataset *rd_eval_dataset(const rd_eval *eval) {
  const rd_eval_settings *s = eval->settings;
  const rd_dataset *dataset = NULL;
  rd_dataset_find(&dataset, s->dataset ? s->dataset : "auto", s->data, NULL);
  return dataset;
}

/* Rows that nobody said to be of a well-known test. */
static rd_code tell_guess(const rd_dataset *dataset, rd_code code, rd_error *e) {
  const rd_error said = e ? *e : (rd_error){0};
  return rd_fail(e, code, "%.900s (read as dataset %s by its name; --dataset none)", said.message,
                 dataset->name);
}

rd_code rd_eval_rows(rd_rows *rows, const rd_eval *eval, rd_row_check *check, rd_error *e) {
  const rd_eval_settings *s = eval->settings;
  const rd_dataset *dataset = NULL;
  RD_TRY(rd_dataset_find(&dataset, s->dataset ? s->dataset : "auto", s->data, e));
  unsigned long long found = 0;
  const rd_row_rules rules = {.check = check,
                              .header = dataset->header,
                              .lines = dataset->lines,
                              .mend = dataset->mend,
                              .limit = (size_t)s->limit,
                              .allow_bad = s->allow_bad,
                              .columns = s->columns,
                              .found = &found,
                              .note = eval->watch.note,
                              .context = eval->watch.context};
  RD_TRY(rd_row_columns_check(s->columns, e));
  rd_code code = rd_rows_read(rows, s->data, &rules, e);
  const bool guessed = dataset->mend && (!s->dataset || strcmp(s->dataset, "auto") == 0);
  if (code == RD_BAD_INPUT && guessed)
    return tell_guess(dataset, code, e);
  RD_TRY(code);
  code = rd_row_columns_found(s->columns, found, e);
  if (code != RD_OK)
    rd_rows_drop(rows);
  return code;
}

static void note_skipped(const rd_eval *eval, size_t row, const char *why) {
  char *note = rd_print("question %zu: %s; skipped", row + 1, why);
  if (note && eval->watch.note)
    eval->watch.note(eval->watch.context, note);
  free(note);
}

rd_code rd_eval_keep(rd_rows *rows, const rd_eval *eval, rd_eval_fit *fit, void *context,
                     rd_error *e) {
  bool *fits = rd_calloc(rows->count, sizeof *fits, "rows that fit", e);
  rd_code code = fits ? RD_OK : RD_NO_MEMORY;
  for (size_t i = 0; i < rows->count && code == RD_OK; i++) {
    rd_error why = {0};
    code = fit(context, i, &why);
    fits[i] = code == RD_OK;
    if (code == RD_BAD_INPUT) {
      note_skipped(eval, i, why.message);
      code = RD_OK;
    } else if (code != RD_OK) {
      rd_fail(e, code, "%s", why.message);
    }
  }
  if (code == RD_OK)
    rd_rows_keep(rows, fits);
  free(fits);
  RD_TRY(code);
  const rd_row_count count = {eval->settings->data, rows->count, rows->bad};
  const rd_row_rules rules = {.allow_bad = eval->settings->allow_bad};
  return rows->count ? rd_rows_finish(&count, &rules, e)
                     : rd_fail(e, RD_BAD_INPUT, "%s: no row fits the model", count.path);
}

rd_code rd_eval_tell(const rd_eval *eval, json_t *row, rd_error *e) {
  if (!row)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: what came of a row");
  rd_code code = eval->watch.row ? eval->watch.row(eval->watch.context, row, e) : RD_OK;
  json_decref(row);
  return code;
}

rd_code rd_eval_report(const rd_eval *eval, const rd_finding *finding, rd_error *e) {
  return eval->watch.finding ? eval->watch.finding(eval->watch.context, finding, e) : RD_OK;
}

void rd_eval_progress(const rd_eval *eval, size_t done, size_t of) {
  if (eval->watch.progress)
    eval->watch.progress(eval->watch.context, done, of);
}
