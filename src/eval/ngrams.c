/* SPDX-License-Identifier: MIT */
/* n-grams as 64-bit hashes (FNV-1a over words): two different ones fall together once in 2^64. */
#include "ngrams.h"

#include <ctype.h>
#include <stdlib.h>

enum { MOST_WORDS = 16 }; /* in one n-gram */

static rd_code add(rd_ngrams *g, uint64_t hash, rd_error *e) {
  RD_TRY(rd_grow((void **)&g->hashes, &g->capacity, g->count + 1, sizeof hash, e));
  g->hashes[g->count++] = hash;
  return RD_OK;
}

static uint64_t mix(uint64_t hash, uint64_t value) {
  for (int i = 0; i < 64; i += 8)
    hash = (hash ^ (value >> i & 255)) * 1099511628211u;
  return hash;
}

/* The hash of the next word; false at the end. */
static bool next_word(const char **at, uint64_t *hash) {
  const unsigned char *p = (const unsigned char *)*at;
  while (isspace(*p))
    p++;
  bool found = *p != '\0';
  for (*hash = 14695981039346656037u; *p && !isspace(*p); p++)
    *hash = (*hash ^ *p) * 1099511628211u;
  *at = (const char *)p;
  return found;
}

rd_code rd_ngrams_add(rd_ngrams *g, const char *text, rd_error *e) {
  uint64_t ring[MOST_WORDS], word;
  for (size_t words = 1; next_word(&text, &word); words++) {
    ring[words % g->n] = word;
    if (words < g->n)
      continue;
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 1; i <= g->n; i++)
      hash = mix(hash, ring[(words + i) % g->n]);
    RD_TRY(add(g, hash, e));
  }
  return RD_OK;
}

static int by_size(const void *a, const void *b) {
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return (x > y) - (x < y);
}

size_t rd_ngrams_distinct(rd_ngrams *g) {
  size_t distinct = 0;
  if (g->count)
    qsort(g->hashes, g->count, sizeof *g->hashes, by_size);
  for (size_t i = 0; i < g->count; i++)
    distinct += i == 0 || g->hashes[i] != g->hashes[i - 1];
  return distinct;
}

void rd_ngrams_drop(rd_ngrams *g) {
  free(g->hashes);
  *g = (rd_ngrams){.n = g->n};
}

rd_code rd_repetition(double *share, const char *text, size_t n, rd_error *e) {
  rd_ngrams g = {.n = n};
  rd_code code = rd_ngrams_add(&g, text, e);
  *share = g.count ? 1 - (double)rd_ngrams_distinct(&g) / (double)g.count : 0;
  rd_ngrams_drop(&g);
  return code;
}
