/* SPDX-License-Identifier: MIT */
/* Keys and values of one sequence in every layer, by position. */
#ifndef RD_CACHE_H
#define RD_CACHE_H

#include "arena.h"
#include "weights.h"

typedef struct rd_cache {
  int64_t layers;
  int64_t positions;    /* of room */
  int64_t row;          /* elements of a row: K*hd */
  rd_dtype type;        /* that of the activations */
  unsigned char *k, *v; /* (L, positions, K*hd) */
  rd_arena arena;
} rd_cache;

/* Room for `positions` tokens. */
rd_code rd_cache_new(rd_cache **out, const rd_config *config, rd_dtype type, int64_t positions,
                     rd_error *e);
void rd_cache_free(rd_cache **cache);
/* Put `count` fresh rows of keys and values (count, K*hd) into layer l from position `first` on. */
void rd_cache_put(rd_cache *cache, int64_t l, int64_t first, int64_t count, const void *k,
                  const void *v);
/* What another cache of the same model holds at `count` positions from `first` on. */
void rd_cache_copy(rd_cache *cache, const rd_cache *from, int64_t first, int64_t count);
/* Keys or values of layer l, (positions, K*hd): `of` is cache->k or cache->v. */
const void *rd_cache_layer(const rd_cache *cache, const unsigned char *of, int64_t l);

#endif
