/* SPDX-License-Identifier: MIT */
/* Keys and values of rows that are not trained, seen by rows that are: attention there and back.
 * What was computed before is constant, so that gradients go to the fresh rows alone. */
#ifndef RD_PAST_H
#define RD_PAST_H

#include "layer.h"

typedef struct rd_past {
  int64_t rows;          /* of room */
  int64_t row;           /* elements of a row: K*hd */
  rd_dtype type;         /* that of the activations */
  unsigned char *k, *v;  /* (L, rows, K*hd) */
  int64_t layer;         /* the one under way */
  const int64_t *before; /* (sequences of the pass) row of position 0 of each */
  /* of a few sequences: what was before each, then its fresh rows */
  int64_t most;                          /* rows of room */
  void *keys, *values, *dkeys, *dvalues; /* (most, K*hd) */
  rd_span *spans;                        /* (rows) */
} rd_past;

/* Room for `rows` rows, and for sequences of up to `longest` positions; `train`: with what the way
 * back needs. In an arena that measures nothing is placed. */
void rd_past_take(rd_past *p, rd_arena *arena, const rd_config *c, rd_dtype type, int64_t rows,
                  int64_t longest, bool train);
/* Remember a layer's keys and values of T rows, from row 0 on. */
void rd_past_keep(rd_past *p, int64_t layer, int64_t T, const void *k, const void *v);
/* Attention of the context's spans, whose first positions lie in the past; and back. */
rd_code rd_past_forward(rd_past *p, const rd_layer_context *c, const rd_layer_acts *a, rd_error *e);
rd_code rd_past_backward(rd_past *p, const rd_layer_context *c, const rd_layer_acts *a,
                         const rd_layer_scratch *s, rd_error *e);

#endif
