/* SPDX-License-Identifier: MIT */
/* How many words are drafted: as many as pay, by machines and texts made up here. */
#include "pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A machine and a text: seconds of a pass by its rows, and how often drafts are right. */
typedef struct world {
  double pass, row; /* of any; and of each row beyond `free` */
  int64_t free;
  double right[RD_PACE_MOST];
} world;

static double seconds_of(const world *w, int64_t rows) {
  return w->pass + (rows > w->free ? w->row * (double)(rows - w->free) : 0);
}

/* Drafts come right as often as the world says, in an even pattern. */
static int64_t right_of(const world *w, int64_t drafted, double owed[RD_PACE_MOST]) {
  int64_t right = 0;
  while (right < drafted) {
    owed[right] += w->right[right];
    if (owed[right] < 1)
      break;
    owed[right++] -= 1;
  }
  return right;
}

/* An answer of so many words; returns its seconds, and the masks that the last passes had. */
static double write_answer(const world *w, rd_pace *p, int64_t words, int64_t *masks) {
  double seconds = 0, owed[RD_PACE_MOST] = {0};
  int64_t drafted = 0, next = 0;
  for (int64_t written = 0; written < words; drafted = next) {
    next = rd_pace_choose(p);
    assert_in_range(next, 0, RD_PACE_MOST);
    const int64_t right = right_of(w, drafted, owed);
    const double pass = seconds_of(w, rd_pace_rows(drafted, next));
    rd_pace_learn(p, drafted, right, next, pass, true);
    seconds += pass;
    written += right + 1;
    *masks = next > 0 ? next : *masks;
  }
  return seconds;
}

static void what_pays_is_found(void **state) {
  (void)state;
  static const struct {
    world w;
    int64_t masks;      /* 0: none pays */
    double least, most; /* of the seconds of plain passes */
  } cases[] = {
      {{1, 0.2, 25, {0.9, 0.9, 0.9, 0.9}}, 4, 0.20, 0.40}, /* rows cost nothing */
      {{1, 0.2, 9, {0.7, 0.6, 0.5, 0.5}}, 2, 0.45, 0.60},  /* up to nine */
      {{1, 0.1, 1, {0.8, 0.2, 0.1, 0.1}}, 1, 0.70, 0.85},  /* every row costs */
      {{1, 0.3, 1, {0.5, 0.2, 0.1, 0.1}}, 0, 1.00, 1.05},  /* too much */
      {{1, 0, 25, {0, 0, 0, 0}}, 0, 0.99, 1.05},           /* nothing is ever right */
      {{1, 1, 1, {0.6, 0.6, 0.6, 0.6}}, 0, 1.00, 1.05},    /* rows are all that costs */
  };
  enum { WORDS = 400 };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_pace p = {0};
    int64_t masks = 0;
    const double seconds = write_answer(&cases[i].w, &p, WORDS, &masks) / WORDS;
    if (seconds < cases[i].least || seconds > cases[i].most)
      fail_msg("case %zu: %.3f of the time of plain passes", i, seconds);
    if (cases[i].masks > 0)
      assert_int_equal(masks, cases[i].masks);
  }
}

/* However dear rows are and however wrong the drafts, an engine's first answer loses no more than a
 * twentieth, and those after it less. (Where a pass has free rows they are what is computed while
 * it reads its weights, so that no row costs more than the pass over their number.) */
static void finding_out_costs_little(void **state) {
  (void)state;
  enum { WORDS = 96, PROMPT = 16 };
  static const double rates[] = {0, 0.3, 0.6};
  for (int64_t free = 1; free <= 4; free++)
    for (int row = 0; row * free <= 20; row++)
      for (size_t r = 0; r < sizeof rates / sizeof *rates; r++) {
        const world w = {1, 0.05 * row, free, {rates[r], rates[r], rates[r], rates[r]}};
        rd_pace p = {0};
        int64_t masks = 0;
        const double plain = WORDS + seconds_of(&w, PROMPT);
        double all = 0;
        for (int answer = 1; answer <= 8; answer++) {
          all += seconds_of(&w, PROMPT) + write_answer(&w, &p, WORDS, &masks);
          if (all > plain * answer * (answer < 8 ? 1.05 : 1.03))
            fail_msg("rows of %.2f beyond %d, %.1f right: %.3f after %d answers", w.row, (int)free,
                     rates[r], all / (plain * answer), answer);
        }
      }
}

/* A plain pass now and then keeps both sides known. */
static void plain_passes_are_looked_at_again(void **state) {
  (void)state;
  const world quiet = {1, 0, 25, {0.7, 0.7, 0.7, 0.7}}, busy = {3, 0, 25, {0.7, 0.7, 0.7, 0.7}};
  rd_pace p = {0};
  int64_t masks = 0;
  write_answer(&quiet, &p, 400, &masks);
  const int64_t met = p.met[1];
  write_answer(&busy, &p, 4000, &masks);
  assert_true(p.met[1] > met);
  assert_true(p.seconds[1] > 1.5);
}

/* What did not pay is tried again, after longer and longer rests; once it pays it stays. */
static void a_rest_ends(void **state) {
  (void)state;
  world w = {1, 0.1, 1, {0}};
  rd_pace p = {0};
  int64_t masks = 0;
  write_answer(&w, &p, 100, &masks);
  assert_int_equal(rd_pace_choose(&p), 0);
  const world better = {1, 0, 25, {0.9, 0.9, 0.9, 0.9}};
  assert_true(write_answer(&better, &p, 1000, &masks) < 700);
}

/* A pass that was held up does not count for long. */
static void what_was_held_up_is_measured_again(void **state) {
  (void)state;
  rd_pace p = {0};
  for (int i = 0; i < 3; i++)
    rd_pace_learn(&p, 0, 0, 0, 1, true);
  for (int i = 0; i < 8; i++)
    rd_pace_learn(&p, 1, 1, 1, i == 1 ? 3 : 1, true);
  assert_true(p.seconds[4] < 1.1);
  assert_in_range(rd_pace_choose(&p), 1, 2);
}

/* Whoever asks for a number of words pays for it: what is chosen later does not. */
static void what_was_asked_for_is_not_held_against_it(void **state) {
  (void)state;
  rd_pace p = {0};
  for (int i = 0; i < 3; i++)
    rd_pace_learn(&p, 0, 0, 0, 1, true);
  for (int i = 0; i < 100; i++)
    rd_pace_learn(&p, 2, 1, 2, 4, false);
  assert_int_equal(rd_pace_choose(&p), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_pays_is_found),
      cmocka_unit_test(finding_out_costs_little),
      cmocka_unit_test(plain_passes_are_looked_at_again),
      cmocka_unit_test(what_was_asked_for_is_not_held_against_it),
      cmocka_unit_test(a_rest_ends),
      cmocka_unit_test(what_was_held_up_is_measured_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
