/* SPDX-License-Identifier: MIT */
/* Reading a row of logits: how likely the row finds given words, and which it finds likeliest,
 * before any rule of choice. */
#ifndef RD_ROW_QUERY_H
#define RD_ROW_QUERY_H

#include <stdint.h>

/* What is asked of a row, and where the answers go. Probabilities are natural logarithms, among
 * all words of the row. */
typedef struct rd_row_query {
  const int32_t *ids; /* (count) words */
  float *scores;      /* (count) of these */
  int64_t count;
  int32_t *best;      /* (best_count) the likeliest words, falling; ties go to the lower id */
  float *best_scores; /* (best_count) of those */
  int64_t best_count; /* at most V */
} rd_row_query;

/* Fill in what `query` asks of a row of V logits, which stays as it is. */
void rd_query_row(const rd_row_query *query, const float *logits /* (V) */, int64_t V);

#endif
