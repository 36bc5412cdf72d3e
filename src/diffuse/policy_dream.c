/* SPDX-License-Identifier: MIT */
/* Dream's policies: a share of the masks is filled, at random or by one of three confidences; with
 * alg-temp > 0 drawn in proportion to the softmax of confidence / alg-temp. */
#include "rng.h"
#include "view.h"

#include <math.h>

void rd_policy_origin(const rd_view *v, double quota, uint8_t *marks) {
  int64_t masks = 0;
  for (int64_t p = 0; p < v->n; p++)
    masks += v->proposed[p] != 0;
  for (int64_t p = 0; p < v->n; p++) {
    rd_rng rng = rd_rng_at(v->seed, RD_STREAM_UNMASK, (uint32_t)v->iteration, (uint32_t)p);
    if (v->proposed[p] && rd_rng_uniform(&rng) * (double)masks < quota)
      marks[p] = RD_COMMIT;
  }
}

/* weight[p] holds the confidences. */
static void fill_surest(const rd_view *v, double quota, uint8_t *marks) {
  int64_t n = 0, count = (int64_t)quota;
  double most = -INFINITY;
  for (int64_t p = 0; p < v->n; p++)
    if (v->proposed[p]) {
      v->order[n++] = (int32_t)p;
      most = v->weight[p] > most ? v->weight[p] : most;
    }
  if (v->params->alg_temp > 0) {
    for (int64_t i = 0; i < n; i++) {
      double *w = &v->weight[v->order[i]];
      *w = exp((*w - most) / v->params->alg_temp);
    }
    rd_draw_weighted(v, RD_STREAM_UNMASK, count, 0, v->order, n, v->weight, RD_COMMIT, marks);
    return;
  }
  rd_rank(v->order, n, v->weight);
  for (int64_t i = 0; i < count && i < n; i++)
    marks[v->order[i]] = RD_COMMIT;
}

void rd_policy_maskgit(const rd_view *v, double quota, uint8_t *marks) {
  for (int64_t p = 0; p < v->n; p++)
    v->weight[p] = v->proposed[p] ? (double)v->proposals[p].probability : 0;
  fill_surest(v, quota, marks);
}

void rd_policy_margin(const rd_view *v, double quota, uint8_t *marks) {
  for (int64_t p = 0; p < v->n; p++)
    v->weight[p] = v->proposed[p] ? (double)v->proposals[p].margin : 0;
  fill_surest(v, quota, marks);
}

void rd_policy_entropy(const rd_view *v, double quota, uint8_t *marks) {
  for (int64_t p = 0; p < v->n; p++)
    v->weight[p] = v->proposed[p] ? -(double)v->proposals[p].entropy : 0;
  fill_surest(v, quota, marks);
}
