/* SPDX-License-Identifier: MIT */
/* Listing, placing and starting the trained tensors. */
#include "parameters.h"

#include "family.h"
#include "ops.h"
#include "rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A new row of the list; NULL when memory is out. */
static rd_parameter *add(rd_parameters *p, int64_t rows, int64_t cols, rd_error *e) {
  if (p->count == p->capacity) {
    size_t capacity = p->capacity ? p->capacity * 2 : 128;
    rd_parameter *items = realloc(p->items, capacity * sizeof *items);
    if (!items) {
      rd_fail(e, RD_NO_MEMORY, "out of memory: the list of trained tensors");
      return NULL;
    }
    p->items = items;
    p->capacity = capacity;
  }
  rd_parameter *item = &p->items[p->count++];
  *item = (rd_parameter){.rows = rows, .cols = cols, .count = cols ? rows * cols : rows};
  p->total += item->count;
  return item;
}

static rd_code add_matrix(rd_parameters *p, int64_t rows, int64_t cols, const void **slot,
                          float **gradient, const void *source, rd_dtype source_type, float spread,
                          const char *name, rd_error *e) {
  rd_parameter *item = add(p, rows, cols, e);
  if (!item)
    return RD_NO_MEMORY;
  item->matrix = true;
  item->matrix_slot = slot;
  item->gradient_slot = gradient;
  item->start = source ? RD_START_SOURCE : RD_START_NORMAL;
  item->spread = spread;
  item->source = source;
  item->source_rows = rows;
  item->source_cols = cols;
  item->source_type = source_type;
  snprintf(item->name, sizeof item->name, "%s", name);
  return RD_OK;
}

static rd_code add_vector(rd_parameters *p, int64_t count, const float **slot, float **gradient,
                          const float *source, const char *name, rd_error *e) {
  rd_parameter *item = add(p, count, 0, e);
  if (!item)
    return RD_NO_MEMORY;
  item->vector_slot = slot;
  item->gradient_slot = gradient;
  item->start = source ? RD_START_SOURCE : RD_START_CONSTANT;
  item->spread = 1.0f;
  item->source = source;
  item->source_rows = 1;
  item->source_cols = count;
  item->source_type = RD_F32;
  snprintf(item->name, sizeof item->name, "%s", name);
  return RD_OK;
}

static rd_code add_norms(rd_parameters *p, const rd_weights *base, int64_t l, rd_error *e) {
  const rd_config *c = p->config;
  const rd_tensor_names *names = c->family->names;
  rd_layer *layer = &p->weights.layers[l];
  rd_layer_grad *grad = &p->gradient.layers[l];
  const rd_layer *from = base ? &base->layers[l] : NULL;
  struct {
    const char *name;
    int64_t count;
    const float **slot;
    float **gradient;
    const float *source;
  } rows[] = {
      {names->attention_norm, c->width, &layer->attention_norm, &grad->attention_norm,
       from ? from->attention_norm : NULL},
      {names->mlp_norm, c->width, &layer->mlp_norm, &grad->mlp_norm, from ? from->mlp_norm : NULL},
      {names->q_norm, c->head_dim, &layer->q_norm, &grad->q_norm, from ? from->q_norm : NULL},
      {names->k_norm, c->head_dim, &layer->k_norm, &grad->k_norm, from ? from->k_norm : NULL},
  };
  for (size_t i = 0; i < (c->qk_norm ? 4u : 2u); i++) {
    char name[120];
    rd_layer_name(name, sizeof name, rows[i].name, l, "");
    RD_TRY(add_vector(p, rows[i].count, rows[i].slot, rows[i].gradient, rows[i].source, name, e));
  }
  return RD_OK;
}

static rd_code add_projection(rd_parameters *p, const rd_weights *base, int64_t l, rd_projection k,
                              rd_error *e) {
  const rd_config *c = p->config;
  rd_linear *linear = &p->weights.layers[l].p[k];
  rd_linear_grad *grad = &p->gradient.layers[l].p[k];
  const rd_linear *from = base ? &base->layers[l].p[k] : NULL;
  bool residual = k == RD_O || k == RD_DOWN;
  float spread = residual ? 0.02f / sqrtf(2.0f * (float)c->layers) : 0.02f;
  char name[120];
  rd_layer_name(name, sizeof name, c->family->names->p[k], l, ".weight");
  RD_TRY(add_matrix(p, linear->out, linear->in, &linear->w, &grad->w, from ? from->w : NULL,
                    base ? base->type : RD_F32, spread, name, e));
  if (!from || !from->bias)
    return RD_OK;
  rd_layer_name(name, sizeof name, c->family->names->p[k], l, ".bias");
  return add_vector(p, linear->out, &linear->bias, &grad->bias, from->bias, name, e);
}

