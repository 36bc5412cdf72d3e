/* SPDX-License-Identifier: MIT */
/* config.json and generation_config.json, read through the family's row, and written back. */
#include "config.h"

#include "activation.h"
#include "computed.h"
#include "config_layers.h"
#include "config_rope.h"
#include "config_scales.h"
#include "family.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 1 << 24 }; /* no size in a config.json is larger */

/* A token id, or the ids of a list; kept once each. */
rd_code rd_config_read_eos(rd_config *c, const json_t *from, rd_error *e) {
  const json_t *value = json_object_get(from, "eos_token_id");
  if (value && !json_is_array(value) && !json_is_integer(value) && !json_is_null(value))
    return rd_fail(e, RD_BAD_INPUT, "eos_token_id is neither a number nor a list of numbers");
  size_t n = json_is_array(value) ? json_array_size(value) : json_is_integer(value) ? 1 : 0;
  for (size_t i = 0; i < n; i++) {
    const json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
    json_int_t id = json_integer_value(item);
    if (!json_is_integer(item) || id < 0 || id >= c->vocab)
      return rd_fail(e, RD_BAD_INPUT, "eos_token_id: %lld is outside the vocabulary of %lld",
                     (long long)id, (long long)c->vocab);
    if (!rd_config_is_eos(c, (int32_t)id) && c->eos_count < RD_MOST_EOS)
      c->eos[c->eos_count++] = (int32_t)id;
  }
  return RD_OK;
}

static rd_code read_id(const json_t *from, const char *key, int64_t vocab, int32_t *out,
                       rd_error *e) {
  int64_t id = *out;
  RD_TRY(rd_json_int(from, key, -1, vocab - 1, &id, e));
  *out = (int32_t)id;
  return RD_OK;
}

static rd_code read_activation(rd_config *c, const json_t *config, rd_error *e) {
  const rd_family *f = c->family;
  const char *name = f->activation;
  RD_TRY(rd_json_text(config, f->keys->activation, &name, e));
  c->activation = name ? rd_table_row(&rd_activation_table, name) : NULL;
  if (!name || c->activation)
    return RD_OK;
  char *names = rd_table_names(&rd_activation_table, ", ", ", ");
  rd_fail(e, RD_UNSUPPORTED, "%s is \"%.40s\", which is not computed here; what is computed: %s",
          f->keys->activation, name, names ? names : "silu");
  free(names);
  return RD_UNSUPPORTED;
}

static rd_code read_sizes(rd_config *c, const json_t *config, rd_error *e) {
  const rd_config_keys *k = c->family->keys;
  const struct {
    const char *key;
    int64_t *out;
  } needed[] = {{k->layers, &c->layers},
                {k->width, &c->width},
                {k->heads, &c->heads},
                {k->ff, &c->ff},
                {k->vocab, &c->vocab}};
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
    RD_TRY(rd_json_int(config, needed[i].key, 1, MOST, needed[i].out, e));
    if (*needed[i].out == 0)
      return rd_fail(e, RD_BAD_INPUT, "%s is missing; family %s needs it", needed[i].key,
                     c->family->name);
  }
  c->kv_heads = c->heads;
  c->head_dim = c->family->head_dim > 0 ? c->family->head_dim : c->width / c->heads;
  c->positions = 2048;
  RD_TRY(rd_json_int(config, k->kv_heads, 1, MOST, &c->kv_heads, e));
  RD_TRY(rd_json_int(config, "head_dim", 1, MOST, &c->head_dim, e));
  RD_TRY(rd_json_int(config, k->positions, 1, MOST, &c->positions, e));
  RD_TRY(rd_json_real(config, k->norm_eps, 0, 1, &c->norm_eps, e));
  RD_TRY(rd_json_bool(config, k->tied, &c->tied, e));
  return rd_config_check(c, e);
}

static const char *mask_key(const rd_config *c) {
  return c->family->mask_key ? c->family->mask_key : "mask_token_id";
}

/* transformers' key for a causal family whose mask was taken away. */
static bool looks_both_ways(const json_t *config) {
  return json_is_false(json_object_get(config, "is_causal"));
}

static rd_code read_direction(rd_config *c, const json_t *config, rd_error *e) {
  const json_t *causal = json_object_get(config, "is_causal");
  if (causal && !json_is_boolean(causal))
    return rd_fail(e, RD_BAD_INPUT,
                   "is_causal is neither true nor false: say which, or leave it out");
  if (looks_both_ways(config) && c->stride == 0)
    c->block = 0;
  return RD_OK;
}

/* SDAR and I-DLM share a model_type, and older folders of I-DLM lack the key that tells them. */
static rd_code sure_size(const json_t *config, const rd_family *f, rd_error *e) {
  int64_t size = f->unsure_below;
  RD_TRY(rd_json_int(config, f->size_key, 1, MOST, &size, e));
  if (size >= f->unsure_below || json_is_boolean(json_object_get(config, f->unsure_key)))
    return RD_OK;
  return rd_fail(e, RD_UNSUPPORTED,
                 "%s %lld: published models of family %s have %lld or more, those of less say the "
                 "same model_type and look back only; add \"%s\": true for such a one, or false "
                 "for %s",
                 f->size_key, (long long)size, f->name, (long long)f->unsure_below, f->unsure_key,
                 f->name);
}

