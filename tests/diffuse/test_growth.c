/* SPDX-License-Identifier: MIT */
/* Gaps that grow: what the model says is written down for every pass, and what becomes of it was
 * worked out by hand. */
#include "fake_engine.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { V = 10, END = 8, MASK = 9, PROMPT = 7, MOST = 16 };

/* A region as text: letters are words, '.' the end, '_' a mask. */
static int32_t id_of(char letter) {
  return letter == '_' ? MASK : letter == '.' ? END : letter - 'a';
}

static const struct trial {
  const char *what, *options[6];
  const char *region; /* upper-case letters are fixed text */
  struct pass {
    const char *canvas; /* what the model sees */
    const char *words;  /* what it proposes for each place; for those that stand nothing is read */
    int percent[MOST];  /* how likely that is */
  } passes[8];
  const char *answer;
} trials[] = {
    {"one gap",
     {"room=2", "grow=3"},
     "A______B",
     {{"a__b", " cd ", {0, 95, 20}},            /* c stays; d is doubtful: three masks */
      {"ac___b", "  de. ", {0, 0, 92, 25, 93}}, /* an end in a gap goes; two more are allowed */
      {"acd___b", "   e.. ", {0, 0, 0, 50, 40, 60}}, /* none is sure: the likeliest, which goes */
      {"acd__b", "   e. ", {0, 0, 0, 95, 95}}},
     "acdeb"},
    {"an answer is measured first",
     {"room=2", "grow=2"},
     "________",
     {{"__", "cd", {50, 50}},
      {"____", "cd..", {95, 20, 60, 80}}, /* 70% of an end: long enough, and still in doubt */
      {"c____", " de..", {0, 95, 95, 95, 99}}},
     "cde.."},
    {"as long as it may be",
     {"room=2", "grow=2"},
     "____",
     {{"__", "cd", {50, 50}}, {"____", "cdef", {95, 95, 95, 95}}},
     "cdef"},
    {"two gaps, each by itself",
     {"room=1", "grow=2"},
     "____A____B",
     {{"_a_b", "c d ", {10, 0, 20}}, {"__adb", "ce   ", {95, 95}}},
     "ceadb"},
    {"an end that is likely enough",
     {"room=1", "grow=2", "end-bound=0.3"},
     "A____B",
     {{"a_b", " c ", {0, 20}}},
     "acb"},
    {"an end that is likely, but not enough",
     {"room=2", "grow=2", "end-bound=0.3"},
     "A____B",
     {{"a__b", " c. ", {0, 20, 50}}, {"a__b", " cd ", {0, 95, 95}}},
     "acdb"},
    {"no doubt, no growth",
     {"room=1", "grow=4", "doubt=0"},
     "A____B",
     {{"a_b", " c ", {0, 20}}},
     "acb"},
};

static const struct trial *now;
static int64_t at_pass;

/* The words of the pass. */
static void logits_of(float *logits, int64_t v, const int32_t *ids, int64_t count, int64_t row) {
  const struct pass *pass = &now->passes[at_pass];
  const int64_t p = row - 1;
  const double sure = pass->percent[p] / 100.0;
  assert_int_equal(count - 1, strlen(pass->canvas));
  for (int64_t i = 0; i + 1 < count; i++)
    if (ids[i + 1] != id_of(pass->canvas[i]))
      fail_msg("%s: pass %d: place %d is %d", now->what, (int)at_pass, (int)i, ids[i + 1]);
  for (int64_t i = 0; i < v; i++)
    logits[i] = (float)log((1 - sure) / (double)(v - 1));
  logits[id_of(pass->words[p])] = (float)log(sure);
}

static rd_code count_passes(void *context, const rd_event *event) {
  (void)context;
  at_pass += event->kind == RD_EVENT_DRAFT;
  return RD_OK;
}

static void run(const struct trial *t) {
  const int32_t prompt[] = {PROMPT};
  int32_t ids[MOST];
  uint8_t places[MOST];
  const char *options[8] = {"sampler=daedal"};
  fake_params f;
  rd_error e;
  rd_draft *draft;
  now = t;
  at_pass = 0;
  for (int i = 0; t->options[i]; i++)
    options[i + 1] = t->options[i];
  if (fake_params_init(&f, options, &e) != RD_OK)
    fail_msg("%s", e.message);
  for (size_t p = 0; t->region[p]; p++) {
    places[p] = t->region[p] == '_' ? RD_PLACE_MASKED : RD_PLACE_LOCKED;
    ids[p] = t->region[p] == '_' ? MASK : t->region[p] - 'A';
  }
  fake_engine engine = fake_open(logits_of, V);
  const rd_draft_setup s = {.params = &f.p,
                            .sampler = f.sampler,
                            .model = "fake",
                            .prompt = prompt,
                            .prompt_count = 1,
                            .ids = ids,
                            .places = places,
                            .count = (int64_t)strlen(t->region),
                            .window = MOST + 1,
                            .mask = MASK,
                            .ends = {END},
                            .end_count = 1,
                            .vocab = V,
                            .seed = 5,
                            .observer = count_passes};
  assert_int_equal(rd_draft_new(&draft, &s, &e), RD_OK);
  if (rd_draft_run(draft, &engine.base, NULL, &e) != RD_OK)
    fail_msg("%s: %s", t->what, e.message);
  rd_draft_result r = rd_draft_so_far(draft);
  assert_int_equal(r.count, strlen(t->answer));
  for (int64_t p = 0; p < r.count; p++)
    if (r.region[p] != id_of(t->answer[p]))
      fail_msg("%s: place %d is %d", t->what, (int)p, r.region[p]);
  assert_string_equal(r.stopped, "converged");
  assert_true(r.converged && !r.warning);
  assert_true(t->passes[at_pass].canvas == NULL); /* no pass is left */
  rd_draft_free(&draft);
  fake_close(&engine);
  fake_params_drop(&f);
}

static void gaps_grow_as_by_hand(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof trials / sizeof *trials; i++)
    run(&trials[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(gaps_grow_as_by_hand)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
