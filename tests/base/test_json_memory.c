/* SPDX-License-Identifier: MIT */
/* JSON that runs out of memory: every allocation of loading a text fails once, each in turn, by
 * itself and with all that follow. It is never said that the text is wrong, and nothing is lost.
 * The linker puts malloc below in front of the system's for the project's own code, which asks for
 * jansson too (cmake/tests.cmake: --wrap). */
#include "file.h"
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static long left = -1, made;
static bool for_good; /* once one failed, all do */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size) {
  made++;
  if (left == 0 || (for_good && left < -1)) {
    left = -2;
    return NULL;
  }
  left -= left > 0;
  return __real_malloc(size);
}

/* The text loads when memory is there, and else says what is lacking. */
static void load_all(const char *text, size_t size,
                     json_t *(*load)(const char *, size_t, size_t, json_error_t *)) {
  json_error_t why;
  left = -1;
  json_t *whole = load(text, size, JSON_DECODE_ANY, &why), *again;
  assert_non_null(whole);
  made = 0;
  json_decref(load(text, size, JSON_DECODE_ANY, &why));
  long count = made;
  assert_true(count > 5);
  for (int kind = 0; kind < 2; kind++)
    for (long i = 0; i < count; i++) {
      rd_error e = {0};
      for_good = kind;
      left = i;
      json_t *out = load(text, size, JSON_DECODE_ANY, &why);
      left = -1;
      if (out || rd_json_wrong(&why, "a text", &e) != RD_NO_MEMORY)
        fail_msg("allocation %ld of %ld: %s", i, count, out ? "loaded" : e.message);
      again = load(text, size, JSON_DECODE_ANY, &why);
      assert_true(json_equal(whole, again));
      json_decref(again);
    }
  json_decref(whole);
}

static void texts_are_never_wrong(void **state) {
  (void)state;
  static char large[9000];
  static const char mixed[] = "{\"a\": [1, 2.5, -3e4, true, false, null, \"\\u00e9\\n\\\"x\\\"\"], "
                              "\"deep\": [[[[{\"k\": {}}]]]], "
                              "\"a long key that wants a longer buffer than the first one of the "
                              "lexer\": \"and \\t a value\"}";
  size_t n = (size_t)snprintf(large, sizeof large, "[\"");
  while (n < sizeof large - 200)
    n += (size_t)snprintf(large + n, sizeof large - n, n % 7 ? "word \\u20ac" : "\", \"");
  n += (size_t)snprintf(large + n, sizeof large - n, "\"]");
  load_all(mixed, strlen(mixed), rd_json_load);
  load_all(large, n, rd_json_load);
  static const char numbers[] =
      "{\"long\": 1000000000000000000000000000000, \"none\": [NaN, -Infinity]}";
  load_all(numbers, strlen(numbers), rd_json_load_file);
}

/* Half an array of nothing but values, where the failure is followed by as many as can be. */
static void the_reserve_is_enough(void **state) {
  (void)state;
  static char text[6001];
  memset(text, '[', 2000);
  for (int i = 2000; i < 6000; i++)
    text[i] = i % 2 ? ',' : '1';
  for (long i = 0; i < 3000; i += 97) {
    json_error_t why;
    rd_error e = {0};
    for_good = true;
    left = i;
    assert_null(rd_json_load(text, 6000, 0, &why));
    bool failed = left == -2;
    left = -1;
    if (failed)
      assert_int_equal(rd_json_wrong(&why, "a text", &e), RD_NO_MEMORY);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(texts_are_never_wrong),
                                     cmocka_unit_test(the_reserve_is_enough)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
