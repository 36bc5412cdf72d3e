/* SPDX-License-Identifier: MIT */
/* Fused proposals: one or two sweeps over a row of logits, and work only on the candidates after
 * that.
 *
 * top-k: a heap of the k best among the logits that reach the k-th largest of the blocks' maxima,
 * so that the sweep is a vector maximum almost everywhere. top-p alone: tokens below (1 - p) / V
 * cannot be needed; the others are sorted lazily, left part first, until the sum reaches p. */
#include "propose.h"

#include "cpu.h"
#include "parallel.h"
#include "propose_sweeps.h"
#include "rng.h"

#include <math.h>

enum {
  SWEEP = 64,   /* logits per block of the top-k sweep */
  SMALL = 16384 /* logits that are not worth a second thread */
};

typedef struct candidate {
  float logit;
  int32_t id;
} candidate;

/* a is better than b: larger, or equal with the lower id. */
static inline bool better(candidate a, candidate b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/* The sweeps of the best instruction set. */
static const rd_sweeps *sweeps_now(void) {
  static const rd_sweeps *const by_level[RD_CPU_LEVELS] = {
    [RD_CPU_SCALAR] = &rd_sweeps_scalar,
#if defined(__x86_64__)
    [RD_CPU_AVX2] = &rd_sweeps_avx2,
    [RD_CPU_AVX512] = &rd_sweeps_avx512,
    [RD_CPU_AVX512BF16] = &rd_sweeps_avx512,
#endif
  };
  return by_level[rd_cpu_level()];
}

static float largest(const float *x, int64_t n) {
  return sweeps_now()->largest(x, n);
}

static bool has_nan(const float *x, int64_t n) {
  return sweeps_now()->has_nan(x, n);
}

static rd_row_sums sums_of(const float *x, int64_t n, float max, float scale) {
  return sweeps_now()->sums(x, n, max, scale);
}

static float exp_below(float x) {
  return rd_exp_below(x);
}

/* Where the largest of the row stands first. */
static int32_t first_largest(const float *x, int64_t n, float max) {
  int64_t at = 0;
  while (at + SWEEP < n && largest(x + at, SWEEP) < max)
    at += SWEEP;
  while (at + 1 < n && x[at] != max)
    at++;
  return (int32_t)at;
}

/* --- selection -----------------------------------------------------------------------------------
 */

/* heap[0] is the worst of the k kept. */
static void sift_down(candidate *heap, int64_t k, int64_t i) {
  for (;;) {
    int64_t worst = i, left = 2 * i + 1;
    for (int64_t child = left; child < left + 2 && child < k; child++)
      if (better(heap[worst], heap[child]))
        worst = child;
    if (worst == i)
      return;
    candidate c = heap[i];
    heap[i] = heap[worst];
    heap[worst] = c;
    i = worst;
  }
}

/* The k best of c[0..n) to the front, best first: a heap of k, then a heap sort. 1 <= k <= n. */
static void best_first(candidate *c, int64_t k, int64_t n) {
  for (int64_t i = k / 2; i-- > 0;)
    sift_down(c, k, i);
  for (int64_t i = k; i < n; i++)
    if (better(c[i], c[0])) {
      c[0] = c[i];
      sift_down(c, k, 0);
    }
  for (int64_t last = k - 1; last > 0; last--) { /* the worst goes to the end */
    candidate worst = c[0];
    c[0] = c[last];
    c[last] = worst;
    sift_down(c, last, 0);
  }
}

/* All logits of at least `bound` into c, in order; returns their number. */
static int64_t gather(candidate *c, const float *x, int64_t n, float bound) {
  int64_t count = 0;
  for (int64_t at = 0; at < n; at += SWEEP) {
    int64_t end = at + SWEEP < n ? at + SWEEP : n;
    if (largest(x + at, end - at) < bound)
      continue;
    for (int64_t i = at; i < end; i++)
      if (x[i] >= bound)
        c[count++] = (candidate){x[i], (int32_t)i};
  }
  return count;
}

/* The k best of the row, best first, in c, which has room for n. 1 <= k <= n. The k-th largest of
 * the blocks' maxima bounds them from below. */
static void select_top(candidate *c, int64_t k, const float *x, int64_t n) {
  int64_t blocks = 0;
  for (int64_t at = 0; at < n; at += SWEEP)
    c[blocks++] = (candidate){largest(x + at, at + SWEEP < n ? SWEEP : n - at), (int32_t)at};
  float bound = -INFINITY;
  if (k <= blocks) {
    best_first(c, k, blocks);
    bound = c[k - 1].logit;
  }
  best_first(c, k, gather(c, x, n, bound));
}

/* The second largest logit, -INFINITY for a row of one: beside the largest in its block, or the
 * largest of another block. */
static float second_largest(const float *x, int64_t n, float max) {
  int64_t first = first_largest(x, n, max), block = first / SWEEP * SWEEP;
  int64_t end = block + SWEEP < n ? block + SWEEP : n;
  float second = largest(x + block, first - block);
  second = fmaxf(second, largest(x + first + 1, end - first - 1));
  second = fmaxf(second, largest(x, block));
  return fmaxf(second, largest(x + end, n - end));
}

/* Put the best of c[first..end) at the front of it, all better ones than the pivot before it;
 * returns the pivot's place. The pivot is the median of three. */
static int64_t partition(candidate *c, int64_t first, int64_t end) {
  int64_t middle = first + (end - first) / 2, last = end - 1, pick = middle;
  if (better(c[first], c[middle]) != better(c[first], c[last]))
    pick = first;
  else if (better(c[last], c[first]) != better(c[last], c[middle]))
    pick = last;
  candidate pivot = c[pick];
  c[pick] = c[last];
  int64_t store = first;
  for (int64_t i = first; i < last; i++)
    if (better(c[i], pivot)) {
      candidate swap = c[i];
      c[i] = c[store];
      c[store++] = swap;
    }
  c[last] = c[store];
  c[store] = pivot;
  return store;
}

/* Sort c lazily from the best on until `want` of probability is reached; returns how many that
 * took. Probability of a candidate: exp((logit - max) scale) / S. */
static int64_t take_until(candidate *c, int64_t n, double want, float max, float scale, double S) {
  enum { DEPTH = 64 };
  int64_t ends[DEPTH], depth = 0, done = 0;
  double sum = 0;
  ends[depth++] = n;
  while (done < n) {
    int64_t end = ends[depth - 1];
    if (end == done) {
      depth--;
      continue;
    }
    if (end - done > 1 && depth < DEPTH - 1) {
      int64_t pivot = partition(c, done, end);
      if (pivot > done) {
        ends[depth - 1] = end;
        ends[depth++] = pivot;
        continue;
      }
    } else if (end - done > 1) { /* degenerate splits: bring the best of the part to its front */
      for (int64_t i = done + 1; i < end; i++)
        if (better(c[i], c[done])) {
          candidate swap = c[i];
          c[i] = c[done];
          c[done] = swap;
        }
    }
    sum += (double)exp_below((c[done].logit - max) * scale) / S;
    done++;
    if (sum >= want)
      break;
  }
  return done;
}

static double sum_of(const candidate *c, int64_t n, float max, float scale) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += (double)exp_below((c[i].logit - max) * scale);
  return sum;
}

