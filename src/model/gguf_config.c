/* SPDX-License-Identifier: MIT */
/* A configuration from GGUF's keys: {architecture}.*, tokenizer.ggml.*, and diffusion.*. */
#include "activation.h"
#include "config_layers.h"
#include "config_rope.h"
#include "config_scales.h"
#include "family.h"
#include "gguf.h"
#include "gguf_computed.h"
#include "rope.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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

static rd_code read_positive(const reader *r, const char *key, double *out, rd_error *e) {
  char full[160];
  return rd_gguf_real(r->g, key_of(r, key, full, sizeof full), 1e-9, 1e9, out, e);
}

static rd_code read_base(const reader *r, const char *key, double *out, rd_error *e) {
  char full[160];
  return rd_gguf_real(r->g, key_of(r, key, full, sizeof full), 1, 1e12, out, e);
}

/* Numbers for each pair that turns, or NULL in *out where there is no such tensor. */
static rd_code read_pairs(const rd_config *c, const rd_gguf *g, const char *name, float *numbers,
                          const rd_tensor **out, rd_error *e) {
  const rd_tensor *t = *out = rd_tensors_find(&g->tensors, name);
  int64_t n = rd_config_turned(c) / 2;
  if (!t)
    return RD_OK;
  if (t->format->dtype != RD_F32 || t->dims != 1 || t->shape[0] != n || n > RD_MOST_PAIRS)
    return rd_fail(e, RD_BAD_INPUT, "tensor %s: expected %lld numbers of type F32", t->name,
                   (long long)n);
  memcpy(numbers, t->data, (size_t)n * sizeof *numbers);
  for (int64_t i = 0; i < n; i++)
    if (!(numbers[i] > 0 && numbers[i] < 1e6f))
      return rd_fail(e, RD_BAD_INPUT, "tensor %s: number %lld is no divisor", t->name,
                     (long long)i);
  return RD_OK;
}

/* Divisors that follow from no rule are longrope's, at every length. */
static rd_code take_divisors(rd_config *c, const float *divisors) {
  rd_rotary *rope = &c->rope;
  const size_t size = (size_t)(rd_config_turned(c) / 2) * sizeof *divisors;
  rope->kind = rd_table_row(&rd_rope_table, "longrope");
  rope->low = rope->high = 0;
  rope->factor = rope->attention = 1;
  rope->original = c->positions;
  memcpy(rope->short_factors, divisors, size);
  memcpy(rope->long_factors, divisors, size);
  return RD_OK;
}

/* GGUF has no keys for llama3's scaling: it holds the divisor of each frequency. The largest is the
 * factor; the lengths are a key's, and the other numbers those of every published model, where they
 * give the same divisors. */
static rd_code read_divisors(const reader *r, rd_config *c, const float *divisors, rd_error *e) {
  int64_t turned = rd_config_turned(c);
  double plain[RD_MOST_PAIRS], scaled[RD_MOST_PAIRS];
  rd_rotary *rope = &c->rope;
  rope->factor = 0;
  for (int64_t i = 0; i < turned / 2; i++)
    rope->factor = fmax(rope->factor, (double)divisors[i]);
  rd_rope_frequencies(plain, rope, turned, 0);
  rope->kind = rd_table_row(&rd_rope_table, "llama3");
  rope->low = 1;
  rope->high = 4;
  rope->original = 8192;
  RD_TRY(read_int(r, "rope.scaling.original_context_length", &rope->original, e));
  rd_rope_frequencies(scaled, rope, turned, 0);
  for (int64_t i = 0; i < turned / 2; i++)
    if (!(fabs(plain[i] / scaled[i] / (double)divisors[i] - 1) < 1e-3))
      return take_divisors(c, divisors);
  return RD_OK;
}

