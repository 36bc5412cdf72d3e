/* SPDX-License-Identifier: MIT */
/* PEFT's settings read and written, and its tensors by the names of modules. */
#include "adapter.h"

#include "computed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter_pattern.h"

static rd_code check_patterns(const rd_adapter_config *c, rd_error *e) {
  const char *key = NULL;
  json_t *item = NULL;
  json_object_foreach((json_t *)(uintptr_t)c->rank_pattern, key, item) {
    json_int_t rank = json_integer_value(item);
    if (!json_is_integer(item) || rank < 1 || rank > RD_MOST_RANK)
      return rd_fail(e, RD_BAD_INPUT, "rank_pattern of %s: expected an integer in 1..%d", key,
                     RD_MOST_RANK);
  }
  json_object_foreach((json_t *)(uintptr_t)c->alpha_pattern, key, item) {
    double alpha = json_number_value(item);
    if (!json_is_number(item) || !(alpha >= 0 && alpha <= 1e9))
      return rd_fail(e, RD_BAD_INPUT, "alpha_pattern of %s: expected a number in 0..1e9", key);
  }
  return RD_OK;
}

rd_code rd_adapter_config_read(rd_adapter_config *out, const json_t *config, rd_error *e) {
  memset(out, 0, sizeof *out);
  const char *type = "LORA", *bias = "none";
  bool dora = false;
  int64_t rank = 0;
  RD_TRY(rd_json_text(config, "peft_type", &type, e));
  RD_TRY(rd_json_text(config, "bias", &bias, e));
  RD_TRY(rd_json_bool(config, "use_dora", &dora, e));
  RD_TRY(rd_computed_adapter(config, e));
  RD_TRY(rd_json_int(config, "r", 1, RD_MOST_RANK, &rank, e));
  out->alpha = (double)rank;
  RD_TRY(rd_json_real(config, "lora_alpha", 0, 1e9, &out->alpha, e));
  RD_TRY(rd_json_bool(config, "use_rslora", &out->rslora, e));
  if (strcmp(type, "LORA") != 0 || dora || strcmp(bias, "none") != 0)
    return rd_fail(e, RD_UNSUPPORTED,
                   "a PEFT adapter of type %s%s with bias \"%s\"; plain LORA without "
                   "biases is applied",
                   type, dora ? " (DoRA)" : "", bias);
  out->rank_pattern = json_object_get(config, "rank_pattern");
  out->alpha_pattern = json_object_get(config, "alpha_pattern");
  RD_TRY(check_patterns(out, e));
  if (rank == 0)
    return rd_fail(e, RD_BAD_INPUT, "r is missing");
  out->rank = rank;
  out->targets = json_object_get(config, "target_modules");
  return json_is_array(out->targets) || json_is_string(out->targets)
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT, "target_modules: expected a list of names or a pattern");
}

rd_code rd_adapter_module(const rd_adapter_config *c, const char *module, int64_t *rank,
                          float *scale, rd_error *e) {
  double r = (double)c->rank, alpha = c->alpha;
  RD_TRY(rd_pattern_number(c->rank_pattern, module, &r, e));
  RD_TRY(rd_pattern_number(c->alpha_pattern, module, &alpha, e));
  *rank = (int64_t)r;
  *scale = (float)(alpha / (c->rslora ? sqrt(r) : r));
  return RD_OK;
}

/* A copy of what may be NULL: `standard` then, which is used up in either case. */
static json_t *copy_of(const json_t *value, json_t *standard) {
  json_t *copy = value ? json_deep_copy(value) : json_incref(standard);
  json_decref(standard);
  return copy;
}

json_t *rd_adapter_config_json(const rd_adapter_config *c, const char *base) {
  return json_pack(
      "{s:s, s:s, s:s, s:s, s:I, s:f, s:f, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o}",
      "peft_type", "LORA", "task_type", "CAUSAL_LM", "base_model_name_or_path", base, "bias",
      "none", "r", (json_int_t)c->rank, "lora_alpha", c->alpha, "lora_dropout", 0.0, "use_rslora",
      c->rslora, "use_dora", 0, "init_lora_weights", 1, "fan_in_fan_out", 0, "inference_mode", 1,
      "rank_pattern", copy_of(c->rank_pattern, json_object()), "alpha_pattern",
      copy_of(c->alpha_pattern, json_object()), "target_modules", copy_of(c->targets, json_array()),
      "modules_to_save", copy_of(c->norms, json_null()));
}

rd_code rd_adapter_open(rd_adapter *a, const char *folder, rd_error *e) {
  char *config = rd_path_join(folder, "adapter_config.json");
  char *weights = rd_path_join(folder, "adapter_model.safetensors");
  *a = (rd_adapter){.folder = rd_strdup(folder, e)};
  rd_code code = config && weights && a->folder
                   ? rd_json_open(&a->json, config, e)
                   : rd_fail(e, RD_NO_MEMORY, "out of memory: opening %s", folder);
  if (code == RD_OK)
    code = rd_safetensors_open(&a->tensors, weights, e);
  if (code == RD_OK && (code = rd_adapter_config_read(&a->config, a->json, e)) != RD_OK)
    rd_prefix(e, code, "adapter %s", folder);
  free(config);
  free(weights);
  return code;
}

void rd_adapter_drop(rd_adapter *a) {
  rd_tensors_drop(&a->tensors);
  json_decref(a->json);
  free(a->folder);
  *a = (rd_adapter){0};
}

/* A tensor of a module under PEFT's prefix. */
static const rd_tensor *find(const rd_adapter *a, const char *module, const char *end, char *name,
                             size_t size) {
  snprintf(name, size, "base_model.model.%s%s", module, end);
  return rd_tensors_find(&a->tensors, name);
}

enum { FULL = 256 };

rd_code rd_adapter_factors(const rd_adapter *adapter, const char *module, const rd_tensor **a,
                           const rd_tensor **b, int64_t *rank, float *scale, rd_error *e) {
  char name[FULL];
  *a = find(adapter, module, ".lora_A.weight", name, sizeof name);
  *b = find(adapter, module, ".lora_B.weight", name, sizeof name);
  if (*a && !*b)
    return rd_fail(e, RD_BAD_INPUT, "tensor %s is missing", name);
  return *a ? rd_adapter_module(&adapter->config, module, rank, scale, e) : RD_OK;
}

/* In either of PEFT's spellings for modules_to_save. */
const rd_tensor *rd_adapter_norm(const rd_adapter *a, const char *module) {
  char name[FULL];
  const rd_tensor *t = find(a, module, ".weight", name, sizeof name);
  return t ? t : find(a, module, ".modules_to_save.weight", name, sizeof name);
}
