/* SPDX-License-Identifier: MIT */
/* Families whose files hold other numbers than the pass reads: what a run leaves is read back to
 * the numbers that were trained. And families that are not trained say so. */
#include "checkpoint.h"
#include "json.h"
#include "model.h"
#include "parts.h"
#include "rng.h"
#include "scratch_files.h"
#include "trainer.h"

#include <math.h>

static const char tini[] = RD_SOURCE_DIR "/models/tini";

/* A small model of a family with tini's tokenizer: norms as its files have them. */
static void make_base(const char *folder, const char *model_type) {
  enum { MOST = 80 };
  rd_error e = {0};
  rd_config c;
  rd_tensor list[MOST];
  size_t count = 0;
  json_t *json = json_pack("{s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:b, s:i, s:[i]}",
                           "model_type", model_type, "num_hidden_layers", 2, "hidden_size", 16,
                           "num_attention_heads", 2, "num_key_value_heads", 1, "head_dim", 8,
                           "intermediate_size", 24, "vocab_size", 8192, "max_position_embeddings",
                           32, "tie_word_embeddings", 1, "sliding_window", 12, "eos_token_id", 1);
  assert_int_equal(rd_json_write(folder, "config.json", json, &e), RD_OK);
  copy_file(in(tini, "tokenizer.json"), in(folder, "tokenizer.json"));
  copy_file(in(tini, "tokenizer_config.json"), in(folder, "tokenizer_config.json"));
  if (rd_config_read(&c, json, NULL, &e) != RD_OK)
    fail_msg("%s", e.message);
  json_decref(json);
  rd_walk at = rd_parts_of(&c, NULL, NULL, NULL);
  while (rd_parts_next(&at)) {
    if (at.kind == RD_BIAS || at.before > 0)
      continue;
    assert_true(count < MOST);
    int64_t rows = at.fused ? at.stored : at.rows, n = rows * at.cols;
    float *x = malloc((size_t)n * sizeof *x);
    rd_rng rng = rd_rng_at(3, RD_STREAM_INIT, (uint32_t)count, 0);
    float around = at.kind == RD_NORM && !c.norms_less_one ? 1 : 0;
    for (int64_t i = 0; i < n; i++)
      x[i] = around + 0.1f * (float)rd_rng_normal(&rng);
    bool vector = at.kind == RD_NORM;
    list[count++] = (rd_tensor){.name = rd_strdup(at.name, &e),
                                .format = rd_format_named("F32"),
                                .dims = vector ? 1 : 2,
                                .shape = {vector ? at.cols : rows, vector ? 1 : at.cols, 1, 1},
                                .data = (const unsigned char *)x,
                                .size = (size_t)n * sizeof *x};
  }
  assert_int_equal(rd_safetensors_write(in(folder, "model.safetensors"), list, count, &e), RD_OK);
  for (size_t i = 0; i < count; i++) {
    free(list[i].name);
    free((void *)(uintptr_t)list[i].data);
  }
}

/* Settings of a run over `base`; one of the two is what is trained. */
static void settings_of(rd_train_settings *s, const char *base, const char *out,
                        const char *trainable) {
  rd_error e = {0};
  char *lines[] = {rd_print("model=%s", base),
                   rd_print("out=%s", out),
                   rd_print("data=%s/rows.jsonl", base),
                   rd_print("trainable=%s", trainable),
                   rd_print("train_norms=%s", strcmp(trainable, "lora") == 0 ? "true" : "false"),
                   rd_print("objective=next-token"),
                   rd_print("chat_template=plain"),
                   rd_print("window=24"),
                   rd_print("batch=2"),
                   rd_print("updates=3"),
                   rd_print("warmup=0"),
                   rd_print("held_out=0.2"),
                   rd_print("learning_rate=0.01")};
  *s = (rd_train_settings){0};
  assert_int_equal(rd_train_settings_default(s, &e), RD_OK);
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    if (rd_train_settings_set(s, lines[i], &e) != RD_OK)
      fail_msg("%s: %s", lines[i], e.message);
    free(lines[i]);
  }
  if (rd_train_settings_finish(s, &e) != RD_OK)
    fail_msg("%s", e.message);
}

