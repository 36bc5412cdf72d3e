/* SPDX-License-Identifier: MIT */
/* Losses example by example, so that sums and intervals can be made of the same numbers. */
#include "validation.h"

#include <math.h>

int rd_noise_level(double noise) {
  int level = (int)(noise * RD_NOISE_LEVELS);
  return level < RD_NOISE_LEVELS ? level : RD_NOISE_LEVELS - 1;
}

static rd_example_loss of_sequence(const rd_batch *b, const rd_batch_rules *rules, int64_t s,
                                   const float *row_loss) {
  rd_example_loss x = {.noise = (double)b->noise[s]};
  int64_t first = b->sequences[s].ids - b->ids, end = first + b->sequences[s].count;
  for (int64_t row = first; row < end; row++) {
    if (b->targets[row] < 0)
      continue;
    x.loss += (double)b->weights[row] * (double)row_loss[row];
    x.weight = rules->corruption ? 1 : x.weight + 1; /* examples count once, documents by token */
    if (row < b->answers[s] - rules->shift)
      continue;
    x.answer += (double)row_loss[row];
    x.answer_count += 1;
  }
  return x;
}

/* What the rows of the batch came to, where they belong. */
static void take(rd_example_loss *losses, const rd_validation_work *w) {
  const rd_batch *b = w->batch;
  for (int64_t s = 0; s < b->sequence_count; s++) { /* an example may have several */
    const rd_example_loss part = of_sequence(b, w->rules, s, w->row_loss);
    rd_example_loss *whole = &losses[b->examples[s]];
    whole->noise = part.noise;
    whole->loss += part.loss;
    whole->weight = part.weight > whole->weight ? part.weight : whole->weight;
    whole->answer += part.answer;
    whole->answer_count += part.answer_count;
  }
}

/* This rank's batch of those from `next` on. */
static rd_code run(int64_t next, const rd_validation_work *w, rd_error *e) {
  const rd_batch *b = w->batch;
  double sum = 0;
  for (int i = 0; i <= w->ranks->rank && next < w->examples->count; i++) {
    RD_TRY(rd_batch_fixed(w->batch, w->rules, w->examples, &next, e));
    if (i == w->ranks->rank)
      return rd_step_run(w->step, b->sequences, b->sequence_count, w->rules->objective->block,
                         b->targets, b->weights, NULL, &sum, w->row_loss, e);
  }
  return RD_OK;
}

/* Batches are made again for what the others found: they are cheap, and so everybody adds the same
 * numbers in the same order. */
rd_code rd_validation_passes(rd_example_loss *losses, int64_t *next, const rd_validation_work *w,
                             rd_error *e) {
  float *mine = w->row_loss;
  rd_validation_work theirs = *w;
  RD_TRY(rd_ranks_agree(w->ranks, run(*next, w, e), e));
  for (int i = 0; i < w->ranks->count && *next < w->examples->count; i++) {
    theirs.row_loss = i == w->ranks->rank ? mine : w->others;
    RD_TRY(rd_batch_fixed(w->batch, w->rules, w->examples, next, e));
    RD_TRY(rd_ranks_share(w->ranks, i, theirs.row_loss,
                          (size_t)w->batch->rows * sizeof *theirs.row_loss, e));
    take(losses, &theirs);
  }
  return RD_OK;
}

void rd_validation_sum(rd_validation *v, const rd_example_loss *losses, int64_t count) {
  double loss = 0, weight = 0, sum[RD_NOISE_LEVELS] = {0}, rows[RD_NOISE_LEVELS] = {0};
  for (int64_t i = 0; i < count; i++) {
    int level = rd_noise_level(losses[i].noise);
    loss += losses[i].loss;
    weight += losses[i].weight;
    sum[level] += losses[i].answer;
    rows[level] += losses[i].answer_count;
  }
  v->loss = weight > 0 ? loss / weight : NAN;
  for (int i = 0; i < RD_NOISE_LEVELS; i++)
    v->by_noise[i] = rows[i] > 0 ? sum[i] / rows[i] : NAN;
}
