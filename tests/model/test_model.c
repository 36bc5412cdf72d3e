/* SPDX-License-Identifier: MIT */
/* Folders that are not what they say: missing shards and tensors, wrong shapes, vocabularies that
 * disagree, NaN in weights. Each is one message that names the thing. And GGUF files whose tensors
 * share bytes. */
#include "gguf.h"
#include "inspect.h"
#include "model_files.h"
#include "model_store.h"
#include "weights_folder.h"

static const char *const files[] = {"config.json", "generation_config.json", "model.safetensors",
                                    "tokenizer.json", "tokenizer_config.json"};

/* What is done to the weights of a sound model before they are written again. */
static float bad[4096];

static size_t at_of(const rd_tensors *t, const char *name) {
  const rd_tensor *x = rd_tensors_find(t, name);
  assert_non_null(x);
  return (size_t)(x - t->items);
}

static void drop_norm(rd_tensors *t) {
  t->items[at_of(t, "model.norm.weight")].name[0] = '?';
}
static void narrow_projection(rd_tensors *t) {
  rd_tensor *x = &t->items[at_of(t, "model.layers.1.self_attn.k_proj.weight")];
  x->shape[0] /= 2;
  x->size /= 2;
}
static void short_embedding(rd_tensors *t) {
  rd_tensor *x = &t->items[at_of(t, "model.embed_tokens.weight")];
  x->shape[0] -= 1;
  x->size = (size_t)rd_tensor_count(x) * 4;
}
static void spoil(rd_tensor *x, size_t element, float value) {
  assert_true(x->size <= sizeof bad);
  memcpy(bad, x->data, x->size);
  bad[element] = value;
  x->data = (const unsigned char *)bad;
}
static void nan_in_norm(rd_tensors *t) {
  spoil(&t->items[at_of(t, "model.layers.0.input_layernorm.weight")], 3, NAN);
}
static void infinity_in_matrix(rd_tensors *t) {
  spoil(&t->items[at_of(t, "model.layers.1.self_attn.o_proj.weight")], 77, INFINITY);
}

