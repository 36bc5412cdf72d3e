/* SPDX-License-Identifier: MIT */
/* Keys of GGUF files: what is computed of them, and what is refused by name. Each file holds the
 * keys of a small LLaMA (or Gemma 2) and one or two others; what llama.cpp computes of them was
 * read in its code. */
#include "config.h"
#include "config_layers.h"
#include "gguf_write.h"
#include "rope.h"
#include "scratch_files.h"

#include <math.h>

typedef struct pair {
  const char *key; /* behind the architecture; NULL ends a list */
  double value;
  const char *text; /* or this */
} pair;

static const pair sizes[] = {
    {"block_count", 2, NULL},          {"context_length", 64, NULL},
    {"embedding_length", 32, NULL},    {"feed_forward_length", 40, NULL},
    {"attention.head_count", 4, NULL}, {"attention.head_count_kv", 2, NULL},
    {"vocab_size", 96, NULL}};

static void put(rd_gguf_writer *w, const char *architecture, const pair *p) {
  char key[100];
  snprintf(key, sizeof key, "%s.%s", architecture, p->key);
  if (p->text)
    rd_gguf_put_text(w, key, p->text, strlen(p->text));
  else if (p->value == floor(p->value) && p->value >= 0)
    rd_gguf_put_u32(w, key, (uint32_t)p->value);
  else
    rd_gguf_put_f32(w, key, (float)p->value);
}

/* The configuration that a file with these keys, but for `without`, and these divisors (4; or NULL)
 * has. */
static rd_code read_keys_of(const char *architecture, rd_config *c, const pair *more,
                            const char *without, const float *divisors, rd_error *e) {
  rd_gguf_writer w = {0};
  rd_gguf g = {0};
  char folder[64];
  const rd_tensor freqs = {.name = "rope_freqs.weight",
                           .format = rd_format_named("F32"),
                           .dims = 1,
                           .shape = {4, 1, 1, 1},
                           .data = (const unsigned char *)divisors,
                           .size = 16};
  rd_gguf_put_text(&w, "general.architecture", architecture, strlen(architecture));
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
    if (!without || strcmp(sizes[i].key, without) != 0)
      put(&w, architecture, &sizes[i]);
  for (; more->key; more++)
    put(&w, architecture, more);
  temporary(folder, sizeof folder);
  assert_int_equal(rd_gguf_write(in(folder, "m.gguf"), &w, &freqs, divisors ? 1 : 0, e), RD_OK);
  assert_int_equal(rd_gguf_open(&g, in(folder, "m.gguf"), e), RD_OK);
  rd_code code = rd_config_read_gguf(c, &g, e);
  rd_gguf_drop(&g);
  rd_gguf_writer_drop(&w);
  sweep(folder, (const char *const[]){"m.gguf"}, 1);
  return code;
}

static rd_code read_keys(rd_config *c, const pair *more, const char *without, const float *divisors,
                         rd_error *e) {
  return read_keys_of("llama", c, more, without, divisors, e);
}

