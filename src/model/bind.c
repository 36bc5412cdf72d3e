/* SPDX-License-Identifier: MIT */
/* Binding, one visitor: a place's tensor is used where it lies, or its rows are decoded, looked
 * through, given what the adapter adds, and packed. */
#include "bind.h"

#include "adapter_targets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ops.h"
#include "rope.h"

/* A matrix has two sizes, a vector (its one row) one. */
static rd_code check_shape(const rd_tensor *t, int dims, int64_t rows, int64_t cols, rd_error *e) {
  const int64_t both[2] = {rows, cols}, *wanted = both + 2 - dims;
  char expected[64], found[96];
  if (t->dims == dims && memcmp(t->shape, wanted, (size_t)dims * sizeof *wanted) == 0)
    return RD_OK;
  return rd_fail(e, RD_BAD_INPUT, "tensor %s: expected shape %s, found %s", t->name,
                 rd_shape_text(expected, sizeof expected, wanted, dims),
                 rd_shape_text(found, sizeof found, t->shape, t->dims));
}

static rd_code find(const rd_tensors *tensors, const char *name, bool needed, const rd_tensor **out,
                    rd_error *e) {
  *out = rd_tensors_find(tensors, name);
  if (*out || !needed)
    return RD_OK;
  const rd_tensor *like = rd_tensors_ending(tensors, name);
  return rd_fail(e, RD_BAD_INPUT, "tensor %s is missing%s%s%s", name, like ? "; there is " : "",
                 like ? like->name : "", like ? ": take what stands before the name off" : "");
}

/* What a matrix is made from: what is stored, row by row as rd_rope_pair says where `paired` heads
 * have a width, rows in place of some, sums of factors (of rank 0: none), and the length that each
 * row has in the end, or what each column is multiplied by (DoRA), or NULL. */
typedef struct sums {
  rd_factors factors, residual;
  const float *lengths, *columns; /* (rows), (cols) */
  int64_t paired;
  const float *words; /* (replaced, cols) the rows `ids`, or NULL */
  const int64_t *ids; /* (replaced) */
  int64_t replaced;
} sums;

typedef struct source {
  const rd_tensor *tensor;
  rd_matrix stored;
  sums sums;
} source;

static bool any(const sums *s) {
  return s && (s->factors.rank || s->residual.rank || s->lengths || s->columns || s->paired ||
               s->replaced);
}

static rd_code check_finite(const rd_tensor *t, const float *x, int64_t first, int64_t count,
                            rd_error *e) {
  int64_t bad = 0;
  if (rd_all_finite(x, RD_F32, count, &bad))
    return RD_OK;
  return rd_fail(e, RD_NUMERIC, "tensor %s: element %lld is NaN or infinite; the file is damaged",
                 t->name, (long long)(first + bad));
}

static void stored_rows(const source *s, float *out, int64_t first, int64_t count) {
  const int64_t hd = s->sums.paired;
  if (!hd)
    rd_matrix_decode(out, &s->stored, first, count);
  for (int64_t i = 0; hd && i < count; i++)
    rd_matrix_decode(out + i * s->stored.cols, &s->stored, rd_rope_pair(first + i, hd), 1);
}

static rd_code rows_of(void *context, float *out, float *room, int64_t first, int64_t count,
                       rd_error *e) {
  const source *s = context;
  int64_t cols = s->stored.cols;
  stored_rows(s, out, first, count);
  RD_TRY(check_finite(s->tensor, out, first * cols, count * cols, e));
  for (int64_t i = 0; i < s->sums.replaced; i++)
    if (s->sums.ids[i] >= first && s->sums.ids[i] < first + count)
      memcpy(out + (s->sums.ids[i] - first) * cols, s->sums.words + i * cols,
             (size_t)cols * sizeof *out);
  if (s->sums.residual.rank)
    RD_TRY(rd_factors_add(&s->sums.residual, out, room, first, count, cols, e));
  if (s->sums.factors.rank)
    RD_TRY(rd_factors_add(&s->sums.factors, out, room, first, count, cols, e));
  for (int64_t i = 0; s->sums.lengths && i < count; i++) {
    const double length = sqrt(rd_sum_squares(out + i * cols, cols));
    rd_scale(out + i * cols, RD_F32, (float)((double)s->sums.lengths[first + i] / length), cols);
  }
  for (int64_t i = 0; s->sums.columns && i < count * cols; i++)
    out[i] *= s->sums.columns[i % cols];
  return RD_OK;
}

