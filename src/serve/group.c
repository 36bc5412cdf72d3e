/* SPDX-License-Identifier: MIT */
/* Answers are handed over together, after all of them were read, so that a mistake in one costs no
 * pass. */
#include "group.h"

#include <stdlib.h>
#include <string.h>

rd_group *rd_group_new(size_t room, const rd_shape *shape, const rd_reply *reply,
                       rd_scheduler *scheduler, int64_t rows, int socket, rd_error *e) {
  rd_group *group = rd_calloc(1, sizeof *group, "a request", e);
  if (!group)
    return NULL;
  *group = (rd_group){.scheduler = scheduler, .shape = shape, .reply = reply, .rows = rows};
  group->room = room;
  group->jobs = rd_calloc(room, sizeof(rd_job *), "answers", e);
  group->pipe = rd_pipe_new(socket, e);
  if (group->jobs && group->pipe)
    return group;
  rd_group_leave(group);
  return NULL;
}

rd_code rd_group_add(rd_group *group, rd_body *body, rd_error *e) {
  rd_job *job = rd_job_new(body, group->shape, group->reply, group->pipe, e);
  if (!job)
    return RD_NO_MEMORY;
  if (group->count > 0) /* they are one response */
    memcpy(job->id, group->jobs[0]->id, sizeof job->id);
  group->jobs[group->count++] = job;
  return rd_job_begin(job, e);
}

rd_code rd_group_submit(rd_group *group, rd_error *e) {
  for (size_t i = 0; i < group->count; i++)
    if (!group->jobs[i]->over)
      RD_TRY(rd_scheduler_submit(group->scheduler, group->jobs[i], e));
  return RD_OK;
}

/* --- log-probabilities -------------------------------------------------------------------------
 */

static rd_code step(void *context, rd_engine *engine, rd_error *e) {
  return rd_reading_step(context, engine, e);
}

/* Prompt and answer as one text, of which the prompt is read where it is echoed. */
static rd_code read_job(rd_group *group, rd_job *job, rd_error *e) {
  const rd_body *a = &job->body;
  int64_t answer = 0, prompt = a->prompt_count;
  const int32_t *ids = rd_job_ids(job, &answer);
  size_t n = (size_t)(prompt + answer);
  job->ids = rd_calloc(n + 1, sizeof *job->ids, "tokens", e);
  if (!job->ids)
    return RD_NO_MEMORY;
  memcpy(job->ids, a->prompt, (size_t)prompt * sizeof *job->ids);
  if (answer > 0)
    memcpy(job->ids + prompt, ids, (size_t)answer * sizeof *job->ids);
  RD_TRY(rd_reading_init(&job->reading, rd_body_model(a), job->ids, (int64_t)n,
                         a->echo ? 0 : prompt, a->top, group->rows, e));
  while (job->reading.next < job->reading.count) {
    if (rd_pipe_gone(group->pipe))
      return rd_fail(e, RD_CANCELLED, "the client closed the connection");
    RD_TRY(rd_scheduler_do(group->scheduler, step, &job->reading, e));
  }
  return RD_OK;
}

rd_code rd_group_finish(rd_group *group, rd_error *e) {
  for (size_t i = 0; i < group->count; i++)
    RD_TRY(rd_job_wait(group->jobs[i], e));
  for (size_t i = 0; i < group->count; i++)
    if (group->jobs[i]->body.likely)
      RD_TRY(read_job(group, group->jobs[i], e));
  return RD_OK;
}

const char *rd_group_warning(const rd_group *group) {
  for (size_t i = 0; i < group->count; i++)
    if (group->jobs[i]->warning)
      return group->jobs[i]->warning;
  return NULL;
}

/* --- streams -----------------------------------------------------------------------------------
 */

/* What follows the answers. Where one failed, that was said, and nothing follows. */
static void write_tail(rd_group *group) {
  rd_error e = {0};
  for (size_t i = 0; i < group->count; i++)
    if (rd_job_wait(group->jobs[i], &e) != RD_OK)
      return;
  rd_code code = rd_group_finish(group, &e);
  if (code == RD_OK && group->reply->tail)
    code = group->reply->tail(group, &e);
  if (code != RD_OK)
    group->reply->failed(group->jobs[0], &e);
}

size_t rd_group_read(rd_group *group, char *to, size_t most) {
  size_t n = rd_pipe_read(group->pipe, to, most);
  if (n > 0 || group->ended)
    return n;
  group->ended = true;
  write_tail(group);
  return rd_pipe_read(group->pipe, to, most);
}

void rd_group_leave(rd_group *group) {
  if (!group)
    return;
  if (group->pipe)
    rd_pipe_leave(group->pipe);
  for (size_t i = 0; i < group->count; i++)
    rd_job_release(group->jobs[i]);
  rd_pipe_release(group->pipe);
  free(group->jobs);
  free(group);
}
