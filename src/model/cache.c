/* SPDX-License-Identifier: MIT */
/* A cache is two arrays in one arena. */
#include "cache.h"

#include <stdlib.h>
#include <string.h>

rd_code rd_cache_new(rd_cache **out, const rd_config *config, rd_dtype type, int64_t positions,
                     rd_error *e) {
  *out = NULL;
  rd_cache *cache = rd_calloc(1, sizeof *cache, "a key/value cache", e);
  if (!cache)
    return RD_NO_MEMORY;
  cache->layers = config->layers;
  cache->positions = positions;
  cache->row = config->kv_heads * config->head_dim;
  cache->type = type;
  size_t half = (size_t)(config->layers * positions * cache->row) * rd_dtype_size(type);
  rd_code code =
      rd_arena_init(&cache->arena, 2 * half + 2 * RD_ALIGNMENT, "the key/value cache", e);
  if (code != RD_OK) {
    free(cache);
    return code;
  }
  cache->k = rd_arena_take(&cache->arena, half, 1);
  cache->v = rd_arena_take(&cache->arena, half, 1);
  *out = cache;
  return RD_OK;
}

void rd_cache_free(rd_cache **cache) {
  if (!cache || !*cache)
    return;
  rd_arena_drop(&(*cache)->arena);
  free(*cache);
  *cache = NULL;
}

static size_t bytes(const rd_cache *cache, int64_t l, int64_t position) {
  return (size_t)((l * cache->positions + position) * cache->row) * rd_dtype_size(cache->type);
}

void rd_cache_put(rd_cache *cache, int64_t l, int64_t first, int64_t count, const void *k,
                  const void *v) {
  size_t to = bytes(cache, l, first), size = bytes(cache, 0, count);
  memcpy(cache->k + to, k, size);
  memcpy(cache->v + to, v, size);
}

void rd_cache_copy(rd_cache *cache, const rd_cache *from, int64_t first, int64_t count) {
  for (int64_t l = 0; l < cache->layers; l++)
    rd_cache_put(cache, l, first, count, from->k + bytes(from, l, first),
                 from->v + bytes(from, l, first));
}

const void *rd_cache_layer(const rd_cache *cache, const unsigned char *of, int64_t l) {
  return of + bytes(cache, l, 0);
}
