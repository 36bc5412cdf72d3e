/* SPDX-License-Identifier: MIT */
/* The corruptions: combinations of five steps, and drafts as refinement meets them. */
#include "corrupt.h"

#include <string.h>

enum { LONGEST_SPAN = 3, FARTHEST_SHIFT = 4, LONGEST_RUN = 4, LONGEST_STUTTER = 2, MOST_WRONG = 2 };
static const double ALL_MASKED = 0.1;       /* structural: chance that every token is masked */
static const double PERTURBED_SHARE = 0.25; /* p/4: rate of swaps, duplications and shifts */
static const double LEAST_RATE = 1e-3;      /* LLaDA's t_min */

void rd_corrupt_mask_count(int32_t *ids, int64_t n, int64_t count, int32_t mask, rd_rng *rng,
                           int32_t *scratch) {
  for (int64_t i = 0; i < n; i++)
    scratch[i] = (int32_t)i;
  for (int64_t i = 0; i < count && i < n; i++) {
    int64_t j = i + rd_rng_below(rng, (uint32_t)(n - i));
    int32_t position = scratch[j];
    scratch[j] = scratch[i];
    scratch[i] = position;
    ids[position] = mask;
  }
}

int64_t rd_corrupt_mask_rate(int32_t *ids, int64_t n, double t, bool at_least_one, int32_t mask,
                             rd_rng *rng) {
  int64_t masked = 0;
  for (int64_t i = 0; i < n; i++)
    if (rd_rng_uniform(rng) < t) {
      ids[i] = mask;
      masked++;
    }
  if (masked == 0 && at_least_one && n > 0) {
    ids[rd_rng_below(rng, (uint32_t)n)] = mask;
    masked = 1;
  }
  return masked;
}

void rd_corrupt_swap(int32_t *ids, int64_t n, double rate, rd_rng *rng) {
  for (int64_t i = 0; i + 1 < n; i++)
    if (rd_rng_uniform(rng) < rate) {
      int32_t left = ids[i];
      ids[i] = ids[i + 1];
      ids[i + 1] = left;
    }
}

void rd_corrupt_duplicate(int32_t *ids, int64_t n, double rate, rd_rng *rng, int32_t *scratch) {
  int32_t *before = scratch, *from = scratch + n; /* from: -1 left, 1 right, 0 none */
  for (int64_t i = 0; i < n; i++) {
    from[i] = rd_rng_uniform(rng) < rate ? (rd_rng_uniform(rng) < 0.5 ? -1 : 1) : 0;
    if (i + from[i] < 0 || i + from[i] >= n)
      from[i] = 0;
  }
  for (int32_t side = -1; side <= 1; side += 2) {
    memcpy(before, ids, (size_t)n * sizeof *ids);
    for (int64_t i = 0; i < n; i++)
      if (from[i] == side)
        ids[i] = before[i + side];
  }
}

void rd_corrupt_shift(int32_t *ids, int64_t n, double rate, rd_rng *rng, int32_t *scratch) {
  if (n < 1 || rd_rng_uniform(rng) >= rate)
    return;
  int64_t length = 1 + rd_rng_below(rng, LONGEST_SPAN);
  length = length < n ? length : n;
  int64_t start = rd_rng_below(rng, (uint32_t)(n - length + 1));
  int64_t to = 1 + rd_rng_below(rng, FARTHEST_SHIFT);
  to = rd_rng_uniform(rng) < 0.5 ? start - to : start + to;
  to = to < 0 ? 0 : to > n - length ? n - length : to;
  memcpy(scratch, ids + start, (size_t)length * sizeof *ids);
  memcpy(ids + to, scratch, (size_t)length * sizeof *ids);
}

static void perturb(const rd_corruptible *x, double p) {
  double rate = p * PERTURBED_SHARE;
  rd_corrupt_swap(x->ids, x->n, rate, x->rng);
  rd_corrupt_duplicate(x->ids, x->n, rate, x->rng, x->scratch);
  rd_corrupt_shift(x->ids, x->n, rate, x->rng, x->scratch);
}

static double mask_all(const rd_corruptible *x) {
  for (int64_t i = 0; i < x->n; i++)
    x->ids[i] = x->mask;
  return 1;
}

/* Draws: all?, p, mask at all?, f if so, the positions, then the perturbations when n > 2. */
static double structural(const rd_corruptible *x) {
  if (rd_rng_uniform(x->rng) < ALL_MASKED) {
    mask_all(x);
    return 0;
  }
  double p = rd_rng_uniform(x->rng);
  if (rd_rng_uniform(x->rng) < 0.5) {
    double f = rd_rng_uniform(x->rng) * 0.5;
    rd_corrupt_mask_count(x->ids, x->n, (int64_t)((double)x->n * f), x->mask, x->rng, x->scratch);
  }
  if (x->n > 2)
    perturb(x, p);
  return 0;
}

