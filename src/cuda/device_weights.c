/* SPDX-License-Identifier: MIT */
/* One walk over the parts, twice: to measure, and to place and send. */
#include "device_weights.h"

#include "matrix.h"
#include "parts.h"
#include "sampler_head.h"

#include <stdlib.h>

/* The formats that kernels read, by what they are called in format.c. */
static const struct form_row {
  const char *format;
  rd_form form;
} forms[] = {{"F32", RD_FORM_F32}, {"BF16", RD_FORM_BF16}, {"i8", RD_FORM_I8},
             {"i8b", RD_FORM_I8B}, {"i4", RD_FORM_I4},     {"i4m", RD_FORM_I4M},
             {"i4k", RD_FORM_I4K}};
enum { FORMS = sizeof forms / sizeof *forms };

static const struct form_row *form_of(const rd_format *format) {
  for (size_t i = 0; i < FORMS; i++)
    if (strcmp(forms[i].format, format->name) == 0)
      return &forms[i];
  return NULL;
}

rd_device_matrix rd_device_matrix_of(const rd_matrix *m) {
  const rd_device_matrix none = {0};
  if (!m->format)
    return none;
  return (rd_device_matrix){.data = m->data,
                            .scales = m->scales,
                            .rows = m->rows,
                            .cols = m->cols,
                            .form = (int32_t)form_of(m->format)->form};
}

/* What has been sent, and where it lies. */
typedef struct sent {
  const void *here;
  void *there;
} sent;

typedef struct sending {
  const rd_model *m;
  rd_device *d;   /* NULL while measuring */
  rd_arena arena; /* of the device's memory; or it measures */
  sent *list;
  size_t count;
} sending;

/* What was sent under a name, which is the address that it has in the model; NULL: nothing. */
static const sent *find(const sending *s, const void *name) {
  for (size_t i = 0; i < s->count; i++)
    if (s->list[i].here == name)
      return &s->list[i];
  return NULL;
}

/* Send `bytes` from `from`, unless they have gone under their name. Gives where they lie there. */
static rd_code send(sending *s, void **out, const void *name, const void *from, size_t bytes,
                    rd_error *e) {
  const sent *known = find(s, name);
  *out = known ? known->there : NULL;
  if (known || bytes == 0)
    return RD_OK;
  *out = rd_arena_take(&s->arena, bytes, 1);
  s->list[s->count++] = (sent){name, *out};
  return s->d ? s->d->send(s->d, *out, from, bytes, e) : RD_OK;
}

static rd_code send_vector(sending *s, const float **vector, int64_t n, rd_error *e) {
  void *there = NULL;
  if (!*vector)
    return RD_OK;
  RD_TRY(send(s, &there, *vector, *vector, (size_t)n * sizeof **vector, e));
  *vector = there;
  return RD_OK;
}

/* Bytes of a matrix without its scales: rows that lie in panels fill the last one. */
static size_t matrix_bytes(const rd_matrix *m) {
  const int64_t panel = m->format->panel ? m->format->panel : 1;
  return (size_t)((m->rows + panel - 1) / panel * panel) * rd_matrix_row(m);
}

/* A matrix that was made of what is called `name`; of its scales that is the next address. */
static rd_code send_as(sending *s, rd_matrix *m, const void *name, rd_error *e) {
  const rd_matrix here = *m;
  const size_t beside = m->format->scales ? m->format->scales(m) : 0;
  if (!form_of(m->format))
    return rd_fail(e, RD_UNSUPPORTED, "no kernel of a device multiplies %s", m->format->name);
  RD_TRY(send(s, &m->data, name, here.data, matrix_bytes(&here), e));
  return send(s, &m->scales, (const char *)name + 1, here.scales, beside, e);
}

static rd_code send_matrix(sending *s, rd_matrix *m, rd_error *e) {
  return m->data ? send_as(s, m, m->data, e) : RD_OK;
}

/* Numbers that are looked up as groups of integers, or as plain ones. */
static rd_code decode(rd_matrix *m, rd_matrix *stored, rd_error *e) {
  if (!m->format->regroup)
    return rd_matrix_fill(m, rd_matrix_rows, stored, e);
  return m->format->regroup(m, stored)
           ? RD_OK
           : rd_fail(e, RD_NUMERIC, "the embedding: a scale is no number; the file is damaged");
}

/* Rows that are looked up: those of a format of files are made anew here, sent, and dropped; where
 * the head has the same numbers in a form that keeps them, its rows serve. */
static rd_code send_embedding(sending *s, rd_matrix *m, const rd_matrix *head, rd_error *e) {
  if (form_of(m->format))
    return send_matrix(s, m, e);
  rd_matrix stored = *m;
  const rd_format *grouped = rd_format_grouped(stored.format);
  const bool exact = !grouped->pack;
  const rd_format *format = exact ? grouped : rd_format_of(s->m->weights.type);
  if (exact && s->m->config.tied && head->format == grouped) {
    *m = *head;
    return send_matrix(s, m, e);
  }
  rd_arena arena = rd_arena_measure();
  *m = rd_matrix_take(format, stored.rows, stored.cols, &arena);
  rd_code code = RD_OK;
  if (s->d && !find(s, stored.data)) {
    code = rd_arena_init(&arena, arena.used, "the embedding for a device", e);
    if (code == RD_OK) {
      *m = rd_matrix_take(format, stored.rows, stored.cols, &arena);
      code = decode(m, &stored, e);
    }
  }
  if (code == RD_OK)
    code = send_as(s, m, stored.data, e);
  rd_arena_drop(&arena);
  return code;
}

