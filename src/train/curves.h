/* SPDX-License-Identifier: MIT */
/* Loss curves of runs: read from metrics.jsonl, drawn as SVG and as text. */
#ifndef RD_CURVES_H
#define RD_CURVES_H

#include "error.h"

#include <stdio.h>

typedef struct rd_curve {
  char *label;   /* "RUN" or "RUN validation" */
  double *x, *y; /* (count) update, loss */
  size_t count, capacity;
} rd_curve;

typedef struct rd_curves {
  rd_curve *items; /* (count) */
  size_t count;
} rd_curves;

/* Add the training and validation losses of RUN/metrics.jsonl. */
rd_code rd_curves_read(rd_curves *curves, const char *run, rd_error *e);
void rd_curves_drop(rd_curves *curves);
/* A whole SVG document. RD_BAD_INPUT when there is nothing to draw. */
rd_code rd_curves_svg(const rd_curves *curves, FILE *out, rd_error *e);
/* `rows` lines of `columns` characters; curve i is drawn with the letter 'a' + i. */
rd_code rd_curves_text(const rd_curves *curves, FILE *out, int columns, int rows, rd_error *e);

#endif
