/* SPDX-License-Identifier: MIT */
/* Rendering keeps two kinds of text apart: the row's, in which special tokens are tokens, and the
 * messages', in which they are not. Plain text of both is gathered until the next special token and
 * encoded in one go, so that words merge over the seam as in the model's own rendering. */
#include "chat_template.h"

#include "tok_model.h"

#include <stdlib.h>
#include <string.h>

#define LLAMA3_TURN(role)                                                                          \
  { "<|start_header_id|>" role "<|end_header_id|>\n\n", "<|eot_id|>" }
#define LLAMA3_TURNS                                                                               \
  { LLAMA3_TURN("system"), LLAMA3_TURN("user"), LLAMA3_TURN("assistant") }
#define LLAMA3_ANSWER "<|start_header_id|>assistant<|end_header_id|>\n\n"
#define LLAMA3_TOKENS "<|start_header_id|> <|end_header_id|> <|eot_id|>"
#define LLAMA3_DATES "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
#define CHATML_TURN(role)                                                                          \
  { "<|im_start|>" role "\n", "<|im_end|>\n" }
#define CHATML_TURNS                                                                               \
  { CHATML_TURN("system"), CHATML_TURN("user"), CHATML_TURN("assistant") }
#define CHATML_ANSWER "<|im_start|>assistant\n"
#define CHATML_TOKENS "<|im_start|> <|im_end|>"

/* In order of recognition: a row that asks for more marks stands before one that asks for fewer. */
static const rd_chat_template rows[] = {
    {.name = "tini",
     .help = "the built-in model: <|user|>question<|assistant|>",
     .tokens = "<|user|> <|assistant|>",
     .marks = {"'<|' + message['role'] + '|>' + message['content']"},
     .begin = "",
     .turns = {{"<|system|>", ""}, {"<|user|>", ""}, {"<|assistant|>", "{eos}"}},
     .answer = "<|assistant|>"},
    {.name = "llama-3.1",
     .help =
         "LLaMA 3.1 and 3.2 Instruct: as llama-3, with their dates as system text; LAD's models",
     .tokens = LLAMA3_TOKENS,
     .marks = {"<|start_header_id|>", "Cutting Knowledge Date: December 2023"},
     .begin = "{bos}",
     .system = "",
     .turns = {{"<|start_header_id|>system<|end_header_id|>\n\n" LLAMA3_DATES, "<|eot_id|>"},
               LLAMA3_TURN("user"),
               LLAMA3_TURN("assistant")},
     .answer = LLAMA3_ANSWER,
     .trim = true},
    {.name = "llama-3",
     .help = "LLaMA 3 Instruct: headers with roles; LAD's demo",
     .tokens = LLAMA3_TOKENS,
     .marks = {"<|start_header_id|>", "<|eot_id|>", "add_generation_prompt"},
     .begin = "{bos}",
     .turns = LLAMA3_TURNS,
     .answer = LLAMA3_ANSWER,
     .trim = true},
    {.name = "llada",
     .help = "LLaDA Instruct: LLaMA 3's headers after <|startoftext|>",
     .tokens = LLAMA3_TOKENS,
     .marks = {"<|start_header_id|>", "<|eot_id|>"},
     .unmarks = {"add_generation_prompt"},
     .begin = "{bos}",
     .turns = LLAMA3_TURNS,
     .answer = LLAMA3_ANSWER,
     .trim = true},
    {.name = "qwen2.5",
     .help = "Qwen2.5 Instruct: chatml with its own system text",
     .tokens = CHATML_TOKENS,
     .marks = {"<|im_start|>", "<|im_end|>",
               "You are Qwen, created by Alibaba Cloud. You are a helpful assistant."},
     .begin = "",
     .system = "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.",
     .turns = CHATML_TURNS,
     .answer = CHATML_ANSWER},
    {.name = "qwen2",
     .help = "Qwen2 Instruct and Dream: chatml with \"You are a helpful assistant.\"",
     .tokens = CHATML_TOKENS,
     .marks = {"<|im_start|>", "<|im_end|>", "You are a helpful assistant"},
     .begin = "",
     .system = "You are a helpful assistant.",
     .turns = CHATML_TURNS,
     .answer = CHATML_ANSWER},
    {.name = "chatml",
     .help = "<|im_start|>role .. <|im_end|>",
     .tokens = CHATML_TOKENS,
     .marks = {"<|im_start|>", "<|im_end|>"},
     .begin = "",
     .turns = CHATML_TURNS,
     .answer = CHATML_ANSWER},
    {.name = "llama-2",
     .help = "LLaMA 2 Chat: [INST] question [/INST]",
     .tokens = "",
     .marks = {"[INST]", "[/INST]", "<<SYS>>"},
     .begin = "",
     .turns = {{"<<SYS>>\n", "\n<</SYS>>\n\n"}, {"{bos}[INST] ", " [/INST]"}, {" ", " {eos}"}},
     .answer = "",
     .system_in_user = true,
     .trim = true},
    {.name = "plain",
     .help = "the messages' text, one line each, and nothing else: for models without a template",
     .tokens = "",
     .begin = "{start}",
     .turns = {{"", "\n"}, {"", ""}, {"\n", "\n"}},
     .answer = ""},
};
enum { ROWS = sizeof rows / sizeof *rows, SYSTEM = 0, USER = 1, ROLES = 3 };
static const char *const roles[ROLES] = {"system", "user", "assistant"};

