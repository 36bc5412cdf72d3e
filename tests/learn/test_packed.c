/* SPDX-License-Identifier: MIT */
/* A step over packed matrices gives the loss and the gradients of plain ones, bit for bit. */
#include "cpu.h"
#include "family.h"
#include "model.h"
#include "packed.h"
#include "step.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { T = 40, V = 90, D = 48, LAYERS = 2 };

typedef struct result {
  double loss;
  float embedding[V * D]; /* what has come back through the head and all layers */
} result;

static void run(result *r, const rd_config *c, const rd_weights *w) {
  int32_t ids[T], targets[T];
  float ones[T];
  for (int32_t i = 0; i < T; i++) {
    ids[i] = i * 37 % V;
    targets[i] = i % 3 ? (i * 11 + 5) % V : -1;
    ones[i] = 1;
  }
  rd_layer_grad layers[LAYERS] = {0};
  rd_gradient gradient = {.embedding = r->embedding, .layers = layers};
  const rd_sequence sequences[] = {{.ids = ids, .count = 25}, {.ids = ids + 25, .count = T - 25}};
  rd_step *step = NULL;
  rd_error e = {0};
  memset(r, 0, sizeof *r);
  if (rd_step_new(&step, c, w, T, T, false, &e) ||
      rd_step_run(step, sequences, 2, 0, targets, ones, &gradient, &r->loss, NULL, &e))
    fail_msg("%s", e.message);
  rd_step_free(&step);
}

static void packing_changes_no_bit(void **state) {
  (void)state;
  static result plain, packed;
  for (int i = 0; i < 4; i++) {
    const char *precision = i & 1 ? "bf16" : "f32";
    rd_config c = {.layers = LAYERS,
                   .width = D,
                   .heads = 4,
                   .kv_heads = 2,
                   .head_dim = 12,
                   .ff = 80,
                   .vocab = V,
                   .positions = T,
                   .norm_eps = 1e-5,
                   .rope = {.theta = 10000},
                   .tied = i & 2};
    rd_model *m = NULL;
    rd_layer layers[LAYERS];
    rd_arena arena;
    rd_error e = {0};
    assert_int_equal(rd_family_find(&c.family, "llama", &e), RD_OK);
    assert_int_equal(rd_model_random(&m, &c, precision, 5, &e), RD_OK);
    run(&plain, &c, &m->weights);
    rd_weights w = m->weights;
    memcpy(layers, w.layers, sizeof layers);
    w.layers = layers;
    const size_t size = rd_weights_packed_size(&w, &c);
    assert_int_equal(size > 0, w.type == RD_BF16 && rd_bf16_fast());
    assert_ptr_equal(w.head.w.data, m->weights.head.w.data); /* measuring leaves it alone */
    assert_int_equal(rd_weights_pack(&w, &c, &arena, &e), RD_OK);
    assert_int_equal(arena.used, size);
    assert_int_equal(w.head.w.data != m->weights.head.w.data, size > 0);
    assert_int_equal(layers[1].down.w.data != m->weights.layers[1].down.w.data, size > 0);
    assert_ptr_equal(w.embedding.data, m->weights.embedding.data);
    run(&packed, &c, &w);
    assert_true(plain.loss > 1);
    assert_memory_equal(&plain, &packed, sizeof plain);
    rd_arena_drop(&arena);
    rd_model_close(&m);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(packing_changes_no_bit)};
  return cmocka_run_group_tests_name("packed", tests, NULL, NULL);
}
