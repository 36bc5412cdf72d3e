/* SPDX-License-Identifier: MIT */
/* Adapters as peft makes and applies them (tests/golden/peft, by tools/judges/adapters.py): logits
 * within 1e-4 relative of peft's own, beside the weights and merged; over the base as a GGUF file,
 * whose rows lie in another order; and of the merged model written as a folder. */
#include "adapter.h"
#include "convert.h"
#include "model_files.h"

#define PEFT GOLDEN "peft/"
enum { LAST = 2, IDS = 6, MOST = 96 }; /* rows of logits that are kept, tokens of the pass, words */

static json_t *cases(void) {
  rd_error e = {0};
  json_t *list = NULL;
  if (rd_json_open(&list, PEFT "cases.json", &e) != RD_OK)
    fail_msg("%s", e.message);
  return list;
}

/* The last rows of a causal pass over the ids of a case. */
static rd_code last_rows(float *out, int64_t vocab, const json_t *test, const rd_model_options *o,
                         rd_error *e) {
  static const int32_t wanted[LAST] = {IDS - LAST, IDS - 1};
  int32_t ids[IDS];
  rd_model *m = NULL;
  rd_stack *pass = NULL;
  for (size_t i = 0; i < IDS; i++)
    ids[i] = (int32_t)json_integer_value(json_array_get(json_object_get(test, "ids"), i));
  RD_TRY(rd_model_open(&m, o, e));
  assert_int_equal(m->config.vocab, vocab);
  logits_copy copy = {out, vocab};
  rd_sequence sequence = {.ids = ids, .count = IDS};
  rd_code code = rd_stack_new(&pass, &m->config, &m->weights,
                              &(rd_stack_sizes){.rows = IDS, .longest = IDS}, e);
  if (code == RD_OK)
    code = rd_stack_run(pass, &sequence, 1, 1, e);
  if (code == RD_OK)
    code = rd_stack_logits(pass, wanted, LAST, keep_logits, &copy, e);
  rd_stack_free(&pass);
  rd_model_close(&m);
  return code;
}

static void same_logits(const json_t *test, const rd_model_options *o, const char *how) {
  float found[LAST * MOST], expected[LAST * MOST];
  rd_error e = {0};
  const char *name = json_string_value(json_object_get(test, "adapter"));
  const json_t *rows = json_object_get(test, "logits");
  const size_t vocab = json_array_size(json_array_get(rows, 0));
  assert_true(vocab >= 64 && vocab <= MOST);
  for (size_t i = 0; i < LAST * vocab; i++)
    expected[i] =
        (float)json_number_value(json_array_get(json_array_get(rows, i / vocab), i % vocab));
  if (last_rows(found, (int64_t)vocab, test, o, &e) != RD_OK)
    fail_msg("%s, %s: %s", name, how, e.message);
  const double d = distance(found, expected, (int64_t)(LAST * vocab));
  if (!(d < 1e-4))
    fail_msg("%s, %s: logits differ by %g", name, how, d);
}

static void paths_of(const json_t *test, char *base, char *adapter, size_t size) {
  snprintf(base, size, PEFT "%s", json_string_value(json_object_get(test, "model")));
  snprintf(adapter, size, PEFT "%s", json_string_value(json_object_get(test, "adapter")));
}

static void adapters_are_applied(void **state) {
  (void)state;
  json_t *list = cases(), *test = NULL;
  size_t i = 0;
  assert_true(json_array_size(list) >= 27);
  json_array_foreach(list, i, test) {
    char base[300], adapter[300];
    paths_of(test, base, adapter, sizeof base);
    rd_model_options o = {.path = base, .adapter = adapter, .precision = "f32"};
    same_logits(test, &o, "as it is best");
    o.use = RD_ADAPTER_MERGED;
    same_logits(test, &o, "merged");
  }
  json_decref(list);
}

/* The base as a GGUF file, and base and adapter as one folder. */
static void adapters_go_with_other_files(void **state) {
  (void)state;
  static const char *const written[] = {"config.json", "generation_config.json",
                                        "model.safetensors", "redraft.json"};
  json_t *list = cases(), *test = NULL;
  size_t i = 0;
  json_array_foreach(list, i, test) {
    char base[300], adapter[300], folder[64], other[64];
    rd_error e = {0};
    paths_of(test, base, adapter, sizeof base);
    temporary(folder, sizeof folder);
    temporary(other, sizeof other);
    const rd_convert_options made[] = {{.path = base, .gguf = true, .out = in(folder, "base.gguf")},
                                       {.path = base, .adapter = adapter, .out = other}};
    for (size_t k = 0; k < 2; k++)
      if (rd_convert(&made[k], NULL, &e) != RD_OK)
        fail_msg("%s: %s", adapter, e.message);
    rd_model_options o = {.path = folder, .adapter = adapter, .precision = "f32"};
    same_logits(test, &o, "over a GGUF file");
    o = (rd_model_options){.path = other, .precision = "f32"};
    same_logits(test, &o, "merged and written");
    sweep(folder, (const char *const[]){"base.gguf"}, 1);
    sweep(other, written, sizeof written / sizeof *written);
  }
  json_decref(list);
}

/* What training would not write back is not where it goes on from. */
static void training_goes_on_from_plain_ones(void **state) {
  (void)state;
  static const struct {
    const char *adapter, *why; /* NULL: it does */
  } rows[] = {{"plain-adapter", NULL},          {"rslora-adapter", NULL},
              {"saved-norms-adapter", NULL},    {"head-adapter", "lm_head"},
              {"pissa-adapter", "pissa"},       {"dora-adapter", "lora_magnitude_vector"},
              {"saved-adapter", "lm_head"},     {"embedding-adapter", "lora_embedding_A"},
              {"saved-linear-adapter", "down"}, {"lad-adapter", NULL}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    char path[300];
    rd_adapter a;
    rd_error e = {0};
    snprintf(path, sizeof path, PEFT "%s", rows[i].adapter);
    if (rd_adapter_open(&a, path, &e) != RD_OK)
      fail_msg("%s", e.message);
    rd_code code = rd_adapter_check_plain(&a, &e);
    if ((code == RD_OK) != (rows[i].why == NULL) ||
        (rows[i].why && !strstr(e.message, rows[i].why)))
      fail_msg("%s: %d %s", rows[i].adapter, (int)code, e.message);
    rd_adapter_drop(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(adapters_are_applied),
                                     cmocka_unit_test(adapters_go_with_other_files),
                                     cmocka_unit_test(training_goes_on_from_plain_ones)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
