/* SPDX-License-Identifier: MIT */
/* What is written anew is what was there: numbers that are none, and those that a type cannot hold,
 * are refused by their tensor's name, types stay, no file is written over, and every number is
 * counted. */
#include "convert.h"
#include "inspect.h"
#include "model_files.h"
#include "weights_folder.h"

#include <math.h>
#include <sys/stat.h>

static const char model[] = GOLDEN "models/llama-mha", adapter[] = GOLDEN "adapters/llama-mha-qv";
static const char projection[] = "model.layers.1.self_attn.o_proj.weight";
static const char *const parts[] = {"config.json",       "generation_config.json",
                                    "tokenizer.json",    "tokenizer_config.json",
                                    "model.safetensors", "redraft.json"};
static const char *const adapter_parts[] = {"adapter_config.json", "adapter_model.safetensors"};
enum { PARTS = sizeof parts / sizeof *parts };

/* --- models that differ in their tensors -------------------------------------------------------
 */

typedef void editing(rd_tensors *t, const void *how);

/* Copies of a folder's first files, and its tensors in the last, edited. */
static void write_edited(char *folder, const char *from, const char *const *names, size_t count,
                         editing *edit, const void *how) {
  rd_tensors t;
  rd_error e = {0};
  temporary(folder, 64);
  for (size_t i = 0; i + 1 < count; i++)
    copy_file(in(from, names[i]), in(folder, names[i]));
  assert_int_equal(rd_safetensors_open(&t, in(from, names[count - 1]), &e), RD_OK);
  edit(&t, how);
  if (rd_safetensors_write(in(folder, names[count - 1]), t.items, t.count, &e) != RD_OK)
    fail_msg("%s", e.message);
  rd_tensors_drop(&t);
}

static void write_model(char *folder, editing *edit, const void *how) {
  write_edited(folder, model, parts, PARTS - 1, edit, how);
}

static unsigned char pool[1 << 20];
static size_t pooled;

static void *take(size_t size) {
  void *out = pool + pooled;
  pooled += (size + 63) / 64 * 64;
  assert_true(pooled <= sizeof pool);
  return out;
}

/* Element 77 of a tensor, or of the first one, becomes a number. */
typedef struct spot {
  const char *tensor;
  float value;
} spot;

static void spoil(rd_tensors *t, const void *how) {
  const spot *s = how;
  rd_tensor *x = &t->items[0];
  for (size_t i = 0; s->tensor && i < t->count; i++)
    x = strcmp(t->items[i].name, s->tensor) == 0 ? &t->items[i] : x;
  assert_true(x->format->dtype == RD_F32 && rd_tensor_count(x) > 77);
  float *copy = memcpy(take(x->size), x->data, x->size);
  copy[77] = s->value;
  x->data = (const unsigned char *)copy;
}

static void sweep_model(const char *folder) {
  sweep(folder, parts, PARTS);
}

/* --- numbers -----------------------------------------------------------------------------------
 */

