/* SPDX-License-Identifier: MIT */
/* What goes back: events as they happen, OpenAI's chunks and answers, errors. */
#ifndef RD_REPLY_H
#define RD_REPLY_H

#include "job.h"

extern const rd_reply rd_reply_events; /* the events of generate --json, server-sent */
extern const rd_reply rd_reply_deltas; /* OpenAI chunks; text that cannot change any more */
extern const rd_reply rd_reply_drafts; /* OpenAI chunks, each with the whole draft */

/* OpenAI's answer of a job that is over: new string, NULL when memory is out. */
char *rd_reply_answer(const rd_job *job);
/* {"error":{message, type, param, code}}: new string, NULL when memory is out. `name` may be NULL.
 */
char *rd_reply_error(const char *message, const char *type, const char *name);

#endif
