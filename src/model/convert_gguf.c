/* SPDX-License-Identifier: MIT */
/* The writer of GGUF files, the other way of gguf_config.c. The keys are read back, as they will be
 * read from the file, before the file is made: a setting that they cannot say is refused by its
 * name. */
#include "config_rope.h"
#include "config_scales.h"
#include "convert.h"

#include "family.h"
#include "gguf_write.h"
#include "inspect.h"
#include "model_file.h"
#include "rope.h"
#include "written.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME = 160 };

typedef struct keys {
  rd_gguf_writer w;
  const rd_model *m;
  const char *architecture;
  char name[NAME];
} keys;

/* "{architecture}.KEY" */
static const char *own(keys *k, const char *key) {
  snprintf(k->name, sizeof k->name, "%s.%s", k->architecture, key);
  return k->name;
}

static void put_sizes(keys *k) {
  const rd_config *c = &k->m->config;
  const struct {
    const char *key;
    int64_t value;
  } sizes[] = {{"block_count", c->layers},
               {"context_length", c->positions},
               {"embedding_length", c->width},
               {"feed_forward_length", c->ff},
               {"attention.head_count", c->heads},
               {"attention.head_count_kv", c->kv_heads},
               {"attention.key_length", c->head_dim},
               {"attention.value_length", c->head_dim},
               {"rope.dimension_count", rd_config_turned(c)},
               {"vocab_size", c->vocab}};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    rd_gguf_put_u32(&k->w, own(k, sizes[i].key), (uint32_t)sizes[i].value);
  rd_gguf_put_f32(&k->w, own(k, "attention.layer_norm_rms_epsilon"), (float)c->norm_eps);
  rd_gguf_put_f32(&k->w, own(k, "rope.freq_base"), (float)c->rope.theta);
  if (c->has_local_rope)
    rd_gguf_put_f32(&k->w, own(k, "rope.freq_base_swa"), (float)c->local_rope.theta);
}

static bool scaled_as(const rd_config *c, const char *kinds) {
  return c->rope.kind && rd_name_listed(kinds, c->rope.kind->name);
}

/* Scalings that have keys; others are refused when the keys are read back. */
static void put_scaling(keys *k) {
  const rd_config *c = &k->m->config;
  const rd_rotary *r = &c->rope;
  if (scaled_as(c, "linear yarn")) {
    rd_gguf_put_text(&k->w, own(k, "rope.scaling.type"), r->kind->name, strlen(r->kind->name));
    rd_gguf_put_f32(&k->w, own(k, "rope.scaling.factor"), (float)r->factor);
  }
  if (scaled_as(c, "llama3 yarn"))
    rd_gguf_put_u32(&k->w, own(k, "rope.scaling.original_context_length"), (uint32_t)r->original);
  if (!scaled_as(c, "yarn"))
    return;
  rd_gguf_put_f32(&k->w, own(k, "rope.scaling.yarn_attn_factor"),
                  (float)(r->attention / rd_yarn_attention(r->factor, 1)));
  rd_gguf_put_f32(&k->w, own(k, "rope.scaling.yarn_beta_slow"), (float)r->low);
  rd_gguf_put_f32(&k->w, own(k, "rope.scaling.yarn_beta_fast"), (float)r->high);
}

/* Windows, multipliers and caps. */
static void put_layers(keys *k) {
  rd_config c = k->m->config;
  size_t count = 0;
  const rd_config_scale *scales = rd_config_scales(&count);
  if (rd_config_layer_of(&c, RD_LAYER_LOCAL) >= 0)
    rd_gguf_put_u32(&k->w, own(k, "attention.sliding_window"), (uint32_t)c.window);
  for (size_t i = 0; i < count; i++) {
    double value = *rd_config_scale_at(&scales[i], &c);
    if (scales[i].gguf && value > 0)
      rd_gguf_put_f32(&k->w, own(k, scales[i].gguf), (float)value);
  }
}

/* What readers take from the family unless a key says otherwise. */
static void put_attention(keys *k) {
  const rd_config *c = &k->m->config;
  const bool causal = c->block == 1;
  if (causal != (c->family->block == 1))
    rd_gguf_put_bool(&k->w, own(k, "attention.causal"), causal);
  if (c->block > 1)
    rd_gguf_put_u32(&k->w, RD_GGUF_BLOCK, (uint32_t)c->block);
  if (c->shift_logits != c->family->shift_logits)
    rd_gguf_put_bool(&k->w, "diffusion.shift_logits", c->shift_logits);
  if (c->canvas > 0)
    rd_gguf_put_u32(&k->w, "diffusion.canvas_length", (uint32_t)c->canvas);
}

