/* SPDX-License-Identifier: MIT */
/* A job is one answer being written: its draft, the bytes that wait for the client, and how it
 * ended. Two hold it: the connection's thread reads, the scheduler's thread writes. */
#ifndef RD_JOB_H
#define RD_JOB_H

#include "body.h"
#include "clock.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct rd_job rd_job;

/* How events become bytes; NULL members write nothing. */
typedef struct rd_reply {
  const char *type; /* Content-Type */
  rd_code (*event)(rd_job *job, const rd_event *event, rd_error *e);
  void (*failed)(rd_job *job, const rd_error *e); /* instead of the end */
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
  int64_t passes, place; /* the scheduler's: passes so far, and its place in the list */
  bool enough;           /* a stop is in text that stays: no further pass is needed */
  /* the answer, once over */
  char *text;
  int64_t tokens, iterations, drafted, accepted;
  const char *finish; /* "stop" or "length" */
  bool converged;     /* as in rd_event */
  char *warning;      /* as in rd_event, or NULL */
  /* under the lock */
  pthread_mutex_t lock;
  pthread_cond_t changed;
  atomic_int holders;
  char *out; /* bytes [read, size) wait */
  size_t size, read, room;
  int socket; /* -1: the client is gone */
  bool over;
  rd_code code;
  rd_error error;
};

/* A job without a draft, held once. The body is moved into it. NULL when memory is out. */
rd_job *rd_job_new(rd_body *body, const rd_shape *shape, const rd_reply *reply, int socket,
                   rd_error *e);
/* Make its draft: the first events are written. */
rd_code rd_job_begin(rd_job *job, rd_error *e);
/* Tokens from the first that no later draft changes, at a draft event. */
int64_t rd_job_settled(const rd_job *job, const rd_event *event);
void rd_job_hold(rd_job *job);
void rd_job_release(rd_job *job);

/* Writer's side. */
rd_code rd_job_write(rd_job *job, const char *bytes, size_t size, rd_error *e);
rd_code rd_job_printf(rd_job *job, rd_error *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* More waits for the client than a slow reader may leave lying. */
bool rd_job_full(rd_job *job);
/* Has the client closed its side? */
bool rd_job_gone(rd_job *job);
void rd_job_end(rd_job *job, rd_code code, const rd_error *e);

/* Reader's side. Waits for bytes; 0: the end. */
size_t rd_job_read(rd_job *job, char *to, size_t most);
rd_code rd_job_wait(rd_job *job, rd_error *e);
/* The connection is going away: the draft is not wanted any more. */
void rd_job_leave(rd_job *job);

#endif
