/* SPDX-License-Identifier: MIT */
/* Calls of tools in an answer: one that was demanded, or those that a model writes as its template
 * taught it. */
#ifndef RD_CALLS_H
#define RD_CALLS_H

#include "body.h"

/* The calls of a whole answer as OpenAI's list of {id, type, function: {name, arguments}}, where
 * arguments are text that is JSON: a new reference, NULL where the answer calls nothing. *prose:
 * bytes of the text that stand before them. RD_NO_MEMORY. */
rd_code rd_calls_read(json_t **out, size_t *prose, const rd_body *body, const char *text,
                      rd_error *e);
/* A demanded call that is being written, of which `size` bytes stand: its name as JSON (a new
 * reference), and where its arguments begin. NULL: it has not come so far. */
json_t *rd_calls_begun(const char *text, size_t size, size_t *arguments);
/* A new id of a call. */
enum { RD_CALL_ID = 40 };
void rd_calls_id(char id[RD_CALL_ID]);
/* Put calls into a message: its content becomes the prose, or null. `parsed`: arguments are the
 * values themselves, and nothing has an id, as Ollama has it. */
rd_code rd_calls_put(json_t *message, const json_t *calls, const char *text, size_t prose,
                     bool parsed, rd_error *e);

#endif