/* The tokenizer's own EOS comes first, then the others that end an answer. */
static void put_eos(keys *k) {
  static const char *const names[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                      "tokenizer.ggml.eom_token_id"};
  const rd_config *c = &k->m->config;
  size_t count = 0, put = 0;
  const int32_t *eos = k->m->tokenizer ? rd_tokenizer_eos(k->m->tokenizer, &count) : NULL;
  const int32_t first = count ? eos[0] : c->eos_count ? c->eos[0] : -1;
  if (first >= 0)
    rd_gguf_put_u32(&k->w, names[put++], (uint32_t)first);
  for (int i = 0; i < c->eos_count && put < sizeof names / sizeof *names; i++)
    if (c->eos[i] != first)
      rd_gguf_put_u32(&k->w, names[put++], (uint32_t)c->eos[i]);
  if (c->eos_count == 0)
    return;
  rd_gguf_put_array(&k->w, RD_GGUF_EOS, RD_GGUF_U32, (uint64_t)c->eos_count);
  rd_gguf_put_items(&k->w, c->eos, (size_t)c->eos_count * sizeof *c->eos);
}

static void put_ids(keys *k) {
  const rd_config *c = &k->m->config;
  const rd_tokenizer *t = k->m->tokenizer;
  const struct {
    const char *key;
    int32_t tokens, config;
  } ids[] = {{"tokenizer.ggml.bos_token_id", t ? rd_tokenizer_bos(t) : -1, c->bos},
             {"tokenizer.ggml.padding_token_id", t ? rd_tokenizer_pad(t) : -1, c->pad},
             {"tokenizer.ggml.mask_token_id", -1, c->mask}};
  for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
    const int32_t id = ids[i].tokens >= 0 ? ids[i].tokens : ids[i].config;
    if (id >= 0)
      rd_gguf_put_u32(&k->w, ids[i].key, (uint32_t)id);
  }
  put_eos(k);
}

/* The template that was chosen, where it is one that others can render too, or the model's own. */
static rd_code put_remembered(keys *k, rd_error *e) {
  rd_remembered kept = k->m->remembered;
  const rd_remembered *r = &kept;
  kept.denoiser = k->m->config.block == 1 ? rd_model_denoises(k->m) : kept.denoiser;
  const bool jinja =
      r->chat_template && (strstr(r->chat_template, "{%") || strstr(r->chat_template, "{{"));
  const char *template = jinja           ? r->chat_template
                       : k->m->tokenizer ? rd_tokenizer_chat_template(k->m->tokenizer)
                                         : NULL;
  if (template)
    rd_gguf_put_text(&k->w, "tokenizer.chat_template", template, strlen(template));
  const char *tools = k->m->tokenizer ? rd_tokenizer_tool_template(k->m->tokenizer) : NULL;
  if (tools && template)
    rd_gguf_put_text(&k->w, "tokenizer.chat_template.tool_use", tools, strlen(tools));
  json_t *json = rd_remembered_json(r);
  char *text = json ? rd_json_dumps(json, JSON_COMPACT) : NULL;
  if (text && json_object_size(json) > 0)
    rd_gguf_put_text(&k->w, RD_GGUF_REMEMBERED, text, strlen(text));
  json_decref(json);
  free(text);
  return text ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: " RD_GGUF_REMEMBERED);
}

/* The type that was asked for, where any tensor has it; else that of most numbers. */
static const rd_format *type_of(const rd_written *list, const rd_format *asked) {
  const rd_tensors all = {.items = list->tensors, .count = list->count};
  for (size_t i = 0; i < list->count; i++)
    if (list->tensors[i].format == asked)
      return asked;
  return rd_tensors_format(&all);
}

/* The numbers that ggml's files have for their types (llama.cpp's llama_ftype). */
static void put_file_type(keys *k, const rd_format *format) {
  static const struct {
    const char *name;
    uint32_t type;
  } types[] = {{"F32", 0}, {"F16", 1}, {"Q4_0", 2}, {"Q8_0", 7}, {"BF16", 32}};
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (strcmp(types[i].name, format->name) == 0)
      rd_gguf_put_u32(&k->w, "general.file_type", types[i].type);
  if (format->block > 1)
    rd_gguf_put_u32(&k->w, "general.quantization_version", 2);
}

static rd_code put_keys(keys *k, const rd_format *format, rd_error *e) {
  rd_gguf_put_text(&k->w, "general.architecture", k->architecture, strlen(k->architecture));
  rd_gguf_put_text(&k->w, "general.name", k->m->name, strlen(k->m->name));
  put_file_type(k, format);
  put_sizes(k);
  put_scaling(k);
  put_layers(k);
  put_attention(k);
  if (k->m->tokenizer)
    RD_TRY(rd_tokenizer_put(k->m->tokenizer, &k->w, k->m->config.vocab, e));
  put_ids(k);
  return put_remembered(k, e);
}

/* llama3's scaling, for which there are no keys: the divisor of each frequency. `out` has room for
 * those of the largest head. */
