/* SPDX-License-Identifier: MIT */
/* Nothing is allocated inside the loop: malloc and its kin are counted while a sampler iterates,
 * after a first generation of the same shapes (products are prepared once for a shape). */
#include "params.h"
#include "request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
enum { COUNTING = 0 }; /* they have allocators of their own */
static atomic_int counted;
static atomic_bool counting;
#else
enum { COUNTING = 1 };
static atomic_int counted;
static atomic_bool counting;
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *malloc(size_t size) {
  counted += counting;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
  counted += counting;
  return __libc_calloc(count, size);
}
void *realloc(void *old, size_t size) {
  counted += counting;
  return __libc_realloc(old, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
  counted += counting;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **out, size_t alignment, size_t size) {
  counted += counting;
  *out = __libc_memalign(alignment, size);
  return *out ? 0 : 12;
}
#endif

typedef struct world {
  rd_model *model;
  int32_t *prompt;
  int64_t prompt_count;
} world;

/* One draft; returns how many allocations its loop made. */
static int loop(const world *w, const rd_sampler *sampler, const rd_params *params) {
  rd_error e = {0};
  rd_draft *draft = NULL;
  rd_engine *engine = NULL;
  rd_need need;
  rd_request request = {.model = w->model,
                        .params = params,
                        .sampler = sampler,
                        .prompt = w->prompt,
                        .prompt_count = w->prompt_count};
  if (rd_request_draft(&draft, &request, &e) != RD_OK)
    fail_msg("%s: %s", sampler->name, e.message);
  int64_t rows = rd_draft_rows(draft);
  assert_int_equal(rd_engine_open(&engine, NULL, w->model, rows, rows, &e), RD_OK);
  assert_int_equal(rd_draft_open_lanes(draft, engine, &e), RD_OK);
  counted = 0;
  counting = true;
  while (rd_draft_need(draft, &need)) {
    rd_code code = engine->propose(engine, &need, 1, &e);
    if (code == RD_OK)
      code = rd_draft_advance(draft, &e);
    if (code != RD_OK)
      break;
  }
  counting = false;
  assert_int_equal(e.code, RD_OK);
  rd_draft_free(&draft);
  rd_engine_close(&engine);
  return counted;
}

static void iterations_allocate_nothing(void **state) {
  static const char *const cases[][2] = {{NULL},
                                         {"cfg-scale", "1"},
                                         {"temperature", "0.7"},
                                         {"reuse", "prefix"},
                                         {"reuse", "dual"},
                                         {"reuse", "settled"}};
  if (!COUNTING) {
    print_message("skipped: a sanitizer has the allocator\n");
    skip();
  }
  for (size_t i = 0; i < rd_sampler_count; i++)
    for (size_t c = 0; c < sizeof cases / sizeof *cases && !rd_samplers[i].drafts; c++) {
      rd_params params = {0};
      bool given[256] = {false};
      const rd_sampler *sampler;
      rd_error e = {0};
      rd_options o = {rd_sampler_options, rd_sampler_option_count, &params, given};
      assert_true(rd_sampler_option_count <= sizeof given);
      if (cases[c][0] && !rd_sampler_takes(&rd_samplers[i], cases[c][0]))
        continue;
      assert_int_equal(rd_options_default(&o, &e), RD_OK);
      const char *const pairs[][2] = {{"sampler", rd_samplers[i].name},
                                      {"seed", "3"},
                                      {"tokens", "24"},
                                      {cases[c][0], cases[c][1]}};
      for (size_t p = 0; p < 4; p++)
        if (pairs[p][0])
          assert_int_equal(rd_option_set(&o, rd_option_find(&o, pairs[p][0]), pairs[p][1], &e),
                           RD_OK);
      assert_int_equal(rd_params_resolve(&params, &o, NULL, &sampler, &e), RD_OK);
      loop(*state, sampler, &params);
      int allocations = loop(*state, sampler, &params);
      if (allocations)
        fail_msg("%s %s: %d allocations in the loop", sampler->name, cases[c][0] ? cases[c][0] : "",
                 allocations);
      rd_options_drop(&o);
    }
}

static void allocations_are_seen(void **state) {
  (void)state;
  if (!COUNTING)
    skip();
  counted = 0;
  counting = true;
  void *volatile p = malloc(3);
  counting = false;
  free(p);
  assert_int_equal(counted, 1);
}

static int open_world(void **state) {
  static world w;
  const rd_message message = {"user", "Hello there"};
  if (rd_model_load(&w.model, RD_SOURCE_DIR "/tests/golden/models/llama-mha", NULL, NULL) != RD_OK)
    return -1;
  *state = &w;
  return rd_model_prompt(&w.prompt, &w.prompt_count, w.model, &message, 1, false, NULL) == RD_OK
           ? 0
           : -1;
}

static int close_world(void **state) {
  world *w = *state;
  free(w->prompt);
  rd_model_close(&w->model);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(allocations_are_seen),
                                     cmocka_unit_test(iterations_allocate_nothing)};
  return cmocka_run_group_tests(tests, open_world, close_world);
}
