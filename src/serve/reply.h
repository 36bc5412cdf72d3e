/* SPDX-License-Identifier: MIT */
/* What goes back: events as they happen, OpenAI's chunks and answers, errors. */
#ifndef RD_REPLY_H
#define RD_REPLY_H

#include "group.h"

extern const rd_reply rd_reply_events; /* the events of generate --json, server-sent */
extern const rd_reply rd_reply_deltas; /* OpenAI chunks; text that cannot change any more */
extern const rd_reply rd_reply_drafts; /* OpenAI chunks, each with the whole draft */

extern const rd_reply rd_reply_lines;           /* reply_ollama.c: lines of JSON */
extern const rd_reply rd_reply_response_events; /* reply_responses.c */

/* Ollama's answer, and OpenAI's response, of a group that is over: as the next one. */
char *rd_reply_ollama(const rd_group *group);
char *rd_reply_response(const rd_group *group);
/* OpenAI's answer of a group that is over: new string, NULL when memory is out. */
char *rd_reply_answer(const rd_group *group);
/* The value as text, and gone; NULL when memory is out, or was when it was made. */
char *rd_reply_dump(json_t *value);
/* The value as a piece of the job's stream, and gone: between two texts, or as a chunk of data. */
rd_code rd_reply_write(rd_job *job, const char *before, json_t *value, const char *after,
                       rd_error *e);
rd_code rd_reply_send(rd_job *job, json_t *value, rd_error *e);
/* Text of the answer, at a draft or done event, that goes out now: not sent before, and never to
 * change. *size bytes of *text (from *from on), which is new; *size may be 0. */
rd_code rd_reply_news(rd_job *job, const rd_event *event, char **text, size_t *from, size_t *size,
                      rd_error *e);
/* Tokens of the prompts and of the answers of a group. */
void rd_reply_usage(const rd_group *group, int64_t *prompt, int64_t *answer);
/* {"error":{message, type, param, code}}: new string, NULL when memory is out. `name` may be NULL.
 */
char *rd_reply_error(const char *message, const char *type, const char *name);

/* {"error": message}, as Ollama's clients read it. */
char *rd_reply_words(const char *message);

#endif
