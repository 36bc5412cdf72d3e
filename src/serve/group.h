/* SPDX-License-Identifier: MIT */
/* A group is all the answers of one request: a job each, and the pipe that they share. It belongs
 * to the connection's thread; schedulers hold its jobs as long as they write them. */
#ifndef RD_GROUP_H
#define RD_GROUP_H

#include "scheduler.h"

typedef struct rd_group {
  rd_pipe *pipe;
  rd_scheduler *scheduler;
  const rd_shape *shape;
  const rd_reply *reply; /* NULL: not streamed */
  rd_job **jobs;         /* (count) */
  size_t count, room;
  int64_t rows; /* positions of a pass */
  bool ended;   /* the stream has its tail */
} rd_group;

/* For `room` answers; `reply` NULL: nothing is streamed. `rows`: positions of the scheduler's
 * passes. NULL when memory is out. */
rd_group *rd_group_new(size_t room, const rd_shape *shape, const rd_reply *reply,
                       rd_scheduler *scheduler, int64_t rows, int socket, rd_error *e);
/* One more answer, of a body that is moved into it; its first events are written. */
rd_code rd_group_add(rd_group *group, rd_body *body, rd_error *e);
/* Let them be written. */
rd_code rd_group_submit(rd_group *group, rd_error *e);
/* Wait for all of them, and read them where log-probabilities are wanted. The first error. */
rd_code rd_group_finish(rd_group *group, rd_error *e);
/* The first thing that is to be known of the answers that are over, or NULL. */
const char *rd_group_warning(const rd_group *group);
/* Waits for bytes of a stream, its tail included; 0: the end. */
size_t rd_group_read(rd_group *group, char *to, size_t most);
/* The connection goes away: what is under way is not wanted any more. NULL is fine. */
void rd_group_leave(rd_group *group);

#endif
