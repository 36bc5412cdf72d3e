/* SPDX-License-Identifier: MIT */
/* Turns: look who left, gather needs within the token budget, one pass, hand the proposals back. */
#include "scheduler.h"

#include "clock.h"
#include "cpu.h"

#include <stdlib.h>
#include <string.h>

/* An errand that waits: on the stack of who waits for it. */
typedef struct errand {
  struct errand *next;
  rd_errand *run;
  void *context;
  rd_error *error;
  rd_code code;
  bool done;
} errand;

struct rd_scheduler {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  rd_engine *engine;
  rd_metrics *metrics;
  int64_t rows, most;
  int threads;   /* of passes; the number is kept by thread */
  rd_job **jobs; /* (most) under the lock; only the thread removes */
  int64_t count;
  errand *errands, **last; /* under the lock; the first to be done first */
  int64_t errand_count;
  pthread_cond_t done;
  double stop_at;           /* 0: not stopping */
  const atomic_bool *hurry; /* or NULL */
  /* the thread's own */
  bool young;              /* is this pass for those who had few? */
  rd_job **served, **kept; /* (most) */
  rd_need *needs;          /* (most) */
};

/* --- endings -----------------------------------------------------------------------------------
 */

static void count_end(rd_scheduler *s, const rd_job *job, rd_code code) {
  rd_metrics *m = s->metrics;
  if (code == RD_CANCELLED)
    atomic_fetch_add(&m->cancelled, 1);
  else if (code != RD_OK)
    atomic_fetch_add(&m->failed, 1);
  else {
    atomic_fetch_add(&m->tokens, job->tokens);
    atomic_fetch_add(&m->iterations, job->iterations);
    atomic_fetch_add(&m->drafted, job->drafted);
    atomic_fetch_add(&m->accepted, job->accepted);
    rd_metrics_answer(m, rd_seconds() - job->begun);
  }
}

/* Take a job off the list and let its reader know. */
static void finish(rd_scheduler *s, rd_job *job, rd_code code, const rd_error *e) {
  pthread_mutex_lock(&s->lock);
  int64_t at = 0;
  while (s->jobs[at] != job)
    at++;
  memmove(s->jobs + at, s->jobs + at + 1, (size_t)(--s->count - at) * sizeof *s->jobs);
  pthread_mutex_unlock(&s->lock);
  atomic_fetch_sub(&s->metrics->queue, 1);
  count_end(s, job, code);
  rd_job_end(job, code, e);
  rd_job_release(job);
}

/* Is the job over before its next pass? Then it is finished. */
static bool over(rd_scheduler *s, rd_job *job, bool late) {
  rd_error e = {0};
  rd_code code = RD_OK;
  if (rd_pipe_gone(job->pipe))
    code = rd_fail(&e, RD_CANCELLED, "the client closed the connection");
  else if (late)
    code = rd_draft_stop(job->draft, "cancelled", &e);
  else if (job->enough)
    code = rd_draft_stop(job->draft, "stop", &e);
  else if (!rd_draft_so_far(job->draft).stopped)
    return false;
  finish(s, job, code, &e);
  return true;
}

/* --- turns -------------------------------------------------------------------------------------
 */

static int by_passes(const void *a, const void *b) {
  const rd_job *x = *(rd_job *const *)a, *y = *(rd_job *const *)b;
  int64_t d = x->passes != y->passes ? x->passes - y->passes : x->place - y->place;
  return (d > 0) - (d < 0);
}

/* Every other pass the first of the list are those with the fewest passes. */
static void order(rd_scheduler *s, int64_t n) {
  s->young = !s->young;
  for (int64_t i = 0; i < n; i++)
    s->kept[i]->place = i;
  if (s->young && n > 1)
    qsort(s->kept, (size_t)n, sizeof(rd_job *), by_passes);
}

/* Needs of the first jobs of the list that fit together. */
static int64_t gather(rd_scheduler *s, int64_t n, bool late) {
  int64_t taken = 0, rows = 0;
  for (int64_t i = 0; i < n; i++) {
    rd_job *job = s->kept[i];
    rd_need need;
    if (over(s, job, late) || rd_pipe_full(job->pipe))
      continue;
    if (!rd_draft_need(job->draft, &need))
      continue;
    if (rd_need_rows(&need) > s->rows) { /* it would wait for ever */
      rd_error e = {0};
      rd_code code = rd_fail(
          &e, RD_USAGE,
          "the draft needs a pass of %lld rows; this server's have %lld (--max-batch-tokens)",
          (long long)rd_need_rows(&need), (long long)s->rows);
      finish(s, job, code, &e);
      continue;
    }
    if (rows + rd_need_rows(&need) > s->rows)
      continue;
    rows += rd_need_rows(&need);
    job->passes++;
    s->needs[taken] = need;
    s->served[taken++] = job;
  }
  atomic_fetch_add(&s->metrics->pass_tokens, rows);
  return taken;
}

