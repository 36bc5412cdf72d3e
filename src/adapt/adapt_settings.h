/* SPDX-License-Identifier: MIT */
/* What adapting is told, as option rows; its stages; who watches. */
#ifndef RD_ADAPT_SETTINGS_H
#define RD_ADAPT_SETTINGS_H

#include "option.h"
#include "prompt.h"
#include "trainer.h"

typedef struct rd_adapt_settings {
  char *model, *out, *prompts, *precision, *engine, *set;
  rd_prompt_choice prompt;
  int64_t answers, tokens, updates, rank, seed, threads;
  double temperature, minutes;
  bool resume, overwrite, dry_run;
} rd_adapt_settings;

/* The rows of rd_adapt_settings, but for those of its prompt. */
extern const rd_table rd_adapt_rows;

/* A part of the training: what it sets of the trainer's keys. */
typedef struct rd_adapt_stage {
  const char *name, *help;
  double share;            /* of the updates */
  const char *const *keys; /* "key=value", then NULL */
} rd_adapt_stage;

extern const rd_adapt_stage rd_adapt_stages[];
extern const size_t rd_adapt_stage_count;

/* Who watches. Members may be NULL. */
typedef struct rd_adapt_watch {
  void *context;
  void (*note)(void *context, const char *message);
  void (*answered)(void *context, int64_t done, int64_t of);
  /* A stage begins: its trainer is told to this one. */
  void (*stage)(void *context, const rd_adapt_stage *stage, rd_trainer *trainer,
                rd_train_watch *watch);
  atomic_int *stop; /* set: end at the next safe place, with RD_CANCELLED */
} rd_adapt_watch;

#endif
