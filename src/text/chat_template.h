/* SPDX-License-Identifier: MIT */
/* Chat templates: how messages become one prompt. A model's own template is Jinja text; the ones in
 * use are few, so each is a row of strings here, recognised by what its Jinja text says. */
#ifndef RD_CHAT_TEMPLATE_H
#define RD_CHAT_TEMPLATE_H

#include "table.h"
#include "tokenizer.h"

/* The strings hold special tokens as they are written, and {bos}, {eos} for the tokenizer's own
 * (nothing where it has none) and {start} for BOS where the tokenizer's files ask for it. */
typedef struct rd_chat_template {
  const char *name, *help;
  const char *tokens;     /* special tokens it needs, separated by spaces */
  const char *marks[4];   /* recognised when the Jinja text holds all of these, ... */
  const char *unmarks[2]; /* ... and none of these */
  const char *begin;
  const char *system; /* the system message where the conversation has none; NULL: none */
  struct rd_chat_turn {
    const char *before, *after;
  } turns[3];          /* system, user, assistant */
  const char *answer;  /* asks for the assistant's turn */
  bool system_in_user; /* the system turn stands inside the first user turn */
  bool trim;           /* white space around contents is dropped */
} rd_chat_template;

extern const rd_table rd_chat_template_table;
/* The row of that name: RD_USAGE with all names when there is none. */
rd_code rd_chat_template_find(const rd_chat_template **out, const char *name, rd_error *e);
/* The row that renders what this Jinja text renders, or NULL. */
const rd_chat_template *rd_chat_template_detect(const char *jinja);
/* The row for a model: `name` if given, else the one of the tokenizer's own files. RD_UNSUPPORTED,
 * naming the rows and --chat-template, when the files hold none or one that is not known. */
rd_code rd_chat_template_choose(const rd_chat_template **out, const rd_tokenizer *t,
                                const char *name, rd_error *e);

/* Render `count` messages and ask for the assistant's turn; special tokens written in their
 * contents are plain text. *ids is new (free it). A system message may only come first; other roles
 * are RD_BAD_INPUT. */
rd_code rd_chat_render(const rd_tokenizer *t, const rd_chat_template *row,
                       const rd_message *messages, size_t count, int32_t **ids, size_t *id_count,
                       rd_error *e);

#endif