/* PEFT's start: A as nn.Linear (uniform within 1 / sqrt(in)), B zero, so the model is unchanged;
 * the same for what is added to the rank of an adapter. */
static rd_code add_factors(rd_parameters *p, const rd_weights *base, int64_t l, rd_projection k,
                           const rd_parameters_plan_options *o, rd_error *e) {
  rd_linear *linear = &p->weights.layers[l].p[k];
  rd_linear_grad *grad = &p->gradient.layers[l].p[k];
  const rd_linear *from = &base->layers[l].p[k];
  rd_fold *fold = &p->folds[l * RD_PROJECTIONS + k];
  int64_t rank = o->rank ? o->rank : from->rank ? from->rank : RD_DEFAULT_RANK;
  if (rank < from->rank)
    return rd_fail(e, RD_USAGE,
                   "lora_rank: %lld, and the adapter has %lld; a rank can grow or stay (0), not "
                   "shrink",
                   (long long)rank, (long long)from->rank);
  linear->rank = rank;
  if (from->rank == 0)
    linear->scale = o->alpha > 0 ? (float)(o->alpha / (double)rank) : 1.0f;
  const struct {
    const char *end;
    int64_t rows, cols;
    const void **slot;
    float **gradient;
    const void *source;
    rd_parameter_start start;
    float spread;
  } rows[] = {
      {".lora_A.weight", linear->rank, linear->in, &linear->lora_a, &grad->lora_a, from->lora_a,
       RD_START_UNIFORM, 1.0f / sqrtf((float)linear->in)},
      {".lora_B.weight", linear->out, linear->rank, &linear->lora_b, &grad->lora_b, from->lora_b,
       RD_START_CONSTANT, 0.0f},
  };
  for (size_t i = 0; i < 2; i++) {
    char name[120];
    rd_layer_name(name, sizeof name, p->config->family->names->p[k], l, rows[i].end);
    RD_TRY(add_matrix(p, rows[i].rows, rows[i].cols, rows[i].slot, rows[i].gradient, rows[i].source,
                      base->type, rows[i].spread, name, e));
    rd_parameter *item = &p->items[p->count - 1];
    item->start = rows[i].start;
    item->source_rows = i == 0 ? from->rank : linear->out;
    item->source_cols = i == 0 ? linear->in : from->rank;
  }
  if (!rd_fold_pays(rank, linear->out, linear->in, p->type))
    return RD_OK;
  *fold = (rd_fold){
      .rank = rank, .scale = linear->scale, .base = from->w, .out = linear->out, .in = linear->in};
  linear->rank = 0;
  return RD_OK;
}

/* Which projections "q_proj,v_proj" names. */
static rd_code parse_targets(const char *targets, bool wanted[RD_PROJECTIONS], rd_error *e) {
  bool any = false;
  for (const char *at = targets; at && *at;) {
    size_t n = strcspn(at, ", ");
    int found = -1;
    for (int k = 0; k < RD_PROJECTIONS; k++)
      if (strlen(rd_projection_names[k]) == n && memcmp(rd_projection_names[k], at, n) == 0)
        found = k;
    if (n > 0 && found < 0)
      return rd_fail(e, RD_USAGE,
                     "lora_targets: this model has no projection %.*s; it has q_proj, k_proj, "
                     "v_proj, o_proj, gate_proj, up_proj, down_proj",
                     (int)n, at);
    if (n > 0)
      any = wanted[found] = true;
    at += n + (at[n] != '\0');
  }
  return any ? RD_OK : rd_fail(e, RD_USAGE, "lora_targets: name at least one projection");
}

static rd_code plan_all(rd_parameters *p, const rd_weights *base, rd_error *e) {
  const rd_config *c = p->config;
  RD_TRY(add_matrix(p, c->vocab, c->width, &p->weights.embedding, &p->gradient.embedding,
                    base ? base->embedding : NULL, base ? base->type : RD_F32, 0.02f,
                    c->family->names->embedding, e));
  for (int64_t l = 0; l < c->layers; l++) {
    RD_TRY(add_norms(p, base, l, e));
    for (int k = 0; k < RD_PROJECTIONS; k++)
      RD_TRY(add_projection(p, base, l, (rd_projection)k, e));
  }
  RD_TRY(add_vector(p, c->width, &p->weights.norm, &p->gradient.norm, base ? base->norm : NULL,
                    c->family->names->norm, e));
  if (c->tied)
    return RD_OK;
  return add_matrix(p, c->vocab, c->width, &p->weights.head, &p->gradient.head,
                    base ? base->head : NULL, base ? base->type : RD_F32, 0.02f,
                    c->family->names->head, e);
}

