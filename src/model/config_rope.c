/* SPDX-License-Identifier: MIT */
/* One row for each number of a kind of scaling: its key, where it lies, the kinds that have it.
 * What is missing follows from the rest as in transformers' modeling_rope_utils. */
#include "config_rope.h"

#include "family.h"
#include "rope.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 24 };

static const struct number {
  const char *key, *kinds;
  size_t at;
} numbers[] = {
    {"factor", "linear llama3 yarn dynamic longrope", offsetof(rd_rotary, factor)},
    {"low_freq_factor", "llama3", offsetof(rd_rotary, low)},
    {"high_freq_factor", "llama3", offsetof(rd_rotary, high)},
    {"beta_slow", "yarn", offsetof(rd_rotary, low)},
    {"beta_fast", "yarn", offsetof(rd_rotary, high)},
    {"attention_factor", "yarn longrope", offsetof(rd_rotary, attention)},
};
enum { NUMBERS = sizeof numbers / sizeof *numbers };

static bool is_kind(const rd_rotary *r, const char *kinds) {
  return r->kind && rd_name_listed(kinds, r->kind->name);
}

double rd_yarn_attention(double factor, double mscale) {
  return factor > 1 ? 0.1 * mscale * log(factor) + 1 : 1;
}

double rd_longrope_attention(double factor, int64_t original) {
  return factor > 1 ? sqrt(1 + log(factor) / log((double)original)) : 1;
}

/* Divisors of the frequencies, one for each pair that turns. */
static rd_code read_factors(float *out, const json_t *from, const char *key, int64_t pairs,
                            rd_error *e) {
  const json_t *list = json_object_get(from, key);
  if (!json_is_array(list) || (int64_t)json_array_size(list) != pairs)
    return rd_fail(e, RD_BAD_INPUT, "rope_scaling: longrope needs %s, a list of %lld numbers", key,
                   (long long)pairs);
  for (int64_t i = 0; i < pairs; i++) {
    double value = json_number_value(json_array_get(list, (size_t)i));
    if (!(value > 0 && value < 1e6))
      return rd_fail(e, RD_BAD_INPUT, "rope_scaling: %s: number %lld is no divisor", key,
                     (long long)i);
    out[i] = (float)value;
  }
  return RD_OK;
}

/* What the file leaves open, and what makes no sense. */
static rd_code settle(rd_rotary *r, const rd_config *c, const json_t *from, rd_error *e) {
  double mscale = 0, mscale_all = 0;
  bool truncate = true;
  if (is_kind(r, "yarn longrope") && !(r->factor > 0))
    r->factor = (double)c->positions / (double)r->original;
  if (is_kind(r, "linear yarn dynamic longrope llama3") && !(r->factor > 0))
    return rd_fail(e, RD_BAD_INPUT, "rope_scaling: no factor");
  if (is_kind(r, "llama3") && !(r->low > 0 && r->high > r->low))
    return rd_fail(e, RD_BAD_INPUT,
                   "rope_scaling: llama3 needs factor, low_freq_factor below "
                   "high_freq_factor, and original_max_position_embeddings");
  if (is_kind(r, "dynamic"))
    r->original = c->positions;
  if (is_kind(r, "longrope")) {
    int64_t pairs = rd_config_turned(c) / 2;
    RD_TRY(read_factors(r->short_factors, from, "short_factor", pairs, e));
    RD_TRY(read_factors(r->long_factors, from, "long_factor", pairs, e));
    if (r->original < 2)
      return rd_fail(e, RD_BAD_INPUT, "rope_scaling: original_max_position_embeddings is %lld",
                     (long long)r->original);
    if (!(r->attention > 0))
      r->attention = rd_longrope_attention(r->factor, r->original);
  }
  if (!is_kind(r, "yarn"))
    return RD_OK;
  RD_TRY(rd_json_real(from, "mscale", 0, 1e6, &mscale, e));
  RD_TRY(rd_json_real(from, "mscale_all_dim", 0, 1e6, &mscale_all, e));
  RD_TRY(rd_json_bool(from, "truncate", &truncate, e));
  r->exact_bounds = !truncate;
  if (!(r->theta > 1))
    return rd_fail(e, RD_BAD_INPUT, "rope_scaling: yarn with a rope_theta of %g", r->theta);
  r->low = r->low > 0 ? r->low : 1;
  r->high = r->high > 0 ? r->high : 32;
  if (r->attention > 0)
    return RD_OK;
  r->attention = rd_yarn_attention(r->factor, 1);
  if (mscale > 0 && mscale_all > 0)
    r->attention = rd_yarn_attention(r->factor, mscale) / rd_yarn_attention(r->factor, mscale_all);
  return RD_OK;
}

