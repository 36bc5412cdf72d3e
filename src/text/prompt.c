/* SPDX-License-Identifier: MIT */
/* Prompts as ids: a conversation in the model's chat template, or plain text. */
#include "prompt.h"

#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) RD_OPTION_AT(rd_prompt_choice, member)
static const rd_option prompt_rows[] = {
    {"chat-template", AT(chat_template), .choices = &rd_chat_template_table, .files = true,
     .group = "Model", .value = "NAME",
     .help = "how messages are laid out, in place of the model's own way; or a Jinja file"},
    {"mask-token", AT(mask_token), .group = "Model", .value = "WORD",
     .help = "the word that stands for noise, when the model's own files name none"},
};
static const rd_option system_rows[] = {
    {"system", AT(system), .group = "Prompt", .value = "TEXT",
     .help = "how the model is to behave"},
};
const rd_table rd_prompt_rows = RD_TABLE("option", prompt_rows);
const rd_table rd_system_rows = RD_TABLE("option", system_rows);

static rd_code check_messages(const rd_message *messages, size_t count, rd_error *e) {
  for (size_t i = 0; i < count; i++) {
    char what[64];
    snprintf(what, sizeof what, count > 1 ? "message %zu" : "the prompt", i + 1);
    RD_TRY(rd_utf8_check(messages[i].content, strlen(messages[i].content), what, e));
  }
  return RD_OK;
}

static rd_code encode_plain(int32_t **ids, int64_t *count, const rd_tokenizer *t, const char *text,
                            rd_error *e) {
  size_t n = 0;
  unsigned flags = rd_tokenizer_adds_bos(t) ? RD_TOK_BOS : 0;
  rd_code code = rd_tokenizer_encode(t, text, strlen(text), flags, ids, &n, e);
  *count = (int64_t)n;
  return code;
}

/* In the template, or plain: the conversation is whole. */
static rd_code encode(int32_t **ids, int64_t *count, const rd_prompter *p,
                      const rd_message *messages, size_t message_count, bool raw, rd_error *e) {
  size_t n = 0;
  RD_TRY(check_messages(messages, message_count, e));
  if (p->chat_template && !raw) {
    rd_code code =
        rd_chat_render(p->tokenizer, p->chat_template, messages, message_count, ids, &n, e);
    *count = (int64_t)n;
    return code;
  }
  if (message_count == 1)
    return encode_plain(ids, count, p->tokenizer, messages[0].content, e);
  if (raw)
    return rd_fail(e, RD_USAGE,
                   "%zu messages need a chat template, which a raw prompt goes without",
                   message_count);
  return rd_fail(e, RD_USAGE,
                 "%zu messages need a chat template, and the model's files name none that is "
                 "known: choose one with --chat-template",
                 message_count);
}

static rd_code check_tokenizer(const rd_prompter *p, rd_error *e) {
  return p->tokenizer ? RD_OK
                      : rd_fail(e, RD_USAGE, "%s has no tokenizer, so that it cannot read a prompt",
                                p->name ? p->name : "the model");
}

rd_code rd_prompt_encode(int32_t **ids, int64_t *count, const rd_prompter *p,
                         const rd_message *messages, size_t message_count, bool raw, rd_error *e) {
  *ids = NULL;
  *count = 0;
  RD_TRY(check_tokenizer(p, e));
  bool has_system = message_count > 0 && strcmp(messages[0].role, "system") == 0;
  if (!p->system || has_system)
    return encode(ids, count, p, messages, message_count, raw, e);
  rd_message *all = rd_calloc(message_count + 1, sizeof *all, "messages", e);
  if (!all)
    return RD_NO_MEMORY;
  all[0] = (rd_message){"system", p->system};
  memcpy(all + 1, messages, message_count * sizeof *all);
  rd_code code = encode(ids, count, p, all, message_count + 1, raw, e);
  free(all);
  return code;
}

/* All that the template sees; NULL: no memory. */
static json_t *conversation(const rd_prompter *p, const json_t *turns, const json_t *tools) {
  json_t *all = json_array();
  const json_t *first = json_object_get(json_array_get(turns, 0), "role");
  bool has_system = json_is_string(first) && strcmp(json_string_value(first), "system") == 0;
  bool good = all != NULL;
  if (good && p->system && !has_system)
    good = json_array_append_new(
               all, json_pack("{s:s, s:s}", "role", "system", "content", p->system)) == 0;
  good = good && json_array_extend(all, (json_t *)(uintptr_t)turns) == 0;
  if (good)
    return json_pack("{s:o, s:b, s:O?, s:n}", "messages", all, "add_generation_prompt", 1, "tools",
                     tools, "documents");
  json_decref(all);
  return NULL;
}

rd_code rd_prompt_encode_turns(int32_t **ids, int64_t *count, const rd_prompter *p,
                               const json_t *turns, const json_t *tools, rd_error *e) {
  size_t n = 0;
  *ids = NULL;
  *count = 0;
  RD_TRY(check_tokenizer(p, e));
  if (!p->chat_template)
    return rd_fail(
        e, RD_USAGE,
        "tools and what is said of them need a chat template, and the model's files name "
        "none that is known: choose one with --chat-template");
  json_t *data = conversation(p, turns, tools);
  if (!data)
    return rd_fail(e, RD_NO_MEMORY, "out of memory: a conversation");
  rd_code code = rd_chat_render_json(p->tokenizer, p->chat_template, data, ids, &n, e);
  json_decref(data);
  *count = (int64_t)n;
  return code;
}

bool rd_prompt_blank(const char *text) {
  return !text[strspn(text, " \t\r\n")];
}

rd_code rd_messages_check(const rd_message *messages, size_t count, rd_error *e) {
  if (count > 0)
    RD_GIVEN(messages, e);
  for (size_t i = 0; i < count; i++)
    if (!messages[i].role || !messages[i].content)
      return rd_fail(e, RD_USAGE, "message %zu: its %s is NULL, and must be given", i + 1,
                     messages[i].role ? "content" : "role");
  return RD_OK;
}
