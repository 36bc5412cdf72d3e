/* SPDX-License-Identifier: MIT */
/* The table of families. LLaDA keeps the names of OLMo, its ancestor; the others those of LLaMA.
 * Those that write in blocks were read from their makers' code: doc/MODEL.md says which was seen.
 */
#include "family.h"

#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rd_config_keys llama_keys = {.layers = "num_hidden_layers",
                                          .width = "hidden_size",
                                          .heads = "num_attention_heads",
                                          .kv_heads = "num_key_value_heads",
                                          .ff = "intermediate_size",
                                          .vocab = "vocab_size",
                                          .positions = "max_position_embeddings",
                                          .norm_eps = "rms_norm_eps",
                                          .tied = "tie_word_embeddings",
                                          .activation = "hidden_act"};

static const rd_config_keys gemma_keys = {.layers = "num_hidden_layers",
                                          .width = "hidden_size",
                                          .heads = "num_attention_heads",
                                          .kv_heads = "num_key_value_heads",
                                          .ff = "intermediate_size",
                                          .vocab = "vocab_size",
                                          .positions = "max_position_embeddings",
                                          .norm_eps = "rms_norm_eps",
                                          .tied = "tie_word_embeddings",
                                          .activation = "hidden_activation"};

static const rd_config_keys llada_keys = {.layers = "n_layers",
                                          .width = "d_model",
                                          .heads = "n_heads",
                                          .kv_heads = "n_kv_heads",
                                          .ff = "mlp_hidden_size",
                                          .vocab = "embedding_size",
                                          .positions = "max_sequence_length",
                                          .norm_eps = "rms_norm_eps",
                                          .tied = "weight_tying",
                                          .activation = "activation_type"};

#define LAYER "model.layers.%d."
static const rd_names llama_names = {.embedding = "model.embed_tokens",
                                     .norm = "model.norm",
                                     .head = "lm_head",
                                     .attention_norm = LAYER "input_layernorm",
                                     .mlp_norm = LAYER "post_attention_layernorm",
                                     .q_norm = LAYER "self_attn.q_norm",
                                     .k_norm = LAYER "self_attn.k_norm",
                                     .q = LAYER "self_attn.q_proj",
                                     .k = LAYER "self_attn.k_proj",
                                     .v = LAYER "self_attn.v_proj",
                                     .o = LAYER "self_attn.o_proj",
                                     .gate = LAYER "mlp.gate_proj",
                                     .up = LAYER "mlp.up_proj",
                                     .down = LAYER "mlp.down_proj"};

/* Four norms a layer, or the two behind (OLMo 2): LLaMA's second name is the first one's here. */
static const rd_names post_names = {.embedding = "model.embed_tokens",
                                    .norm = "model.norm",
                                    .head = "lm_head",
                                    .attention_norm = LAYER "input_layernorm",
                                    .attention_post_norm = LAYER "post_attention_layernorm",
                                    .mlp_norm = LAYER "pre_feedforward_layernorm",
                                    .mlp_post_norm = LAYER "post_feedforward_layernorm",
                                    .q_norm = LAYER "self_attn.q_norm",
                                    .k_norm = LAYER "self_attn.k_norm",
                                    .q = LAYER "self_attn.q_proj",
                                    .k = LAYER "self_attn.k_proj",
                                    .v = LAYER "self_attn.v_proj",
                                    .o = LAYER "self_attn.o_proj",
                                    .gate = LAYER "mlp.gate_proj",
                                    .up = LAYER "mlp.up_proj",
                                    .down = LAYER "mlp.down_proj"};

static const rd_names fused_names = {.embedding = "model.embed_tokens",
                                     .norm = "model.norm",
                                     .head = "lm_head",
                                     .attention_norm = LAYER "input_layernorm",
                                     .mlp_norm = LAYER "post_attention_layernorm",
                                     .q = LAYER "self_attn.qkv_proj",
                                     .k = LAYER "self_attn.qkv_proj",
                                     .v = LAYER "self_attn.qkv_proj",
                                     .o = LAYER "self_attn.o_proj",
                                     .gate = LAYER "mlp.gate_up_proj",
                                     .up = LAYER "mlp.gate_up_proj",
                                     .down = LAYER "mlp.down_proj",
                                     .fused = true};
