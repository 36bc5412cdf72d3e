/* SPDX-License-Identifier: MIT */
/* A host that gave jansson allocators of its own keeps them when the library reads its first JSON:
 * what was made by the one is not freed by the other. */
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

enum { HEAD = 16 };
static long live;

static void *make(size_t size) {
  char *p = malloc(size + HEAD);
  live += p != NULL;
  return p ? p + HEAD : NULL;
}

static void drop(void *p) {
  live -= p != NULL;
  free(p ? (char *)p - HEAD : NULL);
}

static void a_host_keeps_its_allocators(void **state) {
  rd_error e = {0};
  json_t *mine, *theirs = NULL;
  (void)state;
  json_set_alloc_funcs(make, drop);
  mine = json_pack("{s:[i, i]}", "numbers", 1, 2);
  assert_int_equal(rd_json_parse(&theirs, "{\"a\": [1, 2]}", 13, "a text", &e), RD_OK);
  assert_true(live > 2);
  char *text = rd_json_dumps(theirs, JSON_COMPACT);
  assert_string_equal(text, "{\"a\":[1,2]}");
  free(text);
  json_decref(mine);
  json_decref(theirs);
  assert_int_equal(live, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(a_host_keeps_its_allocators)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