/* The kind of a rope_parameters: "su" and "yarn" with lists of factors are older names. */
static rd_code read_kind(rd_rotary *r, const json_t *from, rd_error *e) {
  const char *type = "default";
  RD_TRY(rd_json_text(from, "type", &type, e));
  RD_TRY(rd_json_text(from, "rope_type", &type, e));
  if (json_object_get(from, "long_factor") && rd_name_listed("su yarn", type))
    type = "longrope";
  r->kind = NULL;
  if (strcmp(type, "default") == 0)
    return RD_OK;
  r->kind = rd_table_row(&rd_rope_table, type);
  if (r->kind)
    return RD_OK;
  char *names = rd_table_names(&rd_rope_table, ", ", " and ");
  rd_fail(e, RD_UNSUPPORTED, "rope_scaling of type \"%s\"; default, %s are known", type,
          names ? names : "others");
  free(names);
  return RD_UNSUPPORTED;
}

static rd_code read_rope(rd_rotary *r, const rd_config *c, const json_t *from, const json_t *config,
                         rd_error *e) {
  const int64_t first = c->family->first_positions;
  RD_TRY(read_kind(r, from, e));
  RD_TRY(rd_json_real(from, "rope_theta", 1, 1e12, &r->theta, e));
  for (int i = 0; i < NUMBERS; i++)
    if (is_kind(r, numbers[i].kinds))
      RD_TRY(rd_json_real(from, numbers[i].key, 0, 1e6,
                          (double *)(void *)((char *)r + numbers[i].at), e));
  if (r->kind && r->factor > 0 && r->factor < 1)
    return rd_fail(e, RD_BAD_INPUT, "rope_scaling: factor %g is below 1", r->factor);
  r->original = 0;
  if (is_kind(r, "llama3 yarn longrope")) { /* it counts most where it stands beside the others */
    r->original = first > 0 ? first : c->positions;
    if (first == 0)
      RD_TRY(rd_json_int(from, "original_max_position_embeddings", 1, MOST, &r->original, e));
    RD_TRY(rd_json_int(config, "original_max_position_embeddings", 1, MOST, &r->original, e));
  }
  return settle(r, c, from, e);
}

static rd_code read_turned(rd_config *c, const json_t *from, rd_error *e) {
  double part = 1;
  RD_TRY(rd_json_real(from, "partial_rotary_factor", 0, 1, &part, e));
  if (!json_object_get(from, "partial_rotary_factor"))
    return RD_OK;
  c->turned = 0;
  if (part == 1)
    return RD_OK;
  if (!rd_family_computes(c->family, "partial_rotary_factor"))
    return rd_fail(e, RD_UNSUPPORTED,
                   "partial_rotary_factor is %g, which is not computed for family %s; what is "
                   "computed: [1]",
                   part, c->family->name);
  c->turned = (int64_t)((double)c->head_dim * part);
  if (c->turned >= 2 && c->turned % 2 == 0)
    return RD_OK;
  return rd_fail(e, RD_BAD_INPUT, "partial_rotary_factor %g turns %lld of %lld numbers of a head",
                 part, (long long)c->turned, (long long)c->head_dim);
}

/* Parameters for each kind of layer mean something to makers whose local layers have their own
 * angles, under the newer key; there parameters for all layers mean nothing. */
static rd_code check_nesting(const rd_config *c, const json_t *config, const char *name,
                             bool nested, rd_error *e) {
  const char *key = NULL;
  json_t *value = NULL;
  json_object_foreach(json_object_get(config, name), key, value) {
    if (rd_name_listed("full_attention sliding_attention", key) == nested || json_is_null(value))
      continue;
    return rd_fail(e, RD_UNSUPPORTED,
                   "%s has %s, which family %s does not compute; what is "
                   "computed: %s",
                   name, key, c->family->name,
                   nested ? "full_attention and sliding_attention, each with keys of its own"
                          : "one set of keys for all layers");
  }
  return RD_OK;
}

/* Of rope_scaling, the older name, and rope_parameters one counts, the older where it says
 * anything; for layers that see all it is laid over their own. As in transformers. */
