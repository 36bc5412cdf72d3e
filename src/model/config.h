/* SPDX-License-Identifier: MIT */
/* The facts of one model, read from its own files: sizes, norms, positions, attention, special
 * tokens. */
#ifndef RD_CONFIG_H
#define RD_CONFIG_H

#include "dtype.h"
#include "json.h"

typedef struct rd_family rd_family; /* family.h: a row of architecture facts */

typedef struct rd_activation rd_activation; /* activation.h: a row */
typedef struct rd_rope_kind rd_rope_kind;   /* rope.h: a row */

enum { RD_MOST_EOS = 8, RD_MOST_LAYERS = 1024, RD_MOST_PAIRS = 512 };

/* How positions turn the heads of queries and keys; names as in config.json's rope_parameters. */
typedef struct rd_rotary {
  const rd_rope_kind *kind; /* of scaling for long contexts; NULL: none */
  double theta;
  double factor;
  double low, high;  /* llama3: low_freq_factor, high_freq_factor; yarn: beta_slow, beta_fast */
  double attention;  /* attention_factor: of cosines and sines; 0: none */
  int64_t original;  /* original_max_position_embeddings; dynamic: the model's positions */
  bool exact_bounds; /* yarn: `truncate` is false */
  float short_factors[RD_MOST_PAIRS], long_factors[RD_MOST_PAIRS]; /* longrope: divisors of each
                        frequency, for sequences up to `original` and for longer ones */
} rd_rotary;

/* What a layer is, where it is not as the others: bits. */
enum { RD_LAYER_LOCAL = 1 /* it sees a window */, RD_LAYER_UNTURNED = 2 /* no rotary positions */ };

typedef struct rd_config {
  const rd_family *family;
  int64_t layers, width, heads, kv_heads, ff, vocab;
  int64_t head_dim;  /* even, at most 1024 */
  int64_t positions; /* longest sequence the model was made for */
  double norm_eps;
  rd_rotary rope, local_rope; /* of all layers; of local ones, where has_local_rope */
  bool has_local_rope;
  int64_t turned;        /* numbers of a head that positions turn, from its first on; 0: all */
  bool rope_interleaved; /* pairs (2i, 2i+1), as in llama2.c and GGUF llama; else (i, i + hd/2) */
  bool qkv_bias, out_bias, mlp_bias, tied;
  bool qk_norm, wide_norms;        /* q and k are normed: each head, or all heads as one vector */
  bool no_pre_norms;               /* attention and MLP take the stream as it is */
  bool post_norms;                 /* what they give is normed before it is added */
  bool norms_less_one;             /* the files hold weights of norms less 1 */
  const rd_activation *activation; /* of the gate; NULL: silu */
  int64_t window;                  /* keys that a local layer sees up to a position */
  uint8_t layer_kinds[RD_MOST_LAYERS];
  /* 0: none; their keys are in config_scales.h */
  double embedding_multiplier, residual_multiplier, attention_multiplier, logits_scaling;
  double query_scalar, attention_cap, final_cap;
  double embedding_scale; /* of embeddings: what follows from the others */
  int64_t block;     /* attention the model was made for: 0 bidirectional, 1 causal, N blocks */
  int64_t stride;    /* masks that stand ahead of what is written, under causal attention; or 0 */
  int64_t canvas;    /* the canvas that the files speak of, 0: none */
  bool shift_logits; /* row i-1 predicts the token at i (Dream, autoregressive bases) */
  int32_t bos, pad, mask; /* token ids, -1: none */
  int32_t eos[RD_MOST_EOS];
  int eos_count;
} rd_config;

/* Read config.json (and generation_config.json's eos, when `generation` is not NULL). Special
 * tokens the files do not name stay -1. */
rd_code rd_config_read(rd_config *out, const json_t *config, const json_t *generation, rd_error *e);
/* Take the ids of an object's eos_token_id, one or a list, beside those that are there; from NULL
 * none. */
rd_code rd_config_read_eos(rd_config *config, const json_t *from, rd_error *e);
struct rd_gguf;
/* The same from a GGUF file's keys. */
rd_code rd_config_read_gguf(rd_config *out, const struct rd_gguf *g, rd_error *e);
/* What scores are multiplied by: 1 / sqrt(hd), or what the files say. */
double rd_config_attention_scale(const rd_config *config);
/* Numbers of a head that positions turn. */
int64_t rd_config_turned(const rd_config *config);
/* The first layer of a kind, -1: there is none. */
int64_t rd_config_layer_of(const rd_config *config, uint8_t kind);

/* What follows from c->family alone, before the files are read. */
void rd_config_begin(rd_config *c);
/* The sizes that no file should get past: RD_BAD_INPUT naming the one that makes no sense. */
rd_code rd_config_check(const rd_config *config, rd_error *e);
/* config.json for a model of this configuration. Beside Hugging Face's keys it has shift_logits,
 * attention_block (0 bidirectional, 1 causal, N blocks) and canvas_length. New reference. */
json_t *rd_config_json(const rd_config *config, rd_dtype type);

/* Is `id` one of the EOS tokens? */
bool rd_config_is_eos(const rd_config *config, int32_t id);
/* Tokens of a prompt with its answer: `asked`; where that is 0, the canvas that the files speak of,
 * else 256, and no more than the model's positions. */
int64_t rd_config_window(const rd_config *config, int64_t asked);

#endif
