/* SPDX-License-Identifier: MIT */
/* The public interface on a golden model: results, events, regions, cancellation, deadline, and
 * what is refused with which words. */
#include "params.h"
#include "request.h"
#include "scratch_files.h"

#include <pthread.h>
#include <semaphore.h>

#define MODEL RD_SOURCE_DIR "/tests/golden/models/llama-mha"
enum { EOS = 281, MASK = 285, MOST = 300 };

/* What an observer saw. */
typedef struct seen {
  int events[4];
  int32_t first_noise[MOST], ids[MOST];
  int64_t count, changed;
  const char *stopped;
  rd_session *cancel_in;
  int cancel_at;
  rd_code answer;
  int answer_at;
} seen;

static rd_code watch(void *context, const rd_event *event) {
  seen *s = context;
  s->events[event->kind]++;
  if (event->kind == RD_EVENT_NOISE && event->iteration == 0)
    memcpy(s->first_noise, event->ids, (size_t)event->count * sizeof(int32_t));
  if (event->kind == RD_EVENT_DRAFT) {
    memcpy(s->ids, event->ids, (size_t)event->count * sizeof(int32_t));
    s->count = event->count;
    s->changed = event->changed_count;
    if (s->cancel_in && event->iteration == s->cancel_at)
      rd_session_cancel(s->cancel_in);
    if (event->iteration == s->answer_at)
      return s->answer;
  }
  if (event->kind == RD_EVENT_DONE)
    s->stopped = event->stopped;
  return RD_OK;
}

typedef struct world {
  rd_model *model;
  rd_session *session;
} world;

static int open_world(void **state) {
  static world w;
  rd_error e = {0};
  if (rd_model_load(&w.model, MODEL, NULL, &e) != RD_OK) {
    print_error("%s\n", e.message);
    return -1;
  }
  *state = &w;
  return 0;
}

static int close_world(void **state) {
  rd_model_close(&((world *)*state)->model);
  return 0;
}

/* A session with "name", "value" pairs set. */
static rd_session *session_with(void **state, const char *sampler, const char *const *pairs) {
  rd_session *s;
  rd_error e = {0};
  if (rd_session_open(&s, ((world *)*state)->model, sampler, &e) != RD_OK)
    fail_msg("%s", e.message);
  for (; pairs && *pairs; pairs += 2)
    if (rd_session_set(s, pairs[0], pairs[1], &e) != RD_OK)
      fail_msg("%s", e.message);
  return s;
}
#define WITH(...)                                                                                  \
  (const char *const[]) {                                                                          \
    __VA_ARGS__, NULL                                                                              \
  }

static void every_sampler_answers_and_repeats_itself(void **state) {
  for (size_t i = 0; i < rd_sampler_count; i++) {
    if (rd_samplers[i].drafts)
      continue; /* needs an adapter with a gate: test_checked */
    rd_result r[2];
    rd_error e = {0};
    rd_session *s = session_with(state, rd_samplers[i].name, WITH("tokens", "10", "seed", "5"));
    for (int k = 0; k < 2; k++) {
      seen w = {0};
      if (rd_generate(s, "Hello there", watch, &w, &r[k], &e) != RD_OK)
        fail_msg("%s: %s", rd_samplers[i].name, e.message);
      assert_true(w.events[RD_EVENT_START] == 1 && w.events[RD_EVENT_DONE] == 1);
      assert_int_equal(w.events[RD_EVENT_DRAFT], r[k].iterations);
      assert_string_equal(w.stopped, r[k].stopped);
      assert_int_equal(r[k].seed, 5);
      assert_in_range(r[k].tokens, 0, 10);
      for (int64_t t = 0; t < r[k].tokens; t++)
        assert_true(r[k].ids[t] != EOS && r[k].ids[t] == w.ids[t]);
    }
    assert_string_equal(r[0].text, r[1].text);
    assert_int_equal(r[0].iterations, r[1].iterations);
    for (int k = 0; k < 2; k++)
      rd_result_drop(&r[k]);
    rd_session_close(&s);
  }
}