/* The candidates under top-k and top-p, best first; *sum is the sum of exp over them. */
static int64_t candidates_of(candidate *c, float *x, int64_t V, const rd_propose_rule *rule,
                             float max, float scale, double *sum) {
  int64_t n = 0;
  double S = 0;
  if (rule->top_k > 0 && rule->top_k < V) {
    n = rule->top_k;
    select_top(c, n, x, V);
    while (n > 1 && c[n - 1].logit == -INFINITY)
      n--;
    S = rule->nucleus_first ? sums_of(x, V, max, scale).S : sum_of(c, n, max, scale);
    if (rule->top_p < 1)
      n = take_until(c, n, rule->top_p, max, scale, S);
  } else {
    S = sums_of(x, V, max, scale).S;
    double share = (1 - rule->top_p) / (double)V * S * 0.99; /* the least exp that can be needed */
    n = gather(c, x, V, (float)((double)max + log(share) / (double)scale));
    n = take_until(c, n, rule->top_p, max, scale, S);
  }
  *sum = sum_of(c, n, max, scale);
  return n;
}

/* --- one row -------------------------------------------------------------------------------------
 */

/* Margin and entropy of the candidates (sum of exp: `sum`). */
static void describe(rd_proposal *out, const candidate *c, int64_t n, float max, float scale,
                     double sum) {
  double W = 0;
  for (int64_t i = 0; i < n; i++) {
    float y = (c[i].logit - max) * scale, p = exp_below(y);
    W += p > 0 ? (double)p * (double)y : 0;
  }
  double second = n > 1 ? (double)exp_below((c[1].logit - max) * scale) : 0;
  out->entropy = (float)(log(sum) - W / sum);
  out->margin = (float)((1 - second) / sum); /* the best has exp(0) */
}

