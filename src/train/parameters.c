/* SPDX-License-Identifier: MIT */
/* Listing, placing and starting the trained tensors. */
#include "parameters.h"

#include "ops.h"
#include "packed.h"
#include "rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A new row of the list; NULL when memory is out. */
static rd_parameter *add(rd_parameters *p, const char *name, const char *end, int64_t rows,
                         int64_t cols, rd_error *e) {
  if (rd_grow_one((void **)&p->items, p->count, sizeof *p->items, e) != RD_OK)
    return NULL;
  rd_parameter *item = &p->items[p->count++];
  *item = (rd_parameter){.rows = rows, .cols = cols, .count = rows * cols};
  snprintf(item->name, sizeof item->name, "%.*s%s", RD_NAME - 16, name, end);
  p->total += item->count;
  return item;
}

/* All of a weight. What lies there so far is where it starts; from then on it has its shape alone,
 * until it is placed. */
static rd_code add_place(rd_parameters *p, const rd_walk *at, rd_error *e) {
  rd_matrix source =
      at->matrix ? *at->matrix : rd_matrix_at(rd_format_of(RD_F32), *at->vector, 1, at->cols);
  if (at->kind == RD_BIAS && !source.data)
    return RD_OK;
  rd_parameter *item = add(p, at->name, "", at->rows, at->cols, e);
  if (!item)
    return RD_NO_MEMORY;
  float spread = at->part->residual ? 0.02f / sqrtf(2.0f * (float)p->config->layers) : 0.02f;
  item->matrix = at->matrix;
  item->vector = at->vector;
  item->less = at->kind == RD_NORM && p->config->family && p->config->family->norms_less_one;
  item->slot = at->gradient;
  item->source = source;
  item->start = source.data ? RD_START_SOURCE : at->matrix ? RD_START_NORMAL : RD_START_CONSTANT;
  item->spread = at->matrix ? spread : 1.0f;
  if (at->matrix)
    *at->matrix = rd_matrix_at(rd_format_of(p->type), NULL, at->rows, at->cols);
  return RD_OK;
}

/* PEFT's start: A as nn.Linear (uniform within 1 / sqrt(in)), B zero, so the model is unchanged;
 * the same for what is added to the rank of an adapter. */
static rd_code add_factors(rd_parameters *p, const rd_walk *at, const rd_parameters_plan_options *o,
                           rd_error *e) {
  rd_linear *l = at->linear;
  int64_t had = l->a.rows, rank = o->rank ? o->rank : had ? had : o->usual_rank;
  if (rank < had)
    return rd_fail(e, RD_USAGE,
                   "lora_rank: %lld, and the adapter has %lld; a rank can grow or stay (0), not "
                   "shrink",
                   (long long)rank, (long long)had);
  if (had > 0 && o->alpha > 0 && fabs(o->alpha / (double)rank - l->scale) > 1e-6 * l->scale)
    return rd_fail(e, RD_USAGE, "lora_alpha: %g, and of %s the adapter has %g; leave it out",
                   o->alpha, at->module, (double)l->scale * (double)rank);
  if (had == 0) {
    l->scale = o->alpha > 0 ? (float)(o->alpha / (double)rank) : 1.0f;
    p->new_modules++;
    p->new_rank = rank;
  }
  rd_fold *fold = NULL;
  if (!o->elsewhere && rd_factors_fold(rank, at->rows, at->cols, p->type)) {
    fold = &p->folds[p->fold_count++];
    *fold = (rd_fold){.linear = l, .base = l->w, .scale = l->scale, .grad = at->grad};
  }
  const struct {
    const char *end;
    rd_matrix source, *matrix;
    float **slot;
    int64_t rows, cols;
    rd_parameter_start start;
    float spread;
  } factors[] = {
      {".lora_A.weight", l->a, fold ? &fold->a : &l->a, fold ? &fold->da : &at->grad->a, rank,
       at->cols, RD_START_UNIFORM, 1.0f / sqrtf((float)at->cols)},
      {".lora_B.weight", l->b, fold ? &fold->b : &l->b, fold ? &fold->db : &at->grad->b, at->rows,
       rank, RD_START_CONSTANT, 0.0f},
  };
  if (fold) { /* the pass sees the sum alone */
    l->plain = o->gated ? &fold->base : NULL;
    l->w = rd_matrix_at(rd_format_of(RD_F32), NULL, at->rows, at->cols);
    l->a = l->b = (rd_matrix){0};
  }
  for (size_t i = 0; i < 2; i++) {
    rd_parameter *item = add(p, at->module, factors[i].end, factors[i].rows, factors[i].cols, e);
    if (!item)
      return RD_NO_MEMORY;
    item->matrix = factors[i].matrix;
    item->slot = factors[i].slot;
    item->scale = l->scale;
    item->start = factors[i].start;
    item->spread = factors[i].spread;
    item->source = factors[i].source;
    *item->matrix = rd_matrix_at(rd_format_of(p->type), NULL, item->rows, item->cols);
  }
  return RD_OK;
}

