/* SPDX-License-Identifier: MIT */
/* The table of parts, and the walk. A part lies at the same offset in every layer. */
#include "parts.h"

#include <stdio.h>

static int64_t size_of(const rd_config *c, rd_size size) {
  int64_t queries = c->heads * c->head_dim, keys = c->kv_heads * c->head_dim;
  const int64_t sizes[] = {[RD_ONE] = 1,
                           [RD_WIDTH] = c->width,
                           [RD_QUERIES] = queries,
                           [RD_KEYS] = keys,
                           [RD_HEAD] = c->head_dim,
                           [RD_FEED_FORWARD] = c->ff,
                           [RD_VOCABULARY] = c->vocab,
                           [RD_QUERY_NORM] = c->wide_norms ? queries : c->head_dim,
                           [RD_KEY_NORM] = c->wide_norms ? keys : c->head_dim,
                           [RD_NONE] = 0,
                           [RD_FUSED_KEYS] = queries + keys,
                           [RD_FUSED_HEADS] = queries + 2 * keys,
                           [RD_FUSED_GATE] = 2 * c->ff};
  return sizes[size];
}

static bool untied(const rd_config *c) {
  return !c->tied;
}
static bool qk_norm(const rd_config *c) {
  return c->qk_norm;
}
static bool pre_norms(const rd_config *c) {
  return !c->no_pre_norms;
}
static bool post_norms(const rd_config *c) {
  return c->post_norms;
}
static bool out_bias(const rd_config *c) {
  return c->out_bias;
}
static bool mlp_bias(const rd_config *c) {
  return c->mlp_bias;
}
static bool qkv_bias(const rd_config *c) {
  return c->qkv_bias;
}

#define OF_MODEL(member)                                                                           \
  .names = offsetof(rd_names, member), .weights = offsetof(rd_weights, member),                    \
  .gradient = offsetof(rd_gradient, member)
#define OF_LAYER(member)                                                                           \
  .layered = true, .names = offsetof(rd_names, member), .weights = offsetof(rd_layer, member),     \
  .gradient = offsetof(rd_layer_grad, member)
#define LINEAR(member)                                                                             \
  .kind = RD_LINEAR, .layered = true, .names = offsetof(rd_names, member),                         \
  .weights = offsetof(rd_layer, member), .gradient = offsetof(rd_layer_grad, member),              \
  .mid = offsetof(rd_layer_mids, member)

static const rd_part parts[] = {
    {"embed_tokens", RD_MATRIX, OF_MODEL(embedding), .rows = RD_VOCABULARY, .cols = RD_WIDTH},
    {"norm", RD_NORM, OF_MODEL(norm), .cols = RD_WIDTH},
    {"lm_head", RD_LINEAR, OF_MODEL(head), .rows = RD_VOCABULARY, .cols = RD_WIDTH,
     .there = untied},
    {"attention_norm", RD_NORM, OF_LAYER(attention_norm), .cols = RD_WIDTH, .there = pre_norms},
    {"attention_post_norm", RD_NORM, OF_LAYER(attention_post_norm), .cols = RD_WIDTH,
     .there = post_norms},
    {"mlp_norm", RD_NORM, OF_LAYER(mlp_norm), .cols = RD_WIDTH, .there = pre_norms},
    {"mlp_post_norm", RD_NORM, OF_LAYER(mlp_post_norm), .cols = RD_WIDTH, .there = post_norms},
    {"q_norm", RD_NORM, OF_LAYER(q_norm), .cols = RD_QUERY_NORM, .there = qk_norm},
    {"k_norm", RD_NORM, OF_LAYER(k_norm), .cols = RD_KEY_NORM, .there = qk_norm},
    {"q_proj", LINEAR(q), .rows = RD_QUERIES, .cols = RD_WIDTH, .bias = qkv_bias,
     .bias_needed = true, .rotated = true, .before = RD_NONE, .together = RD_FUSED_HEADS},
    {"k_proj", LINEAR(k), .rows = RD_KEYS, .cols = RD_WIDTH, .bias = qkv_bias, .bias_needed = true,
     .rotated = true, .before = RD_QUERIES, .together = RD_FUSED_HEADS},
    {"v_proj", LINEAR(v), .rows = RD_KEYS, .cols = RD_WIDTH, .bias = qkv_bias, .bias_needed = true,
     .before = RD_FUSED_KEYS, .together = RD_FUSED_HEADS},
    {"o_proj", LINEAR(o), .rows = RD_WIDTH, .cols = RD_QUERIES, .bias = out_bias, .residual = true},
    {"gate_proj", LINEAR(gate), .rows = RD_FEED_FORWARD, .cols = RD_WIDTH, .bias = mlp_bias,
     .before = RD_NONE, .together = RD_FUSED_GATE},
    {"up_proj", LINEAR(up), .rows = RD_FEED_FORWARD, .cols = RD_WIDTH, .bias = mlp_bias,
     .before = RD_FEED_FORWARD, .together = RD_FUSED_GATE},
    {"down_proj", LINEAR(down), .rows = RD_WIDTH, .cols = RD_FEED_FORWARD, .bias = mlp_bias,
     .residual = true},
};
enum { PARTS = sizeof parts / sizeof *parts, OF_THE_MODEL = 3 };

const rd_part *rd_parts(size_t *count) {
  *count = PARTS;
  return parts;
}