rd_code rd_config_read(rd_config *c, const json_t *config, const json_t *generation, rd_error *e) {
  const char *type = NULL;
  memset(c, 0, sizeof *c);
  RD_TRY(rd_json_text(config, "model_type", &type, e));
  if (!type)
    return rd_fail(e, RD_BAD_INPUT,
                   "model_type is missing: nothing says what kind of model this is");
  RD_TRY(rd_family_find(&c->family, type, e));
  c->family = rd_family_marked(c->family, config);
  RD_TRY(rd_computed_config(config, c->family->computes, e));
  rd_config_begin(c);
  c->norms_less_one = c->family->norms_less_one;
  RD_TRY(read_sizes(c, config, e));
  RD_TRY(read_activation(c, config, e));
  if (!c->family->qkv_bias || c->family->bias_said) { /* other makers do not read the key */
    RD_TRY(rd_json_bool(config, "attention_bias", &c->qkv_bias, e));
    c->out_bias = c->qkv_bias && !c->family->bias_said;
  }
  RD_TRY(rd_json_bool(config, "mlp_bias", &c->mlp_bias, e));
  RD_TRY(rd_json_bool(config, "qk_norm", &c->qk_norm, e));
  RD_TRY(rd_json_bool(config, "shift_logits", &c->shift_logits, e));
  if (c->family->size_key)
    RD_TRY(sure_size(config, c->family, e));
  if (c->family->size_key)
    RD_TRY(rd_json_int(config, c->family->size_key, c->family->stride > 0 ? 1 : 2, MOST,
                       c->family->stride > 0 ? &c->stride : &c->block, e));
  RD_TRY(read_direction(c, config, e));
  RD_TRY(rd_json_int(config, "attention_block", 0, MOST, &c->block, e));
  RD_TRY(rd_json_int(config, "canvas_length", 0, MOST, &c->canvas, e));
  RD_TRY(rd_config_read_rope(c, config, e));
  RD_TRY(rd_config_read_layers(c, config, e));
  if (c->window > 0 && looks_both_ways(config))
    c->window++; /* its makers count the place at the window's distance in, on both sides */
  RD_TRY(rd_config_read_scales(c, config, e));
  RD_TRY(read_id(config, "bos_token_id", c->vocab, &c->bos, e));
  RD_TRY(read_id(config, "pad_token_id", c->vocab, &c->pad, e));
  if (c->family->mask > 0 && c->family->mask < c->vocab)
    c->mask = c->family->mask;
  RD_TRY(read_id(config, mask_key(c), c->vocab, &c->mask, e));
  RD_TRY(rd_config_read_eos(c, config, e));
  return rd_config_read_eos(c, generation, e);
}

json_t *rd_config_json(const rd_config *c, rd_dtype type) {
  static const char *const torch_types[] = {
      [RD_F32] = "float32", [RD_BF16] = "bfloat16", [RD_F16] = "float16", [RD_I8] = "int8"};
  const rd_config_keys *k = c->family->keys;
  json_t *out = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b, s:b, s:s}",
                          "model_type", c->family->model_types[0], k->layers, (json_int_t)c->layers,
                          k->width, (json_int_t)c->width, k->heads, (json_int_t)c->heads,
                          k->kv_heads, (json_int_t)c->kv_heads, k->ff, (json_int_t)c->ff, k->vocab,
                          (json_int_t)c->vocab, k->positions, (json_int_t)c->positions, "head_dim",
                          (json_int_t)c->head_dim, k->norm_eps, c->norm_eps, k->tied, c->tied,
                          "attention_bias", c->qkv_bias, "torch_dtype", torch_types[type]);
  json_object_set_new(out, k->activation,
                      json_string(c->activation ? c->activation->name : "silu"));
  if (c->mlp_bias)
    json_object_set_new(out, "mlp_bias", json_true());
  if (c->family->also)
    json_object_update_new(out, json_loads(c->family->also, 0, NULL));
  rd_config_write_rope(c, out);
  rd_config_write_layers(c, out);
  rd_config_write_scales(c, out);
  json_object_set_new(out, "shift_logits", json_boolean(c->shift_logits));
  json_object_set_new(out, "attention_block", json_integer(c->block));
  if (c->qk_norm != c->family->qk_norm)
    json_object_set_new(out, "qk_norm", json_boolean(c->qk_norm));
  if (c->family->size_key)
    json_object_set_new(out, c->family->size_key,
                        json_integer(c->family->stride > 0 ? c->stride : c->block));
  if (c->family->class_name) /* before a mark, which may be this key */
    json_object_set_new(out, "architectures", json_pack("[s]", c->family->class_name));
  if (c->family->marked)
    json_object_set_new(out, c->family->mark, json_pack("[s]", c->family->marked));
  else if (c->family->mark)
    json_object_set_new(out, c->family->mark, json_true());
  if (c->canvas > 0)
    json_object_set_new(out, "canvas_length", json_integer(c->canvas));
  const struct {
    const char *key;
    int32_t id;
  } ids[] = {{"bos_token_id", c->bos}, {"pad_token_id", c->pad}, {mask_key(c), c->mask}};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
    if (ids[i].id >= 0)
      json_object_set_new(out, ids[i].key, json_integer(ids[i].id));
  json_t *eos = json_array();
  for (int i = 0; i < c->eos_count; i++)
    json_array_append_new(eos, json_integer(c->eos[i]));
  json_object_set_new(out, "eos_token_id", eos);
  return out;
}