#undef LAYER

#define LAYER "model.transformer.blocks.%d."
static const rd_names llada_names = {.embedding = "model.transformer.wte",
                                     .norm = "model.transformer.ln_f",
                                     .head = "model.transformer.ff_out",
                                     .attention_norm = LAYER "attn_norm",
                                     .mlp_norm = LAYER "ff_norm",
                                     .q = LAYER "q_proj",
                                     .k = LAYER "k_proj",
                                     .v = LAYER "v_proj",
                                     .o = LAYER "attn_out",
                                     .gate = LAYER "ff_proj",
                                     .up = LAYER "up_proj",
                                     .down = LAYER "ff_out"};
#undef LAYER

#define QWEN_WINDOW                                                                                \
  {                                                                                                \
    .some = true, .asked = true, .typed = true, .first_key = "max_window_layers", .first = 28,     \
    .missing = 4096                                                                                \
  }

/* dLLM's conversions: a causal model whose mask was taken away. Nothing in their files tells those
 * that were trained in blocks (bd3lm) from the others (mdlm), unless somebody adds
 * attention_block. */
#define A2D(kind, type, ...)                                                                       \
  {                                                                                                \
    .name = kind "-diffusion", .model_types = {type}, .keys = &llama_keys, .names = &llama_names,  \
    .block = 0, .rope_theta = 10000, .own = {"low-confidence", {{"block-length", "32"}}},          \
    .own_blocks = {.sampler = "bd3lm"}, __VA_ARGS__                                                \
  }