static void make_divisors(rd_tensor *t, float *out, const rd_config *c) {
  static char name[] = "rope_freqs.weight";
  double plain[RD_MOST_PAIRS], scaled[RD_MOST_PAIRS];
  rd_rotary unscaled = c->rope;
  const int64_t turned = rd_config_turned(c), n = turned / 2;
  unscaled.kind = NULL;
  rd_rope_frequencies(plain, &unscaled, turned, 0);
  rd_rope_frequencies(scaled, &c->rope, turned, 0);
  for (int64_t i = 0; i < n; i++)
    out[i] = (float)(plain[i] / scaled[i]);
  *t = (rd_tensor){.name = name,
                   .format = rd_format_of(RD_F32),
                   .dims = 1,
                   .shape = {n, 1, 1, 1, 1, 1, 1, 1},
                   .data = (const unsigned char *)out,
                   .size = (size_t)n * sizeof *out};
}

/* Numbers are those of 32 bits that the keys hold; null is no value. */
static bool same_value(const json_t *a, const json_t *b) {
  if (json_is_null(a) && !b)
    return true;
  if (!json_is_real(a) || !json_is_real(b))
    return json_equal((json_t *)(uintptr_t)a, (json_t *)(uintptr_t)b);
  return fabs(json_real_value(a) - json_real_value(b)) <= 1e-7 * fabs(json_real_value(a));
}

static rd_code same_object(const json_t *wanted, const json_t *found, rd_error *e) {
  const char *key = NULL;
  json_t *value = NULL;
  json_object_foreach((json_t *)(uintptr_t)wanted, key, value) {
    const json_t *other = json_object_get(found, key);
    /* the tokenizer's own, where it has one: see put_ids; and the names of families that share an
     * architecture, whose arithmetic the other keys say */
    if (rd_name_listed("bos_token_id pad_token_id model_type architectures", key))
      continue;
    if (json_is_object(value) && json_is_object(other)) {
      RD_TRY(same_object(value, other, e));
    } else if (!same_value(value, other)) {
      char *text = rd_json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
      rd_fail(e, RD_UNSUPPORTED,
              "%s is %.80s, which the keys of a GGUF file cannot say; write a folder instead", key,
              text ? text : "set");
      free(text);
      return RD_UNSUPPORTED;
    }
  }
  return RD_OK;
}

/* What the file will say, against what the model is. */
static rd_code check_again(const keys *k, const rd_written *list, rd_error *e) {
  unsigned char *head = NULL;
  size_t size = 0;
  rd_gguf g = {0};
  rd_config again;
  RD_TRY(rd_gguf_head(&head, &size, &k->w, NULL, 0, e));
  rd_code code = rd_gguf_parse(&g, head, size, e);
  for (size_t i = 0; i < list->count && code == RD_OK; i++)
    code = rd_tensors_add(&g.tensors, &list->tensors[i], e);
  if (code == RD_OK)
    code = rd_tensors_finish(&g.tensors, e);
  if (code == RD_OK)
    code = rd_config_read_gguf(&again, &g, e);
  if (code == RD_OK) {
    json_t *wanted = rd_config_json(&k->m->config, RD_F32), *found = rd_config_json(&again, RD_F32);
    code = wanted && found ? same_object(wanted, found, e)
                           : rd_fail(e, RD_NO_MEMORY, "out of memory: a configuration");
    json_decref(wanted);
    json_decref(found);
  }
  rd_gguf_drop(&g);
  free(head);
  return code;
}

static rd_code write_all(keys *k, rd_written *list, const rd_format *format, const char *path,
                         rd_error *e) {
  RD_TRY(rd_written_make(list, e));
  RD_TRY(put_keys(k, type_of(list, format), e));
  RD_TRY(check_again(k, list, e));
  return rd_gguf_write(path, &k->w, list->tensors, list->count, e);
}

rd_code rd_convert_gguf(const rd_model *m, const rd_format *format, const char *path,
                        rd_types_written *types, rd_error *e) {
  const rd_config *c = &m->config;
  float divisors[RD_MOST_PAIRS];
  rd_tensor scaling;
  keys k = {.m = m, .architecture = c->family->gguf};
  rd_written list = {.model = m,
                     .names = c->family->gguf_names ? c->family->gguf_names : &rd_gguf_names,
                     .matrices = format,
                     .ends = format == rd_format_named("Q4_0") ? rd_format_named("Q8_0") : NULL,
                     .vectors = rd_format_of(RD_F32),
                     .interleaved = c->family->gguf_interleaved};
  if (!k.architecture)
    return rd_fail(e, RD_UNSUPPORTED,
                   "models of family %s have no name in GGUF files; write a folder instead",
                   c->family->name);
  if (scaled_as(c, "llama3")) {
    make_divisors(&scaling, divisors, c);
    list.more = &scaling;
  }
  rd_code code = write_all(&k, &list, format, path, e);
  *types = list.types;
  rd_written_drop(&list);
  rd_gguf_writer_drop(&k.w);
  return code;
}
