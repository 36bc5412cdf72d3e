/* SPDX-License-Identifier: MIT */
/* Whole generations on the golden models: the recorded token, position and confidence of every pass
 * for every sampler, with 1 and 2 threads, alone and packed with other generations; and no
 * allocation once the loop runs. */
#include "cpu.h"
#include "draft.h"
#include "golden_options.h"
#include "json.h"
#include "params.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 64, OPTIONS = 64, ROWS = 256 };
#define GOLDEN RD_SOURCE_DIR "/tests/golden/"

/* One recorded run and the draft that must follow it. */
typedef struct golden {
  json_t *root;
  const json_t *steps;
  const char *name, *model, *adapter;
  rd_params p;
  bool given[OPTIONS];
  const rd_sampler *sampler;
  int32_t prompt[MOST];
  rd_draft_setup setup;
  rd_draft *draft;
  size_t at;
  int32_t ids[MOST];
} golden;

static int64_t number(const json_t *array, size_t i) {
  return json_integer_value(json_array_get(array, i));
}

static rd_options options_of(golden *g) {
  return (rd_options){rd_sampler_options, rd_sampler_option_count, &g->p, g->given};
}

static void set_option(golden *g, const char *name, const json_t *value) {
  rd_options o = options_of(g);
  golden_option(&o, name, value);
}

static void golden_open(golden *g, json_t *run) {
  const char *key;
  json_t *value;
  rd_error e;
  memset(g, 0, sizeof *g);
  g->root = json_incref(run);
  g->steps = json_object_get(g->root, "steps");
  g->name = json_string_value(json_object_get(g->root, "name"));
  g->model = json_string_value(json_object_get(g->root, "model"));
  g->adapter = json_string_value(json_object_get(g->root, "adapter"));
  rd_options o = options_of(g);
  assert_int_equal(rd_options_default(&o, &e), RD_OK);
  set_option(g, "sampler", json_object_get(g->root, "sampler"));
  if (json_object_get(g->root, "reuse"))
    set_option(g, "reuse", json_object_get(g->root, "reuse"));
  json_object_foreach(json_object_get(g->root, "options"), key, value)
    set_option(g, key, value);
  if (rd_params_resolve(&g->p, &o, NULL, &g->sampler, &e) != RD_OK)
    fail_msg("%s", e.message);
  const json_t *prompt = json_object_get(g->root, "prompt");
  const json_t *eot = json_object_get(g->root, "end_of_turn");
  for (size_t i = 0; i < json_array_size(prompt); i++)
    g->prompt[i] = (int32_t)number(prompt, i);
  g->setup = (rd_draft_setup){
      .params = &g->p,
      .sampler = g->sampler,
      .model = g->name,
      .prompt = g->prompt,
      .prompt_count = (int64_t)json_array_size(prompt),
      .count = golden_places(g->root),
      .most = json_integer_value(json_object_get(g->root, "tokens")),
      .mask = (int32_t)json_integer_value(json_object_get(g->root, "mask")),
      .attention = golden_attention(g->root),
      .seed = (uint64_t)json_integer_value(json_object_get(g->root, "seed")),
  };
  g->setup.ends[g->setup.end_count++] =
      (int32_t)json_integer_value(json_object_get(g->root, "eos"));
  if (json_is_integer(eot))
    g->setup.ends[g->setup.end_count++] = (int32_t)json_integer_value(eot);
}

static rd_code watch(void *context, const rd_event *event) {
  golden *g = context;
  if (event->kind == RD_EVENT_DRAFT)
    memcpy(g->ids, event->ids, (size_t)event->count * sizeof *g->ids);
  return RD_OK;
}

static void golden_begin(golden *g, const rd_model *model, rd_engine *engine) {
  rd_error e;
  g->setup.vocab = model->config.vocab;
  g->setup.shift_logits = model->config.shift_logits;
  g->setup.observer = watch;
  g->setup.context = g;
  if (rd_draft_new(&g->draft, &g->setup, &e) != RD_OK ||
      rd_draft_open_lanes(g->draft, engine, &e) != RD_OK)
    fail_msg("%s: %s", g->name, e.message);
  g->at = 0;
}

static void golden_end(golden *g) {
  if (g->at != json_array_size(g->steps))
    fail_msg("%s: stopped after %zu passes of %zu", g->name, g->at, json_array_size(g->steps));
  rd_draft_free(&g->draft);
}