static rd_code plan_factors(rd_parameters *p, const rd_weights *base,
                            const rd_parameters_plan_options *o, rd_error *e) {
  const rd_config *c = p->config;
  bool wanted[RD_PROJECTIONS] = {false};
  RD_TRY(parse_targets(o->targets, wanted, e));
  for (int64_t l = 0; l < c->layers; l++) {
    if (o->norms)
      RD_TRY(add_norms(p, base, l, e));
    for (int k = 0; k < RD_PROJECTIONS; k++)
      if (wanted[k] || base->layers[l].p[k].rank > 0)
        RD_TRY(add_factors(p, base, l, (rd_projection)k, o, e));
  }
  if (o->norms)
    RD_TRY(add_vector(p, c->width, &p->weights.norm, &p->gradient.norm, base->norm,
                      c->family->names->norm, e));
  return RD_OK;
}

/* The folded matrices and their gradients; A and B are the two items of the projection. */
static void lay_out_folds(rd_parameters *p, rd_arena *masters, rd_arena *state, bool place) {
  for (int64_t i = 0; i < p->config->layers * RD_PROJECTIONS; i++) {
    rd_fold *f = &p->folds[i];
    if (f->rank == 0)
      continue;
    rd_linear *linear = &p->weights.layers[i / RD_PROJECTIONS].p[i % RD_PROJECTIONS];
    rd_linear_grad *grad = &p->gradient.layers[i / RD_PROJECTIONS].p[i % RD_PROJECTIONS];
    float *sum = RD_TAKE(masters, float, f->out * f->in);
    float *dsum = RD_TAKE(state, float, f->out * f->in);
    if (!place)
      continue;
    f->a = linear->lora_a;
    f->b = linear->lora_b;
    f->da = grad->lora_a;
    f->db = grad->lora_b;
    linear->w = f->sum = sum;
    grad->w = f->dsum = dsum;
  }
}

/* The arenas' contents: the same code measures and places. */
static void lay_out(rd_parameters *p, rd_arena *masters, rd_arena *state, bool place) {
  for (int kind = 0; kind < 3; kind++) /* all gradients together: cleared in one sweep */
    for (size_t i = 0; i < p->count; i++) {
      rd_parameter *item = &p->items[i];
      float *taken = RD_TAKE(state, float, (size_t)item->count);
      if (place)
        *(kind == 0 ? &item->gradient : kind == 1 ? &item->m : &item->v) = taken;
    }
  for (size_t i = 0; i < p->count; i++) {
    rd_parameter *item = &p->items[i];
    float *master = RD_TAKE(masters, float, (size_t)item->count);
    void *working = master;
    if (item->matrix && p->type != RD_F32)
      working = rd_arena_take(masters, (size_t)item->count, rd_dtype_size(p->type));
    if (!place)
      continue;
    item->master = master;
    item->working = working;
    if (item->matrix)
      *item->matrix_slot = working;
    else
      *item->vector_slot = master;
    *item->gradient_slot = item->gradient;
  }
  lay_out_folds(p, masters, state, place);
  if (place && p->config->tied)
    p->weights.head = p->weights.embedding;
}

rd_code rd_parameters_plan(rd_parameters *p, const rd_config *config, const rd_weights *base,
                           rd_dtype type, const rd_parameters_plan_options *options, rd_error *e) {
  *p = (rd_parameters){.config = config, .type = type};
  size_t layers = (size_t)config->layers;
  p->weights.layers = rd_calloc(layers, sizeof *p->weights.layers, "layers", e);
  p->gradient.layers = rd_calloc(layers, sizeof *p->gradient.layers, "gradients of layers", e);
  p->folds = rd_calloc(layers * RD_PROJECTIONS, sizeof *p->folds, "folded factors", e);
  if (!p->weights.layers || !p->gradient.layers || !p->folds)
    return RD_NO_MEMORY;
  p->weights.type = type;
  if (base) {
    rd_layer *own = p->weights.layers;
    memcpy(own, base->layers, layers * sizeof *own);
    p->weights.embedding = base->embedding;
    p->weights.head = base->head;
    p->weights.norm = base->norm;
    if (!options->all && base->type != type)
      return rd_fail(e, RD_UNSUPPORTED, "the frozen weights are %s and the run wants %s",
                     rd_dtype_name(base->type), rd_dtype_name(type));
  } else {
    for (int64_t l = 0; l < config->layers; l++)
      for (int k = 0; k < RD_PROJECTIONS; k++) {
        rd_linear *linear = &p->weights.layers[l].p[k];
        rd_projection_shape(config, (rd_projection)k, &linear->out, &linear->in);
      }
  }
  if (options->all)
    RD_TRY(plan_all(p, base, e));
  else
    RD_TRY(plan_factors(p, base, options, e));
  rd_arena masters = rd_arena_measure(), state = rd_arena_measure();
  lay_out(p, &masters, &state, false);
  p->master_bytes = masters.used;
  p->state_bytes = state.used;
  return RD_OK;
}

