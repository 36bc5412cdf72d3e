/* SPDX-License-Identifier: MIT */
/* The documents' tables beside those that they speak of: every route has a row, every field that a
 * path or a shape names has one, and nothing is said of what is not there. */
#include "exchange.h"
#include "fields.h"
#include "idle.h"
#include "openapi.h"
#include "params.h"
#include "shapes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void every_route_is_said(void **state) {
  (void)state;
  for (size_t i = 0; i < rd_route_count; i++) {
    const rd_route *r = &rd_routes[i];
    if (!r->group || !r->answer || !r->help)
      fail_msg("%s %s does not say whose it is, what it answers, or what it is for", r->method,
               r->path);
    assert_int_equal(r->fields != NULL, strcmp(r->method, "POST") == 0);
    for (size_t k = 0; k < i; k++)
      if (strcmp(rd_routes[k].path, r->path) == 0 && strcmp(rd_routes[k].method, r->method) == 0)
        fail_msg("%s %s stands twice", r->method, r->path);
  }
}

/* Mark the rows that a list of keys names. */
static void mark(bool *used, const char *keys, const char *whose) {
  const rd_field *rows = rd_fields.rows;
  char *copy = strdup(keys ? keys : ""), *rest = copy;
  assert_non_null(copy);
  for (char *key; (key = strsep(&rest, " "));) {
    size_t n = strlen(key);
    if (n > 0 && key[n - 1] == '!')
      key[n - 1] = '\0';
    const rd_field *row = rd_table_row(&rd_fields, key);
    if (*key && !row)
      fail_msg("%s: the field %s has no row in fields.c", whose, key);
    if (row)
      used[row - rows] = true;
  }
  free(copy);
}

static void every_field_has_a_row(void **state) {
  (void)state;
  const rd_field *rows = rd_fields.rows;
  bool *used = calloc(rd_fields.count, sizeof *used);
  assert_non_null(used);
  mark(used, "model deadline_ms", "every shape");
  for (size_t i = 0; i < rd_shape_count; i++)
    mark(used, rd_shapes[i].fields, rd_shapes[i].path);
  for (size_t i = 0; i < rd_route_count; i++)
    mark(used, rd_routes[i].fields, rd_routes[i].path);
  for (size_t i = 0; i < rd_fields.count; i++) {
    json_t *schema = json_loads(rows[i].schema, 0, NULL);
    if (!schema || !rows[i].help[0])
      fail_msg("%s: no schema, or no help", rows[i].key);
    if (!used[i])
      fail_msg("%s: no path takes it", rows[i].key);
    json_decref(schema);
  }
  free(used);
}

static void neutral_values_are_json(void **state) {
  (void)state;
  const rd_idle *rows = rd_idle_table.rows;
  for (size_t i = 0; i < rd_idle_table.count; i++) {
    json_t *value =
        rows[i].neutral ? json_loads(rows[i].neutral, JSON_DECODE_ANY, NULL) : json_null();
    if (!value || !rd_idle_field(rows[i].name, value))
      fail_msg("%s: its neutral value asks for something", rows[i].name);
    json_decref(value);
    json_t *other = json_string("something");
    assert_int_equal(rd_idle_field(rows[i].name, other), rows[i].neutral == NULL);
    json_decref(other);
    assert_null(rd_table_row(&rd_sampler_rows, rows[i].name));
  }
}

/* The member of an object at a path of names, which ends with NULL. */
static json_t *at(json_t *value, const char *const *names) {
  for (; *names; names++)
    value = json_object_get(value, *names);
  return value;
}

static void the_document_has_all_of_them(void **state) {
  (void)state;
  json_t *all = rd_openapi();
  assert_true(json_is_object(all));
  for (size_t i = 0; i < rd_route_count; i++) {
    char path[100];
    bool open =
        strlen(rd_routes[i].path) > 1 && rd_routes[i].path[strlen(rd_routes[i].path) - 1] == '/';
    snprintf(path, sizeof path, "%s%s", rd_routes[i].path, open ? "{name}" : "");
    const char *const names[] = {"paths", path, strcmp(rd_routes[i].method, "GET") ? "post" : "get",
                                 "responses", NULL};
    assert_true(json_is_object(at(all, names)));
  }
  const char *const top_k[] = {"components", "schemas", "options", "properties",
                               "top_k",      "maximum", NULL};
  assert_true(json_number_value(at(all, top_k)) == 1000);
  const char *const echo[] = {
      "paths",  "/v1/completions", "post", "requestBody", "content", "application/json",
      "schema", "properties",      "echo", "type",        NULL};
  assert_string_equal(json_string_value(at(all, echo)), "boolean");
  json_decref(all);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_route_is_said),
      cmocka_unit_test(every_field_has_a_row),
      cmocka_unit_test(neutral_values_are_json),
      cmocka_unit_test(the_document_has_all_of_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
