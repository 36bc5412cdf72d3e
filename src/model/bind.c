/* SPDX-License-Identifier: MIT */
/* Binding: small tensors (norms, biases) and converted ones are scanned for NaN and infinity;
 * matrices used in place are not, so that a 16 GB mapping opens without being read. */
#include "bind.h"

#include "ops.h"

#include <stdio.h>
#include <string.h>

static rd_code check_shape(const rd_tensor *t, int64_t rows, int64_t cols, rd_error *e) {
  int dims = rows > 0 ? 2 : 1;
  const int64_t wanted[2] = {rows > 0 ? rows : cols, cols};
  bool same = t->dims == dims && t->shape[0] == wanted[0] && (dims == 1 || t->shape[1] == cols);
  char expected[64], found[96];
  if (same)
    return RD_OK;
  return rd_fail(e, RD_BAD_INPUT, "tensor %s: expected shape %s, found %s", t->name,
                 rd_shape_text(expected, sizeof expected, wanted, dims),
                 rd_shape_text(found, sizeof found, t->shape, t->dims));
}

static rd_code check_finite(const rd_tensor *t, const void *data, rd_dtype type, rd_error *e) {
  int64_t bad = 0;
  if (rd_all_finite(data, type, rd_tensor_count(t), &bad))
    return RD_OK;
  return rd_fail(e, RD_NUMERIC, "tensor %s: element %lld is NaN or infinite; the file is damaged",
                 t->name, (long long)bad);
}

/* Decode row by row through a small buffer when the target is not f32. */
static void decode(void *out, rd_dtype type, const rd_tensor *t) {
  enum { PIECE = 4096 };
  float piece[PIECE];
  int64_t n = rd_tensor_count(t), step = PIECE / t->storage->block * t->storage->block;
  for (int64_t i = 0; i < n; i += step) {
    int64_t m = n - i < step ? n - i : step;
    const unsigned char *from = t->data + (size_t)(i / t->storage->block * t->storage->bytes);
    t->storage->decode(type == RD_F32 ? (float *)out + i : piece, from, m);
    if (type != RD_F32)
      rd_cast(rd_at(out, type, i), type, piece, RD_F32, m);
  }
}

rd_code rd_bind(const rd_binder *b, const char *name, rd_dtype type, int64_t rows, int64_t cols,
                bool optional, const void **out, rd_error *e) {
  const rd_tensor *t = rd_tensors_find(b->tensors, name);
  *out = NULL;
  if (!t)
    return optional ? RD_OK : rd_fail(e, RD_BAD_INPUT, "tensor %s is missing", name);
  RD_TRY(check_shape(t, rows, cols, e));
  bool placed = b->arena->base != NULL;
  if (t->storage->dtype == (int)type) {
    *out = t->data;
    return placed && rows == 0 ? check_finite(t, t->data, type, e) : RD_OK;
  }
  void *copy = rd_arena_take(b->arena, (size_t)rd_tensor_count(t), rd_dtype_size(type));
  if (!placed)
    return RD_OK;
  decode(copy, type, t);
  *out = copy;
  return check_finite(t, copy, type, e);
}

/* A tensor of layer `l` by the family's name; *out has the type its caller wants. */
static rd_code bind_norm(const rd_binder *b, const char *pattern, int64_t l, int64_t size,
                         const float **out, rd_error *e) {
  char name[160];
  const void *data = NULL;
  rd_layer_name(name, sizeof name, pattern, l, "");
  RD_TRY(rd_bind(b, name, RD_F32, 0, size, false, &data, e));
  *out = data;
  return RD_OK;
}

static rd_code bind_layer(const rd_binder *b, const rd_config *c, rd_dtype type, int64_t l,
                          rd_layer *layer, rd_error *e) {
  const rd_tensor_names *names = b->names;
  char name[160];
  memset(layer, 0, sizeof *layer);
  RD_TRY(bind_norm(b, names->attention_norm, l, c->width, &layer->attention_norm, e));
  RD_TRY(bind_norm(b, names->mlp_norm, l, c->width, &layer->mlp_norm, e));
  if (c->qk_norm) {
    RD_TRY(bind_norm(b, names->q_norm, l, c->head_dim, &layer->q_norm, e));
    RD_TRY(bind_norm(b, names->k_norm, l, c->head_dim, &layer->k_norm, e));
  }
  for (int p = 0; p < RD_PROJECTIONS; p++) {
    rd_linear *x = &layer->p[p];
    const void *bias = NULL;
    rd_projection_shape(c, (rd_projection)p, &x->out, &x->in);
    rd_layer_name(name, sizeof name, names->p[p], l, ".weight");
    RD_TRY(rd_bind(b, name, type, x->out, x->in, false, &x->w, e));
    rd_layer_name(name, sizeof name, names->p[p], l, ".bias");
    bool wanted = c->qkv_bias && p <= RD_V;
    RD_TRY(rd_bind(b, name, RD_F32, 0, x->out, !wanted, &bias, e));
    x->bias = bias;
  }
  return RD_OK;
}

rd_code rd_bind_weights(const rd_binder *b, const rd_config *c, rd_dtype type, rd_weights *w,
                        rd_error *e) {
  const rd_tensor_names *names = b->names;
  w->type = type;
  /* a tied model stores its one matrix under either name */
  bool has_embedding = rd_tensors_find(b->tensors, names->embedding) || !c->tied;
  RD_TRY(rd_bind(b, has_embedding ? names->embedding : names->head, type, c->vocab, c->width, false,
                 &w->embedding, e));
  w->head = w->embedding;
  if (!c->tied)
    RD_TRY(rd_bind(b, names->head, type, c->vocab, c->width, false, &w->head, e));
  const void *norm = NULL;
  RD_TRY(rd_bind(b, names->norm, RD_F32, 0, c->width, false, &norm, e));
  w->norm = norm;
  for (int64_t l = 0; l < c->layers; l++)
    RD_TRY(bind_layer(b, c, type, l, &w->layers[l], e));
  return RD_OK;
}
