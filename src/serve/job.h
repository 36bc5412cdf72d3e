/* SPDX-License-Identifier: MIT */
/* A job is one answer being written: its draft, the pipe that its bytes go into, and how it ended.
 * Two hold it: the group that it belongs to, and the scheduler. */
#ifndef RD_JOB_H
#define RD_JOB_H

#include "body.h"
#include "clock.h"
#include "pipe.h"
#include "reading.h"

typedef struct rd_job rd_job;
struct rd_group;

/* How events become bytes. */
typedef struct rd_reply {
  const char *type; /* Content-Type */
  rd_code (*event)(rd_job *job, const rd_event *event, rd_error *e);
  void (*failed)(rd_job *job, const rd_error *e); /* instead of the end */
  rd_code (*tail)(struct rd_group *group,
                  rd_error *e); /* after all answers of a request; or NULL */
} rd_reply;

struct rd_job {
  rd_body body;
  rd_draft *draft;       /* NULL before rd_job_begin */
  const rd_reply *reply; /* NULL: the answer alone is wanted */
  const rd_shape *shape; /* of the body, and of what goes back */
  char id[40];
  const char *model;     /* name of the service */
  int64_t created;       /* Unix time */
  double begun;          /* monotonic seconds */
  size_t sent;           /* text bytes that went out as deltas */
  int64_t chunks;        /* pieces of a stream that number them */
  double seconds;        /* that the draft took */
  int64_t passes, place; /* the scheduler's: passes so far, and its place in the list */
  bool enough;           /* a stop is in text that stays: no further pass is needed */
  /* the answer, once over */
  char *text;
  int64_t tokens, iterations, drafted, accepted;
  const char *finish; /* "stop", "length" or "tool_calls" */
  json_t *calls;      /* of tools, or NULL; see calls.h */
  size_t prose;       /* bytes of the text that stand before them */
  bool call_begun;    /* the name of the first went out; `sent` counts its arguments */
  int32_t *ids;       /* (reading.count) prompt and answer, where log-probabilities are wanted */
  rd_reading reading; /* of those, once rd_group_finish has read them */
  bool converged;     /* as in rd_event */
  char *warning;      /* as in rd_event, but of fields (said.h); or NULL */
  atomic_int holders;
  rd_pipe *pipe;
  /* under the pipe's lock */
  bool over;
  rd_code code;
  rd_error error;
};

/* A job without a draft, held once. The body is moved into it; it holds the pipe. NULL when memory
 * is out. */
rd_job *rd_job_new(rd_body *body, const rd_shape *shape, const rd_reply *reply, rd_pipe *pipe,
                   rd_error *e);
/* Make its draft: the first events are written. A body that wants nothing written is over at once.
 */
rd_code rd_job_begin(rd_job *job, rd_error *e);
/* Places of an event's draft that the answer may have: a sampler of blocks writes its last block
 * whole. */
int64_t rd_job_most(const rd_job *job, const rd_event *event);
/* Tokens from the first that no later draft changes, at a draft event. */
int64_t rd_job_settled(const rd_job *job, const rd_event *event);
void rd_job_hold(rd_job *job);
void rd_job_release(rd_job *job);

/* Writer's side. */
rd_code rd_job_printf(rd_job *job, rd_error *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void rd_job_end(rd_job *job, rd_code code, const rd_error *e);

/* Reader's side. */
rd_code rd_job_wait(rd_job *job, rd_error *e);
/* The ids that the answer shows (borrowed, *count): the end token too where it ended by itself. */
const int32_t *rd_job_ids(const rd_job *job, int64_t *count);

#endif
