/* SPDX-License-Identifier: MIT */
/* The view of a draft without a terminal: what is painted for which text, width and height. */
#include "view_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void wraps_by_display_width(void **state) {
  (void)state;
  static const struct {
    const char *text;
    int width;
    const char *lines;
  } cases[] = {
      {"", 10, ""},
      {"one two three", 7, "one two\nthree"},
      {"one two three", 8, "one two\nthree"},
      {"one two three", 6, "one\ntwo\nthree"},
      {"abcdefgh", 3, "abc\ndef\ngh"},
      {"a abcdefgh", 3, "a\nabc\ndef\ngh"},
      {"two\n\nlines", 9, "two\n\nlines"},
      {"日本語です", 4, "日本\n語で\nす"},
      {"a日本", 4, "a日\n本"},
      {"cafe\xCC\x81s ok", 5, "cafe\xCC\x81s\nok"},
      {"\xCC\x81x", 5, "x"},
      {"tab\there", 20, "tab here"},
      {"esc\x1b[31m", 20, "esc\xEF\xBF\xBD[31m"},
      {"bad\xFF\xC3", 20, "bad\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"csi\xC2\x9Bm", 20, "csi\xEF\xBF\xBDm"},
      {"日", 1, "日"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char *lines = rd_text_paint(cases[i].text, cases[i].width);
    assert_string_equal(lines, cases[i].lines);
    free(lines);
  }
}

static void measures_painted_lines(void **state) {
  (void)state;
  static const struct {
    const char *line;
    int columns;
  } cases[] = {{"", 0},     {"abc", 3},       {"\x1b[31mabc\x1b[0m", 3},
               {"日本", 4}, {"e\xCC\x81", 1}, {"\x1b[3", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    assert_int_equal(rd_text_width(cases[i].line, strlen(cases[i].line)), cases[i].columns);
}

enum { N = 4, MASK_ID = 9 };
static char *const first_pieces[N] = {"a", " b", " c", ""};
static char *const noisy_pieces[N] = {"a", "", " c", ""};

static rd_event start_event(void) {
  return (rd_event){.kind = RD_EVENT_START, .iterations = 8, .sampler = "lad", .model = "m"};
}

static void take(rd_frame *f, const rd_event *event, char *const *pieces) {
  rd_error e;
  assert_int_equal(rd_frame_event(f, event, pieces, &e), RD_OK);
}

static void expect(const rd_frame *f, int width, int height, unsigned flags, const char *text) {
  char *painted = rd_frame_paint(f, width, height, flags);
  assert_string_equal(painted, text);
  free(painted);
}

static void follows_events(void **state) {
  (void)state;
  static const int32_t all[N] = {MASK_ID, MASK_ID, MASK_ID, MASK_ID}, places[N] = {0, 1, 2, 3};
  static const int32_t draft[N] = {1, 2, 3, 4}, noisy[N] = {1, MASK_ID, 3, 4}, one[1] = {1};
  static const float sure[N] = {1, 0.5F, 0.75F, 1};
  static char *const empty[N] = {"", "", "", ""};
  static const int32_t end[1] = {4};
  rd_frame f = {.ends = end, .end_count = 1};
  rd_event event = start_event();
  take(&f, &event, NULL);
  event = (rd_event){RD_EVENT_NOISE, .ids = all, .count = N, .masked = places, .masked_count = N};
  take(&f, &event, empty);
  expect(&f, 40, 0, 0, "▒▒▒▒");
  expect(&f, 40, 0, RD_PAINT_COLOUR, "\x1b[31m▒▒▒▒\x1b[0m");
  event = (rd_event){RD_EVENT_DRAFT,     .iteration = 1,    .ids = draft,      .count = N,
                     .confidence = sure, .changed = places, .changed_count = N};
  take(&f, &event, first_pieces);
  expect(&f, 80, 0, RD_PAINT_STATUS,
         "a b c\niteration 1/8  3 tokens  0 masked  4 changed  confidence 0.75");
  expect(&f, 11, 0, RD_PAINT_STATUS, "a b c\niteration 1");
  event = (rd_event){RD_EVENT_NOISE, .iteration = 1, .ids = noisy,
                     .count = N,     .masked = one,  .masked_count = 1};
  take(&f, &event, noisy_pieces);
  expect(&f, 40, 0, RD_PAINT_COLOUR, "a\x1b[31m▒\x1b[0m c");
  event = (rd_event){RD_EVENT_DRAFT, .iteration = 2, .ids = noisy, .count = N, .confidence = sure};
  take(&f, &event, noisy_pieces); /* a mask that stayed, known by its id */
  expect(&f, 40, 0, RD_PAINT_COLOUR, "a\x1b[31m▒\x1b[0m c");
  assert_int_equal(f.masked, 1);
  assert_int_equal(f.tokens, 2);
  event = (rd_event){RD_EVENT_DONE, .seconds = 2, .stopped = "converged"};
  take(&f, &event, NULL);
  expect(&f, 90, 0, RD_PAINT_STATUS,
         "a▒ c\niteration 2/8  2 tokens  1 masked  0 changed  confidence 0.88  1.0 tokens/s");
  rd_frame_drop(&f);
}

/* What keep and retention settled: in colour where nothing newer is to be said, and in words. */
static void shows_what_is_settled(void **state) {
  (void)state;
  static const int32_t ids[N] = {1, 2, 3, 4}, retained[] = {0, 1}, locked[] = {2}, changed[] = {1};
  static const float sure[N] = {1, 1, 1, 1};
  static char *const pieces[N] = {"a", "b", "c", "d"};
  rd_frame f = {0};
  rd_event event = start_event();
  take(&f, &event, NULL);
  event = (rd_event){.kind = RD_EVENT_DRAFT,
                     .iteration = 3,
                     .ids = ids,
                     .count = N,
                     .confidence = sure,
                     .changed = changed,
                     .changed_count = 1,
                     .retained = retained,
                     .retained_count = 2,
                     .locked = locked,
                     .locked_count = 1};
  take(&f, &event, pieces);
  expect(&f, 40, 0, RD_PAINT_COLOUR, "\x1b[36ma\x1b[32mb\x1b[34mc\x1b[0md");
  expect(&f, 90, 0, RD_PAINT_STATUS,
         "abcd\niteration 3/8  4 tokens  0 masked  1 changed  1 locked  2 retained  "
         "confidence 1.00");
  rd_frame_drop(&f);
}

/* Where the base checks: what it has not read yet, and its own word where another was drafted. */
static void shows_what_the_base_says_of_drafts(void **state) {
  (void)state;
  static const int32_t ids[N] = {1, 2, 3, 4}, checked[N] = {1, 2, 5, 6};
  static const int32_t drafted[] = {2, 3}, changed[] = {2, 3};
  static const float sure[N] = {1, 1, 1, 1};
  static char *const pieces[N] = {"a", "b", "c", "d"}, *const own[N] = {"a", "b", "C", "e"};
  rd_frame f = {0};
  rd_event event = start_event();
  take(&f, &event, NULL);
  event = (rd_event){RD_EVENT_DRAFT,     .ids = ids,         .count = N,
                     .confidence = sure, .changed = drafted, .changed_count = 2,
                     .drafted = 2,       .sure = 2,          .iteration = 3};
  take(&f, &event, pieces);
  expect(&f, 40, 0, RD_PAINT_COLOUR, "ab\x1b[35mcd\x1b[0m");
  expect(&f, 90, 0, RD_PAINT_STATUS,
         "abcd\niteration 3/8  4 tokens  0 masked  2 changed  2 drafted  confidence 1.00");
  event.ids = checked;
  event.drafted = 0;
  event.changed = changed;
  event.rejected = 2;
  event.sure = 3;
  take(&f, &event, own);
  expect(&f, 40, 0, RD_PAINT_COLOUR, "ab\x1b[33mC\x1b[35me\x1b[0m");
  expect(&f, 90, 0, RD_PAINT_STATUS,
         "abCe\niteration 3/8  4 tokens  0 masked  2 changed  2 rejected  confidence 1.00");
  rd_frame_drop(&f);
}

/* Text after the end of the answer is set apart; a run of ends counts once. */
static void shows_where_answers_end(void **state) {
  (void)state;
  static char *const pieces[] = {"a", "<e>", "<e>", "b", "<e>"};
  static const int32_t ids[] = {1, 4, 4, 2, 4}, end[1] = {4};
  static const float sure[] = {0.5F, 1, 1, 1, 1};
  rd_frame f = {.ends = end, .end_count = 1};
  rd_event event = start_event();
  take(&f, &event, NULL);
  event = (rd_event){RD_EVENT_DRAFT, .ids = ids, .count = 5, .confidence = sure};
  take(&f, &event, pieces);
  expect(&f, 20, 0, 0, "a\u2020b");
  assert_int_equal(f.tokens, 1);
  assert_true(f.confidence == 0.5);
  rd_frame_drop(&f);
}

/* Where the lines do not fit, the last text shows, not the masks after it. */
static void keeps_the_end_in_sight(void **state) {
  (void)state;
  static char *const pieces[] = {"one\n", "two\n", "three\n", "four\n", "", ""};
  static const int32_t ids[] = {1, 2, 3, 4, MASK_ID, MASK_ID}, places[] = {4, 5};
  rd_frame f = {0};
  rd_event event = start_event();
  take(&f, &event, NULL);
  event = (rd_event){RD_EVENT_NOISE, .ids = ids, .count = 6, .masked = places, .masked_count = 2};
  take(&f, &event, pieces);
  expect(&f, 20, 0, 0, "one\ntwo\nthree\nfour\n▒▒");
  expect(&f, 20, 2, 0, "three\nfour");
  expect(&f, 20, 2, RD_PAINT_STATUS, "four\niteration 0/8, noise");
  event = (rd_event){RD_EVENT_NOISE, .ids = ids, .count = 1}; /* a shorter region */
  take(&f, &event, pieces);
  expect(&f, 20, 0, 0, "one");
  rd_frame_drop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(wraps_by_display_width),
                                     cmocka_unit_test(measures_painted_lines),
                                     cmocka_unit_test(follows_events),
                                     cmocka_unit_test(shows_where_answers_end),
                                     cmocka_unit_test(keeps_the_end_in_sight),
                                     cmocka_unit_test(shows_what_is_settled),
                                     cmocka_unit_test(shows_what_the_base_says_of_drafts)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
