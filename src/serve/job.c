/* SPDX-License-Identifier: MIT */
/* Bytes from the scheduler to a connection, with a lock and a condition; the end said once. */
#include "job.h"

#include "draft.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_WAITING = 1 << 20 };

rd_job *rd_job_new(rd_body *body, const rd_shape *shape, const rd_reply *reply, int socket,
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
  pthread_mutex_init(&job->lock, NULL);
  pthread_cond_init(&job->changed, NULL);
  job->holders = 1;
  job->socket = socket;
  return job;
}

/* What is filled stays, unless the sampler revises: then only what it has locked. */
int64_t rd_job_settled(const rd_job *job, const rd_event *event) {
  int64_t n = 0;
  if (job->body.sampler->revises) {
    while (n < event->locked_count && event->locked[n] == n)
      n++;
    return n;
  }
  if (job->body.sampler->checks)
    return event->sure;
  while (n < event->count && event->ids[n] != event->speller->mask)
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
  if (text)
    rd_body_cut(&job->body, text, &job->enough);
  free(text);
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
    job->converged = event->converged;
    job->tokens = event->count;
    job->iterations = event->iteration;
    job->drafted = event->drafted;
    job->accepted = event->accepted;
    /* A draft that ends while it begins is not the job's yet: it was refused, and is cut. */
    rd_draft_result o = job->draft ? rd_draft_so_far(job->draft) : (rd_draft_result){0};
    bool cut = strcmp(event->stopped, "deadline") == 0 || strcmp(event->stopped, "cancelled") == 0;
    bool found = false;
    job->text[rd_body_cut(&job->body, job->text, &found)] = '\0';
    job->finish = found || (!cut && o.tokens < o.count) ? "stop" : "length";
  }
  if (event->kind == RD_EVENT_DRAFT && job->body.stop_count > 0)
    RD_TRY(look_for_stop(job, event));
  return job->reply ? job->reply->event(job, event, &job->error) : RD_OK;
}

rd_code rd_job_begin(rd_job *job, rd_error *e) {
  const rd_body *a = &job->body;
  rd_request request = {.model = rd_body_model(a),
                        .params = &a->params,
                        .sampler = a->sampler,
                        .prompt = a->prompt,
                        .prompt_count = a->prompt_count,
                        .ids = a->ids,
                        .places = a->places,
                        .count = a->count,
                        .observer = watch,
                        .context = job};
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
  pthread_mutex_destroy(&job->lock);
  pthread_cond_destroy(&job->changed);
  free(job->text);
  free(job->warning);
  free(job->out);
  free(job);
}

/* --- writing -----------------------------------------------------------------------------------
 */

rd_code rd_job_write(rd_job *job, const char *bytes, size_t size, rd_error *e) {
  rd_code code = RD_OK;
  pthread_mutex_lock(&job->lock);
  if (job->read > 0 && job->read == job->size)
    job->read = job->size = 0;
  if (job->size + size > job->room) {
    size_t room = 2 * (job->size + size);
    char *more = realloc(job->out, room);
    if (more) {
      job->out = more;
      job->room = room;
    } else {
      code = rd_fail(e, RD_NO_MEMORY, "out of memory: an answer");
    }
  }
  if (code == RD_OK) {
    memcpy(job->out + job->size, bytes, size);
    job->size += size;
  }
  pthread_cond_broadcast(&job->changed);
  pthread_mutex_unlock(&job->lock);
  return code;
}

rd_code rd_job_printf(rd_job *job, rd_error *e, const char *format, ...) {
  char *text = NULL;
  va_list args;
  va_start(args, format);
  int n = vasprintf(&text, format, args);
  va_end(args);
  if (n < 0)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: an answer");
  rd_code code = rd_job_write(job, text, (size_t)n, e);
  free(text);
  return code;
}

bool rd_job_full(rd_job *job) {
  pthread_mutex_lock(&job->lock);
  bool full = job->size - job->read > MOST_WAITING;
  pthread_mutex_unlock(&job->lock);
  return full;
}

bool rd_job_gone(rd_job *job) {
  pthread_mutex_lock(&job->lock);
  struct pollfd p = {.fd = job->socket, .events = POLLRDHUP};
  bool gone = job->socket < 0 || poll(&p, 1, 0) > 0;
  pthread_mutex_unlock(&job->lock);
  return gone;
}

void rd_job_end(rd_job *job, rd_code code, const rd_error *e) {
  if (code != RD_OK && job->reply)
    job->reply->failed(job, e);
  pthread_mutex_lock(&job->lock);
  if (code != RD_OK) {
    job->code = code;
    job->error = *e;
  }
  job->over = true;
  pthread_cond_broadcast(&job->changed);
  pthread_mutex_unlock(&job->lock);
}

/* --- reading -----------------------------------------------------------------------------------
 */

size_t rd_job_read(rd_job *job, char *to, size_t most) {
  pthread_mutex_lock(&job->lock);
  while (job->read == job->size && !job->over)
    pthread_cond_wait(&job->changed, &job->lock);
  size_t n = job->size - job->read;
  n = n < most ? n : most;
  if (n > 0)
    memcpy(to, job->out + job->read, n);
  job->read += n;
  pthread_mutex_unlock(&job->lock);
  return n;
}

rd_code rd_job_wait(rd_job *job, rd_error *e) {
  pthread_mutex_lock(&job->lock);
  while (!job->over)
    pthread_cond_wait(&job->changed, &job->lock);
  rd_code code = job->code;
  if (code != RD_OK && e)
    *e = job->error;
  pthread_mutex_unlock(&job->lock);
  return code;
}

void rd_job_leave(rd_job *job) {
  pthread_mutex_lock(&job->lock);
  job->socket = -1;
  pthread_mutex_unlock(&job->lock);
  rd_job_release(job);
}
