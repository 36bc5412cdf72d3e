/* SPDX-License-Identifier: MIT */
/* The facts of one model, read from its own files: sizes, norms, positions, attention, special
 * tokens. */
#ifndef RD_CONFIG_H
#define RD_CONFIG_H

#include "dtype.h"
#include "json.h"

typedef struct rd_family rd_family; /* family.h: a row of architecture facts */

/* How rotary frequencies are changed for long contexts; names as in config.json's rope_scaling. */
typedef enum rd_rope_scaling { RD_ROPE_PLAIN, RD_ROPE_LINEAR, RD_ROPE_LLAMA3 } rd_rope_scaling;

enum { RD_MOST_EOS = 8 };

typedef struct rd_config {
  const rd_family *family;
  int64_t layers, width, heads, kv_heads, ff, vocab;
  int64_t head_dim;  /* even, at most 1024 */
  int64_t positions; /* longest sequence the model was made for */
  double norm_eps, rope_theta;
  rd_rope_scaling rope_scaling;
  double rope_factor, rope_low, rope_high; /* llama3: factor, low_freq_factor, high_freq_factor */
  int64_t rope_original;                   /* llama3: original_max_position_embeddings */
  bool rope_interleaved; /* pairs (2i, 2i+1), as in llama2.c and GGUF llama; else (i, i + hd/2) */
  bool qkv_bias, qk_norm, tied;
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
