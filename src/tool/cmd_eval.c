/* SPDX-License-Identifier: MIT */
/* redraft eval: a task over a file of rows. Findings go to standard output as a table or as JSON,
 * what came of each row to --out, progress to a terminal. */
#include "answer.h"
#include "clock.h"
#include "cpu.h"
#include "csv.h"
#include "frame.h"
#include "interrupt.h"
#include "objective.h"
#include "sampler.h"
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct settings {
  rd_common common;
  rd_eval_settings eval;
  char *judge, *out, *csv;
} settings;

#define AT(member) RD_OPTION_AT(settings, member)

static const rd_option rows[] = {
    {"task", AT(eval.task), .fallback = "exact", .choices = &rd_task_table, .lists = true,
     .group = "Task", .value = "NAME", .help = "'help' lists the tasks"},
    {"data", AT(eval.data), .group = "Task", .value = "FILE",
     .help = "rows: JSONL, a JSON array, CSV, any of them compressed by zstd"},
    {"dataset", AT(eval.dataset), .fallback = "auto", .choices = &rd_dataset_table, .lists = true,
     .group = "Task", .value = "NAME",
     .help = "how the rows of a well-known test are read; 'help' lists them"},
    {"raw", AT(eval.raw), .group = "Task", .help = "prompts are plain text: no chat template"},
    {"shots", AT(eval.shots), .fallback = "0", .max = 1000, .group = "Task", .value = "N",
     .help = "solved rows before each question: the first ones that it is not itself"},
    {"shots-from", AT(eval.shots_from), .group = "Task", .value = "FILE",
     .help = "where they come from; the data, unless given"},
    {"limit", AT(eval.limit), .fallback = "0", .max = 1e9, .group = "Task",
     .help = "rows at most; 0: all"},
    {"columns", AT(eval.columns), .group = "Task", .value = "KEY=NAME,..",
     .help = "how the keys of a row are called in these data: prompt=Question,answer=Reply"},
    {"allow-bad", AT(eval.allow_bad), .group = "Task", .help = "go on with more than 1% bad rows"},
    {"out", AT(out), .letter = 'o', .group = "Task", .value = "FILE",
     .help = "what came of each row, one a line"},
    {"csv", AT(csv), .group = "Task", .value = "FILE",
     .help = "the findings as a table, added to what it holds"},
    {"seed", AT(eval.params.seed), .fallback = "1", .max = 9007199254740992.0, .group = "Task",
     .value = "N", .help = "of all random numbers"},
    {"objective", AT(eval.objective), .fallback = "structural", .choices = &rd_objective_table,
     .group = "Scoring",
     .help = "loss: the corruption; choice: next-token scores from left to right, the others by "
             "masks"},
    {"draws", AT(eval.draws), .fallback = "128", .min = 1, .max = 1048576, .group = "Scoring",
     .help = "masks drawn for the likelihood of an option"},
    {"judge", AT(judge), .group = "Scoring", .value = "PATH",
     .help = "the reference model of perplexity"},
    {"iterations", AT(eval.iterations), .letter = 'n', .fallback = "16", .group = "Generating",
     .value = "N,N",
     .help = "drafts at most, a row each; unless given, what the model's files name"},
    {"noise", AT(eval.noise), .group = "Generating",
     .help = "noise between iterations; without it and any option of noise: as the model's files "
             "say, or drafts are refined from themselves (lad)"},
    {"temperature", AT(eval.params.temperature), .letter = 't', .fallback = "0", .max = 10,
     .group = "Generating", .value = "F",
     .help = "0: always the best token; unless given, what the model's files name"},
};
static const rd_table own_rows = RD_TABLE("option", rows);
const rd_option_part rd_eval_parts[] = {{&own_rows, 0},
                                        {&rd_system_rows, offsetof(settings, common.prompt)},
                                        RD_COMMON_PARTS(settings, common),
                                        {&rd_sampler_rows, offsetof(settings, eval.params)},
                                        {NULL, 0}};

