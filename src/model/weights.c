/* SPDX-License-Identifier: MIT */
/* Shapes and names of the projections, and the parameter count that follows from them. */
#include "weights.h"

const char *const rd_projection_names[RD_PROJECTIONS] = {
    "q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};

void rd_projection_shape(const rd_config *c, rd_projection p, int64_t *out, int64_t *in) {
  int64_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
  const int64_t shapes[RD_PROJECTIONS][2] = {
      [RD_Q] = {q, c->width},       [RD_K] = {kv, c->width},       [RD_V] = {kv, c->width},
      [RD_O] = {c->width, q},       [RD_GATE] = {c->ff, c->width}, [RD_UP] = {c->ff, c->width},
      [RD_DOWN] = {c->width, c->ff}};
  *out = shapes[p][0];
  *in = shapes[p][1];
}

int64_t rd_parameter_count(const rd_config *c) {
  int64_t layer = 2 * c->width + (c->qk_norm ? 2 * c->head_dim : 0);
  for (int p = 0; p < RD_PROJECTIONS; p++) {
    int64_t out = 0, in = 0;
    rd_projection_shape(c, (rd_projection)p, &out, &in);
    layer += out * in + (c->qkv_bias && p <= RD_V ? out : 0);
  }
  return c->layers * layer + c->width + c->vocab * c->width * (c->tied ? 1 : 2);
}