static rd_code read_parameters(rd_config *c, const json_t *config, const json_t *scaling,
                               json_t *full, rd_error *e) {
  const json_t *parameters = json_object_get(config, "rope_parameters");
  RD_TRY(check_nesting(c, config, "rope_scaling", false, e));
  if (c->has_local_rope || json_object_size(scaling) == 0) {
    RD_TRY(check_nesting(c, config, "rope_parameters", c->has_local_rope, e));
    const json_t *of_full =
        c->has_local_rope ? json_object_get(parameters, "full_attention") : parameters;
    if (json_object_size(of_full) > 0 &&
        json_object_update(full, (json_t *)(uintptr_t)of_full) != 0)
      return rd_fail(e, RD_NO_MEMORY, "out of memory: rope_parameters");
  }
  if (json_object_size(scaling) > 0 && json_object_update(full, (json_t *)(uintptr_t)scaling) != 0)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: rope_scaling");
  if (json_object_size(full) > 0) {
    RD_TRY(read_turned(c, full, e));
    RD_TRY(read_rope(&c->rope, c, full, config, e));
  }
  const json_t *local = json_object_get(parameters, "sliding_attention");
  return c->has_local_rope && json_is_object(local) ? read_rope(&c->local_rope, c, local, config, e)
                                                    : RD_OK;
}

rd_code rd_config_read_rope(rd_config *c, const json_t *config, rd_error *e) {
  const rd_family *f = c->family;
  const json_t *scaling = json_object_get(config, "rope_scaling");
  c->rope.theta = f->rope_theta;
  c->local_rope.theta = f->local_theta;
  c->has_local_rope = f->local_theta > 0;
  RD_TRY(read_turned(c, config, e));
  RD_TRY(rd_json_real(config, "rope_theta", 1, 1e12, &c->rope.theta, e));
  if (c->has_local_rope)
    RD_TRY(rd_json_real(config, "rope_local_base_freq", 1, 1e12, &c->local_rope.theta, e));
  json_t *full = json_object();
  rd_code code = full ? read_parameters(c, config, scaling, full, e)
                      : rd_fail(e, RD_NO_MEMORY, "out of memory: rope_parameters");
  json_decref(full);
  if (code == RD_OK && is_kind(&c->rope, "dynamic")) /* what the base grows for */
    c->positions = (int64_t)fmin((double)c->rope.original * c->rope.factor, (double)MOST);
  return code;
}

static json_t *factors_json(const float *factors, int64_t pairs) {
  json_t *list = json_array();
  for (int64_t i = 0; i < pairs; i++)
    json_array_append_new(list, json_real((double)factors[i]));
  return list;
}

static json_t *rope_json(const rd_config *c, const rd_rotary *r) {
  json_t *out = json_pack("{s:s, s:f}", "rope_type", r->kind ? r->kind->name : "default",
                          "rope_theta", r->theta);
  for (int i = 0; i < NUMBERS; i++)
    if (is_kind(r, numbers[i].kinds))
      json_object_set_new(
          out, numbers[i].key,
          json_real(*(const double *)(const void *)((const char *)r + numbers[i].at)));
  if (is_kind(r, "llama3 yarn longrope"))
    json_object_set_new(out, "original_max_position_embeddings", json_integer(r->original));
  if (is_kind(r, "yarn") && r->exact_bounds)
    json_object_set_new(out, "truncate", json_false());
  if (is_kind(r, "longrope")) {
    int64_t pairs = rd_config_turned(c) / 2;
    json_object_set_new(out, "short_factor", factors_json(r->short_factors, pairs));
    json_object_set_new(out, "long_factor", factors_json(r->long_factors, pairs));
  }
  return out;
}

void rd_config_write_rope(const rd_config *c, json_t *out) {
  json_object_set_new(out, "rope_theta", json_real(c->rope.theta));
  if (is_kind(&c->rope, "dynamic"))
    json_object_set_new(out, c->family->keys->positions, json_integer(c->rope.original));
  if (c->turned > 0)
    json_object_set_new(out, "partial_rotary_factor",
                        json_real((double)c->turned / (double)c->head_dim));
  if (is_kind(&c->rope, "llama3 yarn longrope") && c->family->first_positions > 0)
    json_object_set_new(out, "original_max_position_embeddings", json_integer(c->rope.original));
  if (c->has_local_rope)
    json_object_set_new(out, "rope_parameters",
                        json_pack("{s:o, s:o}", "full_attention", rope_json(c, &c->rope),
                                  "sliding_attention", rope_json(c, &c->local_rope)));
  else if (c->rope.kind)
    json_object_set_new(out, "rope_scaling", rope_json(c, &c->rope));
}