static void numbers_that_do_not_fit_are_refused(void **state) {
  (void)state;
  static const char none[] = ": element 77 is NaN or infinite",
                    large[] = ": element 77 does not fit";
  static const char block[] = " does not fit into Q"; /* every number of its block */
  static const struct {
    float value;
    const char *to;
    bool gguf;
    const char *message; /* NULL: written */
  } cases[] = {
      {NAN, NULL, false, none},       {NAN, "f32", false, none},   {NAN, "f16", false, none},
      {NAN, "bf16", false, none},     {NAN, NULL, true, none},     {NAN, "f32", true, none},
      {NAN, "bf16", true, none},      {NAN, "q8_0", true, none},   {NAN, "q4_0", true, none},
      {INFINITY, "q8_0", true, none}, {1e8f, "f16", false, large}, {1e8f, "q8_0", true, block},
      {1e8f, "q4_0", true, block},    {1e8f, "f32", false, NULL},  {1e8f, "bf16", true, NULL},
      {3e5f, "q8_0", true, NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char from[64], folder[64];
    rd_error e = {0};
    pooled = 0;
    write_model(from, spoil, &(spot){projection, cases[i].value});
    temporary(folder, sizeof folder);
    rmdir(folder);
    const rd_convert_options o = {.path = from,
                                  .to = cases[i].to,
                                  .gguf = cases[i].gguf,
                                  .out = cases[i].gguf ? in(folder, "a.gguf") : folder};
    if (cases[i].gguf)
      assert_int_equal(mkdir(folder, 0700), 0);
    const rd_code code = rd_convert(&o, NULL, &e);
    const char *expected = cases[i].message;
    if (code != (expected ? RD_NUMERIC : RD_OK) || (expected && !strstr(e.message, expected)))
      fail_msg("case %zu: expected \"%s\", found %d \"%s\"", i, expected ? expected : "", code,
               e.message);
    if (expected) /* nothing stands in the way of another try */
      assert_int_equal(rmdir(folder), cases[i].gguf ? 0 : -1);
    else if (cases[i].gguf)
      sweep(folder, (const char *const[]){"a.gguf"}, 1);
    else
      sweep_model(folder);
    sweep_model(from);
  }
}

static void a_damaged_adapter_is_named(void **state) {
  (void)state;
  static const float values[] = {NAN, INFINITY};
  char from[64], folder[64], named[100];
  for (size_t i = 0; i < 2; i++) {
    rd_error e = {0};
    rd_model *m = NULL;
    pooled = 0;
    write_edited(from, adapter, adapter_parts, 2, spoil, &(spot){NULL, values[i]});
    snprintf(named, sizeof named, "adapter %s: tensor ", from);
    temporary(folder, sizeof folder);
    const rd_convert_options o = {.path = model, .adapter = from, .to = "f32", .out = folder};
    if (rd_convert(&o, NULL, &e) != RD_NUMERIC || !strstr(e.message, named))
      fail_msg("merged: %s", e.message);
    static const char *const types[] = {"f32", "bf16", "f16"};
    for (size_t k = 0; k < 3; k++)
      if (rd_convert_adapter(from, types[k], folder, &e) != RD_NUMERIC || !strstr(e.message, named))
        fail_msg("%s: %s", types[k], e.message);
    if (rd_model_open(&m, &(rd_model_options){.path = model, .adapter = from}, &e) != RD_OK)
      fail_msg("%s", e.message);
    assert_int_equal(rd_tensors_check(rd_model_tensors(m), &e), RD_OK);
    if (rd_model_check(m, &e) != RD_NUMERIC || !strstr(e.message, named))
      fail_msg("checked: %s", e.message);
    rd_model_close(&m);
    assert_int_equal(rmdir(folder), 0);
    sweep(from, adapter_parts, 2);
  }
}

/* --- types -------------------------------------------------------------------------------------
 */

static void retype(rd_tensor *x, const char *format) {
  const rd_matrix from = rd_matrix_at(x->format, x->data, 1, rd_tensor_count(x));
  rd_matrix made = rd_matrix_at(rd_format_named(format), NULL, 1, from.cols);
  const float *numbers = (const float *)(const void *)x->data;
  double *wide = NULL;
  made.data = take(rd_matrix_row(&made));
  if (strcmp(format, "F64") == 0)
    wide = made.data;
  else
    made.format->pack(&made, numbers, 0, 1);
  for (int64_t i = 0; wide && i < from.cols; i++)
    wide[i] = (double)numbers[i];
  x->format = made.format;
  x->data = made.data;
  x->size = rd_matrix_row(&made);
}

/* Matrices of layers in bf16, one of them in f16, one in f64 where asked; embedding, head and norms
 * in f32, but for one in bf16. */
static void mix(rd_tensors *t, const void *how) {
  const bool *wide = how;
  for (size_t i = 0; i < t->count; i++) {
    rd_tensor *x = &t->items[i];
    const bool last = strstr(x->name, "layers.1.mlp.up_proj") != NULL,
               half = strstr(x->name, "layers.1.mlp.down_proj") != NULL,
               first = strstr(x->name, "layers.0.input_layernorm") != NULL;
    if (last && *wide)
      retype(x, "F64");
    else if (first || (x->dims == 2 && strstr(x->name, "layers.")))
      retype(x, half ? "F16" : "BF16");
  }
}

static void types_stay(void **state) {
  (void)state;
  for (int wide = 0; wide < 2; wide++) {
    char from[64], folder[64];
    rd_error e = {0};
    rd_converted done;
    rd_tensors before, after;
    pooled = 0;
    write_model(from, mix, &(bool){wide});
    temporary(folder, sizeof folder);
    if (rd_convert(&(rd_convert_options){.path = from, .out = folder}, &done, &e) != RD_OK)
      fail_msg("%s", e.message);
    assert_int_equal(done.types.narrowed, wide);
    assert_true(!wide || (strcmp(done.types.from->name, "F64") == 0 &&
                          strcmp(done.types.into->name, "F32") == 0));
    assert_int_equal(rd_weights_folder_open(&before, from, &e), RD_OK);
    assert_int_equal(rd_weights_folder_open(&after, folder, &e), RD_OK);
    assert_int_equal(before.count, after.count);
    for (size_t i = 0; i < before.count; i++) {
      const rd_tensor *x = &before.items[i], *y = &after.items[i];
      assert_string_equal(x->name, y->name);
      if (strcmp(x->format->name, "F64") == 0)
        assert_string_equal(y->format->name, "F32");
      else if (x->format != y->format || memcmp(x->data, y->data, x->size) != 0)
        fail_msg("%s: %s became %s", x->name, x->format->name, y->format->name);
    }
    rd_tensors_drop(&before);
    rd_tensors_drop(&after);
    sweep_model(folder);
    sweep_model(from);
  }
}

/* In GGUF files norms are f32, and matrices stay. */
static void types_stay_in_gguf(void **state) {
  (void)state;
  char from[64], folder[64];
  rd_error e = {0};
  rd_model *m = NULL;
  int64_t n = 0, again = 0;
  pooled = 0;
  write_model(from, mix, &(bool){false});
  temporary(folder, sizeof folder);
  const char *file = in(folder, "a.gguf");
  if (rd_convert(&(rd_convert_options){.path = from, .out = file, .gguf = true}, NULL, &e) !=
          RD_OK ||
      rd_model_open(&m, &(rd_model_options){.path = file, .precision = "f32"}, &e) != RD_OK)
    fail_msg("%s", e.message);
  const rd_tensors *t = rd_model_tensors(m);
  int64_t types[3] = {0};
  static const char *const names[] = {"BF16", "F16", "F32"};
  for (size_t i = 0; i < t->count; i++)
    for (size_t k = 0; k < 3; k++)
      types[k] += t->items[i].dims == 2 && strcmp(t->items[i].format->name, names[k]) == 0;
  assert_int_equal(types[0], 2 * 7 - 1);
  assert_int_equal(types[1], 1);
  assert_int_equal(types[2], 2); /* embedding and head */
  rd_model_close(&m);
  float *before = logits_of(&(rd_model_options){.path = from, .precision = "f32"}, &n);
  float *after = logits_of(&(rd_model_options){.path = file, .precision = "f32"}, &again);
  assert_int_equal(n, again);
  if (!(distance(after, before, n) <= 1e-6))
    fail_msg("logits move by %g", distance(after, before, n));
  free(before);
  free(after);
  sweep(folder, (const char *const[]){"a.gguf"}, 1);
  sweep_model(from);
}

/* --- files -------------------------------------------------------------------------------------
 */

static void unchanged(const char *path, const char *text) {
  rd_map map;
  rd_error e = {0};
  assert_int_equal(rd_map_open(&map, path, &e), RD_OK);
  assert_true(map.size == strlen(text) && memcmp(map.data, text, map.size) == 0);
  rd_map_close(&map);
}

static void nothing_is_written_over(void **state) {
  (void)state;
  static const char text[] = "somebody's own";
  static const struct {
    const char *name;
    bool adapter;
  } cases[] = {{"config.json", false},           {"generation_config.json", false},
               {"model.safetensors", false},     {"tokenizer.json", false},
               {"tokenizer_config.json", false}, {"chat_template.jinja", false},
               {"redraft.json", false},          {"model.gguf", false},
               {"adapter_config.json", true},    {"adapter_model.safetensors", true},
               {"redraft.json", true},           {"sampler_head.safetensors", true},
               {"normalization_state.pt", true}, {"resolved_config.json", true},
               {"tokenizer.json", true}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char folder[64], expected[100];
    rd_error e = {0};
    temporary(folder, sizeof folder);
    write_bytes(in(folder, cases[i].name), text, strlen(text));
    const char *what = cases[i].adapter ? "an adapter" : "a model",
               *name = strstr(cases[i].name, ".gguf") ? "GGUF file" : cases[i].name;
    snprintf(expected, sizeof expected, "already holds %s's %s; name another folder", what, name);
    const rd_code code =
        cases[i].adapter
            ? rd_convert_adapter(adapter, "bf16", folder, &e)
            : rd_convert(&(rd_convert_options){.path = model, .out = folder}, NULL, &e);
    if (code != RD_USAGE || !strstr(e.message, expected))
      fail_msg("%s: expected \"%s\", found \"%s\"", cases[i].name, expected, e.message);
    unchanged(in(folder, cases[i].name), text);
    sweep(folder, &cases[i].name, 1);
  }
}

/* --- counting ----------------------------------------------------------------------------------
 */

/* Biases beside every projection of a layer, or but for those that a file need not have. */
static void add_biases(rd_tensors *t, const void *how) {
  const bool *all = how;
  static const float zeros[64];
  static const struct {
    const char *name;
    int64_t n;
    bool needed;
  } rows[] = {{"self_attn.q_proj", 32, true}, {"self_attn.k_proj", 32, true},
              {"self_attn.v_proj", 32, true}, {"self_attn.o_proj", 32, false},
              {"mlp.gate_proj", 64, false},   {"mlp.up_proj", 64, false},
              {"mlp.down_proj", 32, false}};
  rd_error e = {0};
  char name[100];
  for (int layer = 0; layer < 2; layer++)
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      snprintf(name, sizeof name, "model.layers.%d.%s.bias", layer, rows[i].name);
      const rd_tensor bias = {.name = name,
                              .format = rd_format_of(RD_F32),
                              .dims = 1,
                              .shape = {rows[i].n, 1, 1, 1, 1, 1, 1, 1},
                              .data = (const unsigned char *)zeros,
                              .size = (size_t)rows[i].n * sizeof *zeros};
      if (*all || rows[i].needed)
        assert_int_equal(rd_tensors_add(t, &bias, &e), RD_OK);
    }
}

