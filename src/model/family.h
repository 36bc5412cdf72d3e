/* SPDX-License-Identifier: MIT */
/* Families: one row of architecture facts for each kind of model. */
#ifndef RD_FAMILY_H
#define RD_FAMILY_H

#include "json.h"

/* The keys of config.json that hold the sizes; families of Hugging Face share one set. */
typedef struct rd_config_keys {
  const char *layers, *width, *heads, *kv_heads, *ff, *vocab, *positions, *norm_eps, *tied;
} rd_config_keys;

/* Names of tensors without ".weight" and ".bias"; %d is the layer. NULL: the family has no such
 * part. */
typedef struct rd_names {
  const char *embedding, *norm, *head;
  const char *attention_norm, *mlp_norm, *q_norm, *k_norm;
  const char *q, *k, *v, *o, *gate, *up, *down;
} rd_names;

/* How a kind of models is sampled where the user names nothing: a sampler, and options of it, by
 * the names that diffuse has. NULL ends the options. */
typedef struct rd_preference {
  const char *sampler;
  const char *options[6][2];
} rd_preference;

typedef struct rd_family {
  const char *name;
  const char *model_types[4]; /* config.json's model_type; NULL ends the list */
  const char *gguf;           /* general.architecture, or NULL */
  const rd_config_keys *keys;
  const rd_names *names;
  bool qkv_bias, qk_norm;
  int64_t block; /* attention: 0 bidirectional, 1 causal, N blocks; the file may say more */
  bool shift_logits;
  /* of families that write in blocks */
  const char *mark;     /* the key that tells it from others of its model_type, or NULL */
  const char *marked;   /* a part of the texts that this key holds; NULL: it only has to be there */
  const char *size_key; /* what config.json calls the block, or where that is 1 the stride */
  int64_t stride;       /* masks that stand ahead of what is written, under causal attention */
  const char *mask_key; /* what config.json calls mask_token_id; NULL: that */
  const char *mask_word; /* the mask's word, where no file may name its id; NULL: there is none */
  int32_t mask;          /* its id in the makers' code, where the files are silent; 0: none */
  rd_preference own;     /* without a sampler: lad */
  rd_preference own_blocks; /* the same where the file gives a family without blocks some */
  double rope_theta;        /* where the file is silent */
  bool gguf_interleaved;    /* GGUF stores q and k rows permuted for interleaved rotation */
} rd_family;

/* All rows; *count of them. */
const rd_family *rd_families(size_t *count);
/* The row for a model_type, or RD_UNSUPPORTED naming it and listing the known ones. */
rd_code rd_family_find(const rd_family **out, const char *model_type, rd_error *e);
/* The row for config.json: of those with this model_type the one whose mark is there. */
const rd_family *rd_family_marked(const rd_family *row, const json_t *config);
rd_code rd_family_find_gguf(const rd_family **out, const char *architecture, rd_error *e);

/* The names that every family's tensors have in GGUF. */
extern const rd_names rd_gguf_names;
/* Keys of GGUF files that redraft alone writes: blocks of attention, all ids that end an answer. */
#define RD_GGUF_BLOCK "redraft.attention_block"
#define RD_GGUF_EOS "redraft.eos_token_ids"
#endif