static void damaged_folders_are_refused(void **state) {
  (void)state;
  static const struct {
    void (*damage)(rd_tensors *t);
    const char *precision;
    const char *message; /* NULL: opens, and only the full scan sees it */
    const char *scan;
  } cases[] = {
      {drop_norm, NULL, "tensor model.norm.weight is missing", NULL},
      {narrow_projection, NULL,
       "tensor model.layers.1.self_attn.k_proj.weight: expected shape (32, 32), found (16, 32)",
       NULL},
      {short_embedding, NULL,
       "tensor model.embed_tokens.weight: expected shape (288, 32), found (287, 32)", NULL},
      {nan_in_norm, NULL,
       "tensor model.layers.0.input_layernorm.weight: element 3 is NaN or infinite", NULL},
      {infinity_in_matrix, "bf16",
       "tensor model.layers.1.self_attn.o_proj.weight: element 77 is NaN or infinite", NULL},
      {infinity_in_matrix, "f32", NULL,
       "tensor model.layers.1.self_attn.o_proj.weight: element 77 is NaN or infinite"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char folder[64];
    rd_error e = {0};
    rd_tensors t;
    temporary(folder, sizeof folder);
    for (size_t f = 0; f < sizeof files / sizeof *files; f++)
      copy_file(in(GOLDEN "models/llama-mha", files[f]), in(folder, files[f]));
    assert_int_equal(rd_weights_folder_open(&t, GOLDEN "models/llama-mha", &e), RD_OK);
    cases[i].damage(&t);
    assert_int_equal(rd_safetensors_write(in(folder, "model.safetensors"), t.items, t.count, &e),
                     RD_OK);
    rd_tensors_drop(&t);
    rd_model *m = NULL;
    const rd_model_options o = {.path = folder, .precision = cases[i].precision};
    rd_code code = rd_model_open(&m, &o, &e);
    if (code == RD_OK && !cases[i].message)
      code = rd_tensors_check(rd_model_tensors(m), &e);
    const char *expected = cases[i].message ? cases[i].message : cases[i].scan;
    if (code == RD_OK || !strstr(e.message, expected))
      fail_msg("case %zu: expected \"%s\", found \"%s\"", i, expected, e.message);
    rd_model_close(&m);
    sweep(folder, files, sizeof files / sizeof *files);
  }
}

static void a_missing_shard_is_named(void **state) {
  (void)state;
  static const char *const shards[] = {"config.json", "model.safetensors.index.json",
                                       "model-00001-of-00002.safetensors"};
  char folder[64];
  rd_error e = {0};
  rd_model *m = NULL;
  temporary(folder, sizeof folder);
  for (size_t f = 0; f < 3; f++)
    copy_file(in(GOLDEN "models/llama-sharded", shards[f]), in(folder, shards[f]));
  const rd_model_options o = {.path = folder};
  assert_int_equal(rd_model_open(&m, &o, &e), RD_IO);
  if (!strstr(e.message, "model-00002-of-00002.safetensors: the shard is missing"))
    fail_msg("%s", e.message);
  sweep(folder, shards, 3);
}

/* A folder of weights alone opens, without a tokenizer, and cannot be asked for a mask word. */
static void weights_alone_open(void **state) {
  (void)state;
  char folder[64];
  rd_error e = {0};
  rd_model *m = NULL;
  temporary(folder, sizeof folder);
  for (size_t f = 0; f < 3; f++)
    copy_file(in(GOLDEN "models/llama-mha", files[f]), in(folder, files[f]));
  rd_model_options o = {.path = folder};
  if (rd_model_open(&m, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_null(m->tokenizer);
  assert_string_equal(rd_tensors_format(rd_model_tensors(m))->name, "F32");
  rd_model_close(&m);
  o.mask_token = "MASK";
  assert_int_equal(rd_model_open(&m, &o, &e), RD_USAGE);
  sweep(folder, files, 3);
}

static size_t put_u32(unsigned char *out, size_t at, uint32_t value) {
  memcpy(out + at, &value, 4);
  return at + 4;
}
static size_t put_u64(unsigned char *out, size_t at, uint64_t value) {
  memcpy(out + at, &value, 8);
  return at + 8;
}

/* A GGUF of `keys` (raw bytes) and two tensors "a", "b" of 16 floats at the offsets given. */
static void gguf_places_are_checked(void **state) {
  (void)state;
  static const struct {
    uint64_t elements, a, b;
    const char *message;
  } cases[] = {{16, 0, 64, NULL},
               {16, 0, 32, "tensors a and b overlap"},
               {16, 4, 96, "tensor a: starts at 4, not a multiple of 32"},
               {16, 0, 96, "tensor b: 64 bytes from 96, the data has 128"},
               {UINT64_C(1) << 60, 0, 64, "tensor a: 4611686018427387904 bytes"},
               {UINT64_MAX, 0, 64, "tensor a: a size of 18446744073709551615"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    unsigned char file[512] = "GGUF";
    size_t at = put_u32(file, 4, 3);
    at = put_u64(file, at, 2);
    at = put_u64(file, at, 0);
    for (int k = 0; k < 2; k++) {
      at = put_u64(file, at, 1);
      file[at++] = (unsigned char)('a' + k);
      at = put_u32(file, at, 1);
      at = put_u64(file, at, k ? 16 : cases[i].elements);
      at = put_u32(file, at, 0);
      at = put_u64(file, at, k ? cases[i].b : cases[i].a);
    }
    at = (at + 31) / 32 * 32 + 128;
    rd_gguf g;
    rd_error e = {0};
    rd_code code = rd_gguf_parse(&g, file, at, &e);
    if (!cases[i].message) {
      assert_int_equal(code, RD_OK);
      rd_gguf_drop(&g);
    } else if (code == RD_OK || !strstr(e.message, cases[i].message)) {
      fail_msg("case %zu: expected \"%s\", found \"%s\"", i, cases[i].message, e.message);
    }
  }
}

/* A model is a folder, or a file of weights with its config.json beside it, whoever wrote it: the
 * same numbers, and the same tokenizer. */
static void one_file_is_a_model_too(void **state) {
  (void)state;
  static const char *const copied[] = {"config.json", "tokenizer.json", "weights.bin"};
  char folder[64], path[128];
  rd_model_options options = {.path = GOLDEN "models/llama-mha", .precision = "f32"};
  int64_t count = 0;
  float *expected = logits_of(&options, &count);
  temporary(folder, sizeof folder);
  copy_file(GOLDEN "models/llama-mha/config.json", in(folder, "config.json"));
  copy_file(GOLDEN "models/llama-mha/tokenizer.json", in(folder, "tokenizer.json"));
  copy_file(GOLDEN "torch/llama-mha.bin", in(folder, "weights.bin"));
  snprintf(path, sizeof path, "%s/weights.bin", folder);
  const char *const paths[] = {GOLDEN "models/llama-mha/model.safetensors", path};
  for (size_t i = 0; i < 2; i++) {
    options.path = paths[i];
    float *found = logits_of(&options, &count);
    assert_memory_equal(found, expected, (size_t)count * sizeof *found);
    free(found);
    rd_model *m = NULL;
    rd_error e = {0};
    if (rd_model_open(&m, &options, &e) != RD_OK)
      fail_msg("%s", e.message);
    assert_non_null(m->tokenizer);
    rd_model_close(&m);
  }
  free(expected);
  unlink(in(folder, "config.json"));
  rd_model *m = NULL;
  rd_error e = {0};
  assert_int_equal(rd_model_open(&m, &options, &e), RD_IO);
  assert_non_null(strstr(e.message, "a file of weights beside it"));
  assert_null(m);
  sweep(folder, copied + 1, 2);
}

static void weights_may_be_made_later(void **state) {
  (void)state;
  const rd_model_options o = {.path = RD_SOURCE_DIR "/tests/golden/models/llama-mha",
                              .precision = "int8"};
  rd_model *now, *later;
  rd_error e = {0};
  assert_int_equal(rd_model_open(&now, &o, &e), RD_OK);
  assert_int_equal(rd_model_open_late(&later, &o, &e), RD_OK);
  const rd_matrix *a = &now->weights.layers[1].q.w, *b = &later->weights.layers[1].q.w;
  assert_true(b->data == NULL && b->format == a->format);
  assert_int_equal(later->memory_bytes, now->memory_bytes);
  for (int i = 0; i < 2; i++)
    assert_int_equal(rd_model_make(later, &e), RD_OK);
  assert_memory_equal(a->data, b->data, (size_t)a->rows * rd_matrix_row(a));
  rd_model_close(&now);
  rd_model_close(&later);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_file_is_a_model_too),  cmocka_unit_test(damaged_folders_are_refused),
      cmocka_unit_test(a_missing_shard_is_named), cmocka_unit_test(weights_alone_open),
      cmocka_unit_test(gguf_places_are_checked),  cmocka_unit_test(weights_may_be_made_later)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
