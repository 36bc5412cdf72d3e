/* SPDX-License-Identifier: MIT */
/* Binding, one visitor: a place's tensor is used where it lies, or its rows are decoded, looked
 * through, given what the adapter adds, and packed. */
#include "bind.h"

#include <string.h>

#include "ops.h"
#include "rope.h"

/* A matrix has two sizes, a vector (its one row) one. */
static rd_code check_shape(const rd_tensor *t, int dims, int64_t rows, int64_t cols, rd_error *e) {
  const int64_t both[2] = {rows, cols}, *wanted = both + 2 - dims;
  bool same = t->dims == dims && memcmp(t->shape, wanted, (size_t)dims * sizeof *wanted) == 0;
  char expected[64], found[96];
  if (same)
    return RD_OK;
  return rd_fail(e, RD_BAD_INPUT, "tensor %s: expected shape %s, found %s", t->name,
                 rd_shape_text(expected, sizeof expected, wanted, dims),
                 rd_shape_text(found, sizeof found, t->shape, t->dims));
}

static rd_code find(const rd_tensors *tensors, const char *name, bool needed, const rd_tensor **out,
                    rd_error *e) {
  *out = rd_tensors_find(tensors, name);
  return *out || !needed ? RD_OK : rd_fail(e, RD_BAD_INPUT, "tensor %s is missing", name);
}

/* What a matrix is made from. */
typedef struct source {
  const rd_tensor *tensor;
  rd_matrix stored;
  rd_factors factors; /* of rank 0: none */
} source;

static rd_code check_finite(const rd_tensor *t, const float *x, int64_t first, int64_t count,
                            rd_error *e) {
  int64_t bad = 0;
  if (rd_all_finite(x, RD_F32, count, &bad))
    return RD_OK;
  return rd_fail(e, RD_NUMERIC, "tensor %s: element %lld is NaN or infinite; the file is damaged",
                 t->name, (long long)(first + bad));
}

static rd_code rows_of(void *context, float *out, float *room, int64_t first, int64_t count,
                       rd_error *e) {
  const source *s = context;
  int64_t cols = s->stored.cols;
  rd_matrix_decode(out, &s->stored, first, count);
  RD_TRY(check_finite(s->tensor, out, first * cols, count * cols, e));
  return s->factors.rank ? rd_factors_add(&s->factors, out, room, first, count, cols, e) : RD_OK;
}

/* Integer groups from blocks, without numbers in between. */
static rd_code regroup(const source *s, const rd_matrix *out, rd_error *e) {
  if (out->format->regroup(out, &s->stored))
    return RD_OK;
  RD_TRY(rd_tensor_check(s->tensor, e));
  return rd_fail(e, RD_NUMERIC, "tensor %s: a scale is no number; the file is damaged",
                 s->tensor->name);
}

/* The matrix of a tensor in `format`; `factors` NULL: nothing is added. */
static rd_code bind_matrix(const rd_binder *b, const rd_tensor *t, const rd_format *format,
                           int64_t rows, int64_t cols, const rd_factors *factors, rd_matrix *out,
                           rd_error *e) {
  RD_TRY(rd_tensor_readable(t, e));
  RD_TRY(check_shape(t, 2, rows, cols, e));
  source s = {.tensor = t, .stored = rd_matrix_at(t->format, t->data, rows, cols)};
  *out = s.stored;
  if (t->format == format && !factors)
    return RD_OK;
  if (factors)
    s.factors = *factors;
  *out = rd_matrix_take(format, rows, cols, b->arena);
  if (!b->arena->base)
    return RD_OK;
  return format->regroup && !factors ? regroup(&s, out, e) : rd_matrix_fill(out, rows_of, &s, e);
}

