/* SPDX-License-Identifier: MIT */
/* Random weights: a source of rows for every matrix, packed as a file's would be. */
#include <stdlib.h>
#include <string.h>

#include "model_store.h"
#include "parts.h"
#include "precision.h"
#include "rng.h"

/* A matrix's numbers are those of (seed, tensor), whatever its format. */
typedef struct source {
  uint64_t seed;
  uint32_t tensor;
  int64_t cols;
} source;

enum { DRAWS = 4096, STRETCH = 64 * DRAWS };

/* Normal numbers from a small table of a few thousand draws, new for every stretch of a matrix:
 * weights of gigabytes are made at memory speed. Chunks follow each other in a thread, so each
 * thread keeps the table that it made last. */
static const float *draws_of(const source *s, int64_t stretch) {
  static _Thread_local struct {
    bool made;
    source of;
    int64_t stretch;
    float draws[DRAWS];
  } last;
  if (last.made && last.stretch == stretch && last.of.seed == s->seed &&
      last.of.tensor == s->tensor)
    return last.draws;
  rd_rng rng =
      rd_rng_at(s->seed, RD_STREAM_INIT, (uint32_t)(stretch * (STRETCH / DRAWS)), s->tensor);
  for (int i = 0; i < DRAWS; i++)
    last.draws[i] = 0.02f * (float)rd_rng_normal(&rng);
  last.made = true;
  last.of = *s;
  last.stretch = stretch;
  return last.draws;
}

static rd_code random_rows(void *context, float *out, float *room, int64_t first, int64_t count,
                           rd_error *e) {
  (void)room, (void)e;
  const source *s = context;
  int64_t end = (first + count) * s->cols;
  for (int64_t at = first * s->cols, n; at < end; at += n) {
    int64_t in = at % DRAWS;
    n = end - at < DRAWS - in ? end - at : DRAWS - in;
    memcpy(out, draws_of(s, at / STRETCH) + in, (size_t)n * sizeof *out);
    out += n;
  }
  return RD_OK;
}

/* Groups that are made from a file's blocks alone have random blocks of Q4_0, a scale in f16 and 16
 * bytes of two numbers each, again and again from a table. */
static rd_code random_groups(const rd_matrix *out, const source *s, rd_error *e) {
  enum { TABLE = 1021, BYTES = 18 };
  rd_matrix blocks = {.format = rd_format_named("Q4_0"), .rows = out->rows, .cols = out->cols};
  const int64_t count = out->rows * out->cols / blocks.format->block;
  unsigned char table[TABLE][BYTES], *data;
  rd_rng rng = rd_rng_at(s->seed, RD_STREAM_INIT, 0, s->tensor);
  for (int i = 0; i < TABLE; i++) {
    table[i][0] = (unsigned char)rd_rng_below(&rng, 256);
    table[i][1] = 0x1c; /* 0.004 to 0.005: numbers of up to 0.04 */
    for (int j = 2; j < BYTES; j++)
      table[i][j] = (unsigned char)rd_rng_below(&rng, 256);
  }
  blocks.data = data = rd_calloc((size_t)count, BYTES, "random blocks", e);
  if (!data)
    return RD_NO_MEMORY;
  for (int64_t i = 0; i < count; i++)
    memcpy(data + i * BYTES, table[i % TABLE], BYTES);
  const bool made = out->format->regroup(out, &blocks);
  free(data);
  return made ? RD_OK : rd_fail(e, RD_UNSUPPORTED, "%s is not made from Q4_0", out->format->name);
}

/* Matrices taken one after another, made as they are placed. */
typedef struct maker {
  rd_arena *arena;
  uint64_t seed;
  uint32_t next;
} maker;

static rd_code make_matrix(maker *k, const rd_format *format, uint32_t tensor, const rd_walk *p,
                           rd_matrix *out, rd_error *e) {
  source s = {k->seed, tensor, p->cols};
  *out = rd_matrix_take(format, p->rows, p->cols, k->arena);
  return !k->arena->base ? RD_OK
       : !format->pack   ? random_groups(out, &s, e)
                         : rd_matrix_fill(out, random_rows, &s, e);
}

static const float *make_vector(maker *k, int64_t n, float value) {
  float *out = RD_TAKE(k->arena, float, n);
  for (int64_t i = 0; k->arena->base && i < n; i++)
    out[i] = value;
  return out;
}

/* `products`: the format of what is multiplied. Rows of a tied head are looked up in it. */
static rd_code make_weights(maker *k, const rd_config *c, const rd_format *products, rd_weights *w,
                            rd_error *e) {
  const rd_format *looked_up = c->tied ? products : rd_format_of(w->type);
  memset(w->layers, 0, (size_t)c->layers * sizeof *w->layers);
  rd_walk p = rd_parts_of(c, NULL, w, NULL);
  while (rd_parts_next(&p)) {
    if (p.linear)
      RD_TRY(make_matrix(k, products, k->next++, &p, p.matrix, e));
    else if (p.matrix)
      RD_TRY(make_matrix(k, looked_up, k->next++, &p, p.matrix, e));
    else if (p.needed)
      *p.vector = make_vector(k, p.cols, p.kind == RD_NORM ? 1 : 0);
  }
  if (c->tied)
    w->head.w = w->embedding;
  return RD_OK;
}

rd_code rd_model_random(rd_model **out, const rd_config *config, const char *precision,
                        uint64_t seed, rd_error *e) {
  rd_precision_choice choice;
  const rd_precision *asked = NULL;
  RD_TRY(rd_precision_find(&asked, precision, e));
  rd_tensor blocks = {.format = rd_format_named("Q4_0"), .dims = 2}; /* a file that would be able */
  const rd_tensors stored = {.items = &blocks, .count = 1};
  RD_TRY(rd_precision_choose(&choice, precision, asked->bits ? &stored : NULL, e));
  RD_TRY(rd_model_new(out, config, "random", e));
  rd_model *m = *out;
  rd_arena measure = rd_arena_measure();
  m->precision = choice.row;
  m->precision_why = choice.why;
  m->weights.type = choice.type;
  const rd_format *products =
      rd_precision_format(choice.row, choice.row->bits ? blocks.format : rd_format_of(RD_F32));
  maker k = {&measure, seed, 0};
  rd_code code = make_weights(&k, config, products, &m->weights, e);
  if (code == RD_OK)
    code = rd_arena_init(&m->store->weights, measure.used, "random weights", e);
  if (code == RD_OK) {
    m->memory_bytes += measure.used;
    k = (maker){&m->store->weights, seed, 0};
    code = make_weights(&k, config, products, &m->weights, e);
  }
  if (code != RD_OK)
    rd_model_close(out);
  return code;
}