/* A session that kept keys for a short canvas keeps them for a longer one. */
static void a_longer_canvas_follows_a_shorter_one(void **state) {
  static const struct {
    const char *reuse, *window;
  } turns[] = {{"none", "240"}, {"exact", "40"}, {"exact", "200"}};
  rd_session *s = session_with(state, "ar", WITH("tokens", "210", "seed", "5"));
  for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
    rd_result r;
    rd_error e = {0};
    assert_int_equal(rd_session_set(s, "reuse", turns[i].reuse, &e), RD_OK);
    assert_int_equal(rd_session_set(s, "window", turns[i].window, &e), RD_OK);
    if (rd_generate(s, "Hello there", NULL, NULL, &r, &e) != RD_OK)
      fail_msg("window %s: %s", turns[i].window, e.message);
    rd_result_drop(&r);
  }
  rd_session_close(&s);
}

static void a_drawn_seed_is_reported_and_repeats(void **state) {
  rd_result a, b;
  char seed[32];
  rd_session *s = session_with(state, "lad", WITH("tokens", "12", "iterations", "5"));
  assert_int_equal(rd_generate(s, "x", NULL, NULL, &a, NULL), RD_OK);
  snprintf(seed, sizeof seed, "%llu", (unsigned long long)a.seed);
  assert_int_equal(rd_session_set(s, "seed", seed, NULL), RD_OK);
  assert_int_equal(rd_generate(s, "x", NULL, NULL, &b, NULL), RD_OK);
  assert_int_equal(a.seed, b.seed);
  assert_string_equal(a.text, b.text);
  rd_result_drop(&a);
  rd_result_drop(&b);
  rd_session_close(&s);
}

/* Fixed text stands in every draft of every sampler that takes a template. */
static void fixed_text_never_changes(void **state) {
  for (size_t i = 0; i < rd_sampler_count; i++) {
    if (!rd_sampler_takes(&rd_samplers[i], "template") || rd_sampler_fits(&rd_samplers[i]))
      continue;
    seen w = {0};
    rd_result r;
    rd_error e = {0};
    rd_session *s = session_with(state, rd_samplers[i].name,
                                 WITH("template", "ab{mask:3}cd{mask:2}.", "seed", "2"));
    if (rd_generate(s, "p", watch, &w, &r, &e) != RD_OK)
      fail_msg("%s: %s", rd_samplers[i].name, e.message);
    int64_t n = 0;
    int masks = 0;
    for (; w.first_noise[n] != EOS; n++)
      masks += w.first_noise[n] == MASK;
    assert_int_equal(masks, 5);
    for (int64_t p = 0; p <= n; p++)
      if (w.first_noise[p] != MASK && w.ids[p] != w.first_noise[p])
        fail_msg("%s: position %d changed", rd_samplers[i].name, (int)p);
      else
        assert_true(w.ids[p] != MASK);
    assert_int_equal(w.count, n + 1);
    assert_true(strncmp(r.text, "ab", 2) == 0);
    rd_result_drop(&r);
    rd_session_close(&s);
  }
}

