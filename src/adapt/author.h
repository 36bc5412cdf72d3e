/* SPDX-License-Identifier: MIT */
/* A model writing from left to right, several texts side by side: rows of one pass cost a machine
 * that waits for memory little more than one. */
#ifndef RD_AUTHOR_H
#define RD_AUTHOR_H

#include "engine.h"
#include "model.h"
#include "params.h"
#include "sampler.h"

#include <stdatomic.h>

enum { RD_TOGETHER = 8 }; /* texts at a time */

typedef struct rd_author {
  const rd_model *model;
  rd_params params; /* but for the seed */
  rd_options options;
  const rd_sampler *sampler;
  rd_engine *engine;
} rd_author;

/* One text: a prompt and what came of it. */
typedef struct rd_authored {
  int32_t *prompt; /* (prompt_count) the caller's */
  int64_t prompt_count;
  int64_t seed;
  char *text;    /* new; NULL: the prompt left no room */
  bool finished; /* it ended by itself, not at the limit */
} rd_authored;

/* Answers of at most `tokens`, prompts included `window`. The model is borrowed; close in any case.
 */
rd_code rd_author_open(rd_author *a, const rd_model *model, int64_t tokens, double temperature,
                       int64_t window, rd_error *e);
/* Write up to RD_TOGETHER texts. `stop` (or NULL) is looked at before every pass: RD_CANCELLED. */
rd_code rd_author_write(rd_author *a, rd_authored *texts, size_t count, atomic_int *stop,
                        rd_error *e);
void rd_author_close(rd_author *a);

#endif