/* Integer groups from blocks, without numbers in between. */
static rd_code regroup(const source *s, const rd_matrix *out, rd_error *e) {
  if (out->format->regroup(out, &s->stored))
    return RD_OK;
  RD_TRY(rd_tensor_check(s->tensor, e));
  return rd_fail(e, RD_NUMERIC, "tensor %s: a scale is no number; the file is damaged",
                 s->tensor->name);
}

/* An error about one of the adapter's tensors says whose it is. */
static rd_code blame(rd_code code, const rd_binder *b, const rd_tensor *t, rd_error *e) {
  const rd_tensors *own = code != RD_OK && b->adapter ? &b->adapter->tensors : NULL;
  for (size_t i = 0; own && i < own->count; i++)
    if (own->items[i].name == t->name)
      return rd_prefix(e, code, "adapter %s", b->adapter->folder);
  return code;
}

static rd_code make_matrix(const rd_binder *b, const rd_tensor *t, const rd_format *format,
                           int64_t rows, int64_t cols, const sums *added, rd_matrix *out,
                           rd_error *e) {
  RD_TRY(rd_tensor_readable(t, e));
  RD_TRY(check_shape(t, 2, rows, cols, e));
  const bool changed = any(added);
  source s = {.tensor = t, .stored = rd_matrix_at(t->format, t->data, rows, cols)};
  *out = s.stored;
  if (t->format == format && !changed)
    return RD_OK;
  if (changed)
    s.sums = *added;
  *out = rd_matrix_take(format, rows, cols, b->arena);
  if (!b->arena->base)
    return RD_OK;
  rd_tensors_fetch(b->tensors, t);
  RD_TRY(format->regroup && !changed ? regroup(&s, out, e) : rd_matrix_fill(out, rows_of, &s, e));
  rd_tensors_let_go(b->tensors, t); /* else it would be in memory twice */
  if (b->made)
    b->made(b->context, b->arena->used, b->arena->size);
  return RD_OK;
}

/* The matrix of a tensor in `format`; `added` NULL: as it is stored. */
static rd_code bind_matrix(const rd_binder *b, const rd_tensor *t, const rd_format *format,
                           int64_t rows, int64_t cols, const sums *added, rd_matrix *out,
                           rd_error *e) {
  return blame(make_matrix(b, t, format, rows, cols, added, out, e), b, t, e);
}

static rd_code make_vector(const rd_binder *b, const rd_tensor *t, int64_t n, float more,
                           const float **out, rd_error *e) {
  RD_TRY(rd_tensor_readable(t, e));
  RD_TRY(check_shape(t, 1, 1, n, e));
  const bool placed = b->arena->base != NULL;
  if (t->format->dtype == RD_F32 && more == 0) {
    *out = (const float *)(const void *)t->data;
    return placed ? check_finite(t, *out, 0, n, e) : RD_OK;
  }
  float *copy = RD_TAKE(b->arena, float, n);
  *out = copy;
  if (!placed)
    return RD_OK;
  t->format->decode(copy, t->data, n);
  for (int64_t i = 0; i < n; i++)
    copy[i] += more;
  return check_finite(t, copy, 0, n, e);
}

/* `more` is added to each number: norms of some families are stored less 1. */
static rd_code bind_vector(const rd_binder *b, const rd_tensor *t, int64_t n, float more,
                           const float **out, rd_error *e) {
  return blame(make_vector(b, t, n, more, out, e), b, t, e);
}

/* What the adapter does to the module of a place. */
static rd_code find_changes(const rd_binder *b, const rd_part *part, const rd_walk *p,
                            rd_changes *out, rd_error *e) {
  char module[RD_NAME];
  *out = (rd_changes){0};
  if (!b->adapter)
    return RD_OK;
  rd_part_module(module, part, p->config->family->names, p->layer);
  rd_code code = rd_adapter_changes(b->adapter, module, out, e);
  return code == RD_OK ? code : rd_prefix(e, code, "adapter %s", b->adapter->folder);
}

