/* SPDX-License-Identifier: MIT */
/* Families: one row of architecture facts for each kind of model. */
#ifndef RD_FAMILY_H
#define RD_FAMILY_H

#include "json.h"

/* The keys of config.json that hold the sizes; families of Hugging Face share one set. */
typedef struct rd_config_keys {
  const char *layers, *width, *heads, *kv_heads, *ff, *vocab, *positions, *norm_eps, *tied;
  const char *activation;
} rd_config_keys;

/* Names of tensors without ".weight" and ".bias"; %d is the layer. NULL: the family has no such
 * part. */
typedef struct rd_names {
  const char *embedding, *norm, *head;
  const char *attention_norm, *mlp_norm, *q_norm, *k_norm;
  const char *attention_post_norm, *mlp_post_norm;
  const char *q, *k, *v, *o, *gate, *up, *down;
  bool fused; /* q, k and v have one name and are rows of one matrix; so are gate and up */
} rd_names;

/* How a kind of models is sampled where the user names nothing: a sampler, and options of it, by
 * the names that diffuse has. NULL ends the options. */
typedef struct rd_preference {
  const char *sampler;
  const char *options[6][2];
} rd_preference;

/* Which layers see a window alone, where layer_types does not say. */
typedef struct rd_window_facts {
  bool some;              /* the family has such layers */
  bool asked;             /* use_sliding_window has to be true */
  bool typed;             /* layer_types is its makers' key */
  bool unturned;          /* those without rotary positions */
  int64_t whole_every;    /* each N-th layer sees all; 0: none does */
  const char *whole_key;  /* key of that number, or NULL */
  const char *first_key;  /* key of the first layer with a window, or NULL */
  int64_t first, missing; /* where that key is missing; the window where its key is */
} rd_window_facts;

typedef struct rd_family {
  const char *name;
  const char *model_types[4]; /* config.json's model_type; NULL ends the list */
  const char *gguf;           /* general.architecture, or NULL */
  const char *also;           /* keys that its makers' class needs beside the others, as JSON */
  const char *class_name;     /* what config.json's architectures calls it; NULL: left out */
  const rd_config_keys *keys;
  const rd_names *names;
  bool qkv_bias, qk_norm;
  bool bias_said; /* attention_bias says whether there is qkv_bias, and of o there is none */
  int64_t block;  /* attention: 0 bidirectional, 1 causal, N blocks; the file may say more */
  bool shift_logits;
  /* of families that write in blocks */
  const char *mark;     /* the key that tells it from others of its model_type, unless it is null or
                           false; or NULL */
  const char *marked;   /* a part of the texts that this key holds; NULL: it only has to be there */
  int64_t unsure_below; /* blocks smaller than this are as likely another family's, unless .. */
  const char *unsure_key; /* .. this key says which it is */
  const char *size_key;   /* what config.json calls the block, or where that is 1 the stride */
  int64_t stride;         /* masks that stand ahead of what is written, under causal attention */
  const char *mask_key;   /* what config.json calls mask_token_id; NULL: that */
  const char *mask_word;  /* the mask's word, where no file may name its id; NULL: there is none */
  int32_t mask;           /* its id in the makers' code, where the files are silent; 0: none */
  rd_preference own;      /* without a sampler: lad */
  rd_preference own_blocks; /* the same where the file gives a family without blocks some */
  double rope_theta;        /* where the file is silent */
  bool gguf_interleaved;    /* GGUF stores q and k rows permuted for interleaved rotation */
  /* beyond LLaMA's layer; config.h says what each is */
  bool wide_norms, no_pre_norms, post_norms, norms_less_one;
  bool root_embedding;  /* embeddings are multiplied by sqrt(D) */
  const char *computes; /* keys of config.json that are refused in other families */
  rd_window_facts window;
  double local_theta;         /* of local layers, which have angles of their own; 0: they do not */
  int64_t unturned_every;     /* each N-th layer has no rotary positions; 0: all have */
  int64_t first_positions;    /* original_max_position_embeddings where that key is missing */
  const rd_names *gguf_names; /* NULL: rd_gguf_names */
  /* where the file is silent; 0 and NULL: as LLaMA */
  const char *activation;
  double norm_eps;
  int64_t head_dim;
  bool tied;
  double attention_cap, final_cap;
} rd_family;

/* All rows; *count of them. */
const rd_family *rd_families(size_t *count);
/* The row for a model_type, or RD_UNSUPPORTED naming it and listing the known ones. */
rd_code rd_family_find(const rd_family **out, const char *model_type, rd_error *e);
/* The row for config.json: of those with this model_type the one whose mark is there. */
const rd_family *rd_family_marked(const rd_family *row, const json_t *config);
rd_code rd_family_find_gguf(const rd_family **out, const char *architecture, rd_error *e);

/* Does the family compute a key of config.json that is refused in others? */
bool rd_family_computes(const rd_family *f, const char *key);

/* The names that most families' tensors have in GGUF, and those where matrices are fused. */
extern const rd_names rd_gguf_names, rd_gguf_fused_names;
/* Keys of GGUF files that redraft alone writes: blocks of attention, all ids that end an answer. */
#define RD_GGUF_BLOCK "redraft.attention_block"
#define RD_GGUF_EOS "redraft.eos_token_ids"
#endif
