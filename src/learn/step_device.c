/* SPDX-License-Identifier: MIT */
/* The rows `cuda` and `emulated`: what a batch asks of a device. Batches are cut at their gates
 * here; rows that carry loss are listed here; the rest is the device's. */
#include "device_learn.h"
#include "halves.h"
#include "step_kind.h"

#include <math.h>
#include <stdlib.h>

typedef struct device_step {
  rd_step base;
  rd_device *device;
  rd_device_learn *learn;
  rd_halves halves; /* of batches with gates */
  rd_aim aim;
  int32_t *rows, *targets, *parents, *batch_rows; /* (rows) of rows that carry loss */
  float *weights, *losses;                        /* (rows) */
  double *apart;                                  /* (rows) */
  rd_arena arena;
} device_step;

static void layout(device_step *p, rd_arena *a) {
  const int64_t rows = p->base.plan.rows;
  rd_halves_take(&p->halves, a, rows);
  p->rows = RD_TAKE(a, int32_t, rows);
  p->targets = RD_TAKE(a, int32_t, rows);
  p->parents = RD_TAKE(a, int32_t, rows);
  p->batch_rows = RD_TAKE(a, int32_t, rows);
  p->weights = RD_TAKE(a, float, rows);
  p->losses = RD_TAKE(a, float, rows);
  p->apart = RD_TAKE(a, double, rows);
}

/* Run the rows that learn; with a gate, first those before it. */
static rd_code run_rows(device_step *p, const rd_sequence *sequences, int64_t n, int64_t block,
                        rd_error *e) {
  rd_halves *h = &p->halves;
  if (!p->base.plan.weights->plain)
    return rd_device_learn_run(p->learn, sequences, NULL, n, block, e);
  rd_halves_cut(h, sequences, n);
  RD_TRY(rd_device_learn_clean(p->learn, h->clean, h->clean_count, e));
  return rd_device_learn_run(p->learn, h->noisy, h->before, h->noisy_count, block, e);
}

static int64_t rows_of(const rd_sequence *sequences, int64_t n) {
  int64_t rows = 0;
  for (int64_t i = 0; i < n; i++)
    rows += sequences[i].count;
  return rows;
}

/* List what carries loss; with a gate, by its row among those that learn. */
static int64_t list_rows(device_step *p, int64_t batch, const int32_t *targets,
                         const float *weights) {
  const bool gated = p->base.plan.weights->plain != NULL;
  int64_t count = 0;
  for (int64_t r = 0; r < batch; r++) {
    const int32_t row = gated ? p->halves.places[r] : (int32_t)r;
    if (row < 0 || targets[r] < 0 || weights[r] == 0)
      continue;
    p->rows[count] = row;
    p->targets[count] = targets[r];
    p->weights[count] = weights[r];
    p->batch_rows[count] = (int32_t)r;
    p->parents[count++] = gated ? p->halves.same[row] - !p->aim.shift : 0;
  }
  return count;
}

static rd_code run(rd_step *step, const rd_sequence *sequences, int64_t n, int64_t block,
                   const int32_t *targets, const float *weights, rd_gradient *gradient,
                   double *loss, float *row_loss, rd_error *e) {
  device_step *p = (device_step *)step;
  const int64_t batch = rows_of(sequences, n);
  const bool asks = p->aim.parent || p->aim.align > 0;
  *loss = 0;
  RD_TRY(run_rows(p, sequences, n, block, e));
  const int64_t count = list_rows(p, batch, targets, weights);
  const rd_device_losses w = {.rows = p->rows,
                              .targets = p->targets,
                              .parents = asks ? p->parents : NULL,
                              .weights = p->weights,
                              .count = count,
                              .parent = p->aim.parent,
                              .align = p->aim.align,
                              .gradient = gradient,
                              .losses = p->losses,
                              .apart = p->apart};
  RD_TRY(rd_device_learn_losses(p->learn, &w, e));
  if (row_loss)
    memset(row_loss, 0, (size_t)batch * sizeof *row_loss);
  for (int64_t i = 0; i < count; i++) {
    const double apart = p->aim.align > 0 ? p->aim.align * p->apart[i] : 0;
    *loss += (double)p->weights[i] * ((double)p->losses[i] + apart);
    if (row_loss)
      row_loss[p->batch_rows[i]] = p->losses[i];
  }
  return RD_OK;
}

