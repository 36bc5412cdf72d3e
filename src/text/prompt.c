/* SPDX-License-Identifier: MIT */
/* Prompts as ids: a conversation in the model's chat template, or plain text. */
#include "prompt.h"

#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rd_code check_messages(const rd_message *messages, size_t count, rd_error *e) {
  for (size_t i = 0; i < count; i++) {
    char what[64];
    snprintf(what, sizeof what, count > 1 ? "message %zu" : "the prompt", i + 1);
    RD_TRY(rd_utf8_check(messages[i].content, strlen(messages[i].content), what, e));
  }
  return RD_OK;
}

rd_code rd_prompt_encode(int32_t **ids, int64_t *count, const rd_prompter *p,
                         const rd_message *messages, size_t message_count, bool raw, rd_error *e) {
  *ids = NULL;
  *count = 0;
  if (!p->tokenizer)
    return rd_fail(e, RD_USAGE, "%s has no tokenizer, so that it cannot read a prompt",
                   p->name ? p->name : "the model");
  RD_TRY(check_messages(messages, message_count, e));
  size_t n = 0;
  if (p->chat_template && !raw) {
    RD_TRY(rd_chat_render(p->tokenizer, p->chat_template, messages, message_count, ids, &n,
                          e));
    *count = (int64_t)n;
    return RD_OK;
  }
  if (message_count != 1)
    return rd_fail(e, RD_USAGE,
                   "%zu messages need a chat template, and the model's files name none that is "
                   "known: choose one with --chat-template",
                   message_count);
  unsigned flags = rd_tokenizer_adds_bos(p->tokenizer) ? RD_TOK_BOS : 0;
  const char *text = messages[0].content;
  RD_TRY(rd_tokenizer_encode(p->tokenizer, text, strlen(text), flags, ids, &n, e));
  *count = (int64_t)n;
  return RD_OK;
}
