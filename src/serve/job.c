/* SPDX-License-Identifier: MIT */
/* One answer: its draft is watched, its end is said once. */
#include "job.h"

#include "calls.h"
#include "draft.h"
#include "said.h"
#include "whole.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

rd_job *rd_job_new(rd_body *body, const rd_shape *shape, const rd_reply *reply, rd_pipe *pipe,
                   rd_error *e) {
  static atomic_uint number;
  rd_job *job = rd_calloc(1, sizeof *job, "a request", e);
  if (!job)
    return NULL;
  job->body = *body;
  *body = (rd_body){0};
  job->shape = shape;
  job->reply = reply;
  job->model = job->body.service->name;
  job->created = (int64_t)time(NULL);
  job->begun = rd_seconds();
  snprintf(job->id, sizeof job->id, "%s-%llx%06x", shape->id, (long long)job->created,
           atomic_fetch_add(&number, 1) & 0xFFFFFFU);
  job->holders = 1;
  job->pipe = rd_pipe_hold(pipe);
  return job;
}

int64_t rd_job_most(const rd_job *job, const rd_event *event) {
  return job->draft ? rd_least(event->count, rd_draft_so_far(job->draft).most) : event->count;
}

/* What is filled stays, unless the sampler revises: then only what it has locked. */
int64_t rd_job_settled(const rd_job *job, const rd_event *event) {
  int64_t n = 0, most = rd_job_most(job, event);
  if (job->body.sampler->revises) {
    while (n < event->locked_count && event->locked[n] == n)
      n++;
    return n;
  }
  if (rd_sampler_asks(job->body.sampler))
    return event->sure;
  while (n < most && event->ids[n] != event->speller->mask)
    n++;
  return n;
}

/* Is a stop in the text that stays? */
static rd_code look_for_stop(rd_job *job, const rd_event *event) {
  rd_event part = *event;
  part.count = rd_job_settled(job, event);
  char *text = part.count > 0 ? rd_event_text(&part) : NULL;
  if (part.count > 0 && !text)
    return RD_NO_MEMORY;
  if (text) {
    text[rd_body_whole(text)] = '\0';
    rd_body_cut(&job->body, text, &job->enough);
  }
  free(text);
  return RD_OK;
}

/* The suffix was in the draft, but the answer is what stands before it. */
static rd_code count_inserted(rd_job *job) {
  int32_t *ids = NULL;
  size_t count = 0;
  RD_TRY(rd_tokenizer_encode(rd_body_model(&job->body)->tokenizer, job->text, strlen(job->text),
                             RD_TOK_CONTINUE, &ids, &count, &job->error));
  free(ids);
  job->tokens = (int64_t)count;
  return RD_OK;
}

/* The observer of every draft: the end is remembered, the format writes. */
static rd_code watch(void *context, const rd_event *event) {
  rd_job *job = context;
  if (event->kind == RD_EVENT_DONE) {
    job->text = rd_event_text(event);
    if (!job->text)
      return RD_NO_MEMORY;
    if (event->warning && !(job->warning = strdup(event->warning)))
      return RD_NO_MEMORY;
    if (job->warning)
      rd_said_fields(job->warning);
    job->converged = event->converged;
    job->tokens = event->count;
    job->seconds = event->seconds;
    job->iterations = event->iteration;
    job->drafted = event->drafted;
    job->accepted = event->accepted;
    /* A draft that ends while it begins is not the job's yet: it was refused, and is cut. */
    rd_draft_result o = job->draft ? rd_draft_so_far(job->draft) : (rd_draft_result){0};
    bool cut = strcmp(event->stopped, "deadline") == 0 || strcmp(event->stopped, "cancelled") == 0;
    job->text[rd_body_cut(&job->body, job->text, &job->enough)] = '\0';
    bool ended = o.tokens < o.most || job->body.sampler->searches || job->body.params.grammar;
    job->finish = job->enough || (!cut && ended) ? "stop" : "length";
    if (job->body.behind)
      RD_TRY(count_inserted(job));
    if (job->body.calls)
      RD_TRY(rd_calls_read(&job->calls, &job->prose, &job->body, job->text, &job->error));
    if (job->calls)
      job->finish = "tool_calls";
  }
  if (event->kind == RD_EVENT_DRAFT && job->body.stop_count > 0)
    RD_TRY(look_for_stop(job, event));
  return job->reply ? job->reply->event(job, event, &job->error) : RD_OK;
}

/* The answer of nothing: the prompt alone is looked at. */
static rd_code end_at_once(rd_job *job, rd_error *e) {
  static const rd_event events[] = {{.kind = RD_EVENT_START}, {.kind = RD_EVENT_DONE}};
  job->text = rd_strdup("", e);
  job->finish = "length";
  job->converged = job->over = true;
  if (!job->text)
    return RD_NO_MEMORY;
  for (int i = 0; job->reply && i < 2; i++)
    RD_TRY(job->reply->event(job, &events[i], e));
  return RD_OK;
}

rd_code rd_job_begin(rd_job *job, rd_error *e) {
  const rd_body *a = &job->body;
  if (a->silent)
    return end_at_once(job, e);
  rd_request request = rd_body_request(a);
  request.observer = watch;
  request.context = job;
  return rd_request_draft(&job->draft, &request, e);
}

void rd_job_hold(rd_job *job) {
  atomic_fetch_add(&job->holders, 1);
}

void rd_job_release(rd_job *job) {
  if (!job || atomic_fetch_sub(&job->holders, 1) > 1)
    return;
  rd_draft_free(&job->draft);
  rd_body_drop(&job->body);
  rd_pipe_release(job->pipe);
  rd_reading_drop(&job->reading);
  free(job->ids);
  json_decref(job->calls);
  free(job->text);
  free(job->warning);
  free(job);
}

/* --- writing -----------------------------------------------------------------------------------
 */

rd_code rd_job_printf(rd_job *job, rd_error *e, const char *format, ...) {
  char *text = NULL;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&text, format, args);
  va_end(args);
  if (n < 0)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: an answer");
  rd_code code = rd_pipe_write(job->pipe, text, (size_t)n, e);
  free(text);
  return code;
}

void rd_job_end(rd_job *job, rd_code code, const rd_error *e) {
  if (code != RD_OK && job->reply)
    job->reply->failed(job, e);
  pthread_mutex_lock(&job->pipe->lock);
  if (code != RD_OK) {
    job->code = code;
    job->error = *e;
  }
  job->over = true;
  job->pipe->under_way--;
  pthread_cond_broadcast(&job->pipe->changed);
  pthread_mutex_unlock(&job->pipe->lock);
}

/* --- reading -----------------------------------------------------------------------------------
 */

rd_code rd_job_wait(rd_job *job, rd_error *e) {
  pthread_mutex_lock(&job->pipe->lock);
  while (!job->over)
    pthread_cond_wait(&job->pipe->changed, &job->pipe->lock);
  rd_code code = job->code;
  if (code != RD_OK && e)
    *e = job->error;
  pthread_mutex_unlock(&job->pipe->lock);
  return code;
}

const int32_t *rd_job_ids(const rd_job *job, int64_t *count) {
  rd_draft_result o = job->draft ? rd_draft_so_far(job->draft) : (rd_draft_result){0};
  bool ended = o.tokens < o.count && o.answer == o.region &&
               rd_tokenizer_is_eos(rd_body_model(&job->body)->tokenizer, o.region[o.tokens]);
  *count = o.tokens + ended;
  return o.answer;
}