/* Where everything goes. */
typedef struct view {
  const rd_ranks *ranks;
  const settings *settings;
  const rd_model *model;
  rd_file_aside out;
  size_t kept; /* rows in it */
  rd_csv csv;
  bool terminal, headed;
  time_t shown;
  double begun; /* when the finding that is to come was begun */
} view;

static void clear_line(const view *v) {
  if (v->terminal)
    fputs("\r\x1b[K", stderr);
}

static void note(void *context, const char *message) {
  const view *v = context;
  clear_line(v);
  if (!v->settings->common.quiet)
    fprintf(stderr, "%s\n", message);
}

static void progress(void *context, size_t done, size_t of) {
  view *v = context;
  time_t now = time(NULL);
  if (!v->terminal || (done < of && now == v->shown))
    return;
  v->shown = now;
  clear_line(v);
  if (done < of)
    fprintf(stderr, "%zu of %zu", done, of);
}

/* With --verbose: what was answered wrong. */
static void show_wrong(const view *v, const json_t *row) {
  const json_t *right = json_object_get(row, "right");
  if (!v->settings->common.verbose || !right || json_is_true(right))
    return;
  char *text = rd_json_dumps(row, 0);
  clear_line(v);
  fprintf(stderr, "%s\n", text ? text : "");
  free(text);
}

static rd_code keep_row(void *context, const json_t *outcome, rd_error *e) {
  view *v = context;
  show_wrong(v, outcome);
  if (!v->out.path)
    return RD_OK;
  char *text = rd_json_dumps(outcome, 0);
  const rd_file_piece parts[] = {{text, text ? strlen(text) : 0}, {"\n", 1}};
  rd_code code = text ? rd_file_add(&v->out, parts, 2, e)
                      : rd_fail(e, RD_NO_MEMORY, "out of memory: what came of a row");
  v->kept += code == RD_OK;
  free(text);
  return code;
}

static bool has_interval(const rd_measure *m) {
  return m->interval.low <= m->interval.high;
}

/* 3.142, 12.5%; with the interval behind it where there is one; - where nothing was measured. */
static void write_measure(char *out, size_t size, const rd_measure *m) {
  if (isnan(m->value)) {
    snprintf(out, size, "-");
    return;
  }
  double scale = m->share ? 100 : 1;
  const char *unit = m->share ? "%" : "";
  int digits = m->share ? 1 : fabs(m->value) < 1 ? 4 : fabs(m->value) < 100 ? 3 : 1;
  int n = snprintf(out, size, "%.*f%s", digits, scale * m->value, unit);
  if (has_interval(m) && n > 0 && (size_t)n < size)
    snprintf(out + n, size - (size_t)n, " (%.*f..%.*f)", digits, scale * m->interval.low, digits,
             scale * m->interval.high);
}

enum { CELL = 26 };

/* Of column i of a table; the last one ends the line. */
static int width_of(const rd_finding *f, size_t i) {
  return i + 1 == f->count ? 0 : has_interval(&f->measures[i]) ? CELL - 2 : CELL / 2;
}

static void head_line(const rd_finding *f) {
  if (f->iterations)
    printf("%-10s ", "iterations");
  printf("%6s", "rows");
  for (size_t i = 0; i < f->count; i++) {
    char name[CELL];
    snprintf(name, sizeof name, "%s", f->measures[i].name);
    for (char *c = name; *c; c++)
      *c = *c == '_' ? ' ' : *c;
    printf("  %-*s", width_of(f, i), name);
  }
  putchar('\n');
}

static void table_line(view *v, const rd_finding *f) {
  if (!v->headed)
    head_line(f);
  v->headed = true;
  if (f->iterations)
    printf("%-10lld ", (long long)f->iterations);
  printf("%6zu", f->rows);
  for (size_t i = 0; i < f->count; i++) {
    char text[80];
    write_measure(text, sizeof text, &f->measures[i]);
    printf("  %-*s", width_of(f, i), text);
  }
  putchar('\n');
}

