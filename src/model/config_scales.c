/* SPDX-License-Identifier: MIT */
/* The table, and what is asked of it. */
#include "config_scales.h"

#include "family.h"

#include <math.h>
#include <stddef.h>

#define AT(member) offsetof(rd_config, member)
static const rd_config_scale scales[] = {
    {"embedding_multiplier", "embedding_scale", AT(embedding_multiplier), 1, false},
    {"residual_multiplier", "residual_scale", AT(residual_multiplier), 1, false},
    {"attention_multiplier", "attention.scale", AT(attention_multiplier), 1, false},
    {"logits_scaling", "logit_scale", AT(logits_scaling), 1, false},
    {"query_pre_attn_scalar", NULL, AT(query_scalar), 256, true},
    {"attn_logit_softcapping", "attn_logit_softcapping", AT(attention_cap), 0, false},
    {"final_logit_softcapping", "final_logit_softcapping", AT(final_cap), 0, false},
};
enum { SCALES = sizeof scales / sizeof *scales };

const rd_config_scale *rd_config_scales(size_t *count) {
  *count = SCALES;
  return scales;
}

double *rd_config_scale_at(const rd_config_scale *scale, rd_config *c) {
  return (double *)(void *)((char *)c + scale->at);
}

rd_code rd_config_read_scales(rd_config *c, const json_t *config, rd_error *e) {
  c->attention_cap = c->family->attention_cap;
  c->final_cap = c->family->final_cap;
  for (int i = 0; i < SCALES; i++) {
    const rd_config_scale *s = &scales[i];
    double *at = rd_config_scale_at(s, c);
    if (!rd_family_computes(c->family, s->key))
      continue;
    *at = json_is_null(json_object_get(config, s->key)) ? 0 : *at > 0 ? *at : s->missing;
    RD_TRY(rd_json_real(config, s->key, 1e-6, 1e6, at, e));
  }
  rd_config_settle_scales(c);
  return RD_OK;
}

static json_t *number(const rd_config_scale *s, double value) {
  if (!(value > 0))
    return json_null();
  return s->whole ? json_integer((json_int_t)value) : json_real(value);
}

void rd_config_write_scales(const rd_config *c, json_t *out) {
  for (int i = 0; i < SCALES; i++) {
    double value = *(const double *)(const void *)((const char *)c + scales[i].at);
    if (rd_family_computes(c->family, scales[i].key))
      json_object_set_new(out, scales[i].key, number(&scales[i], value));
  }
}

void rd_config_settle_scales(rd_config *c) {
  c->embedding_scale = c->family->root_embedding ? sqrt((double)c->width) : c->embedding_multiplier;
}