static rd_code guess(rd_step *step, const rd_sequence *sequences, int64_t n, int64_t block,
                     const int32_t *rows, int64_t count, const rd_propose_rule *rule,
                     uint32_t iteration, int32_t *ids, rd_error *e) {
  device_step *p = (device_step *)step;
  RD_TRY(run_rows(p, sequences, n, block, e));
  for (int64_t i = 0; i < count; i++)
    p->rows[i] = p->base.plan.weights->plain ? p->halves.places[rows[i]] : rows[i];
  RD_TRY(rd_device_learn_guess(p->learn, p->rows, p->rows, count, rule, iteration, p->targets, e));
  for (int64_t i = 0; i < count; i++)
    ids[rows[i]] = p->targets[i];
  return RD_OK;
}

static void set_aim(rd_step *step, const rd_aim *aim) {
  ((device_step *)step)->aim = *aim;
}

static rd_code clear(rd_step *step, rd_error *e) {
  return rd_device_learn_clear(((device_step *)step)->learn, e);
}

static rd_code gather(rd_step *step, rd_error *e) {
  return rd_device_learn_gather(((device_step *)step)->learn, e);
}

static rd_code refresh(rd_step *step, rd_error *e) {
  return rd_device_learn_refresh(((device_step *)step)->learn, e);
}

static rd_code norm(rd_step *step, double scale, double *out, rd_error *e) {
  double squares = 0;
  RD_TRY(rd_device_learn_squares(((device_step *)step)->learn, &squares, e));
  *out = sqrt(squares) * scale;
  return RD_OK;
}

static rd_code update(rd_step *step, const rd_adamw_step *how, rd_error *e) {
  return rd_device_learn_update(((device_step *)step)->learn, how, e);
}

static rd_code add(rd_step *step, rd_error *e) {
  return rd_device_learn_add(((device_step *)step)->learn, e);
}

static rd_code sum(rd_step *step, rd_error *e) {
  return rd_device_learn_sum(((device_step *)step)->learn, e);
}

static rd_code spread(rd_step *step, rd_error *e) {
  return rd_device_learn_spread(((device_step *)step)->learn, e);
}

static rd_code bring(rd_step *step, rd_error *e) {
  return rd_device_learn_bring(((device_step *)step)->learn, e);
}

static void close_step(rd_step *step) {
  device_step *p = (device_step *)step;
  rd_device_learn_free(&p->learn);
  rd_device_close(&p->device);
  rd_arena_drop(&p->arena);
  free(p);
}

static const rd_step_calls calls = {.run = run,
                                    .guess = guess,
                                    .aim = set_aim,
                                    .clear = clear,
                                    .gather = gather,
                                    .refresh = refresh,
                                    .norm = norm,
                                    .update = update,
                                    .add = add,
                                    .sum = sum,
                                    .spread = spread,
                                    .bring = bring,
                                    .close = close_step};

/* On a device, which is closed with the step, or where it fails. */
static rd_code open_on(rd_step **out, rd_device *device, const rd_step_plan *plan, rd_error *e) {
  *out = NULL;
  device_step *p = rd_calloc(1, sizeof *p, "a training step", e);
  if (!p) {
    rd_device_close(&device);
    return RD_NO_MEMORY;
  }
  p->base = (rd_step){.calls = &calls, .plan = *plan};
  p->device = device;
  rd_arena measure = rd_arena_measure();
  layout(p, &measure);
  rd_code code = rd_device_learn_new(&p->learn, device, plan, e);
  if (code == RD_OK)
    code = rd_arena_init(&p->arena, measure.used, "the lists of a training batch", e);
  if (code != RD_OK) {
    close_step(&p->base);
    return code;
  }
  layout(p, &p->arena);
  *out = &p->base;
  return RD_OK;
}

rd_code rd_step_cuda_open(rd_step **out, const rd_step_plan *plan, rd_error *e) {
  rd_device *device = NULL;
  *out = NULL;
  RD_TRY(rd_device_card(&device, e));
  return open_on(out, device, plan, e);
}

rd_code rd_step_emulated_open(rd_step **out, const rd_step_plan *plan, rd_error *e) {
  rd_device *device = NULL;
  *out = NULL;
  RD_TRY(rd_device_host(&device, e));
  return open_on(out, device, plan, e);
}
