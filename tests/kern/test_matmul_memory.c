/* SPDX-License-Identifier: MIT */
/* Memory that runs out while a product is prepared: products that were prepared before go on
 * working. The linker puts aligned_alloc below in front of the system's (cmake/tests.cmake:
 * --wrap). */
#include "cpu.h"
#include "matmul.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SMALL = 24, MOST = 1536 };

static bool failing;
static int asked;

void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  asked++;
  return failing ? NULL : __real_aligned_alloc(alignment, size);
}

static float left[MOST * MOST], right[MOST * MOST], out[MOST * MOST];

/* The product of (m, k) and (k, n) of these types; its first element is k where it is made. */
static rd_code multiply(rd_dtype type, int64_t m, int64_t k, int64_t n, rd_error *e) {
  out[0] = 0;
  return rd_matmul(rd_mat_rows(out, RD_F32, m, n), rd_mat_rows(left, type, m, k),
                   rd_mat_rows(right, type, k, n), 0, e);
}

static void ones(rd_dtype type) {
  rd_bf16 one;
  const float value = 1;
  rd_cast(&one, RD_BF16, &value, RD_F32, 1);
  for (int i = 0; i < MOST * MOST; i++)
    if (type == RD_F32)
      left[i] = right[i] = 1;
    else
      ((rd_bf16 *)left)[i] = ((rd_bf16 *)right)[i] = one;
}

static void products_outlive_a_failure(void **state) {
  (void)state;
  static const rd_dtype types[] = {RD_F32, RD_BF16};
  int failures = 0, prepared = 0;
  for (size_t t = 0; t < 2; t++) {
    ones(types[t]);
    for (int64_t size = SMALL; size <= MOST; size *= 4) {
      rd_error e = {0};
      int before = asked;
      assert_int_equal(multiply(types[t], size, size, size, &e), RD_OK);
      prepared += asked > before;
      for (int64_t larger = size + 40; larger <= MOST; larger = larger * 3 / 2) {
        failing = true;
        rd_error why = {0};
        rd_code code = multiply(types[t], larger, larger, larger, &why);
        failing = false;
        assert_true(code == RD_OK || (code == RD_NO_MEMORY && *why.message));
        failures += code != RD_OK;
        assert_int_equal(multiply(types[t], size, size, size, &e), RD_OK);
        assert_true(out[0] == (float)size);
      }
    }
  }
  if (prepared == 0)
    skip(); /* no product of this machine takes memory of its own */
  assert_true(failures > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(products_outlive_a_failure)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
