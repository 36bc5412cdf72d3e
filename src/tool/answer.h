/* SPDX-License-Identifier: MIT */
/* One answer of a model, as generate and chat give it: options, prompt, generation, and everything
 * that watches it (the view, JSON lines, a trace file). */
#ifndef RD_ANSWER_H
#define RD_ANSWER_H

#include "file.h"
#include "frame.h"
#include "kept.h"
#include "params.h"
#include "view_live.h"

#include <stdio.h>

/* What the user set. */
typedef struct rd_answer_settings {
  rd_common common;
  rd_params params;
  char *prompt, *trace;
  bool raw, watch, step;
  double pause;
} rd_answer_settings;

/* An answer's settings with what they open. Begins with the settings, for rd_tool_command. */
typedef struct rd_answer {
  rd_answer_settings settings;
  rd_model *model;
  rd_kept kept;        /* from one answer to the next */
  rd_file_aside trace; /* of the answer that is to come, or of this one */
} rd_answer;

/* The options of rd_answer, ended: with --prompt and --raw; without them. */
extern const rd_option_part rd_generate_parts[], rd_chat_parts[];

/* Close what was opened; the settings are the frame's. */
void rd_answer_close(rd_answer *a);
/* Is `--sampler help` or `--reuse help` asked for? Then the rows are listed: on standard output, or
 * on `out`. */
bool rd_answer_lists(const rd_params *params);
bool rd_answer_lists_on(FILE *out, const rd_params *params);
/* A schema of --grammar may be a file: its text takes the place of its path. */
rd_code rd_answer_load_form(rd_params *params, rd_error *e);
/* Refuse options that make no sense together; needs no model. */
rd_code rd_answer_check(rd_answer *a, rd_error *e);
/* Check, then begin the trace file and open the model. */
rd_code rd_answer_open(rd_answer *a, rd_error *e);

typedef struct rd_answered {
  char *text;        /* the last draft */
  rd_event done;     /* numbers only: no pointer but `stopped` */
  char warning[400]; /* of the done event; "": none */
  uint64_t seed;
  bool stopped; /* by a key in the view */
} rd_answered;

/* Answer the conversation; what watches is shown and written meanwhile. The trace is that of the
 * latest answer which came to its end, or was stopped; of one that failed there is none.
 * RD_CANCELLED after a signal: *out then has the last draft. out->text is the caller's in any case.
 * rd_interrupt_open must have been called. */
rd_code rd_answer_run(rd_answer *a, const rd_message *messages, size_t count, rd_answered *out,
                      rd_error *e);

/* What stands under an answer, unless the events were written: its text, if that is asked for; how
 * it went. */
void rd_answer_report(const rd_answer *a, const rd_answered *answered, bool text);

#endif
