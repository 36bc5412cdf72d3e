/* SPDX-License-Identifier: MIT */
/* Low-rank factors added into their matrix: w + scale b a. Whether that is the better way is
 * decided here, for inference and for training. */
#ifndef RD_FACTORS_H
#define RD_FACTORS_H

#include "matrix.h"

/* What becomes of an adapter's factors. */
typedef enum rd_adapter_use {
  RD_ADAPTER_AUTO,   /* merged where they are thick (rd_factors_thick), else beside the matrix */
  RD_ADAPTER_BESIDE, /* applied beside it: no copy of the matrix */
  RD_ADAPTER_MERGED  /* added into a copy of it */
} rd_adapter_use;

/* What is added to a matrix (out, in). */
typedef struct rd_factors {
  const void *a, *b; /* (rank, in), (out, rank), f32 or bf16 */
  rd_dtype type;
  int64_t rank; /* 0: nothing */
  float scale;
} rd_factors;

/* The type in which they are multiplied, of factors stored in these (rd_dtype, -1: others).
 * Products of bf16 numbers are exact and summed in f32: they need no wider copies. */
rd_dtype rd_factors_type(int a, int b);

/* Rows first .. first+count-1 of a matrix that lie in sum (count, in): scale b a is added to them.
 * `room` is as large as sum. */
rd_code rd_factors_add(const rd_factors *f, float *sum, float *room, int64_t first, int64_t count,
                       int64_t in, rd_error *e);

/* For inference: would factors beside their matrix add more than a quarter to its work? A merged
 * copy of the matrix is memory that a mapped file does not take, so thin factors stay beside it. */
bool rd_factors_thick(int64_t rank, int64_t out, int64_t in);
/* For training, where the matrices are copies anyway: do the three thin products of each token
 * (forward, and two backward) cost more than the one product more that the gradient of the sum
 * takes? In bf16 the sum would round small factors away: f32 only. */
bool rd_factors_fold(int64_t rank, int64_t out, int64_t in, rd_dtype type);
/* DoRA of what is looked up, whose columns have a length: what column j of the sum (rows, cols) is
 * multiplied by to have the length lengths[j]. `rows_of` gives the sum's rows. */
rd_code rd_column_factors(float *out, const float *lengths, int64_t rows, int64_t cols,
                          rd_row_source *rows_of, void *context, rd_error *e);

#endif
