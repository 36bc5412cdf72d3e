/* SPDX-License-Identifier: MIT */
/* Every dense family and option beside transformers: tests/golden/families holds configurations as
 * it writes them, names of tensors, and logits; tools/judges/families.py makes them. Weights follow
 * from names, here as there. Each model is run whole and in pieces over a cache, in f32 and bf16,
 * and is written anew. */
#include "convert.h"
#include "family.h"
#include "model_files.h"
#include "npy.h"
#include "rope.h"

#include <dirent.h>

#define FAMILIES GOLDEN "families/"

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
static void make_numbers(float *out, const char *name, int64_t n, float around) {
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

static void write_weights(const record *r) {
  const json_t *tensors = json_object_get(r->json, "tensors");
  float one = (float)json_integer_value(json_object_get(r->json, "norms_around"));
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
    make_numbers(numbers, name, n, strstr(name, "norm") ? one : 0);
    t->data = (const unsigned char *)numbers;
    t->size = (size_t)n * sizeof *numbers;
  }
  assert_int_equal(rd_safetensors_write(in(r->folder, "model.safetensors"), list, count, &e),
                   RD_OK);
  for (size_t i = 0; i < count; i++) {
    free(list[i].name);
    free((void *)(uintptr_t)list[i].data);
  }
  free(list);
}

/* Rows of heads in the order of GGUF files: pairs that are rotated together lie together. */
static void permute(float *x, int64_t rows, int64_t cols, int64_t heads) {
  float *copy = malloc((size_t)(rows * cols) * sizeof *copy);
  memcpy(copy, x, (size_t)(rows * cols) * sizeof *copy);
  rd_rope_reorder(x, copy, rows, rows / heads, (size_t)cols * sizeof *x, true);
  free(copy);
}

/* The numbers of a tensor of a GGUF file: written out, or by the name that they had. */
static float *stored_numbers(const record *r, size_t i, int64_t *n) {
  const json_t *first = json_object_get(r->json, "first"), *list = json_array_get(first, i);
  float around = (float)json_integer_value(json_object_get(r->json, "norms_around"));
  if (list) {
    *n = (int64_t)json_array_size(list);
    float *x = malloc((size_t)*n * sizeof *x);
    for (int64_t k = 0; k < *n; k++)
      x[k] = (float)json_number_value(json_array_get(list, (size_t)k));
    return x;
  }
  const json_t *row =
      json_array_get(json_object_get(r->json, "stored"), i - json_array_size(first));
  const json_t *shape = json_array_get(row, 1);
  const char *name = json_string_value(json_array_get(row, 0));
  int64_t rows = json_integer_value(json_array_get(shape, 0));
  int64_t cols = json_array_size(shape) > 1 ? json_integer_value(json_array_get(shape, 1)) : 1;
  int64_t heads = json_integer_value(json_array_get(row, 2));
  *n = rows * cols;
  float *x = malloc((size_t)*n * sizeof *x);
  make_numbers(x, name, *n, strstr(name, "norm") ? around : 0);
  if (heads > 0)
    permute(x, rows, cols, heads);
  return x;
}

/* A GGUF file: what the gguf package wrote before the numbers, and the numbers, each tensor's up to
 * a multiple of 32 bytes. */
static void write_gguf(const record *r) {
  static const char zeros[32] = "";
  size_t count = json_array_size(json_object_get(r->json, "first")) +
                 json_array_size(json_object_get(r->json, "stored"));
  char name[120];
  rd_map head;
  rd_error e = {0};
  snprintf(name, sizeof name, "%s.head", r->name);
  if (rd_map_open(&head, in(FAMILIES, name), &e) != RD_OK)
    fail_msg("%s", e.message);
  FILE *file = fopen(r->path, "wb");
  assert_non_null(file);
  fwrite(head.data, 1, head.size, file);
  rd_map_close(&head);
  for (size_t i = 0; i < count; i++) {
    int64_t n = 0;
    float *x = stored_numbers(r, i, &n);
    size_t size = (size_t)n * sizeof *x;
    fwrite(x, 1, size, file);
    fwrite(zeros, 1, (32 - size % 32) % 32, file);
    free(x);
  }
  assert_int_equal(fclose(file), 0);
}

