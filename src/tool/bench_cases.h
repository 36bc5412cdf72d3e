/* SPDX-License-Identifier: MIT */
/* What bench measures. Every case takes its own working memory and gives it back. */
#ifndef RD_BENCH_CASES_H
#define RD_BENCH_CASES_H

#include "model.h"
#include "table.h"

/* The shapes by name. */
extern const rd_table rd_bench_shapes;
/* The configuration of a named shape. RD_USAGE names the shapes. */
rd_code rd_bench_config(rd_config *c, const char *name, rd_error *e);
/* Random weights of it. */
rd_code rd_bench_shape(rd_model **out, const char *name, const char *precision, rd_error *e);

/* The best on the wall, the same of the processor time of all threads, which holds no waiting for
 * other programs, and the mean on the wall. */
typedef struct rd_bench_time {
  double seconds, cpu_seconds, mean;
} rd_bench_time;

/* A case: iterations of `batch` sequences of `window` positions (layers, and logits of the last
 * `logits` positions of each). With reuse > 0 as many positions stand before them, computed once
 * and remembered, and logits become proposals. With written > 0 answers of so many tokens behind
 * those, in blocks of `window`, of RD_BENCH_BLOCK passes each. With `train` training steps: of all
 * weights, or with a rank > 0 of adapters on every projection. */
enum { RD_BENCH_BLOCK = 4 };
typedef struct rd_bench_what {
  int64_t window, batch, logits, reuse, written, rank, repeats;
  bool train;
} rd_bench_what;

/* Times of at most `repeats` iterations; long cases are measured once. */
rd_code rd_bench_case(rd_bench_time *out, const rd_model *m, const rd_bench_what *what,
                      rd_error *e);

/* Bytes of the matrices that a pass multiplies with. */
double rd_bench_weights(const rd_model *m);

/* Sums over answers to built-in prompts, with the default sampler and seed 1. */
typedef struct rd_bench_answer {
  int64_t answers, tokens, passes, window;
  double seconds;
} rd_bench_answer;
rd_code rd_bench_answers(rd_bench_answer *out, rd_model *m, int64_t count, rd_error *e);

#endif
