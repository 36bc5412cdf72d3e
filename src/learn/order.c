/* SPDX-License-Identifier: MIT */
/* Epochs: the weights decide which examples take part, a Fisher-Yates shuffle in what order. */
#include "order.h"

#include "rng.h"

#include <math.h>
#include <stdlib.h>

static rd_code append(rd_order *o, int32_t example, rd_error *e) {
  RD_TRY(rd_grow((void **)&o->list, &o->capacity, (size_t)o->length + 1, sizeof example, e));
  o->list[o->length++] = example;
  return RD_OK;
}

static rd_code draw_epoch(rd_order *o, rd_error *e) {
  o->length = 0;
  rd_rng rng = rd_rng_at(o->seed, RD_STREAM_SHUFFLE, (uint32_t)o->epoch, 0);
  for (int64_t i = 0; i < o->examples; i++) {
    double whole = floor((double)o->weights[i]), rest = (double)o->weights[i] - whole;
    int64_t copies = (int64_t)whole + (rest > 0.0 && rd_rng_uniform(&rng) < rest);
    for (int64_t c = 0; c < copies; c++)
      RD_TRY(append(o, (int32_t)i, e));
  }
  rng = rd_rng_at(o->seed, RD_STREAM_SHUFFLE, (uint32_t)o->epoch, 1);
  for (int64_t i = o->length - 1; i > 0; i--) {
    int64_t j = rd_rng_below(&rng, (uint32_t)(i + 1));
    int32_t swapped = o->list[i];
    o->list[i] = o->list[j];
    o->list[j] = swapped;
  }
  return RD_OK;
}

rd_code rd_order_init(rd_order *order, const float *weights, int64_t examples, uint64_t seed,
                      int64_t epoch, int64_t position, rd_error *e) {
  *order = (rd_order){.weights = weights, .examples = examples, .seed = seed, .epoch = epoch};
  if (examples < 1 || examples > INT32_MAX)
    return rd_fail(e, RD_BAD_INPUT, "data: %lld examples are left to train on",
                   (long long)examples);
  RD_TRY(draw_epoch(order, e));
  order->position = position;
  return RD_OK;
}

void rd_order_drop(rd_order *order) {
  free(order->list);
  *order = (rd_order){0};
}

double rd_order_gone(const rd_order *order) {
  return (double)order->epoch +
         (order->length > 0 ? (double)order->position / (double)order->length : 0.0);
}

rd_code rd_order_peek(rd_order *order, int32_t *example, rd_error *e) {
  for (int empty = 0; order->position >= order->length; empty++) {
    if (empty == 1000)
      return rd_fail(e, RD_BAD_INPUT, "data: the weights leave no example in 1000 epochs");
    order->epoch++;
    order->position = 0;
    RD_TRY(draw_epoch(order, e));
  }
  *example = order->list[order->position];
  return RD_OK;
}

void rd_order_advance(rd_order *order) {
  order->position++;
}