const rd_table rd_chat_template_table = RD_TABLE("chat template", rows);

rd_code rd_chat_template_find(const rd_chat_template **out, const char *name, rd_error *e) {
  *out = rd_table_find(&rd_chat_template_table, name, e);
  return *out ? RD_OK : RD_USAGE;
}

static bool recognises(const rd_chat_template *row, const char *jinja) {
  for (size_t i = 0; i < sizeof row->marks / sizeof *row->marks; i++)
    if (row->marks[i] && !strstr(jinja, row->marks[i]))
      return false;
  for (size_t i = 0; i < sizeof row->unmarks / sizeof *row->unmarks; i++)
    if (row->unmarks[i] && strstr(jinja, row->unmarks[i]))
      return false;
  return row->marks[0] != NULL;
}

const rd_chat_template *rd_chat_template_detect(const char *jinja) {
  for (size_t i = 0; i < ROWS && jinja; i++)
    if (recognises(&rows[i], jinja))
      return &rows[i];
  return NULL;
}

rd_code rd_chat_template_choose(const rd_chat_template **out, const rd_tokenizer *t,
                                const char *name, rd_error *e) {
  const char *jinja = rd_tokenizer_chat_template(t);
  if (name)
    return rd_chat_template_find(out, name, e);
  *out = rd_chat_template_detect(jinja);
  if (*out)
    return RD_OK;
  char *list = rd_table_names(&rd_chat_template_table, ", ", " or ");
  rd_fail(e, RD_UNSUPPORTED, "the model %s: choose one with --chat-template (%s)",
          jinja ? "has a chat template that is none of the known ones" : "has no chat template",
          list ? list : "--help lists them");
  free(list);
  return RD_UNSUPPORTED;
}

/* A prompt being written: plain text since the last special token, and the ids before it. */
typedef struct prompt {
  const rd_tokenizer *t;
  rd_bytes text;
  rd_ids ids;
} prompt;

static rd_code flush(prompt *p, rd_error *e) {
  int32_t *ids;
  size_t count;
  if (p->text.size == 0)
    return RD_OK;
  RD_TRY(rd_tokenizer_encode(p->t, p->text.data, p->text.size, 0, &ids, &count, e));
  rd_code code = RD_OK;
  for (size_t i = 0; i < count && code == RD_OK; i++)
    code = rd_ids_add(&p->ids, ids[i], e);
  free(ids);
  p->text.size = 0;
  return code;
}

static rd_code put_token(prompt *p, int32_t id, rd_error *e) {
  if (id < 0)
    return RD_OK;
  RD_TRY(flush(p, e));
  return rd_ids_add(&p->ids, id, e);
}

/* What the placeholders of a row's text stand for. */
static int32_t start_of(const rd_tokenizer *t) {
  return t->add_bos ? t->bos : -1;
}
static int32_t eos_of(const rd_tokenizer *t) {
  return t->eos.size ? t->eos.data[0] : -1;
}
static const struct placeholder {
  const char *text;
  int32_t (*id)(const rd_tokenizer *t);
} placeholders[] = {{"{bos}", rd_tokenizer_bos}, {"{eos}", eos_of}, {"{start}", start_of}};