static int64_t numbers_of(const json_t *array, int32_t *out) {
  size_t n = json_array_size(array);
  assert_true(n <= MOST_IDS);
  for (size_t i = 0; i < n; i++)
    out[i] = (int32_t)json_integer_value(json_array_get(array, i));
  return (int64_t)n;
}

static void open_record(record *r, const char *name) {
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
  if (json_object_get(r->json, "stored")) {
    snprintf(r->path, sizeof r->path, "%s/model.gguf", r->folder);
    write_gguf(r);
    return;
  }
  snprintf(r->path, sizeof r->path, "%s", r->folder);
  assert_int_equal(rd_json_write(r->folder, "config.json", json_object_get(r->json, "config"), &e),
                   RD_OK);
  write_weights(r);
}

static void close_record(record *r) {
  static const char *const files[] = {"config.json", "model.safetensors", "model.gguf"};
  sweep(r->folder, files, 3);
  json_decref(r->json);
  free(r->expected);
}

/* Each record in turn. */
static void each(void (*check)(record *r)) {
  DIR *folder = opendir(FAMILIES);
  int count = 0;
  assert_non_null(folder);
  for (struct dirent *at = readdir(folder); at; at = readdir(folder)) {
    char name[100];
    record r;
    size_t n = strlen(at->d_name);
    if (n < 6 || n >= sizeof name || strcmp(at->d_name + n - 5, ".json") != 0)
      continue;
    snprintf(name, sizeof name, "%.*s", (int)(n - 5), at->d_name);
    open_record(&r, name);
    check(&r);
    close_record(&r);
    count++;
  }
  closedir(folder);
  assert_true(count > 40);
}

static rd_model *open_model(const char *folder, const char *precision) {
  rd_model *m = NULL;
  rd_error e = {0};
  if (rd_model_open(&m, &(rd_model_options){.path = folder, .precision = precision}, &e) != RD_OK)
    fail_msg("%s: %s", folder, e.message);
  return m;
}

/* Logits of all ids, (count, V), in pieces that end at `ends` (0 ends the list); a cache between.
 */
