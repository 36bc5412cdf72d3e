/* SPDX-License-Identifier: MIT */
/* Fields that mean nothing: those that a route lists are known, others are named, unless they ask
 * for nothing; whatever they are called, the list is fit for a header. */
#include "exchange.h"
#include "fields.h"
#include "unknown.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What is named of a body with one field. */
static rd_unknown named(const char *keys, const char *field, json_t *value) {
  rd_unknown u = {0};
  json_t *body = json_object();
  assert_int_equal(json_object_set_new_nocheck(body, field, value), 0);
  rd_unknown_read(&u, body, keys);
  json_decref(body);
  return u;
}

static void fields_of_routes(void **state) {
  (void)state;
  for (size_t i = 0; i < rd_route_count; i++) {
    const char *keys = rd_routes[i].fields;
    bool must;
    if (!keys)
      continue;
    for (const rd_field *row; (row = rd_field_next(&keys, &must));)
      assert_string_equal(
          named(rd_routes[i].fields, rd_field_name(row), json_string("something")).names, "");
    keys = rd_routes[i].fields;
    assert_string_equal(named(keys, "no_such_field", json_true()).names, "no_such_field");
    assert_string_equal(named(keys, "no_such_field", json_null()).names, "");
    assert_string_equal(named(keys, "user", json_string("me")).names, "");
    assert_string_equal(named(keys, "min_p", json_real(0)).names, "");
    assert_string_equal(named(keys, "min_p", json_real(0.5)).names, "min_p");
  }
}

static void names_of_fields(void **state) {
  (void)state;
  assert_string_equal(named("texts!", "input", json_true()).names, "");
  assert_string_equal(named("texts!", "texts", json_true()).names, "texts");
  assert_string_equal(named("model texts!", "mod", json_true()).names, "mod");
  assert_string_equal(named("", "", json_true()).names, "?");
  assert_string_equal(named("", "a\r\nX: \"b\\", json_true()).names, "a??X: ?b?");
}

static void long_lists(void **state) {
  (void)state;
  rd_unknown u = {0};
  size_t before = 0;
  for (int i = 0; i < 100; i++) {
    rd_unknown_add(&u, i % 2 ? "a" : "a_name_that_is_longer_than_all_of_forty_letters");
    assert_true(strlen(u.names) >= before && strlen(u.names) < sizeof u.names);
    before = strlen(u.names);
  }
  assert_string_equal(u.names + before - 4, ", ..");
  assert_ptr_equal(strstr(u.names, ".."), u.names + before - 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(fields_of_routes),
                                     cmocka_unit_test(names_of_fields),
                                     cmocka_unit_test(long_lists)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
