/* SPDX-License-Identifier: MIT */
/* The tables: a key, and the values that every family computes as a JSON list. Sources:
 * transformers' configurations of the families in family.c, LLaDA's own, and peft's LoraConfig. */
#include "computed.h"

#include "table.h"

#include <stdlib.h>

typedef struct row {
  const char *key, *values;
} row;

static const row config_rows[] = {
    {"hidden_activation", "[\"silu\", \"swish\", null]"},
    {"use_sliding_window", "[false, null]"},
    {"use_bidirectional_attention", "[false, null]"},
    {"mlp_bias", "[false, null]"},
    {"attn_logit_softcapping", "[null]"},
    {"final_logit_softcapping", "[null]"},
    {"query_pre_attn_scalar", "[null]"},
    {"embedding_multiplier", "[1, 1.0, null]"},
    {"residual_multiplier", "[1, 1.0, null]"},
    {"attention_multiplier", "[null]"},
    {"logits_scaling", "[1, 1.0, null]"},
    {"no_rope_layers", "[null]"},
    /* LLaDA's */
    {"layer_norm_type", "[\"rms\"]"},
    {"block_type", "[\"llama\"]"},
    {"rope", "[true]"},
    {"alibi", "[false]"},
    {"clip_qkv", "[null]"},
    {"scale_logits", "[false]"},
    {"input_emb_norm", "[false]"},
    {"attention_layer_norm", "[false]"},
    {"include_bias", "[false]"},
    {"include_qkv_bias", "[false]"},
};

static const row adapter_rows[] = {
    /* other ways to begin change the base's own weights too, by chance or by data: residual.h */
    {"init_lora_weights",
     "[true, false, null, \"gaussian\", \"eva\", \"orthogonal\", \"pissa\", \"olora\"]"},
    {"alora_invocation_tokens", "[null]"},
    {"use_qalora", "[false, null]"},
    {"lora_bias", "[false, null]"},
    {"fan_in_fan_out", "[false, null]"},
    {"layer_replication", "[null]"},
    {"trainable_token_indices", "[null]"},
    {"target_parameters", "[null, []]"},
    {"ensure_weight_tying", "[false, null]"},
    {"use_bdlora", "[false, null]"},
    {"arrow_config", "[null]"},
    {"kasa_config", "[null]"},
    {"velora_config", "[null]"},
    {"monteclora_config", "[null]"},
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
  char *text = json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
  rd_code code =
      rd_fail(e, RD_UNSUPPORTED, "%s is %.80s, which is not computed here; what is computed: %s",
              r->key, text ? text : "another value", r->values);
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
