/* SPDX-License-Identifier: MIT */
/* Models of tests/golden/families.zip: a record of tools/judges/families.py, and the folder that is
 * made of it. Weights follow from names, there as here. */
#ifndef FAMILY_RECORDS_H
#define FAMILY_RECORDS_H

#include "json.h"
#include "model_files.h"
#include "npy.h"

#define FAMILIES RD_BUILD_DIR "/golden/families/" /* of families.zip */

enum { MOST_IDS = 64, MOST_VOCAB = 128 };

/* One record, and the folder that was made of it. */
typedef struct record {
  char name[100], folder[64];
  char path[100]; /* of the model: the folder, or a GGUF file in it */
  json_t *json;
  int32_t ids[MOST_IDS], rows[MOST_IDS];
  int64_t count, wanted, block;
  double *expected; /* (wanted, V) */
} record;

/* Number i of a tensor: multiples of 1/512 below 1/4, from an FNV-1a hash of its name. */
static inline void make_numbers(float *out, const char *name, int64_t n, float around) {
  uint32_t seed = 2166136261u;
  for (const char *at = name; *at; at++)
    seed = (seed ^ (unsigned char)*at) * 16777619u;
  for (int64_t i = 0; i < n; i++) {
    uint32_t x = ((uint32_t)i + seed) * 2654435761u;
    x = (x ^ x >> 16) * 2246822519u;
    x ^= x >> 13;
    out[i] = around + ((float)((x >> 8) % 255) - 127) / 512;
  }
}

/* A safetensors file of tensors {name: shape}, whose numbers follow from names; they lie around
 * `around` where the name has `word` in it. */
static inline void write_tensors(const char *path, const json_t *tensors, const char *word,
                                 float around) {
  size_t count = json_object_size(tensors), k = 0;
  rd_tensor *list = calloc(count, sizeof *list);
  const char *name = NULL;
  json_t *shape = NULL;
  rd_error e = {0};
  json_object_foreach((json_t *)(uintptr_t)tensors, name, shape) {
    rd_tensor *t = &list[k++];
    *t = (rd_tensor){.name = rd_strdup(name, &e), .format = rd_format_named("F32")};
    t->dims = (int)json_array_size(shape);
    int64_t n = 1;
    for (int d = 0; d < RD_MOST_DIMS; d++) {
      t->shape[d] = d < t->dims ? json_integer_value(json_array_get(shape, (size_t)d)) : 1;
      n *= t->shape[d];
    }
    float *numbers = malloc((size_t)n * sizeof *numbers);
    make_numbers(numbers, name, n, strstr(name, word) ? around : 0);
    t->data = (const unsigned char *)numbers;
    t->size = (size_t)n * sizeof *numbers;
  }
  assert_int_equal(rd_safetensors_write(path, list, count, &e), RD_OK);
  for (size_t i = 0; i < count; i++) {
    free(list[i].name);
    free((void *)(uintptr_t)list[i].data);
  }
  free(list);
}

static inline int64_t numbers_of(const json_t *array, int32_t *out) {
  size_t n = json_array_size(array);
  assert_true(n <= MOST_IDS);
  for (size_t i = 0; i < n; i++)
    out[i] = (int32_t)json_integer_value(json_array_get(array, i));
  return (int64_t)n;
}

/* What the record says, and an empty folder. */
static inline void begin_record(record *r, const char *name) {
  rd_error e = {0};
  char file[120];
  size_t n = 0;
  *r = (record){0};
  snprintf(r->name, sizeof r->name, "%s", name);
  snprintf(file, sizeof file, "%s.json", name);
  if (rd_json_open(&r->json, in(FAMILIES, file), &e) != RD_OK)
    fail_msg("%s", e.message);
  r->count = numbers_of(json_object_get(r->json, "ids"), r->ids);
  r->wanted = numbers_of(json_object_get(r->json, "rows"), r->rows);
  const char *kind = json_string_value(json_object_get(r->json, "attention"));
  r->block = strcmp(kind, "causal") == 0 ? 1 : 0;
  snprintf(file, sizeof file, "%s.npy", name);
  r->expected = read_npy(FAMILIES, file, &n);
  temporary(r->folder, sizeof r->folder);
}

static inline void write_folder(record *r) {
  rd_error e = {0};
  snprintf(r->path, sizeof r->path, "%s", r->folder);
  assert_int_equal(rd_json_write(r->folder, "config.json", json_object_get(r->json, "config"), &e),
                   RD_OK);
  write_tensors(in(r->folder, "model.safetensors"), json_object_get(r->json, "tensors"), "norm",
                (float)json_integer_value(json_object_get(r->json, "norms_around")));
}

/* A record with its folder, to be closed. */
static inline void open_record(record *r, const char *name) {
  begin_record(r, name);
  write_folder(r);
}

static inline void close_record(record *r) {
  static const char *const files[] = {"config.json", "model.safetensors", "model.gguf"};
  sweep(r->folder, files, 3);
  json_decref(r->json);
  free(r->expected);
}

/* Logits of all ids, (count, V), in pieces that end at `ends` (0 ends the list); a cache between.
 */
static inline float *run(const record *r, const rd_model *m, const int64_t *ends) {
  const rd_config *c = &m->config;
  rd_stack *s = NULL;
  rd_cache *cache = NULL;
  rd_error e = {0};
  int32_t all[MOST_IDS];
  float *out = calloc((size_t)(r->count * c->vocab), sizeof *out);
  const rd_stack_sizes sizes = {.rows = r->count, .longest = r->count};
  for (int32_t i = 0; i < MOST_IDS; i++)
    all[i] = i;
  if (rd_stack_new(&s, c, &m->weights, &sizes, &e) != RD_OK ||
      rd_cache_new(&cache, c, m->weights.type, r->count, &e) != RD_OK)
    fail_msg("%s", e.message);
  for (int64_t first = 0, k = 0; first < r->count; first = ends[k++]) {
    int64_t n = ends[k] - first;
    rd_sequence seq = {
        .ids = r->ids + first, .count = n, .first = first, .cache = cache, .length = ends[k]};
    logits_copy copy = {out + first * c->vocab, c->vocab};
    if (rd_stack_run(s, &seq, 1, r->block, &e) != RD_OK ||
        rd_stack_logits(s, all, n, keep_logits, &copy, &e) != RD_OK)
      fail_msg("%s: %s", r->name, e.message);
  }
  rd_cache_free(&cache);
  rd_stack_free(&s);
  return out;
}

#endif