static rd_code bind_vector(const rd_binder *b, const rd_tensor *t, int64_t n, const float **out,
                           rd_error *e) {
  RD_TRY(rd_tensor_readable(t, e));
  RD_TRY(check_shape(t, 1, 1, n, e));
  bool placed = b->arena->base != NULL;
  if (t->format->dtype == RD_F32) {
    *out = (const float *)(const void *)t->data;
    return placed ? check_finite(t, *out, 0, n, e) : RD_OK;
  }
  float *copy = RD_TAKE(b->arena, float, n);
  *out = copy;
  if (!placed)
    return RD_OK;
  t->format->decode(copy, t->data, n);
  return check_finite(t, copy, 0, n, e);
}

/* A norm that was trained with the adapter takes the place of the model's. */
static rd_code bind_norm(rd_binder *b, const rd_walk *p, rd_error *e) {
  const rd_tensor *t = NULL;
  char module[RD_NAME];
  if (b->adapter) {
    rd_part_module(module, p->part, p->config->family->names, p->layer);
    t = rd_adapter_norm(b->adapter, module);
    b->used += t != NULL;
  }
  if (!t && b->plain)
    return RD_OK;
  if (!t)
    RD_TRY(find(b->tensors, p->name, true, &t, e));
  return bind_vector(b, t, p->cols, p->vector, e);
}

/* Rows of B go where a model with interleaved rotation has them. */
static void reorder(const rd_binder *b, const rd_walk *p, rd_matrix *m) {
  size_t row = rd_matrix_row(m);
  void *ordered = rd_arena_take(b->arena, (size_t)m->rows, row);
  if (b->arena->base)
    rd_rope_reorder(ordered, m->data, m->rows, p->config->head_dim, row, true);
  m->data = ordered;
}

/* The adapter's factors for a linear: beside it, or into *merged. */
static rd_code bind_factors(rd_binder *b, const rd_walk *p, rd_factors *merged, rd_error *e) {
  const rd_tensor *ta = NULL, *tb = NULL;
  char module[RD_NAME];
  int64_t rank = 0;
  float scale = 0;
  rd_part_module(module, p->part, p->config->family->names, p->layer);
  RD_TRY(rd_adapter_factors(b->adapter, module, &ta, &tb, &rank, &scale, e));
  if (!ta)
    return RD_OK;
  bool merge = b->use == RD_ADAPTER_MERGED ||
               (b->use == RD_ADAPTER_AUTO && rd_factors_thick(rank, p->rows, p->cols));
  const rd_format *format = rd_format_of(merge ? RD_F32 : b->precision.type);
  rd_matrix fa, fb;
  RD_TRY(bind_matrix(b, ta, format, rank, p->cols, NULL, &fa, e));
  RD_TRY(bind_matrix(b, tb, format, p->rows, rank, NULL, &fb, e));
  if (p->config->rope_interleaved && p->part->rotated)
    reorder(b, p, &fb);
  b->used += 2;
  if (merge) {
    *merged = (rd_factors){fa.data, fb.data, rank, scale};
  } else {
    p->linear->a = fa;
    p->linear->b = fb;
    p->linear->scale = scale;
  }
  return RD_OK;
}

static rd_code bind_linear(rd_binder *b, const rd_walk *p, rd_error *e) {
  const rd_tensor *t = NULL;
  rd_factors merged = {0};
  RD_TRY(find(b->tensors, p->name, true, &t, e));
  rd_code code = b->adapter ? bind_factors(b, p, &merged, e) : RD_OK;
  if (code != RD_OK)
    return rd_prefix(e, code, "adapter %s", b->adapter->folder);
  if (b->plain && merged.rank == 0)
    return RD_OK;
  /* sums with an adapter are numbers of 32 bits */
  const rd_format *from = merged.rank ? rd_format_of(RD_F32) : t->format;
  return bind_matrix(b, t, rd_precision_format(b->precision.row, from), p->rows, p->cols,
                     merged.rank ? &merged : NULL, p->matrix, e);
}