static const rd_family families[] = {
    {.name = "llama",
     .model_types = {"llama"},
     .class_name = "LlamaForCausalLM",
     .gguf = "llama",
     .keys = &llama_keys,
     .names = &llama_names,
     .block = 1,
     .rope_theta = 10000,
     .computes = "mlp_bias",
     .gguf_interleaved = true},
    {.name = "qwen2",
     .model_types = {"qwen2"},
     .class_name = "Qwen2ForCausalLM",
     .gguf = "qwen2",
     .keys = &llama_keys,
     .names = &llama_names,
     .qkv_bias = true,
     .block = 1,
     .rope_theta = 10000,
     .computes = "use_sliding_window",
     .window = QWEN_WINDOW},
    {.name = "qwen3",
     .model_types = {"qwen3"},
     .class_name = "Qwen3ForCausalLM",
     .gguf = "qwen3",
     .keys = &llama_keys,
     .names = &llama_names,
     .qk_norm = true,
     .block = 1,
     .rope_theta = 10000,
     .computes = "use_sliding_window",
     .window = QWEN_WINDOW},
    {.name = "mistral",
     .model_types = {"mistral"},
     .class_name = "MistralForCausalLM",
     .gguf = "llama",
     .keys = &llama_keys,
     .names = &llama_names,
     .block = 1,
     .rope_theta = 10000,
     .window = {.some = true, .missing = 4096},
     .gguf_interleaved = true},
    {.name = "gemma2",
     .model_types = {"gemma2"},
     .class_name = "Gemma2ForCausalLM",
     .gguf = "gemma2",
     .keys = &gemma_keys,
     .names = &post_names,
     .block = 1,
     .rope_theta = 10000,
     .post_norms = true,
     .norms_less_one = true,
     .root_embedding = true,
     .computes = "hidden_activation query_pre_attn_scalar attn_logit_softcapping "
                 "final_logit_softcapping",
     .window = {.some = true, .typed = true, .whole_every = 2, .missing = 4096},
     .activation = "gelu_pytorch_tanh",
     .head_dim = 256,
     .tied = true,
     .attention_cap = 50,
     .final_cap = 30},
    {.name = "gemma3",
     .model_types = {"gemma3_text"},
     .class_name = "Gemma3ForCausalLM",
     .gguf = "gemma3",
     .keys = &gemma_keys,
     .names = &post_names,
     .qk_norm = true,
     .block = 1,
     .rope_theta = 1000000,
     .local_theta = 10000,
     .post_norms = true,
     .norms_less_one = true,
     .root_embedding = true,
     .computes = "hidden_activation query_pre_attn_scalar final_logit_softcapping",
     .window = {.some = true,
                .typed = true,
                .whole_every = 6,
                .whole_key = "sliding_window_pattern",
                .missing = 4096},
     .activation = "gelu_pytorch_tanh",
     .head_dim = 256,
     .tied = true},
    {.name = "smollm3",
     .model_types = {"smollm3"},
     .class_name = "SmolLM3ForCausalLM",
     .gguf = "smollm3",
     .keys = &llama_keys,
     .names = &llama_names,
     .block = 1,
     .rope_theta = 2000000,
     .computes = "mlp_bias use_sliding_window no_rope_layers",
     .window = {.some = true, .asked = true, .typed = true, .unturned = true},
     .unturned_every = 4,
     .tied = true,
     .gguf_interleaved = true},
    {.name = "granite",
     .model_types = {"granite"},
     .class_name = "GraniteForCausalLM",
     .gguf = "granite",
     .keys = &llama_keys,
     .names = &llama_names,
     .block = 1,
     .rope_theta = 10000,
     .computes = "mlp_bias embedding_multiplier residual_multiplier attention_multiplier "
                 "logits_scaling",
     .gguf_interleaved = true},
    {.name = "olmo2",
     .model_types = {"olmo2"},
     .class_name = "Olmo2ForCausalLM",
     .gguf = "olmo2",
     .keys = &llama_keys,
     .names = &post_names,
     .qk_norm = true,
     .wide_norms = true,
     .block = 1,
     .rope_theta = 10000,
     .no_pre_norms = true,
     .post_norms = true,
     .norm_eps = 1e-5},
    {.name = "phi3",
     .model_types = {"phi3"},
     .class_name = "Phi3ForCausalLM",
     .gguf = "phi3",
     .keys = &llama_keys,
     .names = &fused_names,
     .gguf_names = &rd_gguf_fused_names,
     .block = 1,
     .rope_theta = 10000,
     .computes = "partial_rotary_factor",
     .window = {.some = true},
     .first_positions = 4096,
     .norm_eps = 1e-5},
    {.name = "llada",
     .model_types = {"llada"},
     .also = "{\"layer_norm_type\":\"rms\",\"block_type\":\"llama\",\"rope\":true,\"alibi\":false,"
             "\"include_bias\":false,\"include_qkv_bias\":false,\"attention_layer_norm\":false,"
             "\"bias_for_layer_norm\":false,\"scale_logits\":false,\"input_emb_norm\":false}",
     .class_name = "LLaDAModelLM",
     .gguf = "llada",
     .keys = &llada_keys,
     .names = &llada_names,
     .block = 0,
     .own = {.sampler = "low-confidence"},
     .rope_theta = 10000,
     .norm_eps = 1e-5,
     .gguf_interleaved = true},
    {.name = "dream",
     .model_types = {"Dream", "dream"},
     .class_name = "DreamModel",
     .gguf = "dream",
     .keys = &llama_keys,
     .names = &llama_names,
     .qkv_bias = true,
     .block = 0,
     .shift_logits = true,
     .own = {.sampler = "entropy"},
     .rope_theta = 1000000,
     .computes = "use_sliding_window",
     .window = QWEN_WINDOW},
    A2D("llama", "a2d-llama", .computes = "mlp_bias"),
    A2D("qwen2", "a2d-qwen2", .qkv_bias = true, .computes = "use_sliding_window",
        .window = QWEN_WINDOW),
    A2D("qwen3", "a2d-qwen3", .qk_norm = true, .computes = "use_sliding_window",
        .window = QWEN_WINDOW),
    {.name = "sdar",
     .model_types = {"sdar"},
     .class_name = "SDARForCausalLM",
     .keys = &llama_keys,
     .names = &llama_names,
     .qk_norm = true,
     .block = 4,
     .size_key = "block_size",
     .unsure_below = 4,
     .unsure_key = "use_regular_causal",
     .rope_theta = 10000,
     .own = {.sampler = "dynamic"},
     .computes = "use_sliding_window",
     .window = QWEN_WINDOW},
    {.name = "i-dlm",
     .model_types = {"sdar"},
     .mark = "use_regular_causal",
     .keys = &llama_keys,
     .names = &llama_names,
     .qk_norm = true,
     .block = 1,
     .shift_logits = true,
     .rope_theta = 10000,
     .own = {"strided", {{"temperature", "1"}, {"top-k", "50"}, {"top-p", "0.95"}}},
     .computes = "use_sliding_window",
     .window = QWEN_WINDOW},
    {.name = "fast-dllm-v2",
     .model_types = {"Fast_dLLM_Qwen"},
     .class_name = "Fast_dLLM_QwenForCausalLM",
     .keys = &llama_keys,
     .names = &llama_names,
     .qkv_bias = true,
     .block = 32,
     .size_key = "bd_size",
     .shift_logits = true,
     .mask_word = "|<MASK>|",
     .rope_theta = 10000,
     .own = {.sampler = "sub-blocks"},
     .computes = "use_sliding_window",
     .window = QWEN_WINDOW},
    {.name = "stable-diffcoder",
     .model_types = {"llama"},
     .mark = "architectures",
     .marked = "StableDiffcoder",
     .keys = &llama_keys,
     .names = &llama_names,
     .block = 4,
     .mask = 5,
     .rope_theta = 10000,
     .own = {.sampler = "static"},
     .computes = "mlp_bias"},
    {.name = "wedlm",
     .model_types = {"wedlm"},
     .class_name = "WeDLMForCausalLM",
     .keys = &llama_keys,
     .names = &llama_names,
     .qkv_bias = true,
     .bias_said = true,
     .block = 1,
     .mask = 151665,
     .rope_theta = 10000,
     .own = {.sampler = "sliding"}},
    {.name = "sdlm",
     .model_types = {"qwen2"},
     .mark = "text_mask_token_id",
     .keys = &llama_keys,
     .names = &llama_names,
     .qkv_bias = true,
     .block = 1,
     .size_key = "block_size",
     .stride = 4,
     .mask_key = "text_mask_token_id",
     .rope_theta = 10000,
     .own = {.sampler = "longest-prefix"},
     .computes = "use_sliding_window",
     .window = QWEN_WINDOW},
};
enum { FAMILIES = sizeof families / sizeof *families };

