/* SPDX-License-Identifier: MIT */
/* One walk over the parts, run twice: first counting tensors and the bytes of what must be made,
 * then placing them. */
#include "written.h"

#include "inspect.h"
#include "model_store.h"
#include "rope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Packed numbers as they will be read: too large a number makes its own, or the scale of its block,
 * infinite. */
static rd_code check_packed(const rd_tensor *t, rd_error *e) {
  int64_t bad = 0;
  return rd_tensor_finite(t, &bad)
           ? RD_OK
           : rd_fail(e, RD_NUMERIC,
                     "tensor %s: element %lld does not fit into %s; write f32 or bf16", t->name,
                     (long long)bad, t->format->name);
}

rd_code rd_convert_tensor(rd_tensor *t, const rd_format *to, rd_arena *arena, rd_error *e) {
  int64_t rows = t->dims == 2 ? t->shape[0] : 1, cols = rd_tensor_count(t) / (rows ? rows : 1);
  RD_TRY(rd_tensor_readable(t, e));
  rd_matrix from = rd_matrix_at(t->format, t->data, rows, cols);
  if (arena->base) /* packing hides what is none: NaN becomes 0 in blocks */
    RD_TRY(rd_tensor_check(t, e));
  if (t->format == to)
    return RD_OK;
  rd_matrix made = rd_matrix_take(to, rows, cols, arena);
  t->format = to;
  t->data = made.data;
  t->size = (size_t)rows * rd_matrix_row(&made);
  if (!arena->base)
    return RD_OK;
  RD_TRY(rd_matrix_fill(&made, rd_matrix_rows, &from, e));
  return check_packed(t, e);
}

const rd_format *rd_written_type(const rd_format *stored) {
  const bool plain = stored && stored->dtype >= 0,
             wide = stored && stored->bytes >= 4 * stored->block;
  return plain ? stored : rd_format_named(wide ? "F32" : "BF16");
}

const rd_format *rd_written_stored(const rd_model *m, const rd_walk *p) {
  const rd_tensors *stored = rd_model_tensors(m);
  char name[RD_NAME];
  rd_part_module(name, p->part, m->store->file.names, p->layer);
  const size_t size = strlen(name);
  snprintf(name + size, sizeof name - size, "%s", p->kind == RD_BIAS ? ".bias" : ".weight");
  const rd_tensor *t = rd_tensors_find(stored, name);
  return t ? t->format : rd_tensors_format(stored);
}

/* The format that a place is to have, and what is to be said of that. */
static const rd_format *format_for(const rd_written *w, const rd_walk *p, rd_types_written *said) {
  const rd_format *f32 = rd_format_of(RD_F32), *stored = rd_written_stored(w->model, p);
  const rd_format *to = !p->matrix ? w->vectors : p->layer < 0 && w->ends ? w->ends : w->matrices;
  said->matrices += p->matrix != NULL;
  if (!w->matrices && stored && rd_written_type(stored) != stored && said->narrowed++ == 0) {
    said->from = stored;
    said->into = to ? to : rd_written_type(stored);
  }
  to = to ? to : rd_written_type(stored);
  if (!p->matrix || p->cols % to->block == 0)
    return to;
  if (said->wide++ == 0) {
    said->cols = p->cols;
    said->blocks = to;
  }
  return f32;
}

/* A norm's numbers less 1, as some families' folders hold them. */
static const float *less_one(const rd_walk *p, rd_arena *arena) {
  float *out = RD_TAKE(arena, float, p->cols);
  for (int64_t i = 0; arena->base && i < p->cols; i++)
    out[i] = (*p->vector)[i] - 1;
  return out;
}

/* A place that is rows of a fused matrix: its first place makes the whole, all fill their own. */
static void put_rows(rd_written *w, const rd_walk *p, const rd_tensor *t, rd_tensor *list,
                     rd_arena *arena) {
  size_t row = t->size / (size_t)t->shape[0], size = (size_t)p->stored * row;
  if (p->before == 0) {
    unsigned char *whole = rd_arena_take(arena, size, 1);
    if (list) {
      list[w->count] = *t;
      list[w->count].shape[0] = p->stored;
      list[w->count].data = whole;
      list[w->count].size = size;
    }
    w->count++;
  }
  size_t at = w->count - 1;
  while (list && at > 0 && strcmp(list[at].name, t->name) != 0)
    at--;
  if (list) /* the whole lies in the arena: it was taken there */
    memcpy((unsigned char *)(uintptr_t)list[at].data + (size_t)p->before * row, t->data, t->size);
}

/* Append what lies at a place under a copy of its name, in `list` unless only counting. */
static rd_code put(rd_written *w, const rd_walk *p, rd_tensor *list, rd_arena *arena, rd_error *e) {
  const rd_config *c = &w->model->config;
  rd_matrix m = p->matrix ? *p->matrix : rd_matrix_at(rd_format_of(RD_F32), *p->vector, 1, p->cols);
  if (!m.data)
    return RD_OK;
  if (p->kind == RD_NORM && c->family->norms_less_one && w->names == c->family->names)
    m = rd_matrix_at(rd_format_of(RD_F32), less_one(p, arena), 1, p->cols);
  char *name = rd_arena_take(arena, strlen(p->name) + 1, 1);
  rd_tensor t = {.name = name ? strcpy(name, p->name) : NULL,
                 .format = m.format,
                 .dims = p->matrix ? 2 : 1,
                 .shape = {p->matrix ? p->rows : p->cols, p->matrix ? p->cols : 1, 1, 1},
                 .data = m.data,
                 .size = (size_t)m.rows * rd_matrix_row(&m)};
  RD_TRY(rd_convert_tensor(&t, format_for(w, p, &w->types), arena, e));
  if (p->part->rotated && c->rope_interleaved != w->interleaved) {
    unsigned char *ordered = rd_arena_take(arena, t.size, 1);
    if (ordered)
      rd_rope_reorder(ordered, t.data, t.shape[0], c->head_dim, t.size / (size_t)t.shape[0],
                      w->interleaved);
    t.data = ordered;
  }
  if (p->fused) {
    put_rows(w, p, &t, list, arena);
    return RD_OK;
  }
  if (list)
    list[w->count] = t;
  w->count++;
  return RD_OK;
}

static rd_code put_all(rd_written *w, rd_tensor *list, rd_arena *arena, rd_error *e) {
  w->count = 0;
  w->types = (rd_types_written){0};
  rd_walk p = rd_parts_of(&w->model->config, w->names, &w->model->weights, NULL);
  while (rd_parts_next(&p))
    RD_TRY(put(w, &p, list, arena, e));
  if (w->more && list)
    list[w->count] = *w->more;
  w->count += w->more != NULL;
  return RD_OK;
}

rd_code rd_written_make(rd_written *w, rd_error *e) {
  rd_arena measure = rd_arena_measure();
  RD_TRY(put_all(w, NULL, &measure, e));
  RD_TRY(rd_arena_init(&w->arena, measure.used, "converted weights", e));
  w->tensors = rd_calloc(w->count, sizeof *w->tensors, "a list of tensors", e);
  return w->tensors ? put_all(w, w->tensors, &w->arena, e) : RD_NO_MEMORY;
}

void rd_written_drop(rd_written *w) {
  free(w->tensors);
  rd_arena_drop(&w->arena);
  w->tensors = NULL;
}