static void keys_that_are_not_computed_are_named(void **state) {
  (void)state;
  static const struct {
    pair more[3];
    const char *message;
  } cases[] = {
      {{{"expert_count", 8, NULL}}, "llama.expert_count is 8, which is not computed"},
      {{{"nextn_predict_layers", 1, NULL}}, "llama.nextn_predict_layers is 1"},
      {{{"use_parallel_residual", 1, NULL}}, "llama.use_parallel_residual is 1"},
      {{{"attention.clamp_kqv", 8, NULL}}, "llama.attention.clamp_kqv is 8"},
      {{{"attention.max_alibi_bias", 8, NULL}}, "llama.attention.max_alibi_bias is 8"},
      {{{"attention.temperature_length", 8, NULL}}, "attention.temperature_length is 8"},
      {{{"attention.scale", 0.25, NULL}}, "llama.attention.scale is 0.25"},
      {{{"attn_logit_softcapping", 50, NULL}}, "llama.attn_logit_softcapping is 50"},
      {{{"final_logit_softcapping", 30, NULL}}, "llama.final_logit_softcapping is 30"},
      {{{"logit_scale", 0.5, NULL}}, "llama.logit_scale is 0.5"},
      {{{"embedding_scale", 2.5, NULL}}, "llama.embedding_scale is 2.5"},
      {{{"residual_scale", 0.5, NULL}}, "llama.residual_scale is 0.5"},
      {{{"rope.scaling.yarn_ext_factor", 0.5, NULL}}, "yarn_ext_factor is 0.5"},
      {{{"rope.scaling.yarn_log_multiplier", 0.1, NULL}}, "yarn_log_multiplier is 0.1"},
      {{{"attention.value_length", 16, NULL}}, "attention.value_length is 16, but heads of 8"},
      {{{"rope.scaling.attn_factor", 1.5, NULL}}, "llama.rope.scaling.attn_factor is 1.5"},
      {{{"rope.scaling.type", 0, "linear"}, {"rope.scaling.attn_factor", 1.5, NULL}},
       "llama.rope.scaling.type is linear without a factor"},
      {{{"rope.scaling.type", 0, "mrope"}}, "llama.rope.scaling.type \"mrope\""},
      {{{"attention.head_count", 4.5, NULL}}, "llama.attention.head_count"},
      {{{"rope.dimension_count", 4, NULL}}, "partial rotation"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_config c;
    rd_error e = {0};
    bool again = strcmp(cases[i].more[0].key, "attention.head_count") == 0;
    rd_code code = read_keys(&c, cases[i].more, again ? "attention.head_count" : NULL, NULL, &e);
    if (code == RD_OK || !strstr(e.message, cases[i].message))
      fail_msg("%s: expected \"%s\", found %d \"%s\"", cases[i].more[0].key, cases[i].message,
               (int)code, e.message);
  }
}

static void numbers_that_change_nothing_pass(void **state) {
  (void)state;
  static const pair more[] = {{"expert_count", 0, NULL},
                              {"use_parallel_residual", 0, NULL},
                              {"logit_scale", 1, NULL},
                              {"rope.scaling.yarn_ext_factor", -1, NULL},
                              {"attention.value_length", 8, NULL},
                              {"attention.key_length", 8, NULL},
                              {"rope.scaling.attn_factor", 1, NULL},
                              {"rope.scaling.type", 0, "none"},
                              {"rope.scaling.factor", 4, NULL},
                              {NULL, 0, NULL}};
  rd_config c;
  rd_error e = {0};
  if (read_keys(&c, more, NULL, NULL, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_null(c.rope.kind);
}

/* A factor alone is linear scaling, also under the name that it had before. */
static void a_factor_alone_is_linear(void **state) {
  (void)state;
  static const char *const keys[] = {"rope.scaling.factor", "rope.scale_linear"};
  for (int i = 0; i < 2; i++) {
    const pair more[] = {{keys[i], 4, NULL}, {NULL, 0, NULL}};
    rd_config c;
    rd_error e = {0};
    if (read_keys(&c, more, NULL, NULL, &e) != RD_OK)
      fail_msg("%s", e.message);
    assert_string_equal(c.rope.kind->name, "linear");
    assert_true(c.rope.factor == 4);
  }
}

/* Any divisors of the frequencies are what the file says; llama3's own rule keeps its name. */
static void divisors_are_taken_as_they_are(void **state) {
  (void)state;
  static const float ones[4] = {1, 1, 1, 1}, odd[4] = {1, 1.5f, 2, 0.5f};
  static const pair none[] = {{NULL, 0, NULL}};
  rd_config c;
  rd_error e = {0};
  double plain[4], found[4];
  assert_int_equal(read_keys(&c, none, NULL, ones, &e), RD_OK);
  assert_null(c.rope.kind);
  rd_rope_frequencies(plain, &c.rope, 8, 0);
  if (read_keys(&c, none, NULL, odd, &e) != RD_OK)
    fail_msg("%s", e.message);
  rd_rope_frequencies(found, &c.rope, 8, 0);
  for (int i = 0; i < 4; i++)
    assert_true(fabs(found[i] * (double)odd[i] / plain[i] - 1) < 1e-6);
  assert_true(c.rope.attention == 1);
}

/* llama.cpp scales what the divisors give: of both none is left out without a word, unless one of
 * them changes nothing. */
static void divisors_and_a_scaling_are_two(void **state) {
  (void)state;
  static const float ones[4] = {1, 1, 1, 1}, odd[4] = {1, 1.5f, 2, 0.5f};
  static const struct {
    pair more[4];
    const char *message, *beside_ones; /* NULL: it opens; the kind there, NULL: none */
  } cases[] = {
      {{{"rope.scaling.type", 0, "linear"}, {"rope.scaling.factor", 4, NULL}},
       "llama.rope.scaling.type is linear with a factor of 4, beside the divisors",
       "linear"},
      {{{"rope.scaling.type", 0, "yarn"}, {"rope.scaling.factor", 4, NULL}},
       "llama.rope.scaling.type is yarn with a factor of 4, beside the divisors",
       "yarn"},
      {{{"rope.scaling.factor", 4, NULL}}, "is linear with a factor of 4", "linear"},
      {{{"rope.scale_linear", 2, NULL}}, "is linear with a factor of 2", "linear"},
      {{{"rope.scaling.type", 0, "none"}, {"rope.scaling.factor", 4, NULL}}, NULL, NULL},
      {{{"rope.scaling.type", 0, "none"}, {"rope.scaling.attn_factor", 1, NULL}}, NULL, NULL},
      {{{"rope.scaling.type", 0, "linear"}, {"rope.scaling.factor", 1, NULL}}, NULL, "linear"},
      {{{"rope.scaling.original_context_length", 8192, NULL}}, NULL, NULL},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_config c;
    rd_error e = {0};
    const char *message = cases[i].message, *kind = cases[i].beside_ones;
    rd_code code = read_keys(&c, cases[i].more, NULL, odd, &e);
    if ((code == RD_OK) != !message || (message && !strstr(e.message, message)))
      fail_msg("case %zu: expected \"%s\", found %d \"%s\"", i, message ? message : "", (int)code,
               e.message);
    if (read_keys(&c, cases[i].more, NULL, ones, &e) != RD_OK)
      fail_msg("case %zu: %s", i, e.message);
    assert_string_equal(c.rope.kind ? c.rope.kind->name : "", kind ? kind : "");
  }
  static const pair attention[] = {{"rope.scaling.attn_factor", 1.5, NULL}, {NULL, 0, NULL}};
  for (int i = 0; i < 2; i++) {
    rd_config c;
    rd_error e = {0};
    assert_int_equal(read_keys(&c, attention, NULL, i ? ones : odd, &e), RD_UNSUPPORTED);
    assert_non_null(strstr(e.message, "llama.rope.scaling.attn_factor is 1.5"));
  }
}

/* Every other layer of Gemma 2 sees a window, of 4096 where the file does not say. */
static void gemma2_has_windows(void **state) {
  (void)state;
  static const struct {
    const char *architecture;
    pair more[2];
    int64_t window;
  } cases[] = {{"gemma2", {{NULL, 0, NULL}}, 4096},
               {"gemma2", {{"attention.sliding_window", 16, NULL}}, 16},
               {"gemma2", {{"attention.sliding_window", 0, NULL}}, 0},
               {"gemma3", {{NULL, 0, NULL}}, 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_config c;
    rd_error e = {0};
    if (read_keys_of(cases[i].architecture, &c, cases[i].more, NULL, NULL, &e) != RD_OK)
      fail_msg("%s", e.message);
    assert_int_equal(rd_config_layer_of(&c, RD_LAYER_LOCAL), cases[i].window ? 0 : -1);
    if (cases[i].window)
      assert_int_equal(c.window, cases[i].window);
  }
}

static void the_vocabulary_may_be_counted(void **state) {
  (void)state;
  static const pair none[] = {{NULL, 0, NULL}};
  rd_config c;
  rd_error e = {0};
  assert_int_equal(read_keys(&c, none, "vocab_size", NULL, &e), RD_BAD_INPUT);
  assert_non_null(strstr(e.message, "vocabulary: 0")); /* no embedding either */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(keys_that_are_not_computed_are_named),
                                     cmocka_unit_test(numbers_that_change_nothing_pass),
                                     cmocka_unit_test(a_factor_alone_is_linear),
                                     cmocka_unit_test(divisors_are_taken_as_they_are),
                                     cmocka_unit_test(divisors_and_a_scaling_are_two),
                                     cmocka_unit_test(gemma2_has_windows),
                                     cmocka_unit_test(the_vocabulary_may_be_counted)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