/* A norm that was trained with the adapter takes the place of the model's. */
static rd_code bind_norm(rd_binder *b, const rd_walk *p, rd_error *e) {
  rd_changes changes;
  RD_TRY(find_changes(b, p->part, p, &changes, e));
  const rd_tensor *t = changes.weight; /* an adapter's are always as Hugging Face has them */
  bool less_one = t ? p->config->family->norms_less_one : p->config->norms_less_one;
  if (!t && b->plain)
    return RD_OK;
  if (!t)
    RD_TRY(find(b->tensors, p->name, true, &t, e));
  return bind_vector(b, t, p->cols, less_one ? 1 : 0, p->vector, e);
}

/* Of fused matrices (vectors: 1 column) a place's own rows of *t become *own, and *t that. */
static rd_code own_rows(const rd_tensor **t, rd_tensor *own, const rd_walk *p, int dims,
                        int64_t cols, rd_error *e) {
  int64_t rows = p->kind == RD_BIAS ? p->cols : p->rows;
  if (!p->fused)
    return RD_OK;
  RD_TRY(rd_tensor_readable(*t, e));
  RD_TRY(check_shape(*t, dims, p->stored, dims == 1 ? p->stored : cols, e));
  rd_matrix all = rd_matrix_at((*t)->format, (*t)->data, p->stored, cols);
  size_t row = rd_matrix_row(&all);
  *own = **t;
  own->shape[0] = rows;
  own->data += (size_t)p->before * row;
  own->size = (size_t)rows * row;
  *t = own;
  return RD_OK;
}

/* Rows of rotated heads in the other order of their pairs: where a model with interleaved rotation
 * has them, or back. */
static void *reorder(const rd_binder *b, const rd_walk *p, const void *rows, int64_t count,
                     size_t row, bool interleave) {
  void *ordered = rd_arena_take(b->arena, (size_t)count, row);
  if (b->arena->base)
    rd_rope_reorder(ordered, rows, count, p->config->head_dim, row, interleave);
  return ordered;
}

static bool interleaved(const rd_walk *p) {
  return p->config->rope_interleaved && p->part->rotated;
}

/* The width of heads whose pairs come apart in what is bound; 0: rows stay where they are. What an
 * adapter replaces lies as folders have it. */
static int64_t paired(const rd_binder *b, const rd_walk *p, const rd_tensor *replaced) {
  return b->halves && p->part->rotated && !replaced ? p->config->head_dim : 0;
}

/* The adapter's factors for a linear: beside it, or into what is added to it. */
static rd_code bind_factors(rd_binder *b, const rd_walk *p, const rd_changes *c, sums *added,
                            rd_error *e) {
  bool merge = b->use == RD_ADAPTER_MERGED || c->magnitude ||
               (b->use == RD_ADAPTER_AUTO && rd_factors_thick(c->rank, p->rows, p->cols));
  const rd_tensor *tb = c->b;
  const rd_dtype type =
      merge ? rd_factors_type(c->a->format->dtype, tb->format->dtype) : b->precision.type;
  rd_tensor own;
  rd_matrix fa, fb;
  RD_TRY(own_rows(&tb, &own, p, 2, c->rank, e));
  RD_TRY(bind_matrix(b, c->a, rd_format_of(type), c->rank, p->cols, NULL, &fa, e));
  RD_TRY(bind_matrix(b, tb, rd_format_of(type), p->rows, c->rank, NULL, &fb, e));
  if (interleaved(p))
    fb.data = reorder(b, p, fb.data, p->rows, rd_matrix_row(&fb), true);
  if (merge) {
    added->factors = (rd_factors){fa.data, fb.data, type, c->rank, c->scale};
  } else {
    p->linear->a = fa;
    p->linear->b = fb;
    p->linear->scale = c->scale;
  }
  return RD_OK;
}

