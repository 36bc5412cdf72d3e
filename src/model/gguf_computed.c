/* SPDX-License-Identifier: MIT */
/* The table: a key of some architecture of llama.cpp, and the number that changes nothing. */
#include "gguf_computed.h"

#include "config_scales.h"
#include "family.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct row {
  const char *key;
  double neutral, unsaid; /* 0: no number says that the key says nothing */
} rows[] = {
    {.key = "expert_count", .neutral = 0},
    {.key = "expert_used_count", .neutral = 0},
    {.key = "nextn_predict_layers", .neutral = 0},
    {.key = "use_parallel_residual", .neutral = 0},
    {.key = "attention.clamp_kqv", .neutral = 0},
    {.key = "attention.max_alibi_bias", .neutral = 0},
    {.key = "attention.temperature_length", .neutral = 0},
    {.key = "attention.scale", .neutral = 0},
    {.key = "attn_logit_softcapping", .neutral = 0},
    {.key = "final_logit_softcapping", .neutral = 0},
    {.key = "logit_scale", .neutral = 1},
    {.key = "embedding_scale", .neutral = 1},
    {.key = "residual_scale", .neutral = 1},
    {.key = "rope.scaling.yarn_ext_factor", .neutral = 1, .unsaid = -1},
    {.key = "rope.scaling.yarn_log_multiplier", .neutral = 0},
};

static bool computes(const rd_family *f, const char *key) {
  size_t count = 0;
  const rd_config_scale *scales = rd_config_scales(&count);
  for (size_t i = 0; i < count; i++)
    if (scales[i].gguf && strcmp(scales[i].gguf, key) == 0 && rd_family_computes(f, scales[i].key))
      return true;
  return false;
}

rd_code rd_computed_gguf(const rd_gguf *g, const char *architecture, const rd_config *c,
                         rd_error *e) {
  char key[160];
  int64_t values = c->head_dim;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double found = rows[i].neutral;
    snprintf(key, sizeof key, "%s.%s", architecture, rows[i].key);
    if (computes(c->family, rows[i].key))
      continue;
    RD_TRY(rd_gguf_real(g, key, -1e30, 1e30, &found, e));
    const bool unsaid = rows[i].unsaid != 0 && found == rows[i].unsaid;
    if (found != rows[i].neutral && !unsaid)
      return rd_fail(e, RD_UNSUPPORTED,
                     "%s is %g, which is not computed for family %s; what is computed: %g", key,
                     found, c->family->name, rows[i].neutral);
  }
  snprintf(key, sizeof key, "%s.attention.value_length", architecture);
  RD_TRY(rd_gguf_int(g, key, 1, 1 << 24, &values, e));
  return values == c->head_dim
           ? RD_OK
           : rd_fail(e, RD_UNSUPPORTED, "%s is %lld, but heads of %lld numbers are computed", key,
                     (long long)values, (long long)c->head_dim);
}