static rd_code bind_bias(const rd_binder *b, const rd_walk *p, rd_error *e) {
  const rd_tensor *t = NULL;
  RD_TRY(find(b->tensors, p->name, p->needed, &t, e));
  return t ? bind_vector(b, t, p->cols, p->vector, e) : RD_OK;
}

/* Rows are looked up where they lie in the file, unless products take plain numbers that are
 * narrower: then those count. A tied model stores its one matrix under either name. */
static rd_code bind_embedding(const rd_binder *b, const rd_walk *p, rd_weights *w, rd_error *e) {
  const rd_tensor *t = NULL;
  bool tied = p->config->tied;
  char head[RD_NAME];
  snprintf(head, sizeof head, "%s.weight", b->names->head);
  RD_TRY(find(b->tensors, p->name, !tied, &t, e));
  if (!t)
    RD_TRY(find(b->tensors, head, true, &t, e));
  const rd_format *stored = t->format, *products = rd_precision_format(b->precision.row, stored);
  bool narrower = stored->block == 1 && products->block == 1 && products->bytes < stored->bytes;
  const rd_format *format = narrower ? products : stored;
  RD_TRY(bind_matrix(b, t, format, p->rows, p->cols, NULL, p->matrix, e));
  w->head.w = *p->matrix;
  return tied && products != format
           ? bind_matrix(b, t, products, p->rows, p->cols, NULL, &w->head.w, e)
           : RD_OK;
}

static rd_code bind_place(rd_binder *b, const rd_walk *p, rd_weights *w, rd_error *e) {
  switch (p->kind) {
  case RD_MATRIX:
    return bind_embedding(b, p, w, e);
  case RD_LINEAR:
    return bind_linear(b, p, e);
  case RD_NORM:
    return bind_norm(b, p, e);
  case RD_BIAS:
    return bind_bias(b, p, e);
  }
  return RD_OK;
}

/* An adapter over a plain model: what it leaves alone is what lies there already. */
static rd_code bind_over(rd_binder *b, const rd_walk *p, const rd_walk *plain, rd_error *e) {
  if (p->kind == RD_NORM)
    return bind_norm(b, p, e);
  if (p->kind != RD_LINEAR)
    return RD_OK;
  RD_TRY(bind_linear(b, p, e));
  if (p->linear->w.data != plain->linear->w.data)
    p->linear->plain = &plain->linear->w;
  return RD_OK;
}

/* All is the plain model's; its places are its own. */
static void begin_over(const rd_binder *b, const rd_config *c, rd_weights *w, rd_layer *layers) {
  *w = *b->plain;
  w->layers = layers;
  w->plain = b->plain;
  for (int64_t l = 0; l < c->layers; l++) {
    layers[l] = b->plain->layers[l];
    layers[l].plain = &b->plain->layers[l];
  }
}

rd_code rd_bind_weights(rd_binder *b, const rd_config *c, rd_weights *w, rd_error *e) {
  rd_layer *layers = w->layers;
  *w = (rd_weights){.type = b->precision.type, .layers = layers};
  memset(layers, 0, (size_t)c->layers * sizeof *layers);
  if (b->plain)
    begin_over(b, c, w, layers);
  b->used = 0;
  rd_walk p = rd_parts_of(c, b->names, w, NULL), plain = rd_parts_of(c, b->names, b->plain, NULL);
  while (rd_parts_next(&p) && rd_parts_next(&plain))
    RD_TRY(b->plain ? bind_over(b, &p, &plain, e) : bind_place(b, &p, w, e));
  size_t count = b->adapter ? b->adapter->tensors.count : 0;
  if (b->used == count)
    return RD_OK;
  return rd_fail(
      e, RD_BAD_INPUT,
      "adapter %s: %zu of its %zu tensors have no place in a %s model of %lld layers; it "
      "was made for another model",
      b->adapter->folder, count - b->used, count, c->family->name, (long long)c->layers);
}
