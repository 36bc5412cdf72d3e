/* SPDX-License-Identifier: MIT */
/* LoRA adapters in PEFT's layout (peft: LoraConfig and save_pretrained): adapter_config.json beside
 * adapter_model.safetensors (or .bin), tensors named base_model.model.<module>.lora_A.weight (r,
 * in) and lora_B.weight (out, r); an embedding's lora_embedding_A (r, V) and lora_embedding_B (D,
 * r); DoRA's lora_magnitude_vector (out); lora_B.bias (out) where lora_bias is true; rows of an
 * embedding or head that trainable_token_indices lists (trainable_tokens_delta); and what was
 * trained whole (norms, head, embedding: modules_to_save) under <module>.weight. Other spellings of
 * these names (".default", prefixes that are missing or doubled) are taken for the same. LAD's
 * normalization_state.pt beside them holds norms. What target_modules and the other settings leave
 * out may not be there (adapter_targets.h). */
#ifndef RD_ADAPTER_H
#define RD_ADAPTER_H

#include "json.h"
#include "residual.h"
#include "tensors.h"

/* adapter_config.json. What is JSON is borrowed; NULL for none. */
typedef struct rd_adapter_config {
  int64_t rank;
  double alpha;
  bool rslora;                                /* scale alpha / sqrt(rank) instead of alpha / rank */
  bool dora;                                  /* rows have lengths of their own */
  const rd_residual_kind *residual;           /* what was taken out of the base first, or NULL */
  const json_t *targets;                      /* names of modules that have factors, or a pattern */
  const json_t *norms;                        /* names of norms that come with it; only written */
  const json_t *rank_pattern, *alpha_pattern; /* overrides by module: {name or pattern: number} */
} rd_adapter_config;

enum { RD_MOST_RANK = 1 << 16, RD_PEFT_ALPHA = 8 /* where lora_alpha is not said */ };

/* Read adapter_config.json. RD_UNSUPPORTED names what is not applied (other kinds of
 * adapters, ways to begin whose base cannot be rebuilt). */
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
  rd_tensors tensors; /* under names of modules: "<module>.lora_A.weight", "<module>.weight", .. */
  bool *placed;       /* (tensors.count): it was asked for by rd_adapter_changes */
} rd_adapter;

/* The tensors of a PEFT folder under the names that its file has, adapter_model.safetensors or the
 * .bin that peft wrote before. */
rd_code rd_adapter_tensors_open(rd_tensors *t, const char *folder, rd_error *e);

/* Open a PEFT folder; drop in either case. Errors begin with "adapter FOLDER". */
rd_code rd_adapter_open(rd_adapter *a, const char *folder, rd_error *e);
void rd_adapter_drop(rd_adapter *a);

/* The mask that LAD's trainer wrote into resolved_config.json, in the adapter's folder or the run's
 * above it: a new string, or NULL. */
rd_code rd_adapter_mask_word(char **word, const char *folder, rd_error *e);

/* Copies from one adapter's folder to another's what belongs to it beside its factors and
 * redraft.json, where it is there: LAD's norms and its trainer's settings, a sampler head, the
 * tokenizer of words that it brings. */
rd_code rd_adapter_companions_copy(const char *from, const char *to, rd_error *e);
/* The names under which it writes them, but for the tokenizer's files; NULL behind the last. */
const char *rd_adapter_companion(size_t i);

/* What an adapter does to one module; NULL: nothing of that kind. */
typedef struct rd_changes {
  const rd_tensor *a, *b;         /* factors (rank, in) and (out, rank) */
  const rd_tensor *across, *down; /* an embedding's: (rank, rows), (cols, rank) */
  const rd_tensor *magnitude;     /* DoRA's (out) */
  const rd_tensor *weight, *bias; /* whole, in place of the model's */
  const rd_tensor *lift;          /* (out) lora_B's own bias: scale times it is added, or NULL */
  const rd_tensor *words;         /* (n, cols) rows in place of the matrix's: those of `ids`.. */
  const json_t *ids;              /* ..a list; NULL where the settings have none for the module */
  int64_t rank;
  float scale;
} rd_changes;

rd_code rd_adapter_changes(const rd_adapter *adapter, const char *module, rd_changes *out,
                           rd_error *e);
/* Do they hold any factors, magnitude, rows or whole matrix? */
bool rd_changes_any(const rd_changes *c);
/* RD_BAD_INPUT names the first tensor that rd_adapter_changes has given to nobody. `model`: a few
 * words about the model. */
rd_code rd_adapter_check_placed(const rd_adapter *adapter, const char *model, rd_error *e);
/* A norm that it brings, by its name; NULL: none. */
const char *rd_adapter_norm(const rd_adapter *adapter);
/* RD_UNSUPPORTED, saying why, unless it is of factors and norms alone, which training goes on from.
 */
rd_code rd_adapter_check_plain(const rd_adapter *adapter, rd_error *e);

#endif
