/* SPDX-License-Identifier: MIT */
/* LoRA adapters in PEFT's layout (peft: LoraConfig and save_pretrained): adapter_config.json beside
 * adapter_model.safetensors, tensors named base_model.model.<module>.lora_A.weight (r, in) and
 * lora_B.weight (out, r); norms trained with it under base_model.model.<module>.weight, listed in
 * modules_to_save. The tensors decide what an adapter changes, not target_modules. */
#ifndef RD_ADAPTER_H
#define RD_ADAPTER_H

#include "json.h"
#include "tensors.h"

/* adapter_config.json. What is JSON is borrowed; NULL for none. */
typedef struct rd_adapter_config {
  int64_t rank;
  double alpha;
  bool rslora;                                /* scale alpha / sqrt(rank) instead of alpha / rank */
  const json_t *targets;                      /* names of modules that have factors, or a pattern */
  const json_t *norms;                        /* names of norms that come with it; only written */
  const json_t *rank_pattern, *alpha_pattern; /* overrides by module: {name or pattern: number} */
} rd_adapter_config;

enum { RD_MOST_RANK = 1 << 16 };

/* Read adapter_config.json. RD_UNSUPPORTED names what this build does not apply (DoRA, biases). */
rd_code rd_adapter_config_read(rd_adapter_config *out, const json_t *config, rd_error *e);
/* adapter_config.json for an adapter of this kind over the model called `base`. New reference. */
json_t *rd_adapter_config_json(const rd_adapter_config *config, const char *base);
/* Rank and scale of one module ("model.layers.0.self_attn.q_proj"), with the overrides. */
rd_code rd_adapter_module(const rd_adapter_config *config, const char *module, int64_t *rank,
                          float *scale, rd_error *e);

/* An open adapter. */
typedef struct rd_adapter {
  char *folder;
  json_t *json;
  rd_adapter_config config;
  rd_tensors tensors;
} rd_adapter;

/* Open a PEFT folder; drop in either case. Errors begin with "adapter FOLDER". */
rd_code rd_adapter_open(rd_adapter *a, const char *folder, rd_error *e);
void rd_adapter_drop(rd_adapter *a);

/* The factors of a module, with its rank and scale; *a is NULL when it has none. */
rd_code rd_adapter_factors(const rd_adapter *adapter, const char *module, const rd_tensor **a,
                           const rd_tensor **b, int64_t *rank, float *scale, rd_error *e);
/* The norm of that name that was trained with the factors, or NULL. */
const rd_tensor *rd_adapter_norm(const rd_adapter *adapter, const char *module);

#endif
