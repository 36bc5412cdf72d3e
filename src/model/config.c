/* SPDX-License-Identifier: MIT */
/* What follows from a configuration, wherever it was read. */
#include "config.h"

#include "family.h"

#include <math.h>

enum { MOST = 1 << 24 }; /* no size is larger */

bool rd_config_is_eos(const rd_config *config, int32_t id) {
  for (int i = 0; i < config->eos_count; i++)
    if (config->eos[i] == id)
      return true;
  return false;
}

int64_t rd_config_window(const rd_config *c, int64_t asked) {
  enum { WINDOW = 256 };
  int64_t own = c->canvas > 0 ? c->canvas : WINDOW;
  if (asked > 0)
    return asked;
  return own < c->positions ? own : c->positions;
}

int64_t rd_config_turned(const rd_config *c) {
  return c->turned > 0 ? c->turned : c->head_dim;
}

int64_t rd_config_layer_of(const rd_config *c, uint8_t kind) {
  for (int64_t l = 0; l < c->layers; l++)
    if (c->layer_kinds[l] & kind)
      return l;
  return -1;
}

double rd_config_attention_scale(const rd_config *c) {
  double squares = c->query_scalar > 0 ? c->query_scalar : (double)c->head_dim;
  return c->attention_multiplier > 0 ? c->attention_multiplier : 1 / sqrt(squares);
}

void rd_config_begin(rd_config *c) {
  const rd_family *f = c->family;
  c->norm_eps = f->norm_eps > 0 ? f->norm_eps : 1e-6;
  c->qkv_bias = f->qkv_bias;
  c->qk_norm = f->qk_norm;
  c->wide_norms = f->wide_norms;
  c->no_pre_norms = f->no_pre_norms;
  c->post_norms = f->post_norms;
  c->tied = f->tied;
  c->block = f->block;
  c->stride = f->stride;
  c->shift_logits = f->shift_logits;
  c->bos = c->pad = c->mask = -1;
}

rd_code rd_config_check(const rd_config *c, rd_error *e) {
  const struct {
    const char *name;
    int64_t value, most;
  } sizes[] = {{"layers", c->layers, RD_MOST_LAYERS},
               {"width", c->width, 1 << 16},
               {"heads", c->heads, 1024},
               {"key/value heads", c->kv_heads, 1024},
               {"feed-forward", c->ff, 1 << 20},
               {"vocabulary", c->vocab, MOST},
               {"head size", c->head_dim, 1024},
               {"positions", c->positions, MOST}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (sizes[i].value < 1 || sizes[i].value > sizes[i].most)
      return rd_fail(e, RD_BAD_INPUT, "%s: %lld is outside 1..%lld", sizes[i].name,
                     (long long)sizes[i].value, (long long)sizes[i].most);
  if (c->head_dim % 2)
    return rd_fail(e, RD_BAD_INPUT, "head size %lld is odd: rotary positions turn pairs",
                   (long long)c->head_dim);
  if (c->heads % c->kv_heads)
    return rd_fail(e, RD_BAD_INPUT, "%lld heads cannot share %lld key/value heads evenly",
                   (long long)c->heads, (long long)c->kv_heads);
  return RD_OK;
}
