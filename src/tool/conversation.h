/* SPDX-License-Identifier: MIT */
/* Turns of a chat, and the part of them that fits the window. */
#ifndef RD_CONVERSATION_H
#define RD_CONVERSATION_H

#include "error.h"

/* A caller's storage, zeroed before use. */
typedef struct rd_conversation {
  rd_message *turns; /* (count) user, assistant, user, ..; contents owned */
  size_t count;
} rd_conversation;

rd_code rd_conversation_add(rd_conversation *c, const char *role, const char *content, rd_error *e);
/* Forget the last `count` turns (all if there are fewer). */
void rd_conversation_pop(rd_conversation *c, size_t count);
void rd_conversation_drop(rd_conversation *c);

/* Tokens of a prompt. */
typedef rd_code rd_measure(void *context, const rd_message *messages, size_t count, int64_t *tokens,
                           rd_error *e);
/* The messages to send, as a new array (contents borrowed): `system` where it is not NULL, then the
 * latest turns, beginning with a user's, whose prompt has at most `limit` tokens; the last turn is
 * always there. *left_out is how many older turns are not. */
rd_code rd_conversation_fit(const rd_conversation *c, const char *system, int64_t limit,
                            rd_measure *measure, void *context, rd_message **messages,
                            size_t *count, size_t *left_out, rd_error *e);
/* Write {"messages":[..]} as one line: a row that train reads. */
rd_code rd_conversation_save(const rd_conversation *c, const char *system, const char *path,
                             rd_error *e);

#endif
