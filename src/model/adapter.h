/* SPDX-License-Identifier: MIT */
/* LoRA adapters in PEFT's layout (peft: LoraConfig and save_pretrained): adapter_config.json beside
 * adapter_model.safetensors, tensors named base_model.model.<module>.lora_A.weight (r, in) and
 * lora_B.weight (out, r); norms trained with it under base_model.model.<module>.weight, listed in
 * modules_to_save. */
#ifndef RD_ADAPTER_H
#define RD_ADAPTER_H

#include "config.h"
#include "json.h"
#include "weights.h"

typedef struct rd_adapter_config {
  int64_t rank;
  double alpha;
  bool rslora;                  /* scale alpha / sqrt(rank) instead of alpha / rank */
  bool targets[RD_PROJECTIONS]; /* which projections have factors */
  bool norms;                   /* norm weights come with it */
  /* PEFT's overrides by module, {name or pattern: number}: borrowed, NULL for none */
  const json_t *rank_pattern, *alpha_pattern;
} rd_adapter_config;

enum { RD_MOST_RANK = 1 << 16 };

/* Read adapter_config.json, whose patterns are borrowed. RD_UNSUPPORTED names what this build does
 * not apply (DoRA, biases). */
rd_code rd_adapter_config_read(rd_adapter_config *out, const json_t *config, rd_error *e);
/* adapter_config.json for an adapter of this kind over the model called `base`, whose modules have
 * the names of that family. New reference. */
json_t *rd_adapter_config_json(const rd_adapter_config *config, const rd_family *family,
                               const char *base);
/* Would factors of this rank add more than a quarter to the work of their matrix? */
bool rd_adapter_thick(int64_t rank, int64_t out, int64_t in);
float rd_adapter_scale(const rd_adapter_config *config);
/* Rank and scale of one module ("model.layers.0.self_attn.q_proj"), with the overrides. */
rd_code rd_adapter_module(const rd_adapter_config *config, const char *module, int64_t *rank,
                          float *scale, rd_error *e);
/* Are the overrides numbers that make sense? */
rd_code rd_adapter_patterns_check(const rd_adapter_config *config, rd_error *e);

#endif