static rd_code send_linear(sending *s, rd_linear *l, rd_error *e) {
  RD_TRY(send_matrix(s, &l->w, e));
  RD_TRY(send_vector(s, &l->bias, l->w.rows, e));
  if (l->a.rows == 0)
    return RD_OK;
  RD_TRY(send_matrix(s, &l->a, e));
  return send_matrix(s, &l->b, e);
}

/* A bias goes with its linear. */
static rd_code send_place(sending *s, const rd_walk *p, const rd_matrix *head, rd_error *e) {
  return p->kind == RD_LINEAR ? send_linear(s, p->linear, e)
       : p->kind == RD_MATRIX ? send_embedding(s, p->matrix, head, e)
       : p->kind == RD_NORM   ? send_vector(s, p->vector, p->cols, e)
                              : RD_OK;
}

/* All places of *to, which begins as a copy of `from` with layers of its own. */
static rd_code send_weights(sending *s, rd_weights *to, const rd_weights *from, rd_error *e) {
  const rd_config *c = &s->m->config;
  rd_layer *layers = to->layers;
  *to = *from;
  to->layers = layers;
  memcpy(layers, from->layers, (size_t)c->layers * sizeof *layers);
  rd_walk p = rd_parts_of(c, NULL, to, NULL);
  while (rd_parts_next(&p))
    RD_TRY(send_place(s, &p, &from->head.w, e));
  return c->tied ? send_linear(s, &to->head, e) : RD_OK;
}

/* What counts before a gate is found in `plain`, as in the model. */
static void join(rd_device_weights *w, const rd_model *m) {
  const rd_config *c = &m->config;
  rd_walk p = rd_parts_of(c, NULL, &w->own, NULL), plain = rd_parts_of(c, NULL, &w->plain, NULL);
  w->own.plain = &w->plain;
  while (rd_parts_next(&p) && rd_parts_next(&plain))
    if (p.linear && p.linear->plain)
      p.linear->plain = &plain.linear->w;
  if (w->own.head.plain)
    w->own.head.plain = &w->plain.head.w;
  for (int64_t l = 0; l < c->layers; l++)
    if (w->own.layers[l].plain)
      w->own.layers[l].plain = &w->plain.layers[l];
}

static rd_code send_all(sending *s, rd_device_weights *w, rd_error *e) {
  const rd_model *m = s->m;
  s->count = 0;
  RD_TRY(send_weights(s, &w->own, &m->weights, e));
  if (m->sampler_head) {
    w->fc1 = m->sampler_head->fc1;
    w->fc2 = m->sampler_head->fc2;
    RD_TRY(send_matrix(s, &w->fc1, e));
    RD_TRY(send_matrix(s, &w->fc2, e));
  }
  return m->weights.plain ? send_weights(s, &w->plain, m->weights.plain, e) : RD_OK;
}

static rd_code begin(sending *s, rd_device_weights *w, const rd_model *m, rd_error *e) {
  enum { PLACES = 64 }; /* of a layer and its plain form, more than there are */
  const size_t layers = (size_t)m->config.layers;
  *s = (sending){.m = m, .arena = rd_arena_measure()};
  s->list = rd_calloc((layers + 1) * 2 * PLACES, sizeof *s->list, "what was sent to a device", e);
  w->own.layers = rd_calloc(layers, sizeof *w->own.layers, "the layers of a device", e);
  w->plain.layers = rd_calloc(layers, sizeof *w->plain.layers, "the layers of a device", e);
  return s->list && w->own.layers && w->plain.layers ? send_all(s, w, e) : RD_NO_MEMORY;
}

rd_code rd_device_weights_size(size_t *bytes, const rd_model *m, rd_error *e) {
  sending s;
  rd_device_weights w = {0};
  rd_code code = begin(&s, &w, m, e);
  *bytes = s.arena.used;
  free(s.list);
  free(w.own.layers);
  free(w.plain.layers);
  return code;
}

rd_code rd_device_weights_new(rd_device_weights **out, const rd_model *m, rd_device *d,
                              rd_error *e) {
  *out = NULL;
  sending s;
  rd_device_weights *w = rd_calloc(1, sizeof *w, "the weights of a device", e);
  if (!w)
    return RD_NO_MEMORY;
  w->device = d;
  rd_code code = begin(&s, w, m, e);
  w->bytes = s.arena.used;
  if (code == RD_OK)
    code = d->take(d, &w->memory, w->bytes, "the model's weights", e);
  if (code == RD_OK) {
    s.arena = (rd_arena){.base = w->memory, .size = w->bytes};
    s.d = d;
    code = send_all(&s, w, e);
  }
  free(s.list);
  if (code != RD_OK) {
    rd_device_weights_free(&w);
    return code;
  }
  if (m->weights.plain)
    join(w, m);
  *out = w;
  return RD_OK;
}

void rd_device_weights_free(rd_device_weights **weights) {
  rd_device_weights *w = weights ? *weights : NULL;
  if (!w)
    return;
  w->device->give(w->device, w->memory);
  free(w->own.layers);
  free(w->plain.layers);
  free(w);
  *weights = NULL;
}
