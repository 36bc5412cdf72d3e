/* SPDX-License-Identifier: MIT */
/* Tasks that measure a model: one row each. A task reads its data, works through it, tells the
 * watcher how far it is and what came of each row, and reports findings: one for each number of
 * iterations where it generates, else one. */
#ifndef RD_TASK_H
#define RD_TASK_H

#include "dataset.h"
#include "params.h"
#include "ranks.h"
#include "request.h"
#include "rows.h"
#include "stats.h"

typedef struct rd_eval_settings {
  char *task, *data, *columns, *dataset; /* dataset: a row's name (dataset.h), or "auto" */
  int64_t shots;                         /* solved rows before each question */
  char *shots_from;                      /* their file; NULL: the data */
  bool raw;                              /* prompts are plain text: no chat template */
  int64_t limit;                         /* rows at most; 0: all */
  bool allow_bad;
  /* tasks that generate: the sampler, and what else of its options is given in `options`, the table
   * that params is part of (NULL: nothing). params.window is also, for the loss, the tokens of an
   * example at most; params.seed is of all random numbers. */
  rd_params params;
  const rd_options *options;
  char *iterations; /* "4,8,16" */
  bool noise;       /* between drafts; rd_eval_noisy says what else makes it so */
  /* tasks that score */
  char *objective; /* next-token: causal; else the corruption of the loss */
  int64_t draws;   /* of masks, for a likelihood */
} rd_eval_settings;

/* A number with a name. No interval: low > high. */
typedef struct rd_measure {
  const char *name;
  double value;
  rd_interval interval;
  bool share; /* for people in percent */
} rd_measure;

#define RD_NO_INTERVAL ((rd_interval){1, 0})

enum { RD_MOST_MEASURES = 10 };

typedef struct rd_finding {
  int64_t iterations; /* as asked for; 0 where none matter */
  size_t rows, bad;   /* measured; left out */
  rd_measure measures[RD_MOST_MEASURES];
  size_t count;
} rd_finding;

void rd_finding_add(rd_finding *finding, const char *name, double value, rd_interval interval,
                    bool share);

/* Who watches. Members may be NULL. */
typedef struct rd_eval_watch {
  void *context;
  void (*note)(void *context, const char *message);
  void (*progress)(void *context, size_t done, size_t of);
  rd_code (*row)(void *context, const json_t *row, rd_error *e); /* what came of one; borrowed */
  rd_code (*finding)(void *context, const rd_finding *finding, rd_error *e);
} rd_eval_watch;

typedef struct rd_eval {
  const rd_eval_settings *settings;
  rd_model *model;
  const rd_model *judge; /* NULL: none */
  const rd_ranks *ranks; /* who measure together; all but the first watch in silence */
  rd_eval_watch watch;
} rd_eval;

typedef struct rd_task {
  const char *name, *help;
  bool judged;        /* needs a judge */
  bool writes;        /* by a sampler; else it scores by an objective */
  const char *unused; /* options of the others, which mean nothing here */
  rd_code (*run)(const rd_eval *eval, rd_error *e);
} rd_task;

extern const rd_task rd_tasks[];
extern const size_t rd_task_count;
extern const rd_table rd_task_table; /* the same */
/* RD_USAGE lists the names. */
rd_code rd_task_find(const rd_task **out, const char *name, rd_error *e);

/* --- for tasks ---------------------------------------------------------------------------------
 */

rd_code rd_task_exact(const rd_eval *eval, rd_error *e);
rd_code rd_task_loss(const rd_eval *eval, rd_error *e);
rd_code rd_task_choice(const rd_eval *eval, rd_error *e);
rd_row_check rd_choice_check; /* of its rows */
/* Is the row a question with options? Then what it shows when it is solved. */
bool rd_choice_shown(const json_t *row, const char **prompt, const char **answer);
rd_code rd_task_perplexity(const rd_eval *eval, rd_error *e);

/* Are drafts noised between iterations? As the sampler is made; where it can go without, as
 * asked for; else as generate does by the model's files; else not. */
bool rd_eval_noisy(const rd_eval_settings *settings, const rd_model *model);
/* The dataset that the settings name. */
const rd_dataset *rd_eval_dataset(const rd_eval *eval);
/* Read the data with the task's check. */
rd_code rd_eval_rows(rd_rows *rows, const rd_eval *eval, rd_row_check *check, rd_error *e);
/* RD_BAD_INPUT: why the row cannot be asked of this model. */
typedef rd_code rd_eval_fit(void *context, size_t row, rd_error *e);
/* Forget the rows that do not fit, once all were looked at: each is named, and they count with the
 * bad ones. RD_BAD_INPUT: too many of these, or no other is left. */
rd_code rd_eval_keep(rd_rows *rows, const rd_eval *eval, rd_eval_fit *fit, void *context,
                     rd_error *e);
/* Tell the watcher what came of a row; takes the reference, NULL is out of memory. */
rd_code rd_eval_tell(const rd_eval *eval, json_t *row, rd_error *e);
rd_code rd_eval_report(const rd_eval *eval, const rd_finding *finding, rd_error *e);
void rd_eval_progress(const rd_eval *eval, size_t done, size_t of);
/* What to do with the answers, on every rank. Both return RD_OK to go on. */
typedef struct rd_sweep {
  void *context;
  rd_code (*answered)(void *context, size_t row, const rd_result *result, rd_error *e);
  /* All rows are answered: add the task's measures. Those of the answers follow. */
  rd_code (*finish)(void *context, rd_finding *finding, rd_error *e);
} rd_sweep;

/* Ask every row's prompt, once for each number of iterations asked for (once where the sampler
 * takes none), and report a finding each. The rows passed `check`. All ranks end with the first
 * failure of any. */
rd_code rd_eval_sweep(const rd_eval *eval, const rd_rows *rows, rd_row_check *check,
                      const rd_sweep *sweep, rd_error *e);

#endif