/* Draws: t = t_min + (1 - t_min) u, then one u a position. */
static double mask_only(const rd_corruptible *x) {
  double t = LEAST_RATE + (1 - LEAST_RATE) * rd_rng_uniform(x->rng);
  rd_corrupt_mask_rate(x->ids, x->n, t, true, x->mask, x->rng);
  return t;
}

/* Draws: t, p, the perturbations when n > 2, then one u a position. */
static double mixed(const rd_corruptible *x) {
  double t = rd_rng_uniform(x->rng), p = rd_rng_uniform(x->rng);
  if (x->n > 2)
    perturb(x, p);
  rd_corrupt_mask_rate(x->ids, x->n, t, false, x->mask, x->rng);
  return 0;
}

/* Draws: the other answer begins? (u < 1/2), then the length of each run, 1 + below(4). Behind its
 * end the other answer is EOS; without one nothing changes. */
static double mix_answers(const rd_corruptible *x) {
  bool other = rd_rng_uniform(x->rng) < 0.5;
  for (int64_t i = 0; i < x->n; other = !other) {
    int64_t end = i + 1 + rd_rng_below(x->rng, LONGEST_RUN);
    for (; i < end && i < x->n; i++)
      if (other && x->other)
        x->ids[i] = i < x->other_answer ? x->other[i] : x->eos;
  }
  return 0;
}

/* Draws: the span's length 1 + below(2), its start below(answer - length + 1), doubled? (u < 1/2;
 * else lost). What follows moves by the span's length, and what comes in at the end is EOS. */
static double stutter(const rd_corruptible *x) {
  if (x->answer < 1)
    return 0;
  int64_t length = 1 + rd_rng_below(x->rng, LONGEST_STUTTER);
  length = length < x->answer ? length : x->answer;
  int32_t *start = x->ids + rd_rng_below(x->rng, (uint32_t)(x->answer - length + 1));
  size_t behind = (size_t)(x->ids + x->n - start - length) * sizeof *start;
  if (rd_rng_uniform(x->rng) < 0.5) {
    memmove(start + length, start, behind);
    return 0;
  }
  memmove(start, start + length, behind);
  for (int64_t i = x->n - length; i < x->n; i++)
    x->ids[i] = x->eos;
  return 0;
}

/* Draws: how many tokens, 1 + below(2), as far as both answers go. */
static double first_wrong(const rd_corruptible *x) {
  int64_t count = 1 + rd_rng_below(x->rng, MOST_WRONG);
  for (int64_t i = 0; i < count && i < x->answer && i < x->other_answer; i++)
    x->ids[i] = x->other[i];
  return 0;
}

const rd_corruption rd_corruptions[] = {
    {.name = "structural",
     .help = "LAD: masks, swaps, duplications and shifted spans",
     .apply = structural},
    {.name = "mask",
     .help = "LLaDA: a uniform share of masks, loss weighted by 1/t",
     .apply = mask_only},
    {.name = "mixed",
     .help = "a uniform share of masks over structural perturbations",
     .apply = mixed},
    {.name = "mask-all",
     .help = "nothing but masks, what generation starts from",
     .apply = mask_all,
     .shared = true},
    {.name = "mix-answers",
     .help = "two answers in one, by turns of 1 to 4 tokens",
     .apply = mix_answers,
     .shared = true,
     .words = true,
     .mixes = true},
    {.name = "stutter",
     .help = "one or two tokens doubled or lost, the rest moved",
     .apply = stutter,
     .shared = true,
     .words = true},
    {.name = "first-wrong",
     .help = "the first one or two tokens of another answer",
     .apply = first_wrong,
     .shared = true,
     .words = true,
     .mixes = true},
};
const size_t rd_corruption_count = sizeof rd_corruptions / sizeof *rd_corruptions;
_Static_assert(sizeof rd_corruptions / sizeof *rd_corruptions <= RD_MOST_CORRUPTIONS,
               "rd_batch_rules has a share for each row");

const rd_table rd_corruption_table = RD_TABLE("corruption", rd_corruptions);

rd_code rd_corruption_find(const rd_corruption **out, const char *name, rd_error *e) {
  *out = rd_table_find(&rd_corruption_table, name, e);
  return *out ? RD_OK : RD_USAGE;
}
