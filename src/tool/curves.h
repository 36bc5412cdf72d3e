/* SPDX-License-Identifier: MIT */
/* Loss curves of runs, speeds of bench and results of eval, drawn as SVG and as text. */
#ifndef RD_CURVES_H
#define RD_CURVES_H

#include "file.h"

#include <stdio.h>

typedef struct rd_curve {
  char *label;   /* "RUN" or "RUN validation" */
  double *x, *y; /* (count) as the axes say: update, loss */
  size_t count;
} rd_curve;

/* What is drawn against what. */
typedef struct rd_axes {
  const char *x, *y;
  bool doubling; /* x holds logarithms to base 2: they are labelled by their numbers, 1, 2, 4, .. */
} rd_axes;

typedef struct rd_curves {
  rd_curve *items; /* (count) */
  size_t count;
  const rd_axes *axes; /* of all; NULL: nothing was read yet */
} rd_curves;

/* What follows is drawn on these axes. RD_USAGE: what `path` holds is of others than what is there.
 */
rd_code rd_curves_axes(rd_curves *curves, const rd_axes *axes, const char *path, rd_error *e);

/* An empty curve; takes the label, a new string or NULL (RD_NO_MEMORY). */
rd_code rd_curve_add(rd_curves *curves, char *label, rd_error *e);
rd_code rd_curve_point(rd_curve *curve, double x, double y, rd_error *e);

/* Add the training and validation losses of RUN/metrics.jsonl, which is rd_curves_metrics.
 * RD_USAGE: RUN is a file. */
rd_path rd_curves_metrics(const char *run);
rd_code rd_curves_read(rd_curves *curves, const char *run, rd_error *e);
/* Add the rows of a CSV file written by bench. RD_BAD_INPUT: some other file. */
rd_code rd_curves_read_bench(rd_curves *curves, const char *path, rd_error *e);
/* Add what `eval --json` printed for the tasks exact and choice. RD_BAD_INPUT: some other file; of
 * the metrics of a run, which folder to name. */
rd_code rd_curves_read_eval(rd_curves *curves, const char *path, rd_error *e);
void rd_curves_drop(rd_curves *curves);
/* A file, a whole SVG document. RD_BAD_INPUT, and no file, when there is nothing to draw. */
rd_code rd_curves_svg(const rd_curves *curves, const char *path, rd_error *e);
/* `rows` lines of `columns` characters; curve i is drawn with the letter 'a' + i. */
rd_code rd_curves_text(const rd_curves *curves, FILE *out, int columns, int rows, rd_error *e);

#endif