static void set_real(json_t *object, const char *name, const char *end, double value) {
  char key[64];
  snprintf(key, sizeof key, "%s%s", name, end);
  json_object_set_new(object, key, isfinite(value) ? json_real(value) : json_null());
}

/* The value and its interval, null where there is none: all rows of a task have the same names. */
static void set_measure(json_t *object, const rd_measure *m) {
  set_real(object, m->name, "", m->value);
  set_real(object, m->name, "_low", has_interval(m) ? m->interval.low : NAN);
  set_real(object, m->name, "_high", has_interval(m) ? m->interval.high : NAN);
}

/* What was measured and how: a new object, NULL when memory is out. */
static json_t *finding_value(const view *v, const rd_finding *f, double seconds) {
  const rd_eval_settings *s = &v->settings->eval;
  const char *named = v->settings->common.adapter;
  const char *adapter = !v->model->adapted ? NULL : named ? named : "its own";
  json_t *object =
      json_pack("{s:s, s:o, s:s*, s:o?, s:s, s:b, s:s, s:I, s:I}", "task", s->task, "data",
                rd_json_said(s->data), "model", v->model->name, "adapter", rd_json_said(adapter),
                "sampler", s->params.sampler, "noise", rd_eval_noisy(s, v->model), "objective",
                s->objective, "rows", (json_int_t)f->rows, "bad", (json_int_t)f->bad);
  json_object_set_new(object, "iterations",
                      f->iterations ? json_integer(f->iterations) : json_null());
  for (size_t i = 0; i < f->count; i++)
    set_measure(object, &f->measures[i]);
  json_object_set_new(object, "raw", json_boolean(s->raw));
  json_object_set_new(object, "shots", json_integer(s->shots));
  set_real(object, "rows_per_second", "", (double)f->rows / fmax(seconds, 1e-9));
  return object;
}

/* The finding where it is wanted: as a line of JSON, as a line of a table for people, as one of a
 * table in a file. */
static rd_code show_finding(view *v, const rd_finding *f, double seconds, rd_error *e) {
  json_t *value = finding_value(v, f, seconds);
  if (!value)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a finding");
  rd_code code = v->settings->csv ? rd_csv_append(&v->csv, value, e) : RD_OK;
  if (v->settings->common.json) {
    json_dumpf(value, stdout, 0);
    putchar('\n');
  } else {
    table_line(v, f);
    if (!v->settings->common.quiet)
      fprintf(stderr, "%.3g rows a second\n", (double)f->rows / fmax(seconds, 1e-9));
  }
  json_decref(value);
  return code;
}

static rd_code finding(void *context, const rd_finding *f, rd_error *e) {
  view *v = context;
  double now = rd_seconds();
  clear_line(v);
  rd_code code = show_finding(v, f, now - v->begun, e);
  v->begun = now;
  fflush(stdout);
  return code;
}

static void list_datasets(void) {
  const rd_dataset *rows_of = rd_dataset_table.rows;
  for (size_t i = 0; i < rd_dataset_table.count; i++)
    printf("%-12s %s\n", rows_of[i].name, rows_of[i].help);
}

static void list_tasks(void) {
  for (size_t i = 0; i < rd_task_count; i++)
    printf("%-12s %s\n", rd_tasks[i].name, rd_tasks[i].help);
}

static rd_code open_judge(rd_model **out, const settings *s, rd_error *e) {
  rd_common judge = s->common;
  judge.model = s->judge;
  judge.adapter = NULL;
  judge.prompt = (rd_prompt_choice){0};
  RD_TRY(rd_tool_name_causal(&judge, e));
  rd_code code = rd_tool_open(out, &judge, e);
  free(judge.adapter);
  return code;
}

/* The sampler to report and to run: the one given, or that other options ask for, or the model's
 * own. */
