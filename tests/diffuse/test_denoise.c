/* SPDX-License-Identifier: MIT */
/* The loop against the golden trajectories, with the recorded proposals in the place of a model:
 * what the model would see, which positions are asked, the draft and the noise of every iteration.
 */
#include "fake_engine.h"
#include "golden_options.h"
#include "json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { MOST = 64 };
#define GOLDEN RD_SOURCE_DIR "/tests/golden/"

typedef struct replay {
  rd_engine base;
  const json_t *steps, *root;
  const char *name;
  int64_t at, prompt;
  int32_t noised[MOST], draft[MOST];
  int64_t noised_count, draft_count;
} replay;

static int64_t number(const json_t *array, size_t i) {
  return json_integer_value(json_array_get(array, i));
}

/* The position of a place of the canvas. */
static int64_t position_of(const rd_need *need, int64_t place) {
  return need->positions ? need->positions[place] : place;
}

/* Answers the needs of step `at` from the record, after comparing them with it. */
static rd_code replay_run(rd_engine *self, const rd_need *needs, int64_t n, rd_error *e) {
  replay *r = (replay *)self;
  (void)e;
  assert_int_equal(n, 1);
  const json_t *step = json_array_get(r->steps, (size_t)r->at);
  if (!step)
    fail_msg("%s: more passes than the %lld recorded", r->name, (long long)r->at);
  const json_t *input = json_object_get(step, "input"),
               *proposed = json_object_get(step, "proposed");
  const json_t *computed = json_object_get(step, "computed"); /* where something is reused */
  assert_int_equal(needs->first, computed ? number(computed, 0) : 0);
  assert_int_equal(needs->end,
                   computed ? number(computed, 1) : r->prompt + (int64_t)json_array_size(input));
  for (int64_t i = r->prompt; i < r->prompt + (int64_t)json_array_size(input); i++) {
    const size_t p = (size_t)(position_of(needs, i) - r->prompt);
    if (needs->canvas[i] != number(input, p))
      fail_msg("%s: pass %lld: input %zu is %d, not %lld", r->name, (long long)r->at + 1, p,
               needs->canvas[i], (long long)number(input, p));
  }
  assert_int_equal(needs->count, json_array_size(proposed));
  const char *sampler = json_string_value(json_object_get(r->root, "sampler"));
  for (int64_t i = 0; i < needs->count; i++) {
    const json_t *row = json_array_get(proposed, (size_t)i);
    float score = (float)json_number_value(json_array_get(row, 2));
    assert_int_equal(position_of(needs, needs->wanted[i].position), r->prompt + number(row, 0));
    assert_int_equal(needs->wanted[i].draw.position, number(row, 0));
    assert_int_equal(needs->wanted[i].draw.iteration, r->at + 1);
    needs->out[i] = (rd_proposal){.id = (int32_t)number(row, 1), .probability = score};
    if (strcmp(sampler, "margin") == 0)
      needs->out[i].margin = score;
    if (strcmp(sampler, "entropy") == 0 || strcmp(sampler, "sliding") == 0)
      needs->out[i].entropy = -score;
  }
  rd_need_keep(needs);
  return RD_OK;
}

static rd_code watch(void *context, const rd_event *event) {
  replay *r = context;
  if (event->kind == RD_EVENT_NOISE) {
    r->noised_count = event->masked_count;
    memcpy(r->noised, event->masked, (size_t)event->masked_count * sizeof(int32_t));
  }
  if (event->kind == RD_EVENT_DRAFT) {
    r->noised_count = 0;
    r->draft_count = event->count;
    memcpy(r->draft, event->ids, (size_t)event->count * sizeof(int32_t));
  }
  return RD_OK;
}

static void compare_step(const replay *r) {
  const json_t *step = json_array_get(r->steps, (size_t)r->at);
  const json_t *draft = json_object_get(step, "draft"), *noised = json_object_get(step, "noised");
  assert_int_equal(r->draft_count, json_array_size(draft));
  for (size_t i = 0; i < json_array_size(draft); i++)
    if (r->draft[i] != number(draft, i))
      fail_msg("%s: draft %lld: position %zu is %d, not %lld", r->name, (long long)r->at + 1, i,
               r->draft[i], (long long)number(draft, i));
  int64_t k = 0;
  for (; k < r->noised_count && r->noised[k] < r->draft_count; k++)
    if (k >= (int64_t)json_array_size(noised) || r->noised[k] != number(noised, (size_t)k))
      fail_msg("%s: noise %lld: position %d", r->name, (long long)r->at + 1, r->noised[k]);
  assert_int_equal(k, json_array_size(noised));
}