static void golden_close(golden *g) {
  rd_options o = options_of(g);
  rd_options_drop(&o);
  json_decref(g->root);
}

/* The number that the record calls the confidence of a position. */
static double score_of(const golden *g, const rd_proposal *p) {
  if (g->sampler->policy == rd_policy_margin)
    return (double)p->margin;
  if (g->sampler->policy == rd_policy_entropy || g->sampler->policy == rd_policy_near)
    return -(double)p->entropy;
  return (double)p->probability;
}

static void compare_proposals(const golden *g, const rd_need *need) {
  const json_t *proposed = json_object_get(json_array_get(g->steps, g->at), "proposed");
  assert_int_equal(need->count, json_array_size(proposed));
  for (int64_t i = 0; i < need->count; i++) {
    const json_t *row = json_array_get(proposed, (size_t)i);
    double want = json_number_value(json_array_get(row, 2)), is = score_of(g, &need->out[i]);
    if (need->wanted[i].draw.position != number(row, 0) || need->out[i].id != number(row, 1) ||
        fabs(is - want) > 2e-4 * (1 + fabs(want)))
      fail_msg("%s: pass %zu: position %u is token %d with %.7f; expected %lld: %lld with %.7f",
               g->name, g->at + 1, need->wanted[i].draw.position, need->out[i].id, is,
               (long long)number(row, 0), (long long)number(row, 1), want);
  }
}

static void compare_draft(const golden *g) {
  const json_t *draft = json_object_get(json_array_get(g->steps, g->at), "draft");
  for (size_t i = 0; i < json_array_size(draft); i++)
    if (g->ids[i] != number(draft, i))
      fail_msg("%s: pass %zu: position %zu is %d, not %lld", g->name, g->at + 1, i, g->ids[i],
               (long long)number(draft, i));
}

/* Run `n` generations on one model, each iteration of all of them in one call. */
static void run_together(golden *g, size_t n, const rd_model *model, rd_engine *engine) {
  rd_need needs[8];
  golden *of[8];
  rd_error e;
  for (size_t i = 0; i < n; i++)
    golden_begin(&g[i], model, engine);
  for (;;) {
    size_t live = 0;
    for (size_t i = 0; i < n; i++)
      if (rd_draft_need(g[i].draft, &needs[live]))
        of[live++] = &g[i];
    if (live == 0)
      break;
    if (engine->propose(engine, needs, (int64_t)live, &e) != RD_OK)
      fail_msg("%s", e.message);
    for (size_t i = 0; i < live; i++) {
      if (of[i]->at >= json_array_size(of[i]->steps))
        fail_msg("%s: does not stop after %zu passes", of[i]->name, of[i]->at);
      compare_proposals(of[i], &needs[i]);
      assert_int_equal(rd_draft_advance(of[i]->draft, &e), RD_OK);
      compare_draft(of[i]);
      of[i]->at++;
    }
  }
  for (size_t i = 0; i < n; i++)
    golden_end(&g[i]);
}

static bool same_text(const char *a, const char *b) {
  return (!a && !b) || (a && b && strcmp(a, b) == 0);
}

static rd_model *open_model(const golden *g) {
  char path[400], adapter[400];
  rd_model *model;
  rd_error e;
  snprintf(path, sizeof path, GOLDEN "%s", g->model);
  snprintf(adapter, sizeof adapter, GOLDEN "%s", g->adapter ? g->adapter : "");
  rd_model_options o = {.path = path, .adapter = g->adapter ? adapter : NULL, .precision = "f32"};
  if (rd_model_open(&model, &o, &e) != RD_OK)
    fail_msg("%s", e.message);
  return model;
}

static const char *engine_name; /* NULL: the usual one */

static const char *const lists[] = {GOLDEN "trajectories.json", GOLDEN "reuse.json",
                                    GOLDEN "block_trajectories.json"};
enum { LISTS = sizeof lists / sizeof *lists };

static void golden_find(golden *g, const char *name) {
  rd_error e;
  json_t *list, *run;
  size_t i;
  for (int k = 0; k < LISTS; k++) {
    assert_int_equal(rd_json_open(&list, lists[k], &e), RD_OK);
    json_array_foreach(list, i, run)
      if (same_text(json_string_value(json_object_get(run, "name")), name)) {
        golden_open(g, run);
        json_decref(list);
        return;
      }
    json_decref(list);
  }
  fail_msg("no run is called %s", name);
}

