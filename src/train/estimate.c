/* SPDX-License-Identifier: MIT */
/* What a run will take. Memory: the layouts that will be placed, measured; the drafts shown at
 * validations; and what the program held before it opened anything, with what its first product
 * adds. Time: the flops of an update over the speed of a product, measured here (step.h). */
#include "estimate.h"

#include "clock.h"
#include "engine.h"
#include "inspect.h"
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Weights of all products, and the share of them whose gradients are needed. */
static double flops_of_update(const rd_trainer *t) {
  const rd_config *c = &t->config;
  double frozen = (double)(c->vocab * c->width), factors = 0;
  rd_walk at = rd_parts_of(c, NULL, &t->parameters.weights, NULL);
  while (rd_parts_next(&at))
    if (at.linear && at.layer >= 0) {
      frozen += (double)(at.rows * at.cols);
      factors += (double)(at.linear->a.rows * (at.rows + at.cols));
    }
  /* folded factors cost what a trained matrix costs */
  for (size_t i = 0; i < t->parameters.fold_count; i++)
    factors += (double)(t->parameters.folds[i].base.rows * t->parameters.folds[i].base.cols) / 3;
  bool all = rd_train_settings_all(t->settings);
  double reach = (double)c->positions < (double)t->rules.window ? (double)c->positions
                                                                : (double)t->rules.window;
  double attention = 12.0 * reach * (double)(c->layers * c->heads * c->head_dim);
  double per_token = (all ? 6.0 : 4.0) * frozen + 6.0 * factors +
                     attention * (c->block == 1 && !t->rules.corruption ? 0.5 : 1.0);
  return per_token * (double)(t->rules.rows * t->settings->accumulate);
}

/* Ids, examples and one batch of them. */
static size_t data_bytes(const rd_trainer *t) {
  return (t->examples.list.capacity + t->validation.list.capacity) * sizeof(int32_t) +
         (t->examples.capacity + t->validation.capacity) * (sizeof(rd_example) + sizeof(float)) +
         t->order.capacity * sizeof(int32_t) +
         (size_t)t->rules.rows * (5 * sizeof(int32_t) + 2 * sizeof(float));
}

rd_code rd_trainer_estimate(rd_trainer *t, rd_train_estimate *estimate, rd_error *e) {
  const rd_parameters *p = &t->parameters;
  rd_model live = rd_trainer_live(t);
  const rd_step_plan plan = rd_trainer_plan(t);
  const double width = (double)t->config.width;
  double peak = 0;
  size_t before = rd_resident_bytes();
  RD_TRY(t->kind->speed(&peak, p->type, e));
  size_t after = rd_resident_bytes();
  *estimate = (rd_train_estimate){
      .parameters = t->base ? rd_model_parameters(t->base) : rd_parameter_count(&t->config),
      .trained = p->total,
      .program_bytes = t->program_bytes + (after > before ? after - before : 0),
      .data_bytes = data_bytes(t),
      .model_bytes = t->base ? t->base->memory_bytes + t->base->file_bytes : 0,
      .packed_bytes = p->packed_bytes,
      .master_bytes = p->master_bytes,
      .state_bytes = p->state_bytes,
      .pass_bytes = t->kind->memory(&plan),
      .draft_bytes =
          t->validation.count ? rd_engine_memory(&live, t->rules.window, t->rules.window) : 0,
      .updates = t->updates,
      .tokens_per_update = t->rules.rows * t->settings->accumulate,
      .flops_per_update = flops_of_update(t),
      .flops_per_second = t->kind->share * peak * width / (width + t->kind->narrow)};
  return RD_OK;
}