/* DoRA: the lengths of the rows of the sum. */
static rd_code bind_lengths(rd_binder *b, const rd_walk *p, const rd_changes *c, sums *added,
                            rd_error *e) {
  const float *lengths = NULL;
  const rd_tensor *t = c->magnitude;
  rd_tensor own;
  RD_TRY(own_rows(&t, &own, p, 1, 1, e));
  RD_TRY(bind_vector(b, t, p->rows, 0, &lengths, e));
  const rd_matrix column = rd_matrix_at(rd_format_of(RD_F32), lengths, p->rows, 1);
  added->lengths =
      interleaved(p) ? reorder(b, p, column.data, p->rows, sizeof *lengths, true) : lengths;
  return RD_OK;
}

/* What was taken out of the matrix before the adapter was trained over it: `t` is that matrix, a
 * fused one whole, of which a place has its rows. */
static rd_code bind_residual(rd_binder *b, const rd_walk *p, const rd_tensor *t,
                             const rd_changes *c, sums *added, rd_error *e) {
  float *fa = RD_TAKE(b->arena, float, c->rank * p->cols);
  float *fb = RD_TAKE(b->arena, float, p->stored * c->rank);
  added->residual = (rd_factors){fa, fb + p->before * c->rank, RD_F32, c->rank, 1};
  if (!b->arena->base)
    return RD_OK;
  float *w = rd_calloc((size_t)(p->stored * p->cols), sizeof *w, "a matrix of the base", e);
  if (!w)
    return RD_NO_MEMORY;
  const source s = {.stored = rd_matrix_at(t->format, t->data, p->stored, p->cols),
                    .sums.paired = paired(b, p, c->weight)};
  stored_rows(&s, w, 0, p->stored);
  rd_code code = rd_residual_factors(b->adapter->config.residual, fa, fb, w, p->stored, p->cols,
                                     c->rank, c->scale, e);
  free(w);
  return code == RD_OK ? code : rd_prefix(e, code, "tensor %s", t->name);
}

/* Rows of words that were trained by themselves (peft: trainable_token_indices). */
static rd_code bind_words(rd_binder *b, const rd_walk *p, const rd_changes *c, sums *added,
                          rd_error *e) {
  const int64_t n = (int64_t)json_array_size(c->ids);
  rd_matrix rows;
  if (c->words->shape[0] != n || n == 0)
    return rd_fail(e, RD_BAD_INPUT,
                   "adapter %s: tensor %s has %lld rows, and trainable_token_indices lists %lld "
                   "for %s",
                   b->adapter->folder, c->words->name, (long long)c->words->shape[0], (long long)n,
                   p->module);
  if (c->across || (c->a && c->words != b->embedding.words))
    return rd_fail(e, RD_UNSUPPORTED,
                   "adapter %s: %s has factors and trained rows, which peft does not join either",
                   b->adapter->folder, p->module);
  RD_TRY(bind_matrix(b, c->words, rd_format_of(RD_F32), n, p->cols, NULL, &rows, e));
  int64_t *ids = RD_TAKE(b->arena, int64_t, n);
  for (int64_t i = 0; i < n; i++) {
    const json_t *id = json_array_get(c->ids, (size_t)i);
    const json_int_t row = json_integer_value(id);
    if (!json_is_integer(id) || row < 0 || row >= p->rows)
      return rd_fail(e, RD_BAD_INPUT,
                     "adapter %s: trainable_token_indices: expected integers in 0..%lld",
                     b->adapter->folder, (long long)p->rows - 1);
    if (b->arena->base)
      ids[i] = row;
  }
  added->words = rows.data;
  added->ids = ids;
  added->replaced = n;
  return RD_OK;
}

static rd_code gate_refuses(const rd_binder *b, const rd_walk *p, rd_error *e) {
  return rd_fail(
      e, RD_UNSUPPORTED,
      "adapter %s changes %s and has a gate: before it rows are the base's own, which is "
      "computed for products and norms alone",
      b->adapter->folder, p->name);
}

/* The bias of an adapter's second factor, times its scale, becomes the product's: a bias of the
 * model's own is added to it later (bind_bias). */
