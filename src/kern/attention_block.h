/* SPDX-License-Identifier: MIT */
/* How attention is cut into blocks, the same forward and backward. */
#ifndef RD_ATTENTION_BLOCK_H
#define RD_ATTENTION_BLOCK_H

#include "attention.h"

/* Queries in a block: its scores with all keys take about a quarter of a MiB, but no fewer than 64
 * rows, so that reading the keys again for each block does not count. */
static inline int64_t rd_attention_rows(int64_t keys) {
  const int64_t rows = 65536 / (keys > 0 ? keys : 1) / 16 * 16;
  return rows < 64 ? 64 : rows > 256 ? 256 : rows;
}

/* The most scores in a block of a sequence with up to `longest` keys. */
static inline size_t rd_attention_area(int64_t longest) {
  const int64_t area = 64 * longest > 65536 ? 64 * longest : 65536;
  return (size_t)(256 * longest < area ? 256 * longest : area);
}

static inline int64_t rd_attention_blocks(const rd_span *s) {
  const int64_t rows = rd_attention_rows(s->keys);
  return (s->queries + rows - 1) / rows;
}

/* Keys that query i of the span sees: those from rd_attention_from up to this number. */
static inline int64_t rd_attention_seen(const rd_attention *a, const rd_span *s, int64_t i) {
  const int64_t position = s->first + i, far = position + a->window;
  const int64_t seen = rd_sees(position, s->keys, a->block, s->origin, s->led);
  return a->window > 0 && a->block == 0 && far < seen ? far : seen;
}

static inline int64_t rd_attention_from(const rd_attention *a, const rd_span *s, int64_t i) {
  const int64_t from = s->first + i - a->window + 1;
  return a->window > 0 && from > 0 ? from : 0;
}

/* The same, rounded up, for the last query of a block: few widths, so few prepared products. */
static inline int64_t rd_attention_width(const rd_attention *a, const rd_span *s, int64_t i) {
  const int64_t seen = (rd_attention_seen(a, s, i) + 127) / 128 * 128;
  return seen < s->keys ? seen : s->keys;
}

static inline size_t rd_attention_pad(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

#endif
