/* SPDX-License-Identifier: MIT */
/* The tables: a key, and the values that every family computes as a JSON list. Sources:
 * transformers' configurations of the families in family.c, LLaDA's own, and peft's LoraConfig. */
#include "computed.h"

#include "table.h"

#include <stdlib.h>

typedef struct row {
  const char *key, *values, *way; /* the way out, or NULL */
} row;

static const row config_rows[] = {
    {.key = "hidden_activation", .values = "[\"silu\", \"swish\", null]"},
    {.key = "use_sliding_window", .values = "[false, null]"},
    {.key = "use_bidirectional_attention", .values = "[false, null]"},
    {.key = "mlp_bias", .values = "[false, null]"},
    {.key = "attn_logit_softcapping", .values = "[null]"},
    {.key = "final_logit_softcapping", .values = "[null]"},
    {.key = "query_pre_attn_scalar", .values = "[null]"},
    {.key = "embedding_multiplier", .values = "[1, 1.0, null]"},
    {.key = "residual_multiplier", .values = "[1, 1.0, null]"},
    {.key = "attention_multiplier", .values = "[null]"},
    {.key = "logits_scaling", .values = "[1, 1.0, null]"},
    {.key = "no_rope_layers", .values = "[null]"},
    {.key = "quantization_config",
     .values = "[null, {}]",
     .way = "models in full precision or as GGUF are read; where the weights beside it are plain "
            "numbers, "
            "take the key out to use them as they are"},
    /* LLaDA's */
    {.key = "layer_norm_type", .values = "[\"rms\"]"},
    {.key = "block_type", .values = "[\"llama\"]"},
    {.key = "rope", .values = "[true]"},
    {.key = "alibi", .values = "[false]"},
    {.key = "clip_qkv", .values = "[null]"},
    {.key = "scale_logits", .values = "[false]"},
    {.key = "input_emb_norm", .values = "[false]"},
    {.key = "attention_layer_norm", .values = "[false]"},
    {.key = "include_bias", .values = "[false]"},
    {.key = "include_qkv_bias", .values = "[false]"},
    {.key = "bias_for_layer_norm", .values = "[false, null]"},
};

static const row adapter_rows[] = {
    /* other ways to begin change the base's own weights too, by chance or by data: residual.h */
    {.key = "init_lora_weights",
     .values = "[true, false, null, \"gaussian\", \"eva\", \"orthogonal\", \"pissa\", \"olora\"]"},
    {.key = "alora_invocation_tokens", .values = "[null]"},
    {.key = "use_qalora", .values = "[false, null]"},
    {.key = "fan_in_fan_out", .values = "[false, null]"},
    {.key = "layer_replication", .values = "[null]"},
    {.key = "target_parameters", .values = "[null, []]"},
    {.key = "use_bdlora", .values = "[false, null]"},
    {.key = "arrow_config", .values = "[null]"},
    {.key = "kasa_config", .values = "[null]"},
    {.key = "velora_config", .values = "[null]"},
    {.key = "monteclora_config", .values = "[null]"},
};

static rd_code check(const json_t *object, const row *r, rd_error *e) {
  json_t *found = json_object_get(object, r->key), *computed = json_loads(r->values, 0, NULL);
  bool same = !found;
  size_t i = 0;
  json_t *value = NULL;
  if (!computed)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: %s", r->key);
  json_array_foreach(computed, i, value) {
    same = same || json_equal(found, value);
  }
  json_decref(computed);
  if (same)
    return RD_OK;
  char *text = rd_json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
  rd_code code = rd_fail(
      e, RD_UNSUPPORTED, "%s is %.80s, which is not computed here; what is computed: %s%s%s",
      r->key, text ? text : "another value", r->values, r->way ? ". " : "", r->way ? r->way : "");
  free(text);
  return code;
}

static rd_code check_all(const json_t *object, const row *rows, size_t n, const char *computed,
                         rd_error *e) {
  for (size_t i = 0; i < n; i++)
    if (!computed || !rd_name_listed(computed, rows[i].key))
      RD_TRY(check(object, &rows[i], e));
  return RD_OK;
}

rd_code rd_computed_config(const json_t *config, const char *computed, rd_error *e) {
  return check_all(config, config_rows, sizeof config_rows / sizeof *config_rows, computed, e);
}

rd_code rd_computed_adapter(const json_t *config, rd_error *e) {
  return check_all(config, adapter_rows, sizeof adapter_rows / sizeof *adapter_rows, NULL, e);
}