static rd_code read_longrope(const reader *r, rd_config *c, rd_error *e) {
  rd_rotary *rope = &c->rope;
  const rd_tensor *t = NULL;
  RD_TRY(read_pairs(c, r->g, "rope_factors_short.weight", rope->short_factors, &t, e));
  if (!t)
    return rd_fail(e, RD_BAD_INPUT, "tensor rope_factors_short.weight is missing");
  rope->kind = rd_table_row(&rd_rope_table, "longrope");
  rope->original = c->positions;
  RD_TRY(read_int(r, "rope.scaling.original_context_length", &rope->original, e));
  if (rope->original < 2)
    return rd_fail(e, RD_BAD_INPUT, "rope.scaling.original_context_length: %lld positions",
                   (long long)rope->original);
  rope->factor = (double)c->positions / (double)rope->original;
  rope->attention = rd_longrope_attention(rope->factor, rope->original);
  return read_positive(r, "rope.scaling.attn_factor", &rope->attention, e);
}

/* A factor of queries and keys, where the scaling has none. */
static rd_code plain_attention(const reader *r, rd_error *e) {
  double attention = 1;
  RD_TRY(read_positive(r, "rope.scaling.attn_factor", &attention, e));
  return attention == 1
           ? RD_OK
           : rd_fail(e, RD_UNSUPPORTED,
                     "%s.rope.scaling.attn_factor is %g, which is computed with yarn and longrope",
                     r->architecture, attention);
}

static bool has_factor(const reader *r) {
  char key[160];
  return rd_gguf_find(r->g, key_of(r, "rope.scaling.factor", key, sizeof key)) ||
         rd_gguf_find(r->g, key_of(r, "rope.scale_linear", key, sizeof key));
}

/* Linear scaling, or YaRN with llama.cpp's factor: 1 + ln(factor) / 10 times attn_factor. */
static rd_code read_named_scaling(const reader *r, rd_config *c, const char *key,
                                  const rd_gguf_text *type, rd_error *e) {
  rd_rotary *rope = &c->rope;
  char name[16] = "";
  double attention = 1;
  if (type->size < sizeof name)
    memcpy(name, type->data, type->size);
  rope->kind = rd_name_listed("linear yarn", name) ? rd_table_row(&rd_rope_table, name) : NULL;
  if (!rope->kind)
    return rd_fail(e, RD_UNSUPPORTED, "%s \"%.*s\"; none, linear, yarn and longrope are known", key,
                   (int)(type->size < 40 ? type->size : 40), type->data);
  RD_TRY(read_real(r, "rope.scale_linear", &rope->factor, e)); /* as it was called before */
  RD_TRY(read_real(r, "rope.scaling.factor", &rope->factor, e));
  if (!(rope->factor >= 1))
    return rd_fail(e, RD_BAD_INPUT, "%s is %s without a factor of 1 or more", key, name);
  if (strcmp(name, "linear") == 0)
    return plain_attention(r, e);
  rope->original = c->positions;
  rope->low = 1;
  rope->high = 32;
  RD_TRY(read_int(r, "rope.scaling.original_context_length", &rope->original, e));
  RD_TRY(read_positive(r, "rope.scaling.attn_factor", &attention, e));
  RD_TRY(read_positive(r, "rope.scaling.yarn_attn_factor", &attention, e));
  RD_TRY(read_positive(r, "rope.scaling.yarn_beta_slow", &rope->low, e));
  RD_TRY(read_positive(r, "rope.scaling.yarn_beta_fast", &rope->high, e));
  rope->attention = attention * rd_yarn_attention(rope->factor, 1);
  return rope->original >= 1 && rope->theta > 1
           ? RD_OK
           : rd_fail(e, RD_BAD_INPUT, "%s: yarn over %lld positions with a base of %g", key,
                     (long long)rope->original, rope->theta);
}

static bool is_type(const rd_gguf_text *type, const char *name) {
  return type->size == strlen(name) && memcmp(type->data, name, type->size) == 0;
}

static bool is_none(const rd_gguf_text *type) {
  return type->size == 0 || is_type(type, "none");
}

/* The keys beside divisors: llama.cpp scales by them what the divisors give, and here the divisors
 * are all there is. */
