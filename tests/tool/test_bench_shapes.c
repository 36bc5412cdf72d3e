/* SPDX-License-Identifier: MIT */
/* The shapes of `bench`: each has the parameters of the model that it is called after, and makes a
 * configuration that a model can have. */
#include "bench_cases.h"
#include "family.h"
#include "parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct count {
  const char *shape;
  int64_t parameters;
} counts[] = {{"tini", 8335008},
              {"smollm2-135m", 134515008},
              {"llama-1b", 1235814400},
              {"llada-8b", 8015581184}};

static void shapes_have_their_parameters(void **state) {
  (void)state;
  const char *name;
  for (size_t i = 0; (name = rd_table_name(&rd_bench_shapes, i)); i++) {
    rd_config c;
    rd_error e = {0};
    size_t k = 0;
    if (rd_bench_config(&c, name, &e) != RD_OK || rd_config_check(&c, &e) != RD_OK)
      fail_msg("%s: %s", name, e.message);
    while (k < sizeof counts / sizeof *counts && strcmp(counts[k].shape, name) != 0)
      k++;
    if (k == sizeof counts / sizeof *counts)
      fail_msg("shape %s: say its parameters above (%lld?)", name,
               (long long)rd_parameter_count(&c));
    assert_int_equal(rd_parameter_count(&c), counts[k].parameters);
  }
  rd_config c;
  rd_error e = {0};
  assert_int_equal(rd_bench_config(&c, "giant", &e), RD_USAGE);
  assert_non_null(strstr(e.message, "llada-8b"));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(shapes_have_their_parameters)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