/* The next word of "q_proj,v_proj", of *size bytes; NULL behind the last. */
static const char *next_word(const char *at, size_t *size) {
  at += strspn(at, ", ");
  *size = strcspn(at, ", ");
  return *size ? at : NULL;
}

static bool names(const char *targets, const char *name) {
  size_t size = 0;
  for (const char *at = targets; at && (at = next_word(at, &size)); at += size)
    if (strlen(name) == size && memcmp(name, at, size) == 0)
      return true;
  return false;
}

rd_code rd_parameters_check_targets(const char *targets, rd_error *e) {
  size_t count = 0, size = 0, words = 0, length = 0;
  const rd_part *parts = rd_parts(&count);
  char known[256] = "";
  for (size_t i = 0; i < count; i++)
    if (parts[i].kind == RD_LINEAR && parts[i].layered)
      length += (size_t)snprintf(known + length, sizeof known - length, "%s%s", length ? ", " : "",
                                 parts[i].name);
  for (const char *at = targets; at && (at = next_word(at, &size)); at += size, words++) {
    char word[64];
    snprintf(word, sizeof word, "%.*s", (int)size, at);
    if (!names(known, word))
      return rd_fail(e, RD_USAGE, "lora_targets: this model has no projection %s; it has %s", word,
                     known);
  }
  return words ? RD_OK : rd_fail(e, RD_USAGE, "lora_targets: name at least one projection");
}

/* Without a list of targets: does any module have factors? */
static bool has_factors(const rd_parameters *p) {
  rd_walk at = rd_parts_of(p->config, NULL, &p->weights, NULL);
  while (rd_parts_next(&at))
    if (at.linear && at.linear->a.rows > 0)
      return true;
  return false;
}

/* The order of the list is that of a pass, and never changes, since random numbers follow it: the
 * embedding, the layers, the final norm, the head. */
static rd_code plan_items(rd_parameters *p, const rd_parameters_plan_options *o, rd_error *e) {
  if (!o->all && o->targets)
    RD_TRY(rd_parameters_check_targets(o->targets, e));
  const bool every = !o->targets && !has_factors(p);
  for (int behind = 0; behind < 2; behind++) {
    rd_walk at = rd_parts_of(p->config, NULL, &p->weights, &p->gradient);
    while (rd_parts_next(&at)) {
      if ((at.layer < 0 && at.kind != RD_MATRIX) != behind)
        continue;
      if (o->all || (o->norms && at.kind == RD_NORM))
        RD_TRY(add_place(p, &at, e));
      else if (at.linear && (at.linear->a.rows > 0 || names(o->targets, at.part->name) ||
                             (every && at.part->layered)))
        RD_TRY(add_factors(p, &at, o, e));
    }
  }
  return RD_OK;
}

/* The folded matrices. */
static void lay_out_folds(rd_parameters *p, rd_arena *masters, bool place) {
  for (size_t i = 0; i < p->fold_count; i++) {
    const rd_fold *f = &p->folds[i];
    float *sum = RD_TAKE(masters, float, f->base.rows * f->base.cols);
    if (place)
      f->linear->w.data = sum;
  }
}

/* All gradients together, so that they are one array to whoever sums them: of the parameters, of
 * folded matrices; then what their sum needs, and the moments. */