/* Those who were served go to the end of the list. */
static void rotate(rd_scheduler *s, int64_t taken) {
  pthread_mutex_lock(&s->lock);
  int64_t kept = 0;
  for (int64_t i = 0; i < s->count; i++) {
    bool was = false;
    for (int64_t k = 0; k < taken && !was; k++)
      was = s->served[k] == s->jobs[i];
    if (!was)
      s->jobs[kept++] = s->jobs[i];
  }
  memcpy(s->jobs + kept, s->served, (size_t)taken * sizeof *s->jobs);
  pthread_mutex_unlock(&s->lock);
}

static void advance(rd_scheduler *s, rd_job *job, rd_code code, rd_error *e) {
  if (code == RD_OK)
    code = rd_draft_advance(job->draft, e);
  if (code != RD_OK || rd_draft_so_far(job->draft).stopped)
    finish(s, job, code, e);
}

/* One pass for all; if it fails, one for each, so that only the guilty fail. */
static void pass(rd_scheduler *s, int64_t taken) {
  rd_error e = {0};
  double begun = rd_seconds();
  rd_code code = s->engine->propose(s->engine, s->needs, taken, &e);
  atomic_fetch_add(&s->metrics->passes, 1);
  atomic_fetch_add(&s->metrics->sequences, taken);
  atomic_fetch_add(&s->metrics->pass_nanoseconds, (int64_t)((rd_seconds() - begun) * 1e9));
  for (int64_t i = 0; i < taken; i++) {
    rd_error own = {0};
    rd_code result = RD_OK;
    if (code != RD_OK)
      result = s->engine->propose(s->engine, &s->needs[i], 1, &own);
    advance(s, s->served[i], result, &own);
  }
}

/* Wait for work; false: there will be none. A list whose readers are all slow is looked at again
 * now and then, because nothing tells that a client left. */
static bool await(rd_scheduler *s, bool idle, int64_t *n, bool *late) {
  pthread_mutex_lock(&s->lock);
  while (s->count == 0 && !s->errands && s->stop_at == 0)
    pthread_cond_wait(&s->changed, &s->lock);
  if (idle && s->count > 0 && !s->errands) {
    const struct timespec until = rd_seconds_ahead(0.05);
    pthread_cond_timedwait(&s->changed, &s->lock, &until);
  }
  *n = s->count;
  bool hurry = s->hurry && atomic_load(s->hurry);
  *late = s->stop_at > 0 && (hurry || rd_seconds() >= s->stop_at);
  memcpy(s->kept, s->jobs, (size_t)s->count * sizeof *s->jobs);
  bool more = s->count > 0 || s->errands || s->stop_at == 0;
  pthread_mutex_unlock(&s->lock);
  return more;
}

/* The first errand that waits, if any. */
static void run_errand(rd_scheduler *s) {
  pthread_mutex_lock(&s->lock);
  errand *first = s->errands;
  if (first && !(s->errands = first->next))
    s->last = &s->errands;
  pthread_mutex_unlock(&s->lock);
  if (!first)
    return;
  rd_code code = first->run(first->context, s->engine, first->error);
  pthread_mutex_lock(&s->lock);
  first->code = code;
  first->done = true;
  s->errand_count--;
  pthread_cond_broadcast(&s->done);
  pthread_mutex_unlock(&s->lock);
}

static void *run_turns(void *context) {
  rd_scheduler *s = context;
  int64_t n = 0, taken = 1;
  bool late = false;
  rd_threads_set(s->threads);
  while (await(s, taken == 0, &n, &late)) {
    run_errand(s);
    order(s, n);
    taken = gather(s, n, late);
    if (taken == 0)
      continue;
    rotate(s, taken);
    pass(s, taken);
  }
  return NULL;
}

/* --- the outside -------------------------------------------------------------------------------
 */

static void drop(rd_scheduler *s) {
  rd_engine_close(&s->engine);
  pthread_mutex_destroy(&s->lock);
  pthread_cond_destroy(&s->changed);
  pthread_cond_destroy(&s->done);
  free(s->jobs);
  free(s->served);
  free(s->kept);
  free(s->needs);
  free(s);
}

