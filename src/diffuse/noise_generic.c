/* SPDX-License-Identifier: MIT */
/* Noising of LAD's 2026 rewrite: what is sure enough stays, the rest is masked again.
 *
 * Three retentions: "none" chooses anew at every iteration; "retained" positions are never masked
 * again but their tokens may change; "locked" ones keep their tokens too. */
#include "rng.h"
#include "view.h"

#include <math.h>

static const rd_retention retentions[] = {
    {"none", false, false}, {"retained", true, false}, {"locked", true, true}};
const rd_table rd_retention_table = RD_TABLE("retention", retentions);

static int64_t nearest(double x) {
  return (int64_t)floor(x + 0.5);
}

/* Deciding the length last means that confidence guides. */
static bool guided(const rd_view *v) {
  return v->params->confidence_noise || v->params->eos_last;
}

/* weight[p]: who stays first. Confidence, least for EOS when that is decided last; or a uniform
 * number. */
static void score_all(const rd_view *v) {
  for (int64_t p = 0; p < v->n; p++) {
    rd_rng rng = rd_rng_at(v->seed, RD_STREAM_NOISE, (uint32_t)v->iteration, (uint32_t)p);
    bool end = v->params->eos_last && v->proposed[p] && rd_is_end(v, v->proposals[p].id);
    double sure = end ? -1 : v->proposed[p] ? (double)v->proposals[p].probability : 1;
    v->weight[p] = guided(v) ? sure : rd_rng_uniform(&rng);
  }
}

/* Settle the `count` best unsettled positions in [first, end); returns how many. */
static int64_t settle(const rd_view *v, int64_t first, int64_t end, int64_t count) {
  int64_t n = 0;
  for (int64_t p = first; p < end; p++)
    if (!v->fixed[p] && !(v->settled[p] & RD_SETTLED))
      v->order[n++] = (int32_t)p;
  rd_rank(v->order, n, v->weight);
  count = count < 0 ? 0 : count < n ? count : n;
  for (int64_t i = 0; i < count; i++)
    v->settled[v->order[i]] |= RD_SETTLED;
  return count;
}

static int64_t count_in(const rd_view *v, int64_t first, int64_t end, bool settled_only) {
  int64_t n = 0;
  for (int64_t p = first; p < end; p++)
    n += !v->fixed[p] && (!settled_only || (v->settled[p] & RD_SETTLED));
  return n;
}

/* Where the text ends: the first padding EOS of the draft. */
static int64_t border_of(const rd_view *v) {
  for (int64_t p = 0; p < v->n; p++)
    if (v->end_count > 0 && v->draft[p] == v->ends[0])
      return p;
  return v->n;
}

/* Bring the number of settled positions to (open - quota), each side of the border in proportion.
 */
static void settle_target(const rd_view *v, double quota, int64_t open) {
  int64_t target = nearest((double)open - quota);
  int64_t needed = target - count_in(v, 0, v->n, true), chosen = 0;
  if (needed <= 0)
    return;
  if (!v->params->proportional) {
    settle(v, 0, v->n, needed);
    return;
  }
  int64_t border = border_of(v);
  int64_t text = count_in(v, 0, border, false);
  int64_t before = nearest((double)(target * text) / (double)open);
  int64_t want_before = before - count_in(v, 0, border, true);
  int64_t want_after = target - before - count_in(v, border, v->n, true);
  chosen += settle(v, 0, border, want_before);
  chosen += settle(v, border, v->n, want_after);
  for (int64_t p = 0; p < v->n && chosen < needed; p++)
    if (!v->fixed[p] && !(v->settled[p] & RD_SETTLED)) {
      v->settled[p] |= RD_SETTLED;
      chosen++;
    }
}

/* Retention "none": each position by chance, or the least sure ones, of equals the first. */
static void choose_anew(const rd_view *v, double quota, int64_t open, uint8_t *marks) {
  double share = quota / (double)(open > 0 ? open : 1);
  if (!guided(v)) {
    for (int64_t p = 0; p < v->n; p++)
      if (!v->fixed[p] && v->weight[p] < share)
        marks[p] = RD_RENOISE;
    return;
  }
  int64_t n = 0, masked = open - nearest((double)open - quota);
  for (int64_t p = 0; p < v->n; p++) {
    v->weight[p] = -v->weight[p];
    if (!v->fixed[p])
      v->order[n++] = (int32_t)p;
  }
  rd_rank(v->order, n, v->weight);
  for (int64_t i = 0; i < masked && i < n; i++)
    marks[v->order[i]] = RD_RENOISE;
}

void rd_noise_generic(const rd_view *v, double quota, uint8_t *marks) {
  int64_t open = count_in(v, 0, v->n, false);
  const char *name = v->params->retention;
  const rd_retention *retention = name ? rd_table_row(&rd_retention_table, name) : NULL;
  score_all(v);
  if (!retention || !retention->settles) {
    choose_anew(v, quota, open, marks);
    return;
  }
  settle_target(v, quota, open);
  for (int64_t p = 0; p < v->n; p++)
    if (!v->fixed[p] && !(v->settled[p] & RD_SETTLED))
      marks[p] = RD_RENOISE;
    else if (!v->fixed[p] && retention->locks)
      marks[p] = RD_LOCK;
}
