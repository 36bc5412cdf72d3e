/* SPDX-License-Identifier: MIT */
/* Attention kernels want a sequence's keys in one piece: as many sequences as there is room for are
 * laid out so, then the next ones. */
#include "past.h"

#include <string.h>

void rd_past_take(rd_past *p, rd_arena *arena, const rd_config *c, rd_dtype type, int64_t rows,
                  int64_t longest, bool train) {
  size_t size = rd_dtype_size(type);
  p->rows = rows;
  p->row = c->kv_heads * c->head_dim;
  p->type = type;
  p->most = 2 * (rows > longest ? rows : longest);
  p->k = rd_arena_take(arena, (size_t)(c->layers * rows * p->row), size);
  p->v = rd_arena_take(arena, (size_t)(c->layers * rows * p->row), size);
  p->keys = rd_arena_take(arena, (size_t)(p->most * p->row), size);
  p->values = rd_arena_take(arena, (size_t)(p->most * p->row), size);
  p->dkeys = train ? rd_arena_take(arena, (size_t)(p->most * p->row), size) : NULL;
  p->dvalues = train ? rd_arena_take(arena, (size_t)(p->most * p->row), size) : NULL;
  p->spans = RD_TAKE(arena, rd_span, rows);
}

static size_t bytes(const rd_past *p, int64_t rows) {
  return (size_t)(rows * p->row) * rd_dtype_size(p->type);
}

void rd_past_keep(rd_past *p, int64_t layer, int64_t T, const void *k, const void *v) {
  memcpy(p->k + bytes(p, layer * p->rows), k, bytes(p, T));
  memcpy(p->v + bytes(p, layer * p->rows), v, bytes(p, T));
}

static void copy_rows(const rd_past *p, void *to, int64_t at, const void *from, int64_t first,
                      int64_t count) {
  memcpy((char *)to + bytes(p, at), (const char *)from + bytes(p, first), bytes(p, count));
}

/* Lay out the keys and values of sequences from `first` on; returns the first that had no room. */
static int64_t gather(rd_past *p, const rd_attention *a, int64_t first, const void *k,
                      const void *v) {
  int64_t at = 0, i = first, layer = p->layer * p->rows;
  for (; i < a->sequences && (at == 0 || at + a->spans[i].keys <= p->most); i++) {
    const rd_span *s = &a->spans[i];
    rd_span *to = &p->spans[i - first];
    *to = *s;
    to->k = at;
    copy_rows(p, p->keys, at, p->k, layer + p->before[i], s->first);
    copy_rows(p, p->values, at, p->v, layer + p->before[i], s->first);
    copy_rows(p, p->keys, at + s->first, k, s->k, s->queries);
    copy_rows(p, p->values, at + s->first, v, s->k, s->queries);
    at += s->keys;
  }
  return i;
}

static rd_attention part_of(const rd_past *p, const rd_attention *a, int64_t count) {
  rd_attention part = *a;
  part.spans = p->spans;
  part.sequences = count;
  return part;
}

rd_code rd_past_forward(rd_past *p, const rd_layer_context *c, const rd_layer_acts *a,
                        rd_error *e) {
  const rd_attention attention = rd_layer_attention(c, p->layer);
  for (int64_t first = 0, end = 0; first < attention.sequences; first = end) {
    end = gather(p, &attention, first, a->k, a->v);
    rd_attention part = part_of(p, &attention, end - first);
    RD_TRY(rd_attention_forward(&part, a->att, a->lse, a->q, p->keys, p->values, c->workspace, e));
  }
  return RD_OK;
}

rd_code rd_past_backward(rd_past *p, const rd_layer_context *c, const rd_layer_acts *a,
                         const rd_layer_scratch *s, rd_error *e) {
  const rd_attention attention = rd_layer_attention(c, p->layer);
  for (int64_t first = 0, end = 0; first < attention.sequences; first = end) {
    end = gather(p, &attention, first, a->k, a->v);
    rd_attention part = part_of(p, &attention, end - first);
    RD_TRY(rd_attention_backward(&part, s->dq, p->dkeys, p->dvalues, s->datt, a->att, a->lse, a->q,
                                 p->keys, p->values, c->workspace, e));
    for (int64_t i = first; i < end; i++) {
      const rd_span *fresh = &attention.spans[i], *laid = &p->spans[i - first];
      copy_rows(p, s->dk, fresh->k, p->dkeys, laid->k + laid->first, fresh->queries);
      copy_rows(p, s->dv, fresh->k, p->dvalues, laid->k + laid->first, fresh->queries);
    }
  }
  return RD_OK;
}
