/* SPDX-License-Identifier: MIT */
/* Chat templates: how messages become one prompt. A model's own template is Jinja text, rendered as
 * its makers render it; for models without one there are rows, which are Jinja too. */
#ifndef RD_CHAT_TEMPLATE_H
#define RD_CHAT_TEMPLATE_H

#include "chat_rows.h"
#include "json.h"
#include "tokenizer.h"

typedef struct rd_chat_template rd_chat_template;

/* What a user's choice stands for, as a new string to keep: a row's name as it is, the text of a
 * Jinja file. RD_USAGE: neither, with all names. */
rd_code rd_chat_template_load(char **out, const char *choice, rd_error *e);

/* Open the template for a tokenizer: `choice` is a row's name or Jinja text; NULL: the one of the
 * tokenizer's own files. RD_UNSUPPORTED, naming the rows and --chat-template, when they hold none.
 * RD_USAGE: no such row. RD_BAD_INPUT: a row needs a token that is not there.
 * A template of the files that cannot be rendered opens too: rd_chat_render then says why. */
rd_code rd_chat_template_open(rd_chat_template **out, const rd_tokenizer *t, const char *choice,
                              rd_error *e);
/* NULL is fine; *c becomes NULL. */
void rd_chat_template_close(rd_chat_template **c);
/* RD_UNSUPPORTED: the files hold no template, and what to do. */
rd_code rd_chat_template_none(rd_error *e);

/* The id of the token that the template writes behind an assistant's turn, or -1: where a model
 * writes it, its turn is over. */
int32_t rd_chat_template_end(const rd_chat_template *c);

/* Does it do anything with tools, or with a list of them in another template of the same files? */
bool rd_chat_template_takes_tools(const rd_chat_template *c);

/* Render `count` messages and ask for the assistant's turn; special tokens written in their
 * contents are plain text. *ids is new (free it). RD_BAD_INPUT, with the template's line: a
 * conversation that the template refuses. */
rd_code rd_chat_render(const rd_tokenizer *t, const rd_chat_template *c, const rd_message *messages,
                       size_t count, int32_t **ids, size_t *id_count, rd_error *e);
/* The same of all that a template may see: {"messages": [..], "add_generation_prompt": true,
 * "tools": .., ..}. Where there are tools, the template named tool_use is rendered, if there is
 * one.
 */
rd_code rd_chat_render_json(const rd_tokenizer *t, const rd_chat_template *c, const json_t *data,
                            int32_t **ids, size_t *id_count, rd_error *e);

#endif