static rd_code bind_lift(rd_binder *b, const rd_walk *p, const rd_changes *c, rd_error *e) {
  const float *lift = NULL;
  const rd_tensor *t = c->lift;
  rd_tensor own;
  if (b->plain)
    return gate_refuses(b, p, e);
  if (b->use == RD_ADAPTER_MERGED && !(p->part->bias && p->part->bias(p->config)))
    return rd_fail(e, RD_UNSUPPORTED,
                   "adapter %s: lora_bias gives %s a bias, which the model has no place for: "
                   "it cannot be merged; use it with --adapter",
                   b->adapter->folder, p->module);
  RD_TRY(own_rows(&t, &own, p, 1, 1, e));
  RD_TRY(bind_vector(b, t, p->rows, 0, &lift, e));
  float *scaled = RD_TAKE(b->arena, float, p->rows);
  for (int64_t i = 0; b->arena->base && i < p->rows; i++)
    scaled[i] = c->scale * lift[i];
  p->linear->bias = interleaved(p) ? reorder(b, p, scaled, p->rows, sizeof *scaled, true) : scaled;
  return RD_OK;
}

/* A whole matrix that was trained with the adapter takes the place of the model's, and factors are
 * those of it. */
static rd_code bind_linear(rd_binder *b, const rd_walk *p, rd_error *e) {
  rd_tensor own;
  rd_changes changes;
  sums added = {0};
  RD_TRY(find_changes(b, p->part, p, &changes, e));
  const rd_tensor *t = changes.weight;
  if (t && interleaved(p))
    return rd_fail(e, RD_UNSUPPORTED,
                   "adapter %s: tensor %s lies in another order than the GGUF's rows; use it with "
                   "the model's folder",
                   b->adapter->folder, t->name);
  if (!t)
    RD_TRY(find(b->tensors, p->name, !b->shared || p->layer >= 0, &t, e));
  t = t ? t : b->shared;
  /* peft ties what is trained of a tied embedding's rows to the head, below its factors */
  if (p->layer < 0 && b->ties && !changes.words && !changes.weight) {
    changes.words = b->embedding.words;
    changes.ids = b->embedding.ids;
  }
  changes.ids = changes.ids || !b->ties ? changes.ids : b->embedding.ids;
  const rd_tensor *whole = t;
  const bool residual = changes.a && b->adapter->config.residual;
  RD_TRY(own_rows(&t, &own, p, 2, p->cols, e));
  rd_code code = RD_OK;
  if (changes.a)
    code = bind_factors(b, p, &changes, &added, e);
  if (code == RD_OK && changes.magnitude)
    code = bind_lengths(b, p, &changes, &added, e);
  if (code != RD_OK)
    return rd_prefix(e, code, "adapter %s", b->adapter->folder);
  if (changes.lift)
    RD_TRY(bind_lift(b, p, &changes, e));
  if (changes.words)
    RD_TRY(bind_words(b, p, &changes, &added, e));
  if (residual && p->layer < 0 && b->ties)
    return rd_fail(e, RD_UNSUPPORTED,
                   "adapter %s: its %s changes a tied head's embedding too: merge it with peft",
                   b->adapter->folder, b->adapter->config.residual->name);
  /* where peft saved the base of its factors (a head's), that is without it already */
  if (residual && !changes.weight) {
    RD_TRY(rd_tensor_readable(whole, e));
    RD_TRY(check_shape(whole, 2, p->stored, p->cols, e));
    RD_TRY(bind_residual(b, p, whole, &changes, &added, e));
  }
  if (b->plain && !any(&added) && !changes.weight) /* the plain model's matrix, as it lies there */
    return RD_OK;
  added.paired = paired(b, p, changes.weight);
  /* sums with an adapter are numbers of 32 bits */
  const rd_format *from = any(&added) ? rd_format_of(RD_F32) : t->format;
  return bind_matrix(b, t, rd_precision_format(b->precision.row, from), p->rows, p->cols, &added,
                     p->matrix, e);
}

