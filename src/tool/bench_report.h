/* SPDX-License-Identifier: MIT */
/* Rows of bench: a table for people, JSON and CSV for machines, from one list of columns. */
#ifndef RD_BENCH_REPORT_H
#define RD_BENCH_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Numbers that a case does not have are 0 and left out. */
typedef struct rd_bench_row {
  const char *kind, *shape, *precision, *machine, *commit;
  double window, batch, threads;
  double seconds;           /* of an iteration, a step, an answer */
  double cpu_seconds;       /* of all threads */
  double canvas_rate;       /* tokens of the windows a second, padding and prompt included; not of
                               answers, whose canvases are shorter */
  double useful_rate;       /* tokens of answers a second */
  double passes;            /* of an answer */
  double flops_rate, peak;  /* operations a second */
  double fraction;          /* of the peak */
  double cpu_fraction;      /* the same, both by processor time */
  double growth;            /* processor time over what flops predict from the first window */
  double reuse;             /* positions that are remembered */
  double weights_rate;      /* bytes of matrices a second */
  double beside;            /* mean time beside busy processes, over that without */
  double memory, bandwidth; /* peak bytes of the process; bytes a second of the machine */
} rd_bench_row;

void rd_bench_head(FILE *out);
void rd_bench_line(FILE *out, const rd_bench_row *row);
void rd_bench_json(FILE *out, const rd_bench_row *row);
/* Its numbers and texts by the names of the columns; whole: null for what is left out. A new
 * reference. */
json_t *rd_bench_object(const rd_bench_row *row, bool whole);

/* Forget the largest memory of the process so far, and read it, in bytes. */
void rd_bench_memory_reset(void);
double rd_bench_memory(void);

#endif