static const char *pattern(const rd_part *part, const rd_names *names) {
  return *(const char *const *)((const char *)names + part->names);
}

void rd_part_module(char *out, const rd_part *part, const rd_names *names, int64_t layer) {
  const char *text = pattern(part, names), *mark = text ? strstr(text, "%d") : NULL;
  if (mark)
    snprintf(out, RD_NAME, "%.*s%lld%s", (int)(mark - text), text, (long long)layer, mark + 2);
  else
    snprintf(out, RD_NAME, "%s", text ? text : "");
}

const char *rd_last_word(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

rd_walk rd_parts_of(const rd_config *c, const rd_names *names, const rd_weights *w,
                    const rd_gradient *g) {
  return (rd_walk){.config = c,
                   .names = names     ? names
                          : c->family ? c->family->names
                                      : NULL,
                   .weights = w,
                   .gradients = g,
                   .layer = -1,
                   .end = c->layers};
}

rd_walk rd_parts_of_layer(const rd_config *c, const rd_weights *w, int64_t layer) {
  rd_walk p = rd_parts_of(c, NULL, w, NULL);
  p.part = &parts[PARTS - 1]; /* of the layer before */
  p.layer = layer - 1;
  p.end = layer + 1;
  return p;
}

/* The member of a struct that is the reader's or the owner's. */
static void *member(const void *of, size_t offset) {
  return (char *)(uintptr_t)of + offset;
}

static void set_where(rd_walk *p) {
  const rd_part *part = p->part;
  int64_t l = p->layer;
  void *at = NULL, *g = NULL;
  if (p->weights)
    at = member(l < 0 ? (const void *)p->weights : &p->weights->layers[l], part->weights);
  if (p->gradients)
    g = member(l < 0 ? (const void *)p->gradients : &p->gradients->layers[l], part->gradient);
  bool linear = part->kind == RD_LINEAR, bias = p->kind == RD_BIAS;
  p->linear = linear && !bias ? at : NULL;
  p->grad = linear && !bias ? g : NULL;
  p->matrix = p->linear ? &p->linear->w : p->kind == RD_MATRIX ? at : NULL;
  p->vector = p->kind == RD_NORM ? at : bias && at ? &((rd_linear *)at)->bias : NULL;
  p->gradient = !g || !linear ? g : bias ? &((rd_linear_grad *)g)->bias : &((rd_linear_grad *)g)->w;
}

static void set_place(rd_walk *p, rd_part_kind kind) {
  const rd_part *part = p->part;
  const rd_config *c = p->config;
  bool bias = kind == RD_BIAS;
  int64_t rows = size_of(c, part->rows);
  p->kind = kind;
  p->rows = bias ? 1 : rows;
  p->cols = bias ? rows : size_of(c, part->cols);
  p->fused = p->names && p->names->fused && part->together != RD_ONE;
  p->before = p->fused ? size_of(c, part->before) : 0;
  p->stored = p->fused ? size_of(c, part->together) : rows;
  p->needed = !bias || part->bias_needed;
  if (p->names) {
    rd_part_module(p->module, part, p->names, p->layer);
    snprintf(p->name, RD_NAME, "%.*s%s", RD_NAME - 8, p->module, bias ? ".bias" : ".weight");
  }
  set_where(p);
}

static bool there(const rd_walk *p) {
  return (!p->part->there || p->part->there(p->config)) &&
         (!p->names || pattern(p->part, p->names));
}

bool rd_parts_next(rd_walk *p) {
  if (p->part && p->kind == RD_LINEAR && p->part->bias && p->part->bias(p->config)) {
    set_place(p, RD_BIAS);
    return true;
  }
  do {
    p->part = p->part ? p->part + 1 : parts;
    if (p->part == parts + OF_THE_MODEL || p->part == parts + PARTS) {
      if (++p->layer == p->end)
        return false;
      p->part = parts + OF_THE_MODEL;
    }
  } while (!there(p));
  set_place(p, p->part->kind);
  return true;
}

int64_t rd_parameter_count(const rd_config *c) {
  int64_t count = 0;
  rd_walk p = rd_parts_of(c, NULL, NULL, NULL);
  while (rd_parts_next(&p))
    count += p.needed ? p.rows * p.cols : 0;
  return count;
}

int64_t rd_weights_rank(const rd_weights *w, const rd_config *c) {
  int64_t rank = 0;
  rd_walk p = rd_parts_of(c, NULL, w, NULL);
  while (rd_parts_next(&p))
    if (p.linear && p.linear->a.rows > rank)
      rank = p.linear->a.rows;
  return rank;
}

static size_t most_room(const rd_weights *w, const rd_config *c, int64_t T) {
  size_t most = w->plain ? most_room(w->plain, c, T) : 0;
  rd_walk p = rd_parts_of(c, NULL, w, NULL);
  while (rd_parts_next(&p)) {
    const rd_rounding *rounding = p.linear ? p.linear->w.format->rounding : NULL;
    size_t room = rounding ? rounding->room(T, p.cols) : 0;
    most = room > most ? room : most;
  }
  return most;
}

/* Rows that are rounded in two parts begin twice where a vector may. */
size_t rd_weights_room(const rd_weights *w, const rd_config *c, int64_t T) {
  const size_t most = most_room(w, c, T);
  return most > 0 ? most + 2 * RD_ALIGNMENT : 0;
}
