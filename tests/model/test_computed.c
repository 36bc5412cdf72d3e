/* SPDX-License-Identifier: MIT */
/* Settings that change the arithmetic: what is computed passes, anything else is refused by key and
 * value. */
#include "computed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef struct line {
  const char *json, *message; /* NULL: passes */
} line;

static rd_code read_config(const json_t *object, rd_error *e) {
  return rd_computed_config(object, "mlp_bias final_logit_softcapping", e);
}

static void check(rd_code (*read)(const json_t *, rd_error *), const line *lines, size_t n) {
  for (size_t i = 0; i < n; i++) {
    rd_error e = {0};
    json_t *object = json_loads(lines[i].json, 0, NULL);
    assert_non_null(object);
    rd_code code = read(object, &e);
    json_decref(object);
    assert_int_equal(code, lines[i].message ? RD_UNSUPPORTED : RD_OK);
    if (lines[i].message && !strstr(e.message, lines[i].message))
      fail_msg("%s: expected \"%s\", found \"%s\"", lines[i].json, lines[i].message, e.message);
  }
}

static void models(void **state) {
  (void)state;
  static const line lines[] = {
      {"{}", NULL},
      {"{\"hidden_act\": \"silu\", \"use_sliding_window\": false}", NULL},
      {"{\"hidden_activation\": \"gelu_pytorch_tanh\"}", "hidden_activation is"},
      {"{\"use_sliding_window\": true}", "use_sliding_window is true"},
      {"{\"mlp_bias\": true, \"final_logit_softcapping\": 30.0}", NULL}, /* the family's keys */
      {"{\"attn_logit_softcapping\": 50.0}", "attn_logit_softcapping is 50.0"},
      {"{\"residual_multiplier\": 0.5}", "what is computed: [1, 1.0, null]"},
      {"{\"use_bidirectional_attention\": true}", "use_bidirectional_attention is true"},
      {"{\"layer_norm_type\": \"default\"}", "what is computed: [\"rms\"]"},
      {"{\"rope\": false}", "rope is false"},
      {"{\"alibi\": true}", "alibi is true"},
      {"{\"clip_qkv\": 8.0}", "clip_qkv is 8.0"},
      {"{\"bias_for_layer_norm\": true}", "bias_for_layer_norm is true"},
  };
  check(read_config, lines, sizeof lines / sizeof *lines);
}

static void adapters(void **state) {
  (void)state;
  static const line lines[] = {
      {"{\"init_lora_weights\": true}", NULL},
      {"{\"init_lora_weights\": \"gaussian\", \"use_qalora\": false}", NULL},
      {"{\"init_lora_weights\": \"pissa\"}", NULL},
      {"{\"init_lora_weights\": \"pissa_niter_4\"}", "pissa_niter_4"},
      {"{\"init_lora_weights\": \"olora\"}", NULL},
      {"{\"init_lora_weights\": \"corda\"}", "init_lora_weights is \"corda\""},
      {"{\"layer_replication\": [[0, 2]]}", "layer_replication is [[0,2]]"},
      {"{\"use_qalora\": true}", "use_qalora is true"},
      {"{\"alora_invocation_tokens\": [1, 2]}", "alora_invocation_tokens is [1,2]"},
  };
  check(rd_computed_adapter, lines, sizeof lines / sizeof *lines);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(models), cmocka_unit_test(adapters)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