/* What searches makes gaps as long as their words: one to as many as they have places. */
static void searched_gaps_fit_their_words(void **state) {
  rd_result r;
  rd_error e = {0};
  rd_session *s = session_with(
      state, "infill", WITH("template", "ab{mask:3}cd{mask:2}.", "seed", "2", "iterations", "40"));
  if (rd_generate(s, "p", NULL, NULL, &r, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_true(strncmp(r.text, "ab", 2) == 0);
  assert_non_null(strstr(r.text, "cd"));
  assert_int_equal(r.text[strlen(r.text) - 1], '.');
  assert_in_range(r.tokens, 7, 10);
  assert_in_range(r.iterations, 4, 40);
  rd_result_drop(&r);
  assert_int_equal(rd_session_set(s, "iterations", "3", &e), RD_OK);
  assert_int_equal(rd_generate(s, "p", NULL, NULL, &r, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "2 gaps need 4 passes"));
  rd_session_close(&s);
}

static void prefix_and_suffix_stand_at_the_ends(void **state) {
  rd_result r;
  rd_error e = {0};
  rd_session *s =
      session_with(state, "low-confidence",
                   WITH("prefix", "Once ", "suffix", " end", "tokens", "6", "no-eos", "true"));
  if (rd_generate(s, "p", NULL, NULL, &r, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_true(strncmp(r.text, "Once ", 5) == 0);
  assert_string_equal(r.text + strlen(r.text) - 4, " end");
  rd_result_drop(&r);
  rd_session_close(&s);
  s = session_with(state, "ar", WITH("prefix", "Once ", "tokens", "4"));
  assert_int_equal(rd_generate(s, "p", NULL, NULL, &r, &e), RD_OK);
  assert_true(strncmp(r.text, "Once ", 5) == 0);
  assert_in_range(r.iterations, 1, 4);
  rd_result_drop(&r);
  rd_session_close(&s);
}

/* Editable text is what a revising sampler starts from; locked text stays. */
static void drafts_by_position_are_redrafted(void **state) {
  world *w = *state;
  rd_error e = {0};
  const int32_t prompt[] = {280, 70, 71}, ids[] = {80, 81, 82, 83, 84, 85};
  const uint8_t places[] = {RD_PLACE_LOCKED,   RD_PLACE_EDITABLE, RD_PLACE_MASKED,
                            RD_PLACE_EDITABLE, RD_PLACE_LOCKED,   RD_PLACE_MASKED};
  rd_session *s = session_with(state, "lad", NULL);
  rd_params p = {0};
  bool given[64] = {false};
  rd_options o = {rd_sampler_options, rd_sampler_option_count, &p, given};
  static const char *const samplers[] = {"lad", "entropy"};
  for (int k = 0; k < 2; k++) {
    seen v = {0};
    rd_request r = {.model = w->model,
                    .params = &p,
                    .prompt = prompt,
                    .prompt_count = 3,
                    .ids = ids,
                    .places = places,
                    .count = 6,
                    .observer = watch,
                    .context = &v};
    assert_int_equal(rd_options_default(&o, &e), RD_OK);
    assert_int_equal(rd_option_set(&o, rd_option_find(&o, "sampler"), samplers[k], &e), RD_OK);
    assert_int_equal(rd_params_resolve(&p, &o, NULL, &r.sampler, &e), RD_OK);
    rd_draft *d;
    rd_engine *engine;
    assert_int_equal(rd_request_draft(&d, &r, &e), RD_OK);
    assert_int_equal(rd_engine_open(&engine, NULL, w->model, rd_draft_rows(d), 64, &e), RD_OK);
    assert_int_equal(rd_draft_run(d, engine, NULL, &e), RD_OK);
    const int32_t noise[] = {80, 81, MASK, 83, 84, MASK};
    assert_memory_equal(v.first_noise, noise, sizeof noise);
    assert_true(v.ids[0] == 80 && v.ids[4] == 84);
    if (!r.sampler->revises) /* fills masks: what is editable but filled stays as well */
      assert_true(v.ids[1] == 81 && v.ids[3] == 83);
    rd_draft_free(&d);
    rd_engine_close(&engine);
  }
  rd_options_drop(&o);
  rd_session_close(&s);
}

static void growth_adds_masks_up_to_the_end(void **state) {
  seen w = {0};
  rd_result r;
  rd_session *s = session_with(state, "lad", WITH("grow", "4", "tokens", "10", "iterations", "2"));
  assert_int_equal(rd_generate(s, "p", watch, &w, &r, NULL), RD_OK);
  assert_int_equal(w.count, 8);
  rd_result_drop(&r);
  assert_int_equal(rd_session_set(s, "iterations", "20", NULL), RD_OK);
  assert_int_equal(rd_generate(s, "p", watch, &w, &r, NULL), RD_OK);
  assert_int_equal(w.count, 10);
  rd_result_drop(&r);
  rd_session_close(&s);
}

/* Of the first draft of four places a word is made the end, or none is. */
static void room_is_added_where_a_draft_has_no_end(void **state) {
  rd_config *c = &((world *)*state)->model->config;
  const int32_t eos = c->eos[0];
  for (int ends = 0; ends < 2; ends++) {
    seen small = {0}, w = {0};
    rd_result r;
    rd_session *s = session_with(
        state, "lad", WITH("tokens", "4", "room", "4", "top-k", "1", "patience", "1", "seed", "1"));
    assert_int_equal(rd_generate(s, "p", watch, &small, &r, NULL), RD_OK);
    assert_int_equal(small.count, 4);
    rd_result_drop(&r);
    assert_int_equal(rd_session_set(s, "tokens", "10", NULL), RD_OK);
    c->eos[0] = ends ? small.ids[2] : eos;
    assert_int_equal(rd_generate(s, "p", watch, &w, &r, NULL), RD_OK);
    c->eos[0] = eos;
    assert_int_equal(w.count, ends ? 4 : 10);
    assert_int_equal(r.iterations, ends ? 1 : 3); /* of 4, 8 and 10 places */
    assert_string_equal(r.stopped, "converged");
    rd_result_drop(&r);
    rd_session_close(&s);
  }
}

static void cancelling_keeps_the_last_draft(void **state) {
  rd_result r;
  rd_error e = {0};
  rd_session *s = session_with(state, "lad", WITH("tokens", "10", "patience", "0"));
  seen w = {.cancel_in = s, .cancel_at = 3};
  assert_int_equal(rd_generate(s, "p", watch, &w, &r, &e), RD_CANCELLED);
  assert_int_equal(w.events[RD_EVENT_DRAFT], 3);
  assert_string_equal(w.stopped, "cancelled");
  assert_string_equal(r.stopped, "cancelled");
  assert_int_equal(r.iterations, 3);
  assert_non_null(r.text);
  rd_result_drop(&r);
  seen next = {0}; /* the flag is down again */
  assert_int_equal(rd_generate(s, "p", watch, &next, &r, &e), RD_OK);
  rd_result_drop(&r);
  seen refuses = {.answer = RD_CANCELLED, .answer_at = 2};
  assert_int_equal(rd_generate(s, "p", watch, &refuses, &r, &e), RD_CANCELLED);
  assert_string_equal(refuses.stopped, "cancelled");
  assert_int_equal(r.iterations, 2);
  rd_result_drop(&r);
  seen fails = {.answer = RD_IO, .answer_at = 2};
  assert_int_equal(rd_generate(s, "p", watch, &fails, &r, &e), RD_IO);
  assert_null(r.text);
  rd_session_close(&s);
}

/* An observer runs while its session does, which is nobody else's then. */
static rd_code ask_again(void *context, const rd_event *event) {
  rd_session *s = context;
  rd_result r;
  rd_error e = {0};
  (void)event;
  assert_int_equal(rd_generate(s, "another prompt, which is longer", NULL, NULL, &r, &e), RD_BUSY);
  assert_non_null(strstr(e.message, "open another session"));
  assert_int_equal(rd_generate_ids(s, (const int32_t[]){1, 2}, 2, NULL, NULL, &r, &e), RD_BUSY);
  assert_int_equal(rd_session_set(s, "tokens", "20", &e), RD_BUSY);
  return RD_OK;
}

static void a_session_writes_one_answer_at_a_time(void **state) {
  rd_result r;
  rd_error e = {0};
  rd_session *s = session_with(state, "lad", WITH("tokens", "10"));
  assert_int_equal(rd_generate(s, "p", ask_again, s, &r, &e), RD_OK);
  rd_result_drop(&r);
  assert_int_equal(rd_generate(s, "p", NULL, NULL, &r, &e), RD_OK);
  rd_result_drop(&r);
  rd_session_close(&s);
}

/* Guidance takes two sequences a canvas: together longer than the model's positions. */
static rd_code refuse(void *context, const rd_event *event) {
  return event->kind == *(const rd_event_kind *)context ? RD_CANCELLED : RD_OK;
}

/* Before there is a draft too the result says so. */
static void cancelling_at_once_leaves_nothing(void **state) {
  static const rd_event_kind kinds[] = {RD_EVENT_START, RD_EVENT_NOISE};
  rd_session *s = session_with(state, "lad", WITH("tokens", "10"));
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    rd_result r;
    rd_error e = {0};
    assert_int_equal(rd_generate(s, "p", refuse, (void *)(uintptr_t)&kinds[i], &r, &e),
                     RD_CANCELLED);
    assert_true(e.message[0] != '\0');
    assert_string_equal(r.text, "");
    assert_string_equal(r.stopped, "cancelled");
    assert_int_equal(r.tokens, 0);
    rd_result_drop(&r);
  }
  rd_session_close(&s);
}

static void guidance_works_on_a_whole_window(void **state) {
  rd_result r;
  rd_error e = {0};
  char positions[32];
  snprintf(positions, sizeof positions, "%lld",
           (long long)((world *)*state)->model->config.positions);
  rd_session *s = session_with(state, "low-confidence",
                               WITH("window", positions, "cfg-scale", "1", "iterations", "2"));
  if (rd_generate(s, "p", NULL, NULL, &r, &e) != RD_OK)
    fail_msg("%s", e.message);
  assert_true(r.passes == 2 * r.iterations);
  rd_result_drop(&r);
  rd_session_close(&s);
}

typedef struct canceller {
  rd_session *session;
  sem_t drafted, cancelled;
} canceller;

static void *cancel(void *context) {
  canceller *c = context;
  sem_wait(&c->drafted);
  rd_session_cancel(c->session);
  sem_post(&c->cancelled);
  return NULL;
}

/* The third draft is the cue for the other thread. */
static rd_code cue(void *context, const rd_event *event) {
  canceller *c = context;
  if (event->kind == RD_EVENT_DRAFT && event->iteration == 3) {
    sem_post(&c->drafted);
    sem_wait(&c->cancelled);
  }
  return RD_OK;
}

static void another_thread_can_cancel(void **state) {
  rd_result r;
  pthread_t thread;
  rd_session *s =
      session_with(state, "lad", WITH("tokens", "10", "patience", "0", "iterations", "512"));
  canceller c = {.session = s};
  sem_init(&c.drafted, 0, 0);
  sem_init(&c.cancelled, 0, 0);
  assert_int_equal(pthread_create(&thread, NULL, cancel, &c), 0);
  assert_int_equal(rd_generate(s, "p", cue, &c, &r, NULL), RD_CANCELLED);
  assert_int_equal(r.iterations, 3);
  pthread_join(thread, NULL);
  sem_destroy(&c.drafted);
  sem_destroy(&c.cancelled);
  rd_result_drop(&r);
  rd_session_close(&s);
}

static void a_deadline_gives_the_draft_of_then(void **state) {
  static const char *const samplers[] = {"lad", "low-confidence", "ar"};
  for (int i = 0; i < 3; i++) {
    rd_result r;
    seen w = {0};
    rd_session *s = session_with(state, samplers[i], WITH("tokens", "40", "deadline", "0.000001"));
    assert_int_equal(rd_generate(s, "p", watch, &w, &r, NULL), RD_OK);
    assert_string_equal(r.stopped, "deadline");
    assert_int_equal(r.iterations, 1);
    for (int64_t p = 0; p < w.count; p++)
      assert_true(w.ids[p] != MASK); /* the best so far is whole: masks took their proposals */
    rd_result_drop(&r);
    rd_session_close(&s);
  }
}

/* The model with an adapter that drafts behind a gate, in blocks of 6. */
static rd_model *open_gated(void) {
  static const char *const files[] = {"adapter_config.json", "adapter_model.safetensors",
                                      "redraft.json"};
  static const char gate[] = "{\"gate\":\"answer\",\"mask_token_id\":9,\"block\":6}";
  char folder[64];
  rd_model *m = NULL;
  rd_error e = {0};
  temporary(folder, sizeof folder);
  for (int i = 0; i < 2; i++)
    copy_file(in(GOLDEN "adapters/llama-mha-norms", files[i]), in(folder, files[i]));
  write_bytes(in(folder, files[2]), gate, sizeof gate - 1);
  if (rd_model_load(&m, MODEL, folder, &e) != RD_OK)
    fail_msg("%s", e.message);
  sweep(folder, files, 3);
  return m;
}

/* A draft that ends by each stop rule. */
static void every_stop_rule_stops_a_draft(void **state) {
  static const struct {
    const char *rule;
    bool gated;
    const char *sampler, *pairs[11];
    int iterations; /* that it takes; 0: some */
  } cases[] = {
      {"end", false, "ar", {"tokens", "200", "eos-bias", "5", "seed", "1"}, 0},
      {"settled",
       false,
       "lad",
       {"tokens", "8", "patience", "1", "iterations", "500", "seed", "1"},
       1},
      {"filled", false, "threshold", {"tokens", "8", "threshold", "0", "seed", "1"}, 1},
      {"grown", false, "daedal", {"template", "a{mask:9}b", "seed", "1"}, 0},
      {"checked end", false, "jacobi", {"tokens", "200", "eos-bias", "5", "seed", "1"}, 0},
      {"checked all", false, "jacobi", {"tokens", "8", "eos-bias", "-5", "seed", "1"}, 0},
      {"searched", false, "infill", {"template", "a{mask:1}b", "seed", "1"}, 0},
      {"searched in part",
       false,
       "infill",
       {"template", "a{mask:9}b", "iterations", "4", "seed", "1"},
       4},
      {"iterations",
       false,
       "lad",
       {"tokens", "8", "patience", "0", "iterations", "3", "seed", "1"},
       3},
      {"deadline",
       false,
       "lad",
       {"tokens", "8", "patience", "0", "deadline", "0.000001", "seed", "1"},
       1},
      {"block",
       true,
       "lad",
       {"tokens", "240", "eos-bias", "5", "iterations", "240", "patience", "1", "seed", "1"},
       0},
      {"block's plan",
       true,
       "lad",
       {"tokens", "240", "eos-bias", "5", "iterations", "60", "patience", "0", "seed", "1"},
       0},
      {"led", true, "lad", {"tokens", "24", "base-lead", "true", "eos-bias", "-5", "seed", "1"}, 0},
      {"steps",
       true,
       "lad",
       {"tokens", "24", "patience", "0", "iterations", "16", "eos-bias", "-5", "seed", "1"},
       16},
  };
  for (size_t i = 0; i < rd_stop_count; i++) {
    size_t c = 0;
    while (c < sizeof cases / sizeof *cases && strcmp(cases[c].rule, rd_stops[i].name) != 0)
      c++;
    if (c == sizeof cases / sizeof *cases)
      fail_msg("no draft stops by the rule %s: add one above", rd_stops[i].name);
    rd_result r;
    rd_error e = {0};
    world gated = {cases[c].gated ? open_gated() : NULL, NULL}, *behind = &gated;
    rd_session *s =
        session_with(gated.model ? (void **)&behind : state, cases[c].sampler, cases[c].pairs);
    if (rd_generate(s, "p", NULL, NULL, &r, &e) != RD_OK)
      fail_msg("%s: %s", cases[c].rule, e.message);
    assert_string_equal(r.stopped, rd_stops[i].reason);
    if (cases[c].iterations)
      assert_int_equal(r.iterations, cases[c].iterations);
    else
      assert_in_range(r.iterations, 1, 199);
    rd_result_drop(&r);
    rd_session_close(&s);
    rd_model_close(&gated.model);
  }
}

static void what_is_refused_is_said(void **state) {
  static const struct {
    const char *sampler, *prompt, *pairs[7];
    rd_code code;
    const char *said;
  } cases[] = {
      {"lad", "p", {"window", "100000"}, RD_USAGE, "beyond the model's"},
      {"lad",
       "a much longer prompt",
       {"window", "4"},
       RD_USAGE,
       "nothing is left for the answer; shorten the prompt or give a larger --window"},
      {"lad", "p\xff", {NULL}, RD_BAD_INPUT, "byte 1 (0xFF) is not valid UTF-8"},
      {"lad", "p\xed\xa0\x80", {NULL}, RD_BAD_INPUT, "UTF-8"},
      {"lad", "p", {"template", "no gap"}, RD_USAGE, "no gap"},
      {"lad", "p", {"template", "a {mask:0}"}, RD_USAGE, "{mask:0}"},
      {"lad", "p", {"template", "a {mask:x} b"}, RD_USAGE, "{mask:x}"},
      {"lad", "p", {"template", "a {mask:3"}, RD_USAGE, "{mask:3"},
      {"lad", "p", {"template", "a {mask:5000} b"}, RD_USAGE, "needs 5000 tokens"},
      {"lad", "p", {"template", "\xc3 {mask:2}"}, RD_BAD_INPUT, "UTF-8"},
      {"lad", "p", {"suffix", "x", "tokens", "5000"}, RD_USAGE, "5000"},
      {"ar", "p", {"suffix", "x", "tokens", "4"}, RD_USAGE, "means nothing"},
      {"low-confidence",
       "p",
       {"iterations", "2", "block-length", "4", "tokens", "12"},
       RD_USAGE,
       "3 blocks"},
      {"lad", "p", {"window", "26", "prefix", "abcdefghijklmnop"}, RD_USAGE, "--prefix"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    rd_result r;
    rd_error e = {0};
    rd_session *s = session_with(state, cases[i].sampler, cases[i].pairs);
    rd_code code = rd_generate(s, cases[i].prompt, NULL, NULL, &r, &e);
    if (code != cases[i].code || !strstr(e.message, cases[i].said))
      fail_msg("case %zu: code %d: \"%s\" does not say \"%s\"", i, code, e.message, cases[i].said);
    assert_null(r.text);
    rd_session_close(&s);
  }
  rd_session *s;
  rd_error e = {0};
  assert_int_equal(rd_session_open(&s, ((world *)*state)->model, "best", &e), RD_USAGE);
  assert_null(s);
  s = session_with(state, NULL, NULL);
  assert_int_equal(rd_session_set(s, "iteration", "3", &e), RD_USAGE);
  assert_non_null(strstr(e.message, "did you mean iterations"));
  rd_result r;
  assert_int_equal(rd_generate_messages(s, NULL, 0, NULL, NULL, &r, &e), RD_USAGE);
  assert_string_equal(e.message, "the conversation has no messages: there is nothing to answer");
  assert_null(r.text);
  rd_session_close(&s);
}

/* NULL sets an option back; whatever is read and must be there is named where it is NULL. */
static void what_is_null_is_named(void **state) {
  rd_error e = {0};
  rd_result r = {.tokens = 1}, plain, again;
  rd_model *m = ((world *)*state)->model, *none = m;
  rd_session *s = NULL;
  const rd_message roleless = {NULL, "p"}, empty = {"user", NULL};
  const char *const pairs[] = {"window", "40", "seed", "1", "iterations", "3", NULL};
#define REFUSES(call, words)                                                                       \
  do {                                                                                             \
    assert_int_equal((call), RD_USAGE);                                                            \
    assert_string_equal(e.message, words);                                                         \
  } while (0)
  REFUSES(rd_model_load(&none, NULL, NULL, &e), "rd_model_load: path is NULL, and must be given");
  assert_null(none);
  REFUSES(rd_model_load(&none, "", NULL, &e), "an empty path names no model");
  REFUSES(rd_session_open(&s, NULL, "lad", &e),
          "rd_session_open: model is NULL, and must be given");
  assert_null(s);
  s = session_with(state, "lad", pairs);
  REFUSES(rd_session_set(s, NULL, "3", &e), "rd_session_set: name is NULL, and must be given");
  REFUSES(rd_session_set(NULL, "top-k", "3", &e),
          "rd_session_set: session is NULL, and must be given");
  REFUSES(rd_generate(s, NULL, NULL, NULL, &r, &e),
          "rd_generate: prompt is NULL, and must be given");
  assert_int_equal(r.tokens, 0);
  REFUSES(rd_generate_messages(s, &roleless, 1, NULL, NULL, &r, &e),
          "message 1: its role is NULL, and must be given");
  REFUSES(rd_generate_messages(s, &empty, 1, NULL, NULL, &r, &e),
          "message 1: its content is NULL, and must be given");
  REFUSES(rd_generate_messages(s, NULL, 1, NULL, NULL, &r, &e),
          "rd_messages_check: messages is NULL, and must be given");
  REFUSES(rd_generate_ids(s, NULL, 1, NULL, NULL, &r, &e),
          "rd_generate_ids: ids is NULL, and must be given");
#undef REFUSES
  assert_int_equal(rd_generate(s, "p", NULL, NULL, &plain, &e), RD_OK);
  for (const char *const *name = (const char *const[]){"grow", "tokens", "top-k", NULL}; *name;
       name++) {
    assert_int_equal(rd_session_set(s, *name, "2", &e), RD_OK);
    assert_int_equal(rd_session_set(s, *name, NULL, &e), RD_OK);
  }
  assert_int_equal(rd_generate(s, "p", NULL, NULL, &again, &e), RD_OK);
  assert_string_equal(plain.text, again.text);
  rd_result_drop(&plain);
  rd_result_drop(&again);
  rd_session_close(&s);
}

static void a_model_without_a_mask_says_how_to_name_one(void **state) {
  world *w = *state;
  int32_t mask = w->model->config.mask;
  rd_draft *draft;
  rd_error e = {0};
  rd_params p = {.sampler = NULL, .iterations = 4, .top_p = 1};
  const int32_t prompt[] = {70};
  rd_draft_setup setup = {
      .params = &p, .prompt = prompt, .prompt_count = 1, .count = 4, .mask = -1, .vocab = 288};
  assert_int_equal(rd_sampler_find(&setup.sampler, "lad", &e), RD_OK);
  assert_int_equal(rd_draft_new(&draft, &setup, &e), RD_USAGE);
  assert_non_null(strstr(e.message, "--mask-token"));
  assert_int_equal(rd_sampler_find(&setup.sampler, "ar", &e), RD_OK);
  assert_int_equal(rd_draft_new(&draft, &setup, &e), RD_OK); /* needs none */
  rd_draft_free(&draft);
  const int32_t outside[] = {288};
  setup.prompt = outside;
  assert_int_equal(rd_draft_new(&draft, &setup, &e), RD_BAD_INPUT);
  assert_int_equal(w->model->config.mask, mask);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_sampler_answers_and_repeats_itself),
      cmocka_unit_test(a_longer_canvas_follows_a_shorter_one),
      cmocka_unit_test(a_drawn_seed_is_reported_and_repeats),
      cmocka_unit_test(fixed_text_never_changes),
      cmocka_unit_test(searched_gaps_fit_their_words),
      cmocka_unit_test(prefix_and_suffix_stand_at_the_ends),
      cmocka_unit_test(drafts_by_position_are_redrafted),
      cmocka_unit_test(growth_adds_masks_up_to_the_end),
      cmocka_unit_test(room_is_added_where_a_draft_has_no_end),
      cmocka_unit_test(cancelling_at_once_leaves_nothing),
      cmocka_unit_test(guidance_works_on_a_whole_window),
      cmocka_unit_test(cancelling_keeps_the_last_draft),
      cmocka_unit_test(a_session_writes_one_answer_at_a_time),
      cmocka_unit_test(another_thread_can_cancel),
      cmocka_unit_test(a_deadline_gives_the_draft_of_then),
      cmocka_unit_test(every_stop_rule_stops_a_draft),
      cmocka_unit_test(what_is_refused_is_said),
      cmocka_unit_test(what_is_null_is_named),
      cmocka_unit_test(a_model_without_a_mask_says_how_to_name_one),
  };
  return cmocka_run_group_tests(tests, open_world, close_world);
}
