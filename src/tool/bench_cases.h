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

/* On the wall, and processor time of all threads, which holds no waiting for other programs. */
typedef struct rd_bench_time {
  double seconds, cpu_seconds;
} rd_bench_time;

/* Best times of at most `repeats` iterations (layers, and logits of every position), or with
 * `train` of training steps: of all weights, or with a rank > 0 of adapters on every projection.
 * Long cases are measured once. */
rd_code rd_bench_case(rd_bench_time *best, const rd_model *m, int64_t window, int64_t batch,
                      bool train, int64_t rank, int64_t repeats, rd_error *e);

/* Sums over answers to built-in prompts, with the default sampler and seed 1. */
typedef struct rd_bench_answer {
  int64_t answers, tokens, passes, window;
  double seconds;
} rd_bench_answer;
rd_code rd_bench_answers(rd_bench_answer *out, rd_model *m, int64_t count, rd_error *e);

#endif
