/* SPDX-License-Identifier: MIT */
/* The answers that a model is adapted onto: its own, written into two files of rows. */
#ifndef RD_OWN_ANSWERS_H
#define RD_OWN_ANSWERS_H

#include "adapt_settings.h"
#include "asked.h"

#define RD_ANSWERS_FILE "answers.jsonl"
#define RD_HELD_FILE "held.jsonl"

/* Tokens of a prompt and its answer at most: the trainer's window. */
int64_t rd_answers_window(const rd_adapt_settings *s, const rd_model *model);
/* The prompts of a file, where the settings name one. Drop in any case. */
rd_code rd_answers_asked(rd_asked *asked, const rd_adapt_settings *s, rd_error *e);
/* Write what the files do not hold yet, up to settings->answers conversations. Each line is on disk
 * when it is told; a broken last one is written anew. */
rd_code rd_answers_write(const rd_adapt_settings *s, const rd_model *model,
                         const rd_adapt_watch *watch, rd_error *e);

#endif
