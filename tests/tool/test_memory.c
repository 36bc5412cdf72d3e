/* SPDX-License-Identifier: MIT */
/* Memory that runs out: every allocation of opening a model, of opening a session and of a first
 * answer fails once, each in turn. Each time the answer is RD_NO_MEMORY with a message and nothing
 * made; under AddressSanitizer nothing is lost either. The linker puts the functions below in front
 * of malloc and its kin for the project's own code (cmake/tests.cmake: --wrap). */
#include <redraft.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define GOLDEN RD_SOURCE_DIR "/tests/golden/"

/* Allocations left before the one that fails; far below zero: none fails. */
static atomic_long left = -1;
static atomic_long made;

static bool fails(void) {
  made++;
  return left >= 0 && left-- == 0;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
void *__real_mmap(void *at, size_t size, int access, int flags, int file, off_t offset);
void *__wrap_mmap(void *at, size_t size, int access, int flags, int file, off_t offset);
int __real_vasprintf(char **out, const char *format, va_list list);
int __wrap_vasprintf(char **out, const char *format, va_list list);

void *__wrap_malloc(size_t size) {
  return fails() ? NULL : __real_malloc(size);
}
void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}
void *__wrap_realloc(void *old, size_t size) {
  return fails() ? NULL : __real_realloc(old, size);
}
void *__wrap_aligned_alloc(size_t alignment, size_t size) {
  return fails() ? NULL : __real_aligned_alloc(alignment, size);
}
char *__wrap_strdup(const char *text) {
  return fails() ? NULL : __real_strdup(text);
}
int __wrap_vasprintf(char **out, const char *format, va_list list) {
  return fails() ? -1 : __real_vasprintf(out, format, list);
}

/* Arenas come from here; mapped files are no memory to run out of. */
void *__wrap_mmap(void *at, size_t size, int access, int flags, int file, off_t offset) {
  return (flags & MAP_ANONYMOUS) && fails() ? MAP_FAILED
                                            : __real_mmap(at, size, access, flags, file, offset);
}

typedef struct row {
  const char *path, *adapter, *sampler, *brief; /* the option that keeps an answer short */
} row;

/* What is tried: everything from opening to an answer. `step` says how far it came. */
static rd_code run(const row *r, const char **step, rd_error *e) {
  rd_model *model = NULL;
  rd_session *session = NULL;
  rd_result result = {0};
  *step = "opening the model";
  rd_code code = rd_model_load(&model, r->path, r->adapter, e);
  assert_true((code == RD_OK) == (model != NULL));
  if (code == RD_OK) {
    *step = "opening the session";
    code = rd_session_open(&session, model, r->sampler, e);
    assert_true((code == RD_OK) == (session != NULL));
  }
  const char *const settings[][2] = {{"seed", "1"}, {"window", "24"}, {r->brief, "2"}};
  for (int i = 0; i < 3 && code == RD_OK; i++)
    code = rd_session_set(session, settings[i][0], settings[i][1], e);
  if (code == RD_OK) {
    *step = "an answer";
    code = rd_generate(session, "ab", NULL, NULL, &result, e);
    rd_result_drop(&result);
  }
  rd_session_close(&session);
  rd_model_close(&model);
  return code;
}

static const row rows[] = {
    {GOLDEN "models/llama-mha", NULL, "lad", "iterations"},
    {GOLDEN "models/llama-sharded", NULL, "lad", "iterations"},
    {GOLDEN "models/qwen3", GOLDEN "adapters/qwen3-seven", "lad", "iterations"},
    {GOLDEN "gguf/llama-quant.gguf", NULL, "lad", "iterations"},
    {RD_SOURCE_DIR "/models/stories260K/stories260K.gguf", NULL, "ar", "tokens"},
};

static int print_bad(const char *what, long i, long count, const char *step, rd_code code,
                     const rd_error *e) {
  print_error("%s, allocation %ld of %ld, %s: code %d, \"%s\"\n", what, i, count, step, (int)code,
              e->message);
  return 1;
}

static void each_in_turn(const row *r) {
  rd_error e = {0};
  const char *step = NULL;
  left = -1;
  if (run(r, &step, &e) != RD_OK) /* also prepares what lives as long as the program */
    fail_msg("%s: %s", r->path, e.message);
  made = 0;
  assert_int_equal(run(r, &step, &e), RD_OK);
  long count = made, bad = 0;
  assert_true(count > 20);
  for (long i = 0; i < count; i++) {
    rd_error failure = {0};
    left = i;
    rd_code code = run(r, &step, &failure);
    left = -1;
    if (code != RD_NO_MEMORY || !*failure.message)
      bad += print_bad(r->path, i, count, step, code, &failure);
  }
  assert_int_equal(bad, 0);
  print_message("%s: %ld allocations failed\n", strrchr(r->path, '/') + 1, count);
}

static void memory_runs_out(void **state) {
  each_in_turn(*state);
}

int main(void) {
  struct CMUnitTest tests[sizeof rows / sizeof *rows];
  size_t n = sizeof rows / sizeof *rows;
  for (size_t i = 0; i < n; i++) {
    tests[i] = (struct CMUnitTest)cmocka_unit_test_prestate(memory_runs_out, (void *)&rows[i]);
    tests[i].name = strrchr(rows[i].path, '/') + 1;
  }
  return cmocka_run_group_tests(tests, NULL, NULL);
}
