/* SPDX-License-Identifier: MIT */
/* A configuration from GGUF's keys: {architecture}.*, tokenizer.ggml.*, and diffusion.*. */
#include "config.h"
#include "family.h"
#include "gguf.h"
#include "rope.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MOST_PAIRS = 512 }; /* of a head */

typedef struct reader {
  const rd_gguf *g;
  char architecture[64];
} reader;

static const char *key_of(const reader *r, const char *key, char *buffer, size_t size) {
  snprintf(buffer, size, "%s.%s", r->architecture, key);
  return buffer;
}

static rd_code read_int(const reader *r, const char *key, int64_t *out, rd_error *e) {
  char full[160];
  return rd_gguf_int(r->g, key_of(r, key, full, sizeof full), 0, 1 << 24, out, e);
}

static rd_code read_real(const reader *r, const char *key, double *out, rd_error *e) {
  char full[160];
  return rd_gguf_real(r->g, key_of(r, key, full, sizeof full), 0, 1e12, out, e);
}

static rd_code read_id(const rd_gguf *g, const char *key, int64_t vocab, int32_t *out,
                       rd_error *e) {
  int64_t id = *out;
  RD_TRY(rd_gguf_int(g, key, -1, UINT32_MAX, &id, e));
  if (id == UINT32_MAX) /* how an unsigned -1 is written: none */
    id = -1;
  if (id >= vocab)
    return rd_fail(e, RD_BAD_INPUT, "%s: %lld is outside the vocabulary of %lld", key,
                   (long long)id, (long long)vocab);
  *out = (int32_t)id;
  return RD_OK;
}

/* GGUF has no keys for llama3's scaling: it holds the divisor of each frequency. The largest is the
 * factor; the lengths are a key's, and the other numbers those of every published model. They must
 * give the same divisors. */
static rd_code read_divisors(const reader *r, rd_config *c, const rd_tensor *t, rd_error *e) {
  int64_t n = c->head_dim / 2;
  if (t->format->dtype != RD_F32 || t->dims != 1 || t->shape[0] != n || n > MOST_PAIRS)
    return rd_fail(e, RD_BAD_INPUT, "tensor %s: expected %lld numbers of type F32", t->name,
                   (long long)n);
  float divisors[MOST_PAIRS];
  double plain[MOST_PAIRS], scaled[MOST_PAIRS];
  memcpy(divisors, t->data, (size_t)n * sizeof *divisors);
  for (int64_t i = 0; i < n; i++)
    c->rope_factor = (double)divisors[i] > c->rope_factor ? (double)divisors[i] : c->rope_factor;
  if (!(c->rope_factor > 1))
    return RD_OK;
  rd_rope_frequencies(c, plain);
  c->rope_scaling = RD_ROPE_LLAMA3;
  c->rope_low = 1;
  c->rope_high = 4;
  c->rope_original = 8192;
  RD_TRY(read_int(r, "rope.scaling.original_context_length", &c->rope_original, e));
  rd_rope_frequencies(c, scaled);
  for (int64_t i = 0; i < n; i++)
    if (!(fabs(plain[i] / scaled[i] / (double)divisors[i] - 1) < 1e-3))
      return rd_fail(e, RD_UNSUPPORTED,
                     "tensor %s: divisor %lld is %g, llama3's scaling by %g makes it %g", t->name,
                     (long long)i, (double)divisors[i], c->rope_factor, plain[i] / scaled[i]);
  return RD_OK;
}

static rd_code read_scaling(const reader *r, rd_config *c, rd_error *e) {
  char key[160];
  rd_gguf_text type = {0};
  RD_TRY(rd_gguf_text_of(r->g, key_of(r, "rope.scaling.type", key, sizeof key), &type, e));
  const rd_tensor *divisors = rd_tensors_find(&r->g->tensors, "rope_freqs.weight");
  if (divisors)
    return read_divisors(r, c, divisors, e);
  if (!type.data || (type.size == 4 && memcmp(type.data, "none", 4) == 0))
    return RD_OK;
  if (type.size != 6 || memcmp(type.data, "linear", 6) != 0)
    return rd_fail(e, RD_UNSUPPORTED, "%s \"%.*s\"; none and linear are known", key,
                   (int)(type.size < 40 ? type.size : 40), type.data);
  c->rope_scaling = RD_ROPE_LINEAR;
  RD_TRY(read_real(r, "rope.scaling.factor", &c->rope_factor, e));
  return c->rope_factor >= 1
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT, "%s is linear without a factor of 1 or more", key);
}

