/* SPDX-License-Identifier: MIT */
/* Counting: two operations for every weight a token meets, four for every pair of attention. */
#include "flops.h"

static double layer_weights(const rd_config *c) {
  double sum = 0;
  for (int p = 0; p < RD_PROJECTIONS; p++) {
    int64_t out = 0, in = 0;
    rd_projection_shape(c, (rd_projection)p, &out, &in);
    sum += (double)out * (double)in;
  }
  return sum;
}

static double factor_weights(const rd_config *c, int64_t rank) {
  double sum = 0;
  for (int p = 0; p < RD_PROJECTIONS; p++) {
    int64_t out = 0, in = 0;
    rd_projection_shape(c, (rd_projection)p, &out, &in);
    sum += (double)rank * (double)(out + in);
  }
  return sum;
}

static double attention(const rd_config *c, int64_t window, int64_t batch) {
  return 4.0 * (double)batch * (double)window * (double)window * (double)(c->heads * c->head_dim);
}

double rd_flops_pass(const rd_config *c, int64_t window, int64_t batch, int64_t logits_rows) {
  double tokens = (double)window * (double)batch;
  double layer = 2 * tokens * layer_weights(c) + attention(c, window, batch);
  return (double)c->layers * layer +
         2.0 * (double)logits_rows * (double)c->vocab * (double)c->width;
}

double rd_flops_step(const rd_config *c, int64_t window, int64_t batch, int64_t loss_rows,
                     int64_t rank) {
  double tokens = (double)window * (double)batch, layers = (double)c->layers;
  double weights = 2 * tokens * layers * layer_weights(c);
  double factors = 2 * tokens * layers * factor_weights(c, rank);
  double pairs = layers * attention(c, window, batch);
  double head = 2.0 * (double)loss_rows * (double)c->vocab * (double)c->width;
  /* forward 1, inputs' gradients 1, trained weights' gradients 1; attention forward 1, backward 2
   */
  return rank > 0 ? 2 * weights + 3 * factors + 3 * pairs + 2 * head
                  : 3 * weights + 3 * pairs + 3 * head;
}
