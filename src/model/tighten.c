/* SPDX-License-Identifier: MIT */
/* One walk over the parts, twice: to measure, and to pack each matrix and let its pages go, so that
 * no two copies are in memory. */
#include "tighten.h"

#include "model_store.h"
#include "parts.h"
#include "tight.h"

#include <unistd.h>

enum { LEAST = 1 << 16 /* numbers of a matrix: smaller ones stay in caches */ };

typedef struct packing {
  rd_model *m;
  rd_arena *arena, *lists;
  size_t bytes; /* that matrices have which may be packed */
  rd_weights_made *made;
  void *context;
} packing;

static bool may(const rd_matrix *m) {
  return m->data != NULL && m->format == rd_format_of(RD_BF16) && m->rows * m->cols >= LEAST;
}

/* What nobody reads any more: of files, and of the arena of what was made. A tied embedding's rows
 * are looked up where they were. */
static void let_go(const packing *k, const rd_matrix *w) {
  const size_t size = (size_t)w->rows * rd_matrix_row(w);
  const rd_tensors *files[] = {&k->m->store->file.tensors, &k->m->store->adapter.tensors};
  for (size_t f = 0; f < sizeof files / sizeof *files; f++)
    for (size_t i = 0; i < files[f]->map_count; i++)
      rd_map_let_go(&files[f]->maps[i], w->data, size);
  if (w->data != k->m->weights.embedding.data)
    rd_arena_let_go(&k->m->store->weights, w->data, size);
}

static void fetch(const packing *k, const rd_matrix *w) {
  const rd_tensors *t = &k->m->store->file.tensors;
  for (size_t i = 0; i < t->map_count; i++)
    rd_map_fetch(&t->maps[i], w->data, (size_t)w->rows * rd_matrix_row(w));
}

static void pack(packing *k, rd_matrix *w) {
  const rd_matrix before = *w;
  if (!may(w))
    return;
  k->bytes += (size_t)w->rows * rd_matrix_row(w);
  if (k->arena->base)
    fetch(k, w);
  const bool tight = rd_matrix_tighten(w, k->arena, k->lists);
  if (!k->arena->base)
    return;
  if (tight)
    let_go(k, &before);
  k->m->tight += tight;
  k->m->loose += !tight;
  if (k->made)
    k->made(k->context, k->arena->used, k->arena->size);
}

/* What a gated adapter leaves alone is the plain model's. */
static void pack_both(packing *k, rd_linear *l, rd_linear *plain) {
  const void *before = plain ? plain->w.data : NULL;
  if (plain)
    pack(k, &plain->w);
  if (plain && l->w.data == before)
    l->w = plain->w;
  else
    pack(k, &l->w);
}

static void pack_all(packing *k) {
  rd_model *m = k->m;
  rd_weights *over = m->weights.plain ? &m->plain : NULL;
  rd_walk p = rd_parts_of(&m->config, NULL, &m->weights, NULL);
  rd_walk plain = rd_parts_of(&m->config, NULL, over, NULL);
  k->bytes = 0;
  while (rd_parts_next(&p) && rd_parts_next(&plain))
    if (p.linear)
      pack_both(k, p.linear, over ? plain.linear : NULL);
  if (m->config.tied)
    pack_both(k, &m->weights.head, over ? &over->head : NULL);
}

/* What is mapped may be larger than memory, what is packed may not. */
static bool take(rd_arena *arena, size_t bytes) {
  const double all = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGE_SIZE);
  return (double)bytes < all * 3 / 4 && rd_arena_init(arena, bytes, "weights", NULL) == RD_OK;
}

rd_code rd_model_tighten(rd_model *m, size_t worth, rd_weights_made *made, void *context,
                         rd_error *e) {
  struct rd_model_store *s = m->store;
  rd_arena measure = rd_arena_measure(), lists = rd_arena_measure();
  packing k = {.m = m, .arena = &measure, .lists = &lists};
  if (!rd_tight_fast() || s->tight.base || m->file_bytes + m->memory_bytes < worth)
    return RD_OK;
  RD_TRY(rd_model_make(m, e));
  pack_all(&k);
  if (k.bytes < worth)
    return RD_OK;
  if (!take(&s->tight, measure.used) || !take(&s->lists, lists.used)) {
    rd_arena_drop(&s->tight);
    return RD_OK;
  }
  k = (packing){.m = m, .arena = &s->tight, .lists = &s->lists, .made = made, .context = context};
  pack_all(&k);
  m->memory_bytes += s->tight.used + s->lists.used;
  return RD_OK;
}
