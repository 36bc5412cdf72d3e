/* SPDX-License-Identifier: MIT */
/* Counting: two operations for every weight a token meets, four for every pair of attention. */
#include "flops.h"

#include "parts.h"

/* Of all layers: of their matrices, or of factors of a rank beside each. */
static double layer_weights(const rd_config *c, int64_t rank) {
  double sum = 0;
  rd_walk p = rd_parts_of(c, NULL, NULL, NULL);
  while (rd_parts_next(&p))
    if (p.kind == RD_LINEAR && p.part->layered)
      sum += rank > 0 ? (double)rank * (double)(p.rows + p.cols) : (double)p.rows * (double)p.cols;
  return sum;
}

/* Pairs of a token and one that it sees. */
static double pairs_of(int64_t reuse, int64_t window) {
  const double w = (double)window, known = (double)reuse;
  return reuse > 0 ? w * known + w * (w + 1) / 2 : w * w;
}

static double attention(const rd_config *c, int64_t reuse, int64_t window, int64_t batch) {
  return 4.0 * (double)batch * pairs_of(reuse, window) * (double)(c->heads * c->head_dim);
}

double rd_flops_pass(const rd_config *c, int64_t reuse, int64_t window, int64_t batch,
                     int64_t logits_rows) {
  double tokens = (double)window * (double)batch;
  return 2 * tokens * layer_weights(c, 0) + (double)c->layers * attention(c, reuse, window, batch) +
         2.0 * (double)logits_rows * (double)c->vocab * (double)c->width;
}

double rd_flops_step(const rd_config *c, int64_t window, int64_t batch, int64_t loss_rows,
                     int64_t rank) {
  double tokens = (double)window * (double)batch, layers = (double)c->layers;
  double weights = 2 * tokens * layer_weights(c, 0);
  double factors = 2 * tokens * layer_weights(c, rank);
  double pairs = layers * attention(c, 0, window, batch);
  double head = 2.0 * (double)loss_rows * (double)c->vocab * (double)c->width;
  /* forward 1, inputs' gradients 1, trained weights' gradients 1; attention forward 1, backward 2
   */
  return rank > 0 ? 2 * weights + 3 * factors + 3 * pairs + 2 * head
                  : 3 * weights + 3 * pairs + 3 * head;
}