static void lay_out_state(rd_parameters *p, rd_arena *state, bool place) {
  const size_t before = state->used;
  float *values = rd_arena_take(state, 0, 1);
  for (int kind = 0; kind < 3; kind++) {
    for (size_t i = 0; i < p->count; i++) {
      rd_parameter *item = &p->items[i];
      float *taken = RD_TAKE(state, float, (size_t)item->count);
      if (place)
        *(kind == 0 ? &item->gradient : kind == 1 ? &item->m : &item->v) = taken;
    }
    if (kind > 0)
      continue;
    for (size_t i = 0; i < p->fold_count; i++) {
      const rd_fold *f = &p->folds[i];
      float *dsum = RD_TAKE(state, float, f->base.rows * f->base.cols);
      if (place)
        f->grad->w = dsum;
    }
    p->sum = (rd_ranks_sum){.values = values,
                            .count = (int64_t)((state->used - before) / sizeof(float))};
    if (p->apart) {
      p->sum.total = RD_TAKE(state, float, rd_ranks_sum_room(p->apart, p->sum.count));
      p->sum.pieces = RD_TAKE(state, float, rd_ranks_sum_pieces(p->apart));
    }
  }
}

/* Before anything is placed it has the sizes alone. */
static void list_trained(rd_parameters *p) {
  for (size_t i = 0; i < p->count; i++) {
    const rd_parameter *item = &p->items[i];
    p->trained[i] = (rd_trained){.master = item->master,
                                 .gradient = item->gradient,
                                 .m = item->m,
                                 .v = item->v,
                                 .count = item->count,
                                 .decays = item->matrix != NULL};
  }
}

/* The arenas' contents: the same code measures and places. */
static void lay_out(rd_parameters *p, rd_arena *masters, rd_arena *state, bool place) {
  lay_out_state(p, state, place);
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
      item->matrix->data = working;
    else
      *item->vector = master;
    *item->slot = item->gradient;
  }
  lay_out_folds(p, masters, place);
  /* the embedding, where it is trained, is the first of the list */
  if (p->config->tied && p->count > 0 && p->items[0].matrix == &p->weights.embedding) {
    p->weights.head.w = p->weights.embedding;
    p->gradient.head.w = p->gradient.embedding;
  }
}

/* A model without an adapter is its own plain form. */
static void begin_gate(rd_parameters *p, const rd_weights *base) {
  p->weights.plain = base;
  for (int64_t l = 0; l < p->config->layers; l++)
    p->weights.layers[l].plain = &base->layers[l];
}

rd_code rd_parameters_plan(rd_parameters *p, const rd_config *config, const rd_weights *base,
                           rd_dtype type, const rd_parameters_plan_options *options, rd_error *e) {
  *p = (rd_parameters){.config = config,
                       .type = type,
                       .packed = !options->all && !options->elsewhere,
                       .apart = options->apart};
  size_t layers = (size_t)config->layers, linears = 0;
  rd_walk at = rd_parts_of(config, NULL, NULL, NULL);
  while (rd_parts_next(&at))
    linears += at.kind == RD_LINEAR;
  rd_layer *own = rd_calloc(layers, sizeof *own, "layers", e);
  if (base && own)
    memcpy(own, base->layers, layers * sizeof *own);
  if (base)
    p->weights = *base;
  p->weights.layers = own;
  p->gradient.layers = rd_calloc(layers, sizeof *p->gradient.layers, "gradients of layers", e);
  p->folds = rd_calloc(linears, sizeof *p->folds, "folded factors", e);
  if (!own || !p->gradient.layers || !p->folds)
    return RD_NO_MEMORY;
  if (base && !options->all && base->type != type)
    return rd_fail(e, RD_UNSUPPORTED, "the frozen weights are %s and the run wants %s",
                   rd_dtype_name(base->type), rd_dtype_name(type));
  p->weights.type = type;
  if (base && options->gated && !base->plain)
    begin_gate(p, base);
  RD_TRY(plan_items(p, options, e));
  p->trained = rd_calloc(p->count, sizeof *p->trained, "the list of trained tensors", e);
  if (!p->trained)
    return RD_NO_MEMORY;
  list_trained(p);
  rd_arena masters = rd_arena_measure(), state = rd_arena_measure();
  lay_out(p, &masters, &state, false);
  p->master_bytes = masters.used;
  p->state_bytes = state.used;
  p->packed_bytes = p->packed ? rd_weights_packed_size(&p->weights, config) : 0;
  return RD_OK;
}

