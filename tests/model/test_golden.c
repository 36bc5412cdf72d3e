/* SPDX-License-Identifier: MIT */
/* Logits of every tiny model, attention kind and adapter against the float64 reference, by the
 * stack. Adapters are applied beside the weights and merged. */
#include "golden_cases.h"
#include "stack.h"

static rd_code compare(void *context, float *logits, int64_t first, int64_t count, rd_error *e) {
  (void)e;
  golden_compare(context, logits, first, count);
  return RD_OK;
}

static void run_stack(golden_case *c) {
  rd_error e = {0};
  rd_stack *p = NULL;
  rd_sequence s = {.ids = c->ids, .count = c->count};
  if (rd_stack_new(&p, &c->model->config, &c->model->weights,
                   &(rd_stack_sizes){.rows = c->count, .longest = c->count, .chunk = 5}, &e) ||
      rd_stack_run(p, &s, 1, c->block, &e) ||
      rd_stack_logits(p, c->rows, c->wanted, compare, c, &e))
    fail_msg("%s: %s", c->path, e.message);
  rd_stack_free(&p);
}

static void f32_agrees_with_the_reference(void **state) {
  (void)state;
  golden_all(&golden_f32, false, run_stack);
}

static void bf16_agrees_with_the_reference(void **state) {
  (void)state;
  golden_all(&golden_bf16, false, run_stack);
}

static void int8_stays_near_the_reference(void **state) {
  (void)state;
  golden_all(&golden_int8, false, run_stack);
}

static void merged_adapters_agree_too(void **state) {
  (void)state;
  golden_all(&golden_f32, true, run_stack);
  golden_all(&golden_int8, true, run_stack);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(f32_agrees_with_the_reference),
      cmocka_unit_test(bf16_agrees_with_the_reference),
      cmocka_unit_test(int8_stays_near_the_reference),
      cmocka_unit_test(merged_adapters_agree_too),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
