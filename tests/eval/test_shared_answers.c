/* SPDX-License-Identifier: MIT */
/* Two ranks measure together, here two processes with a socket between them in MPI's place: what
 * fails on one of them ends both, with the same words, and nobody waits for who has left. */

/* So the library's, which may know no MPI, is not linked. What it includes of cards has an rd_form
 * of its own. */
#define RD_MPI
#define rd_form rd_card_form
#include "ranks.c"
#undef rd_form

#include "cpu.h"
#include "task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { TOO_LONG = 120 }; /* seconds */

static int line = -1; /* to the other rank */

rd_code rd_ranks_mpi_begin(rd_ranks *r, rd_error *e) {
  return rd_fail(e, RD_UNSUPPORTED, "%d ranks begin by themselves here", r->count);
}

rd_code rd_ranks_mpi_share(int from, void *bytes, size_t size, rd_error *e) {
  for (size_t at = 0; at < size;) {
    ssize_t n = from == ranks.rank ? send(line, (char *)bytes + at, size - at, MSG_NOSIGNAL)
                                   : recv(line, (char *)bytes + at, size - at, 0);
    if (n <= 0)
      return rd_fail(e, RD_IO, "rank %d waits for one that has left", ranks.rank);
    at += (size_t)n;
  }
  return RD_OK;
}

rd_code rd_ranks_mpi_swap(const rd_ranks *r, float *const *send_to, const int *send_counts,
                          float *const *receive, int receive_count, rd_error *e) {
  (void)send_to, (void)send_counts, (void)receive;
  return rd_fail(e, RD_UNSUPPORTED, "%d ranks swap no %d numbers here", r->count, receive_count);
}

/* What goes wrong, and on which rank. */
typedef struct fault {
  const char *message; /* that both end with; NULL: all goes well */
  int rank;
  const char *task; /* NULL: exact */
  bool no_window, no_data;
  size_t rows, findings; /* that are told of before one cannot be written; 0: all can */
} fault;

/* What came of a rank. */
typedef struct outcome {
  rd_code code;
  rd_error error;
  size_t rows, findings;
  double tokens; /* of the last finding */
  const fault *fault;
} outcome;

static rd_code see_row(void *context, const json_t *row, rd_error *e) {
  outcome *o = context;
  (void)row;
  return ++o->rows == o->fault->rows ? rd_fail(e, RD_IO, "rows: the disk is full") : RD_OK;
}

static rd_code see_finding(void *context, const rd_finding *finding, rd_error *e) {
  outcome *o = context;
  for (size_t i = 0; i < finding->count; i++)
    if (strcmp(finding->measures[i].name, "mean_tokens") == 0)
      o->tokens = finding->measures[i].value;
  return ++o->findings == o->fault->findings ? rd_fail(e, RD_IO, "table: the disk is full") : RD_OK;
}

/* Measure as one of two, or as the only one. */
static void measure(outcome *o, const char *path, rd_ranks who) {
  static char iterations[] = "1,2", sampler[] = "lad", none[] = "/nowhere/rows",
              objective[] = "mask";
  const fault *f = o->fault;
  const bool faulty = f->message && f->rank == who.rank;
  rd_eval_settings settings = {
      .objective = objective,
      .draws = 4,
      .data = faulty && f->no_data ? none : (char *)(uintptr_t)path,
      .iterations = iterations,
      .params = {.sampler = sampler, .window = faulty && f->no_window ? 300 : 48, .seed = 1}};
  rd_model *m = NULL;
  const rd_task *task = NULL;
  ranks = who;
  o->code = rd_model_load(&m, RD_SOURCE_DIR "/tests/golden/models/llada", NULL, &o->error);
  rd_eval eval = {.ranks = &ranks, .settings = &settings, .model = m, .judge = m};
  if (who.rank == 0)
    eval.watch = (rd_eval_watch){.context = o, .row = see_row, .finding = see_finding};
  if (o->code == RD_OK)
    o->code = rd_task_find(&task, f->task ? f->task : "exact", &o->error);
  if (o->code == RD_OK)
    o->code = task->run(&eval, &o->error);
  rd_model_close(&m);
}