static void every_number_is_counted(void **state) {
  (void)state;
  static const char config[] =
      "{\"model_type\":\"llama\",\"hidden_size\":32,\"intermediate_size\":64,\"num_attention_"
      "heads\":4,"
      "\"num_hidden_layers\":2,\"num_key_value_heads\":4,\"vocab_size\":288,\"rms_norm_eps\":1e-5,"
      "\"max_position_embeddings\":256,\"attention_bias\":true,\"mlp_bias\":true}";
  for (int all = 0; all < 2; all++) {
    char folder[64];
    rd_error e = {0};
    rd_model *m = NULL;
    int64_t numbers = 0;
    write_model(folder, add_biases, &(bool){all});
    write_bytes(in(folder, "config.json"), config, strlen(config));
    if (rd_model_open(&m, &(rd_model_options){.path = folder}, &e) != RD_OK)
      fail_msg("%s", e.message);
    for (size_t i = 0; i < rd_model_tensors(m)->count; i++)
      numbers += rd_tensor_count(&rd_model_tensors(m)->items[i]);
    assert_int_equal(rd_model_parameters(m), numbers);
    rd_model_close(&m);
    sweep_model(folder);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_that_do_not_fit_are_refused),
                                     cmocka_unit_test(a_damaged_adapter_is_named),
                                     cmocka_unit_test(types_stay),
                                     cmocka_unit_test(types_stay_in_gguf),
                                     cmocka_unit_test(nothing_is_written_over),
                                     cmocka_unit_test(every_number_is_counted)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