/* Text of the row: placeholders, special tokens, plain text. */
static rd_code put_row(prompt *p, const char *text, rd_error *e) {
  while (*text) {
    const struct placeholder *hit = NULL;
    for (size_t i = 0; i < sizeof placeholders / sizeof *placeholders; i++)
      if (strncmp(text, placeholders[i].text, strlen(placeholders[i].text)) == 0)
        hit = &placeholders[i];
    if (hit) {
      RD_TRY(put_token(p, hit->id(p->t), e));
      text += strlen(hit->text);
      continue;
    }
    rd_slice rest = {text, 1 + strcspn(text + 1, "{")};
    rd_added_match m = rd_added_find(&p->t->added, rest, 0, true);
    RD_TRY(rd_bytes_add(&p->text, text, m.start, e));
    RD_TRY(put_token(p, m.id, e));
    text += m.id >= 0 ? m.end : rest.size;
  }
  return RD_OK;
}

static rd_code put_content(prompt *p, const rd_chat_template *row, const char *content,
                           rd_error *e) {
  size_t size = strlen(content);
  while (row->trim && size && strchr(" \t\r\n", content[size - 1]))
    size--;
  while (row->trim && size && strchr(" \t\r\n", *content)) {
    content++;
    size--;
  }
  return rd_bytes_add(&p->text, content, size, e);
}

static rd_code put_turn(prompt *p, const rd_chat_template *row, size_t role, const char *content,
                        const char *inside, rd_error *e) {
  RD_TRY(put_row(p, row->turns[role].before, e));
  if (inside) { /* the system message within the first user turn */
    RD_TRY(put_row(p, row->turns[SYSTEM].before, e));
    RD_TRY(put_content(p, row, inside, e));
    RD_TRY(put_row(p, row->turns[SYSTEM].after, e));
  }
  RD_TRY(put_content(p, row, content, e));
  return put_row(p, row->turns[role].after, e);
}

static rd_code role_of(const rd_message *messages, size_t index, size_t *role, rd_error *e) {
  for (*role = 0; *role < ROLES; ++*role)
    if (strcmp(messages[index].role, roles[*role]) == 0)
      break;
  if (*role == ROLES)
    return rd_fail(e, RD_BAD_INPUT,
                   "message %zu has role \"%s\"; system, user and assistant are known", index,
                   messages[index].role);
  if (*role == SYSTEM && index > 0)
    return rd_fail(e, RD_BAD_INPUT, "message %zu is a system message; only the first may be",
                   index);
  return RD_OK;
}

/* Every special token the row writes must be one of the tokenizer's. */
static rd_code check_tokens(const rd_tokenizer *t, const rd_chat_template *row, rd_error *e) {
  for (const char *at = row->tokens; *at;) {
    size_t size = strcspn(at, " ");
    if (rd_added_id(&t->added, (rd_slice){at, size}) < 0)
      return rd_fail(e, RD_BAD_INPUT,
                     "chat template %s needs the token %.*s, which this tokenizer does not have; "
                     "--chat-template chooses another",
                     row->name, (int)size, at);
    at += size + (at[size] == ' ');
  }
  return RD_OK;
}

static rd_code render(prompt *p, const rd_chat_template *row, const rd_message *messages,
                      size_t count, rd_error *e) {
  size_t role = USER, first = 0;
  RD_TRY(check_tokens(p->t, row, e));
  for (size_t i = 0; i < count; i++)
    RD_TRY(role_of(messages, i, &role, e));
  const char *system = row->system;
  if (count && strcmp(messages[0].role, roles[SYSTEM]) == 0)
    system = messages[first++].content;
  RD_TRY(put_row(p, row->begin, e));
  if (system && !row->system_in_user)
    RD_TRY(put_turn(p, row, SYSTEM, system, NULL, e));
  for (size_t i = first; i < count; i++) {
    RD_TRY(role_of(messages, i, &role, e));
    bool inside = row->system_in_user && system && role == USER;
    RD_TRY(put_turn(p, row, role, messages[i].content, inside ? system : NULL, e));
    system = inside ? NULL : system;
  }
  RD_TRY(put_row(p, row->answer, e));
  return flush(p, e);
}

rd_code rd_chat_render(const rd_tokenizer *t, const rd_chat_template *row,
                       const rd_message *messages, size_t count, int32_t **ids, size_t *id_count,
                       rd_error *e) {
  prompt p = {.t = t};
  *ids = NULL;
  *id_count = 0;
  rd_code code = rd_grow((void **)&p.ids.data, &p.ids.capacity, 16, sizeof *p.ids.data, e);
  if (code == RD_OK)
    code = render(&p, row, messages, count, e);
  rd_bytes_drop(&p.text);
  if (code != RD_OK) {
    rd_ids_drop(&p.ids);
    return code;
  }
  *ids = p.ids.data;
  *id_count = p.ids.size;
  return RD_OK;
}
