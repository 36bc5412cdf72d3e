/* SPDX-License-Identifier: MIT */
/* The order of examples: every epoch is a shuffle that depends on (seed, epoch) alone, so a place
 * in it is two numbers, and going on from there gives what would have followed. */
#ifndef RD_ORDER_H
#define RD_ORDER_H

#include "error.h"

typedef struct rd_order {
  const float *weights; /* (examples) how often each is seen in an epoch, on average; borrowed */
  int64_t examples;
  uint64_t seed;
  int32_t *list; /* (length) the present epoch */
  int64_t length;
  size_t capacity;
  int64_t epoch, position; /* the place: what rd_order_peek gives */
} rd_order;

/* Start at (epoch, position). A weight w puts an example floor(w) times into every epoch and once
 * more with probability w - floor(w). */
rd_code rd_order_init(rd_order *order, const float *weights, int64_t examples, uint64_t seed,
                      int64_t epoch, int64_t position, rd_error *e);
void rd_order_drop(rd_order *order);
/* How many times through the data lie behind the place. */
double rd_order_gone(const rd_order *order);
/* The example at the place, without moving on. */
rd_code rd_order_peek(rd_order *order, int32_t *example, rd_error *e);
/* Move on by one; the next peek may begin an epoch. */
void rd_order_advance(rd_order *order);

#endif