static rd_code bind_bias(const rd_binder *b, const rd_walk *p, rd_error *e) {
  rd_tensor own;
  rd_changes changes;
  RD_TRY(find_changes(b, p->part, p, &changes, e));
  const float *lift = changes.lift ? *p->vector : NULL;
  const rd_tensor *t = changes.bias;
  if (!t)
    RD_TRY(find(b->tensors, p->name, p->needed, &t, e));
  if (!t)
    return RD_OK;
  RD_TRY(own_rows(&t, &own, p, 1, 1, e));
  RD_TRY(bind_vector(b, t, p->cols, 0, p->vector, e));
  /* an adapter's lie as folders have them */
  if (changes.bias ? interleaved(p) : paired(b, p, NULL) > 0)
    *p->vector = reorder(b, p, *p->vector, p->cols, sizeof **p->vector, changes.bias != NULL);
  if (!changes.lift)
    return RD_OK;
  float *sum = RD_TAKE(b->arena, float, p->cols);
  for (int64_t i = 0; b->arena->base && i < p->cols; i++)
    sum[i] = (*p->vector)[i] + lift[i];
  *p->vector = sum;
  return RD_OK;
}

/* x' of a factor (rows, cols), in f32. */
static rd_code bind_transposed(const rd_binder *b, const rd_tensor *t, int64_t rows, int64_t cols,
                               const float **out, rd_error *e) {
  rd_matrix m;
  RD_TRY(bind_matrix(b, t, rd_format_of(RD_F32), rows, cols, NULL, &m, e));
  float *made = RD_TAKE(b->arena, float, rows * cols);
  const float *x = m.data;
  for (int64_t i = 0; b->arena->base && i < rows * cols; i++)
    made[i % cols * rows + i / cols] = x[i];
  *out = made;
  return RD_OK;
}

/* The factors of what is looked up lie across: row v of the sum is s across[:, v]' down'. */
static rd_code bind_across(const rd_binder *b, const rd_walk *p, const rd_changes *c, sums *added,
                           rd_error *e) {
  const float *fa = NULL, *fb = NULL;
  RD_TRY(bind_transposed(b, c->down, p->cols, c->rank, &fa, e));
  RD_TRY(bind_transposed(b, c->across, c->rank, p->rows, &fb, e));
  added->factors = (rd_factors){fa, fb, RD_F32, c->rank, c->scale};
  return RD_OK;
}

/* DoRA of the embedding: the lengths of the columns of the sum. */
static rd_code bind_columns(rd_binder *b, const rd_walk *p, const rd_tensor *t, const rd_changes *c,
                            sums *added, rd_error *e) {
  const float *lengths = NULL;
  float *columns = RD_TAKE(b->arena, float, p->cols);
  RD_TRY(bind_vector(b, c->magnitude, p->cols, 0, &lengths, e));
  RD_TRY(rd_tensor_readable(t, e));
  RD_TRY(check_shape(t, 2, p->rows, p->cols, e));
  source s = {t, rd_matrix_at(t->format, t->data, p->rows, p->cols), *added};
  added->columns = columns;
  if (!b->arena->base)
    return RD_OK;
  return rd_column_factors(columns, lengths, p->rows, p->cols, rows_of, &s, e);
}

/* Rows are looked up where they lie in the file, unless products take plain numbers that are
 * narrower: then those count. A tied model stores its one matrix under either name. */
