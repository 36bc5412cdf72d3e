/* SPDX-License-Identifier: MIT */
/* A training run: opened from settings, then run to its end or to where it is stopped. */
#ifndef RD_TRAINER_H
#define RD_TRAINER_H

#include "batch.h"
#include "parameters.h"
#include "remembered.h"
#include "schedule.h"
#include "settings.h"
#include "tokenizer.h"
#include "validation.h"

#include <stdatomic.h>

/* What is told after every update. */
typedef struct rd_train_progress {
  int64_t update, updates;
  double loss, learning_rate, grad_norm; /* of this update; the norm before clipping */
  int64_t tokens;                        /* trained on since the run began */
  double seconds;                        /* worked since the run began */
  double tokens_per_second;              /* lately */
  double seconds_left;
} rd_train_progress;

/* Who watches. Every member may be NULL. */
typedef struct rd_train_watch {
  void *context;
  void (*updated)(void *context, const rd_train_progress *progress);
  void (*note)(void *context, const char *message);
  /* After a validation; `live` is the model as trained so far, good until the call returns. */
  rd_code (*validated)(void *context, const rd_model *live, int64_t update,
                       const rd_validation *validation, rd_error *e);
  void (*row)(void *context, const char *text); /* what metrics.jsonl got */
  atomic_int *stop; /* set: checkpoint after this update and return RD_CANCELLED */
} rd_train_watch;

typedef struct rd_trainer {
  const rd_train_settings *settings;
  rd_train_watch watch;
  const rd_ranks *ranks; /* who train together; all but the first are silent and write nothing */
  rd_model *base;        /* NULL when training from nothing */
  rd_gate gate;          /* of the adapter that is trained */
  rd_config config;
  rd_tokenizer *own_tokenizer;     /* of `init` */
  const rd_tokenizer *tokenizer;   /* own or the base's */
  char *tokenizer_folder;          /* whose tokenizer files go with full weights */
  char *template_choice;           /* of the settings, from nothing: a row's name or Jinja text */
  rd_chat_template *chat_template; /* of `init`; NULL: none */
  rd_prompter prompter;            /* of the data: the tokenizer and its template */
  rd_text_coder coder;
  const rd_rate_schedule *schedule;
  const rd_step_kind *kind; /* of the passes; where it was not named another may take over */
  rd_parameters parameters;
  rd_step *step;
  rd_examples examples, validation;
  bool validation_is_held; /* shares the pool of examples */
  rd_batch_rules rules;
  rd_order order;
  rd_batch batch;
  float *row_loss;      /* (2, rows) */
  int lock;             /* of the run's folder, while it runs */
  json_t *identity;     /* what its numbers come from (identity.h), for checkpoints */
  size_t program_bytes; /* resident before anything was opened */
  /* the place of the run */
  int64_t update, updates, tokens;
  double seconds, best_loss; /* best_loss: infinity before the first validation */
  double logged_loss;        /* sum since the last row of metrics */
  int64_t logged;            /* updates in it */
} rd_trainer;

/* Open all that the settings name and read the data. Nothing large is taken for the training
 * itself. `settings` is borrowed, `watch` (may be NULL) copied. Close in either case. */
rd_code rd_trainer_open(rd_trainer *t, const rd_train_settings *settings,
                        const rd_train_watch *watch, rd_error *e);
/* Do the settings of a run over a model go together, as far as that shows without the data? No
 * adapter that they begin with is read. */
rd_code rd_trainer_check(const rd_train_settings *settings, const rd_model *base, rd_error *e);
/* Run to the end. RD_CANCELLED: stopped by the watcher, checkpoint written. RD_NUMERIC: the loss is
 * not a number; the last checkpoint stays. */
rd_code rd_trainer_run(rd_trainer *t, rd_error *e);
void rd_trainer_close(rd_trainer *t);

/* What the passes of the run are made for. */
rd_step_plan rd_trainer_plan(const rd_trainer *t);

/* The model as trained so far, for drafts: borrows everything. */
rd_model rd_trainer_live(const rd_trainer *t);

#endif
