/* SPDX-License-Identifier: MIT */
/* The table of shapes: every row has a route, takes the fields that it names and no others, says
 * what it needs, and lays out answers and pieces. */
#include "body.h"
#include "exchange.h"
#include "shapes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What a body with one field, whose value suits none, comes to; is the field known? */
static bool takes(const rd_shape *shape, const char *field) {
  rd_body body;
  rd_error e;
  char *text = rd_print("{\"%s\": {\"no\": \"value\"}}", field);
  assert_non_null(text);
  rd_code code = rd_body_parse(&body, text, strlen(text), shape, NULL, &e);
  bool known = strcmp(body.unknown.names, field) != 0;
  assert_true(known || code == RD_OK);
  rd_body_drop(&body);
  free(text);
  return known;
}

static void test_fields(void **state) {
  (void)state;
  for (size_t i = 0; i < rd_shape_count; i++)
    for (size_t k = 0; k < rd_shape_count; k++) {
      char *names = strdup(rd_shapes[k].fields), *rest = names;
      assert_non_null(names);
      for (const char *name; (name = strsep(&rest, " "));)
        assert_int_equal(takes(&rd_shapes[i], name), rd_name_listed(rd_shapes[i].fields, name) ||
                                                         rd_table_row(&rd_sampler_rows, name));
      free(names);
    }
  assert_false(takes(&rd_shapes[0], "no_such_field"));
}

static void test_routes(void **state) {
  (void)state;
  for (size_t i = 0; i < rd_shape_count; i++) {
    size_t found = 0;
    for (size_t k = 0; k < rd_route_count; k++)
      found += strcmp(rd_routes[k].path, rd_shapes[i].path) == 0 &&
               strcmp(rd_routes[k].method, "POST") == 0;
    assert_int_equal(found, 1);
    assert_non_null(rd_shapes[i].id);
    assert_non_null(rd_shapes[i].needs);
  }
  /* and a route that drafts has a shape */
  rd_handler *draft = NULL;
  for (size_t k = 0; k < rd_route_count; k++)
    if (rd_table_row(&rd_shape_table, rd_routes[k].path))
      draft = rd_routes[k].handler;
  for (size_t k = 0; k < rd_route_count; k++)
    assert_int_equal(rd_routes[k].handler == draft,
                     rd_table_row(&rd_shape_table, rd_routes[k].path) != NULL);
}

static void test_layout(void **state) {
  (void)state;
  for (size_t i = 0; i < rd_shape_count; i++) {
    const rd_shape *s = &rd_shapes[i];
    if (s->events) /* nothing else is sent */
      continue;
    assert_non_null(s->answer);
    assert_non_null(s->reply);
    if (s->translation) /* another interface's answer, laid out by its reply */
      continue;
    if (!s->whole) { /* no choices, as OpenAI has them: all is in these two */
      assert_null(s->piece);
      continue;
    }
    json_t *values[] = {s->whole("text", "stop"), s->piece("text", 4, true, NULL),
                        s->piece("", 0, false, "length")};
    const char *const ends[] = {"stop", NULL, "length"};
    assert_non_null(s->object);
    assert_non_null(s->chunk);
    assert_non_null(s->likely);
    for (size_t k = 0; k < 3; k++) {
      assert_true(json_is_object(values[k]));
      const json_t *finish = json_object_get(values[k], "finish_reason");
      if (ends[k])
        assert_string_equal(json_string_value(finish), ends[k]);
      else
        assert_true(json_is_null(finish));
      char *all = json_dumps(values[k], JSON_COMPACT);
      assert_non_null(all);
      assert_int_equal(strstr(all, ":\"text\"") != NULL, k < 2);
      free(all);
      json_decref(values[k]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields), cmocka_unit_test(test_routes),
                                     cmocka_unit_test(test_layout)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