static void write_rows(const char *folder) {
  char text[2000] = "";
  size_t n = 0;
  for (int i = 0; i < 10; i++)
    n += (size_t)snprintf(text + n, sizeof text - n,
                          "{\"prompt\": \"What is %d?\", \"answer\": \"A number.\"}\n", i);
  write_bytes(in(folder, "rows.jsonl"), text, n);
}

/* Norms of the model that was left, beside those of the run. */
static void compare_norms(const rd_trainer *t, const rd_model *left, int *moved) {
  const rd_weights *a = &t->parameters.weights, *b = &left->weights, *base = &t->base->weights;
  rd_walk x = rd_parts_of(&t->config, NULL, a, NULL), y = rd_parts_of(&t->config, NULL, b, NULL),
          z = rd_parts_of(&t->config, NULL, base, NULL);
  while (rd_parts_next(&x) && rd_parts_next(&y) && rd_parts_next(&z))
    for (int64_t i = 0; x.kind == RD_NORM && i < x.cols; i++) {
      if (fabsf((*x.vector)[i] - (*y.vector)[i]) > 2e-7f)
        fail_msg("%s: number %d was %g and is read as %g", x.name, (int)i, (double)(*x.vector)[i],
                 (double)(*y.vector)[i]);
      *moved += fabsf((*x.vector)[i] - (*z.vector)[i]) > 1e-4f;
    }
}

static void check_run(const char *root, const char *base, const char *trainable) {
  rd_train_settings s;
  rd_trainer t;
  rd_error e = {0};
  rd_model *left = NULL;
  int moved = 0;
  settings_of(&s, base, root, trainable);
  if (rd_trainer_open(&t, &s, NULL, &e) != RD_OK || rd_trainer_run(&t, &e) != RD_OK)
    fail_msg("%s", e.message);
  bool lora = strcmp(trainable, "lora") == 0;
  const rd_model_options options = {.path = lora ? base : in(root, "final"),
                                    .adapter = lora ? in(root, "final") : NULL,
                                    .precision = "f32"};
  if (rd_model_open(&left, &options, &e) != RD_OK)
    fail_msg("%s", e.message);
  compare_norms(&t, left, &moved);
  assert_true(moved > 20);
  assert_string_equal(left->config.family->name, "gemma3");
  assert_int_equal(left->config.window, 12);
  rd_model_close(&left);
  rd_trainer_close(&t);
  rd_train_settings_drop(&s);
}

static void remove_all(const char *folder) {
  char *command = rd_print("rm -r %s", folder);
  assert_int_equal(system(command), 0);
  free(command);
}

static void norms_less_one_are_read_back(void **state) {
  (void)state;
  static const char *const kinds[] = {"lora", "all"};
  for (int i = 0; i < 2; i++) {
    char base[64], root[64];
    temporary(base, sizeof base);
    temporary(root, sizeof root);
    make_base(base, "gemma3_text");
    write_rows(base);
    check_run(root, base, kinds[i]);
    remove_all(base);
    remove_all(root);
  }
}

static void fused_matrices_are_not_trained(void **state) {
  (void)state;
  char base[64];
  rd_train_settings s;
  rd_trainer t;
  rd_error e = {0};
  temporary(base, sizeof base);
  make_base(base, "phi3");
  write_rows(base);
  settings_of(&s, base, in(base, "run"), "lora");
  assert_int_equal(rd_trainer_open(&t, &s, NULL, &e), RD_UNSUPPORTED);
  assert_non_null(strstr(e.message, "family phi3 keeps queries, keys and values in one matrix"));
  rd_trainer_close(&t);
  rd_train_settings_drop(&s);
  remove_all(base);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(norms_less_one_are_read_back),
      cmocka_unit_test(fused_matrices_are_not_trained),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