static rd_code name_sampler(const settings *s, const rd_model *m, rd_error *e) {
  const rd_options *o = s->common.options;
  rd_options choosing = *o; /* as if only these were given */
  const rd_defaults defaults = {.model = m, .service = &choosing};
  const rd_sampler *sampler = NULL;
  choosing.given = rd_calloc(o->count, sizeof *choosing.given, "options", e);
  if (!choosing.given)
    return RD_NO_MEMORY;
  for (size_t i = 0; i < o->count; i++)
    choosing.given[i] =
        o->given[i] && rd_name_listed("sampler verify template suffix", o->rows[i].name);
  json_t *values = rd_params_defaults(&defaults, &sampler, e);
  json_decref(values);
  free(choosing.given);
  return values ? rd_option_set(o, rd_option_find(o, "sampler"), sampler->name, e) : e->code;
}

/* What is scored or written from left to right is so by the model without a denoiser's adapter. */
static rd_code open_model(rd_model **out, const settings *s, const rd_task *task, rd_error *e) {
  rd_common common = s->common;
  const rd_sampler *sampler = NULL;
  const rd_objective *objective = NULL;
  if (rd_option_given(s->common.options, "sampler"))
    RD_TRY(rd_sampler_find(&sampler, s->eval.params.sampler, e));
  RD_TRY(rd_objective_find(&objective, s->eval.objective, e));
  bool causal = task->writes ? sampler && rd_sampler_causal(sampler) && !s->eval.params.verify
                             : !objective->corruption;
  if (causal)
    RD_TRY(rd_tool_name_causal(&common, e));
  rd_code code = rd_tool_open(out, &common, e);
  if (common.adapter != s->common.adapter)
    free(common.adapter);
  return code == RD_OK ? name_sampler(s, *out, e) : code;
}

static rd_code work(const settings *s, const rd_task *task, view *v, rd_error *e) {
  rd_model *model = NULL, *judge = NULL;
  rd_code code = open_model(&model, s, task, e);
  if (code == RD_OK && task->judged)
    code = open_judge(&judge, s, e);
  v->model = model;
  const rd_eval eval = {.settings = &s->eval,
                        .model = model,
                        .judge = judge,
                        .ranks = v->ranks,
                        .watch = {v, note, progress, keep_row, finding}},
                silent = {.settings = &s->eval, .model = model, .judge = judge, .ranks = v->ranks};
  code = rd_ranks_agree(v->ranks, code, e);
  v->begun = rd_seconds();
  if (code == RD_OK)
    code = task->run(v->ranks->rank == 0 ? &eval : &silent, e);
  clear_line(v);
  rd_model_close(&judge);
  rd_model_close(&model);
  return code;
}

/* What means nothing beside another option, or without it. */
static rd_code check_pairs(const settings *s, const rd_task *task, rd_error *e) {
  const rd_common *c = &s->common;
  const rd_objective *objective = NULL;
  RD_TRY(rd_objective_find(&objective, s->eval.objective, e));
  if (!task->writes && !objective->corruption)
    RD_TRY(rd_tool_refuse(c, "draws", "to --objective next-token, which has no masks", e));
  if (s->eval.shots == 0)
    RD_TRY(rd_tool_refuse(c, "shots-from", "without --shots N: how many of its rows", e));
  if (s->eval.raw)
    RD_TRY(rd_tool_refuse(c, "chat-template", "beside --raw: prompts are plain text", e));
  if (rd_option_given(c->options, "noise") && s->eval.noise == s->eval.params.no_noise)
    RD_TRY(rd_tool_refuse(c, "no-noise", "beside --noise, which says the opposite", e));
  return RD_OK;
}

/* What the task has no use for is refused by name. */
static rd_code check_meaning(const settings *s, const rd_task *task, rd_error *e) {
  char why[64];
  snprintf(why, sizeof why, "to --task %s", task->name);
  RD_TRY(rd_tool_refuse(&s->common, task->unused, why, e));
  for (size_t i = 0; i < rd_sampler_rows.count && !task->writes; i++) {
    const char *name = rd_sampler_options[i].name;
    if (!rd_table_row(&own_rows, name) &&
        strcmp(name, "window") != 0) /* an example's tokens, too */
      RD_TRY(rd_tool_refuse(&s->common, name, why, e));
  }
  return check_pairs(s, task, e);
}