static void describe_all(rd_proposal *out, const float *x, int64_t V, float max, float scale,
                         rd_row_sums s) {
  double second = (double)exp_below((second_largest(x, V, max) - max) * scale);
  out->margin = (float)((1 - second) / s.S);
  out->entropy = (float)(log(s.S) - s.W / s.S);
}

static bool limited(const rd_propose_rule *rule, int64_t V) {
  return (rule->top_k > 0 && rule->top_k < V) || rule->top_p < 1;
}

static void greedy_row(rd_proposal *out, float *x, int64_t V, float max,
                       const rd_propose_rule *rule, candidate *c) {
  out->id = first_largest(x, V, max);
  out->probability = 1;
  if (rule->top_k == 1) {
    out->margin = 1;
    out->entropy = 0;
    return;
  }
  rd_row_sums s = sums_of(x, V, max, 1);
  out->probability = (float)(1 / s.S);
  if (limited(rule, V)) {
    double sum;
    int64_t n = candidates_of(c, x, V, rule, max, 1, &sum);
    out->probability = rule->nucleus_first ? (float)(1 / sum) : out->probability;
    describe(out, c, n, max, 1, sum);
  } else {
    describe_all(out, x, V, max, 1, s);
  }
}

static void sampled_row(rd_proposal *out, float *x, int64_t V, float max,
                        const rd_propose_rule *rule, double u, candidate *c) {
  float scale = (float)(1 / rule->temperature);
  if (limited(rule, V)) {
    double sum, before = 0;
    int64_t n = candidates_of(c, x, V, rule, max, scale, &sum), chosen = 0;
    for (; chosen + 1 < n; chosen++) {
      before += (double)exp_below((c[chosen].logit - max) * scale);
      if (before > u * sum)
        break;
    }
    out->id = c[chosen].id;
    out->probability = (float)((double)exp_below((c[chosen].logit - max) * scale) / sum);
    describe(out, c, n, max, scale, sum);
    return;
  }
  rd_row_sums s = sums_of(x, V, max, scale);
  double before = 0;
  int64_t chosen = -1;
  for (int64_t i = 0; i < V; i++) {
    double p = (double)exp_below((x[i] - max) * scale);
    if (p <= 0)
      continue;
    chosen = i; /* the last possible token takes what rounding leaves over */
    before += p;
    if (before > u * s.S)
      break;
  }
  out->id = (int32_t)chosen;
  out->probability = (float)((double)exp_below((x[chosen] - max) * scale) / s.S);
  describe_all(out, x, V, max, scale, s);
}

static double gumbel_score(float x, int64_t v, const rd_propose_rule *rule, rd_rng place) {
  place.index = (uint32_t)(2 * v);
  return (double)x - rule->temperature * log(-log(rd_rng_uniform(&place)));
}

/* The largest logit's score first: nearly no other token can then reach it, which the sweep sees
 * from a bound. The others are scored one by one. */
static int32_t gumbel_choice(const float *x, int64_t V, const rd_propose_rule *rule,
                             const rd_propose_row *row) {
  rd_rng place = rd_rng_at(rule->seed, RD_STREAM_SAMPLE, row->iteration, row->position);
  int32_t chosen = first_largest(x, V, largest(x, V));
  double best = gumbel_score(x[chosen], chosen, rule, place);
  rd_gumbel_place noise = {{place.position, place.iteration, place.stream},
                           {(uint32_t)place.seed, (uint32_t)(place.seed >> 32)},
                           0,
                           (float)(1 / rule->temperature)};
  uint8_t may[RD_GUMBEL_CHUNK];
  for (int64_t at = 0; at < V; at += RD_GUMBEL_CHUNK) {
    int64_t n = V - at < RD_GUMBEL_CHUNK ? V - at : RD_GUMBEL_CHUNK;
    noise.best = nextafterf((float)best, -INFINITY);
    sweeps_now()->gumbel(may, x + at, n, at, &noise);
    for (int64_t i = 0; i < n; i++) {
      if (!may[i] || x[at + i] == -INFINITY)
        continue;
      double score = gumbel_score(x[at + i], at + i, rule, place);
      if (score > best || (score == best && at + i < chosen)) {
        best = score;
        chosen = (int32_t)(at + i);
      }
    }
  }
  return chosen;
}

