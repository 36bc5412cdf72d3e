/* SPDX-License-Identifier: MIT */
/* A chat model made a denoiser, by one command: it answers questions itself, and an adapter behind
 * a gate is trained onto these answers and onto its own distribution, so that nothing has to be
 * learnt but the mode. Stages are rows; each is a run of the trainer in a folder of its own. What
 * is done is found again, so that a kill at any moment costs no more than the trainer's last
 * checkpoint, and the end is the same to the bit.
 *
 *   DIR/adapt.json      what was asked for, and how many updates that is on the machine it began on
 *   DIR/answers.jsonl   rows of training data: the model's own answers
 *   DIR/held.jsonl      those to one in sixteen of the prompts, kept for validation
 *   DIR/STAGE/          a run of the trainer for each stage
 *   DIR/adapter/        the adapter
 */
#ifndef RD_ADAPT_H
#define RD_ADAPT_H

#include "adapt_settings.h"
#include "estimate.h"

/* What a run will take. */
typedef struct rd_adapt_estimate {
  double answer_seconds;       /* to write one answer, on average */
  int64_t answers, updates;    /* of all */
  double update_seconds;       /* estimated from the trainer's flops */
  rd_train_estimate *training; /* of the first stage; the caller's */
} rd_adapt_estimate;

/* Run what is not done yet. RD_USAGE: the folder holds another run; the model has no word that can
 * stand for a mask, and none was named. RD_CANCELLED: stopped, all that was done is kept. */
rd_code rd_adapt_run(const rd_adapt_settings *s, const rd_adapt_watch *watch, rd_error *e);
/* Say what a run will take: some answers are written, and nothing is kept. */
rd_code rd_adapt_estimate_of(rd_adapt_estimate *out, const rd_adapt_settings *s,
                             const rd_adapt_watch *watch, rd_error *e);

#endif