/* Every run of a list, with those after it on the same model, up to `together` at once. */
static void run_list(const char *list_file, int threads, size_t together, int64_t rows) {
  rd_error e;
  json_t *list;
  rd_threads_set(threads);
  assert_int_equal(rd_json_open(&list, list_file, &e), RD_OK);
  size_t count = json_array_size(list);
  for (size_t i = 0; i < count;) {
    golden g[8];
    size_t n = 0;
    for (; n < together && i + n < count; n++) {
      golden_open(&g[n], json_array_get(list, i + n));
      if (n > 0 && (!same_text(g[n].model, g[0].model) || !same_text(g[n].adapter, g[0].adapter))) {
        golden_close(&g[n]);
        break;
      }
    }
    rd_model *model = open_model(&g[0]);
    rd_engine *engine;
    assert_int_equal(rd_engine_open(&engine, engine_name, model, rows, 64, &e), RD_OK);
    run_together(g, n, model, engine);
    rd_engine_close(&engine);
    rd_model_close(&model);
    for (size_t k = 0; k < n; k++)
      golden_close(&g[k]);
    i += n;
  }
  json_decref(list);
}

static void run_all(int threads, size_t together, int64_t rows) {
  for (int k = 0; k < LISTS; k++)
    run_list(lists[k], threads, together, rows);
}

static void alone_on_one_thread(void **state) {
  (void)state;
  run_all(1, 1, 64);
}
static void alone_on_two_threads(void **state) {
  (void)state;
  run_all(2, 1, 64);
}
static void packed_on_one_thread(void **state) {
  (void)state;
  run_all(1, 5, ROWS);
}
static void packed_on_two_threads_in_passes_too_small_for_all(void **state) {
  (void)state;
  run_all(2, 5, 70);
}

/* ThreadSanitizer knows no stacks but those of threads. */
static void by_the_kernels_of_a_card(void **state) {
  (void)state;
#ifdef __SANITIZE_THREAD__
  skip();
#endif
  engine_name = "emulated";
  run_all(2, 5, ROWS);
  engine_name = NULL;
}

/* --- no allocation in the loop -----------------------------------------------------------------
 */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__)
#define COUNTED false /* sanitizers bring their own malloc */
static volatile long allocations;
static volatile bool counting;
#else
#define COUNTED true
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
static volatile long allocations;
static volatile bool counting;

static void note(void) {
  if (counting)
    __atomic_add_fetch(&allocations, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t size) {
  note();
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  note();
  return __libc_calloc(count, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note();
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size) {
  note();
  *out = __libc_memalign(alignment, size);
  return *out ? 0 : ENOMEM;
}
#endif

static void the_loop_does_not_allocate(void **state) {
  (void)state;
  static const char *const names[] = {
      "lad-confidence", "generic-locked",     "low-confidence-guided",
      "factor-blocks",  "entropy-sampled",    "ar-sampled",
      "reuse-dual",     "reuse-prefix-guided"};
  rd_error e;
  if (!COUNTED) {
    print_message("allocations are not counted in this build\n");
    skip();
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    golden g;
    golden_find(&g, names[i]);
    rd_model *model = open_model(&g);
    rd_engine *engine;
    assert_int_equal(rd_engine_open(&engine, NULL, model, ROWS, 64, &e), RD_OK);
    run_together(&g, 1, model, engine); /* every shape has been seen once */
    golden_begin(&g, model, engine);
    rd_need need;
    allocations = 0;
    counting = true;
    while (rd_draft_need(g.draft, &need)) {
      assert_int_equal(engine->propose(engine, &need, 1, &e), RD_OK);
      assert_int_equal(rd_draft_advance(g.draft, &e), RD_OK);
      g.at++;
    }
    counting = false;
    if (allocations > 0)
      fail_msg("%s: %ld allocations in %zu iterations", g.name, allocations, g.at);
    golden_end(&g);
    rd_engine_close(&engine);
    rd_model_close(&model);
    golden_close(&g);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(alone_on_one_thread),
      cmocka_unit_test(alone_on_two_threads),
      cmocka_unit_test(packed_on_one_thread),
      cmocka_unit_test(packed_on_two_threads_in_passes_too_small_for_all),
      cmocka_unit_test(by_the_kernels_of_a_card),
      cmocka_unit_test(the_loop_does_not_allocate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