static void gumbel_row(rd_proposal *out, float *x, int64_t V, float max,
                       const rd_propose_rule *rule, const rd_propose_row *row) {
  out->id = rd_propose_greedy(rule->temperature) ? first_largest(x, V, max)
                                                 : gumbel_choice(x, V, rule, row);
  float chosen = x[out->id];
  for (int i = 0; i < rule->unsure_count; i++) {
    int32_t id = rule->unsure[i];
    if (id < 0 || id >= V)
      continue;
    x[id] = -INFINITY;
    if (id == out->id)
      chosen = -INFINITY;
  }
  float top = rule->unsure_count ? largest(x, V) : max;
  rd_row_sums s = sums_of(x, V, top, 1);
  out->probability = (float)((double)exp_below(chosen - top) / s.S);
  describe_all(out, x, V, top, 1, s);
}

static bool propose_row(rd_proposal *out, float *x, int64_t V, const rd_propose_row *row,
                        candidate *c) {
  const rd_propose_rule *rule = row->rule;
  if (rule->eos >= 0 && rule->eos < V)
    x[rule->eos] = rule->eos_bias == -INFINITY ? -INFINITY : x[rule->eos] + (float)rule->eos_bias;
  float max = largest(x, V);
  if (!isfinite(max) || has_nan(x, V))
    return false;
  if (rule->gumbel) {
    gumbel_row(out, x, V, max, rule, row);
  } else if (rd_propose_greedy(rule->temperature) || rule->top_k == 1) {
    greedy_row(out, x, V, max, rule, c);
  } else {
    rd_rng rng = rd_rng_at(rule->seed, RD_STREAM_SAMPLE, row->iteration, row->position);
    sampled_row(out, x, V, max, rule, rd_rng_uniform(&rng), c);
  }
  return true;
}

/* --- all rows ------------------------------------------------------------------------------------
 */

size_t rd_propose_workspace(int64_t V) {
  return (size_t)V * sizeof(candidate) * (size_t)rd_threads_get();
}

typedef struct rows_job {
  rd_proposal *out;
  float *logits;
  int64_t V;
  const rd_propose_row *rows;
  candidate *candidates; /* (threads, V) */
} rows_job;

/* A row that failed keeps id -1. */
static void propose_range(void *context, int thread, int64_t first, int64_t last) {
  const rows_job *job = context;
  for (int64_t i = first; i < last; i++)
    if (!propose_row(&job->out[i], job->logits + i * job->V, job->V, &job->rows[i],
                     job->candidates + thread * job->V))
      job->out[i].id = -1;
}

rd_code rd_propose(rd_proposal *out, float *logits, int64_t count, int64_t V,
                   const rd_propose_row *rows, void *workspace, rd_error *e) {
  rows_job job = {out, logits, V, rows, workspace};
  rd_parallel(count, 1 + SMALL / V, propose_range, &job);
  for (int64_t i = 0; i < count; i++)
    if (out[i].id < 0)
      return rd_propose_fail(&rows[i], e);
  return RD_OK;
}

double rd_propose_log_sum(const float *logits, int64_t V) {
  const float max = largest(logits, V);
  if (!isfinite(max) || has_nan(logits, V))
    return NAN;
  return (double)max + log(sums_of(logits, V, max, 1).S);
}

rd_code rd_propose_fail(const rd_propose_row *row, rd_error *e) {
  return rd_fail(e, RD_NUMERIC,
                 "the model's logits for position %u of iteration %u are not finite numbers",
                 row->position, row->iteration);
}

void rd_propose_guide(float *given, const float *u, double scale, int64_t V) {
  float w = (float)scale + 1;
#pragma omp simd
  for (int64_t v = 0; v < V; v++)
    given[v] = u[v] + w * (given[v] - u[v]);
}
