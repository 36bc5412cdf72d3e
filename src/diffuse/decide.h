/* SPDX-License-Identifier: MIT */
/* Decisions: typed questions about a text, answered with probabilities. Nothing is written: every
 * question has a canvas with one masked place, its slot, and what is read there of the alternatives
 * is the answer.
 *
 *   rd_decider d = {.model = model};
 *   rd_decision answer;
 *   rd_code code = rd_decide(&answer, &d, "I was charged twice.", &questions, &settings, e);
 *   rd_decision_drop(&answer), rd_decider_drop(&d);
 *
 * Questions asked together are answered as each would be alone, to the bit, unless they are packed
 * into one canvas. */
#ifndef RD_DECIDE_H
#define RD_DECIDE_H

#include "kept.h"
#include "option.h"
#include "question.h"

/* What the caller chooses; its option rows are rd_decide_rows. */
typedef struct rd_decide_settings {
  char *mode;         /* a row of modes: independent, packed */
  char *reader;       /* a row of readers: auto, draft, base */
  int64_t samples;    /* draws of noise that are averaged */
  int64_t seed;       /* of the noise; -1: drawn */
  double temperature; /* scores are divided by it: see calibrate */
  double deadline;    /* seconds after which no further draw begins; 0: none */
} rd_decide_settings;

extern const rd_table rd_decide_rows;

/* One pass on an engine. */
typedef rd_code rd_decide_pass(void *asked, rd_engine *engine, rd_error *e);

/* A model that decides, with the engine that it keeps, or one that is lent to it for a pass at a
 * time. Of one thread at a time. */
typedef struct rd_decider {
  const rd_model *model;
  /* NULL, or: makes the pass on another's engine, and returns what it returned. */
  rd_code (*lend)(void *lender, rd_decide_pass *pass, void *asked, rd_error *e);
  void *lender;
  int64_t rows; /* that the lent one was opened for */
  rd_kept kept;
} rd_decider;

void rd_decider_drop(rd_decider *d);

typedef struct rd_decision {
  int64_t *first; /* (questions + 1) where a question's alternatives begin in these: */
  double *shares; /* their probabilities */
  double *errors; /* standard errors of those; NULL with one draw */
  double *scores; /* logarithms of their shares among all words, of the first draw: what
                     temperatures are fitted to */
  int64_t input_tokens, output_tokens;
  int64_t samples; /* draws that were made */
  uint64_t seed;
} rd_decision;

/* `state` may be "". RD_USAGE: settings that exclude each other or do not fit the model, text
 * beyond its positions. *out is to be dropped in any case. */
rd_code rd_decide(rd_decision *out, rd_decider *d, const char *state, const rd_questions *questions,
                  const rd_decide_settings *settings, rd_error *e);
void rd_decision_drop(rd_decision *decision);

/* The softmax of scores at a temperature. */
void rd_shares_at(double *shares /* (count) */, const double *scores /* (count) */, int64_t count,
                  double temperature);

/* {"model", "answers", "usage"} and what the draws were: the body of an answer. A new reference,
 * NULL when memory is out. */
json_t *rd_decision_json(const rd_decision *decision, const rd_questions *questions,
                         const char *model);

#endif
