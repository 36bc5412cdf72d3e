/* SPDX-License-Identifier: MIT */
/* The table of what runs training passes, and which of it is taken. */
#include "device_learn.h"
#include "step_kind.h"

static bool always(void) {
  return true;
}

const rd_step_kind rd_step_kinds[] = {
    {.name = "cuda",
     .help = "an NVIDIA card, where libredraft-cuda.so and a card are found",
     .able = rd_device_has_card,
     .device = true,
     .open = rd_step_cuda_open,
     .memory = rd_device_learn_memory,
     .speed = rd_step_cuda_speed,
     .share = 0.85,
     .narrow = 2000},
    {.name = "cpu",
     .help = "the processor, with the best of its instruction sets",
     .able = always,
     .open = rd_step_cpu_open,
     .memory = rd_step_cpu_memory,
     .speed = rd_step_cpu_speed,
     .share = 0.3},
    {.name = "emulated",
     .help = "the card's kernels run by the processor, thread after thread: for tests, slow",
     .able = always,
     .asked = true,
     .device = true,
     .open = rd_step_emulated_open,
     .memory = rd_device_learn_memory,
     .speed = rd_step_emulated_speed,
     .share = 0.03},
};
const size_t rd_step_kind_count = sizeof rd_step_kinds / sizeof *rd_step_kinds;

const rd_table rd_step_table = RD_TABLE("engine", rd_step_kinds);

/* The first row that is taken without being named, from `kind` on; the processor always is. */
static const rd_step_kind *able_from(const rd_step_kind *kind) {
  while (kind->asked || !kind->able())
    kind++;
  return kind;
}

rd_code rd_step_kind_find(const rd_step_kind **out, const char *name, rd_error *e) {
  *out = name ? rd_table_find(&rd_step_table, name, e) : able_from(rd_step_kinds);
  return *out ? RD_OK : RD_USAGE;
}

rd_code rd_step_open(rd_step **out, const char *name, const rd_step_plan *plan, rd_error *e) {
  const rd_step_kind *kind = NULL;
  *out = NULL;
  RD_TRY(rd_step_kind_find(&kind, name, e));
  rd_code code = kind->open(out, plan, e);
  if (!name && code == RD_UNSUPPORTED && kind->device)
    code = able_from(kind + 1)->open(out, plan, e);
  return code;
}

rd_code rd_step_new(rd_step **out, const rd_config *config, const rd_weights *weights, int64_t rows,
                    int64_t longest, bool recompute, rd_error *e) {
  const rd_step_plan plan = {.config = config,
                             .weights = weights,
                             .rows = rows,
                             .longest = longest,
                             .recompute = recompute};
  return rd_step_cpu_open(out, &plan, e);
}

void rd_step_free(rd_step **step) {
  if (step && *step)
    (*step)->calls->close(*step);
  if (step)
    *step = NULL;
}

void rd_step_aim(rd_step *step, const rd_aim *aim) {
  step->calls->aim(step, aim);
}

rd_code rd_step_clear(rd_step *step, rd_error *e) {
  return step->calls->clear(step, e);
}

rd_code rd_step_gather(rd_step *step, rd_error *e) {
  return step->calls->gather(step, e);
}

rd_code rd_step_refresh(rd_step *step, rd_error *e) {
  return step->calls->refresh(step, e);
}

bool rd_step_updates(const rd_step *step) {
  return step->calls->update && step->plan.trained_count > 0;
}

rd_code rd_step_norm(rd_step *step, double scale, double *norm, rd_error *e) {
  return step->calls->norm(step, scale, norm, e);
}

rd_code rd_step_update(rd_step *step, const rd_adamw_step *how, rd_error *e) {
  return step->calls->update(step, how, e);
}

bool rd_step_sums(const rd_step *step) {
  return step->plan.apart && rd_step_updates(step);
}

rd_code rd_step_add(rd_step *step, rd_error *e) {
  return step->calls->add(step, e);
}

rd_code rd_step_sum(rd_step *step, rd_error *e) {
  return step->calls->sum(step, e);
}

rd_code rd_step_spread(rd_step *step, rd_error *e) {
  return step->calls->spread(step, e);
}

rd_code rd_step_bring(rd_step *step, rd_error *e) {
  return step->calls->bring(step, e);
}

rd_code rd_step_run(rd_step *step, const rd_sequence *sequences, int64_t n, int64_t block,
                    const int32_t *targets, const float *weights, rd_gradient *gradient,
                    double *loss, float *row_loss, rd_error *e) {
  return step->calls->run(step, sequences, n, block, targets, weights, gradient, loss, row_loss, e);
}

rd_code rd_step_guess(rd_step *step, const rd_sequence *sequences, int64_t n, int64_t block,
                      const int32_t *rows, int64_t count, const rd_propose_rule *rule,
                      uint32_t iteration, int32_t *ids, rd_error *e) {
  return step->calls->guess(step, sequences, n, block, rows, count, rule, iteration, ids, e);
}
