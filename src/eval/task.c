/* SPDX-License-Identifier: MIT */
/* The table of tasks, and what all of them do with rows and watchers. */
#include "task.h"

const rd_task rd_tasks[] = {
    {"exact", "{prompt, answer} rows, generated and compared after normalising", false,
     rd_task_exact},
    {"loss", "training rows: cross-entropy under fixed corruption, by noise level", false,
     rd_task_loss},
    {"choice", "{question, options, answer} rows: is the likeliest option the right one", false,
     rd_task_choice},
    {"perplexity", "{prompt} rows, generated, or {text} rows: perplexity under --judge, repetition",
     true, rd_task_perplexity},
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

rd_code rd_eval_rows(rd_rows *rows, const rd_eval *eval, rd_row_check *check, rd_error *e) {
  const rd_eval_settings *s = eval->settings;
  const rd_dataset *dataset = NULL;
  RD_TRY(rd_dataset_find(&dataset, s->dataset ? s->dataset : "auto", s->data, e));
  const rd_row_rules rules = {.check = check,
                              .header = dataset->header,
                              .lines = dataset->lines,
                              .mend = dataset->mend,
                              .limit = (size_t)s->limit,
                              .allow_bad = s->allow_bad,
                              .columns = s->columns,
                              .note = eval->watch.note,
                              .context = eval->watch.context};
  RD_TRY(rd_row_columns_check(s->columns, e));
  return rd_rows_read(rows, s->data, &rules, e);
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
