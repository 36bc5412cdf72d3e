/* SPDX-License-Identifier: MIT */
/* Films: colours become classes, text is escaped, long ones stay small, the last frame is kept. */
#include "view_film.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static char *written(const rd_film *film) {
  char *text = NULL;
  size_t size = 0;
  rd_error e;
  FILE *out = open_memstream(&text, &size);
  assert_int_equal(rd_film_write(film, out, &e), RD_OK);
  fclose(out);
  return text;
}

static void frames_become_lines(void **state) {
  (void)state;
  static const struct {
    const char *frame, *shows;
  } cases[] = {
      {"a\x1b[31m▒\x1b[32m b\x1b[0m c\n\x1b[2mstatus\x1b[0m",
       "textLength=\"54\">a<tspan class=\"m\">▒</tspan><tspan class=\"n\"> b</tspan> c</text>"},
      {"x\n\x1b[2mstatus\x1b[0m", "<tspan class=\"d\">status</tspan></text>"},
      {"1<2 & 3>2\ns", ">1&#60;2 &#38; 3&#62;2</text>"},
      {"\xEF\xBF\xBF\xEF\xBF\xBE日\ns", "textLength=\"36\">\xEF\xBF\xBD\xEF\xBF\xBD日</text>"},
      {"open\x1b[31m\ns", ">open<tspan class=\"m\"></tspan></text>"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_film film = {.title = "t", .pause = 0.5};
    assert_int_equal(rd_film_add(&film, strdup(cases[i].frame), NULL), RD_OK);
    char *text = written(&film);
    if (!strstr(text, cases[i].shows))
      fail_msg("%s is not in:\n%s", cases[i].shows, text);
    free(text);
    rd_film_drop(&film);
  }
}

static void long_films_lose_frames(void **state) {
  (void)state;
  enum { FRAMES = 4000 };
  rd_film film = {.pause = 0.1};
  for (int i = 0; i < FRAMES; i++)
    assert_int_equal(rd_film_add(&film, rd_print("a frame of some length: %d\nstatus", i), NULL),
                     RD_OK);
  char *text = written(&film);
  assert_true(strlen(text) < 100000);
  assert_non_null(strstr(text, "length: 0<"));
  assert_non_null(strstr(text, "length: 3999<"));
  free(text);
  rd_film_drop(&film);
}

static void a_film_needs_frames(void **state) {
  (void)state;
  rd_film film = {.pause = 1};
  rd_error e;
  assert_int_equal(rd_film_write(&film, stderr, &e), RD_USAGE);
  assert_int_equal(rd_film_add(&film, NULL, &e), RD_NO_MEMORY);
  rd_film_drop(&film);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(frames_become_lines),
                                     cmocka_unit_test(long_films_lose_frames),
                                     cmocka_unit_test(a_film_needs_frames)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