static void set_option(fake_params *f, const char *name, const json_t *value) {
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &f->p, f->given};
  golden_option(&o, name, value);
}

static void load_options(fake_params *f, const json_t *root) {
  rd_error e;
  const char *key;
  json_t *value;
  memset(f, 0, sizeof *f);
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &f->p, f->given};
  assert_int_equal(rd_options_default(&o, &e), RD_OK);
  set_option(f, "sampler", json_object_get(root, "sampler"));
  if (json_object_get(root, "reuse"))
    set_option(f, "reuse", json_object_get(root, "reuse"));
  json_object_foreach(json_object_get(root, "options"), key, value)
    set_option(f, key, value);
  if (rd_params_resolve(&f->p, &o, NULL, &f->sampler, &e) != RD_OK)
    fail_msg("%s", e.message);
}

static rd_draft_setup setup_of(const json_t *root, const fake_params *f, int32_t *prompt) {
  const json_t *ids = json_object_get(root, "prompt"), *eot = json_object_get(root, "end_of_turn");
  rd_draft_setup s = {.params = &f->p,
                      .sampler = f->sampler,
                      .model = "golden",
                      .prompt = prompt,
                      .prompt_count = (int64_t)json_array_size(ids),
                      .count = golden_places(root),
                      .most = json_integer_value(json_object_get(root, "tokens")),
                      .mask = (int32_t)json_integer_value(json_object_get(root, "mask")),
                      .vocab = 288,
                      .attention = golden_attention(root),
                      .seed = (uint64_t)json_integer_value(json_object_get(root, "seed"))};
  for (int64_t i = 0; i < s.prompt_count; i++)
    prompt[i] = (int32_t)number(ids, (size_t)i);
  s.ends[s.end_count++] = (int32_t)json_integer_value(json_object_get(root, "eos"));
  if (json_is_integer(eot))
    s.ends[s.end_count++] = (int32_t)json_integer_value(eot);
  return s;
}

static void replay_run_of(const json_t *root) {
  rd_error e;
  fake_params f;
  int32_t prompt[MOST];
  load_options(&f, root);
  replay r = {
      .base = {.propose = replay_run, .lane_open = fake_lane_open, .lane_close = fake_lane_close},
      .root = root,
      .steps = json_object_get(root, "steps"),
      .name = json_string_value(json_object_get(root, "name"))};
  rd_draft_setup setup = setup_of(root, &f, prompt);
  r.prompt = setup.prompt_count;
  setup.observer = watch;
  setup.context = &r;
  rd_draft *draft;
  assert_int_equal(rd_draft_new(&draft, &setup, &e), RD_OK);
  if (json_object_get(root, "reuse"))
    assert_int_equal(rd_draft_open_lanes(draft, &r.base, &e), RD_OK);
  rd_need need;
  for (; rd_draft_need(draft, &need); r.at++) {
    assert_int_equal(replay_run(&r.base, &need, 1, &e), RD_OK);
    assert_int_equal(rd_draft_advance(draft, &e), RD_OK);
    compare_step(&r);
  }
  if (r.at != (int64_t)json_array_size(r.steps))
    fail_msg("%s: stopped after %lld passes of %zu", r.name, (long long)r.at,
             json_array_size(r.steps));
  rd_draft_free(&draft);
  fake_params_drop(&f);
}

static void recorded_proposals_give_the_recorded_drafts(void **state) {
  (void)state;
  rd_error e;
  static const char *const lists[] = {GOLDEN "trajectories.json", GOLDEN "reuse.json",
                                      GOLDEN "block_trajectories.json"};
  size_t runs = 0;
  for (int k = 0; k < 3; k++) {
    json_t *list, *run;
    size_t i;
    assert_int_equal(rd_json_open(&list, lists[k], &e), RD_OK);
    runs += json_array_size(list);
    json_array_foreach(list, i, run)
      replay_run_of(run);
    json_decref(list);
  }
  assert_true(runs >= 3 * rd_sampler_count);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(recorded_proposals_give_the_recorded_drafts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
