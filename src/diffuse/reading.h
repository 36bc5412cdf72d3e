/* SPDX-License-Identifier: MIT */
/* How likely a model finds tokens that stand: the log-probability of each, given those before it,
 * and the likeliest others in its place.
 *
 * A model from left to right, or one whose adapter has a gate and which is its base there, reads in
 * one pass. Any other denoiser is asked for each token with it and all behind it masked: the chain
 * rule again, in passes of as many of these as fit. Either way the sum over a text's tokens is the
 * log-likelihood of the text. */
#ifndef RD_READING_H
#define RD_READING_H

#include "engine.h"

typedef struct rd_likely {
  int32_t id;
  float log; /* natural */
} rd_likely;

typedef struct rd_reading {
  const rd_model *model;
  bool causal;
  const int32_t *ids;         /* (count) borrowed */
  int64_t count, first, next; /* tokens [first, next) are read */
  float *logs;                /* (count) NAN for the first of a text, before which nothing stands */
  int64_t top;
  rd_likely *others; /* (count, top) falling; id -1: there are no more */
  /* of a pass */
  int64_t rows;
  int32_t *canvases; /* (rows) */
  rd_need *needs;    /* (rows) */
  rd_wanted *wanted; /* (rows) */
} rd_reading;

/* Tokens from `first` on of ids (count, borrowed), in passes of at most `rows` positions. The model
 * is borrowed. To be dropped in any case. */
rd_code rd_reading_init(rd_reading *r, const rd_model *model, const int32_t *ids, int64_t count,
                        int64_t first, int64_t top, int64_t rows, rd_error *e);
/* One more pass on an engine of that model, until `next` is `count`. */
rd_code rd_reading_step(rd_reading *r, rd_engine *engine, rd_error *e);
void rd_reading_drop(rd_reading *r);

#endif