static float *run(const record *r, const rd_model *m, const int64_t *ends) {
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

static double off(const record *r, const float *logits, int64_t vocab) {
  double difference = 0, norm = 0;
  for (int64_t i = 0; i < r->wanted; i++)
    for (int64_t v = 0; v < vocab; v++) {
      double x = r->expected[i * vocab + v], d = (double)logits[r->rows[i] * vocab + v] - x;
      difference += d * d;
      norm += x * x;
    }
  return sqrt(difference / norm);
}

static void check_logits(record *r) {
  static const struct {
    const char *precision;
    double most;
  } limits[] = {{"f32", 5e-6}, {"bf16", 5e-2}, {"int8", 1e-1}};
  for (int i = 0; i < 3; i++) {
    rd_model *m = open_model(r->path, limits[i].precision);
    float *logits = run(r, m, (int64_t[]){r->count, 0});
    double found = off(r, logits, m->config.vocab);
    if (!(found <= limits[i].most))
      fail_msg("%s in %s: off by %g of the norm", r->name, limits[i].precision, found);
    free(logits);
    rd_model_close(&m);
  }
}

static void logits_are_those_of_transformers(void **state) {
  (void)state;
  each(check_logits);
}

/* A prompt in pieces, and then single tokens: windows reach into the cache. Angles that depend on
 * the length of the sequence make the two differ. */
static void check_pieces(record *r) {
  rd_model *m = open_model(r->path, "f32");
  if (r->block == 1 && !rd_rope_by_length(&m->config.rope, r->count)) {
    int64_t end = r->count;
    float *logits = run(r, m, (int64_t[]){5, 6, 7, end - 4, end - 1, end, 0});
    double found = off(r, logits, m->config.vocab);
    if (!(found <= 5e-6))
      fail_msg("%s in pieces: off by %g of the norm", r->name, found);
    free(logits);
  }
  rd_model_close(&m);
}

static void pieces_over_a_cache_agree(void **state) {
  (void)state;
  each(check_pieces);
}

/* What was read from a folder is what is read back, and gives the same bits; a GGUF becomes a
 * folder whose rows lie in another order. */
static void check_written(record *r) {
  static const char *const files[] = {"config.json", "generation_config.json", "model.safetensors",
                                      "redraft.json"};
  rd_error e = {0};
  rd_config again;
  char folder[64];
  rd_model *m = open_model(r->path, "f32");
  json_t *json = rd_config_json(&m->config, RD_F32);
  if (rd_config_read(&again, json, NULL, &e) != RD_OK)
    fail_msg("%s: %s", r->name, e.message);
  bool gguf = json_object_get(r->json, "stored") != NULL;
  if (!gguf && memcmp(&m->config, &again, sizeof again) != 0)
    fail_msg("%s: written and read back it is another: %s", r->name, json_dumps(json, 0));
  json_decref(json);
  temporary(folder, sizeof folder);
  if (rd_convert(&(rd_convert_options){.path = r->path, .to = "f32", .out = folder}, NULL, &e) !=
      RD_OK)
    fail_msg("%s: %s", r->name, e.message);
  rd_model *written = open_model(folder, "f32");
  float *before = run(r, m, (int64_t[]){r->count, 0});
  float *after = run(r, written, (int64_t[]){r->count, 0});
  if (!gguf)
    assert_memory_equal(before, after, (size_t)(r->count * m->config.vocab) * sizeof *before);
  else if (!(off(r, after, m->config.vocab) <= 5e-6))
    fail_msg("%s as a folder: off by %g", r->name, off(r, after, m->config.vocab));
  free(before);
  free(after);
  rd_model_close(&written);
  rd_model_close(&m);
  sweep(folder, files, 4);
}

static void written_models_are_the_same(void **state) {
  (void)state;
  each(check_written);
}

/* A GGUF opened with its rotated heads as folders have them, for training: the same logits. */
static int apart;

static void check_halves(record *r) {
  const rd_model_options o = {.path = r->path, .precision = "f32", .halves = true};
  rd_model *m = NULL;
  rd_error e = {0};
  if (rd_model_open(&m, &o, &e) != RD_OK)
    fail_msg("%s: %s", r->name, e.message);
  apart += json_object_get(r->json, "stored") && m->config.family->gguf_interleaved;
  assert_false(m->config.rope_interleaved);
  float *logits = run(r, m, (int64_t[]){r->count, 0});
  double found = off(r, logits, m->config.vocab);
  if (!(found <= 5e-6))
    fail_msg("%s in halves: off by %g of the norm", r->name, found);
  free(logits);
  rd_model_close(&m);
}

static void rows_of_a_gguf_come_apart(void **state) {
  (void)state;
  each(check_halves);
  assert_true(apart >= 5); /* with biases too */
}

/* Where q, k and v lie in one matrix, LoRA's factors are its rows too; DoRA's lengths and a base
 * that PiSSA changed are refused by name. */
static void fused_matrices_take_plain_factors(void **state) {
  (void)state;
  static const struct {
    const char *config, *message; /* NULL: it opens */
  } cases[] = {{"{\"r\":2,\"lora_alpha\":2,\"target_modules\":[\"qkv_proj\"]}", NULL},
               {"{\"r\":2,\"lora_alpha\":2,\"use_dora\":true,\"target_modules\":[\"qkv_proj\"]}",
                "qkv_proj.weight holds several projections in one matrix"},
               {"{\"r\":2,\"lora_alpha\":2,\"init_lora_weights\":\"pissa\",\"target_modules\":["
                "\"qkv_proj\"]}",
                "qkv_proj.weight holds several projections in one matrix"}};
  static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors"};
  static const float numbers[256] = {0};
  record r;
  open_record(&r, "phi3");
  rd_model *plain = open_model(r.path, "f32");
  const rd_config *c = &plain->config;
  const int64_t rows = (c->heads + 2 * c->kv_heads) * c->head_dim;
  assert_true(2 * rows <= 256 && 2 * c->width <= 256);
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    static char names[3][100];
    static const char *const ends[] = {"lora_A.weight", "lora_B.weight", "lora_magnitude_vector"};
    const int64_t shapes[3][2] = {{2, c->width}, {rows, 2}, {rows, 1}};
    rd_tensor tensors[3];
    char folder[64];
    rd_error e = {0};
    rd_model *m = NULL;
    for (int k = 0; k < 3; k++) {
      snprintf(names[k], sizeof names[k], "base_model.model.model.layers.0.self_attn.qkv_proj.%s",
               ends[k]);
      tensors[k] = (rd_tensor){.name = names[k],
                               .format = rd_format_named("F32"),
                               .dims = k < 2 ? 2 : 1,
                               .shape = {shapes[k][0], shapes[k][1], 1, 1},
                               .data = (const unsigned char *)numbers,
                               .size = (size_t)(shapes[k][0] * shapes[k][1]) * sizeof(float)};
    }
    temporary(folder, sizeof folder);
    write_bytes(in(folder, files[0]), cases[i].config, strlen(cases[i].config));
    assert_int_equal(rd_safetensors_write(in(folder, files[1]), tensors, i == 1 ? 3 : 2, &e),
                     RD_OK);
    rd_code code = rd_model_open(
        &m, &(rd_model_options){.path = r.path, .adapter = folder, .precision = "f32"}, &e);
    if (cases[i].message ? code != RD_UNSUPPORTED || !strstr(e.message, cases[i].message)
                         : code != RD_OK)
      fail_msg("case %zu: %d \"%s\"", i, (int)code, e.message);
    rd_model_close(&m);
    sweep(folder, files, 2);
  }
  rd_model_close(&plain);
  close_record(&r);
}

