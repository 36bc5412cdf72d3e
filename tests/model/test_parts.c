/* SPDX-License-Identifier: MIT */
/* The walk over a model's parts: its order, which files and random numbers follow, what each family
 * has, and that a place is where the structs have their member. */
#include "flops.h"
#include "parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static rd_config config_of(const char *family) {
  rd_config c = {
      .layers = 2, .width = 12, .heads = 4, .kv_heads = 2, .head_dim = 6, .ff = 20, .vocab = 50};
  assert_int_equal(rd_family_find(&c.family, family, NULL), RD_OK);
  return c;
}

static void the_order_is_fixed(void **state) {
  (void)state;
  static const struct {
    const char *name;
    int64_t rows, cols;
    bool needed;
  } expected[] = {
      {"model.embed_tokens.weight", 50, 12, true},
      {"model.norm.weight", 1, 12, true},
      {"lm_head.weight", 50, 12, true},
      {"model.layers.0.input_layernorm.weight", 1, 12, true},
      {"model.layers.0.post_attention_layernorm.weight", 1, 12, true},
      {"model.layers.0.self_attn.q_norm.weight", 1, 6, true},
      {"model.layers.0.self_attn.k_norm.weight", 1, 6, true},
      {"model.layers.0.self_attn.q_proj.weight", 24, 12, true},
      {"model.layers.0.self_attn.q_proj.bias", 1, 24, true},
      {"model.layers.0.self_attn.k_proj.weight", 12, 12, true},
      {"model.layers.0.self_attn.k_proj.bias", 1, 12, true},
      {"model.layers.0.self_attn.v_proj.weight", 12, 12, true},
      {"model.layers.0.self_attn.v_proj.bias", 1, 12, true},
      {"model.layers.0.self_attn.o_proj.weight", 12, 24, true},
      {"model.layers.0.self_attn.o_proj.bias", 1, 12, false},
      {"model.layers.0.mlp.gate_proj.weight", 20, 12, true},
      {"model.layers.0.mlp.gate_proj.bias", 1, 20, false},
      {"model.layers.0.mlp.up_proj.weight", 20, 12, true},
      {"model.layers.0.mlp.up_proj.bias", 1, 20, false},
      {"model.layers.0.mlp.down_proj.weight", 12, 20, true},
      {"model.layers.0.mlp.down_proj.bias", 1, 12, false},
      {"model.layers.1.input_layernorm.weight", 1, 12, true},
  };
  rd_config c = config_of("qwen3");
  c.qk_norm = c.qkv_bias = c.out_bias = c.mlp_bias = true;
  rd_walk at = rd_parts_of(&c, NULL, NULL, NULL);
  for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
    assert_true(rd_parts_next(&at));
    assert_string_equal(at.name, expected[i].name);
    assert_int_equal(at.rows, expected[i].rows);
    assert_int_equal(at.cols, expected[i].cols);
    assert_int_equal(at.needed, expected[i].needed);
  }
}

/* Every family: names that no two places share, but for the rows of a fused matrix, and as many
 * numbers as are counted. */
static void families_name_all_they_have(void **state) {
  (void)state;
  enum { MOST = 64 };
  size_t families = 0;
  const rd_family *rows = rd_families(&families);
  for (size_t f = 0; f < families; f++) {
    rd_config c = config_of(rows[f].model_types[0]);
    char names[MOST][RD_NAME];
    int count = 0;
    int64_t numbers = 0;
    c.qk_norm = rows[f].qk_norm;
    c.qkv_bias = rows[f].qkv_bias;
    for (int tied = 0; tied < 2; tied++) {
      c.tied = tied;
      count = 0;
      numbers = 0;
      int64_t fused = 0, together = 0, whole = 0;
      rd_walk at = rd_parts_of(&c, NULL, NULL, NULL);
      while (rd_parts_next(&at)) {
        assert_true(count < MOST && *at.module);
        assert_null(strchr(at.name, '%'));
        for (int i = 0; i < count && at.before == 0; i++)
          assert_string_not_equal(names[i], at.name);
        fused += at.fused;
        together += at.fused && at.kind == RD_LINEAR ? at.rows : 0;
        whole += at.fused && at.kind == RD_LINEAR && at.before == 0 ? at.stored : 0;
        assert_true(at.before + (at.kind == RD_BIAS ? at.cols : at.rows) <= at.stored || !at.fused);
        strcpy(names[count++], at.name);
        numbers += at.needed ? at.rows * at.cols : 0;
      }
      assert_int_equal(numbers, rd_parameter_count(&c));
      assert_int_equal(together, whole);
      assert_true((fused > 0) == rows[f].names->fused);
    }
  }
}

static void places_are_members(void **state) {
  (void)state;
  rd_config c = config_of("llama");
  rd_layer layers[2];
  rd_layer_grad grads[2];
  rd_weights w = {.layers = layers};
  rd_gradient g = {.layers = grads};
  memset(layers, 0, sizeof layers);
  rd_walk at = rd_parts_of(&c, NULL, &w, &g);
  bool up = false, norm = false, bias = false, head = false;
  while (rd_parts_next(&at)) /* what the files do not speak of is no part, though it be stored */
    assert_true(at.kind != RD_BIAS);
  c.mlp_bias = true;
  at = rd_parts_of(&c, NULL, &w, &g);
  while (rd_parts_next(&at)) {
    if (strcmp(at.name, "model.layers.1.mlp.up_proj.weight") == 0)
      up = at.linear == &layers[1].up && at.matrix == &layers[1].up.w &&
           at.gradient == &grads[1].up.w && at.grad == &grads[1].up && !at.vector;
    if (strcmp(at.name, "model.layers.0.mlp.down_proj.bias") == 0)
      bias = at.vector == &layers[0].down.bias && at.gradient == &grads[0].down.bias && !at.linear;
    if (strcmp(at.name, "model.layers.0.post_attention_layernorm.weight") == 0)
      norm = at.vector == &layers[0].mlp_norm && at.gradient == &grads[0].mlp_norm && !at.matrix;
    if (strcmp(at.name, "lm_head.weight") == 0)
      head = at.linear == &w.head && at.gradient == &g.head.w && at.layer == -1;
  }
  assert_true(up && norm && bias && head);
  int places = 0;
  at = rd_parts_of_layer(&c, &w, 1);
  while (rd_parts_next(&at)) {
    assert_int_equal(at.layer, 1);
    places++;
  }
  assert_int_equal(places, 2 + 7 + 3);
}

/* A token of a window behind remembered positions meets those and what of the window is not behind
 * it. */
static void pairs_of_attention_are_counted_once(void **state) {
  (void)state;
  const rd_config c = config_of("llama");
  const double pair = 4.0 * 2 * 4 * 6; /* layers, heads, numbers of a head */
  static const struct {
    int64_t reuse, window, pairs;
  } cases[] = {{0, 1, 1}, {0, 8, 64}, {256, 1, 257}, {224, 32, 224 * 32 + 32 * 33 / 2}};
  const double weights = rd_flops_pass(&c, 0, 1, 1, 0) - pair;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const double window = (double)cases[i].window,
                 found = rd_flops_pass(&c, cases[i].reuse, cases[i].window, 3, 0);
    assert_true(found == 3 * (window * weights + pair * (double)cases[i].pairs));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_order_is_fixed),
      cmocka_unit_test(families_name_all_they_have),
      cmocka_unit_test(places_are_members),
      cmocka_unit_test(pairs_of_attention_are_counted_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