static rd_code check_alone(const reader *r, const char *key, const rd_gguf_text *type,
                           rd_error *e) {
  double factor = 1;
  RD_TRY(read_real(r, "rope.scale_linear", &factor, e));
  RD_TRY(read_real(r, "rope.scaling.factor", &factor, e));
  if (!is_none(type) && !(is_type(type, "linear") && factor == 1))
    return rd_fail(e, RD_UNSUPPORTED,
                   "%s is %.*s with a factor of %g, beside the divisors of rope_freqs.weight: one "
                   "of them is computed, not both",
                   key, (int)(type->size < 40 ? type->size : 40), type->data, factor);
  return plain_attention(r, e);
}

/* Divisors of one change nothing. */
static bool divides(const float *divisors, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    if (divisors[i] != 1)
      return true;
  return false;
}

static rd_code read_scaling(const reader *r, rd_config *c, rd_error *e) {
  char key[160];
  float divisors[RD_MOST_PAIRS];
  const rd_tensor *found = NULL;
  rd_gguf_text type = {0};
  RD_TRY(rd_gguf_text_of(r->g, key_of(r, "rope.scaling.type", key, sizeof key), &type, e));
  if (!type.data) /* a factor alone is linear scaling */
    type = (rd_gguf_text){"linear", has_factor(r) ? 6 : 0};
  RD_TRY(read_pairs(c, r->g, "rope_freqs.weight", divisors, &found, e));
  if (found && divides(divisors, rd_config_turned(c) / 2)) {
    RD_TRY(check_alone(r, key, &type, e));
    return read_divisors(r, c, divisors, e);
  }
  RD_TRY(read_pairs(c, r->g, "rope_factors_long.weight", c->rope.long_factors, &found, e));
  if (found)
    return read_longrope(r, c, e);
  return is_none(&type) ? plain_attention(r, e) : read_named_scaling(r, c, key, &type, e);
}

/* Files of Mistral say "llama": the window tells them apart. Those of Gemma 2 have windows also
 * where they do not say of what size, as in llama.cpp. */
static rd_code read_window(const reader *r, rd_config *c, rd_error *e) {
  char key[160];
  if (strcmp(c->family->name, "gemma2") == 0)
    c->window = c->family->window.missing;
  RD_TRY(read_int(r, "attention.sliding_window", &c->window, e));
  if (c->window > 0 && strcmp(r->architecture, "llama") == 0)
    RD_TRY(rd_family_find(&c->family, "mistral", e));
  const rd_window_facts *w = &c->family->window;
  if (c->window > 0 && !w->some)
    return rd_fail(e, RD_UNSUPPORTED,
                   "%s.attention.sliding_window is %lld, which family %s does "
                   "not compute",
                   r->architecture, (long long)c->window, c->family->name);
  const rd_gguf_value *pattern =
      rd_gguf_find(r->g, key_of(r, "attention.sliding_window_pattern", key, sizeof key));
  if (pattern)
    return rd_fail(e, RD_UNSUPPORTED, "%s is not read; a pattern of family %s is known by itself",
                   key, c->family->name);
  rd_config_default_layers(c, 0, w->whole_every);
  return RD_OK;
}

static void read_unturned(rd_config *c) {
  int64_t every = c->family->unturned_every;
  for (int64_t l = 0; every > 0 && l < c->layers; l++)
    if ((l + 1) % every == 0)
      c->layer_kinds[l] |= RD_LAYER_UNTURNED;
}

/* Numbers that the family knows by their keys in config.json. Gemma's divisor of scores stands in
 * no GGUF: it is the head's size, but for the largest models, where it is D / H. */
static rd_code read_scales(const reader *r, rd_config *c, rd_error *e) {
  size_t count = 0;
  const rd_config_scale *scales = rd_config_scales(&count);
  c->attention_cap = c->family->attention_cap;
  c->final_cap = c->family->final_cap;
  for (size_t i = 0; i < count; i++)
    if (scales[i].gguf && rd_family_computes(c->family, scales[i].key))
      RD_TRY(read_positive(r, scales[i].gguf, rd_config_scale_at(&scales[i], c), e));
  bool largest = strcmp(c->family->name, "gemma2") == 0 ? c->layers == 46 : c->layers == 62;
  if (rd_family_computes(c->family, "query_pre_attn_scalar"))
    c->query_scalar = (double)(largest ? c->width / c->heads : c->head_dim);
  rd_config_settle_scales(c);
  return RD_OK;
}