/* As one GGUF file: the same logits, or a key that it cannot say. */
static int written_as_gguf;

static void check_gguf(record *r) {
  static const char *const file = "written.gguf";
  rd_error e = {0};
  char folder[64], path[100];
  temporary(folder, sizeof folder);
  snprintf(path, sizeof path, "%s/%s", folder, file);
  rd_code code = rd_convert(
      &(rd_convert_options){.path = r->path, .to = "f32", .out = path, .gguf = true}, NULL, &e);
  if (code == RD_OK) {
    rd_model *m = open_model(path, "f32");
    float *logits = run(r, m, (int64_t[]){r->count, 0});
    double found = off(r, logits, m->config.vocab);
    if (!(found <= 5e-6))
      fail_msg("%s as GGUF: off by %g of the norm", r->name, found);
    free(logits);
    rd_model_close(&m);
    written_as_gguf++;
  } else if (code != RD_UNSUPPORTED || !strstr(e.message, "which the keys of a GGUF file cannot")) {
    fail_msg("%s: %s", r->name, e.message);
  }
  if (code != RD_OK)
    print_message("%s: %s\n", r->name, e.message);
  sweep(folder, &file, 1);
}

static void gguf_files_keep_the_logits(void **state) {
  (void)state;
  each(check_gguf);
  assert_true(written_as_gguf > 20);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(logits_are_those_of_transformers),
      cmocka_unit_test(pieces_over_a_cache_agree),
      cmocka_unit_test(written_models_are_the_same),
      cmocka_unit_test(rows_of_a_gguf_come_apart),
      cmocka_unit_test(fused_matrices_take_plain_factors),
      cmocka_unit_test(gguf_files_keep_the_logits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
