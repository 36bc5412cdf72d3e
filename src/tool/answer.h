/* SPDX-License-Identifier: MIT */
/* One answer of a model, as generate and chat give it: options, prompt, generation, and everything
 * that watches it (the view, JSON lines, a trace file). */
#ifndef RD_ANSWER_H
#define RD_ANSWER_H

#include "common.h"
#include "params.h"
#include "view_live.h"

#include <stdio.h>

/* What the user set. */
typedef struct rd_answer_settings {
  rd_params params; /* first: rd_sampler_options' offsets hold */
  rd_common common;
  char *prompt, *system, *trace;
  bool raw, watch, step;
  double pause;
} rd_answer_settings;

/* A settings struct with its option table: rows of the sampler, of the view, and the common ones.
 */
typedef struct rd_answer {
  rd_answer_settings settings;
  rd_options options;
  rd_option *rows; /* storage of options.rows: own_count of this file, then the sampler's */
  size_t own_count;
  rd_model *model;
  FILE *trace;
} rd_answer;

/* Options at their defaults, none given; with or without --prompt and --raw. Dropped also after a
 * failure. */
rd_code rd_answer_init(rd_answer *a, bool prompt, rd_error *e);
void rd_answer_drop(rd_answer *a);
/* Is `--sampler help` or `--reuse help` asked for? Then the rows are listed on standard output. */
bool rd_answer_lists(const rd_answer *a);
/* Refuse options that make no sense together; needs no model. */
rd_code rd_answer_check(rd_answer *a, rd_error *e);
/* Check, then open the trace file and the model. */
rd_code rd_answer_open(rd_answer *a, rd_error *e);

typedef struct rd_answered {
  char *text;    /* the last draft */
  rd_event done; /* numbers only: no pointer but `stopped` */
  uint64_t seed;
  bool stopped; /* by a key in the view */
} rd_answered;

/* Answer the conversation; what watches is shown and written meanwhile. The trace is that of the
 * latest answer. RD_CANCELLED after a
 * signal: *out then has the last draft. out->text is the caller's in any case. rd_interrupt_open
 * must have been called. */
rd_code rd_answer_run(rd_answer *a, const rd_message *messages, size_t count, rd_answered *out,
                      rd_error *e);

#endif
