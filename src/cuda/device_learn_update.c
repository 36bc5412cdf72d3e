/* SPDX-License-Identifier: MIT */
/* Weights that are trained, and the optimizer: what the trainer changes here is sent; what AdamW
 * changes there is brought when somebody wants it. */
#include "device_learn_pass.h"

#include "parts.h"

#include <math.h>

/* Told of each trained tensor: what a pass reads of it, here and there, and its gradient here. */
typedef rd_code visit(rd_device_learn *l, const float *gradient, void *there, const void *here,
                      int64_t count, rd_dtype type, rd_error *e);

static rd_code visit_matrix(rd_device_learn *l, visit *told, const float *gradient,
                            const rd_matrix *there, const rd_matrix *here, rd_error *e) {
  return gradient ? told(l, gradient, there->data, here->data, here->rows * here->cols, l->type, e)
                  : RD_OK;
}

static rd_code visit_all(rd_device_learn *l, visit *told, rd_error *e) {
  const rd_config *c = l->config;
  rd_walk here = rd_parts_of(c, NULL, l->plan.weights, l->plan.gradient);
  rd_walk there = rd_parts_of(c, NULL, &l->sent->own, NULL);
  while (l->plan.gradient && rd_parts_next(&here) && rd_parts_next(&there)) {
    const float *gradient = *here.gradient;
    if (here.matrix)
      RD_TRY(visit_matrix(l, told, gradient, there.matrix, here.matrix, e));
    else if (gradient)
      RD_TRY(
          told(l, gradient, (void *)(uintptr_t)*there.vector, *here.vector, here.cols, RD_F32, e));
    if (!here.grad)
      continue;
    RD_TRY(visit_matrix(l, told, here.grad->a, &there.linear->a, &here.linear->a, e));
    RD_TRY(visit_matrix(l, told, here.grad->b, &there.linear->b, &here.linear->b, e));
  }
  return RD_OK;
}

/* --- the list --------------------------------------------------------------------------------- */

void rd_learn_take_update(rd_device_learn *l, rd_arena *a) {
  const rd_step_plan *plan = &l->plan;
  if (plan->trained_count == 0)
    return;
  l->items = RD_TAKE(a, rd_adamw_item, plan->trained_count);
  l->squares = RD_TAKE(a, double, RD_SQUARES_BLOCKS);
  for (size_t i = 0; i < plan->trained_count; i++) {
    const int64_t n = plan->trained[i].count;
    rd_adamw_item item = {.m = RD_TAKE(a, float, n), .v = RD_TAKE(a, float, n), .count = n};
    item.master = l->type == RD_F32 ? NULL : RD_TAKE(a, float, n);
    if (l->items_here)
      l->items_here[i] = item;
  }
}

/* Where the pass reads the tensor of that gradient: the master itself, or what follows it. */
static rd_code list_tensor(rd_device_learn *l, const float *gradient, void *there, const void *here,
                           int64_t count, rd_dtype type, rd_error *e) {
  (void)here, (void)count, (void)e;
  for (size_t i = 0; i < l->plan.trained_count; i++) {
    rd_adamw_item *item = &l->items_here[i];
    if (l->plan.trained[i].gradient != gradient)
      continue;
    item->gradient = rd_learn_gradient(l, gradient);
    item->decays = l->plan.trained[i].decays;
    const rd_learn_place place = rd_learn_place_of(l, there);
    item->beside = place.at;
    item->cols = place.cols;
    item->stride = place.stride;
    if (type == RD_F32)
      item->master = there;
    else
      item->working = there;
  }
  return RD_OK;
}

rd_code rd_learn_list_update(rd_device_learn *l, rd_error *e) {
  const size_t count = l->plan.trained_count;
  if (count == 0)
    return RD_OK;
  RD_TRY(visit_all(l, list_tensor, e));
  return l->device->send(l->device, l->items, l->items_here, count * sizeof *l->items, e);
}

/* --- weights ---------------------------------------------------------------------------------- */

static rd_code send_tensor(rd_device_learn *l, const float *gradient, void *there, const void *here,
                           int64_t count, rd_dtype type, rd_error *e) {
  (void)gradient;
  return l->device->send(l->device, there, here, (size_t)count * rd_dtype_size(type), e);
}

rd_code rd_device_learn_refresh(rd_device_learn *l, rd_error *e) {
  rd_device *d = l->device;
  RD_TRY(visit_all(l, send_tensor, e));
  RD_TRY(rd_learn_follow_groups(l, e));
  for (size_t i = 0; i < l->plan.trained_count; i++) {
    const rd_trained *here = &l->plan.trained[i];
    const rd_adamw_item *there = &l->items_here[i];
    const size_t bytes = (size_t)here->count * sizeof(float);
    RD_TRY(d->send(d, there->master, here->master, bytes, e));
    RD_TRY(d->send(d, there->m, here->m, bytes, e));
    RD_TRY(d->send(d, there->v, here->v, bytes, e));
  }
  return RD_OK;
}

rd_code rd_device_learn_bring(rd_device_learn *l, rd_error *e) {
  rd_device *d = l->device;
  for (size_t i = 0; i < l->plan.trained_count; i++) {
    const rd_trained *here = &l->plan.trained[i];
    const rd_adamw_item *there = &l->items_here[i];
    const size_t bytes = (size_t)here->count * sizeof(float);
    RD_TRY(d->fetch(d, here->master, there->master, bytes, e));
    RD_TRY(d->fetch(d, here->m, there->m, bytes, e));
    RD_TRY(d->fetch(d, here->v, there->v, bytes, e));
  }
  return RD_OK;
}

/* --- a step ----------------------------------------------------------------------------------- */

rd_code rd_device_learn_squares(rd_device_learn *l, double *sum, rd_error *e) {
  rd_device *d = l->device;
  double sums[RD_SQUARES_BLOCKS];
  const rd_squares_args args = {l->squares, l->gradients, l->plan.gradient_count};
  const rd_blocks grid = {
      .blocks = RD_SQUARES_BLOCKS, .sides = 1, .threads = d->threads, .shared = rd_device_room(d)};
  RD_TRY(RD_LAUNCH(l, squares, &grid, &args, e));
  RD_TRY(d->fetch(d, sums, l->squares, sizeof sums, e));
  *sum = 0;
  for (int i = 0; i < RD_SQUARES_BLOCKS; i++)
    *sum += sums[i];
  return RD_OK;
}

rd_code rd_device_learn_update(rd_device_learn *l, const rd_adamw_step *how, rd_error *e) {
  enum { EACH = 16 }; /* numbers of a thread, of a mean tensor */
  const int64_t items = (int64_t)l->plan.trained_count;
  const int64_t mean = l->plan.gradient_count / items + 1;
  const rd_adamw_args args = {.items = l->items, .factors = rd_adamw_factors_of(how)};
  const rd_blocks grid = {.blocks = mean / (EACH * l->device->threads) + 1,
                          .sides = items,
                          .threads = l->device->threads};
  return RD_LAUNCH(l, adamw, &grid, &args, e);
}
