/* SPDX-License-Identifier: MIT */
/* The likeliest are kept sorted, since few are asked for and most logits are below the last. */
#include "row_query.h"

#include "propose.h"

/* Put a word in its place among the likeliest; the last one falls out. */
static void insert(const rd_row_query *r, int64_t known, int32_t id, float logit) {
  int64_t at = known < r->best_count ? known : r->best_count - 1;
  for (; at > 0 && r->best_scores[at - 1] < logit; at--) {
    r->best_scores[at] = r->best_scores[at - 1];
    r->best[at] = r->best[at - 1];
  }
  r->best_scores[at] = logit;
  r->best[at] = id;
}

void rd_query_row(const rd_row_query *r, const float *logits, int64_t V) {
  const double sum = rd_propose_log_sum(logits, V);
  for (int64_t i = 0; i < r->count; i++)
    r->scores[i] = (float)((double)logits[r->ids[i]] - sum);
  for (int64_t v = 0; v < V && r->best_count > 0; v++)
    if (v < r->best_count || logits[v] > r->best_scores[r->best_count - 1])
      insert(r, v, (int32_t)v, logits[v]);
  for (int64_t i = 0; i < r->best_count; i++)
    r->best_scores[i] = (float)((double)r->best_scores[i] - sum);
}