static rd_code bind_embedding(rd_binder *b, const rd_walk *p, rd_weights *w, rd_error *e) {
  const rd_tensor *t = NULL;
  rd_changes changes;
  sums added = {0};
  bool tied = p->config->tied;
  char head[RD_NAME];
  snprintf(head, sizeof head, "%s.weight", b->names->head);
  RD_TRY(find(b->tensors, p->name, !tied, &t, e));
  if (!t)
    RD_TRY(find(b->tensors, head, false, &t, e));
  if (!t)
    RD_TRY(find(b->tensors, p->name, true, &t, e));
  b->shared = b->ties && !rd_tensors_find(b->tensors, head) ? t : NULL;
  RD_TRY(find_changes(b, p->part, p, &changes, e));
  t = changes.weight ? changes.weight : b->words ? b->words : t;
  if (changes.across)
    RD_TRY(bind_across(b, p, &changes, &added, e));
  if (changes.magnitude)
    RD_TRY(bind_columns(b, p, t, &changes, &added, e));
  if (changes.words)
    RD_TRY(bind_words(b, p, &changes, &added, e));
  b->embedding = changes;
  const rd_format *stored = any(&added) ? rd_format_of(RD_F32) : t->format;
  const rd_format *products = rd_precision_format(b->precision.row, stored);
  const bool narrower =
      stored->block == 1 && products->block == 1 && products->bytes < stored->bytes;
  const rd_format *format = narrower ? products : stored;
  RD_TRY(bind_matrix(b, t, format, p->rows, p->cols, &added, p->matrix, e));
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
  rd_changes changes;
  if (p->kind == RD_NORM)
    return bind_norm(b, p, e);
  if (p->kind != RD_LINEAR) {
    RD_TRY(find_changes(b, p->part, p, &changes, e));
    const bool changed = p->kind == RD_MATRIX ? rd_changes_any(&changes) : changes.bias != NULL;
    return changed ? gate_refuses(b, p, e) : RD_OK;
  }
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
  rd_walk p = rd_parts_of(c, b->names, w, NULL), plain = rd_parts_of(c, b->names, b->plain, NULL);
  while (rd_parts_next(&p) && rd_parts_next(&plain))
    RD_TRY(b->plain ? bind_over(b, &p, &plain, e) : bind_place(b, &p, w, e));
  if (!b->adapter)
    return RD_OK;
  char model[96];
  snprintf(model, sizeof model, "a %s model of %lld layers", c->family->name, (long long)c->layers);
  RD_TRY(rd_adapter_check_placed(b->adapter, model, e));
  rd_code code = rd_targets_saved(b->adapter->json, &b->adapter->tensors, c, e);
  return code == RD_OK ? code : rd_prefix(e, code, "adapter %s", b->adapter->folder);
}

static bool has_more_rows(const rd_tensor *t, const rd_config *c) {
  return t && t->dims == 2 && t->shape[0] > c->vocab;
}

rd_code rd_bind_rows(rd_binder *b, rd_config *c, rd_error *e) {
  rd_changes embedding = {0}, head = {0};
  const bool tied = c->tied;
  rd_walk p = rd_parts_of(c, b->names, NULL, NULL);
  c->tied = false; /* so that the walk comes by the head */
  rd_code code = RD_OK;
  while (code == RD_OK && rd_parts_next(&p) && p.layer < 0)
    if (p.kind == RD_MATRIX || p.kind == RD_LINEAR)
      code = find_changes(b, p.part, &p, p.kind == RD_MATRIX ? &embedding : &head, e);
  c->tied = tied;
  RD_TRY(code);
  if (tied && !embedding.weight && has_more_rows(head.weight, c))
    b->words = head.weight;
  else if (has_more_rows(embedding.weight, c))
    b->words = embedding.weight;
  c->vocab = b->words ? b->words->shape[0] : c->vocab;
  return rd_config_check(c, e);
}

rd_code rd_bind_ties(rd_binder *b, rd_config *c, bool *stored, rd_error *e) {
  *stored = false;
  b->ties = c->tied;
  if (!c->tied)
    return RD_OK;
  const rd_tensor *embedding = NULL, *head = NULL;
  rd_walk p = rd_parts_of(c, b->names, NULL, NULL);
  rd_changes above = {0}, below = {0};
  rd_config untied = *c;
  untied.tied = false;
  p.config = &untied;
  while (rd_parts_next(&p) && p.layer < 0) {
    if (p.kind == RD_MATRIX) {
      embedding = rd_tensors_find(b->tensors, p.name);
      RD_TRY(find_changes(b, p.part, &p, &below, e));
    } else if (p.kind == RD_LINEAR) {
      head = rd_tensors_find(b->tensors, p.name);
      RD_TRY(find_changes(b, p.part, &p, &above, e));
    }
  }
  *stored = embedding && head &&
            (embedding->format != head->format || embedding->size != head->size ||
             memcmp(embedding->data, head->data, head->size) != 0);
  below.words = NULL; /* rows of a tied embedding are the head's too, unless that has its own */
  c->tied = !*stored && !rd_changes_any(&above) && !rd_changes_any(&below);
  return RD_OK;
}