static int64_t rows_of_embedding(const rd_gguf *g) {
  const rd_tensor *t = rd_tensors_find(&g->tensors, "token_embd.weight");
  return t && t->dims == 2 ? t->shape[0] : 0;
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
  if (c->vocab == 0)
    c->vocab = rows_of_embedding(r->g);
  c->kv_heads = c->heads;
  c->head_dim = c->heads > 0 ? c->width / c->heads : 0;
  c->positions = 2048;
  RD_TRY(read_int(r, "attention.head_count_kv", &c->kv_heads, e));
  RD_TRY(read_int(r, "attention.key_length", &c->head_dim, e));
  RD_TRY(read_int(r, "context_length", &c->positions, e));
  RD_TRY(read_real(r, "attention.layer_norm_rms_epsilon", &c->norm_eps, e));
  RD_TRY(read_base(r, "rope.freq_base", &c->rope.theta, e));
  RD_TRY(read_base(r, "rope.freq_base_swa", &c->local_rope.theta, e));
  RD_TRY(rd_config_check(c, e));
  rotated = c->head_dim;
  RD_TRY(read_int(r, "rope.dimension_count", &rotated, e));
  if (rotated == c->head_dim)
    return RD_OK;
  c->turned = rotated;
  return rd_family_computes(c->family, "partial_rotary_factor") && rotated >= 2 &&
                 rotated < c->head_dim && rotated % 2 == 0
           ? RD_OK
           : rd_fail(e, RD_UNSUPPORTED,
                     "rope.dimension_count %lld of heads of %lld: partial rotation",
                     (long long)rotated, (long long)c->head_dim);
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
  rd_config_begin(c);
  c->rope.theta = c->family->rope_theta;
  c->local_rope.theta = c->family->local_theta;
  c->has_local_rope = c->family->local_theta > 0;
  c->rope_interleaved = c->family->gguf_interleaved;
  c->activation =
      c->family->activation ? rd_table_row(&rd_activation_table, c->family->activation) : NULL;
  RD_TRY(read_sizes(&r, c, e));
  RD_TRY(rd_computed_gguf(g, r.architecture, c, e));
  RD_TRY(read_scaling(&r, c, e));
  read_unturned(c);
  RD_TRY(read_window(&r, c, e));
  RD_TRY(read_scales(&r, c, e));
  c->qkv_bias = c->qkv_bias || rd_tensors_find(&g->tensors, "blk.0.attn_q.bias") != NULL;
  c->out_bias = rd_tensors_find(&g->tensors, "blk.0.attn_output.bias") != NULL;
  c->mlp_bias = rd_tensors_find(&g->tensors, "blk.0.ffn_up.bias") != NULL;
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
                                .attention_post_norm = "blk.%d.post_attention_norm",
                                .mlp_post_norm = "blk.%d.post_ffw_norm",
                                .q_norm = "blk.%d.attn_q_norm",
                                .k_norm = "blk.%d.attn_k_norm",
                                .q = "blk.%d.attn_q",
                                .k = "blk.%d.attn_k",
                                .v = "blk.%d.attn_v",
                                .o = "blk.%d.attn_output",
                                .gate = "blk.%d.ffn_gate",
                                .up = "blk.%d.ffn_up",
                                .down = "blk.%d.ffn_down"};

const rd_names rd_gguf_fused_names = {.embedding = "token_embd",
                                      .norm = "output_norm",
                                      .head = "output",
                                      .attention_norm = "blk.%d.attn_norm",
                                      .mlp_norm = "blk.%d.ffn_norm",
                                      .q = "blk.%d.attn_qkv",
                                      .k = "blk.%d.attn_qkv",
                                      .v = "blk.%d.attn_qkv",
                                      .o = "blk.%d.attn_output",
                                      .gate = "blk.%d.ffn_up",
                                      .up = "blk.%d.ffn_up",
                                      .down = "blk.%d.ffn_down",
                                      .fused = true};