/* The first rows and columns of the master. */
static void copy_rows(rd_parameter *item, const rd_matrix *from) {
  for (int64_t r = 0; from->data && r < from->rows; r++)
    rd_matrix_decode(item->master + r * item->cols, from, r, 1);
}

static void begin(rd_parameter *item, uint64_t seed, uint32_t index) {
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
  copy_rows(item, &item->source);
}

rd_code rd_parameters_place(rd_parameters *p, uint64_t seed, rd_error *e) {
  RD_TRY(rd_arena_init(&p->master_arena, p->master_bytes, "trained weights", e));
  RD_TRY(rd_arena_init(&p->state_arena, p->state_bytes, "gradients and optimizer", e));
  lay_out(p, &p->master_arena, &p->state_arena, true);
  list_trained(p);
  if (p->packed)
    RD_TRY(rd_weights_pack(&p->weights, p->config, &p->packed_arena, e));
  for (size_t i = 0; i < p->count; i++)
    begin(&p->items[i], seed, (uint32_t)i);
  return rd_parameters_refresh(p, e);
}

rd_code rd_parameters_adopt(rd_parameters *p, const rd_tensors *tensors, const char *prefix,
                            rd_error *e) {
  for (size_t i = 0; i < p->count; i++) {
    rd_parameter *item = &p->items[i];
    char name[160];
    snprintf(name, sizeof name, "%s%s", prefix, item->name);
    const rd_tensor *tensor = rd_tensors_find(tensors, name);
    rd_matrix held = item->source;
    if (!tensor || rd_tensor_count(tensor) != held.rows * held.cols)
      continue;
    RD_TRY(rd_tensor_readable(tensor, e));
    held = rd_matrix_at(tensor->format, tensor->data, held.rows, held.cols);
    copy_rows(item, &held);
    for (int64_t k = 0; item->less != 0 && k < item->count; k++)
      item->master[k] += item->less;
  }
  return rd_parameters_refresh(p, e);
}

rd_code rd_parameters_refresh(rd_parameters *p, rd_error *e) {
  for (size_t i = 0; i < p->count; i++) {
    rd_parameter *item = &p->items[i];
    if (item->working != item->master)
      rd_cast(item->working, p->type, item->master, RD_F32, item->count);
  }
  for (size_t i = 0; i < p->fold_count; i++)
    RD_TRY(rd_fold_refresh(&p->folds[i], e));
  return RD_OK;
}

rd_code rd_parameters_unfold(rd_parameters *p, rd_error *e) {
  for (size_t i = 0; i < p->fold_count; i++)
    RD_TRY(rd_fold_gradients(&p->folds[i], e));
  return RD_OK;
}

rd_code rd_parameter_tensor(rd_tensor *out, const rd_parameter *item, const char *prefix,
                            rd_dtype type, const void *data, rd_error *e) {
  bool matrix = item->matrix != NULL;
  *out = (rd_tensor){.name = rd_print("%s%s", prefix, item->name),
                     .format = rd_format_of(type),
                     .dims = matrix ? 2 : 1,
                     .shape = {matrix ? item->rows : item->cols, matrix ? item->cols : 1, 1, 1},
                     .data = data ? data : item->master,
                     .size = (size_t)item->count * rd_dtype_size(type)};
  return out->name ? RD_OK : rd_fail(e, RD_NO_MEMORY, "out of memory: the list of tensors");
}

void rd_parameters_drop(rd_parameters *p) {
  rd_arena_drop(&p->master_arena);
  rd_arena_drop(&p->state_arena);
  rd_arena_drop(&p->packed_arena);
  free(p->items);
  free(p->folds);
  free(p->trained);
  free(p->weights.layers);
  free(p->gradient.layers);
  *p = (rd_parameters){0};
}

double rd_parameters_norm(const rd_parameters *p, double scale) {
  double sum = 0;
  for (size_t i = 0; i < p->count; i++)
    sum += rd_sum_squares(p->items[i].gradient, p->items[i].count);
  return sqrt(sum) * scale;
}
