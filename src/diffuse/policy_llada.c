/* SPDX-License-Identifier: MIT */
/* Policies that fill masks by confidence: LLaDA's transfer, Fast-dLLM's threshold and factor, and
 * WeDLM's, by entropy. */
#include "rng.h"
#include "view.h"

void rd_policy_all(const rd_view *v, double quota, uint8_t *marks) {
  (void)quota;
  for (int64_t p = 0; p < v->n; p++)
    if (v->proposed[p])
      marks[p] = RD_COMMIT;
}

/* Asked positions before `end` by falling weight. */
static int64_t ranked(const rd_view *v, int64_t end) {
  int64_t n = 0;
  for (int64_t p = 0; p < end; p++)
    if (v->proposed[p])
      v->order[n++] = (int32_t)p;
  rd_rank(v->order, n, v->weight);
  return n;
}

static int64_t ranked_by_probability(const rd_view *v, int64_t end) {
  for (int64_t p = 0; p < end; p++)
    v->weight[p] = v->proposed[p] ? (double)v->proposals[p].probability : 0;
  return ranked(v, end);
}

static void commit_first(const rd_view *v, int64_t count, int64_t n, uint8_t *marks) {
  for (int64_t i = 0; i < count && i < n; i++)
    marks[v->order[i]] = RD_COMMIT;
}

void rd_policy_low_confidence(const rd_view *v, double quota, uint8_t *marks) {
  commit_first(v, (int64_t)quota, ranked_by_probability(v, v->n), marks);
}

void rd_policy_random(const rd_view *v, double quota, uint8_t *marks) {
  for (int64_t p = 0; p < v->n; p++) {
    rd_rng rng = rd_rng_at(v->seed, RD_STREAM_UNMASK, (uint32_t)v->iteration, (uint32_t)p);
    v->weight[p] = rd_rng_uniform(&rng);
  }
  commit_first(v, (int64_t)quota, ranked(v, v->n), marks);
}

static int64_t commit_sure(const rd_view *v, int64_t end, uint8_t *marks) {
  int64_t n = ranked_by_probability(v, end), count = n > 0;
  while (count < n && v->weight[v->order[count]] >= v->params->threshold)
    count++;
  commit_first(v, count, n, marks);
  return count;
}

void rd_policy_threshold(const rd_view *v, double quota, uint8_t *marks) {
  (void)quota;
  commit_sure(v, v->n, marks);
}

void rd_policy_sure(const rd_view *v, double quota, uint8_t *marks) {
  (void)quota;
  if (commit_sure(v, v->block_end < v->n ? v->block_end : v->n, marks) == 0)
    commit_sure(v, v->n, marks);
}

void rd_policy_dynamic(const rd_view *v, double quota, uint8_t *marks) {
  int64_t n = ranked_by_probability(v, v->n), least = quota > 1 ? (int64_t)quota : 1, count = 0;
  while (count < n && v->weight[v->order[count]] > v->params->threshold)
    count++;
  commit_first(v, count > least ? count : least, n, marks);
}

void rd_policy_leading(const rd_view *v, double quota, uint8_t *marks) {
  bool sure = true;
  int64_t taken = 0;
  (void)quota;
  for (int64_t p = 0; p < v->n; p++) {
    if (!v->proposed[p])
      continue;
    sure = sure && (double)v->proposals[p].probability > v->params->threshold;
    if (!sure && taken > 0)
      return;
    marks[p] = RD_COMMIT;
    taken++;
  }
}

/* The entropy is that of all words, whatever the temperature; ties go to the first. */
void rd_policy_near(const rd_view *v, double quota, uint8_t *marks) {
  int64_t first = -1, least = -1, taken = 0;
  (void)quota;
  for (int64_t p = 0; p < v->n; p++) {
    if (!v->proposed[p])
      continue;
    first = first < 0 ? p : first;
    v->weight[p] = (double)v->proposals[p].entropy + v->params->distance * (double)(p - first);
    least = least < 0 || v->weight[p] < v->weight[least] ? p : least;
    if (v->weight[p] < v->params->entropy_bound) {
      marks[p] = RD_COMMIT;
      taken++;
    }
  }
  if (taken == 0 && least >= 0)
    marks[least] = RD_COMMIT;
}

void rd_policy_factor(const rd_view *v, double quota, uint8_t *marks) {
  (void)quota;
  int64_t n = ranked_by_probability(v, v->n), count = n > 0;
  while (count < n && v->weight[v->order[count]] >= 1 - v->params->factor / (double)(count + 2))
    count++;
  commit_first(v, count, n, marks);
}