/* The files of --data, with commas between, are read, and a table is gone on with. */
static rd_code check_apart(const settings *s, rd_error *e) {
  char *list = s->eval.data ? rd_strdup(s->eval.data, e) : NULL, *rest = list;
  rd_code code = s->eval.data && !list ? RD_NO_MEMORY : rd_path_apart(s->out, s->csv, e);
  if (code == RD_OK && s->out && s->csv && strcmp(s->out, s->csv) == 0)
    code = rd_fail(e, RD_USAGE, "--out and --csv are one file: name another for one of them");
  if (code == RD_OK)
    code = rd_path_apart(s->out, s->eval.shots_from, e);
  if (code == RD_OK)
    code = rd_path_apart(s->csv, s->eval.shots_from, e);
  for (const char *name; code == RD_OK && (name = strsep(&rest, ","));) {
    code = rd_path_apart(s->out, name, e);
    if (code == RD_OK)
      code = rd_path_apart(s->csv, name, e);
  }
  free(list);
  return code;
}

/* Before the work: what cannot be written is said at once. */
static rd_code open_outputs(view *v, rd_error *e) {
  const settings *s = v->settings;
  RD_TRY(check_apart(s, e));
  if (s->out)
    RD_TRY(rd_file_begin(&v->out, s->out, e));
  char *line =
      v->out.part ? rd_print("\n%s holds what came of the rows so far", v->out.part) : NULL;
  if (line)
    rd_interrupt_farewell(line);
  free(line);
  return s->csv ? rd_csv_open(&v->csv, s->csv, "task", s->eval.task, e) : RD_OK;
}

/* Of an evaluation that failed the rows so far stay aside: they may be the work of hours. */
static rd_code close_outputs(view *v, rd_code code, rd_error *e) {
  rd_csv_close(&v->csv);
  if (code == RD_OK && v->out.path)
    return rd_file_commit(&v->out, e);
  if (v->out.part && v->kept > 0) {
    fprintf(stderr, "%s holds what came of %zu rows\n", v->out.part, v->kept);
    rd_file_leave(&v->out);
  }
  rd_file_abandon(&v->out);
  return code;
}

static rd_code run(void *context, char **names, rd_error *e) {
  settings *s = context;
  (void)names;
  const rd_task *task;
  view v = {.settings = s, .terminal = isatty(STDERR_FILENO) && !s->common.quiet};
  s->eval.options = s->common.options;
  s->common.outputs[0] = s->out;
  s->common.outputs[1] = s->csv;
  if (strcmp(s->eval.task, "help") == 0) {
    list_tasks();
    return RD_OK;
  }
  if (strcmp(s->eval.dataset, "help") == 0) {
    list_datasets();
    return RD_OK;
  }
  if (rd_answer_lists(&s->eval.params))
    return RD_OK;
  RD_TRY(rd_task_find(&task, s->eval.task, e));
  if (!s->eval.data)
    return rd_fail(e, RD_USAGE, "--data FILE is needed; --help says more");
  RD_TRY(check_meaning(s, task, e));
  if (task->judged && !s->judge)
    return rd_fail(e, RD_USAGE, "--task %s needs a reference model: --judge PATH", task->name);
  RD_TRY(rd_ranks_join(&v.ranks, e));
  if (v.ranks->threads > 0 && s->common.threads == 0)
    rd_threads_set(v.ranks->threads);
  rd_code code = rd_ranks_agree(v.ranks, v.ranks->rank == 0 ? open_outputs(&v, e) : RD_OK, e);
  if (code == RD_OK)
    code = work(s, task, &v, e);
  code = close_outputs(&v, code, e);
  if (code != RD_OK && v.ranks->rank > 0)
    *e->message = '\0'; /* the first rank says it for all */
  return code;
}

rd_code rd_cmd_eval(const rd_command *self, int argc, char **argv, rd_error *e) {
  settings s = {0};
  return rd_tool_command(self, &s, 0, argc, argv, run, e);
}