const rd_family *rd_families(size_t *count) {
  *count = FAMILIES;
  return families;
}

bool rd_family_computes(const rd_family *f, const char *key) {
  return f->computes && rd_name_listed(f->computes, key);
}

static rd_code unknown(const char *key, const char *value, rd_error *e) {
  const rd_table table = RD_TABLE("family", families);
  char *names = rd_table_names(&table, ", ", ", ");
  rd_fail(e, RD_UNSUPPORTED, "%s \"%s\"; the known families are %s", key, value,
          names ? names : "others");
  free(names);
  return RD_UNSUPPORTED;
}

rd_code rd_family_find(const rd_family **out, const char *model_type, rd_error *e) {
  for (size_t i = 0; i < FAMILIES; i++)
    for (int k = 0; k < 4 && families[i].model_types[k] && !families[i].mark; k++)
      if (strcmp(families[i].model_types[k], model_type) == 0) {
        *out = &families[i];
        return RD_OK;
      }
  return unknown("model_type", model_type, e);
}

static bool has_mark(const rd_family *row, const json_t *config) {
  const json_t *value = json_object_get(config, row->mark), *item = NULL;
  bool found = value && !row->marked && !json_is_false(value) && !json_is_null(value);
  size_t i = 0;
  json_array_foreach((json_t *)(uintptr_t)value, i, item) {
    const char *text = json_string_value(item);
    found = found || (row->marked && text && strstr(text, row->marked));
  }
  return found;
}

const rd_family *rd_family_marked(const rd_family *row, const json_t *config) {
  for (size_t i = 0; i < FAMILIES; i++)
    if (families[i].mark && strcmp(families[i].model_types[0], row->model_types[0]) == 0 &&
        has_mark(&families[i], config))
      return &families[i];
  return row;
}

rd_code rd_family_find_gguf(const rd_family **out, const char *architecture, rd_error *e) {
  for (size_t i = 0; i < FAMILIES; i++)
    if (families[i].gguf && strcmp(families[i].gguf, architecture) == 0) {
      *out = &families[i];
      return RD_OK;
    }
  return unknown("general.architecture", architecture, e);
}