static void fill(rd_parameter *item, uint64_t seed, uint32_t index) {
  rd_rng rng = rd_rng_at(seed, RD_STREAM_INIT, index, 0);
  if (item->start == RD_START_NORMAL) {
    for (int64_t i = 0; i < item->count; i++)
      item->master[i] = (float)rd_rng_normal(&rng) * item->spread;
  } else if (item->start == RD_START_UNIFORM) {
    for (int64_t i = 0; i < item->count; i++)
      item->master[i] = (float)(2.0 * rd_rng_uniform(&rng) - 1.0) * item->spread;
  } else if (item->start == RD_START_CONSTANT) {
    for (int64_t i = 0; i < item->count; i++)
      item->master[i] = item->spread;
  }
  for (int64_t r = 0; item->source && r < item->source_rows; r++)
    rd_cast(item->master + r * item->cols, RD_F32,
            rd_at_const(item->source, item->source_type, r * item->source_cols), item->source_type,
            item->source_cols);
}

rd_code rd_parameters_place(rd_parameters *p, uint64_t seed, rd_error *e) {
  RD_TRY(rd_arena_init(&p->master_arena, p->master_bytes, "trained weights", e));
  RD_TRY(rd_arena_init(&p->state_arena, p->state_bytes, "gradients and optimizer", e));
  lay_out(p, &p->master_arena, &p->state_arena, true);
  for (size_t i = 0; i < p->count; i++)
    fill(&p->items[i], seed, (uint32_t)i);
  return rd_parameters_refresh(p, e);
}

rd_code rd_parameters_adopt(rd_parameters *p, const rd_tensors *tensors, const char *prefix,
                            rd_error *e) {
  for (size_t i = 0; i < p->count; i++) {
    rd_parameter *item = &p->items[i];
    char name[160];
    snprintf(name, sizeof name, "%s%s", prefix, item->name);
    const rd_tensor *tensor = rd_tensors_find(tensors, name);
    if (!tensor || rd_tensor_count(tensor) != item->source_rows * item->source_cols)
      continue;
    size_t row = tensor->size / (size_t)item->source_rows;
    for (int64_t r = 0; r < item->source_rows; r++)
      tensor->storage->decode(item->master + r * item->cols, tensor->data + (size_t)r * row,
                              item->source_cols);
  }
  return rd_parameters_refresh(p, e);
}

static rd_code each_fold(rd_parameters *p, rd_code (*act)(rd_fold *, rd_error *), rd_error *e) {
  for (int64_t i = 0; i < p->config->layers * RD_PROJECTIONS; i++)
    if (p->folds[i].rank > 0)
      RD_TRY(act(&p->folds[i], e));
  return RD_OK;
}

rd_code rd_parameters_refresh(rd_parameters *p, rd_error *e) {
  for (size_t i = 0; i < p->count; i++) {
    rd_parameter *item = &p->items[i];
    if (item->working != item->master)
      rd_cast(item->working, p->type, item->master, RD_F32, item->count);
  }
  return each_fold(p, rd_fold_refresh, e);
}

rd_code rd_parameters_unfold(rd_parameters *p, rd_error *e) {
  return each_fold(p, rd_fold_gradients, e);
}

int64_t rd_parameters_rank(const rd_parameters *p, int64_t layer, rd_projection k, float *scale) {
  const rd_fold *fold = &p->folds[layer * RD_PROJECTIONS + k];
  const rd_linear *linear = &p->weights.layers[layer].p[k];
  *scale = fold->rank > 0 ? fold->scale : linear->scale;
  return fold->rank > 0 ? fold->rank : linear->rank;
}

void rd_parameters_drop(rd_parameters *p) {
  rd_arena_drop(&p->master_arena);
  rd_arena_drop(&p->state_arena);
  free(p->items);
  free(p->folds);
  free(p->weights.layers);
  free(p->gradient.layers);
  *p = (rd_parameters){0};
}

void rd_parameters_clear(rd_parameters *p) {
  for (size_t i = 0; i < p->count; i++)
    memset(p->items[i].gradient, 0, (size_t)p->items[i].count * sizeof(float));
  for (int64_t i = 0; i < p->config->layers * RD_PROJECTIONS; i++)
    if (p->folds[i].rank > 0)
      memset(p->folds[i].dsum, 0, (size_t)(p->folds[i].out * p->folds[i].in) * sizeof(float));
}

double rd_parameters_norm(const rd_parameters *p, double scale) {
  double sum = 0;
  for (size_t i = 0; i < p->count; i++)
    sum += rd_sum_squares(p->items[i].gradient, p->items[i].count);
  return sqrt(sum) * scale;
}
