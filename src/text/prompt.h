/* SPDX-License-Identifier: MIT */
/* Prompts as ids: a conversation in a chat template, or plain text. The one way from words to what
 * a model reads, for generation, training and measuring alike. */
#ifndef RD_PROMPT_H
#define RD_PROMPT_H

#include "chat_template.h"
#include "option.h"

/* What a user says of prompts, where the model's own files say it not or otherwise. */
typedef struct rd_prompt_choice {
  char *chat_template; /* name of a row, or a Jinja file */
  char *mask_token;    /* the word that stands for noise */
  char *system;        /* the system message of conversations that have none */
} rd_prompt_choice;

/* Its option rows: chat_template and mask_token, which say how a model reads; system. */
extern const rd_table rd_prompt_rows, rd_system_rows;

/* What lays out the prompts of one model. All borrowed. */
typedef struct rd_prompter {
  const char *name;                      /* of the model, for messages; NULL: "the model" */
  const rd_tokenizer *tokenizer;         /* NULL: RD_USAGE, no prompt can be read */
  const rd_chat_template *chat_template; /* NULL: none is known */
  const char *system; /* the system message of conversations that have none; NULL: none */
} rd_prompter;

/* Prompt ids of messages in the chat template; with `raw`, or one message and no template known, of
 * the plain text, BOS where the tokenizer asks for it. *ids is new. RD_BAD_INPUT: no UTF-8.
 * RD_USAGE: no tokenizer; several messages and no template. */
rd_code rd_prompt_encode(int32_t **ids, int64_t *count, const rd_prompter *prompter,
                         const rd_message *messages, size_t message_count, bool raw, rd_error *e);
/* The same in the template, of turns as the template is to see them ({"role", "content",
 * "tool_calls", ..}), with tools that may be called (NULL: none). RD_USAGE: no template. */
rd_code rd_prompt_encode_turns(int32_t **ids, int64_t *count, const rd_prompter *prompter,
                               const json_t *turns, const json_t *tools, rd_error *e);

/* Is there nothing to answer: no character, or spaces and line ends alone? */
bool rd_prompt_blank(const char *text);
/* RD_USAGE names a message whose role or content is NULL. */
rd_code rd_messages_check(const rd_message *messages, size_t count, rd_error *e);

#endif