rd_code rd_scheduler_open(rd_scheduler **out, const rd_model *model, int64_t rows, int64_t most,
                          rd_metrics *metrics, rd_error *e) {
  *out = NULL;
  rd_scheduler *s = rd_calloc(1, sizeof *s, "a scheduler", e);
  if (!s)
    return RD_NO_MEMORY;
  pthread_mutex_init(&s->lock, NULL);
  pthread_cond_init(&s->changed, NULL);
  pthread_cond_init(&s->done, NULL);
  s->last = &s->errands;
  s->metrics = metrics;
  s->rows = rows;
  s->most = most;
  s->threads = rd_threads_get();
  s->jobs = rd_calloc((size_t)most, sizeof(rd_job *), "the queue", e);
  s->served = rd_calloc((size_t)most, sizeof(rd_job *), "the queue", e);
  s->kept = rd_calloc((size_t)most, sizeof(rd_job *), "the queue", e);
  s->needs = rd_calloc((size_t)most, sizeof *s->needs, "the queue", e);
  bool made = s->jobs && s->served && s->kept && s->needs;
  int64_t longest = rows < model->config.positions ? rows : model->config.positions;
  rd_code code = made ? rd_engine_open(&s->engine, NULL, model, rows, longest, e) : RD_NO_MEMORY;
  if (code == RD_OK && pthread_create(&s->thread, NULL, run_turns, s) != 0)
    code = rd_fail(e, RD_IO, "the system gives no thread for the scheduler");
  if (code != RD_OK) {
    drop(s);
    return code;
  }
  *out = s;
  return RD_OK;
}

rd_code rd_scheduler_submit(rd_scheduler *s, rd_job *job, rd_error *e) {
  int64_t rows = rd_draft_rows(job->draft);
  if (rows > s->rows)
    return rd_fail(e, RD_USAGE,
                   "a canvas of %lld tokens is more than this server's passes of %lld; it was "
                   "started with --max-batch-tokens",
                   (long long)rows, (long long)s->rows);
  RD_TRY(rd_draft_open_lanes(job->draft, s->engine, e));
  rd_job_hold(job);
  pthread_mutex_lock(&s->lock);
  bool full = s->count == s->most || s->stop_at > 0;
  if (!full) {
    s->jobs[s->count++] = job;
    atomic_fetch_add(&s->metrics->queue, 1);
    pthread_mutex_lock(&job->pipe->lock);
    job->pipe->under_way++;
    pthread_mutex_unlock(&job->pipe->lock);
  }
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->lock);
  if (!full)
    return RD_OK;
  rd_job_release(job);
  atomic_fetch_add(&s->metrics->refused, 1);
  return rd_fail(e, RD_BUSY, "the queue is full: %lld drafts are under way; try again",
                 (long long)s->most);
}

rd_code rd_scheduler_do(rd_scheduler *s, rd_errand *run, void *context, rd_error *e) {
  errand mine = {.run = run, .context = context, .error = e};
  pthread_mutex_lock(&s->lock);
  bool stopping = s->stop_at > 0, full = stopping || s->errand_count == s->most;
  if (!full) {
    *s->last = &mine;
    /* cppcheck-suppress autoVariables ; it is waited for below */
    s->last = &mine.next;
    s->errand_count++;
    pthread_cond_signal(&s->changed);
  }
  while (!full && !mine.done)
    pthread_cond_wait(&s->done, &s->lock);
  pthread_mutex_unlock(&s->lock);
  if (!full)
    return mine.code;
  atomic_fetch_add(&s->metrics->refused, 1);
  return stopping ? rd_fail(e, RD_BUSY, "the server is stopping")
                  : rd_fail(e, RD_BUSY, "the queue is full: %lld others wait; try again",
                            (long long)s->most);
}

void rd_scheduler_wake(rd_scheduler *s) {
  pthread_mutex_lock(&s->lock);
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->lock);
}

void rd_scheduler_stop(rd_scheduler *s, double grace, const atomic_bool *hurry) {
  if (!s)
    return;
  pthread_mutex_lock(&s->lock);
  s->stop_at = rd_seconds() + grace;
  s->hurry = hurry;
  pthread_cond_signal(&s->changed);
  pthread_mutex_unlock(&s->lock);
  pthread_join(s->thread, NULL);
}

void rd_scheduler_close(rd_scheduler **scheduler) {
  if (*scheduler)
    drop(*scheduler);
  *scheduler = NULL;
}