static pid_t start(outcome *o, const char *path, int rank, const int ends[2]) {
  pid_t child = fork();
  assert_true(child >= 0);
  if (child > 0)
    return child;
  alarm(TOO_LONG);
  line = ends[rank];
  close(ends[1 - rank]);
  measure(o, path, (rd_ranks){.rank = rank, .count = 2});
  _exit(0);
}

/* Both ranks, over what they have in common. */
static void together(outcome *o, const char *path) {
  int ends[2], status;
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const pid_t children[2] = {start(&o[0], path, 0, ends), start(&o[1], path, 1, ends)};
  close(ends[0]);
  close(ends[1]);
  for (int i = 0; i < 2; i++) {
    assert_int_equal(waitpid(children[i], &status, 0), children[i]);
    assert_int_equal(status, 0);
  }
}

static char *three_rows(void) {
  static const char text[] =
      "{\"prompt\":\"Hello\",\"answer\":\"you\",\"options\":[\"you\",\"me\"]}\n"
      "{\"prompt\":\"You there\",\"answer\":\"me\",\"options\":[\"you\",\"me\"]}\n"
      "{\"prompt\":\"One two\",\"answer\":\"three\",\"options\":[\"three\",\"me\"]}\n";
  static char path[] = "/tmp/redraft-shared-XXXXXX";
  strcpy(strrchr(path, '-'), "-XXXXXX");
  int fd = mkstemp(path);
  assert_int_equal(write(fd, text, strlen(text)), strlen(text));
  close(fd);
  return path;
}

static outcome *two_outcomes(const fault *f) {
  outcome *o = mmap(NULL, 2 * sizeof *o, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  assert_true(o != MAP_FAILED);
  o[0].fault = o[1].fault = f;
  return o;
}

static void a_failure_of_one_ends_both(void **state) {
  (void)state;
  static const fault faults[] = {
      {"--window 300 is beyond", .rank = 1, .no_window = true},
      {"--window 300 is beyond", .rank = 0, .no_window = true},
      {"/nowhere/rows", .rank = 1, .no_data = true},
      {"/nowhere/rows", .rank = 0, .no_data = true},
      {"/nowhere/rows", .rank = 1, .no_data = true, .task = "choice"},
      {"/nowhere/rows", .rank = 1, .no_data = true, .task = "loss"},
      {"/nowhere/rows", .rank = 1, .no_data = true, .task = "perplexity"},
      {"rows: the disk is full", .rank = 0, .rows = 1},
      {"rows: the disk is full", .rank = 0, .rows = 2},
      {"rows: the disk is full", .rank = 0, .rows = 4},
      {"table: the disk is full", .rank = 0, .findings = 1},
  };
  char *path = three_rows();
  for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
    outcome *o = two_outcomes(&faults[i]);
    together(o, path);
    for (int rank = 0; rank < 2; rank++)
      if (o[rank].code == RD_OK || !strstr(o[rank].error.message, faults[i].message))
        fail_msg("case %zu, rank %d: expected \"%s\", found code %d, \"%s\"", i, rank,
                 faults[i].message, (int)o[rank].code, o[rank].error.message);
    assert_int_equal(o[0].code, o[1].code);
    munmap(o, 2 * sizeof *o);
  }
  unlink(path);
}

static void two_count_as_one(void **state) {
  (void)state;
  static const fault none;
  outcome *o = two_outcomes(&none), alone = {.fault = &none};
  char *path = three_rows();
  together(o, path);
  measure(&alone, path, (rd_ranks){.count = 1});
  if (o[0].code != RD_OK || o[1].code != RD_OK || alone.code != RD_OK)
    fail_msg("\"%s\", \"%s\", \"%s\"", o[0].error.message, o[1].error.message, alone.error.message);
  assert_int_equal(o[0].rows, 6);
  assert_int_equal(o[0].findings, 2);
  assert_true(alone.tokens > 0 && o[0].tokens == alone.tokens);
  munmap(o, 2 * sizeof *o);
  unlink(path);
}

int main(void) {
  rd_threads_set(1); /* models this small are slower on more; and both processes begin alike */
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_failure_of_one_ends_both),
      cmocka_unit_test(two_count_as_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
