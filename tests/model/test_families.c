/* SPDX-License-Identifier: MIT */
/* Every dense family and option beside transformers: tests/golden/families.zip holds configurations
 * as it writes them, names of tensors, and logits; tools/judges/families.py makes them. Weights
 * follow from names, here as there. Each model is run whole and in pieces over a cache, in f32 and
 * bf16, and is written anew. */
#include "convert.h"
#include "family.h"
#include "family_records.h"
#include "rope.h"

#include <dirent.h>

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

static void open_any(record *r, const char *name) {
  begin_record(r, name);
  if (!json_object_get(r->json, "stored")) {
    write_folder(r);
    return;
  }
  snprintf(r->path, sizeof r->path, "%s/model.gguf", r->folder);
  write_gguf(r);
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
    open_any(&r, name);
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
      cmocka_unit_test(gguf_files_keep_the_logits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