static rd_code read_sizes(const reader *r, rd_config *c, rd_error *e) {
  const rd_gguf_value *tokens = rd_gguf_find(r->g, "tokenizer.ggml.tokens");
  int64_t rotated = 0;
  RD_TRY(read_int(r, "block_count", &c->layers, e));
  RD_TRY(read_int(r, "embedding_length", &c->width, e));
  RD_TRY(read_int(r, "attention.head_count", &c->heads, e));
  RD_TRY(read_int(r, "feed_forward_length", &c->ff, e));
  c->vocab = tokens ? (int64_t)tokens->count : 0;
  RD_TRY(read_int(r, "vocab_size", &c->vocab, e));
  c->kv_heads = c->heads;
  c->head_dim = c->heads > 0 ? c->width / c->heads : 0;
  c->positions = 2048;
  RD_TRY(read_int(r, "attention.head_count_kv", &c->kv_heads, e));
  RD_TRY(read_int(r, "attention.key_length", &c->head_dim, e));
  RD_TRY(read_int(r, "context_length", &c->positions, e));
  RD_TRY(read_real(r, "attention.layer_norm_rms_epsilon", &c->norm_eps, e));
  RD_TRY(read_real(r, "rope.freq_base", &c->rope_theta, e));
  rotated = c->head_dim;
  RD_TRY(read_int(r, "rope.dimension_count", &rotated, e));
  if (rotated != c->head_dim)
    return rd_fail(e, RD_UNSUPPORTED,
                   "rope.dimension_count %lld of heads of %lld: partial rotation",
                   (long long)rotated, (long long)c->head_dim);
  return rd_config_check(c, e);
}

static void add_eos(rd_config *c, int32_t id) {
  if (id >= 0 && c->eos_count < RD_MOST_EOS && !rd_config_is_eos(c, id))
    c->eos[c->eos_count++] = id;
}

/* The list that `convert` writes, then the two keys that everybody knows. */
static rd_code read_eos(rd_config *c, const rd_gguf *g, rd_error *e) {
  const rd_gguf_value *list = NULL;
  int32_t eos = -1, eot = -1;
  RD_TRY(rd_gguf_array(g, RD_GGUF_EOS, RD_GGUF_U32, &list, e));
  for (uint64_t i = 0; list && i < list->count; i++) {
    const double id = rd_gguf_number(list, i);
    if (!(id < (double)c->vocab))
      return rd_fail(e, RD_BAD_INPUT, RD_GGUF_EOS ": %g is outside the vocabulary of %lld", id,
                     (long long)c->vocab);
    add_eos(c, (int32_t)id);
  }
  RD_TRY(read_id(g, "tokenizer.ggml.eos_token_id", c->vocab, &eos, e));
  RD_TRY(read_id(g, "tokenizer.ggml.eot_token_id", c->vocab, &eot, e));
  add_eos(c, eos);
  add_eos(c, eot);
  return RD_OK;
}

rd_code rd_config_read_gguf(rd_config *c, const rd_gguf *g, rd_error *e) {
  reader r = {.g = g};
  rd_gguf_text name = {0};
  memset(c, 0, sizeof *c);
  RD_TRY(rd_gguf_text_of(g, "general.architecture", &name, e));
  if (!name.data || name.size >= sizeof r.architecture)
    return rd_fail(e, RD_BAD_INPUT,
                   "general.architecture is missing: nothing says what model this is");
  memcpy(r.architecture, name.data, name.size);
  RD_TRY(rd_family_find_gguf(&c->family, r.architecture, e));
  c->norm_eps = 1e-6;
  c->rope_theta = c->family->rope_theta;
  c->rope_interleaved = c->family->gguf_interleaved;
  c->qkv_bias = c->family->qkv_bias;
  c->qk_norm = c->family->qk_norm;
  c->bos = c->pad = c->mask = -1;
  RD_TRY(read_sizes(&r, c, e));
  RD_TRY(read_scaling(&r, c, e));
  c->tied = rd_tensors_find(&g->tensors, "output.weight") == NULL;
  int64_t causal = c->family->block == 1, shift = c->family->shift_logits;
  RD_TRY(read_int(&r, "attention.causal", &causal, e));
  RD_TRY(rd_gguf_int(g, "diffusion.shift_logits", 0, 1, &shift, e));
  RD_TRY(rd_gguf_int(g, "diffusion.canvas_length", 0, INT32_MAX, &c->canvas, e));
  c->block = causal ? 1 : 0;
  c->shift_logits = shift != 0;
  RD_TRY(read_id(g, "tokenizer.ggml.bos_token_id", c->vocab, &c->bos, e));
  RD_TRY(read_id(g, "tokenizer.ggml.padding_token_id", c->vocab, &c->pad, e));
  RD_TRY(read_id(g, "tokenizer.ggml.mask_token_id", c->vocab, &c->mask, e));
  RD_TRY(rd_gguf_int(g, RD_GGUF_BLOCK, 0, 1 << 24, &c->block, e));
  return read_eos(c, g, e);
}

const rd_names rd_gguf_names = {.embedding = "token_embd",
                                .norm = "output_norm",
                                .head = "output",
                                .attention_norm = "blk.%d.attn_norm",
                                .mlp_norm = "blk.%d.ffn_norm",
                                .q_norm = "blk.%d.attn_q_norm",
                                .k_norm = "blk.%d.attn_k_norm",
                                .q = "blk.%d.attn_q",
                                .k = "blk.%d.attn_k",
                                .v = "blk.%d.attn_v",
                                .o = "blk.%d.attn_output",
                                .gate = "blk.%d.ffn_gate",
                                .up = "blk.%d.ffn_up",
                                .down = "blk.%d.ffn_down"};
